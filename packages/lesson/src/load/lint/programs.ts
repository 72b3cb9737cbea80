/**
 * Commands that need a program which the sandbox's image lacks. The image's programs stand in
 * scripts/setup/image/programs.txt: a lint must not need the image built.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command, Lesson } from '../../types.js';
import type { Finding } from './finding.js';
import { functionsOf, hereDocument, programsOf } from './shell.js';

/** Where the list stands below the project's folder. */
export const PROGRAMS_FILE = 'scripts/setup/image/programs.txt';

/** The programs of the image. @param root the project's folder */
export function imagePrograms(root: string): ReadonlySet<string> {
  const lines = readFileSync(join(root, PROGRAMS_FILE), 'utf8').split('\n');
  return new Set(lines.filter((line) => line !== '' && !line.startsWith('#')));
}

/** Every line that starts a program which is not there. */
export function missingPrograms(lesson: Lesson, programs: ReadonlySet<string>): Finding[] {
  const runs = lesson.steps.flatMap((step) => [
    step.setup,
    step.commands,
    step.solution,
    ...step.wrong.map((one) => one.commands),
  ]);
  // A function may have been defined by the step before: its shell is still there.
  const lines = runs.flat().flatMap((command) => ('line' in command ? [command.line] : []));
  const known = new Set([...programs, ...lines.flatMap(functionsOf)]);
  return runs.flatMap((commands) => inOneGo(commands, known));
}

/** Lines that are typed one after the other: texts may stretch over several. */
function inOneGo(commands: readonly Command[], known: ReadonlySet<string>): Finding[] {
  const ends = new Map<number, string>(); // terminal → what ends the text that is typed there
  return commands.flatMap((command): Finding[] => {
    if (!('line' in command)) return [];
    const { line, terminal } = command;
    const end = ends.get(terminal);
    if (end !== undefined) {
      if (line === end) ends.delete(terminal);
      return [];
    }
    const begun = hereDocument(line);
    if (begun !== null) ends.set(terminal, begun);
    const lacking = programsOf(line).filter((name) => !known.has(name));
    return lacking.map((name) => ({
      file: 'lesson.yaml',
      at: line.slice(0, 30),
      message: `the image has no program "${name}"`,
      hint: `${PROGRAMS_FILE} lists them; packages stand in scripts/setup/images.mjs`,
    }));
  });
}
