import { describe, expect, it } from 'vitest';
import { CallAllowance } from './call-allowance.js';

const [WAIT4, FSCONFIG] = [61, 431];
const NOW = 1000;

/** How many of `count` are let through. */
function letThrough(allowance: CallAllowance, who: string, call: number, count: number, at = NOW) {
  return Array.from({ length: count }, () => allowance.take(who, call, at)).filter(Boolean).length;
}

describe('CallAllowance', () => {
  it('leaves out a flood of one kind, and nothing else of that process or of another', () => {
    const allowance = new CallAllowance();
    expect(letThrough(allowance, '1:1', WAIT4, 1000)).toBe(150);
    expect(letThrough(allowance, '1:1', FSCONFIG, 10)).toBe(10);
    expect(letThrough(allowance, '2:1', WAIT4, 10)).toBe(10);
  });

  it('leaves out what is too much for the sandbox, whoever it comes from', () => {
    const allowance = new CallAllowance();
    const each = Array.from({ length: 20 }, (_, who) => letThrough(allowance, `${who}:1`, 1, 100));
    expect(each.reduce((sum, count) => sum + count)).toBe(1600);
    expect(each.at(-1)).toBe(0);
  });

  it('lets through again as time goes by, up to what it was', () => {
    const allowance = new CallAllowance();
    letThrough(allowance, '1:1', WAIT4, 1000);
    expect(letThrough(allowance, '1:1', WAIT4, 1000, NOW + 1000)).toBe(50);
    expect(letThrough(allowance, '1:1', WAIT4, 1000, NOW + 60_000)).toBe(150);
  });

  it('forgets nobody who has used up what he had', () => {
    const allowance = new CallAllowance();
    letThrough(allowance, '1:1', WAIT4, 1000);
    allowance.forgetFull(NOW + 10);
    expect(letThrough(allowance, '1:1', WAIT4, 1, NOW + 10)).toBe(0);
    allowance.forgetFull(NOW + 60_000);
    expect(letThrough(allowance, '1:1', WAIT4, 1000, NOW + 60_000)).toBe(150);
  });
});
