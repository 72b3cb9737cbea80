import { describe, expect, it } from 'vitest';
import { assertConsistent, inconsistencies } from './consistency.js';
import type { EventBody } from './events.js';
import { fold } from './fold.js';
import {
  numbered,
  random,
  randomBodies,
  sampleMount,
  sampleNamespace,
  sampleProcess,
  sampleStart,
} from './sample.js';
import { eventBodySchema, stateSchema, timelineEventSchema } from './schema.js';
import { EMPTY_STATE, type State } from './state.js';

const started: State = fold(EMPTY_STATE, numbered(sampleStart()));
const then = (state: State, ...bodies: EventBody[]): State =>
  fold(state, numbered(bodies, state.seq + 1));

describe('fold', () => {
  it('starts a sandbox with its init and eight namespaces', () => {
    expect(started.sandbox?.id).toBe('s1');
    expect(Object.keys(started.processes)).toEqual(['1001:1001']);
    expect(Object.keys(started.namespaces)).toHaveLength(8);
    expect(started.seq).toBe(10);
    assertConsistent(started);
  });

  it('follows fork, exec, change and exit of a process', () => {
    const key = '1002:1002';
    let state = then(started, {
      type: 'process.fork',
      process: sampleProcess(1002, { parent: '1001:1001' }),
    });
    state = then(state, { type: 'process.exec', key, comm: 'sleep', args: ['sleep', '9'] });
    state = then(state, { type: 'process.change', key, change: { state: 'Z', args: [] } });
    expect(state.processes[key]).toMatchObject({
      comm: 'sleep',
      args: [],
      state: 'Z',
      hostPid: 1002,
    });
    state = then(state, { type: 'process.exit', key, waitStatus: 0 });
    expect(state.processes[key]).toBeUndefined();
    expect(state.seq).toBe(14);
  });

  it('forgets everything at the start of the next sandbox and at its end', () => {
    const state = then(started, ...sampleStart().slice(0, 1));
    expect(state.processes).toEqual({});
    const end = then(started, { type: 'sandbox.end', id: 's1' });
    expect(end).toEqual({ ...EMPTY_STATE, seq: end.seq, t: end.t });
  });

  it('changes nothing but seq and t for events about unknown things', () => {
    const state = then(
      started,
      { type: 'process.exec', key: 'x', comm: 'x', args: [] },
      { type: 'process.change', key: 'x', change: { state: 'Z' } },
      { type: 'process.exit', key: 'x', waitStatus: null },
      { type: 'namespace.change', inode: 9, change: { owner: null } },
      { type: 'namespace.vanish', inode: 9 },
      { type: 'mount.detach', mountNs: 9, mountId: 1 },
      { type: 'mount.forget', mountNs: 9 },
      { type: 'terminal.open', terminal: 't1', pts: 0 },
      { type: 'from-a-newer-version' } as unknown as EventBody,
    );
    expect(state.processes).toBe(started.processes);
    expect(state.namespaces).toBe(started.namespaces);
    expect(state.mounts).toBe(started.mounts);
    expect(state.seq).toBe(started.seq + 9);
  });

  it('shares what a batch does not touch and never writes to the state before it', () => {
    const withMounts = then(
      started,
      { type: 'namespace.appear', namespace: sampleNamespace('mnt', 200) },
      { type: 'mount.attach', mountNs: 101, mount: sampleMount(1, '/') },
      { type: 'mount.attach', mountNs: 200, mount: sampleMount(2, '/') },
    );
    const before = JSON.stringify(withMounts);
    const state = then(
      withMounts,
      { type: 'mount.attach', mountNs: 200, mount: sampleMount(3, '/proc') },
      { type: 'mount.detach', mountNs: 200, mountId: 2 },
    );
    expect(JSON.stringify(withMounts)).toBe(before);
    expect(state.processes).toBe(withMounts.processes);
    expect(state.namespaces).toBe(withMounts.namespaces);
    expect(state.mounts['101']).toBe(withMounts.mounts['101']);
    expect(Object.keys(state.mounts['200'] ?? {})).toEqual(['3']);
  });

  it('does not let a later batch write into the record of an earlier one', () => {
    const fork = (pid: number): EventBody => ({
      type: 'process.fork',
      process: sampleProcess(pid),
    });
    const one = then(started, fork(1002));
    const two = then(one, fork(1003));
    expect(Object.keys(one.processes)).toHaveLength(2);
    expect(Object.keys(two.processes)).toHaveLength(3);
  });

  it('gives the same state in one batch, one by one, and from any snapshot on', () => {
    for (let seed = 1; seed <= 40; seed++) {
      const next = random(seed);
      const events = numbered(randomBodies(seed, 300));
      const whole = fold(EMPTY_STATE, events);
      const single = events.reduce((state, event) => fold(state, [event]), EMPTY_STATE);
      const cut = Math.floor(next() * events.length);
      const snapshot = JSON.parse(JSON.stringify(fold(EMPTY_STATE, events.slice(0, cut))));
      const joined = fold(snapshot as State, events.slice(cut));
      expect(single).toEqual(whole);
      expect(joined).toEqual(whole);
    }
  });

  it('folds 20,000 events over 1,000 processes in one batch without copying them per event', () => {
    const many = numbered(
      Array.from(
        { length: 1000 },
        (_, i): EventBody => ({
          type: 'process.fork',
          process: sampleProcess(2000 + i),
        }),
      ),
    );
    const state = fold(started, many);
    const changes = numbered(
      Array.from(
        { length: 20_000 },
        (_, i): EventBody => ({
          type: 'process.change',
          key: `${2000 + (i % 1000)}:${2000 + (i % 1000)}`,
          change: { state: i % 2 ? 'R' : 'S' },
        }),
      ),
    );
    // Copying the record for each event would read 20,000 × 1,000 entries; counted, not timed.
    let reads = 0;
    const processes = new Proxy(state.processes, {
      get(record, key, receiver) {
        reads += 1;
        return Reflect.get(record, key, receiver);
      },
    });
    fold({ ...state, processes }, changes);
    expect(reads).toBeLessThan(100_000);
  });
});

