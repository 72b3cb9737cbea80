/**
 * GET and PUT /api/files?path=: the files of the session's own sandbox, for the page's editor. The
 * engine does it inside the sandbox, as its root; here are the edge (paths, bodies, refusals in
 * words and status codes) and the bounds: so many a second, few at a time.
 */
import {
  archiveSandbox,
  type ExecTarget,
  type Expected,
  FileError,
  readInSandbox,
  type WrittenFile,
  writeInSandbox,
} from '@terrarium/engine';
import { type FileList, type FileText, filePath } from '@terrarium/protocol';
import type { Player } from '@terrarium/syscall';
import type { SandboxInfo } from './ports.js';
import { RateLimit } from './rate-limit.js';

/** Files of sandboxes. All throw FileError. */
export interface SandboxFiles {
  read(sandbox: SandboxInfo, path: string): Promise<FileText | FileList>;
  write(sandbox: SandboxInfo, path: string, text: string, expected: Expected): Promise<WrittenFile>;
  /** what the learner made, as a gzip'ed tar */
  archive(sandbox: SandboxInfo): Promise<Uint8Array>;
}

/** @param player runs a plan for each question */
export function sandboxFiles(player: Player): SandboxFiles {
  const targetOf = (sandbox: SandboxInfo): ExecTarget => sandbox.exec as ExecTarget;
  return {
    read: (sandbox, path) => readInSandbox(player, targetOf(sandbox), path),
    write: (sandbox, path, text, expected) =>
      writeInSandbox(player, targetOf(sandbox), path, text, expected),
    archive: (sandbox) => archiveSandbox(player, targetOf(sandbox)),
  };
}

/** Reads the address. @throws ZodError */
export function parseFilePath(url: string | undefined): string {
  const { searchParams } = new URL(url ?? '/', 'http://daemon.invalid');
  return filePath.parse(searchParams.get('path') ?? '');
}

/** The status that goes with a refusal; 400 for an errno that is not listed. */
const STATUS: Readonly<Record<string, number>> = {
  ...{ ENOENT: 404, EACCES: 403, EPERM: 403, EROFS: 403, EEXIST: 409, changed: 409 },
  ...{ 'too-large': 413, binary: 415, 'not-regular': 415, ENOSPC: 507, EDQUOT: 507 },
  ...{ timeout: 504, ESRCH: 409 },
};

/** What is answered to a question that failed; null when the failure is ours. */
export function refusalOf(error: unknown): {
  readonly status: number;
  readonly body: object;
} | null {
  if (!(error instanceof FileError)) return null;
  const { code, message } = error;
  return { status: STATUS[code] ?? 400, body: { error: { code, message } } };
}

/** Questions a second, and at once, of one session: somebody who opens folders quickly has 5. */
const PER_SECOND = 10;
const BURST = 40;
/** Questions under way of one session: each is a process of the sandbox. */
const AT_A_TIME = 4;
/** Sessions that are remembered; more would be a leak. */
const REMEMBERED = 1000;

/** Counts each session's questions. */
export class FileBounds {
  readonly #sessions = new Map<string, { readonly rate: RateLimit; underWay: number }>();

  /** @returns null when it is too many */
  async run<T>(session: string, action: () => Promise<T>): Promise<T | null> {
    const bounds = this.#of(session);
    if (bounds.underWay >= AT_A_TIME || !bounds.rate.take()) return null;
    bounds.underWay += 1;
    try {
      return await action();
    } finally {
      bounds.underWay -= 1;
    }
  }

  #of(session: string) {
    const known = this.#sessions.get(session);
    if (known !== undefined) return known;
    const idle = [...this.#sessions].find(([, { underWay }]) => underWay === 0);
    if (this.#sessions.size >= REMEMBERED && idle !== undefined) this.#sessions.delete(idle[0]);
    const made = { rate: new RateLimit(PER_SECOND, BURST), underWay: 0 };
    this.#sessions.set(session, made);
    return made;
  }
}
