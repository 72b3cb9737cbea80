import { describe, expect, it } from 'vitest';
import { TraceBarrier } from './trace-barrier.js';

describe('TraceBarrier', () => {
  it('calls back when a second word has come back, written after the first was read', () => {
    const words: string[] = [];
    let told = 0;
    const barrier = new TraceBarrier((word) => words.push(word) > 0);
    expect(barrier.wait(() => (told += 1))).toBe(true);
    expect(words).toHaveLength(1);
    barrier.passed(words[0] ?? '');
    expect(words).toHaveLength(2);
    expect(told).toBe(0);
    barrier.passed(words[1] ?? '');
    barrier.passed(words[1] ?? '');
    expect(told).toBe(1);
  });

  it('keeps those apart who wait at once, and ignores words of others', () => {
    const words: string[] = [];
    const told: string[] = [];
    const barrier = new TraceBarrier((word) => words.push(word) > 0);
    barrier.wait(() => told.push('a'));
    barrier.wait(() => told.push('b'));
    barrier.passed('leave');
    for (const word of [1, 3, 0, 2].map((n) => () => words[n] ?? '')) barrier.passed(word());
    expect(told).toEqual(['b']);
    barrier.passed(words[3] ?? '');
    expect(told).toEqual(['b', 'a']);
  });

  it('says so where the trace cannot be marked, and forgets with the trace', () => {
    expect(new TraceBarrier(() => false).wait(() => {})).toBe(false);
    const words: string[] = [];
    let told = 0;
    const barrier = new TraceBarrier((word) => words.push(word) > 0);
    barrier.wait(() => (told += 1));
    barrier.forget();
    barrier.passed(words[0] ?? '');
    expect([words.length, told]).toEqual([1, 0]);
  });
});
