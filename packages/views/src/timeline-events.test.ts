import type { EventBody, TimelineEvent } from '@terrarium/timeline';
import { expect, it } from 'vitest';
import { DEMO_STATE } from './fixture.js';
import { describeEvent, kindOf, laneOf } from './timeline-events.js';

const sh = DEMO_STATE.processes['4715:47150']!;
const pidNs = DEMO_STATE.namespaces[4026532801]!;
const events = (
  [
    { type: 'process.fork', process: { ...sh, comm: 'unshare' } },
    { type: 'process.exec', key: sh.key, comm: 'sh', args: ['sh'] },
    { type: 'namespace.appear', namespace: { ...pidNs, inode: 55 } },
    { type: 'process.exit', key: sh.key, waitStatus: 0 },
    { type: 'namespace.vanish', inode: 55 },
    { type: 'check', lesson: 'containers/01', step: 'first', passed: true },
    { type: 'terminal.open', terminal: 'a', pts: 0 },
  ] satisfies EventBody[]
).map((body, i): TimelineEvent => ({ ...body, seq: i + 1, t: 1000 + i }));

it('puts each event into the lane of what it is about', () => {
  expect(events.map(laneOf)).toEqual([
    'process',
    'process',
    'namespace',
    'process',
    'namespace',
    'check',
    null,
  ]);
});

it('describes an event with the name that the process had then', () => {
  const say = (i: number) => describeEvent(events[i]!, events, undefined, 'en');
  expect(say(0)).toBe('fork: unshare 4715 → 15 → 1');
  expect(say(1)).toBe('exec: sh');
  expect(say(3)).toBe('exit: sh 4715');
  expect(say(4)).toBe('pid:[55] namespace gone');
  expect(describeEvent(events[5]!, events, undefined, 'zh')).toBe('检查 first：通过');
});

it('knows the kind of a vanished namespace from its appearance', () => {
  expect(kindOf(events[4]!, events, undefined)).toBe('pid');
});
