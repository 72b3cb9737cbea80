import { expect, it } from 'vitest';
import { RateLimit } from './rate-limit.js';

it('RateLimit takes a burst, then so many a second', () => {
  let now = 0;
  const limit = new RateLimit(50, 200, () => now);
  const taken = () => {
    let count = 0;
    while (limit.take()) count += 1;
    return count;
  };
  expect(taken()).toBe(200);
  now += 100;
  expect(taken()).toBe(5);
  now += 60_000;
  expect(taken()).toBe(200);
});
