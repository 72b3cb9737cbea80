/**
 * The timeline of one sandbox as the daemon keeps it: numbers events, folds them, remembers the
 * newest ones for clients that come back, and tells subscribers. No timers, no input or output.
 */
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

export type TimelineListener = (events: readonly TimelineEvent[], state: State) => void;

/** One append-only, monotonically numbered timeline with its present state. */
export class Timeline {
  private present: State;
  private ring: TimelineEvent[] = [];
  private sizes: number[] = [];
  private bytes = 0;
  private readonly listeners = new Set<TimelineListener>();
  private readonly maxEvents: number;
  private readonly maxBytes: number;
  private readonly now: () => number;

  constructor(options: TimelineOptions = {}) {
    this.present = options.start ?? EMPTY_STATE;
    this.maxEvents = options.maxEvents ?? DEFAULT_MAX_EVENTS;
    this.maxBytes = options.maxBytes ?? DEFAULT_MAX_BYTES;
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
    this.remember(events);
    for (const listener of [...this.listeners]) listener(events, this.present);
    return events;
  }

  /**
   * The events after number `seq`, for a client that has folded up to there.
   *
   * @returns null when they are no longer all in the ring (or never were of this timeline): the
   *   client needs a snapshot
   */
  since(seq: number): readonly TimelineEvent[] | null {
    if (seq === this.present.seq) return [];
    const oldest = this.ring[0]?.seq;
    if (oldest === undefined || seq < oldest - 1 || seq > this.present.seq) return null;
    return this.ring.slice(seq - oldest + 1);
  }

  /** Calls `listener` after each batch, until the returned function is called. */
  subscribe(listener: TimelineListener): () => void {
    this.listeners.add(listener);
    return () => {
      this.listeners.delete(listener);
    };
  }

  private remember(events: readonly TimelineEvent[]): void {
    for (const event of events) {
      const size = JSON.stringify(event).length;
      this.ring.push(event);
      this.sizes.push(size);
      this.bytes += size;
    }
    let drop = 0;
    while (
      drop < this.ring.length &&
      (this.ring.length - drop > this.maxEvents || this.bytes > this.maxBytes)
    ) {
      this.bytes -= this.sizes[drop] ?? 0;
      drop += 1;
    }
    if (drop > 0) {
      this.ring = this.ring.slice(drop);
      this.sizes = this.sizes.slice(drop);
    }
  }
}
