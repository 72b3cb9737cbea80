/**
 * Rule 8 of attribution.ts, for events that come without an actor (inotify and netlink do not say
 * who): the one command that can have done it, when there is only one. Everything that was running
 * around that moment is a candidate, whether it is likely or not; with two there is no answer.
 */
import { type Credit, commandOfCredit } from './credit.js';

/** How late an event may come after what it tells of, and a command's end before it, ms. */
const BEFORE_MS = 300;
/** How late a command or a fork may be told after an event of what it did, ms. */
const AFTER_MS = 150;

/** Something that could act, from one moment to another. */
interface Active {
  readonly credit: Credit;
  readonly from: number;
  /** null while it lives */
  to: number | null;
  /** it waits for a shell that it started, and does nothing else meanwhile */
  readonly waits: () => boolean;
}

interface Undecided {
  readonly credit: Credit;
  readonly t: number;
}

/** Told of all that runs, as it is told; asked about moments that may be a little past. */
export class SoleCommand {
  private readonly active = new Map<string, Active>();
  private ended: Active[] = [];
  private undecided: Undecided[] = [];

  clear(): void {
    this.active.clear();
    this.ended = [];
    this.undecided = [];
  }

  /**
   * A process, or a shell's command, begins.
   *
   * @param id of either
   * @param t when it was born, rather than when that was told, where that is known
   */
  begin(id: string, credit: Credit, t: number, waits: () => boolean = () => false): void {
    this.end(id, t);
    // What is told at a whole millisecond was done before its end.
    this.active.set(id, { credit, from: Math.floor(t), to: null, waits });
  }

  /** It was no actor of its own after all. */
  forget(id: string): void {
    this.active.delete(id);
  }

  end(id: string, t: number): void {
    const one = this.active.get(id);
    if (one === undefined) return;
    this.active.delete(id);
    // Who waited until its end did nothing before.
    if (one.waits()) return;
    one.to = t;
    this.ended.push(one);
  }

  /** Whose an event at `t` is: filled in as long as later events can tell more. */
  creditAt(t: number): Credit {
    const credit: Credit = { command: null };
    this.undecided.push({ credit, t });
    return credit;
  }

  /** The time is `now`: decides for ever about what is long enough ago. */
  pass(now: number): void {
    for (let first = this.undecided[0]; first !== undefined; first = this.undecided[0]) {
      if (first.t + AFTER_MS >= now) break;
      first.credit.command = this.soleAt(first.t);
      this.undecided.shift();
    }
    const oldest = Math.min(now, this.undecided[0]?.t ?? now) - BEFORE_MS;
    for (let first = this.ended[0]; first !== undefined; first = this.ended[0]) {
      if (first.to !== null && first.to >= oldest) break;
      this.ended.shift();
    }
  }

  /** As far as is known now. */
  settle(): void {
    for (const { credit, t } of this.undecided) credit.command = this.soleAt(t);
  }

  private soleAt(t: number): string | null {
    let sole: string | null = null;
    for (const one of [...this.active.values(), ...this.ended]) {
      if (one.from > t || one.waits()) continue;
      if (one.to !== null && one.to < t - BEFORE_MS) continue;
      const command = commandOfCredit(one.credit);
      if (command === null || (sole !== null && sole !== command)) return null;
      sole = command;
    }
    return sole;
  }
}
