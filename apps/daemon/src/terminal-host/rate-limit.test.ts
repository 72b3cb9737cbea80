import { describe, expect, it } from 'vitest';
import { RateLimit } from './rate-limit.js';

describe('RateLimit', () => {
  it('lets a burst through, then the sustained rate', () => {
    const limit = new RateLimit(0, 10, 3);
    expect([0, 0, 0, 0].map((t) => limit.take(t))).toEqual([true, true, true, false]);
    expect(limit.take(99)).toBe(false);
    expect([200, 200, 200].map((t) => limit.take(t))).toEqual([true, true, false]);
  });

  it('does not save up more than a burst', () => {
    const limit = new RateLimit(0, 10, 2);
    expect([1e6, 1e6, 1e6].map((t) => limit.take(t))).toEqual([true, true, false]);
  });
});
