'use client';
/**
 * Shows once that an element was touched by an event: a glow of --motion that fades in two steps,
 * or, for people who want less motion, a still outline for a second.
 *
 * Not an animation: that would draw the page anew in each of 14 frames, and where no graphics card
 * helps (a virtual machine, many a projector) the next change waits for them. Three drawings do.
 */

/** --motion of tokens.css, milliseconds. */
const GLOW_MS = 240;
/**
 * In a storm a glow on everything says nothing and costs the frame rate: at most so many begin
 * within one glow's time. What is fresh keeps its mark at the edge all the same.
 */
const GLOWS_AT_ONCE = 8;

const GLOW = 'var(--glow, var(--accent-soft))';
/** What an element looks like from so many milliseconds on; null is as before. */
interface Stage {
  readonly at: number;
  readonly style: readonly [property: string, value: string | null];
}
const FADING: readonly Stage[] = [
  { at: 0, style: ['background-color', GLOW] },
  { at: 150, style: ['background-color', `color-mix(in srgb, ${GLOW} 45%, transparent)`] },
  { at: GLOW_MS, style: ['background-color', null] },
];
const OUTLINE: readonly Stage[] = [
  { at: 0, style: ['box-shadow', 'inset 0 0 0 1px var(--accent)'] },
  { at: 1000, style: ['box-shadow', null] },
];

let windowStart = 0;
let begun = 0;
let lessMotion: MediaQueryList | undefined;
/** the newest glow of an element: an older one must not end it */
const newest = new WeakMap<Element, object>();

/** Lets the element glow once: a row that appeared, a field that changed. */
export function touch(element: Element): void {
  if (!(element instanceof HTMLElement || element instanceof SVGElement) || !withinBudget()) return;
  if (typeof matchMedia !== 'function') return; // jsdom
  lessMotion ??= matchMedia('(prefers-reduced-motion: reduce)');
  const glow = {};
  newest.set(element, glow);
  for (const { at, style } of lessMotion.matches ? OUTLINE : FADING) {
    const show = (): void => {
      if (newest.get(element) === glow) element.style.setProperty(...style);
    };
    if (at === 0) show();
    else setTimeout(show, at);
  }
}

function withinBudget(): boolean {
  const now = performance.now();
  if (now - windowStart > GLOW_MS) {
    windowStart = now;
    begun = 0;
  }
  return ++begun <= GLOWS_AT_ONCE;
}
