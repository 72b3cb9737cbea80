'use client';
/** Lets what changed in a picture glow once: elements by `data-id` whose value is another one. */
import { type RefObject, useEffect, useRef } from 'react';
import { touch } from '../touch.js';

/**
 * @param values what each element shows, compared by identity: states share what did not change
 * @param picture when it changes (another sandbox), nothing is news
 */
export function useGlow(
  containers: readonly RefObject<HTMLElement | null>[],
  values: ReadonlyMap<string, unknown>,
  picture: string | null,
): void {
  const seen = useRef<{ picture: string | null; values: ReadonlyMap<string, unknown> } | null>(
    null,
  );
  useEffect(() => {
    const before = seen.current;
    seen.current = { picture, values };
    if (before === null || before.picture !== picture || before.values === values) return;
    for (const [id, value] of values) {
      if (!before.values.has(id) || before.values.get(id) === value) continue;
      for (const container of containers) {
        const element = container.current?.querySelector(`[data-id="${CSS.escape(id)}"]`);
        if (element != null) touch(element);
      }
    }
  });
}
