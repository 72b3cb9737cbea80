/** Keeps where a presentation stands over a reload of its window; another window begins anew. */
import { z } from 'zod';
import type { Place, Slide } from './actions';
import { placeSchema } from './channel';
import type { Clock } from './clock';

const kept = z.object({
  place: placeSchema,
  clock: z.object({
    startedAt: z.number().nullable(),
    slideSince: z.number(),
    spent: z.array(z.number()),
  }),
});

/** Null when there is none, or it was at the end: then it begins anew. */
export function keptPlace(
  lesson: string,
  slides: readonly Slide[],
): { place: Place; clock: Clock } | null {
  try {
    const found = kept.parse(JSON.parse(sessionStorage.getItem(keyOf(lesson)) ?? 'null'));
    const actions = slides[found.place.slide]?.actions.length ?? -1;
    const isLast = found.place.slide === slides.length - 1;
    return found.place.at > actions || isLast ? null : found;
  } catch {
    return null; // none, or of an older page
  }
}

/** Keeps it. */
export function keepPlace(lesson: string, value: { place: Place; clock: Clock }): void {
  try {
    sessionStorage.setItem(keyOf(lesson), JSON.stringify(value));
  } catch {
    // A browser that keeps nothing: a reload begins anew.
  }
}

function keyOf(lesson: string): string {
  return `terrarium-demo:${lesson}`;
}
