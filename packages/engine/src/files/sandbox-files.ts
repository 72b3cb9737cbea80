/**
 * Files of a running sandbox, for its learner's editor: what a path means inside, with the rights
 * of the sandbox's root, never the host's. Runs in the daemon; a player's process does the work
 * (file-plans.ts), one plan for each question, each with an end in sight.
 */
import { randomBytes } from 'node:crypto';
import {
  type CallReport,
  errnoMeaning,
  errnoName,
  isFailure,
  type Plan,
  type Player,
  S,
} from '@terrarium/syscall';
import type { ExecTarget } from '../plan/join-sandbox.js';
import { startTimeOf } from '../process-facts.js';
import {
  FILE_BYTES,
  holdOf,
  LISTED_ENTRIES,
  listDirectoryPlan,
  readFilePlan,
  removeTemporaryPlan,
  VISITOR,
  writeFilePlan,
} from './file-plans.js';
import {
  type DirectoryEntry,
  decodeEntries,
  decodeKernelSystem,
  decodeStatus,
  decodeText,
  type FileStatus,
} from './readings.js';

/** Why a file was not read or written: errno's name, or one of ours. */
export type FileErrorCode =
  | `E${string}`
  /** a FIFO, a socket, a device: there is no content that ends */
  | 'not-regular'
  | 'too-large'
  /** not UTF-8, or with a NUL */
  | 'binary'
  /** the file is another one than when it was read */
  | 'changed'
  /** the kernel did not answer: a file system of the learner's that hangs */
  | 'timeout';

/** A file operation that did not happen. Message: operation, path, reason. */
export class FileError extends Error {
  override readonly name = 'FileError';
  readonly code: FileErrorCode;
  readonly path: string;

  constructor(what: string, path: string, code: FileErrorCode, why: string, cause?: unknown) {
    super(`${what} ${path}: ${why}`, cause === undefined ? undefined : { cause });
    this.code = code;
    this.path = path;
  }
}

/** A text file as it was read. */
export interface FileReading {
  readonly kind: 'file';
  /** where it really is: without symlinks */
  readonly path: string;
  readonly text: string;
  readonly size: number;
  /** nanoseconds since the epoch; with it a later write says what it replaces */
  readonly mtime: string;
  /** permission bits */
  readonly mode: number;
  /** `proc`, `sysfs` …: its text is the kernel's answer and cannot be saved as a whole */
  readonly kernel: string | null;
}

export interface DirectoryReading {
  readonly kind: 'directory';
  readonly path: string;
  /** by name, directories first */
  readonly entries: readonly DirectoryEntry[];
  /** there are more */
  readonly truncated: boolean;
}

/** A file as it stands after a write. */
export interface WrittenFile {
  readonly path: string;
  readonly size: number;
  readonly mtime: string;
}

/** What must be true for a write to happen: the file as it was read, no file, or some file. */
export type Expected = { readonly mtime: string } | 'new' | 'any';

/** Longer than any local file system takes; a hung one must not hold a player's process. */
const TIMEOUT_MS = 15_000;
/** Random bytes in the name of what is written first. */
const NAME_BYTES = 6;

/**
 * Reads a text file or lists a directory.
 *
 * @param path absolute, as the sandbox's root sees it
 * @throws FileError
 */
export async function readInSandbox(
  player: Player,
  target: ExecTarget,
  path: string,
): Promise<FileReading | DirectoryReading> {
  const run = new Held(player, target, 'read', path);
  try {
    const reports = await run.perform(readFilePlan(target, path), (looked) => {
      const { mode, size } = statusIn(looked);
      if (typeOf(mode) === S.S_IFDIR) throw new IsDirectory();
      if (typeOf(mode) !== S.S_IFREG) {
        throw run.error('not-regular', 'it is no regular file: what it gives has no end');
      }
      if (size > FILE_BYTES) throw tooLarge(run);
    });
    return fileReading(run, reports);
  } catch (error) {
    if (error instanceof IsDirectory) return await listInSandbox(player, target, path);
    throw error;
  }
}

