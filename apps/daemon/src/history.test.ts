/** What the daemon gives a page that looks back: everything, or as much as the bound leaves. */
import { bytesSource, type EventBody, fold, openRecording, Timeline } from '@terrarium/timeline';
import { expect, test } from 'vitest';
import { SessionPast } from './history.js';

const SANDBOX = {
  ...{ id: 's', init: '1:1', kernelRelease: '6.1' },
  namespaces: { pid: 1, mnt: 2, net: 3, uts: 4, ipc: 5, user: 6, cgroup: 7, time: 8 },
};
const START: EventBody = { type: 'sandbox.start', sandbox: SANDBOX };

/** Text that gzip cannot make much smaller. */
function check(i: number): EventBody {
  const step = `${i}-${Math.sin(i)}-${Math.cos(i * 7)}`;
  return { type: 'check', lesson: 'containers/01', step, passed: i % 2 === 0 };
}

async function historyOf(past: SessionPast) {
  return (await openRecording(bytesSource(await past.read()))).history();
}

test('a page gets every event since the session began, and the same states', async () => {
  const timeline = new Timeline();
  const past = new SessionPast(timeline, { sandbox: 's' });
  timeline.append([START]);
  for (let i = 0; i < 2500; i++) timeline.append([check(i)]);
  const history = await historyOf(past);
  expect(history.oldest.seq).toBe(0);
  expect(history.newest).toEqual(timeline.state);
  expect(history.stateAtSeq(1)?.sandbox).toEqual(SANDBOX);
  timeline.append([{ type: 'sandbox.end', id: 's' }]);
  expect((await historyOf(past)).newest.sandbox).toBeNull();
  past.stop();
});

test('at the bound the oldest goes, and what is left begins with a state', async () => {
  const timeline = new Timeline();
  const maxBytes = 60_000;
  const past = new SessionPast(timeline, { sandbox: 's', maxBytes });
  timeline.append([START]);
  for (let i = 0; i < 12_000; i++) timeline.append([check(i)]);
  await past.read();
  expect(past.bytes).toBeLessThan(maxBytes * 1.5);
  const history = await historyOf(past);
  expect(history.oldest.seq).toBeGreaterThan(1000);
  expect(history.oldest.sandbox).toEqual(SANDBOX);
  expect(history.newest.seq).toBe(12_001);
  expect(fold(history.oldest, history.between(history.oldest.seq))).toEqual(timeline.state);
  past.stop();
});
