import { expect, it } from 'vitest';
import { keyBytes } from './typing.js';

it.each([
  ['C-c', '\x03'],
  ['C-d', '\x04'],
  ['C-\\', '\x1c'],
  ['Enter', '\r'],
  ['q', 'q'],
])('keyBytes › %s', (chord, bytes) => {
  expect(keyBytes(chord)).toBe(bytes);
});

it('keyBytes › refuses what no terminal has', () => {
  expect(() => keyBytes('Hyper-x')).toThrow('no such key: "Hyper-x"');
});
