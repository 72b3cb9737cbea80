/**
 * How much processor time a group really got lately. The kernel only counts upwards, so a share
 * needs two readings: the fold keeps the last few of each group, and the share is the slope between
 * the newest and one about two seconds older. Pure.
 */
import { cgroupFacts, cgroupsAt, sampledNumber } from './cgroup-facts.js';
import type { CgroupState, CpuReading, State } from './state.js';

/**
 * What a share looks back on, ms. A quota is spent at the start of each period of 100 ms, so an end
 * may fall before or after a burst: an error of one burst in two seconds, 1 point at a quota of 20 %.
 */
const WINDOW_MS = 2000;
/** What a meter looks back on, ms: ten periods of a usual quota, so that it does not flicker. */
const METER_MS = 1000;
/** Less says nothing yet: one burst more or less would be felt. */
const SHORTEST_MS = 1600;
/** A reading this much older than the state is not the present: nothing was counted, or nobody looked. */
const STALE_MS = 1500;
/** Readings come at 4 Hz and a little late; what is older than this is let go. */
const KEPT_MS = WINDOW_MS + 500;
/** However fast they come. */
const KEPT_READINGS = 24;

/** These readings and a new one, if there is one in the files; the same list where there is none. */
export function withCpuReading(
  readings: readonly CpuReading[],
  cgroup: CgroupState,
  files: Readonly<Record<string, string>>,
  t: number,
): readonly CpuReading[] {
  const used = sampledNumber(cgroup, files, 'cpu.usage');
  if (used === null) return readings;
  const kept = readings.filter((one) => one.t > t - KEPT_MS && one.usedMicros <= used);
  return [...kept, { t, usedMicros: used }].slice(-KEPT_READINGS);
}

/**
 * The processor time of a group and all below it over the last two seconds, in percent of one
 * processor; null when that is not known.
 */
export function cpuSharePercent(state: State, path: string): number | null {
  return cpuWindow(state, path)?.percent ?? null;
}

/** The share with the two moments between which it was measured. */
export function cpuWindow(
  state: State,
  path: string,
): { readonly from: number; readonly to: number; readonly percent: number } | null {
  const key = cgroupFacts(cgroupsAt(state, path), state.meters).get('cpu.usage')?.key;
  const readings = key === undefined ? [] : (state.cpuReadings?.[key] ?? []);
  const last = readings.at(-1);
  if (last === undefined || state.t - last.t > STALE_MS) return null;
  const age = (one: CpuReading): number => last.t - one.t;
  const first = readings.filter((one) => age(one) >= SHORTEST_MS).sort(nearest(age))[0];
  if (first === undefined) return null;
  const percent = (last.usedMicros - first.usedMicros) / age(first) / 10;
  return { from: first.t, to: last.t, percent };
}

/**
 * Processors in use lately, for a meter: over one second, or less where there are no older readings.
 *
 * @returns null with fewer than two readings
 */
export function cpusInUse(readings: readonly CpuReading[]): number | null {
  const last = readings.at(-1);
  if (last === undefined) return null;
  const age = (one: CpuReading): number => last.t - one.t;
  const first = readings.filter((one) => age(one) > 0).sort(nearest(age, METER_MS))[0];
  return first === undefined ? null : (last.usedMicros - first.usedMicros) / age(first) / 1000;
}

/** The reading nearest to a window's length comes first. */
function nearest(age: (one: CpuReading) => number, window = WINDOW_MS) {
  const off = (one: CpuReading): number => Math.abs(age(one) - window);
  return (a: CpuReading, b: CpuReading): number => off(a) - off(b);
}
