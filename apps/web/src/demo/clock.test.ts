import { describe, expect, it } from 'vitest';
import { STOPPED, tick, times, timeText } from './clock';

describe('the clock of a presentation', () => {
  it('begins with the first press', () => {
    expect(times(STOPPED, 0, 5000)).toEqual({ all: 0, here: 0 });
    expect(times(tick(STOPPED, 0, 0, 5000), 0, 7000)).toEqual({ all: 2000, here: 2000 });
  });

  it('adds up the visits of a slide', () => {
    let clock = tick(STOPPED, 0, 0, 0);
    clock = tick(clock, 0, 1, 1000);
    clock = tick(clock, 1, 1, 2000);
    clock = tick(clock, 1, 0, 4000);
    expect(times(clock, 0, 4500)).toEqual({ all: 4500, here: 1500 });
    expect(times(tick(clock, 0, 1, 5000), 1, 5500)).toEqual({ all: 5500, here: 3500 });
  });

  it.each([
    [0, '0:00'],
    [425_000, '7:05'],
    [3_723_000, '1:02:03'],
  ])('writes %d as %s', (ms, text) => expect(timeText(ms)).toBe(text));
});
