/**
 * How many calls may go from the tape to a sandbox's timeline: so many for all, and fewer of one kind
 * by one process. strace waits for its program 900 times before that has made its first mount; a tape
 * full of wait4 has no room for what the learner came to see.
 */
import type { ProcessKey } from '@terrarium/timeline';

/** Calls a second for long, and at once. */
interface Rate {
  readonly perSecond: number;
  readonly atOnce: number;
}

const SANDBOX: Rate = { perSecond: 400, atOnce: 1600 };
const ONE_KIND: Rate = { perSecond: 50, atOnce: 150 };

/** A bucket that fills up again by itself. */
class Bucket {
  private readonly rate: Rate;
  private level: number;
  private at: number;

  constructor(rate: Rate, now: number) {
    this.rate = rate;
    this.level = rate.atOnce;
    this.at = now;
  }

  /** How many there are. @param now ms since the epoch */
  levelAt(now: number): number {
    const gained = (Math.max(0, now - this.at) / 1000) * this.rate.perSecond;
    this.level = Math.min(this.rate.atOnce, this.level + gained);
    this.at = now;
    return this.level;
  }

  isFull(now: number): boolean {
    return this.levelAt(now) >= this.rate.atOnce;
  }

  take(): void {
    this.level -= 1;
  }
}

export class CallAllowance {
  private all: Bucket | null = null;
  /** by process and number of the call */
  private readonly kinds = new Map<string, Bucket>();

  /**
   * @param call its number
   * @param now ms since the epoch
   * @returns false when this one is left out
   */
  take(process: ProcessKey, call: number, now: number): boolean {
    this.all ??= new Bucket(SANDBOX, now);
    const name = `${process} ${call}`;
    const kind = this.kinds.get(name) ?? new Bucket(ONE_KIND, now);
    this.kinds.set(name, kind);
    if (kind.levelAt(now) < 1 || this.all.levelAt(now) < 1) return false;
    kind.take();
    this.all.take();
    return true;
  }

  /** Lets go of what says nothing any more. */
  forgetFull(now: number): void {
    for (const [name, kind] of this.kinds) if (kind.isFull(now)) this.kinds.delete(name);
  }
}
