'use client';
/** What a lesson needs that this machine does not offer, as the daemon knows it. */
import type { LocalText } from '@terrarium/protocol';
import { useEffect, useState } from 'react';
import { z } from 'zod';

const answerSchema = z.object({
  lessons: z.array(
    z.object({
      id: z.string(),
      requires: z.array(
        z.object({
          feature: z.string(),
          met: z.boolean(),
          message: z.object({ en: z.string(), zh: z.string() }).optional(),
        }),
      ),
    }),
  ),
});

/** The missing features of one lesson, each with its sentence; empty while nothing is known. */
export function useUnmet(lesson: string): readonly LocalText[] {
  const [unmet, setUnmet] = useState<readonly LocalText[]>([]);
  useEffect(() => {
    const abort = new AbortController();
    readUnmet(lesson, abort.signal).then(setUnmet, () => {
      // The daemon is away, which the page says already; the lesson can be read all the same.
    });
    return () => abort.abort();
  }, [lesson]);
  return unmet;
}

async function readUnmet(lesson: string, signal: AbortSignal): Promise<LocalText[]> {
  const response = await fetch('/api/lessons', { signal });
  const { lessons } = answerSchema.parse(await response.json());
  const requires = lessons.find(({ id }) => id === lesson)?.requires ?? [];
  return requires
    .filter(({ met }) => !met)
    .map(({ feature, message }) => message ?? { en: feature, zh: feature });
}