describe('assertConsistent', () => {
  it('names a parent, a namespace and an owner that are unknown', () => {
    const state = then(
      started,
      { type: 'process.fork', process: sampleProcess(1002, { parent: '7:7' }) },
      { type: 'namespace.appear', namespace: sampleNamespace('net', 300, { owner: 999 }) },
      { type: 'namespace.vanish', inode: 103 },
    );
    expect(inconsistencies(state)).toEqual([
      'process 1001:1001 (init): uts:[103] is unknown',
      'process 1002:1002 (bash): parent 7:7 is unknown',
      'process 1002:1002 (bash): uts:[103] is unknown',
      'net:[300]: owner 999 is no known user namespace',
    ]);
    expect(() => assertConsistent(state)).toThrow(/inconsistent state at seq 13/);
  });
});

describe('schemas', () => {
  it('accept every event and state that fold makes, unchanged', () => {
    const bodies = randomBodies(5, 400);
    for (const body of bodies) expect(eventBodySchema.parse(body)).toEqual(body);
    const events = numbered(bodies);
    for (const event of events) expect(timelineEventSchema.parse(event)).toEqual(event);
    const state = fold(EMPTY_STATE, events);
    expect(stateSchema.parse(JSON.parse(JSON.stringify(state)))).toEqual(state);
  });

  it('refuse an event without its number and a state with a wrong kind', () => {
    const body = sampleStart()[0];
    expect(timelineEventSchema.safeParse(body).success).toBe(false);
    const wrong = { ...started, namespaces: { 1: { ...started.namespaces['100'], kind: 'foo' } } };
    expect(stateSchema.safeParse(wrong).success).toBe(false);
  });
});
