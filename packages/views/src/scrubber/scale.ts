/** The part of the timeline that is shown, and where a time stands in it. Pure. */

/** What is shown: a length, and its right edge. */
export interface Window {
  /** ms; null: everything that is remembered */
  readonly span: number | null;
  /** ms since the epoch; null: the present, which moves */
  readonly right: number | null;
}

/** The window in numbers. */
export interface Scale {
  readonly from: number;
  readonly to: number;
  readonly width: number;
}

/** A second is the least that is shown: kernel events come in milliseconds, but in bursts. */
const LEAST_SPAN_MS = 1000;
/** What is kept free at the right of everything, as a part of the width. */
const AIR = 0.02;

/** @param now the present, or the end of a recording */
export function scaleOf(window: Window, begins: number, now: number, width: number): Scale {
  const whole = Math.max(LEAST_SPAN_MS, now - begins);
  if (window.span === null) {
    return { from: begins - whole * AIR, to: now + whole * AIR, width };
  }
  const to = window.right ?? now;
  return { from: to - window.span, to, width };
}

export function xOf(scale: Scale, t: number): number {
  return ((t - scale.from) / (scale.to - scale.from)) * scale.width;
}

export function timeAt(scale: Scale, x: number): number {
  return scale.from + (x / Math.max(1, scale.width)) * (scale.to - scale.from);
}

/** Zooms around a time, which stays where it is; beyond everything it shows everything. */
export function zoomed(
  scale: Scale,
  t: number,
  factor: number,
  begins: number,
  now: number,
): Window {
  const span = Math.max(LEAST_SPAN_MS, (scale.to - scale.from) * factor);
  if (span >= (now - begins) * (1 + 2 * AIR)) return { span: null, right: null };
  const part = (t - scale.from) / (scale.to - scale.from);
  const right = t + span * (1 - part);
  return { span, right: right >= now ? null : right };
}

/** The window moved by a part of its length; everything has nowhere to go. */
export function panned(
  window: Window,
  scale: Scale,
  part: number,
  begins: number,
  now: number,
): Window {
  if (window.span === null) return window;
  const right = Math.max(begins + window.span / 2, scale.to + part * window.span);
  return { ...window, right: right >= now ? null : right };
}

/** The window held still: what is looked at does not drift away with the present. */
export function held(window: Window, now: number): Window {
  return window.span === null || window.right !== null ? window : { ...window, right: now };
}

/** The window moved so that a time is in it. */
export function including(window: Window, scale: Scale, t: number, now: number): Window {
  if (window.span === null || (t >= scale.from && t <= scale.to)) return window;
  const right = t + window.span * (t < scale.from ? 0.75 : 0.25);
  return { ...window, right: right >= now ? null : right };
}

/** Distance of the lines on the axis: the first of these that leaves room for a time of day. */
const STEPS_S = [1, 5, 10, 30, 60, 300, 600, 1800, 3600, 7200, 21600];
const LABEL_PX = 72;

/** Times of the axis' lines. */
export function axisTimes({ from, to, width }: Scale): readonly number[] {
  const least = ((to - from) / Math.max(1, width)) * LABEL_PX;
  const step = (STEPS_S.find((s) => s * 1000 >= least) ?? 86_400) * 1000;
  const times: number[] = [];
  for (let t = Math.ceil(from / step) * step; t <= to; t += step) times.push(t);
  return times;
}
