/** What is wrong with a lesson, said so that an editor and a person can both jump to the place. */

export interface Problem {
  /** as given to the loader, joined with the file's name */
  readonly file: string;
  /** counted from 1 */
  readonly line: number;
  /** one sentence, lower case, no full stop */
  readonly message: string;
  readonly hint?: string | undefined;
}

/** `lessons/containers/01-x/en.md:12: step "look" has no hint (add "### hint")` */
export function formatProblem({ file, line, message, hint }: Problem): string {
  return `${file}:${line}: ${message}${hint === undefined ? '' : ` (${hint})`}`;
}

/** Thrown by the loader with everything that it found, not only the first. */
export class LessonError extends Error {
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super(problems.map(formatProblem).join('\n'));
    this.name = 'LessonError';
    this.problems = problems;
  }
}
