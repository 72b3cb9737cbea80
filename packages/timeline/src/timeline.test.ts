import { describe, expect, it } from 'vitest';
import type { EventBody, TimelineEvent } from './events.js';
import { fold } from './fold.js';
import { randomBodies, sampleProcess, sampleStart } from './sample.js';
import { EMPTY_STATE } from './state.js';
import { Timeline } from './timeline.js';

const fork = (pid: number): EventBody => ({ type: 'process.fork', process: sampleProcess(pid) });

describe('Timeline', () => {
  it('numbers events from 1 and gives a batch one time', () => {
    const timeline = new Timeline({ now: () => 5000 });
    const events = timeline.append(sampleStart());
    expect(events.map((event) => event.seq)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(new Set(events.map((event) => event.t))).toEqual(new Set([5000]));
    expect(timeline.seq).toBe(10);
    expect(timeline.state.sandbox?.id).toBe('s1');
  });

  it('never lets time go back', () => {
    let now = 5000;
    const timeline = new Timeline({ now: () => now });
    timeline.append([fork(2)]);
    now = 4000;
    expect(timeline.append([fork(3)])[0]?.t).toBe(5000);
  });

  it('since gives what a client missed, and null when that is gone or was never', () => {
    const timeline = new Timeline({ maxEvents: 5 });
    timeline.append([1, 2, 3, 4, 5, 6, 7, 8].map(fork));
    expect(timeline.since(8)).toEqual([]);
    expect(timeline.since(6)?.map((event) => event.seq)).toEqual([7, 8]);
    expect(timeline.since(3)?.map((event) => event.seq)).toEqual([4, 5, 6, 7, 8]);
    expect(timeline.since(2)).toBeNull();
    expect(timeline.since(9)).toBeNull();
  });

  it('keeps the ring within its bytes', () => {
    const size = JSON.stringify({ ...fork(1001), seq: 1, t: 1000 }).length;
    const timeline = new Timeline({ maxBytes: size * 4 - 1, now: () => 1000 });
    for (let i = 0; i < 9; i++) timeline.append([fork(1001)]);
    expect(timeline.since(6)).toHaveLength(3);
    expect(timeline.since(5)).toBeNull();
  });

  it('a client that folds since(n) onto its old state has the present state', () => {
    const timeline = new Timeline();
    const bodies = randomBodies(7, 500);
    timeline.append(bodies.slice(0, 200));
    const old = timeline.state;
    for (const body of bodies.slice(200)) timeline.append([body]);
    const missed = timeline.since(old.seq);
    expect(missed).not.toBeNull();
    expect(fold(old, missed ?? [])).toEqual(timeline.state);
  });

  it('tells subscribers once per batch until they leave', () => {
    const timeline = new Timeline();
    const heard: (readonly TimelineEvent[])[] = [];
    const leave = timeline.subscribe((events) => heard.push(events));
    timeline.append([fork(2), fork(3)]);
    timeline.append([]);
    leave();
    timeline.append([fork(4)]);
    expect(heard.map((events) => events.length)).toEqual([2]);
  });

  it('goes on with the numbering of a given state', () => {
    const timeline = new Timeline({ start: { ...EMPTY_STATE, seq: 41, t: 1 } });
    expect(timeline.append([fork(2)])[0]?.seq).toBe(42);
    expect(timeline.since(40)).toBeNull();
    expect(timeline.since(41)).toHaveLength(1);
  });
});
