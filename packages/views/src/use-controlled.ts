'use client';
import { useState } from 'react';

/** A value that the page may own (`value` given); if it does not, the view does. */
export function useControlled<T>(
  value: T | null | undefined,
  onChange: ((value: T | null) => void) | undefined,
): [T | null, (value: T | null) => void] {
  const [own, setOwn] = useState<T | null>(null);
  const set = (next: T | null) => {
    if (value === undefined) setOwn(next);
    onChange?.(next);
  };
  return [value === undefined ? own : value, set];
}
