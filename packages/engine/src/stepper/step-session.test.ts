/** The session over RecordingPlayer: order, records, ends. No kernel: the readings are made up. */
import {
  type Call,
  ERRNO,
  type Plan,
  PlanBuilder,
  RecordingPlayer,
  scratch,
} from '@terrarium/syscall';
import { expect, test } from 'vitest';
import { NO_STATE } from './kernel-state.js';
import type { StepEvent } from './step-events.js';
import { StepSession, type StepSessionOptions } from './step-session.js';

const WHY = { id: 'why', en: 'why', zh: '为何' };

/** outside: pipe2, clone3, umask; child: setsid, close(<readEnd>). */
function aPlan(): Plan {
  const builder = new PlanBuilder('test');
  const ends = scratch(8);
  const readEnd = builder.slot('readEnd');
  builder.call('outside', {
    syscall: 'pipe2',
    args: [ends, 0],
    purpose: WHY,
    loads: [{ from: ends, offset: 0, width: 4, to: readEnd }],
  });
  builder.call('outside', { syscall: 'clone3', args: [0, 88], purpose: WHY, child: 'child' });
  builder.call('outside', { syscall: 'umask', args: [0], purpose: WHY });
  builder.call('child', { syscall: 'setsid', args: [], purpose: WHY });
  builder.call('child', { syscall: 'close', args: [readEnd], purpose: WHY });
  return builder.build();
}

type Answer = (call: Call) => { errno?: number; bytes?: Uint8Array } | undefined;

function open(answer: Answer = () => undefined, options: Partial<StepSessionOptions> = {}) {
  const events: StepEvent[] = [];
  const session = new StepSession({
    player: new RecordingPlayer((call) =>
      call.syscall === 'pipe2' ? { bytes: Uint8Array.of(5, 0, 0, 0, 6, 0, 0, 0) } : answer(call),
    ),
    plan: aPlan(),
    capture: async () => NO_STATE,
    onEvent: (event) => events.push(event),
    // No process of this test exists: nobody is killed, nobody is waited for.
    startTime: () => null,
    isZombie: () => false,
    probe: () => null,
    ...options,
  });
  return { session, events };
}

const made = (session: StepSession) =>
  session.records.map(({ process, index }) => `${process} ${index}`);

test('the order › whoever stepped goes on, then the next one of the plan', async () => {
  const { session } = open();
  await session.ready;
  expect(session.next()).toBe('outside');
  while (session.next() !== null) await session.step();
  expect(made(session)).toEqual(['outside 0', 'outside 1', 'outside 2', 'child 0', 'child 1']);
  expect(session.outcome).toEqual({ kind: 'completed' });
  expect(session.positions.map(({ end }) => end)).toEqual(['exited', 'exited']);
});

test('the order › a named process steps, and then goes on', async () => {
  const { session } = open();
  await session.runTo('outside', 2);
  await session.step('child');
  expect(session.next()).toBe('child');
  expect(made(session)).toEqual(['outside 0', 'outside 1', 'child 0']);
  await session.abort();
});

test('runTo › stops before the call', async () => {
  const { session } = open();
  await session.runTo('child', 1);
  expect(session.positions.find(({ process }) => process === 'child')).toMatchObject({
    index: 1,
    status: 'waiting',
  });
  await session.abort();
});

test('registers › known from results and from memory, in the child as well', async () => {
  const { session } = open();
  await session.runTo('child', 1);
  expect(session.positions.map(({ registers }) => registers)).toEqual([
    { readEnd: '5' },
    { readEnd: '5' },
  ]);
  await session.step('child');
  expect(session.records.at(-1)?.registers).toEqual({ readEnd: '5' });
  await session.abort();
});

test('a failed call › ends the plan with its errno and hint, and is taken back once', async () => {
  let undone = 0;
  const { session, events } = open(
    ({ syscall }) => (syscall === 'clone3' ? { errno: ERRNO.EAGAIN } : undefined),
    {
      undo: () => {
        undone += 1;
      },
    },
  );
  await session.runAll();
  expect(session.outcome).toMatchObject({ kind: 'failed', leftovers: [] });
  expect(session.records.at(-1)).toMatchObject({ code: 'EAGAIN', failed: true, tolerated: false });
  expect(session.records.at(-1)?.hint).toContain('pids.max');
  expect(events.at(-1)).toMatchObject({ type: 'ended', outcome: { kind: 'failed' } });
  await session.end();
  expect(undone).toBe(1);
});

test('abort › undoes, tells what could not be undone, and ends every step', async () => {
  const { session } = open(undefined, {
    undo: () => {
      throw new Error('the group does not go');
    },
  });
  await session.ready;
  await session.step();
  await session.abort();
  expect(session.outcome).toEqual({ kind: 'aborted', leftovers: ['the group does not go'] });
  expect(session.next()).toBeNull();
  await expect(session.step()).rejects.toThrow('no process of the plan waits');
});

test('abort › in the middle of runAll ends it', async () => {
  const { session } = open(undefined, {
    capture: async () => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      return NO_STATE;
    },
  });
  const running = session.runAll();
  await session.ready;
  await session.abort();
  await running;
  expect(session.outcome?.kind).toBe('aborted');
});

test('end › after a success takes back what was made', async () => {
  let undone = 0;
  const { session } = open(undefined, {
    undo: () => {
      undone += 1;
    },
  });
  await session.runAll();
  expect(undone).toBe(0);
  expect(await session.end()).toEqual([]);
  await session.end();
  expect(undone).toBe(1);
});

test('step › refuses a process that does not wait', async () => {
  const { session } = open();
  await session.ready;
  await expect(session.step('child')).rejects.toThrow('process child cannot step now');
  await session.abort();
});
