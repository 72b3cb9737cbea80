import { describe, expect, it } from 'vitest';
import { cpuOffQuota } from './cpu-quota.js';
import type { TimelineEvent } from './events.js';
import { fold } from './fold.js';
import { type CgroupState, EMPTY_STATE, type State } from './state.js';

const BEAT_MS = 250;
const PERIOD_MS = 100;
const QUOTA_V1 = { 'cpu.cfs_quota_us': '20000', 'cpu.cfs_period_us': '100000' };
const QUOTA_V2 = { 'cpu.max': '20000 100000' };

type Files = Readonly<Record<string, string>>;
function group(hierarchy: string, files: Files): CgroupState {
  return { key: `${hierarchy}:/box`, hierarchy, path: '/box', files, bornAt: 0 };
}

/** What a kernel would have counted at a moment, ms. */
interface Counts {
  readonly usedMs: number;
  readonly periods: number;
  readonly throttled: number;
}

/** A loop that gets `burst(n)` ms at the start of its n-th period, and waits if that was the quota. */
function loop(burst: (n: number) => number, quotaMs = 20): (t: number) => Counts {
  return (t) => {
    const periods = Math.floor(t / PERIOD_MS);
    const bursts = Array.from({ length: periods }, (_, n) => burst(n));
    const now = Math.min(burst(periods), t % PERIOD_MS);
    return {
      usedMs: bursts.reduce((sum, one) => sum + one, now),
      periods,
      throttled: bursts.filter((one) => one >= quotaMs).length,
    };
  };
}

/** On v1 in two hierarchies, as here; on v2 in one file. */
function told(version: 1 | 2, counts: (t: number) => Counts, until = 4000, limit?: Files): State {
  const cpu = version === 1 ? group('cpu', limit ?? QUOTA_V1) : group('', limit ?? QUOTA_V2);
  const groups = version === 1 ? [cpu, group('cpuacct', {})] : [cpu];
  const events: object[] = groups.map((cgroup) => ({ type: 'cgroup.appear', cgroup, t: 0 }));
  for (let t = 0; t <= until; t += BEAT_MS) {
    const { usedMs, periods, throttled } = counts(t);
    const stat = `nr_periods ${periods}\nnr_throttled ${throttled}`;
    const meters =
      version === 1
        ? {
            'cpu:/box': { 'cpu.stat': stat },
            'cpuacct:/box': { 'cpuacct.usage': `${usedMs * 1e6}` },
          }
        : { ':/box': { 'cpu.stat': `usage_usec ${usedMs * 1000}\n${stat}` } };
    events.push({ type: 'cgroup.sample', meters, t });
  }
  return fold(EMPTY_STATE, events.map((event, i) => ({ ...event, seq: i + 1 })) as TimelineEvent[]);
}

describe.each([1, 2] as const)('cpuOffQuota in words of v%i', (version) => {
  const off = (counts: (t: number) => Counts, until?: number) =>
    cpuOffQuota(told(version, counts, until), '/box');

  it('is small where the processor was free, wherever in a period the readings fall', () => {
    const free = loop(() => 20);
    for (let phase = 0; phase < PERIOD_MS; phase += 7) {
      expect(off((t) => free(t + phase))).toBeLessThanOrEqual(1);
    }
  });

  it('is the distance to the quota where the group waited in every period', () => {
    expect(off(loop(() => 25))).toBeCloseTo(5, 5);
    expect(off(loop(() => 16, 16))).toBeCloseTo(4, 5);
  });

  it('holds a group that others kept from running to the periods in which it waited', () => {
    const busy = loop((n) => (n % 2 === 0 ? 20 : 12));
    expect(off(busy)).toBe(0);
    const starved = (t: number): Counts => ({ ...busy(t), usedMs: busy(t).usedMs / 2 });
    expect(off(starved)).toBeCloseTo(2, 5);
  });

  it('never allows more than the quota, however seldom it waited', () => {
    expect(off(loop((n) => (n % 4 === 0 ? 40 : 15), 40))).toBeCloseTo(1.25, 5);
  });

  it('sees that a loop paused by itself: its periods are fewer, its quota is the same', () => {
    const half = (t: number): Counts => {
      const all = loop(() => 20)(t);
      return { usedMs: all.usedMs / 2, periods: all.periods / 2, throttled: all.throttled / 2 };
    };
    expect(off(half)).toBeCloseTo(10, 5);
  });

  it('is not known too early, without a quota, nor where the group never had to wait', () => {
    expect(
      off(
        loop(() => 20),
        1500,
      ),
    ).toBe(null);
    expect(off(loop(() => 5))).toBe(null);
    const none =
      version === 1 ? { ...QUOTA_V1, 'cpu.cfs_quota_us': '-1' } : { 'cpu.max': 'max 100000' };
    expect(
      cpuOffQuota(
        told(
          version,
          loop(() => 20),
          4000,
          none,
        ),
        '/box',
      ),
    ).toBe(null);
    expect(cpuOffQuota(EMPTY_STATE, '/box')).toBe(null);
  });

  it('looks back no further than the share does: a loop that waits since a while is judged by that', () => {
    const waits = loop(() => 20);
    const later = (t: number): Counts => ({
      ...waits(t),
      throttled: Math.max(0, waits(t).periods - 20),
    });
    expect(off((t) => later(t), 6000)).toBeLessThanOrEqual(1);
    expect(off((t) => ({ ...waits(t), throttled: Math.min(20, waits(t).periods) }), 6000)).toBe(
      null,
    );
  });

  it('keeps few counts, and none of a group that is gone', () => {
    const state = told(
      version,
      loop(() => 20),
      60_000,
    );
    const key = version === 1 ? 'cpu:/box' : ':/box';
    expect(state.cpuWaits?.[key]?.length).toBeLessThanOrEqual(14);
    const gone = { type: 'cgroup.vanish', key, t: 60_001, seq: state.seq + 1 };
    expect(fold(state, [gone as TimelineEvent]).cpuWaits?.[key]).toBe(undefined);
  });
});
