/**
 * Whether a group got what its quota of processor time promises. A quota is a ceiling: while the
 * processor is free a busy group gets exactly so much, and waits for the rest of each period. While
 * others take the processor it may get less, and then there are periods in which it need not wait.
 * The kernel counts both, so the promise is known even on a busy machine. Pure.
 */
import { cgroupFacts, cgroupQuota, cgroupsAt, sampledNumber } from './cgroup-facts.js';
import { cpuWindow } from './cpu-share.js';
import type { CgroupState, CpuWait, State } from './state.js';

/** A share looks back on 2.5 s at most (`cpu-share.ts`); one that is older says what it began with. */
const KEPT_MS = 3000;
/** However fast they come. */
const KEPT_WAITS = 28;

/** These counts and new ones, if there are any in the files; the same list where there are none. */
export function withCpuWait(
  waits: readonly CpuWait[],
  cgroup: CgroupState,
  files: Readonly<Record<string, string>>,
  t: number,
): readonly CpuWait[] {
  const periods = sampledNumber(cgroup, files, 'cpu.periods');
  const throttled = sampledNumber(cgroup, files, 'cpu.throttledPeriods');
  if (periods === null || throttled === null) return waits;
  const since = waits.findLastIndex((one) => one.t <= t - KEPT_MS);
  const kept = waits.slice(Math.max(0, since)).filter((one) => one.periods <= periods);
  return [...kept, { t, periods, throttled }].slice(-KEPT_WAITS);
}

/**
 * How far the measured share of a group is from what its quota promises, in points (percent of one
 * processor); 0 is as promised. Never more than the quota; and no less than the quota times the part
 * of its periods in which it had to wait: in each of those it had used up all that it may. Where it
 * waited in every period this is the distance to the quota itself.
 *
 * @returns null where there is no quota, no share, or it never had to wait while that was measured
 */
export function cpuOffQuota(state: State, path: string): number | null {
  const facts = cgroupFacts(cgroupsAt(state, path), state.meters);
  const quota = cgroupQuota(facts);
  const window = cpuWindow(state, path);
  const key = facts.get('cpu.periods')?.key;
  if (quota === null || window === null || key === undefined) return null;
  const waits = state.cpuWaits?.[key] ?? [];
  const [before, after] = [countsAt(waits, window.from), countsAt(waits, window.to)];
  if (before === undefined || after === undefined) return null;
  const throttled = after.throttled - before.throttled;
  if (throttled <= 0) return null;
  const most = quota * 100;
  const least = (most * throttled) / (after.periods - before.periods);
  return Math.max(0, window.percent - most, least - window.percent);
}

/** They are told when they change, so the newest until then holds. */
function countsAt(waits: readonly CpuWait[], t: number): CpuWait | undefined {
  return waits.findLast((one) => one.t <= t);
}
