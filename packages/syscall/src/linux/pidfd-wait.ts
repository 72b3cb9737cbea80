/**
 * Waiting for a process by its pidfd, whoever's child it is. Runs in the daemon or a command line
 * tool, without privilege. No thread waits: libuv polls the pidfd beside its own fds.
 */
import { closeSync } from 'node:fs';
import { ERRNO } from '../errno.js';
import { SyscallError } from '../syscall-error.js';
import { bindSyscall } from './invoke.js';
import { pollingSocket } from './libuv-poll.js';

const F_DUPFD_CLOEXEC = 1030;
const POLLIN = 1;
const POLLNVAL = 0x20;
const POLLFD_BYTES = 8; // struct pollfd: i32 fd, i16 events, i16 revents
const TIMESPEC_BYTES = 16;
const POLL_MILLISECONDS = 20; // only where libuv's own polling cannot be had

const callFcntl = bindSyscall('fcntl', 'int', 'int', 'long');
const callPpoll = bindSyscall('ppoll', 'void *', 'long', 'void *', 'void *', 'long');

/** Tells whether the process of a pidfd has ended; one that nobody has reaped yet has. */
export function hasEnded(pidfd: number): boolean {
  const memory = new Uint8Array(POLLFD_BYTES);
  const view = new DataView(memory.buffer);
  view.setInt32(0, pidfd, true);
  view.setInt16(4, POLLIN, true);
  pollNow(memory, pidfd);
  const events = view.getInt16(6, true);
  if ((events & POLLNVAL) !== 0) {
    throw new SyscallError({ syscall: 'ppoll', errno: ERRNO.EBADF, args: `pidfd ${pidfd}` });
  }
  return events !== 0;
}

/** Asks at once; a signal that comes in between (a profiler's, for instance) means asking again. */
function pollNow(pollfd: Uint8Array, pidfd: number): void {
  const now = new Uint8Array(TIMESPEC_BYTES);
  for (;;) {
    try {
      callPpoll([pollfd, 1, now, null, 0], () => `pidfd ${pidfd}`);
      return;
    } catch (error) {
      if (!(error instanceof SyscallError) || error.errno !== ERRNO.EINTR) throw error;
    }
  }
}

/**
 * Waits until the process of a pidfd has ended. Its exit status is its parent's to know.
 *
 * @param pidfd stays the caller's, who may close it at once: a copy of it is waited on
 * @param signal stops waiting: the promise rejects with its reason
 */
export function waitForEnd(pidfd: number, signal?: AbortSignal): Promise<void> {
  const copy = callFcntl([pidfd, F_DUPFD_CLOEXEC, 3], () => `F_DUPFD_CLOEXEC of pidfd ${pidfd}`);
  return new Promise<void>((resolve, reject) => {
    const aborted = () => {
      stop();
      reject(signal?.reason);
    };
    const ended = () => {
      signal?.removeEventListener('abort', aborted);
      resolve(); // nothing, after a rejection
    };
    const stop = watchWithLibuv(copy, ended) ?? watchWithTimer(copy, ended);
    signal?.addEventListener('abort', aborted);
    if (signal?.aborted === true) aborted();
  });
}

/**
 * Lets libuv poll a pidfd, which becomes the watch's to close. Exported for its test.
 *
 * @returns what stops the watch; undefined where Node has no such way
 */
export function watchWithLibuv(pidfd: number, ended: () => void): (() => void) | undefined {
  const socket = pollingSocket(pidfd);
  if (socket === undefined) return undefined;
  // A pidfd can be polled but not read: libuv's read fails at the moment of the process's end.
  socket.on('error', () => {});
  socket.on('close', ended);
  socket.resume();
  return () => void socket.destroy();
}

/** As watchWithLibuv, by looking again and again: for a Node whose libuv cannot be asked. */
export function watchWithTimer(pidfd: number, ended: () => void): () => void {
  const stop = () => {
    clearInterval(timer);
    closeSync(pidfd);
  };
  const timer = setInterval(() => {
    if (!hasEnded(pidfd)) return;
    stop();
    ended();
  }, POLL_MILLISECONDS);
  return stop;
}
