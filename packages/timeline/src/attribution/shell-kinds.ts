/** Which processes are shells that a person types into. */
import type { ProcessState } from '../state.js';

/**
 * Bash before its prompt, as the sandbox's image sets it up: it will say what it runs, and so does
 * nothing while it says nothing. False where its arguments tell that it reads other files, or runs
 * a script.
 */
export function isFrontShell({ comm, args, terminal }: ProcessState): boolean {
  if (terminal === null || comm.replace(/^-/, '') !== 'bash') return false;
  return args.slice(1).every((one) => /^(-[il]+|--login)$/.test(one));
}
