// @vitest-environment jsdom
import type { State } from '@terrarium/timeline';
import { EMPTY_STATE } from '@terrarium/timeline';
import { act } from 'react';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { ChangesFeed, FEED_INTERVAL_MS } from './changes-feed.js';
import { DEMO_STATE, demoProcess } from './fixture.js';
import { type Mounted, mount } from './testing.js';

let view: Mounted;
let seq = 100;
beforeEach(() => {
  vi.useFakeTimers();
  view = mount(<ChangesFeed state={EMPTY_STATE} lang="en" />);
});
afterEach(() => {
  view.unmount();
  vi.useRealTimers();
});

const spoken = () => view.all('[aria-live=polite]')[0]?.textContent;
const show = (state: State) => view.render(<ChangesFeed state={state} lang="en" />);
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

it('tells of a command that was too quick to be seen', () => {
  show(DEMO_STATE);
  show(plus(DEMO_STATE, 4790, 'bash'));
  show(plus(DEMO_STATE, 4790, 'ls'));
  show({ ...DEMO_STATE, seq: ++seq });
  wait(400);
  expect(spoken()).toBe('bash 7 ran ls');
});
