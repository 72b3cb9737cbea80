/**
 * Turns batches of events into at most so many frames a second. After a quiet period the first few
 * batches go at once (a fork must be on screen within 100 ms, and so must the exec that follows it
 * a millisecond later); then what comes within one frame's time is sent together at its end.
 * Nothing is ever left out here.
 */
import { RateLimit } from './rate-limit.js';

/** Events in one message; more go as several messages of the same frame, so that none is huge. */
export const EVENTS_PER_MESSAGE = 200;

/** Frames that may follow each other at once after a quiet period: two commands' start, fork, exec, exit, end. */
const BURST = 12;

/** @typeParam Event an event, in whatever form it is sent */
export class FramePacer<Event> {
  readonly #rate: RateLimit;
  readonly #send: (events: readonly Event[]) => void;
  #pending: Event[] = [];
  #timer: NodeJS.Timeout | null = null;

  /** @param send is called with 1 to EVENTS_PER_MESSAGE events, in order */
  constructor(framesPerSecond: number, send: (events: readonly Event[]) => void) {
    this.#rate = new RateLimit(framesPerSecond, BURST);
    this.#send = send;
  }

  push(events: readonly Event[]): void {
    for (const event of events) this.#pending.push(event);
    if (this.#timer !== null) return;
    const wait = this.#rate.waitMs;
    if (wait === 0) this.flush();
    else this.#timer = setTimeout(() => this.flush(), wait);
  }

  /** Sends what waits, now. */
  flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#pending.length === 0) return;
    const pending = this.#pending;
    this.#pending = [];
    this.#rate.spend();
    for (let i = 0; i < pending.length; i += EVENTS_PER_MESSAGE) {
      this.#send(pending.slice(i, i + EVENTS_PER_MESSAGE));
    }
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#pending = [];
  }
}
