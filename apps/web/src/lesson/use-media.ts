'use client';
/** How much room there is. The server does not know and draws the wide page. */
import { useSyncExternalStore } from 'react';

export type Room = 'wide' | 'medium' | 'narrow';

/** Below this, stage and terminal share one pane as tabs, px. */
const MEDIUM_BELOW = 1100;
/** Below this, one pane at a time, px. */
const NARROW_BELOW = 720;

/** Follows the window's width. */
export function useRoom(): Room {
  return useSyncExternalStore(subscribe, read, () => 'wide');
}

function subscribe(listener: () => void): () => void {
  const queries = [MEDIUM_BELOW, NARROW_BELOW].map((px) => window.matchMedia(`(width < ${px}px)`));
  for (const query of queries) query.addEventListener('change', listener);
  return () => {
    for (const query of queries) query.removeEventListener('change', listener);
  };
}

function read(): Room {
  if (window.innerWidth < NARROW_BELOW) return 'narrow';
  return window.innerWidth < MEDIUM_BELOW ? 'medium' : 'wide';
}
