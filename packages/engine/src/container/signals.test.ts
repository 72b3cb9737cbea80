/** Signals as people write them. */
import { expect, test } from 'vitest';
import { signalNumber } from './signals.js';

test.each<[string | number, number]>([
  ['SIGTERM', 15],
  ['TERM', 15],
  ['term', 15],
  ['sigkill', 9],
  ['15', 15],
  [1, 1],
  [64, 64],
  ['RTMIN', 34],
  ['SIGRTMIN+2', 36],
  ['RTMAX-1', 63],
  ['POLL', 29],
])('%j is %i', (signal, number) => {
  expect(signalNumber(signal)).toBe(number);
});

test.each([0, -9, 65, 1.5, '', '0', '-9', 'NOPE', 'RTMIN-1', 'RTMAX+1', '9 '])(
  '%j is no signal',
  (signal) => {
    expect(() => signalNumber(signal)).toThrow(`there is no signal ${JSON.stringify(signal)}`);
  },
);