async function listInSandbox(
  player: Player,
  target: ExecTarget,
  path: string,
): Promise<DirectoryReading> {
  const run = new Held(player, target, 'list', path);
  const reports = await run.perform(listDirectoryPlan(target, path), () => {});
  const chunks = of(reports, 'getdents64');
  const entries = chunks.flatMap(({ bytes, result }) =>
    decodeEntries(bytes?.subarray(0, Number(result)) ?? new Uint8Array()),
  );
  return {
    kind: 'directory',
    path: pathIn(reports, path),
    entries: entries.sort(byKindAndName).slice(0, LISTED_ENTRIES),
    truncated: entries.length > LISTED_ENTRIES || (chunks.at(-1)?.result ?? 0n) > 0n,
  };
}

/**
 * Writes a text file: as a whole, or not at all.
 *
 * @throws FileError; `changed` and EEXIST say that `expected` was not so
 */
export async function writeInSandbox(
  player: Player,
  target: ExecTarget,
  path: string,
  text: string,
  expected: Expected,
): Promise<WrittenFile> {
  const content = new TextEncoder().encode(text);
  const run = new Held(player, target, 'write', path);
  if (content.length > FILE_BYTES) throw tooLarge(run);
  const temporary = `.terrarium-${randomBytes(NAME_BYTES).toString('hex')}`;
  const isNew = expected === 'new';
  const plan = writeFilePlan(target, { path, content, isNew, temporary });
  try {
    const reports = await run.perform(plan, (looked) => {
      if (!isNew) judgeOld(run, statusIn(looked), expected);
    });
    const { size, mtime } = decodeStatus(lastOf(reports, 'statx'));
    return { path, size, mtime };
  } catch (error) {
    if (run.passedHold) await removeTemporary(player, target, path, temporary);
    throw error;
  }
}

function judgeOld(run: Held, { mode, mtime }: FileStatus, expected: Expected): void {
  if (typeOf(mode) === S.S_IFDIR) throw run.error('EISDIR', 'it is a directory');
  if (typeOf(mode) !== S.S_IFREG) {
    throw run.error('changed', 'it is no longer the regular file that it was');
  }
  if (typeof expected === 'object' && mtime !== expected.mtime) {
    throw run.error('changed', 'it was changed since it was opened');
  }
}

/** Quiet: what cannot be removed (its directory was moved) harms nobody but its owner. */
async function removeTemporary(
  player: Player,
  target: ExecTarget,
  path: string,
  temporary: string,
): Promise<void> {
  const run = new Held(player, target, 'clean up after', path);
  await run.perform(removeTemporaryPlan(target, path, temporary), () => {}).catch(() => {});
}

function fileReading(run: Held, reports: readonly StepReport[]): FileReading {
  const { mode, mtime } = statusIn(reports);
  const chunks = of(reports, 'read');
  if ((chunks.at(-1)?.result ?? 0n) > 0n) throw tooLarge(run);
  const content = Buffer.concat(
    chunks.map(({ bytes, result }) => bytes?.subarray(0, Number(result)) ?? new Uint8Array()),
  );
  const text = decodeText(content);
  if (text === null) throw run.error('binary', 'it is no text');
  return {
    kind: 'file',
    path: pathIn(reports, run.path),
    ...{ text, size: content.length, mtime, mode: mode & 0o7777 },
    kernel: decodeKernelSystem(lastOf(reports, 'fstatfs')),
  };
}

function tooLarge(run: Held): FileError {
  return run.error('too-large', `it has more than ${FILE_BYTES / 1024} KiB`);
}

/** A report with the name of its call. */
type StepReport = CallReport & { readonly syscall: string };

/** Not an error: the question was about a directory. */
class IsDirectory extends Error {}

/** One plan that is run up to its hold, judged, and then run on or ended. */
class Held {
  readonly path: string;
  readonly #player: Player;
  readonly #target: ExecTarget;
  readonly #what: string;
  /** the plan was let go on: something may have been made */
  passedHold = false;

