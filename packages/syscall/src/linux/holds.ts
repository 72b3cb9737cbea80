/**
 * Small calls of the terminal host and the container engine: a lock for one process a directory, who is at the other end of
 * a unix socket, and Ctrl-C for a terminal whose input is full. Run as root in the host's namespaces.
 */
import { setTimeout } from 'node:timers/promises';
import { ERRNO } from '../errno.js';
import { SyscallError } from '../syscall-error.js';
import { bindSyscall } from './invoke.js';

const callFlock = bindSyscall('flock', 'int', 'int');
const callGetsockopt = bindSyscall('getsockopt', 'int', 'int', 'int', 'void *', 'void *');
const callIoctlNumber = bindSyscall('ioctl', 'int', 'long', 'long');
const callIoctlMemory = bindSyscall('ioctl', 'int', 'long', 'void *');

const LOCK_EX = 2;
const LOCK_NB = 4;
const LOCK_UN = 8;
const LOCK_WAIT_MILLISECONDS = 32; // who holds it works for milliseconds
const SOL_SOCKET = 1;
const SO_PEERCRED = 17;
const UCRED_BYTES = 12; // struct ucred: pid, uid, gid
const TCGETS = 0x5401;
const TIOCSIG = 0x40045436;
const TERMIOS_BYTES = 64; // struct termios of the kernel is 36: four flag words, then characters
const ISIG = 0x1; // c_lflag: the terminal turns Ctrl-C into SIGINT itself

/** The process at the other end of a connected unix socket, as it was when it connected. */
export interface PeerCredentials {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
}

/**
 * Takes the exclusive flock(2) of an open file, which lasts until its last fd is closed.
 *
 * @returns false when another open file holds it
 */
export function tryLock(fd: number): boolean {
  try {
    callFlock([fd, LOCK_EX | LOCK_NB], () => `fd ${fd}`);
    return true;
  } catch (error) {
    if (error instanceof SyscallError && error.errno === ERRNO.EAGAIN) return false;
    throw error;
  }
}

/**
 * Waits for the exclusive flock(2) of an open file, without a thread: tries again after a while.
 *
 * @param signal stops waiting: the promise rejects with its reason
 */
export async function lock(fd: number, signal?: AbortSignal): Promise<void> {
  for (let wait = 1; !tryLock(fd); wait = Math.min(wait * 2, LOCK_WAIT_MILLISECONDS)) {
    await setTimeout(wait, undefined, { signal }).catch((error: unknown) => {
      throw signal?.reason ?? error;
    });
  }
}

/** Gives the lock back; closing the last fd does it too. */
export function unlock(fd: number): void {
  callFlock([fd, LOCK_UN], () => `LOCK_UN of fd ${fd}`);
}

/** Reads SO_PEERCRED, unix(7). */
export function peerCredentials(socketFd: number): PeerCredentials {
  const ucred = new Uint8Array(UCRED_BYTES);
  const length = new Uint8Array(new Uint32Array([UCRED_BYTES]).buffer);
  callGetsockopt(
    [socketFd, SOL_SOCKET, SO_PEERCRED, ucred, length],
    () => `SO_PEERCRED of fd ${socketFd}`,
  );
  const view = new DataView(ucred.buffer);
  return {
    pid: view.getInt32(0, true),
    uid: view.getUint32(4, true),
    gid: view.getUint32(8, true),
  };
}

/** True while the terminal itself turns Ctrl-C into SIGINT (it is not in raw mode). */
export function signalsOnInterrupt(ttyFd: number): boolean {
  const termios = new Uint8Array(TERMIOS_BYTES);
  callIoctlMemory([ttyFd, TCGETS, termios], () => `TCGETS of fd ${ttyFd}`);
  return (new DataView(termios.buffer).getUint32(12, true) & ISIG) !== 0;
}

/** Sends a signal to the foreground process group of a pty, from its master; only INT, QUIT, TSTP. */
export function signalForeground(masterFd: number, signal: number): void {
  callIoctlNumber([masterFd, TIOCSIG, signal], () => `TIOCSIG ${signal} of fd ${masterFd}`);
}
