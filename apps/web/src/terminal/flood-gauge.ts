/** Tells a flood of output from what commands usually print. */

/** So much within one window is a flood; a screen of a busy `ls -l` is some 10 kB. */
const FLOOD_BYTES = 128 * 1024;
/** Over which output is added up, ms. */
const WINDOW_MS = 1000;

/** Of one terminal. */
export class FloodGauge {
  #windowBegan = Number.NEGATIVE_INFINITY;
  #bytes = 0;
  #met = false;

  /** whether there ever was one */
  get met(): boolean {
    return this.#met;
  }

  /**
   * Adds output up.
   *
   * @param t when it came, ms
   * @returns true at the moment that makes it the first flood
   */
  isFlood(t: number, bytes: number): boolean {
    if (this.#met) return false;
    if (t - this.#windowBegan >= WINDOW_MS) {
      this.#windowBegan = t;
      this.#bytes = 0;
    }
    this.#bytes += bytes;
    this.#met = this.#bytes >= FLOOD_BYTES;
    return this.#met;
  }
}
