'use client';
/** The clock around `advance`: compares successive states and lets tombstones go in time. */
import type { State } from '@terrarium/timeline';
import { useEffect, useReducer, useRef } from 'react';
import { advance, type Displayed, NOTHING_DISPLAYED } from './displayed.js';

/** Rows whose time is up together go together: one render a tenth of a second, not one each. */
const EXPIRY_GRAIN_MS = 100;

/**
 * What the process tree shows for this state, after what it has shown before.
 *
 * @param frozen true while the pointer is over the tree: nothing leaves or moves
 */
export function useTombstones(state: State, frozen = false): Displayed {
  const [, wake] = useReducer((n: number) => n + 1, 0);
  const last = useRef<Displayed>(NOTHING_DISPLAYED);
  // Written while rendering on purpose: `advance` is idempotent for one state and moment, so a
  // render that React throws away and repeats gives the same picture.
  const displayed = advance(last.current, state, performance.now(), frozen);
  last.current = displayed;

  const { nextChange } = displayed;
  useEffect(() => {
    if (nextChange === null) return;
    const wait = nextChange - performance.now() + EXPIRY_GRAIN_MS;
    const timer = setTimeout(wake, Math.max(EXPIRY_GRAIN_MS, wait));
    return () => clearTimeout(timer);
  }, [nextChange]);
  return displayed;
}
