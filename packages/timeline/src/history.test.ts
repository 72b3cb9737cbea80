import { describe, expect, it } from 'vitest';
import type { TimelineEvent } from './events.js';
import { fold } from './fold.js';
import { History } from './history.js';
import { modelHour } from './model-hour.js';
import { numbered, random, randomBodies } from './sample.js';
import { EMPTY_STATE, type State } from './state.js';

const foldTo = (events: readonly TimelineEvent[], seq: number): State =>
  fold(
    EMPTY_STATE,
    events.filter((event) => event.seq <= seq),
  );

function historyOf(events: readonly TimelineEvent[], batch: number, options = {}): History {
  const history = new History(options);
  for (let i = 0; i < events.length; i += batch) history.append(events.slice(i, i + batch));
  return history;
}

describe('History', () => {
  it('has at every number the state that folding from the start has', () => {
    const events = numbered(randomBodies(3, 400));
    const history = historyOf(events, 7, { segmentEvents: 50 });
    for (let seq = 0; seq <= events.length; seq += 3) {
      expect(history.stateAtSeq(seq)).toEqual(foldTo(events, seq));
    }
  });

  it('has the same state whichever way one came there', () => {
    const events = numbered(randomBodies(4, 600));
    const next = random(4);
    const history = historyOf(events, 13, { segmentEvents: 64 });
    for (let i = 0; i < 100; i++) {
      const seq = Math.floor(next() * (events.length + 1));
      expect(history.stateAtSeq(seq)).toEqual(foldTo(events, seq));
    }
  });

  it('finds by time the last event of that millisecond', () => {
    const bodies = randomBodies(5, 200);
    const events = bodies.map((body, i) => ({ ...body, seq: i + 1, t: 1000 + (i >> 2) * 10 }));
    const history = historyOf(events, 9, { segmentEvents: 16 });
    expect(history.stateAt(999)).toBeNull();
    expect(history.stateAt(1000)?.seq).toBe(4);
    expect(history.stateAt(1009)?.seq).toBe(4);
    expect(history.stateAt(1010)?.seq).toBe(8);
    expect(history.stateAt(1e15)).toBe(history.newest);
    for (let t = 1000; t < 1500; t += 7) {
      const seq = events.filter((event) => event.t <= t).length;
      expect(history.seqAt(t)).toBe(seq);
    }
  });

  it('does not fold what the caller has folded', () => {
    const events = numbered(randomBodies(6, 100));
    const history = new History();
    const state = fold(EMPTY_STATE, events);
    history.append(events, state);
    expect(history.newest).toBe(state);
  });

  it('folds one segment at most, and on from the last answer when that is nearer', () => {
    const events = numbered(randomBodies(7, 1000));
    const history = historyOf(events, 1000, { segmentEvents: 100 });
    const one = history.stateAtSeq(450)!;
    const two = history.stateAtSeq(451)!;
    const touched = events[450]!.type.split('.')[0];
    if (touched !== 'process') expect(two.processes).toBe(one.processes);
    if (touched !== 'mount') expect(two.mounts).toBe(one.mounts);
    if (touched !== 'namespace') expect(two.namespaces).toBe(one.namespaces);
  });

  it('shares between snapshots what did not change', () => {
    const history = historyOf(modelHour({ commands: 20, bursts: 1, mounts: 5 }), 50);
    const first = history.stateAtSeq(1500)!;
    const second = history.stateAtSeq(3200)!;
    expect(second.processes['1001:1001']).toBe(first.processes['1001:1001']);
    expect(second.namespaces).not.toBe(EMPTY_STATE.namespaces);
  });

  it('forgets the oldest segments beyond its bound, and says null for them', () => {
    const events = numbered(randomBodies(8, 1000));
    const history = historyOf(events, 10, { segmentEvents: 50, maxEvents: 200 });
    expect(history.length).toBeLessThanOrEqual(200);
    expect(history.length).toBeGreaterThan(150);
    const oldest = history.oldest.seq;
    expect(history.stateAtSeq(oldest - 1)).toBeNull();
    expect(history.stateAtSeq(oldest)).toEqual(foldTo(events, oldest));
    expect(history.stateAt(history.oldest.t - 1)).toBeNull();
    expect(history.stateAtSeq(events.length + 1)).toBeNull();
    expect(history.stateAtSeq(oldest + 60)).toEqual(foldTo(events, oldest + 60));
  });

  it('gives events of a range, over segments', () => {
    const events = numbered(randomBodies(9, 300));
    const history = historyOf(events, 300, { segmentEvents: 40 });
    expect(history.between(35, 90)).toEqual(events.slice(35, 90));
    expect(history.between(0)).toEqual(events);
    expect(history.between(300)).toEqual([]);
  });

  it('refuses events that do not follow', () => {
    const events = numbered(randomBodies(10, 20));
    const history = historyOf(events.slice(0, 5), 5);
    expect(() => history.append(events.slice(6))).toThrow('event 7 does not follow 5');
  });

  it('begins at a given state', () => {
    const events = numbered(randomBodies(11, 100));
    const history = new History({ start: foldTo(events, 40) });
    history.append(events.slice(40));
    expect(history.stateAtSeq(60)).toEqual(foldTo(events, 60));
    expect(history.stateAtSeq(39)).toBeNull();
  });
});

describe('modelHour', () => {
  it('is an hour long, repeatable, and leaves only what was left in the background', () => {
    const events = modelHour();
    expect(events.length).toBeGreaterThan(25_000);
    expect(events.at(-1)!.t - events[0]!.t).toBeGreaterThan(3_500_000);
    expect(modelHour()).toEqual(events);
    const state = fold(EMPTY_STATE, events);
    expect(Object.keys(state.processes)).toHaveLength(3 + 8);
    expect(Object.keys(state.namespaces)).toHaveLength(8);
  });
});
