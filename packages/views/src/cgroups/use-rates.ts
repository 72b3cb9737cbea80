'use client';
/** Rates between the last two samples of a group. A group that does nothing is sampled no more. */
import { type CgroupFacts, type CgroupRates, cgroupRates } from '@terrarium/timeline';
import { useEffect, useReducer, useRef } from 'react';

/** Two samples are 250 ms apart; without another one for this long, nothing was used. */
const STILL_AFTER_MS = 700;
const STILL: CgroupRates = { cpus: 0, throttled: 0 };

interface Sample {
  readonly mark: string;
  readonly facts: CgroupFacts;
  readonly at: number;
  readonly rates: CgroupRates;
}

/**
 * @param cpus processors in use by the kernel's own times; without them the clock of drawing counts,
 *   which is late on a busy machine
 */
export function useRates(facts: CgroupFacts, cpus: number | null = null): CgroupRates {
  const [, wake] = useReducer((n: number) => n + 1, 0);
  const last = useRef<Sample | null>(null);
  const mark = `${facts.get('cpu.usage')?.raw} ${facts.get('cpu.periods')?.raw}`;
  const now = performance.now();
  // Written while rendering on purpose: for one mark it is written once.
  if (last.current === null) last.current = { mark, facts, at: now, rates: STILL };
  else if (last.current.mark !== mark) {
    const { facts: before, at } = last.current;
    const drawn = now - at > STILL_AFTER_MS * 2 ? STILL : cgroupRates(before, facts, now - at);
    const rates = cpus === null ? drawn : { ...drawn, cpus };
    last.current = { mark, facts, at: now, rates };
  }
  const { at, rates } = last.current;
  // biome-ignore lint/correctness/useExhaustiveDependencies: the clock starts anew with each sample
  useEffect(() => {
    if ((rates.cpus ?? 0) === 0 && (rates.throttled ?? 0) === 0) return;
    const timer = setTimeout(wake, STILL_AFTER_MS);
    return () => clearTimeout(timer);
  }, [mark]);
  return now - at > STILL_AFTER_MS - 20 ? STILL : rates;
}
