/**
 * One tape for all sandboxes of an observer that want one: opened with the first, closed with the
 * last, emptied by a timer in between, each record handed to the sandbox that its number names.
 */
import { KernelTape, tracefsDir } from './kernel-tape.js';
import type { CallRecord } from './record.js';

/** Between two looks into the queue: at a glance "at once", and 40 look-ups a second. */
const LOOK_MS = 25;

/** What a sandbox gets. */
export interface TapeListener {
  readonly onCalls: (records: readonly CallRecord[]) => void;
  /** the kernel had no room for this many calls, of whichever sandbox */
  readonly onLost: (count: number) => void;
}

/** A sandbox's place on the tape. */
export interface TapeSeat {
  readonly follow: (threads: readonly number[]) => void;
  readonly forget: (thread: number) => void;
  /** the calls that ended so far are handed out first */
  readonly close: () => void;
}

export class CallTape {
  private readonly listeners = new Map<number, TapeListener>();
  private kernel: KernelTape | null = null;
  private timer: NodeJS.Timeout | null = null;
  private lastNumber = 0;
  private lost = 0;

  /** @throws Error saying what this kernel or this process lacks */
  open(listener: TapeListener): TapeSeat {
    const kernel = this.start();
    // Never used again: a record of a sandbox that left can't be taken for another's.
    const sandbox = ++this.lastNumber;
    this.listeners.set(sandbox, listener);
    return {
      follow: (threads) => kernel.follow(threads, sandbox),
      forget: (thread) => kernel.forget(thread),
      close: () => this.leave(sandbox),
    };
  }

  private start(): KernelTape {
    if (this.kernel !== null) return this.kernel;
    const tracefs = tracefsDir();
    if (tracefs === null) throw new Error('no tracefs is mounted');
    this.kernel = new KernelTape(tracefs);
    this.lost = 0;
    this.timer = setInterval(() => this.look(), LOOK_MS);
    return this.kernel;
  }

  private leave(sandbox: number): void {
    this.look();
    this.listeners.delete(sandbox);
    if (this.listeners.size > 0) return;
    if (this.timer !== null) clearInterval(this.timer);
    this.kernel?.close();
    this.kernel = null;
  }

  private look(): void {
    if (this.kernel === null) return;
    const calls = new Map<number, CallRecord[]>();
    for (const record of this.kernel.take()) {
      const known = calls.get(record.sandbox);
      if (known === undefined) calls.set(record.sandbox, [record]);
      else known.push(record);
    }
    const lost = this.kernel.lost();
    for (const [sandbox, listener] of this.listeners) {
      const records = calls.get(sandbox);
      if (records !== undefined) listener.onCalls(records);
      if (lost > this.lost) listener.onLost(lost - this.lost);
    }
    this.lost = lost;
  }
}
