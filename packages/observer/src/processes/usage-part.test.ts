import { describe, expect, it } from 'vitest';
import { parseUsage } from './usage-part.js';

describe('parseUsage', () => {
  it('reads memory in bytes and time in milliseconds, whatever the name', () => {
    const stat = `7 (a) b (c) S 1 7 7 0 -1 4194560 100 0 0 0 12 30 0 0 20 0 1 0 900 3000000 25 18446744073709551615 0`;
    const usage = parseUsage(stat);
    expect(usage?.cpu).toBe(420);
    expect((usage?.rss ?? 0) % 4096).toBe(0);
    expect(usage?.rss).toBeGreaterThanOrEqual(25 * 4096);
  });

  it('makes nothing of what is no stat', () => {
    expect(parseUsage('')).toBeNull();
  });
});
