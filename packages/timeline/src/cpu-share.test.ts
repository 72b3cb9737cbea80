import { describe, expect, it } from 'vitest';
import { cpuSharePercent, cpusInUse } from './cpu-share.js';
import type { TimelineEvent } from './events.js';
import { fold } from './fold.js';
import { type CgroupState, EMPTY_STATE, type State } from './state.js';

const BEAT_MS = 250;
const group = (hierarchy: string): CgroupState => {
  return { key: `${hierarchy}:/box`, hierarchy, path: '/box', files: {}, bornAt: 0 };
};
const V1 = group('cpu,cpuacct');
const V2 = group('');

/** `used(t)`: microseconds until then, told every 250 ms from `from` to `to`. */
function readings(cgroup: CgroupState, used: (t: number) => number, from: number, to: number) {
  const events: object[] = [];
  for (let t = from; t <= to; t += BEAT_MS) {
    const micros = Math.round(used(t));
    const files =
      cgroup === V2
        ? { 'cpu.stat': `usage_usec ${micros}\nnr_periods 1` }
        : { 'cpuacct.usage': `${micros * 1000}` };
    events.push({ type: 'cgroup.sample', meters: { [cgroup.key]: files }, t });
  }
  return events;
}

function told(cgroup: CgroupState, ...events: object[]): State {
  const all = [{ type: 'cgroup.appear', cgroup, t: 0 }, ...events];
  return fold(EMPTY_STATE, all.map((event, i) => ({ ...event, seq: i + 1 })) as TimelineEvent[]);
}

/** A loop under a quota of 20 ms in each 100 ms: it runs at the start of a period, then waits. */
const throttled = (t: number): number => 1000 * (20 * Math.floor(t / 100) + Math.min(20, t % 100));

describe('cpuSharePercent', () => {
  it('is the slope over the last two seconds, in v1 words and in v2 words', () => {
    for (const cgroup of [V1, V2]) {
      const state = told(cgroup, ...readings(cgroup, (t) => 500 * t, 0, 4000));
      expect(cpuSharePercent(state, '/box')).toBeCloseTo(50, 5);
    }
  });

  it('is within two points of a quota, wherever in a period the readings fall', () => {
    for (let phase = 0; phase < 100; phase += 7) {
      const state = told(V1, ...readings(V1, (t) => throttled(t + phase), 0, 3000));
      expect(Math.abs((cpuSharePercent(state, '/box') ?? 0) - 20)).toBeLessThan(2);
    }
  });

  it('counts from reading to reading, however late each was told', () => {
    const late = readings(V1, (t) => 200 * t, 0, 4000).map((event, i) => {
      const { t } = event as { t: number };
      return { ...event, at: t, t: t + (i % 3) * 140 };
    });
    expect(cpuSharePercent(told(V1, ...late), '/box')).toBeCloseTo(20, 5);
  });

  it('forgets what was before: a loop that is throttled now has the new share', () => {
    const used = (t: number): number => (t < 3000 ? 1000 * t : 3_000_000 + 200 * (t - 3000));
    const state = told(V1, ...readings(V1, used, 0, 5000));
    expect(cpuSharePercent(state, '/box')).toBeCloseTo(20, 5);
  });

  it('is not known after less than 1.6 seconds, nor of a group without readings', () => {
    expect(cpuSharePercent(told(V1, ...readings(V1, (t) => t, 0, 1500)), '/box')).toBe(null);
    expect(cpuSharePercent(told(V1), '/box')).toBe(null);
    expect(cpuSharePercent(EMPTY_STATE, '/box')).toBe(null);
  });

  it('is not known once nothing was counted for a while', () => {
    const idle = { type: 'cgroup.change', key: V1.key, files: {}, t: 6000 };
    expect(cpuSharePercent(told(V1, ...readings(V1, (t) => t, 0, 4000), idle), '/box')).toBe(null);
  });

  it('does not bridge a time in which nobody looked', () => {
    const before = readings(V1, (t) => 1000 * t, 0, 4000);
    const after = readings(V1, (t) => 1000 * t, 60_000, 61_000);
    expect(cpuSharePercent(told(V1, ...before, ...after), '/box')).toBe(null);
  });

  it('keeps few readings, and none of a group that is gone', () => {
    const state = told(V1, ...readings(V1, (t) => t, 0, 60_000));
    expect(state.cpuReadings?.[V1.key]?.length).toBeLessThanOrEqual(11);
    const crowd = Array.from({ length: 100 }, (_, i) => readings(V1, () => i, 10, 10)).flat();
    expect(told(V1, ...crowd).cpuReadings?.[V1.key]?.length).toBe(24);
    const gone = { type: 'cgroup.vanish', key: V1.key, t: 61_000 };
    expect(told(V1, ...readings(V1, (t) => t, 0, 1000), gone).cpuReadings?.[V1.key]).toBe(
      undefined,
    );
  });
});

describe('cpusInUse', () => {
  const upTo = (t: number): State => told(V1, ...readings(V1, throttled, 0, t));

  it('is steady for a throttled loop: no burst more or less makes it flicker', () => {
    for (let t = 1000; t <= 3000; t += BEAT_MS) {
      const cpus = cpusInUse(upTo(t).cpuReadings?.[V1.key] ?? []) ?? 0;
      expect(Math.abs(cpus - 0.2)).toBeLessThanOrEqual(0.02);
    }
  });

  it('is known from the second reading on', () => {
    expect(cpusInUse([])).toBe(null);
    expect(cpusInUse([{ t: 0, usedMicros: 0 }])).toBe(null);
    expect(cpusInUse([0, 250].map((t) => ({ t, usedMicros: 500 * t })))).toBeCloseTo(0.5, 5);
  });
});
