/**
 * How a learner stands in all lessons at once, from what the daemon keeps: which steps passed,
 * and when. Pure, so that the course page and its tests agree.
 */
import { z } from 'zod';

/** What is passed: lesson → step → milliseconds since the epoch. */
export type Passed = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** The part of `GET /api/session` that is read here. */
export const sessionAnswer: z.ZodType<{ progress: { passed: Passed } }> = z.object({
  progress: z.object({ passed: z.record(z.string(), z.record(z.string(), z.number())) }),
});

/** What is asked of a lesson. */
export interface CountedLesson {
  readonly id: string;
  readonly minutes: number;
  readonly steps: readonly { readonly id: string }[];
}

export interface LessonStanding {
  readonly done: number;
  readonly total: number;
  readonly state: 'new' | 'begun' | 'finished';
  /** by the lesson's own estimate, for what is not done yet */
  readonly minutesLeft: number;
}

/** How one lesson stands. */
export function standingOf(lesson: CountedLesson, passed: Passed): LessonStanding {
  const steps = passed[lesson.id] ?? {};
  const total = lesson.steps.length;
  const done = lesson.steps.filter(({ id }) => steps[id] !== undefined).length;
  const state = done === 0 ? 'new' : done === total ? 'finished' : 'begun';
  const minutesLeft = total === 0 ? 0 : Math.ceil((lesson.minutes * (total - done)) / total);
  return { done, total, state, minutesLeft };
}

/** Where the one button of the course page leads. */
export interface Resume<L> {
  readonly lesson: L;
  readonly kind: 'start' | 'continue' | 'next' | 'again';
}

/**
 * The lesson to go on with: the one that was open last, unless it is finished; then the next one
 * that is not, first after it, else from the beginning. null when no lesson exists.
 */
export function resumeOf<L extends CountedLesson>(
  lessons: readonly L[],
  passed: Passed,
  last: string | undefined,
): Resume<L> | null {
  const [first] = lessons;
  if (first === undefined) return null;
  const open = (lesson: L): boolean => standingOf(lesson, passed).state !== 'finished';
  const at = lessons.findIndex(({ id }) => id === last);
  const left = lessons[at];
  if (left === undefined) {
    const begun = lessons.find((lesson) => standingOf(lesson, passed).state === 'begun');
    return begun === undefined
      ? { lesson: lessons.find(open) ?? first, kind: 'start' }
      : { lesson: begun, kind: 'continue' };
  }
  if (open(left)) return { lesson: left, kind: 'continue' };
  const next = [...lessons.slice(at + 1), ...lessons.slice(0, at)].find(open);
  return next === undefined ? { lesson: left, kind: 'again' } : { lesson: next, kind: 'next' };
}

/** Figures of a whole course. */
export interface CourseStanding {
  readonly finished: number;
  readonly minutes: number;
  readonly minutesLeft: number;
}

export function courseStanding(lessons: readonly CountedLesson[], passed: Passed): CourseStanding {
  const standings = lessons.map((lesson) => standingOf(lesson, passed));
  return {
    finished: standings.filter(({ state }) => state === 'finished').length,
    minutes: lessons.reduce((sum, { minutes }) => sum + minutes, 0),
    minutesLeft: standings.reduce((sum, { minutesLeft }) => sum + minutesLeft, 0),
  };
}
