'use client';
/** What the learner's state lacks for a step, said anew as the kernel changes. */
import { type Difference, difference, type Step } from '@terrarium/lesson';
import type { StepStatus } from '@terrarium/protocol';
import { useEffect, useState } from 'react';
import { useLabStore } from '../live/use-lab';

/** A hint is read, not watched: it follows the kernel this often, ms. */
const REFRESH_MS = 400;

/**
 * @param wanted false: nobody reads it, and nothing is computed
 * @returns null while it is not wanted or nothing is known
 */
export function useDifference(
  step: Step,
  status: StepStatus | undefined,
  wanted: boolean,
): Difference | null {
  const store = useLabStore();
  const [said, setSaid] = useState<Difference | null>(null);
  const held = heldBy(status);
  useEffect(() => {
    if (!wanted) {
      setSaid(null);
      return;
    }
    let asked: unknown = null;
    const ask = (): void => {
      const { hasState, state } = store.get();
      if (!hasState || state === asked) return;
      asked = state;
      setSaid(difference(step.check, state, new Set(held.split(' '))));
    };
    ask();
    const timer = window.setInterval(ask, REFRESH_MS);
    return () => window.clearInterval(timer);
  }, [store, step.check, wanted, held]);
  return said;
}

/** Clauses that hold, as one text, so that it can be compared. */
function heldBy(status: StepStatus | undefined): string {
  return (status?.clauses ?? [])
    .filter(({ passed }) => passed)
    .map(({ id }) => id)
    .join(' ');
}
