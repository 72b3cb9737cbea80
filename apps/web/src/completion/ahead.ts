/** Where a learner goes from a lesson that is done. Pure. */
import type { LocalText } from '@terrarium/lesson';
import {
  type CountedLesson,
  courseStanding,
  type Passed,
  resumeOf,
} from '../course/course-progress';

/** A lesson of the course, as far as the way ahead needs it. */
export interface AheadLesson extends CountedLesson {
  readonly title: LocalText;
}

/** The next lesson that is not done, or how much of the course that was. */
export type Ahead =
  | { readonly kind: 'next'; readonly lesson: AheadLesson }
  | { readonly kind: 'end'; readonly lessons: number; readonly steps: number };

/**
 * The lesson to go to from one that is done.
 *
 * @param lessons those of its course, in their order
 * @param passed what is known of all lessons; the one that is done need not be in it yet
 */
export function aheadOf(lessons: readonly AheadLesson[], done: string, passed: Passed): Ahead {
  const steps = lessons.find(({ id }) => id === done)?.steps ?? [];
  const all = { ...passed, [done]: Object.fromEntries(steps.map(({ id }) => [id, 1])) };
  const resume = resumeOf(lessons, all, done);
  if (resume !== null && resume.kind !== 'again') return { kind: 'next', lesson: resume.lesson };
  const count = lessons.reduce((sum, lesson) => sum + lesson.steps.length, 0);
  return { kind: 'end', lessons: courseStanding(lessons, all).finished, steps: count };
}
