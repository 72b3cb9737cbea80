/** The lessons as the server has read them (server/lessons.ts). For server components. */
import type { Lesson } from '@terrarium/lesson';

const PLACE = Symbol.for('terrarium.lessons');

/** All lessons that exist and can be read, in order. */
export function allLessons(): readonly Lesson[] {
  const offered = (globalThis as { [PLACE]?: readonly Lesson[] })[PLACE];
  return offered ?? [];
}

/** One lesson by the parts of its address, or null. */
export function findLesson(course: string, number: string): Lesson | null {
  return (
    allLessons().find((lesson) => lesson.course === course && lesson.number === number) ?? null
  );
}
