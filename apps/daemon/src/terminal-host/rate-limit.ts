/** A token bucket: how many messages one client may send. */

/** Sustained messages a second: a fast typist makes 15, a paste or mouse drag a few hundred. */
export const MESSAGES_PER_SECOND = 1000;
/** At once: a paste of 1 MiB is 32 frames; a page that wakes up acknowledges what it missed. */
export const MESSAGE_BURST = 2000;

/** Make one for each client. */
export class RateLimit {
  readonly #perSecond: number;
  readonly #burst: number;
  #tokens: number;
  #last: number;

  constructor(now: number, perSecond: number = MESSAGES_PER_SECOND, burst: number = MESSAGE_BURST) {
    this.#perSecond = perSecond;
    this.#burst = burst;
    this.#tokens = burst;
    this.#last = now;
  }

  /** @param now milliseconds; @returns false when this message is one too many */
  take(now: number): boolean {
    const earned = ((now - this.#last) / 1000) * this.#perSecond;
    this.#tokens = Math.min(this.#burst, this.#tokens + earned);
    this.#last = now;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}
