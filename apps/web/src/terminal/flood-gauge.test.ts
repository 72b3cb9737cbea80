/** When output is a flood. */
import { expect, test } from 'vitest';
import { FloodGauge } from './flood-gauge';

const KB = 1024;

test('much within a second is a flood, told once', () => {
  const gauge = new FloodGauge();
  expect(gauge.isFlood(0, 64 * KB)).toBe(false);
  expect(gauge.isFlood(900, 63 * KB)).toBe(false);
  expect(gauge.met).toBe(false);
  expect(gauge.isFlood(999, KB)).toBe(true);
  expect(gauge.isFlood(1000, 500 * KB)).toBe(false);
  expect(gauge.met).toBe(true);
});

test('as much over many seconds is none', () => {
  const gauge = new FloodGauge();
  for (let second = 0; second < 60; second += 1) {
    expect(gauge.isFlood(second * 1000, 100 * KB)).toBe(false);
  }
});
