/**
 * The timeline of one sandbox as the daemon keeps it: numbers events, folds them, remembers the
 * newest ones for clients that come back, and tells subscribers. No timers, no input or output.
 */

import { EventRing } from './event-ring.js';
import type { EventBody, TimelineEvent } from './events.js';
import { fold } from './fold.js';
import { EMPTY_STATE, type State } from './state.js';

/** Bounds of the ring of newest events; whichever is reached first. */
export interface TimelineOptions {
  /** newest events kept for `since`; default 20,000: about 10 minutes of a busy learner */
  readonly maxEvents?: number;
  /** the same bound in characters of JSON; default 4 Mi, so that 100 learners fit in 400 MB */
  readonly maxBytes?: number;
  /** milliseconds since the epoch; for tests */
  readonly now?: () => number;
  /** where the numbering goes on after a restart */
  readonly start?: State;
}

export const DEFAULT_MAX_EVENTS = 20_000;
export const DEFAULT_MAX_BYTES: number = 4 * 1024 * 1024;

/** @param texts the same events as JSON, one text each: whoever sends or writes them need not make it again */
export type TimelineListener = (
  events: readonly TimelineEvent[],
  state: State,
  texts: readonly string[],
) => void;

/** One append-only, monotonically numbered timeline with its present state. */
export class Timeline {
  private present: State;
  private readonly ring: EventRing;
  private readonly listeners = new Set<TimelineListener>();
  private readonly now: () => number;

  constructor(options: TimelineOptions = {}) {
    this.present = options.start ?? EMPTY_STATE;
    this.ring = new EventRing(
      options.maxEvents ?? DEFAULT_MAX_EVENTS,
      options.maxBytes ?? DEFAULT_MAX_BYTES,
    );
    this.now = options.now ?? Date.now;
  }

  /** The fold of everything appended so far. */
  get state(): State {
    return this.present;
  }

  /** Number of the newest event; 0 before the first. */
  get seq(): number {
    return this.present.seq;
  }

  /** Numbers and folds one batch and tells the subscribers once. All of a batch has one time. */
  append(bodies: readonly EventBody[]): readonly TimelineEvent[] {
    if (bodies.length === 0) return [];
    // The clock of the machine may be set back; the time of a timeline may not.
    const t = Math.max(this.now(), this.present.t);
    const first = this.present.seq + 1;
    const events = bodies.map((body, i): TimelineEvent => ({ ...body, seq: first + i, t }));
    this.present = fold(this.present, events);
    const texts = events.map((event) => JSON.stringify(event));
    this.ring.push(first, texts);
    for (const listener of [...this.listeners]) listener(events, this.present, texts);
    return events;
  }

  /**
   * The events after number `seq`, for a client that has folded up to there.
   *
   * @returns null when they are no longer all in the ring (or never were of this timeline): the
   *   client needs a snapshot
   */
  since(seq: number): readonly TimelineEvent[] | null {
    return this.textsSince(seq)?.map((text) => JSON.parse(text) as TimelineEvent) ?? null;
  }

  /** The same as JSON, one text an event: what a page that missed them is sent. */
  textsSince(seq: number): readonly string[] | null {
    if (seq === this.present.seq) return [];
    return seq > this.present.seq ? null : this.ring.since(seq);
  }

  /** Calls `listener` after each batch, until the returned function is called. */
  subscribe(listener: TimelineListener): () => void {
    this.listeners.add(listener);
    return () => {
      this.listeners.delete(listener);
    };
  }
}
