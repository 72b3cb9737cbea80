'use client';
/**
 * Shows once that an element was touched by an event: a glow of --motion, or, for people who want
 * less motion, a still outline for a second. Web Animations on that element alone; nothing else
 * is styled, laid out or watched.
 */

/** How long the still outline stands, milliseconds. */
const OUTLINE_MS = 1000;
/** Fallback for --motion where styles are not loaded, milliseconds. */
const GLOW_MS = 240;

/** Glows (a row that appeared) or pulses (a field that changed) the element once. */
export function touch(element: Element, how: 'appear' | 'change'): void {
  if (typeof element.animate !== 'function') return; // jsdom
  const style = getComputedStyle(element);
  if (matchMedia('(prefers-reduced-motion: reduce)').matches) {
    const outline = `1px solid ${style.getPropertyValue('--accent') || 'currentColor'}`;
    element.animate([{ outline }, { outline }], { duration: OUTLINE_MS });
    return;
  }
  const duration = Number.parseFloat(style.getPropertyValue('--motion')) || GLOW_MS;
  const soft = style.getPropertyValue('--glow') || style.getPropertyValue('--accent-soft');
  if (how === 'appear') {
    element.animate(
      [
        { backgroundColor: soft, opacity: 0, transform: 'translateY(-3px)' },
        { backgroundColor: soft, opacity: 1, transform: 'none', offset: 0.5 },
        { opacity: 1, transform: 'none' },
      ],
      { duration, easing: 'ease-out' },
    );
    return;
  }
  element.animate([{ backgroundColor: soft }, { backgroundColor: soft, offset: 0.6 }, {}], {
    duration,
    easing: 'ease-out',
  });
}
