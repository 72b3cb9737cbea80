/**
 * Reads a learner's files from outside, as root: every path is resolved below the sandbox's own
 * root by openat2, so that no symbolic link leads out, and only plain files of sensible size are
 * read. What the learner has under a name may change at any time; nothing here waits for it.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import type { ExecTarget } from '@terrarium/engine';
import { O, openat2, RESOLVE } from '@terrarium/syscall';

/** Opens without waiting: a FIFO of the learner must not stop the daemon. */
const FLAGS = O.O_RDONLY | O.O_NONBLOCK | O.O_NOCTTY | O.O_CLOEXEC;

/**
 * Reads a text file of the sandbox.
 *
 * @param most bytes; a longer file is refused
 * @throws SyscallError when it cannot be opened; Error when it is no plain file, or too long
 */
export function readSandboxFile(target: ExecTarget, path: string, most: number): string {
  return below(target, path, FLAGS, (fd) => {
    const stats = fstatSync(fd);
    if (!stats.isFile()) throw new Error(`${path} is not a file`);
    const buffer = Buffer.alloc(most + 1);
    const length = readSync(fd, buffer, 0, buffer.length, 0);
    if (length > most) throw new Error(`${path} has more than ${most} bytes`);
    return buffer.toString('utf8', 0, length);
  });
}

/** What a bind mount of that path would be made on; `directory` for what cannot be looked at. */
export function kindInSandbox(target: ExecTarget, path: string): 'file' | 'directory' {
  try {
    return below(target, path, O.O_PATH | O.O_CLOEXEC, (fd) =>
      fstatSync(fd).isDirectory() ? 'directory' : 'file',
    );
  } catch {
    return 'directory'; // the plan's own call will say what is wrong with it
  }
}

function below<T>({ initPid }: ExecTarget, path: string, flags: number, use: (fd: number) => T): T {
  const root = openSync(`/proc/${initPid}/root`, O.O_PATH | O.O_DIRECTORY | O.O_CLOEXEC);
  try {
    const resolve = RESOLVE.RESOLVE_IN_ROOT | RESOLVE.RESOLVE_NO_MAGICLINKS;
    const fd = openat2(root, path, { flags, resolve });
    try {
      return use(fd);
    } finally {
      closeSync(fd);
    }
  } finally {
    closeSync(root);
  }
}
