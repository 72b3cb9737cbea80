// @vitest-environment jsdom
import type { State, TimelineEvent } from '@terrarium/timeline';
import { EMPTY_STATE } from '@terrarium/timeline';
import { act } from 'react';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { ChangesFeed, FEED_INTERVAL_MS } from './changes-feed.js';
import { DEMO_STATE, demoProcess } from './fixture.js';
import { type Mounted, mount } from './testing.js';

let view: Mounted;
let seq = 100;
let events: TimelineEvent[] = [];
const since = (from: number) => events.filter((event) => event.seq > from);
beforeEach(() => {
  vi.useFakeTimers();
  events = [];
  view = mount(<ChangesFeed state={EMPTY_STATE} lang="en" since={since} />);
});
afterEach(() => {
  view.unmount();
  vi.useRealTimers();
});

const spoken = () => view.all('[aria-live=polite]')[0]?.textContent;
const show = (state: State) => view.render(<ChangesFeed state={state} lang="en" since={since} />);
const wait = (ms: number) => act(() => vi.advanceTimersByTime(ms));
const plus = (base: State, hostPid: number, comm: string): State => {
  const process = demoProcess(hostPid, { comm, parent: '4707:47070' });
  return { ...base, seq: ++seq, processes: { ...base.processes, [process.key]: process } };
};

it('does not read out the first snapshot', () => {
  show(DEMO_STATE);
  wait(5000);
  expect(spoken()).toBe('');
});

it('makes one sentence of fork and exec', () => {
  show(DEMO_STATE);
  show(plus(DEMO_STATE, 4790, 'bash'));
  show(plus(DEMO_STATE, 4790, 'sleep'));
  wait(400);
  expect(spoken()).toBe('bash 7 started sleep');
});

it('speaks at most once in two seconds, and then of everything', () => {
  show(DEMO_STATE);
  const one = plus(DEMO_STATE, 4790, 'one');
  const two = plus(one, 4791, 'two');
  const three = plus(two, 4792, 'three');
  show(one);
  wait(400);
  expect(spoken()).toBe('bash 7 started one');
  show(two);
  wait(400);
  show(three);
  wait(FEED_INTERVAL_MS - 900);
  expect(spoken()).toBe('bash 7 started one');
  wait(900);
  expect(spoken()).toBe('bash 7 started two; bash 7 started three');
});

it('tells of a command that was too quick for any drawn state to have it', () => {
  show(DEMO_STATE);
  const process = demoProcess(4790, { comm: 'bash', parent: '4707:47070' });
  const { key } = process;
  const at = (): { seq: number; t: number } => ({ seq: ++seq, t: 0 });
  events = [
    { type: 'process.fork', process, ...at() },
    { type: 'process.exec', key, comm: 'ls', args: ['ls'], ...at() },
    { type: 'process.exit', key, waitStatus: 0, ...at() },
  ];
  show({ ...DEMO_STATE, seq });
  wait(400);
  expect(spoken()).toBe('bash 7 ran ls');
});
