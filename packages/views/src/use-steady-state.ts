'use client';
/** Keeps a view from drawing anew for what it does not show: samples and other views' objects. */
import type { State } from '@terrarium/timeline';
import { useRef } from 'react';

/**
 * The state as it was when one of these records last changed.
 *
 * @param records what the view reads; the same list at each call
 */
export function useSteadyState(state: State, records: readonly (keyof State)[]): State {
  const last = useRef(state);
  // Written while rendering on purpose: it only ever moves to a state that was given.
  if (records.some((record) => last.current[record] !== state[record])) last.current = state;
  return last.current;
}
