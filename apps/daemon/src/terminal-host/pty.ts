/**
 * One pty as the terminal host holds it: reads the master into a callback, writes without ever
 * blocking, and at the shell's end reads the last byte before it lets go.
 *
 * Run by the terminal host: host root, host namespaces; the pty lies in the sandbox's devpts.
 */

import { closeSync, readSync, writeSync } from 'node:fs';
import { constants } from 'node:os';
import { ReadStream } from 'node:tty';
import { setWindowSize, signalForeground, signalsOnInterrupt } from '@terrarium/syscall';
import { openPtyPair, type PtyPair } from './kernel.js';

/** One read of the master; the kernel gives at most 4 KB of a pty at a time anyway. */
const READ_BYTES = 64 * 1024;
/** Input that the program does not take is kept up to here, then its sender is paused. */
export const INPUT_QUEUE_BYTES = 1024 * 1024;
/** Pauses between attempts while the kernel takes no input: first and longest, ms. */
const RETRY_FIRST_MS = 2;
const RETRY_LAST_MS = 50;
const CTRL_C = 0x03;

/** One buffer for all ptys: the callback copies what it keeps. */
const readBuffer = Buffer.allocUnsafeSlow(READ_BYTES);

export interface PtyEvents {
  /** output; the bytes are valid during the call alone */
  onOutput(bytes: Uint8Array): void;
  /** the input queue went below its limit again */
  onInputRoom(): void;
}

/** Make it with `Pty.open`; `close` it when the shell has ended. */
export class Pty {
  readonly pts: number;
  readonly #pair: PtyPair;
  readonly #events: PtyEvents;
  readonly #reader: ReadStream;
  #queue: Buffer[] = [];
  #queued = 0;
  #retry: NodeJS.Timeout | null = null;
  #retryMs = RETRY_FIRST_MS;
  #paused = true;
  #closed = false;

  private constructor(pair: PtyPair, events: PtyEvents) {
    this.pts = pair.pts;
    this.#pair = pair;
    this.#events = events;
    this.#reader = new ReadStream(pair.master, {
      onread: {
        buffer: readBuffer,
        callback: (length: number) => {
          if (!this.#closed) events.onOutput(readBuffer.subarray(0, length));
          return !this.#paused;
        },
      },
    } as ConstructorParameters<typeof ReadStream>[1]);
    // While the slave is held open there is no EIO; what comes after close() is of no interest.
    this.#reader.on('error', () => {});
  }

  /** Makes a pty in a devpts, at first paused. @throws SyscallError */
  static open(devptsFd: number, cols: number, rows: number, events: PtyEvents): Pty {
    const pair = openPtyPair(devptsFd);
    setWindowSize(pair.master, { cols, rows });
    return new Pty(pair, events);
  }

  /** The slave's fd, for the shell's standard streams. Held here until `close`. */
  get slaveFd(): number {
    return this.#pair.slave;
  }

  /** True when no more input should be accepted for now. */
  get inputFull(): boolean {
    return this.#queued >= INPUT_QUEUE_BYTES;
  }

  pause(): void {
    if (this.#paused || this.#closed) return;
    this.#paused = true;
    this.#reader.pause();
  }

  resume(): void {
    if (!this.#paused || this.#closed) return;
    this.#paused = false;
    this.#reader.resume();
  }

  resize(cols: number, rows: number): void {
    if (!this.#closed) setWindowSize(this.#pair.master, { cols, rows });
  }

  /** Types. The bytes are copied if they cannot be written at once. */
  write(bytes: Uint8Array): void {
    if (this.#closed || bytes.length === 0) return;
    if (bytes.length === 1 && bytes[0] === CTRL_C) {
      this.#interrupt();
      return;
    }
    const written = this.#queued === 0 ? this.#tryWrite(bytes) : 0;
    if (written === bytes.length) return;
    this.#queue.push(Buffer.from(bytes.subarray(written)));
    this.#queued += bytes.length - written;
    this.#scheduleRetry();
  }

  /**
   * Reads what the kernel still holds after the shell's exit. read(2) of a pty master waits for
   * the kernel's own transfer first, so EAGAIN means that there is nothing more.
   */
  drain(): void {
    if (this.#closed) return;
    for (;;) {
      let length: number;
      try {
        length = readSync(this.#pair.master, readBuffer);
      } catch {
        return;
      }
      if (length === 0) return;
      this.#events.onOutput(readBuffer.subarray(0, length));
    }
  }

  /** Lets go of both ends; the session that still uses the pty is hung up by the kernel. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#retry !== null) clearTimeout(this.#retry);
    this.#queue = [];
    this.#queued = 0;
    closeSync(this.#pair.slave);
    this.#reader.destroy();
  }

  /**
   * Ctrl-C overtakes input that the program never read, as the kernel's own queue is flushed by
   * it. When even one byte does not fit, the signal goes to the foreground group directly.
   */
  #interrupt(): void {
    const { master, slave } = this.#pair;
    this.#queue = [];
    this.#queued = 0;
    if (this.#tryWrite(Uint8Array.of(CTRL_C)) === 1) return;
    if (signalsOnInterrupt(slave)) {
      signalForeground(master, constants.signals.SIGINT);
      return;
    }
    this.#queue.push(Buffer.of(CTRL_C));
    this.#queued = 1;
    this.#scheduleRetry();
  }

  #tryWrite(bytes: Uint8Array): number {
    try {
      return writeSync(this.#pair.master, bytes);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return 0;
      return bytes.length; // EIO after a hang-up: nobody reads this any more
    }
  }

  #scheduleRetry(): void {
    if (this.#retry !== null) return;
    this.#retry = setTimeout(() => {
      this.#retry = null;
      this.#flush();
    }, this.#retryMs);
  }

  #flush(): void {
    const wasFull = this.inputFull;
    let progress = false;
    while (this.#queue.length > 0) {
      const head = this.#queue[0]!;
      const written = this.#tryWrite(head);
      if (written > 0) progress = true;
      this.#queued -= written;
      if (written < head.length) {
        this.#queue[0] = head.subarray(written);
        break;
      }
      this.#queue.shift();
    }
    this.#retryMs = progress ? RETRY_FIRST_MS : Math.min(this.#retryMs * 2, RETRY_LAST_MS);
    if (this.#queue.length > 0) this.#scheduleRetry();
    if (wasFull && !this.inputFull) this.#events.onInputRoom();
  }
}
