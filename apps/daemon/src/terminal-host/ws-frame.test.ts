import { describe, expect, it } from 'vitest';
import { binaryFrame } from './ws-frame.js';

describe('binaryFrame', () => {
  it.each([
    [0, '8200'],
    [125, '827d'],
    [126, '827e007e'],
    [65_535, '827effff'],
    [65_536, '827f0000000000010000'],
  ])('of %i bytes begins with %s', (length, header) => {
    const { frame, payload } = binaryFrame(length);
    expect(frame.subarray(0, payload).toString('hex')).toBe(header);
    expect(frame.length).toBe(payload + length);
  });
});
