import type { TimelineEvent } from '@terrarium/timeline';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { EVENTS_PER_MESSAGE, FramePacer } from './frame-pacer.js';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const event = (seq: number): TimelineEvent => ({
  type: 'terminal.close',
  terminal: 't',
  seq,
  t: 0,
});

function pacer() {
  const frames: number[][] = [];
  const made = new FramePacer(30, (events) => frames.push(events.map(({ seq }) => seq)));
  return { made, frames };
}

describe('FramePacer', () => {
  it('sends the first events of a quiet period at once', () => {
    const { made, frames } = pacer();
    for (let seq = 1; seq <= 3; seq++) made.push([event(seq)]);
    expect(frames).toEqual([[1], [2], [3]]);
    vi.advanceTimersByTime(1000);
    made.push([event(4)]);
    expect(frames).toEqual([[1], [2], [3], [4]]);
  });

  it('sends what follows together at the end of the frame', () => {
    const { made, frames } = pacer();
    for (let seq = 1; seq <= 6; seq++) made.push([event(seq)]);
    expect(frames).toEqual([[1], [2], [3]]);
    vi.advanceTimersByTime(34);
    expect(frames).toEqual([[1], [2], [3], [4, 5, 6]]);
  });

  it('makes at most 30 frames a second and loses nothing', () => {
    const { made, frames } = pacer();
    for (let seq = 1; seq <= 1000; seq++) {
      made.push([event(seq)]);
      vi.advanceTimersByTime(1);
    }
    made.flush();
    expect(frames.length).toBeLessThanOrEqual(34);
    expect(frames.flat()).toEqual(Array.from({ length: 1000 }, (_, i) => i + 1));
  });

  it('cuts a large frame into messages', () => {
    const { made, frames } = pacer();
    made.push(Array.from({ length: EVENTS_PER_MESSAGE * 2 + 1 }, (_, i) => event(i + 1)));
    expect(frames.map(({ length }) => length)).toEqual([200, 200, 1]);
  });

  it('sends nothing after stop', () => {
    const { made, frames } = pacer();
    for (let seq = 1; seq <= 4; seq++) made.push([event(seq)]);
    made.stop();
    vi.advanceTimersByTime(1000);
    expect(frames).toEqual([[1], [2], [3]]);
  });
});
