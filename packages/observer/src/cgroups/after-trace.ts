/**
 * Something to compare with the kernel, soon: not before the trace has told of what happened until
 * the last time that this was asked for, as it knows who did it. At the latest after TRACE_LATE_MS.
 */
import type { WatchedSandbox } from '../part.js';

/** Somebody who writes without pause, or a trace that has nearly stopped, delays it so far. */
const TRACE_LATE_MS = 500;
/** Where there is no trace to wait for. */
const NO_TRACE_MS = 40;
const NEVER = Number.POSITIVE_INFINITY;

export class AfterTrace {
  private readonly sandbox: Pick<WatchedSandbox, 'machine' | 'wake' | 'whenTold'>;
  private due = NEVER;
  private again = false;
  private turn = 0;

  constructor(sandbox: Pick<WatchedSandbox, 'machine' | 'wake' | 'whenTold'>) {
    this.sandbox = sandbox;
  }

  /** When it is due, ms since the epoch; Infinity when nobody asks for it. */
  get at(): number {
    return this.due;
  }

  ask(): void {
    this.again = true;
    if (this.due !== NEVER) return;
    this.due = this.sandbox.machine.now() + (this.wait(this.turn) ? TRACE_LATE_MS : NO_TRACE_MS);
  }

  /** It is done now, or not needed any more. */
  done(): void {
    this.due = NEVER;
    this.again = false;
    this.turn += 1;
  }

  private wait(turn: number): boolean {
    this.again = false;
    return this.sandbox.whenTold(() => {
      if (turn !== this.turn || (this.again && this.wait(turn))) return;
      this.due = 0;
      this.sandbox.wake();
    });
  }
}
