/** The presentation's time: in all since the first press, and on each slide over all its visits. */

export interface Clock {
  /** ms since the epoch; null before the first press */
  readonly startedAt: number | null;
  readonly slideSince: number;
  /** ms of earlier visits, by slide */
  readonly spent: readonly number[];
}

/** A clock that has not begun. */
export const STOPPED: Clock = { startedAt: null, slideSince: 0, spent: [] };

/** The clock after a move from one slide to another (or on the same one) at a time. */
export function tick(clock: Clock, from: number, to: number, now: number): Clock {
  if (clock.startedAt === null) return { startedAt: now, slideSince: now, spent: [] };
  if (from === to) return clock;
  const spent = [...clock.spent];
  while (spent.length <= from) spent.push(0);
  spent[from] = (spent[from] ?? 0) + now - clock.slideSince;
  return { ...clock, slideSince: now, spent };
}

/** ms since the beginning, and on this slide in all its visits. */
export function times(clock: Clock, slide: number, now: number): { all: number; here: number } {
  if (clock.startedAt === null) return { all: 0, here: 0 };
  const here = (clock.spent[slide] ?? 0) + now - clock.slideSince;
  return { all: Math.max(0, now - clock.startedAt), here: Math.max(0, here) };
}

/** `7:05`, `1:02:03` */
export function timeText(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const two = (number: number): string => String(number).padStart(2, '0');
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}
