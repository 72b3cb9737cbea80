'use client';
/** Lets what is new in a picture glow once: rows that were not there at the last look. */
import { type RefObject, useEffect, useRef } from 'react';
import { touch } from './touch.js';

/**
 * @param ids of all `[data-appear]` elements now
 * @param picture when it changes (another sandbox), everything is new, and so nothing is
 */
export function useAppear(
  container: RefObject<HTMLElement | null>,
  ids: readonly string[],
  picture: string | null,
): void {
  const seen = useRef<{ picture: string | null; ids: ReadonlySet<string> } | null>(null);
  useEffect(() => {
    const before = seen.current;
    const now = new Set(ids);
    seen.current = { picture, ids: now };
    if (before === null || before.picture !== picture) return;
    for (const id of now) {
      if (before.ids.has(id)) continue;
      const row = container.current?.querySelector(`[data-appear="${CSS.escape(id)}"]`);
      if (row !== null && row !== undefined) touch(row);
    }
  }, [container, ids, picture]);
}
