// @vitest-environment jsdom
/** The scrubber as a slider: what keys do, what it says, and where the pointer leads. */
import { type EventBody, History, type TimelineEvent } from '@terrarium/timeline';
import { act } from 'react';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DEMO_STATE } from '../fixture.js';
import { type Mounted, mount } from '../testing.js';
import { keyPosition } from './keys.js';
import { agoText, momentText } from './moment.js';
import { axisTimes, held, including, panned, scaleOf, timeAt, xOf, zoomed } from './scale.js';
import { Scrubber } from './scrubber.js';
import { trackOf } from './track.js';

const T0 = 1_780_000_000_000;
const SHELL = '4711:47110';
const bash = DEMO_STATE.processes['4715:47150']!;

function child(hostPid: number): EventBody {
  const key = `${hostPid}:1`;
  return { type: 'process.fork', process: { ...bash, key, hostPid, parent: SHELL } };
}

function start(id: string, line: string): EventBody {
  return { type: 'command.start', id, terminal: 't1', line, process: SHELL, processGroup: null };
}

const sandbox = { ...DEMO_STATE.sandbox!, init: '1:1' };
const BODIES: readonly EventBody[] = [
  { type: 'sandbox.start', sandbox }, // 1
  start('c1', 'ls -l'), // 2
  child(100), // 3
  { type: 'process.exit', key: '100:1', waitStatus: 0 }, // 4
  { type: 'command.end', id: 'c1', exitCode: 0 }, // 5
  { type: 'check', lesson: 'l', step: 's', passed: true }, // 6
  start('c2', 'false'), // 7
  { type: 'command.end', id: 'c2', exitCode: 1 }, // 8
  child(101), // 9: the trace is quicker than the shell's word
  start('c3', 'sleep 9'), // 10
  { type: 'process.sample', usage: {} }, // 11
];

function historyOf(bodies = BODIES, stepMs = 1000): History {
  const history = new History();
  // The fork of c3 and its start are told within the same moment.
  const t = (i: number): number => T0 + (i === 9 ? 8 : i) * stepMs;
  history.append(bodies.map((body, i): TimelineEvent => ({ ...body, seq: i + 1, t: t(i) })));
  return history;
}

describe('the track', () => {
  it('has marks for commands, checks and the sandbox, commands before their first fork', () => {
    const { marks } = trackOf(historyOf());
    expect(marks.map(({ kind, seq }) => [kind, seq])).toEqual([
      ['start', 1],
      ['command', 2],
      ['check', 6],
      ['command', 7],
      ['command', 8],
    ]);
  });

  it('takes what is appended, and leaves counters out of its lanes', () => {
    const history = historyOf();
    const before = trackOf(history).lanes.process.length;
    history.append([{ ...child(102), seq: 12, t: T0 + 20_000 }]);
    expect(trackOf(history).lanes.process.length).toBe(before + 1);
  });

  it('says a moment by what is next to it', () => {
    const track = trackOf(historyOf());
    const say = (seq: number): string => momentText(track, seq, 'en').replace(/^[\d:]+, /, '');
    expect(say(1)).toBe('a new sandbox begins');
    expect(say(2)).toBe('before `ls -l`');
    expect(say(3)).toBe('during `ls -l`');
    expect(say(5)).toBe('after `ls -l`');
    expect(say(6)).toBe('check s: passed');
    expect(say(8)).toBe('before `sleep 9`');
    expect(momentText(track, 2, 'zh')).toMatch(/^\d\d:\d\d:\d\d, `ls -l` 执行之前$/);
    expect(agoText(T0, T0 + 180_000, 'en')).toBe('3 min ago');
  });
});

describe('keys', () => {
  const track = trackOf(historyOf());
  const press = (key: string, position: number | null, shift = false) =>
    keyPosition(key, shift, position, track);

  it('go from mark to mark', () => {
    expect(press('ArrowLeft', null)).toBe(8);
    expect(press('ArrowLeft', 8)).toBe(7);
    expect(press('ArrowRight', 2)).toBe(6);
    expect(press('ArrowRight', 8)).toBeNull();
    expect(press('ArrowLeft', 1)).toBe(0);
    expect(press('ArrowLeft', 0)).toBe(0);
  });

  it('go from event to event with Shift, to the ends, and back to live', () => {
    expect(press('ArrowLeft', null, true)).toBe(10);
    expect(press('ArrowRight', 3, true)).toBe(4);
    expect(press('ArrowRight', 10, true)).toBeNull();
    expect(press('Home', 5)).toBe(0);
    expect(press('End', 5)).toBeNull();
    expect(press('Escape', 5)).toBeNull();
    expect(press('a', 5)).toBeUndefined();
  });
});

