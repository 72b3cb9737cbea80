/**
 * How the terminal host reaches into a sandbox: by file descriptors alone, never by a path that
 * the sandbox's root could have put something else at.
 *
 * Run by the terminal host: host root, host namespaces. Nothing here changes the caller.
 */

import { closeSync } from 'node:fs';
import {
  AT,
  fileSystemMagic,
  MAGIC,
  O,
  openat2,
  openPtyPeer,
  ptyNumber,
  RESOLVE,
  unlockPty,
} from '@terrarium/syscall';

/**
 * Opens the devpts of a process's root as an O_PATH fd, so that ptys can be made there for as long
 * as the sandbox lives, whatever its root mounts over /dev/pts later.
 *
 * @param root what stands for the sandbox's root: /proc/PID/root
 * @returns an fd, the caller's to close
 * @throws SyscallError, or Error when what is there is no devpts
 */
export function openDevpts(root: string): number {
  const path = O.O_PATH | O.O_DIRECTORY | O.O_CLOEXEC;
  const rootFd = openat2(AT.AT_FDCWD, root, { flags: path });
  try {
    const resolve = RESOLVE.RESOLVE_IN_ROOT | RESOLVE.RESOLVE_NO_MAGICLINKS;
    const fd = openat2(rootFd, 'dev/pts', { flags: path, resolve });
    if (fileSystemMagic(fd) !== MAGIC.DEVPTS_SUPER_MAGIC) {
      closeSync(fd);
      throw new Error(`no devpts at dev/pts below ${root}`);
    }
    return fd;
  } finally {
    closeSync(rootFd);
  }
}

/** A pty: the master in non-blocking mode, the slave, and the number that `tty` prints. */
export interface PtyPair {
  readonly master: number;
  readonly slave: number;
  readonly pts: number;
}

/** Makes a pty in the devpts that `devptsFd` names; both ends are the caller's to close. */
export function openPtyPair(devptsFd: number): PtyPair {
  const master = openat2(devptsFd, 'ptmx', {
    flags: O.O_RDWR | O.O_NOCTTY | O.O_CLOEXEC | O.O_NONBLOCK,
  });
  try {
    unlockPty(master);
    return { master, slave: openPtyPeer(master), pts: ptyNumber(master) };
  } catch (error) {
    closeSync(master);
    throw error;
  }
}
