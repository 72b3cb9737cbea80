'use client';
/**
 * A file's journey on copy-up: its new row rises out of the stratum that it was copied from, by way
 * of the work directory, in the time that the copy really took (but never too fast to be seen).
 * Only rows that an event touched move, a few at a time.
 */
import type { OverlayState } from '@terrarium/timeline';
import { type RefObject, useEffect, useRef } from 'react';

/** Shorter than this the eye sees a jump, longer it waits, ms. */
const SHORTEST_MS = 420;
const LONGEST_MS = 2400;
/** In a burst the first ones tell the story. */
const AT_ONCE = 6;

export function useLift(tree: RefObject<HTMLElement | null>, overlay: OverlayState): void {
  const before = useRef(overlay);
  useEffect(() => {
    const last = before.current;
    before.current = overlay;
    if (last.key !== overlay.key || last.bornAt !== overlay.bornAt || last === overlay) return;
    for (const path of copiedBetween(last, overlay).slice(0, AT_ONCE)) lift(tree, overlay, path);
  }, [tree, overlay]);
}

/** Paths of the upper layer that were not there before, and came by copy-up. */
export function copiedBetween(before: OverlayState, after: OverlayState): readonly string[] {
  const [old, now] = [before.layers[0]?.entries, after.layers[0]?.entries];
  if (old === now || now == null || after.layers[0]?.role !== 'upper') return [];
  return Object.keys(now).filter(
    (path) => now[path]?.came === 'copy-up' && old?.[path] === undefined,
  );
}

function lift(tree: RefObject<HTMLElement | null>, overlay: OverlayState, path: string): void {
  const row = rowOf(tree, `0:${path}`);
  const from = overlay.layers.findIndex(
    (layer, index) => index > 0 && layer.entries?.[path] !== undefined,
  );
  const below = from < 0 ? null : rowOf(tree, `${from}:${path}`);
  if (row === null || below === null || typeof row.animate !== 'function') return;
  if (matchMedia('(prefers-reduced-motion: reduce)').matches) return; // it is outlined already
  const way = wayUp(row, below);
  const took = overlay.layers[0]?.entries?.[path]?.copiedIn ?? 0;
  row.animate(
    [
      { transform: `translateY(${way}px)`, opacity: 0.5, zIndex: 2 },
      { transform: `translateY(${way * 0.35}px)`, opacity: 0.9, zIndex: 2, offset: 0.6 },
      { transform: 'none', opacity: 1, zIndex: 2 },
    ],
    { duration: Math.min(LONGEST_MS, Math.max(SHORTEST_MS, took)), easing: 'ease-in-out' },
  );
}

/** Pixels from the row to where the copy is taken from; from the edge when that is out of sight. */
function wayUp(row: HTMLElement, below: HTMLElement): number {
  const { top } = row.getBoundingClientRect();
  const edge = row.closest('.tr-scroll')?.getBoundingClientRect().bottom ?? Infinity;
  return Math.max(0, Math.min(below.getBoundingClientRect().top, edge) - top);
}

function rowOf(tree: RefObject<HTMLElement | null>, id: string): HTMLElement | null {
  return tree.current?.querySelector<HTMLElement>(`[data-id="${CSS.escape(id)}"]`) ?? null;
}
