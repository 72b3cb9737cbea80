/**
 * SyscallError: what every failing system call of the house becomes, whether koffi made it or
 * the player, with its parts apart so that a test, a log and a lesson can each use them.
 */
import { errnoMeaning, errnoName } from './errno.js';
import { type HintText, hintFor } from './errno-hints/index.js';

/** The parts of a failed call. */
export interface SyscallErrorInput {
  /** man page name */
  readonly syscall: string;
  readonly errno: number;
  /** what the call worked on: `overlay on /run/lab/c1/rootfs`, or as strace writes it, in parentheses */
  readonly args: string;
  /** the path of the file that the call's fd was opened as, where the arguments do not say it */
  readonly file?: string;
  /** replaces the table's hint, in English and in Chinese */
  readonly hint?: HintText;
}

/** `mount overlay on /run/lab/c1/rootfs: EINVAL (invalid argument)`; the hint is not in the message. */
export class SyscallError extends Error {
  override readonly name = 'SyscallError';
  readonly syscall: string;
  /** errno's name */
  readonly code: string;
  readonly errno: number;
  readonly args: string;
  /** where to look when the errno misleads: English */
  readonly hint: string | undefined;
  /** the hint in every language of the house */
  readonly hints: HintText | undefined;

  constructor({ syscall, errno, args, file, hint }: SyscallErrorInput) {
    const object = args === '' || args.startsWith('(') ? `${syscall}${args}` : `${syscall} ${args}`;
    super(`${object}: ${errnoName(errno)} (${errnoMeaning(errno)})`);
    this.syscall = syscall;
    this.code = errnoName(errno);
    this.errno = errno;
    this.args = args;
    this.hints = hint ?? hintFor(syscall, this.code, args, ...(file === undefined ? [] : [file]));
    this.hint = this.hints?.en;
  }
}
