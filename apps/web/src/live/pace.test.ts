import { describe, expect, it } from 'vitest';
import { pacedFrames } from './pace';

/** A clock that is moved by hand; frames come every 16 ms, and drawing costs what the test says. */
function lab() {
  let now = 0;
  let cost = 0;
  const queue: { at: number; action: () => void }[] = [];
  const put = (action: () => void, ms: number) => queue.push({ at: now + ms, action });
  const schedule = pacedFrames({
    now: () => now,
    soon: (action) => put(action, 0),
    frame: (action) => put(action, 16),
    cost: (tell) => put(() => tell(cost), cost),
    later: put,
  });
  const runUntil = (end: number) => {
    for (;;) {
      queue.sort((a, b) => a.at - b.at);
      const next = queue[0];
      if (next === undefined || next.at > end) break;
      queue.shift();
      now = Math.max(now, next.at);
      next.action();
    }
    now = end;
  };
  const drawingCosts = (ms: number): void => {
    cost = ms;
  };
  const drawn = (action: () => void): void => {
    put(action, cost);
  };
  return { schedule, runUntil, drawingCosts, drawn };
}

/** Times at which drawings began, when each asks for the next at once. */
function drawings(cost: number, milliseconds: number): number {
  const { schedule, runUntil, drawingCosts, drawn } = lab();
  drawingCosts(cost);
  let count = 0;
  const again = (): void => {
    count += 1;
    drawn(() => schedule(again));
  };
  schedule(again);
  runUntil(milliseconds);
  return count;
}

describe('pacedFrames', () => {
  it('draws at once, then in every frame while drawing takes little of the time', () => {
    const atLeast = 1600 / (16 + 4); // a frame's time and its own
    expect(drawings(4, 1600)).toBeGreaterThanOrEqual(atLeast);
  });

  it('takes a quarter of the time at most when drawing is expensive', () => {
    const share = (drawings(40, 10_000) * 40) / 10_000;
    expect(share).toBeGreaterThan(0.2);
    expect(share).toBeLessThan(0.28);
  });

  it('draws single changes at once, however expensive', () => {
    const { schedule, runUntil, drawingCosts } = lab();
    const begun: string[] = [];
    drawingCosts(60);
    for (const [i, name] of ['first', 'second', 'third'].entries()) {
      runUntil(i * 400);
      schedule(() => begun.push(name));
      runUntil(i * 400 + 1);
      expect(begun.at(-1)).toBe(name);
    }
  });

  it('is never more than 200 ms late', () => {
    const { schedule, runUntil, drawingCosts } = lab();
    const begun: string[] = [];
    drawingCosts(500);
    schedule(() => begun.push('first'));
    runUntil(500);
    schedule(() => begun.push('second'));
    runUntil(500 + 200 + 15);
    expect(begun).toEqual(['first']);
    runUntil(500 + 200 + 16);
    expect(begun).toEqual(['first', 'second']);
  });
});
