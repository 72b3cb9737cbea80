import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ForkPairs } from './fork-pairs.js';
import type { TraceEvent } from './trace-line.js';

const at = (tid: number) => ({ tid, tgid: tid, seconds: 1 });
const fork = (tid: number, child: number): TraceEvent => ({
  ...at(tid),
  ...{ kind: 'fork', child, flags: 17, visiblePid: null },
});
const forked = (tid: number, pid: number): TraceEvent => ({ ...at(tid), kind: 'forked', pid });
const exec = (tid: number): TraceEvent => ({ ...at(tid), kind: 'exec', file: '/bin/ls' });

/** What was handed on, batch by batch: `fork 7=3` is a fork of host pid 7 that its parent calls 3. */
function pairs(hearsResults = true) {
  const told: string[][] = [];
  const made = new ForkPairs((events) => {
    told.push(
      events.map((event) =>
        event.kind === 'fork' ? `fork ${event.child}=${event.visiblePid}` : event.kind,
      ),
    );
  }, hearsResults);
  return { made, told };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('ForkPairs', () => {
  it('gives a fork its result, in one read or in two, and keeps the order', () => {
    const { made, told } = pairs();
    made.take([exec(1), fork(1, 7), forked(1, 3), exec(7)]);
    expect(told).toEqual([['exec', 'fork 7=3', 'exec']]);
    made.take([exec(1), fork(1, 8), exec(8)]);
    expect(told.slice(1)).toEqual([['exec']]);
    made.take([exec(2), forked(1, 4), exec(3)]);
    expect(told.slice(2)).toEqual([['fork 8=4', 'exec', 'exec', 'exec']]);
  });

  it('lets forks of several threads wait beside each other', () => {
    const { made, told } = pairs();
    made.take([fork(1, 7), fork(2, 8), forked(2, 5)]);
    expect(told).toEqual([]);
    made.take([fork(3, 9), forked(1, 4)]);
    expect(told).toEqual([['fork 7=4', 'fork 8=5']]);
    made.take([forked(3, 6)]);
    expect(told.slice(1)).toEqual([['fork 9=6']]);
  });

  it('does not wait for ever: a parent may be killed, or sleep in vfork', () => {
    const { made, told } = pairs();
    made.take([fork(1, 7), exec(7)]);
    vi.advanceTimersByTime(5);
    expect(told).toEqual([['fork 7=null', 'exec']]);
    made.take([forked(1, 3), exec(7)]);
    expect(told.slice(1)).toEqual([['exec']]);
  });

  it('waits for nothing where results are not told', () => {
    const { made, told } = pairs(false);
    made.take([fork(1, 7)]);
    expect(told).toEqual([['fork 7=null']]);
  });

  it('gives a result to no other fork of the same thread', () => {
    const { made, told } = pairs();
    made.take([fork(1, 7), fork(1, 8), forked(1, 3)]);
    expect(told).toEqual([['fork 7=null', 'fork 8=3']]);
  });
});
