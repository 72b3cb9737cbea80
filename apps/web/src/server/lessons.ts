/**
 * Reads the lessons once and leaves them where the pages find them. They are drawn in this same
 * process, but bundled: a bundler that meets code which reads files would take the whole
 * repository along.
 */
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Figure, Lesson } from '@terrarium/lesson';
import { formatProblem, lessonDirs, readFigure, readLesson } from '@terrarium/lesson/load';
import type { Log } from './server.js';

/** Where content/lessons.ts looks. */
const PLACE = Symbol.for('terrarium.lessons');
/** Where content/figures.ts looks. */
const FIGURES = Symbol.for('terrarium.figures');

const LESSONS_DIR = fileURLToPath(new URL('../../../../lessons', import.meta.url));

/**
 * Offers every lesson that can be read. One that can't is named in the log and left out; the
 * others must not suffer.
 */
export function provideLessons(log: Log, root: string = LESSONS_DIR): readonly Lesson[] {
  const figures = new Map<string, Figure>();
  const lessons = lessonDirs(root).flatMap((dir) => {
    const { lesson, problems } = readLesson(dir);
    if (lesson !== null && problems.length === 0) {
      const figure = figureOf(dir, log);
      if (figure !== null) figures.set(lesson.id, figure);
      return [lesson];
    }
    log({
      level: 'error',
      event: 'lesson.unreadable',
      lesson: basename(dir),
      problems: problems.map(formatProblem),
    });
    return [];
  });
  Object.assign(globalThis, { [PLACE]: lessons, [FIGURES]: figures });
  return lessons;
}

/** A lesson does without a figure that cannot be read; the log says why. */
function figureOf(dir: string, log: Log): Figure | null {
  try {
    return readFigure(dir);
  } catch (error) {
    const problem = (error as Error).message;
    log({ level: 'error', event: 'lesson.figure', lesson: basename(dir), problem });
    return null;
  }
}
