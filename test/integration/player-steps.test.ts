/**
 * Stepped runs on the real kernel: each process waits before each of its steps, is let go on alone,
 * and an abort at any point leaves nothing. Needs root; ends every process that it makes.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildPlayer } from '../../packages/syscall/native/build.mjs';
import {
  type Plan,
  PlanBuilder,
  type PlanRun,
  ResidentPlayer,
  scratch,
} from '../../packages/syscall/src/index.js';
import {
  alive,
  call,
  childrenOf,
  contentOf,
  exec,
  fork,
  leave,
  missing,
  pipe,
  purpose,
  readBack,
  root,
} from './player-lab.js';

const SOON = { timeout: 30_000 };

describe.skipIf(!root)(`stepped runs${missing}`, () => {
  let player: ResidentPlayer;

  beforeAll(async () => {
    player = await ResidentPlayer.start({ binary: buildPlayer() });
  });
  afterAll(async () => {
    await player?.close();
  });

  /** What a run has said: `waits NAME INDEX` and `NAME INDEX`, in order. */
  function stepped(plan: Plan, on = player): { run: PlanRun; said: string[]; pids: Set<number> } {
    const said: string[] = [];
    const pids = new Set<number>();
    const run = on.run(plan, {
      stepped: true,
      onStarted: (_process, hostPid) => pids.add(hostPid),
      onReport: ({ process, index }) => said.push(`${process} ${index}`),
      onWaiting: (process, index) => said.push(`waits ${process} ${index}`),
    });
    return { run, said, pids };
  }

  /** Two processes with two calls each behind the clone3. */
  function two(): Plan {
    const builder = new PlanBuilder('two');
    fork(builder, 'outside', 'child');
    for (const process of ['outside', 'child'])
      for (let i = 0; i < 2; i++) call(builder, process, 'getpid', []);
    return builder.build();
  }

  test('steps: nothing happens before step(), then exactly one call', async () => {
    const builder = new PlanBuilder('stepped');
    for (let i = 0; i < 3; i++) call(builder, 'outside', 'getpid', []);
    const seen: number[] = [];
    const run = player.run(builder.build(), {
      stepped: true,
      onReport: ({ index }) => seen.push(index),
    });
    for (let i = 0; i < 3; i++) {
      await player.run(new PlanBuilder('a while').build()).done;
      expect(seen).toHaveLength(i);
      run.step('outside');
      await expect.poll(() => seen.length).toBe(i + 1);
    }
    await run.done;
    expect(seen).toEqual([0, 1, 2]);
  });

  test('abort ends a stepped run that waits', async () => {
    const builder = new PlanBuilder('waiting');
    call(builder, 'outside', 'getpid', []);
    const run = player.run(builder.build(), { stepped: true });
    run.abort();
    await expect(run.done).rejects.toThrow('aborted');
  });

  test('two processes wait at the same time, and each takes its own steps', async () => {
    const { run, said } = stepped(two());
    run.step('outside');
    await expect
      .poll(() => said.filter((one) => one.startsWith('waits')).sort(), SOON)
      .toEqual(['waits child 0', 'waits outside 0', 'waits outside 1']);
    run.step('child');
    await expect.poll(() => said.at(-1), SOON).toBe('waits child 1');
    expect(said.filter((one) => one === 'outside 1')).toEqual([]);
    run.step('child');
    await expect.poll(() => said.at(-1), SOON).toBe('child 1');
    run.step('outside');
    run.step('outside');
    const { reports } = await run.done;
    expect(reports.map(({ process, index }) => `${process} ${index}`)).toEqual([
      'outside 0',
      'child 0',
      'child 1',
      'outside 1',
      'outside 2',
    ]);
  });

  test('steps add up, also for a process that is not born yet', async () => {
    const { run, said } = stepped(two());
    for (const process of ['child', 'child', 'outside', 'outside', 'outside']) run.step(process);
    await run.done;
    expect(said.filter((one) => one.startsWith('waits'))).toHaveLength(5);
  });

  test('a step for a process that is blocked in a read waits until it has returned', async () => {
    const builder = new PlanBuilder('blocked');
    const { read, write } = pipe(builder, 'outside');
    fork(builder, 'outside', 'child');
    readBack(builder, 'child', read, 1);
    call(builder, 'child', 'getpid', []);
    call(builder, 'outside', 'write', [write, scratch(1), 1]);
    const { run, said } = stepped(builder.build());
    run.step('outside');
    run.step('outside');
    run.step('child'); // the read
    run.step('child'); // what follows it
    await expect.poll(() => said.includes('waits child 0'), SOON).toBe(true);
    await player.run(new PlanBuilder('a while').build()).done;
    expect(said).not.toContain('child 0');
    run.step('outside');
    await run.done;
    expect(said.filter((one) => one.includes('child'))).toEqual([
      'waits child 0',
      'child 0',
      'waits child 1',
      'child 1',
    ]);
  });

  test('runs do not take each other’s steps', async () => {
    const first = stepped(two());
    const second = stepped(two());
    for (let i = 0; i < 3; i++) second.run.step('outside');
    for (let i = 0; i < 2; i++) second.run.step('child');
    await second.run.done;
    await expect.poll(() => first.said, SOON).toEqual(['waits outside 0']);
    first.run.abort();
    await expect(first.run.done).rejects.toThrow('aborted');
  });

  test('a batched run tells what it did before it waits', async () => {
    const said: string[] = [];
    const run = player.run(two(), {
      stepped: true,
      batched: true,
      onReport: ({ process, index }) => said.push(`${process} ${index}`),
    });
    run.step('outside');
    await expect.poll(() => said, SOON).toEqual(['outside 0']);
    run.abort();
    await expect(run.done).rejects.toThrow('aborted');
  });

  test('says what cannot be stepped', async () => {
    const { run } = stepped(two());
    expect(() => run.step('ghost')).toThrow('plan two has no process ghost');
    run.abort();
    await expect(run.done).rejects.toThrow('aborted');
    const whole = player.run(two());
    expect(() => whole.step('child')).toThrow('plan two is not run in steps');
    await whole.done;
  });

  test('an abort at any point leaves nothing', async () => {
    const builder = new PlanBuilder('aborted');
    const { read } = pipe(builder, 'outside');
    fork(builder, 'outside', 'init', ['CLONE_NEWPID', 'CLONE_NEWNS']);
    fork(builder, 'init', 'program');
    exec(builder, 'program', ['/bin/sleep', '1000']);
    builder.becomeInit('init', purpose);
    readBack(builder, 'outside', read); // for ever: it holds the write end itself
    const plan = builder.build();
    const order = ['outside', 'outside', 'init', 'program', 'init', 'outside'];
    for (let steps = 0; steps <= order.length; steps++) {
      const { run, said, pids } = stepped(plan);
      for (const [at, process] of order.slice(0, steps).entries()) {
        const index = order.slice(0, at).filter((one) => one === process).length;
        await expect.poll(() => said.includes(`waits ${process} ${index}`), SOON).toBe(true);
        run.step(process);
        if ((process === 'outside' && index < 2) || (process === 'init' && index === 0))
          await expect.poll(() => said.includes(`${process} ${index}`), SOON).toBe(true);
      }
      run.abort();
      await expect(run.done).rejects.toThrow('aborted');
      await expect.poll(() => [...pids].filter(alive), SOON).toEqual([]);
      await expect.poll(() => childrenOf(player.pid), SOON).toEqual([]);
    }
  });

  test('an abort that races with a clone3 leaves nothing either', async () => {
    const builder = new PlanBuilder('raced');
    fork(builder, 'outside', 'init', ['CLONE_NEWPID']);
    fork(builder, 'init', 'program');
    exec(builder, 'program', ['/bin/sleep', '1000']);
    builder.becomeInit('init', purpose);
    const plan = builder.build();
    const made = new Set<number>();
    for (let i = 0; i < 60; i++) {
      const { run, said, pids } = stepped(plan);
      run.step('outside');
      if (i % 3 > 0) await expect.poll(() => said.includes('waits init 0'), SOON).toBe(true);
      run.step('init');
      if (i % 3 > 1) run.step('program');
      run.abort();
      await expect(run.done).rejects.toThrow('aborted'); // init never gets its second step
      for (const pid of pids) made.add(pid);
    }
    await expect.poll(() => [...made].filter(alive), SOON).toEqual([]);
    await expect.poll(() => childrenOf(player.pid), SOON).toEqual([]);
  });

  test('without a player nobody waits for ever', async () => {
    const other = await ResidentPlayer.start({ binary: buildPlayer() });
    const { run, said, pids } = stepped(two(), other);
    run.step('outside');
    await expect
      .poll(() => said.includes('waits child 0') && said.includes('waits outside 1'), SOON)
      .toBe(true);
    expect([...pids].filter(alive)).toHaveLength(2);
    process.kill(other.pid, 'SIGKILL');
    await expect(run.done).rejects.toThrow('the player has ended');
    await expect.poll(() => [...pids].filter(alive), SOON).toEqual([]);
  });

  test('a plan that closes every fd goes on as if not stepped', async () => {
    const folder = mkdtempSync('/tmp/player-steps-');
    const builder = new PlanBuilder('closes all');
    call(builder, 'outside', 'close_range', [3, 0xffff_ffff, 0]);
    leave(builder, 'outside', join(folder, 'marker'), 'went on');
    const { run } = stepped(builder.build());
    run.step('outside');
    await run.done;
    expect(existsSync(join(folder, 'marker'))).toBe(false);
    expect(await contentOf(join(folder, 'marker'))).toBe('went on');
    rmSync(folder, { recursive: true });
  });
});
