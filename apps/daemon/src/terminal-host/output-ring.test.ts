import { describe, expect, it } from 'vitest';
import { OutputRing } from './output-ring.js';

const read = (ring: OutputRing, offset: number, length: number): string => {
  const target = Buffer.alloc(length);
  ring.copy(offset, length, target, 0);
  return target.toString('latin1');
};

describe('OutputRing', () => {
  it('counts from its origin', () => {
    const ring = new OutputRing(1000, 8);
    ring.append(Buffer.from('abc'));
    expect([ring.start, ring.end]).toEqual([1000, 1003]);
    expect(read(ring, 1001, 2)).toBe('bc');
  });

  it('forgets the oldest bytes beyond its capacity', () => {
    const ring = new OutputRing(5, 8);
    ring.append(Buffer.from('abcdef'));
    ring.append(Buffer.from('ghijk'));
    expect([ring.start, ring.end]).toEqual([8, 16]);
    expect(read(ring, 8, 8)).toBe('defghijk');
    expect(() => read(ring, 7, 1)).toThrow(RangeError);
    expect(() => read(ring, 15, 2)).toThrow(RangeError);
  });

  it('keeps the tail of a chunk longer than itself', () => {
    const ring = new OutputRing(3, 4);
    ring.append(Buffer.from('0123456789'));
    expect([ring.start, ring.end]).toEqual([9, 13]);
    expect(read(ring, 9, 4)).toBe('6789');
  });

  it('equals a plain string of its last bytes, while it grows too', () => {
    const capacity = 64 * 1024;
    const ring = new OutputRing(123_456_789, capacity);
    let all = '';
    for (let i = 0; i < 300; i++) {
      const chunk = String.fromCharCode(97 + (i % 26)).repeat((i * 37) % 1500);
      all += chunk;
      ring.append(Buffer.from(chunk));
      const kept = ring.end - ring.start;
      expect(kept).toBeLessThanOrEqual(capacity);
      expect(read(ring, ring.start, kept)).toBe(all.slice(all.length - kept));
    }
    expect(ring.end - ring.start).toBe(capacity);
  });

  it('goes on counting after clear', () => {
    const ring = new OutputRing(0, 8);
    ring.append(Buffer.from('abc'));
    ring.clear();
    ring.append(Buffer.from('d'));
    expect([ring.start, ring.end]).toEqual([3, 4]);
  });
});
