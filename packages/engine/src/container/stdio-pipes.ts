/**
 * Pipes that the engine makes for a container without a terminal. Node cannot call pipe(2), so a
 * FIFO is made, opened at both ends and unlinked: what is left is a pipe without a name.
 */
import { closeSync, openSync, unlinkSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { AT, mkfifo, O, openat } from '@terrarium/syscall';
import type { Stdio } from '../plan/standard-files.js';

/** Our ends, as streams. */
export interface StdioStreams {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
}

/** Pipes before they are handed over. */
export interface StdioPipes {
  /** the program's ends, for a plan to take */
  readonly stdio: Stdio;
  /** Closes the program's ends here, once it has its own copies. @returns our ends */
  started(): StdioStreams;
  /** Closes everything: it was never started. */
  discard(): void;
}

interface Ends {
  readonly read: number;
  readonly write: number;
}

/** @param name path of a file that may be made and removed at once */
export function openStdioPipes(name: string): StdioPipes {
  const [stdin, stdout, stderr] = [openPipe(name), openPipe(name), openPipe(name)];
  const theirs = [stdin.read, stdout.write, stderr.write];
  const ours = [stdin.write, stdout.read, stderr.read];
  const own = (fd: number) => ({ ownerPid: process.pid, fd });
  return {
    stdio: { stdin: own(stdin.read), stdout: own(stdout.write), stderr: own(stderr.write) },
    started: () => {
      for (const fd of theirs) closeSync(fd);
      return {
        stdin: quiet(new Socket({ fd: stdin.write, readable: false, writable: true })),
        stdout: new Socket({ fd: stdout.read, readable: true, writable: false }),
        stderr: new Socket({ fd: stderr.read, readable: true, writable: false }),
      };
    },
    discard: () => {
      for (const fd of [...theirs, ...ours]) closeSync(fd);
    },
  };
}

/** A program that ends without reading its input is no error of ours: EPIPE. */
function quiet(socket: Socket): Socket {
  return socket.on('error', () => {});
}

/** Both ends; the open for writing finds the reader there, so neither waits. */
export function openPipe(name: string): Ends {
  mkfifo(name, 0o600);
  try {
    const read = openat(AT.AT_FDCWD, name, O.O_RDONLY | O.O_NONBLOCK);
    const write = openSync(name, 'w');
    return { read: blocking(name, read), write };
  } finally {
    unlinkSync(name);
  }
}

/** Programs expect their input to block; opened again now that there is a writer. */
function blocking(name: string, nonBlocking: number): number {
  const fd = openSync(name, 'r');
  closeSync(nonBlocking);
  return fd;
}
