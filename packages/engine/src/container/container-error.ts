/**
 * ContainerError: why an operation on a container was not done. One sentence that names operation
 * and container, a stable code for callers, and what people expect as exit code of a command line.
 */
import { errnoMeaning, errnoName, type PlanError, type SyscallError } from '@terrarium/syscall';

/**
 * - `exists`, `not-found`: about the id
 * - `wrong-state`: the container is not in a state in which this can be done
 * - `unreadable`: its file on disk is torn, or of another version
 * - `config`: the config asks for what is not supported
 * - `program`: execve failed; `errno` says how, `exitCode` is 126 or 127
 * - `hook`: a hook failed
 * - `kernel`: a system call was refused; `errno` says how
 * - `busy`: something else is in the way: a cgroup in use, a process that does not end
 */
export type ContainerErrorCode =
  | 'exists'
  | 'not-found'
  | 'wrong-state'
  | 'unreadable'
  | 'config'
  | 'program'
  | 'hook'
  | 'kernel'
  | 'busy';

/** What a ContainerError is made from. */
export interface ContainerErrorInput {
  readonly code: ContainerErrorCode;
  /** `start container web-1` */
  readonly what: string;
  /** one clause */
  readonly reason: string;
  readonly errno?: number | undefined;
  readonly exitCode?: number;
  readonly cause?: unknown;
}

/** @see the file's header */
export class ContainerError extends Error {
  override readonly name = 'ContainerError';
  readonly code: ContainerErrorCode;
  /** of the system call that was refused */
  readonly errno: number | undefined;
  /** what a command line exits with: 126 cannot be executed, 127 not found, 1 everything else */
  readonly exitCode: number;

  constructor({ code, what, reason, errno, exitCode = 1, cause }: ContainerErrorInput) {
    super(`${what}: ${reason}`, cause === undefined ? undefined : { cause });
    this.code = code;
    this.errno = errno;
    this.exitCode = exitCode;
  }
}

/** As a shell has it: 127 when there is no such program, 126 when it cannot be executed. */
const NOT_FOUND = 127;
const NOT_EXECUTABLE = 126;

/** The error for an execve that failed. @param call as strace shows it, or the program's name */
export function programError(what: string, call: string, errno: number): ContainerError {
  const name = errnoName(errno);
  return new ContainerError({
    code: 'program',
    what,
    reason: `${call}: ${name} (${errnoMeaning(errno)})`,
    errno,
    exitCode: name === 'ENOENT' || name === 'ENOTDIR' ? NOT_FOUND : NOT_EXECUTABLE,
  });
}

/** Names of errors that say what a config asks for in vain. */
const CONFIG_ERRORS = new Set(['ConfigError', 'UpdateError']);

/** Puts operation and container in front of whatever went wrong; a ContainerError stays as it is. */
export function asContainerError(what: string, error: unknown): ContainerError {
  if (error instanceof ContainerError) return error;
  if (isPlanError(error)) return fromPlanError(what, error);
  if (isSyscallError(error)) {
    const { message: reason, errno } = error;
    return new ContainerError({ code: 'kernel', what, reason, errno, cause: error });
  }
  const reason = error instanceof Error ? error.message : String(error);
  const code = error instanceof Error && CONFIG_ERRORS.has(error.name) ? 'config' : 'busy';
  return new ContainerError({ code, what, reason, cause: error });
}

/** By name: the caller's player may come from another copy of the package than ours. */
export function isPlanError(error: unknown): error is PlanError {
  return error instanceof Error && error.name === 'PlanError';
}

/** By name, as isPlanError. */
export function isSyscallError(error: unknown): error is SyscallError {
  return error instanceof Error && error.name === 'SyscallError';
}

function fromPlanError(what: string, error: PlanError): ContainerError {
  const cause = isSyscallError(error.cause) ? error.cause : undefined;
  if (cause?.syscall === 'execve') {
    return programError(what, `execve${cause.args}`, cause.errno);
  }
  const { message: reason } = error;
  return new ContainerError({ code: 'kernel', what, reason, errno: cause?.errno, cause: error });
}
