'use client';
/**
 * What a person looks at: the pointer must rest a moment, so that crossing rows on the way to the
 * card does not change the card; the keyboard counts at once.
 */
import { useEffect, useMemo, useRef, useState } from 'react';

/** Shorter than a reading glance, longer than crossing a row. */
const REST_MS = 110;

export interface Look<T> {
  readonly soon: (what: T) => void;
  readonly now: (what: T) => void;
  readonly cancel: () => void;
}

export function useHoverIntent<T>(): [T | null, Look<T>] {
  const [looked, setLooked] = useState<T | null>(null);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const look = useMemo<Look<T>>(() => {
    const cancel = () => clearTimeout(timer.current);
    return {
      cancel,
      now: (what) => {
        cancel();
        setLooked(what);
      },
      soon: (what) => {
        cancel();
        timer.current = setTimeout(() => setLooked(what), REST_MS);
      },
    };
  }, []);
  useEffect(() => look.cancel, [look]);
  return [looked, look];
}
