import { expect, it } from 'vitest';
import type { WatchedSandbox } from '../part.js';
import { AfterTrace } from './after-trace.js';

function lab(canTell = true): { awaited: AfterTrace; told: (() => void)[] } {
  const told: (() => void)[] = [];
  const awaited = new AfterTrace({
    machine: { now: () => 1000 } as WatchedSandbox['machine'],
    wake: () => {},
    whenTold: (then) => {
      if (canTell) told.push(then);
      return canTell;
    },
  });
  return { awaited, told };
}

it('is due when the trace has told, and again for what was asked meanwhile', () => {
  const { awaited, told } = lab();
  expect(awaited.at).toBe(Number.POSITIVE_INFINITY);
  awaited.ask();
  expect(awaited.at).toBe(1500);
  awaited.ask();
  told[0]?.();
  expect([awaited.at, told.length]).toEqual([1500, 2]);
  told[1]?.();
  expect(awaited.at).toBe(0);
});

it('takes no old answer for a new one', () => {
  const { awaited, told } = lab();
  awaited.ask();
  awaited.done();
  awaited.ask();
  told[0]?.();
  expect(awaited.at).toBe(1500);
  told[1]?.();
  expect(awaited.at).toBe(0);
});

it('is due soon where there is no trace', () => {
  const { awaited } = lab(false);
  awaited.ask();
  expect(awaited.at).toBe(1040);
});
