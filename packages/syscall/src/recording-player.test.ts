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
  const run = player.run(twoProcesses(), {
    stepped: true,
    onReport: ({ process }) => seen.push(process),
  });
  run.step();
  await expect.poll(() => seen).toEqual(['outside']);
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
