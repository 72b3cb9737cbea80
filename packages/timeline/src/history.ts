/**
 * The past of one timeline, in memory: every event with a snapshot now and then, so that the state
 * at any moment is one snapshot and a short fold away. The page's scrubber and the player of
 * recordings seek in it. No timers, no input or output.
 *
 * Snapshots cost little: they are states that the fold made anyway, and share what did not change.
 */
import type { TimelineEvent } from './events.js';
import { firstAfter } from './first-after.js';
import { fold } from './fold.js';
import { EMPTY_STATE, type State } from './state.js';

/** Bounds of what is remembered; the oldest goes first, a segment (see `segmentEvents`) at a time. */
export interface HistoryOptions {
  /** the state before the first event that will be appended; default: an empty timeline */
  readonly start?: State;
  /** default 200,000: six hours of normal work, about 60 MB with all snapshots */
  readonly maxEvents?: number;
  /** events between two snapshots, the most that a seek folds; default 1,000: about 2 ms */
  readonly segmentEvents?: number;
}

export const DEFAULT_HISTORY_EVENTS = 200_000;
export const DEFAULT_SEGMENT_EVENTS = 1_000;

/** Events that follow one snapshot. */
interface Segment {
  readonly base: State;
  readonly events: TimelineEvent[];
}

/** An append-only list of events in which one can seek. */
export class History {
  private segments: Segment[];
  private present: State;
  private count = 0;
  private readonly maxEvents: number;
  private readonly segmentEvents: number;
  /** the last answer: dragging forward folds on from it, and shares with it */
  private last: State | null = null;

  constructor(options: HistoryOptions = {}) {
    this.present = options.start ?? EMPTY_STATE;
    this.maxEvents = options.maxEvents ?? DEFAULT_HISTORY_EVENTS;
    this.segmentEvents = Math.max(1, options.segmentEvents ?? DEFAULT_SEGMENT_EVENTS);
    this.segments = [{ base: this.present, events: [] }];
  }

  /** The oldest state that can be had: everything before it is forgotten. */
  get oldest(): State {
    return this.segments[0]!.base;
  }

  /** The fold of everything. */
  get newest(): State {
    return this.present;
  }

  /** Number of events remembered. */
  get length(): number {
    return this.count;
  }

  /**
   * Adds events that follow the newest ones.
   *
   * @param state their fold, where the caller has it; else it is folded here
   * @throws RangeError when the events do not follow: then begin a new History from a snapshot
   */
  append(events: readonly TimelineEvent[], state?: State): void {
    const first = events[0];
    if (first === undefined) return;
    if (first.seq !== this.present.seq + 1) {
      throw new RangeError(`history: event ${first.seq} does not follow ${this.present.seq}`);
    }
    let done = 0;
    while (done < events.length) {
      const open = this.openSegment();
      const part = events.slice(done, done + this.segmentEvents - open.events.length);
      for (const event of part) open.events.push(event);
      done += part.length;
      const known = done === events.length ? state : undefined;
      this.present = known ?? fold(this.present, part);
    }
    this.count += events.length;
    this.forgetOldest();
  }

  /** @returns null for what is forgotten, or has not happened yet */
  stateAtSeq(seq: number): State | null {
    if (seq === this.present.seq) return this.present;
    if (seq < this.oldest.seq || seq > this.present.seq) return null;
    const segment = this.segments[this.segmentOf((base) => base.seq <= seq)]!;
    return this.foldTo(segment, seq);
  }

  /**
   * The state at a time, milliseconds since the epoch: all events up to and including that
   * millisecond are in it.
   *
   * @returns null for a time that is forgotten; the newest state for one after the last event
   */
  stateAt(t: number): State | null {
    const seq = this.seqAt(t);
    return seq === null ? null : this.stateAtSeq(seq);
  }

  /** Number of the last event at or before a time; null when that is forgotten. */
  seqAt(t: number): number | null {
    if (t >= this.present.t) return this.present.seq;
    if (t < this.oldest.t || (t < this.firstTime() && this.oldest.seq === 0)) return null;
    const segment = this.segments[this.segmentOf((base) => base.t <= t)]!;
    const after = firstAfter(segment.events, (event) => event.t > t);
    return segment.base.seq + after;
  }

  /** The events after number `from` up to number `to`, as far as they are remembered. */
  between(from: number, to: number = this.present.seq): readonly TimelineEvent[] {
    const found: TimelineEvent[] = [];
    const begin = Math.max(from, this.oldest.seq);
    for (let i = this.segmentOf((base) => base.seq <= begin); i < this.segments.length; i++) {
      const { base, events } = this.segments[i]!;
      if (base.seq >= to) break;
      for (const event of events) if (event.seq > from && event.seq <= to) found.push(event);
    }
    return found;
  }

  private firstTime(): number {
    return this.segments[0]?.events[0]?.t ?? this.present.t;
  }

  private openSegment(): Segment {
    const open = this.segments.at(-1)!;
    if (open.events.length < this.segmentEvents) return open;
    const next: Segment = { base: this.present, events: [] };
    this.segments.push(next);
    return next;
  }

  /** Index of the last segment whose base state fits; bases only grow, so halving finds it. */
  private segmentOf(fits: (base: State) => boolean): number {
    return Math.max(0, firstAfter(this.segments, ({ base }) => !fits(base)) - 1);
  }

  private foldTo({ base, events }: Segment, seq: number): State {
    const near = this.last;
    const from = near !== null && near.seq >= base.seq && near.seq <= seq ? near : base;
    const state = fold(from, events.slice(from.seq - base.seq, seq - base.seq));
    this.last = state;
    return state;
  }

  private forgetOldest(): void {
    let drop = 0;
    while (drop < this.segments.length - 1 && this.count > this.maxEvents) {
      this.count -= this.segments[drop]!.events.length;
      drop += 1;
    }
    if (drop > 0) this.segments = this.segments.slice(drop);
    if (this.last !== null && this.last.seq < this.oldest.seq) this.last = null;
  }
}
