import { HIGH_WATER, LOW_WATER } from '@terrarium/protocol';
import { describe, expect, it } from 'vitest';
import { Credit } from './credit.js';

describe('Credit', () => {
  it('stops at the high water mark and starts again below the low one', () => {
    const credit = new Credit(1000);
    credit.send(HIGH_WATER - 1);
    expect([credit.stalled, credit.room]).toEqual([false, 1]);
    credit.send(1);
    expect([credit.stalled, credit.room]).toEqual([true, 0]);
    credit.ack(1000 + HIGH_WATER - LOW_WATER);
    expect(credit.stalled).toBe(true);
    credit.ack(1001 + HIGH_WATER - LOW_WATER);
    expect(credit.stalled).toBe(false);
    expect(credit.room).toBe(HIGH_WATER - LOW_WATER + 1);
  });

  it('refuses an acknowledgement of what was never sent', () => {
    const credit = new Credit(0);
    credit.send(10);
    expect(credit.ack(11)).toBe(false);
    expect(credit.ack(10)).toBe(true);
  });

  it('does not take an older acknowledgement back', () => {
    const credit = new Credit(0);
    credit.send(10);
    credit.ack(10);
    credit.ack(3);
    expect(credit.inFlight).toBe(0);
  });

  it("counts a screen's bytes until the offset behind it is acknowledged", () => {
    const credit = new Credit(0);
    credit.send(HIGH_WATER);
    credit.restore(900_000, 70_000);
    expect([credit.sent, credit.inFlight, credit.stalled]).toEqual([900_000, 70_000, false]);
    credit.ack(HIGH_WATER); // of what the screen has replaced
    expect(credit.inFlight).toBe(70_000);
    credit.ack(900_000);
    expect(credit.inFlight).toBe(0);
  });

  it('takes late acknowledgements after a screen that goes back a little', () => {
    const credit = new Credit(0);
    credit.send(1000);
    credit.restore(900, 50);
    expect(credit.ack(1000)).toBe(true);
    expect(credit.inFlight).toBe(0);
  });
});
