/**
 * Brings together the two lines of a fork: the kernel's (task_newtask, with the child's host pid) and
 * the call's result (with the pid that the parent sees). The second comes some microseconds later,
 * often in the next read: lines from the fork on are held back for it, so that order stays. Pure but
 * for one timer.
 */
import type { TraceEvent } from './trace-line.js';

/** A result that has not come by then, ms, is not waited for: vfork's parent sleeps until the exec. */
const PATIENCE_MS = 2;

type Fork = Extract<TraceEvent, { kind: 'fork' }>;
/** What remains: results stand in their forks. */
export type PairedEvent = Exclude<TraceEvent, { kind: 'forked' }>;

/** A fork whose result has not come yet. */
interface Waiting {
  /** where it stands among the held events */
  readonly index: number;
  readonly fork: Fork;
}

/** Takes events as they are read; hands them on in the same order. */
export class ForkPairs {
  private readonly handOn: (events: readonly PairedEvent[]) => void;
  private readonly hearsResults: boolean;
  private held: PairedEvent[] = [];
  /** by thread: it is in one call at a time */
  private readonly waiting = new Map<number, Waiting>();
  private timer: NodeJS.Timeout | null = null;

  /** @param hearsResults whether this trace tells of them: else nothing is waited for */
  constructor(handOn: (events: readonly PairedEvent[]) => void, hearsResults: boolean) {
    this.handOn = handOn;
    this.hearsResults = hearsResults;
  }

  take(events: readonly TraceEvent[]): void {
    for (const event of events) {
      if (event.kind === 'forked') this.join(event.tid, event.pid);
      else {
        if (event.kind === 'fork' && this.hearsResults)
          this.waiting.set(event.tid, { index: this.held.length, fork: event });
        this.held.push(event);
      }
    }
    this.release();
  }

  /** Forgets what is held. */
  close(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    this.held = [];
    this.waiting.clear();
  }

  private join(tid: number, visiblePid: number): void {
    const found = this.waiting.get(tid);
    if (found === undefined) return; // its fork was handed on without it
    this.waiting.delete(tid);
    this.held[found.index] = { ...found.fork, visiblePid };
  }

  /** Hands on all before the first fork that still waits. */
  private release(): void {
    const first = Math.min(...[...this.waiting.values()].map(({ index }) => index));
    if (this.waiting.size === 0) {
      this.releaseAll();
      return;
    }
    this.timer ??= setTimeout(() => this.releaseAll(), PATIENCE_MS);
    if (first === 0) return;
    const ready = this.held.slice(0, first);
    this.held = this.held.slice(first);
    for (const [tid, { index, fork }] of this.waiting) {
      this.waiting.set(tid, { index: index - first, fork });
    }
    this.handOn(ready);
  }

  private releaseAll(): void {
    const { held } = this;
    this.close();
    if (held.length > 0) this.handOn(held);
  }
}
