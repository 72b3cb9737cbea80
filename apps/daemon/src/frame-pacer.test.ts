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

/** What may be sent at once after a quiet time, and what it then is: each event a frame of its own. */
const BURST = 12;
const atOnce = Array.from({ length: BURST }, (_, i) => [i + 1]);

function pacer() {
  const frames: number[][] = [];
  const made = new FramePacer<TimelineEvent>(30, (events) =>
    frames.push(events.map(({ seq }) => seq)),
  );
  return { made, frames };
}

describe('FramePacer', () => {
  it('sends the first events of a quiet period at once', () => {
    const { made, frames } = pacer();
    for (let seq = 1; seq <= BURST; seq++) made.push([event(seq)]);
    expect(frames).toEqual(atOnce);
    vi.advanceTimersByTime(1000);
    made.push([event(BURST + 1)]);
    expect(frames.at(-1)).toEqual([BURST + 1]);
  });

  it('sends what follows together at the end of the frame', () => {
    const { made, frames } = pacer();
    for (let seq = 1; seq <= BURST + 3; seq++) made.push([event(seq)]);
    expect(frames).toEqual(atOnce);
    vi.advanceTimersByTime(34);
    expect(frames.slice(BURST)).toEqual([[BURST + 1, BURST + 2, BURST + 3]]);
  });

  it('makes at most 30 frames a second and loses nothing', () => {
    const { made, frames } = pacer();
    for (let seq = 1; seq <= 1000; seq++) {
      made.push([event(seq)]);
      vi.advanceTimersByTime(1);
    }
    made.flush();
    expect(frames.length).toBeLessThanOrEqual(30 + BURST + 1); // and the burst, and the flush
    expect(frames.flat()).toEqual(Array.from({ length: 1000 }, (_, i) => i + 1));
  });

  it('cuts a large frame into messages', () => {
    const { made, frames } = pacer();
    made.push(Array.from({ length: EVENTS_PER_MESSAGE * 2 + 1 }, (_, i) => event(i + 1)));
    expect(frames.map(({ length }) => length)).toEqual([200, 200, 1]);
  });

  it('sends nothing after stop', () => {
    const { made, frames } = pacer();
    for (let seq = 1; seq <= BURST + 1; seq++) made.push([event(seq)]);
    made.stop();
    vi.advanceTimersByTime(1000);
    expect(frames).toEqual(atOnce);
  });
});
