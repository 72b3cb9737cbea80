'use client';
/**
 * Shows once that an element was touched by an event: a glow of --motion, or, for people who want
 * less motion, a still outline for a second. Web Animations on that element alone; colours are
 * left to the cascade (var in keyframes), so that nothing forces the page to compute styles.
 */

/** How long the still outline stands, milliseconds. */
const OUTLINE_MS = 1000;
/** --motion of tokens.css, milliseconds. */
const GLOW_MS = 240;
/**
 * In a storm a glow on everything says nothing and costs the frame rate: at most so many begin
 * within one glow's time. What is fresh keeps its mark at the edge all the same.
 */
const GLOWS_AT_ONCE = 24;

const GLOW = 'var(--glow, var(--accent-soft))';
const APPEAR: Keyframe[] = [
  { backgroundColor: GLOW, opacity: 0, transform: 'translateY(-3px)' },
  { backgroundColor: GLOW, opacity: 1, transform: 'none', offset: 0.5 },
  { opacity: 1, transform: 'none' },
];
const CHANGE: Keyframe[] = [
  { backgroundColor: GLOW },
  { backgroundColor: GLOW, offset: 0.6 },
  { backgroundColor: 'transparent' },
];
const OUTLINE: Keyframe[] = [
  { outline: '1px solid var(--accent)', outlineOffset: '-1px' },
  { outline: '1px solid var(--accent)', outlineOffset: '-1px' },
];

let windowStart = 0;
let begun = 0;
let lessMotion: MediaQueryList | undefined;

/** Glows (a row that appeared) or pulses (a field that changed) the element once. */
export function touch(element: Element, how: 'appear' | 'change'): void {
  if (typeof element.animate !== 'function' || !withinBudget()) return; // jsdom cannot animate
  lessMotion ??= matchMedia('(prefers-reduced-motion: reduce)');
  if (lessMotion.matches) element.animate(OUTLINE, { duration: OUTLINE_MS });
  else
    element.animate(how === 'appear' ? APPEAR : CHANGE, { duration: GLOW_MS, easing: 'ease-out' });
}

function withinBudget(): boolean {
  const now = performance.now();
  if (now - windowStart > GLOW_MS) {
    windowStart = now;
    begun = 0;
  }
  return ++begun <= GLOWS_AT_ONCE;
}
