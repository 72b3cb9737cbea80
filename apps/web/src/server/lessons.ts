/**
 * Reads the lessons once and leaves them where the pages find them. They are drawn in this same
 * process, but bundled: a bundler that meets code which reads files would take the whole
 * repository along.
 */
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Lesson } from '@terrarium/lesson';
import { formatProblem, lessonDirs, readLesson } from '@terrarium/lesson/load';
import type { Log } from './server.js';

/** Where content/lessons.ts looks. */
const PLACE = Symbol.for('terrarium.lessons');

const LESSONS_DIR = fileURLToPath(new URL('../../../../lessons', import.meta.url));

/**
 * Offers every lesson that can be read. One that can't is named in the log and left out; the
 * others must not suffer.
 */
export function provideLessons(log: Log, root: string = LESSONS_DIR): readonly Lesson[] {
  const lessons = lessonDirs(root).flatMap((dir) => {
    const { lesson, problems } = readLesson(dir);
    if (lesson !== null && problems.length === 0) return [lesson];
    log({
      level: 'error',
      event: 'lesson.unreadable',
      lesson: basename(dir),
      problems: problems.map(formatProblem),
    });
    return [];
  });
  Object.assign(globalThis, { [PLACE]: lessons });
  return lessons;
}
