/**
 * Reads the lines of one trace_pipe as they come. libuv polls it: a blocked read would pin a thread
 * of its pool for ever, and processes that read for us (`cat`) were a tenth of what watching costs.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import type { Socket } from 'node:net';
import { O, pollingSocket } from '@terrarium/syscall';

/** What happens on a pipe. */
export interface TracePipeListener {
  /** whole lines of one read, without their newlines, in the kernel's order */
  readonly onLines: (lines: readonly string[]) => void;
  /** whether lines must be known at once now, even those of a crowd */
  readonly isUrgent: () => boolean;
  /** it can be read no more, though nobody closed it; called once */
  readonly onEnd: (why: string) => void;
}

/** Only where libuv cannot be asked to poll an fd: how often it is read then, ms. */
const POLL_MS = 20;
/** The kernel makes 8 KiB of lines at a time, TRACE_SEQ_BUFFER_SIZE. */
const READ_BYTES = 64 * 1024;

/**
 * More lines than this in so many ms are a crowd at work, not a person: then lines gather in the
 * kernel for a moment before they are read, and one read brings what were ten.
 */
const CROWD_LINES = 100;
const CROWD_WINDOW_MS = 100;
/** How long they gather, ms: half the beat in which a crowd is told of (serve.ts). */
const GATHER_MS = 8;

/** A trace_pipe that is open until `close`. */
export class TracePipe {
  private readonly listener: TracePipeListener;
  private readonly end: () => void;
  private rest = '';
  private isOpen = true;
  /** lines read since `windowFrom`, ms */
  private lines = 0;
  private windowFrom = 0;
  private isCrowd = false;

  /** @throws Error with the errno when the pipe cannot be opened */
  constructor(path: string, listener: TracePipeListener) {
    this.listener = listener;
    const fd = openSync(path, O.O_RDONLY | O.O_NONBLOCK);
    const socket = pollingSocket(fd);
    this.end = socket === undefined ? this.readByTimer(fd) : this.readBySocket(socket);
  }

  /** No more lines from here on. */
  close(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.end();
  }

  private readBySocket(socket: Socket): () => void {
    // Names of processes are bytes: a letter cut in two would be no more than an odd name.
    socket.setEncoding('utf8');
    socket.on('data', (chunk: unknown) => {
      this.take(chunk as string);
      if (!this.isCrowd || this.listener.isUrgent()) return;
      socket.pause();
      setTimeout(() => socket.resume(), GATHER_MS);
    });
    socket.on('error', (error) => this.lose(error.message));
    socket.on('close', () => this.lose('was closed'));
    return () => void socket.destroy();
  }

  private readByTimer(fd: number): () => void {
    const buffer = Buffer.allocUnsafe(READ_BYTES);
    const timer = setInterval(() => {
      try {
        this.take(buffer.toString('utf8', 0, readSync(fd, buffer)));
      } catch (error) {
        const { code, message } = error as NodeJS.ErrnoException;
        if (code !== 'EAGAIN') this.lose(message); // else: nothing new
      }
    }, POLL_MS);
    return () => {
      clearInterval(timer);
      closeSync(fd);
    };
  }

  private take(chunk: string): void {
    const lines = (this.rest + chunk).split('\n');
    this.rest = lines.pop() ?? '';
    this.count(lines.length);
    if (lines.length > 0) this.listener.onLines(lines);
  }

  private count(lines: number): void {
    const now = Date.now();
    if (now - this.windowFrom >= CROWD_WINDOW_MS) {
      this.isCrowd = this.lines > CROWD_LINES && now - this.windowFrom < 2 * CROWD_WINDOW_MS;
      this.windowFrom = now;
      this.lines = 0;
    }
    this.lines += lines;
  }

  private lose(why: string): void {
    if (!this.isOpen) return;
    this.close();
    this.listener.onEnd(why);
  }
}
