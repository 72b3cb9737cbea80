/** RecordingPlayer: the double must behave as the player does where callers can tell. */
import { expect, test } from 'vitest';
import { PlanBuilder } from './plan-builder.js';
import { PlanError } from './plan-error.js';
import { RecordingPlayer } from './recording-player.js';

const purpose = { id: 'test', en: 'test', zh: '测试' };

function twoProcesses() {
  const builder = new PlanBuilder('two');
  const child = builder.slot('child');
  builder.call('outside', { syscall: 'clone3', args: [], store: child, child: 'inside', purpose });
  builder.call('inside', { syscall: 'sethostname', args: ['box', 3], purpose });
  return builder.build();
}

test('RecordingPlayer › plays every process and gives fake pids', async () => {
  const player = new RecordingPlayer();
  const plan = twoProcesses();
  const { reports, hostPids } = await player.run(plan).done;
  expect(player.plans).toEqual([plan]);
  expect(hostPids).toEqual({ outside: 1000, inside: 1001 });
  expect(reports.map((report) => [report.process, report.index, report.result])).toEqual([
    ['outside', 0, 1001n],
    ['inside', 0, 0n],
  ]);
});

test('RecordingPlayer › fails where the script says, with the real error', async () => {
  const player = new RecordingPlayer((call) =>
    call.syscall === 'sethostname' ? { errno: 1 } : undefined,
  );
  const error = await player.run(twoProcesses()).done.catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(PlanError);
  expect((error as PlanError).message).toBe(
    'plan two: inside step 0: sethostname("box", 3): EPERM (operation not permitted)',
  );
});

test('RecordingPlayer › refuses what the real player would refuse', () => {
  const builder = new PlanBuilder('wrong').call('outside', {
    syscall: 'frobnicate',
    args: [],
    purpose,
  });
  expect(() => new RecordingPlayer().run(builder.build())).toThrow('no system call frobnicate');
});

test('RecordingPlayer › waits for steps, and can be aborted', async () => {
  const player = new RecordingPlayer();
  const seen: string[] = [];
  const waiting: string[] = [];
  const run = player.run(twoProcesses(), {
    stepped: true,
    onReport: ({ process }) => seen.push(process),
    onWaiting: (process, index) => waiting.push(`${process} ${index}`),
  });
  run.step('outside');
  await expect.poll(() => seen).toEqual(['outside']);
  await expect.poll(() => waiting).toEqual(['outside 0', 'inside 0']);
  run.abort();
  await expect(run.done).rejects.toThrow('aborted');
});

test('RecordingPlayer › plays exits', async () => {
  const player = new RecordingPlayer();
  const ended: number[] = [];
  player.onExit(1001, (status) => ended.push(status));
  player.exit(1001, 9);
  player.exit(1001, 9);
  expect(ended).toEqual([9]);
});

test('RecordingPlayer › steps one process only, in any order', async () => {
  const builder = new PlanBuilder('two');
  builder.call('outside', { syscall: 'clone3', args: [], child: 'inside', purpose });
  for (const process of ['outside', 'inside'])
    for (let i = 0; i < 2; i++) builder.call(process, { syscall: 'getpid', args: [], purpose });
  const seen: string[] = [];
  const run = new RecordingPlayer().run(builder.build(), {
    stepped: true,
    onReport: ({ process, index }) => seen.push(`${process} ${index}`),
  });
  expect(() => run.step('ghost')).toThrow('plan two has no process ghost');
  run.step('inside'); // before it exists
  run.step('outside');
  await expect.poll(() => seen).toEqual(['outside 0', 'inside 0']);
  run.step('inside');
  await expect.poll(() => seen).toHaveLength(3);
  run.step('outside');
  run.step('outside');
  await run.done;
  expect(seen).toEqual(['outside 0', 'inside 0', 'inside 1', 'outside 1', 'outside 2']);
});

test('RecordingPlayer › a process that fails ends those that wait', async () => {
  const player = new RecordingPlayer((call) =>
    call.syscall === 'sethostname' ? { errno: 1 } : undefined,
  );
  const builder = new PlanBuilder('two');
  builder.call('outside', { syscall: 'clone3', args: [], child: 'inside', purpose });
  builder.call('outside', { syscall: 'getpid', args: [], purpose });
  builder.call('inside', { syscall: 'sethostname', args: ['box', 3], purpose });
  const run = player.run(builder.build(), { stepped: true });
  run.step('outside');
  run.step('inside');
  await expect(run.done).rejects.toThrow('sethostname("box", 3): EPERM');
  expect(() => player.run(builder.build()).step('outside')).toThrow('is not run in steps');
});

test('RecordingPlayer › a detached process is played to its end and not heard of', async () => {
  const played: string[] = [];
  const player = new RecordingPlayer((call) => {
    played.push(call.syscall);
    return call.syscall === 'chdir' ? { errno: 2 } : undefined;
  });
  const builder = new PlanBuilder('detached');
  builder.call('outside', { syscall: 'getpid', args: [], purpose });
  builder.detach('outside', purpose);
  builder.call('outside', { syscall: 'clone3', args: [], child: 'child', purpose });
  builder.call('child', { syscall: 'getppid', args: [], purpose });
  builder.call('outside', { syscall: 'chdir', args: ['/no'], purpose });
  builder.call('outside', { syscall: 'setsid', args: [], purpose });
  const { reports, hostPids } = await player.run(builder.build()).done;
  expect(reports.map(({ index }) => index)).toEqual([0, 1]);
  expect(hostPids).toEqual({ outside: 1000 });
  expect(played).toEqual(['getpid', 'clone3', 'chdir', 'getppid']);
});

test('RecordingPlayer › reads the errno of an acknowledgement', async () => {
  const answer = new Uint8Array(8);
  const player = new RecordingPlayer(() => ({ result: 8n, bytes: answer }));
  const from = { parts: [], size: 8 };
  const plan = (tolerate: number[]) =>
    new PlanBuilder('ack')
      .call('outside', {
        syscall: 'recvfrom',
        args: [3, from, 8, 0, 0, 0],
        ack: { from, offset: 4 },
        reportBlock: from,
        tolerate,
        purpose,
      })
      .build();
  await player.run(plan([])).done;
  new DataView(answer.buffer).setInt32(4, -17, true);
  await expect(player.run(plan([])).done).rejects.toThrow('EEXIST (file exists)');
  expect((await player.run(plan([17])).done).reports[0]?.errno).toBe(17);
  new DataView(answer.buffer).setInt32(4, 17, true);
  await expect(player.run(plan([])).done).rejects.toThrow('EPROTO');
});
