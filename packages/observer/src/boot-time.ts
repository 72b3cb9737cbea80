/**
 * When the machine booted, as the wall clock counts now. The trace tells times since boot, a shell
 * tells wall-clock times of its commands, and which of two came first is decided by both: so the
 * difference of these clocks must be known to microseconds, while Date.now() has milliseconds and
 * /proc/uptime hundredths of a second.
 */
import { readFileSync } from 'node:fs';

/** Between two looks at a clock in a loop: more means that something else ran in between. */
const MAX_GAP_NS = 20_000;
/** Looks for an edge; a busy machine interrupts one now and then. */
const ATTEMPTS = 8;
/** The wall clock is slewed by up to 0.5 ms a second (adjtimex(2)), and set now and then, ms. */
const VALID_MS = 5_000;

/** Milliseconds since the epoch at which the machine booted; measured anew every few seconds. */
export class BootTime {
  #bootedAt = Number.NaN;
  #until = Number.NEGATIVE_INFINITY;

  get bootedAt(): number {
    const now = performance.now();
    if (now >= this.#until) {
      this.#bootedAt = measure();
      this.#until = performance.now() + VALID_MS;
    }
    return this.#bootedAt;
  }
}

/** Waits for the wall clock's next millisecond, which is exact at its beginning: 0.5 ms of work. */
function measure(): number {
  let best = Number.POSITIVE_INFINITY;
  let bootedAt = 0;
  for (let i = 0; i < ATTEMPTS && best > MAX_GAP_NS; i++) {
    const { wall, monotonic, gap } = edge();
    if (gap >= best) continue;
    best = gap;
    bootedAt = wall - monotonic / 1e6;
  }
  return bootedAt - suspended();
}

/**
 * The moment at which Date.now() changed, on both clocks (hrtime is CLOCK_MONOTONIC), and how far
 * apart the looks are between which it lies: whatever interrupts this makes them far apart.
 */
function edge(): { wall: number; monotonic: number; gap: number } {
  let sure = process.hrtime.bigint();
  const before = Date.now();
  let last = process.hrtime.bigint();
  for (;;) {
    const wall = Date.now();
    const now = process.hrtime.bigint();
    if (wall !== before) {
      return { wall, monotonic: Number(sure + now) / 2, gap: Number(now - sure) };
    }
    // That look at the wall clock came after `last`, and this one before `now`.
    sure = last;
    last = now;
  }
}

/** How long the machine slept, ms: CLOCK_BOOTTIME (of /proc/uptime) goes on then. */
function suspended(): number {
  const uptime = Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]) * 1000;
  const difference = uptime - Number(process.hrtime.bigint()) / 1e6;
  return difference > 100 ? difference : 0;
}
