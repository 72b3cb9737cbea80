/**
 * Calls of one sandbox in the order in which they returned, held back until it is known whose they
 * are: the tape is read by one way, the birth of a process is told by another, and either may be the
 * faster. On a busy machine the trace of births is a second late, and more.
 */
import type { ProcessKey } from '@terrarium/timeline';
import type { WatchedSandbox } from '../part.js';
import type { CallRecord } from './record.js';

/** A process that came from outside is found by looking, some 100 ms after it came, ms. */
const UNKNOWN_FOR_MS = 500;
/** A trace that has not told of all for so long never will, ms. */
const GIVE_UP_MS = 5000;
const LOOK_AGAIN_MS = 15;

interface Waiting {
  readonly record: CallRecord;
  readonly since: number;
  /** the trace has told of all that had happened when this call came */
  isTold: boolean;
}

export class CallQueue {
  private readonly sandbox: Pick<WatchedSandbox, 'machine' | 'wake' | 'whenTold'>;
  private readonly keyOf: (pid: number) => ProcessKey | null;
  private waiting: Waiting[] = [];
  private isAsking = false;

  constructor(
    sandbox: Pick<WatchedSandbox, 'machine' | 'wake' | 'whenTold'>,
    keyOf: (pid: number) => ProcessKey | null,
  ) {
    this.sandbox = sandbox;
    this.keyOf = keyOf;
  }

  /** When to ask again, ms since the epoch; null while nothing waits. */
  get due(): number | null {
    return this.waiting.length > 0 ? this.sandbox.machine.now() + LOOK_AGAIN_MS : null;
  }

  push(records: readonly CallRecord[]): void {
    const since = this.sandbox.machine.now();
    this.waiting.push(...records.map((record) => ({ record, since, isTold: false })));
  }

  clear(): void {
    this.waiting = [];
  }

  /**
   * Takes from the front what can be told; what nobody can be named for any more comes with null.
   *
   * @param now ms since the epoch; Infinity takes all
   */
  take(now: number): { readonly record: CallRecord; readonly key: ProcessKey | null }[] {
    const taken: { record: CallRecord; key: ProcessKey | null }[] = [];
    for (const waiting of this.waiting) {
      const key = this.keyOf(waiting.record.tgid);
      if (key === null && this.mayBeTold(waiting, now)) break;
      taken.push({ record: waiting.record, key });
    }
    if (taken.length > 0) this.waiting = this.waiting.slice(taken.length);
    return taken;
  }

  private mayBeTold({ since, isTold }: Waiting, now: number): boolean {
    if (now - since < UNKNOWN_FOR_MS) return true;
    if (now - since >= GIVE_UP_MS) {
      this.isAsking = false;
      return false;
    }
    return !isTold && this.askTrace();
  }

  /** Once for all that wait now. @returns false where the trace cannot be asked */
  private askTrace(): boolean {
    if (this.isAsking) return true;
    const asked = [...this.waiting];
    this.isAsking = this.sandbox.whenTold(() => {
      this.isAsking = false;
      for (const one of asked) one.isTold = true;
      this.sandbox.wake();
    });
    return this.isAsking;
  }
}
