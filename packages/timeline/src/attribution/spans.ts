/**
 * The commands of a timeline as spans, and which of its shell's commands a moment belongs to.
 */
import type { EventBody } from '../events.js';
import type { ProcessKey } from '../state.js';
import { type Credit, joinCredits, openCredit } from './credit.js';

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

/** Commands of one shell that a late fork may still belong to. */
const LATE_SPANS = 8;

/** The commands of one shell, and its forks that no command has claimed. */
export class ShellSpans {
  private spans: OpenSpan[] = [];
  private unclaimed: { readonly credit: Credit; readonly bornAt: number }[] = [];

  add(open: OpenSpan): void {
    this.spans.push(open);
    if (this.spans.length > LATE_SPANS) this.spans.shift();
    const { from } = open;
    if (from === null) return;
    // The pty told of the command after the trace told of its fork: their own clocks decide.
    for (const fork of this.unclaimed) {
      if (fork.bornAt >= Math.floor(from)) joinCredits(fork.credit, open.credit);
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
    const then = this.spans.findLast(({ from }) => from === null || Math.floor(from) <= bornAt);
    const isOver = then === undefined || (then.to === null ? then !== running : then.to < bornAt);
    return isOver ? this.wait(bornAt, unless) : then.credit;
  }

  private wait(bornAt: number, unless: Credit | undefined): Credit {
    const credit = openCredit(unless);
    this.unclaimed.push({ credit, bornAt });
    if (this.unclaimed.length > LATE_SPANS) this.unclaimed.shift();
    return credit;
  }
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
