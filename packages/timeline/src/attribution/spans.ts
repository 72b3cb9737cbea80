/**
 * The commands of a timeline as spans, and which of its shell's commands a moment belongs to.
 */
import type { EventBody } from '../events.js';
import type { ProcessKey } from '../state.js';
import { type Credit, joinCredits, NOBODY, openCredit } from './credit.js';

/** One command line, or (without shell integration) one job that a shell with job control ran. */
export interface CommandSpan {
  readonly id: string;
  /** null for an inferred one */
  readonly terminal: string | null;
  readonly line: string | null;
  /** the shell */
  readonly process: ProcessKey;
  /** the command in which that shell itself was started: it is nested in it */
  readonly within: string | null;
  readonly startSeq: number;
  readonly startedAt: number;
  /** null while it runs */
  readonly endSeq: number | null;
  readonly endedAt: number | null;
  readonly exitCode: number | null;
  /** true when found by its process group alone, because the shell did not say */
  readonly inferred: boolean;
}

/** A span in the making, with the credit of everything that its shell causes while it runs. */
export interface OpenSpan {
  span: CommandSpan;
  readonly credit: Credit;
  /** by the shell's own clock, where it said */
  readonly from: number | null;
  to: number | null;
}

/** Commands of one shell that a late fork may still belong to: pasted lines run at once. */
const LATE_SPANS = 64;
/** Newest forks of a running command that may turn out to be behind its end. */
const LATE_FORKS = 64;
/** How late it may be told that a shell did something to itself or by a builtin, ms. */
const LATE_ACT_MS = 100;
/** How late a command may be told after what its shell did in it, ms. */
const LATE_START_MS = 150;

/** The commands of one shell, and its forks that no command has claimed. */
export class ShellSpans {
  private spans: OpenSpan[] = [];
  private unclaimed: { readonly credit: Credit; readonly bornAt: number }[] = [];
  /** forks of the command that runs, as it seems: those behind its end are not */
  private joined: { readonly credit: Credit; readonly bornAt: number }[] = [];
  private acts: { readonly credit: Credit; readonly t: number }[] = [];

  add(open: OpenSpan): void {
    this.spans.push(open);
    if (this.spans.length > LATE_SPANS) this.spans.shift();
    const { from } = open;
    if (from === null) return;
    // The pty told of the command after the trace told of its fork: their own clocks decide.
    for (const fork of this.unclaimed) {
      if (fork.bornAt + vagueness(fork.bornAt) >= from) joinCredits(fork.credit, open.credit);
    }
    this.unclaimed = [];
  }

  /** The one that runs now. */
  get running(): OpenSpan | null {
    const last = this.spans.at(-1);
    return last !== undefined && last.span.endSeq === null ? last : null;
  }

  /** The one that runs, else the last: between two commands a shell does nothing to itself. */
  get latest(): OpenSpan | null {
    return this.spans.at(-1) ?? null;
  }

  /** Whether it had run a command by then, by its own clock; true where it has none. */
  hadBegunBy(at: number): boolean {
    return this.spans.some(({ from }) => from === null || from <= at);
  }

  /**
   * Credit of a child that was born at `bornAt` (whole ms). Its event may come late or early, so
   * where the shell told its own times, these decide.
   *
   * @param unless whose the child is when no command of this shell claims it: a prompt's helper
   */
  claim(bornAt: number, unless: Credit | undefined): Credit {
    const { running } = this;
    const timed = this.spans.some(({ from }) => from !== null);
    if (!timed) return running?.credit ?? this.wait(bornAt, unless);
    const latest = bornAt + vagueness(bornAt);
    const able = this.spans.filter(({ from, to, span }) => {
      if (from !== null && from > latest) return false;
      return to === null ? span.endSeq === null : to >= bornAt;
    });
    const then = able.at(-1);
    // Born in the same tick of a slow clock as two commands: it may be of either.
    if (then === undefined || (able.length > 1 && latest > bornAt))
      return this.wait(bornAt, unless);
    if (then.to !== null) return then.credit;
    const credit: Credit = { command: null, same: then.credit, ...(unless && { unless }) };
    this.joined = [...this.joined.slice(1 - LATE_FORKS), { credit, bornAt }];
    return credit;
  }

  /** A command told when it ended: a prompt's helper may have been told before that. */
  ended({ to }: OpenSpan): void {
    for (const { credit, bornAt } of this.joined) {
      if (to !== null && bornAt > to) delete credit.same;
    }
    this.joined = [];
  }

  /**
   * Credit of what the shell itself did, told at `t`: a builtin, an exec. Its command may be told a
   * moment later, and of two commands that followed at once it is nobody's.
   */
  act(t: number): Credit {
    const { latest } = this;
    if (latest?.from === null) return latest.credit;
    const credit: Credit = { command: null };
    this.acts.push({ credit, t });
    return credit;
  }

  /** Decides about acts; for ever about those that are long enough ago. @returns whether all are */
  settle(now: number): boolean {
    for (const { credit, t } of this.acts) {
      const by = this.doneBy(t);
      if (by === NOBODY) delete credit.same;
      else credit.same = by;
    }
    this.acts = this.acts.filter(({ t }) => t + LATE_START_MS >= now);
    return this.acts.length === 0;
  }

  private doneBy(t: number): Credit {
    const begun = this.spans.filter(({ from, span }) => (from ?? span.startedAt) <= t);
    const able = begun.filter(({ to, span }) => {
      const end = to ?? span.endedAt;
      return end === null || end >= t - LATE_ACT_MS;
    });
    if (able.length > 1) return NOBODY;
    return (able[0] ?? begun.at(-1))?.credit ?? NOBODY;
  }

  private wait(bornAt: number, unless: Credit | undefined): Credit {
    const credit = openCredit(unless);
    this.unclaimed.push({ credit, bornAt });
    if (this.unclaimed.length > LATE_SPANS) this.unclaimed.shift();
    return credit;
  }
}

/** A tick of /proc/PID/stat, from which a birth is known that no trace told of, ms. */
const TICK_MS = 10;

/** How much later a birth may have been: a whole number of milliseconds is one that was rounded. */
function vagueness(bornAt: number): number {
  return Number.isInteger(bornAt) ? TICK_MS : 0;
}

type Start = Extract<EventBody, { type: 'command.start' }>;

/** A span at its start. */
export function startSpan(
  event: Start,
  seq: number,
  t: number,
  within: string | null,
  inferred = false,
): OpenSpan {
  const { id, line, process } = event;
  return {
    span: {
      ...{ id, line, process, within, inferred },
      terminal: inferred ? null : event.terminal,
      ...{ startSeq: seq, startedAt: t, endSeq: null, endedAt: null, exitCode: null },
    },
    credit: { command: id },
    from: event.at ?? null,
    to: null,
  };
}
