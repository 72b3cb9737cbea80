/** Where this checkout is, and the lessons in it. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { lessonDirs } from '@terrarium/lesson/load';
import { CommandFailure } from './failure.js';

/** The checkout's folder: apps/cli/dist/project.js stands three below it. */
export const ROOT: string = fileURLToPath(new URL('../../../', import.meta.url));
export const LESSONS: string = join(ROOT, 'lessons');

/**
 * Lesson folders by a path or an id.
 *
 * @param name a folder, a course (`containers`), or an id such as `containers/01`; all when undefined
 * @throws CommandFailure when there is none
 */
export function findLessons(name: string | undefined): string[] {
  if (name === undefined) return lessonDirs(LESSONS);
  const path = resolve(name);
  if (existsSync(join(path, 'lesson.yaml'))) return [path];
  const found = existsSync(path)
    ? lessonDirs(path)
    : lessonDirs(LESSONS).filter((dir) => dir.startsWith(join(LESSONS, name)));
  if (found.length === 0) {
    const known = lessonDirs(LESSONS).map((dir) => dir.slice(LESSONS.length + 1));
    throw new CommandFailure(`there is no lesson "${name}"; there are ${known.join(', ')}`);
  }
  return found;
}
