import { beforeEach, describe, expect, it } from 'vitest';
import type { Machine } from '../context.js';
import { CallQueue } from './call-queue.js';
import type { CallRecord } from './record.js';

let now: number;
let known: Set<number>;
let told: (() => void)[];
let canTell: boolean;
let queue: CallQueue;

beforeEach(() => {
  [now, known, told, canTell] = [1000, new Set(), [], true];
  const machine = { now: () => now } as Machine;
  const whenTold = (then: () => void): boolean => {
    if (canTell) told.push(then);
    return canTell;
  };
  queue = new CallQueue({ machine, wake: () => {}, whenTold }, (pid) =>
    known.has(pid) ? `${pid}:1` : null,
  );
});

const call = (tgid: number): CallRecord => ({ tgid }) as CallRecord;
/** Whose calls can be told, `lost` for nobody's. */
const taken = (): string[] => queue.take(now).map(({ key }) => key ?? 'lost');

describe('CallQueue', () => {
  it('gives what is known at once, in its order, and nothing before what is not', () => {
    known.add(1).add(3);
    queue.push([call(1), call(2), call(3)]);
    expect(taken()).toEqual(['1:1']);
    known.add(2);
    expect(taken()).toEqual(['2:1', '3:1']);
    expect(queue.due).toBeNull();
  });

  it('waits for a trace that is late, however late, and gives up once it has told of all', () => {
    queue.push([call(1)]);
    now += 600;
    expect(taken()).toEqual([]);
    now += 3000;
    expect(taken()).toEqual([]);
    expect(told).toHaveLength(1);
    told[0]?.();
    expect(taken()).toEqual(['lost']);
  });

  it('names the caller when its birth is told just before that', () => {
    queue.push([call(1)]);
    now += 2000;
    expect(taken()).toEqual([]);
    known.add(1);
    told[0]?.();
    expect(taken()).toEqual(['1:1']);
  });

  it('asks anew for a call that came after it had asked', () => {
    queue.push([call(1)]);
    now += 600;
    expect(taken()).toEqual([]);
    queue.push([call(2)]);
    told[0]?.();
    now += 600;
    expect(taken()).toEqual(['lost']);
    told[1]?.();
    expect(taken()).toEqual(['lost']);
  });

  it('gives up after half a second where nobody can ask, and after five where nobody answers', () => {
    queue.push([call(1)]);
    now += 600;
    taken();
    now += 5000;
    expect(taken()).toEqual(['lost']);
    canTell = false;
    queue.push([call(2)]);
    now += 499;
    expect(taken()).toEqual([]);
    now += 1;
    expect(taken()).toEqual(['lost']);
  });

  it('takes all at the end of a tape', () => {
    known.add(1);
    queue.push([call(2), call(1)]);
    expect(queue.take(Number.POSITIVE_INFINITY).map(({ key }) => key)).toEqual([null, '1:1']);
  });
});
