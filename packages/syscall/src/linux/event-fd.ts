/**
 * eventfd(2): a counter that the kernel adds to when something happens (cgroup v1 tells of a group
 * out of memory that way, and only that way). Runs in the daemon. No thread waits: libuv polls the
 * fd beside its own.
 */
import { closeSync, readSync } from 'node:fs';
import { O } from '../constants.js';
import { bindSyscall } from './invoke.js';
import { pollingSocket } from './libuv-poll.js';

const callEventfd2 = bindSyscall('eventfd2', 'int', 'int');

const POLL_MILLISECONDS = 20; // only where libuv's own polling cannot be had
const COUNTER_BYTES = 8;

/** Makes a counter of 0. @returns a new fd, not blocking, the caller's until it is watched */
export function eventfd(): number {
  return callEventfd2([0, O.O_CLOEXEC | O.O_NONBLOCK], () => '0, EFD_CLOEXEC|EFD_NONBLOCK');
}

/**
 * Calls `listener` whenever the counter has grown, with what it had come to since the last time.
 * Does not keep the process alive.
 *
 * @param fd belongs to the watch from here on
 * @returns what ends the watch and closes the fd
 */
export function watchEventfd(fd: number, listener: (count: bigint) => void): () => void {
  return watchWithLibuv(fd, listener) ?? watchWithTimer(fd, listener);
}

function watchWithLibuv(fd: number, listener: (count: bigint) => void): (() => void) | undefined {
  const socket = pollingSocket(fd);
  if (socket === undefined) return undefined;
  socket.on('error', () => {}); // 'close' follows, and nobody counts on a watch without its group
  socket.on('data', (bytes: Buffer) => listener(bytes.readBigUInt64LE(0)));
  socket.unref();
  return () => void socket.destroy();
}

/** Looks again and again: for a Node whose libuv cannot be asked. Exported for its test. */
export function watchWithTimer(fd: number, listener: (count: bigint) => void): () => void {
  const counter = Buffer.alloc(COUNTER_BYTES);
  const timer = setInterval(() => {
    try {
      readSync(fd, counter);
    } catch {
      return; // EAGAIN: still 0
    }
    listener(counter.readBigUInt64LE(0));
  }, POLL_MILLISECONDS);
  timer.unref();
  return () => {
    clearInterval(timer);
    closeSync(fd);
  };
}