describe('the scale', () => {
  const scale = scaleOf({ span: 60_000, right: null }, T0, T0 + 600_000, 600);

  it('places times and finds them again', () => {
    expect(xOf(scale, T0 + 600_000)).toBe(600);
    expect(timeAt(scale, 300)).toBe(T0 + 570_000);
    const all = scaleOf({ span: null, right: null }, T0, T0 + 600_000, 600);
    expect(xOf(all, T0)).toBeGreaterThan(0);
    expect(xOf(all, T0 + 600_000)).toBeLessThan(600);
  });

  it('zooms around the pointer, out to everything', () => {
    const t = T0 + 560_000;
    const closer = zoomed(scale, t, 0.5, T0, T0 + 600_000);
    expect(closer.span).toBe(30_000);
    expect(xOf(scaleOf(closer, T0, T0 + 600_000, 600), t)).toBeCloseTo(xOf(scale, t));
    expect(zoomed(scale, t, 100, T0, T0 + 600_000)).toEqual({ span: null, right: null });
  });

  it('moves a window so that a moment is in it', () => {
    const window = { span: 60_000, right: null };
    const moved = including(window, scale, T0 + 60_000, T0 + 600_000);
    const at = scaleOf(moved, T0, T0 + 600_000, 600);
    expect(xOf(at, T0 + 60_000)).toBeGreaterThan(0);
    expect(xOf(at, T0 + 60_000)).toBeLessThan(600);
    expect(including(window, scale, T0 + 590_000, T0 + 600_000)).toBe(window);
  });

  it('is moved aside and held still, and follows the present again at its edge', () => {
    const window = { span: 60_000, right: null };
    const now = T0 + 600_000;
    expect(panned(window, scale, -0.5, T0, now)).toEqual({ span: 60_000, right: now - 30_000 });
    expect(panned(window, scale, 0.5, T0, now)).toEqual(window);
    expect(panned(window, scale, -100, T0, now).right).toBe(T0 + 30_000);
    expect(held(window, now)).toEqual({ span: 60_000, right: now });
  });

  it('draws lines at round times, not closer than their labels', () => {
    const times = axisTimes(scale);
    expect(times.every((t) => t % 10_000 === 0)).toBe(true);
    expect(times.length).toBeLessThanOrEqual(8);
  });
});

describe('Scrubber', () => {
  let mounted: Mounted;
  let position: number | null;
  const seek = vi.fn((to: number | null) => {
    position = to;
    draw();
  });
  const use = vi.fn();
  const history = historyOf();
  const element = () => (
    <Scrubber
      history={history}
      newest={history.newest.seq}
      position={position}
      onSeek={seek}
      onUse={use}
      lang="en"
      live={false}
    />
  );
  const draw = (): void => mounted.render(element());
  beforeEach(() => {
    position = null;
    globalThis.matchMedia ??= vi.fn(() => ({
      addEventListener: () => {},
      removeEventListener: () => {},
    })) as never;
    // Nothing is drawn here; jsdom has no canvas.
    vi.spyOn(HTMLCanvasElement.prototype, 'getContext').mockReturnValue(null);
    mounted = mount(element());
  });
  afterEach(() => {
    mounted.unmount();
    seek.mockClear();
    use.mockClear();
  });
  const slider = (): HTMLElement => mounted.all('[role=slider]')[0]!;

  it('is a slider whose value is a sentence', () => {
    expect(slider().getAttribute('aria-label')).toBe('Timeline');
    expect(slider().getAttribute('aria-valuetext')).toBe('now: what you see is live');
    expect(slider().getAttribute('aria-valuemax')).toBe('11');
    act(() => slider().focus());
    expect(use).toHaveBeenCalled();
    mounted.press('ArrowLeft');
    expect(seek).toHaveBeenLastCalledWith(8);
    expect(slider().getAttribute('aria-valuenow')).toBe('8');
    expect(slider().getAttribute('aria-valuetext')).toMatch(/before `sleep 9`$/);
    mounted.press('Escape');
    expect(seek).toHaveBeenLastCalledWith(null);
    expect(slider().getAttribute('aria-valuetext')).toBe('now: what you see is live');
  });

  it('chooses how much is shown', () => {
    const buttons = (): HTMLElement[] => mounted.all('button');
    const pressed = (): string[] =>
      buttons()
        .filter((one) => one.getAttribute('aria-pressed') === 'true')
        .map((one) => one.textContent ?? '');
    expect(pressed()).toEqual(['All']);
    mounted.fire(buttons()[0], 'click');
    expect(pressed()).toEqual(['1 min']);
  });
});