  constructor(player: Player, target: ExecTarget, what: string, path: string) {
    this.#player = player;
    this.#target = target;
    this.#what = what;
    this.path = path;
  }

  error(code: FileErrorCode, why: string, cause?: unknown): FileError {
    return new FileError(this.#what, this.path, code, why, cause);
  }

  /** @param judge is given what was found before the hold; throws to end the plan there */
  async perform(
    plan: Plan,
    judge: (looked: readonly StepReport[]) => void,
  ): Promise<readonly StepReport[]> {
    if (startTimeOf(this.#target.initPid) !== this.#target.initStartTime) {
      throw this.error('ESRCH', 'the sandbox has ended');
    }
    const steps = plan.processes[VISITOR] ?? [];
    const hold = holdOf(plan);
    const reports: StepReport[] = [];
    let verdict: unknown;
    const end = (why: unknown): void => {
      verdict ??= why;
      run.abort();
    };
    const grant = (count: number): void => {
      for (let i = 0; i < count; i++) run.step(VISITOR);
    };
    const run = this.#player.run(plan, {
      stepped: true,
      onReport: (report) => {
        const step = steps[report.index];
        reports.push({ ...report, syscall: step?.kind === 'call' ? step.syscall : '' });
        if (report.index !== hold - 1 || report.errno !== 0) return;
        try {
          judge(reports);
          this.passedHold = true;
          grant(steps.length - hold);
        } catch (error) {
          end(error);
        }
      },
    });
    const timer = setTimeout(
      () => end(this.error('timeout', `no answer in ${TIMEOUT_MS / 1000} s`)),
      TIMEOUT_MS,
    );
    grant(hold);
    try {
      await run.done;
      return reports;
    } catch (error) {
      throw verdict ?? this.#refused(plan, reports.at(-1), error);
    } finally {
      clearTimeout(timer);
    }
  }

  /** The error of the one call that the kernel refused; anything else is not about the file. */
  #refused(plan: Plan, failed: StepReport | undefined, error: unknown): unknown {
    if (failed === undefined || !isFailure(plan, failed)) return error;
    if (!plan.processes[VISITOR]?.[failed.index]?.purpose.id.startsWith('file-')) return error;
    // A write that took less than it was given: the next one would have been told why.
    if (failed.errno === 0) return this.error('ENOSPC', 'no space left on device', error);
    const code = errnoName(failed.errno) as FileErrorCode;
    return this.error(code, `${code} (${errnoMeaning(failed.errno)})`, error);
  }
}

function of(reports: readonly StepReport[], syscall: string): readonly StepReport[] {
  // Joining reads and writes files, too; only ours give bytes back.
  return reports.filter((one) => one.syscall === syscall && one.bytes !== undefined);
}

function lastOf(reports: readonly StepReport[], syscall: string): Uint8Array {
  const bytes = of(reports, syscall).at(-1)?.bytes;
  if (bytes === undefined) throw new Error(`the plan did not come to its ${syscall}`);
  return bytes;
}

function statusIn(reports: readonly StepReport[]): FileStatus {
  const bytes = of(reports, 'statx')[0]?.bytes;
  if (bytes === undefined) throw new Error('the plan did not come to its statx');
  return decodeStatus(bytes);
}

/** As readlink(2) told it. A file without a path (unlinked, unreachable) keeps the one asked for. */
function pathIn(reports: readonly StepReport[], asked: string): string {
  const link = of(reports, 'readlinkat')[0];
  const path = link && decodeText(link.bytes?.subarray(0, Number(link.result)) ?? new Uint8Array());
  return path?.startsWith('/') && !path.endsWith(' (deleted)') ? path : asked;
}

function typeOf(mode: number): number {
  return mode & 0o170000;
}

function byKindAndName(a: DirectoryEntry, b: DirectoryEntry): number {
  const isDirectory = (one: DirectoryEntry): number => (one.kind === 'directory' ? 0 : 1);
  return isDirectory(a) - isDirectory(b) || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
}
