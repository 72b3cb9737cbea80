/**
 * Files below a process's root, looked at from outside by the host's root. What is there is the
 * learner's: an absolute symlink would lead the daemon into the host's own root, so every path is
 * resolved by openat2(2) with RESOLVE_IN_ROOT, and magic links are not followed. What has a name
 * may change at any time; nothing here waits for it.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { O, openat2, RESOLVE } from '@terrarium/syscall';

/** Opens without waiting: a FIFO of the learner must not stop the daemon. */
const READ_FLAGS = O.O_RDONLY | O.O_NONBLOCK | O.O_NOCTTY;

/**
 * Gives `use` an fd of a file below the root of `pid`, and closes it.
 *
 * @param flags of open(2), without O_CLOEXEC
 * @throws SyscallError or the system's error when it cannot be opened
 */
export function belowRoot<T>(pid: number, path: string, flags: number, use: (fd: number) => T): T {
  const root = openSync(`/proc/${pid}/root`, O.O_PATH | O.O_DIRECTORY | O.O_CLOEXEC);
  try {
    const resolve = RESOLVE.RESOLVE_IN_ROOT | RESOLVE.RESOLVE_NO_MAGICLINKS;
    const fd = openat2(root, path, { flags: flags | O.O_CLOEXEC, resolve });
    try {
      return use(fd);
    } finally {
      closeSync(fd);
    }
  } finally {
    closeSync(root);
  }
}

/**
 * Reads a text file below the root of `pid`.
 *
 * @param most bytes; a longer file is refused
 * @throws as belowRoot; Error when it is no plain file, or too long
 */
export function readBelowRoot(pid: number, path: string, most: number): string {
  return belowRoot(pid, path, READ_FLAGS, (fd) => {
    const stats = fstatSync(fd);
    if (!stats.isFile()) throw new Error(`${path} is not a file`);
    const buffer = Buffer.alloc(most + 1);
    const length = readSync(fd, buffer, 0, buffer.length, 0);
    if (length > most) throw new Error(`${path} has more than ${most} bytes`);
    return buffer.toString('utf8', 0, length);
  });
}

/** What a bind mount of that path would be made on; `directory` for what cannot be looked at. */
export function kindBelowRoot(pid: number, path: string): 'file' | 'directory' {
  try {
    return belowRoot(pid, path, O.O_PATH, (fd) =>
      fstatSync(fd).isDirectory() ? 'directory' : 'file',
    );
  } catch {
    return 'directory'; // the plan's own call will say what is wrong with it
  }
}
