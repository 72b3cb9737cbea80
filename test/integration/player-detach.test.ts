/**
 * Detached processes on the real kernel: what leaves a run goes on alone, whatever becomes of run,
 * player and daemon. Needs root; ends every process that it makes.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { buildPlayer } from '../../packages/syscall/native/build.mjs';
import {
  decodeLastWords,
  ERRNO,
  O,
  PlanBuilder,
  ResidentPlayer,
  SIGNALS,
  scratch,
} from '../../packages/syscall/src/index.js';
import {
  alive,
  call,
  contentOf,
  exec,
  exitOf,
  fork,
  leave,
  makeFifo,
  missing,
  pipe,
  purpose,
  root,
  waitAt,
} from './player-lab.js';

const EXIT_FAILED = 125 << 8; // as a wait status

describe.skipIf(!root)(`detach${missing}`, () => {
  let player: ResidentPlayer;
  let folder: string;
  let fifo: string;
  let marker: string;
  let release: () => void;

  beforeAll(async () => {
    player = await ResidentPlayer.start({ binary: buildPlayer() });
  });
  afterAll(async () => {
    await player?.close();
  });
  beforeEach(() => {
    folder = mkdtempSync('/tmp/player-detach-');
    fifo = join(folder, 'start.fifo');
    marker = join(folder, 'marker');
    ({ release } = makeFifo(fifo));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** A process that detaches, waits at the FIFO and then leaves the marker. */
  function waiter(name: string): PlanBuilder {
    const builder = new PlanBuilder(name);
    const wait = waitAt(builder, 'outside', fifo);
    builder.detach('outside', purpose);
    wait();
    leave(builder, 'outside', marker, 'went on');
    return builder;
  }

  test('the run is done while the process goes on, and holds no fd of the player', async () => {
    const { reports, hostPids } = await player.run(waiter('created').build()).done;
    expect(reports.map(({ index, errno }) => [index, errno])).toEqual([
      [0, 0],
      [1, 0],
    ]);
    const pid = hostPids['outside'] ?? 0;
    expect(alive(pid)).toBe(true);
    expect(readdirSync(`/proc/${pid}/fd`).sort()).toEqual(['0', '1', '2', '3']);
    const exit = exitOf(player, pid);
    release();
    expect(await contentOf(marker)).toBe('went on');
    expect(await exit).toBe(0);
  });

  test('survives close() of the player', async () => {
    const other = await ResidentPlayer.start({ binary: buildPlayer() });
    const { hostPids } = await other.run(waiter('closed').build()).done;
    await other.close();
    expect(alive(other.pid)).toBe(false);
    expect(alive(hostPids['outside'])).toBe(true);
    release();
    expect(await contentOf(marker)).toBe('went on');
  });

  test('survives SIGKILL of the player', async () => {
    const other = await ResidentPlayer.start({ binary: buildPlayer() });
    const { hostPids } = await other.run(waiter('killed').build()).done;
    process.kill(other.pid, 'SIGKILL');
    await expect.poll(() => alive(other.pid), { timeout: 30_000 }).toBe(false);
    expect(alive(hostPids['outside'])).toBe(true);
    release();
    expect(await contentOf(marker)).toBe('went on');
  });

  test.each(['abort', 'close', 'failure'])(
    'survives the %s of a run that goes on without it',
    async (how) => {
      const other = await ResidentPlayer.start({ binary: buildPlayer() });
      const builder = new PlanBuilder('left behind');
      const { read, write } = pipe(builder, 'outside');
      fork(builder, 'outside', 'staying');
      const wait = waitAt(builder, 'outside', fifo);
      builder.detach('outside', purpose);
      call(builder, 'outside', 'write', [write, scratch(1), 1]);
      wait();
      leave(builder, 'outside', marker, 'went on');
      call(builder, 'staying', 'read', [read, scratch(1), 1]);
      if (how === 'failure') call(builder, 'staying', 'close', [9999]);
      else call(builder, 'staying', 'read', [read, scratch(1), 1]); // for ever: it has a write end
      const run = other.run(builder.build(), {
        onReport: ({ process, index }) => {
          if (process === 'staying' && index === 0 && how === 'abort') run.abort();
          if (process === 'staying' && index === 0 && how === 'close') void other.close();
        },
      });
      await expect(run.done).rejects.toThrow(
        { abort: 'aborted', close: 'the player has ended', failure: 'close(9999): EBADF' }[how] ??
          '',
      );
      await other.close();
      release(); // ENXIO if nobody waited any more
      expect(await contentOf(marker)).toBe('went on');
    },
  );

  test('an abort that follows its report never kills it', async () => {
    const builder = new PlanBuilder('raced');
    const wait = waitAt(builder, 'outside', fifo);
    fork(builder, 'outside', 'staying');
    call(builder, 'staying', 'ppoll', [0, 0, 0, 0, 0]); // for ever
    builder.detach('outside', purpose);
    wait();
    for (let i = 0; i < 30; i++) {
      const detached = new Promise<number>((resolve) => {
        const run = player.run(builder.build(), {
          onReport: ({ process, index }) => {
            if (process !== 'outside' || index !== 2) return;
            run.abort();
            run.done.catch(() => resolve(i));
          },
        });
      });
      await detached;
      release(); // ENXIO if it had been killed
    }
  });

  test('a failing call ends it with 125, in silence', async () => {
    const builder = new PlanBuilder('failing');
    builder.detach('outside', purpose);
    call(builder, 'outside', 'close', [9999]);
    leave(builder, 'outside', marker, 'went on');
    const { reports, hostPids } = await player.run(builder.build()).done;
    expect(reports).toHaveLength(1);
    expect(await exitOf(player, hostPids['outside'])).toBe(EXIT_FAILED);
    expect(readdirSync(folder)).toEqual(['start.fifo']);
  });

  test.each([
    ['an errno', ['/no/such/program'], { index: 2, errno: ERRNO.ENOENT }],
    ['nothing when it becomes its program', ['/bin/true'], undefined],
  ] as const)('leaves last words in the fd of its plan: %s', async (_name, argv, words) => {
    const file = join(folder, 'words');
    const builder = new PlanBuilder('last words');
    const fd = builder.slot('words');
    const flags = O.O_WRONLY | O.O_CREAT | O.O_CLOEXEC;
    call(builder, 'outside', 'openat', [-100, file, flags, 0o600], { store: fd });
    builder.detach('outside', purpose, fd);
    exec(builder, 'outside', [...argv]);
    const { hostPids } = await player.run(builder.build()).done;
    await exitOf(player, hostPids['outside']);
    expect(decodeLastWords(readFileSync(file))).toEqual(words);
  });

  test('a child of a detached process has no last words', async () => {
    const file = join(folder, 'words');
    const builder = new PlanBuilder('last words');
    const fd = builder.slot('words');
    const flags = O.O_WRONLY | O.O_CREAT | O.O_CLOEXEC;
    call(builder, 'outside', 'openat', [-100, file, flags, 0o600], { store: fd });
    builder.detach('outside', purpose, fd);
    fork(builder, 'outside', 'child');
    call(builder, 'child', 'close', [9999]);
    call(builder, 'outside', 'wait4', [-1, 0, 0, 0]);
    const { hostPids } = await player.run(builder.build()).done;
    expect(await exitOf(player, hostPids['outside'])).toBe(0);
    expect(readFileSync(file)).toHaveLength(0);
  });

  test('says nothing on fds that took the numbers of the player’s', async () => {
    const other = await ResidentPlayer.start({ binary: buildPlayer() });
    const builder = new PlanBuilder('same numbers');
    const file = builder.slot('file');
    const flags = O.O_WRONLY | O.O_CREAT | O.O_CLOEXEC;
    builder.detach('outside', purpose);
    call(builder, 'outside', 'openat', [-100, marker, flags, 0o600], { store: file });
    for (const fd of [61, 62, 63]) call(builder, 'outside', 'dup3', [file, fd, 0]);
    fork(builder, 'outside', 'child');
    call(builder, 'child', 'close', [9999]);
    call(builder, 'outside', 'wait4', [-1, 0, 0, 0]);
    exec(builder, 'outside', ['/no/such/program']);
    const { hostPids } = await other.run(builder.build()).done;
    expect(await exitOf(other, hostPids['outside'])).toBe(EXIT_FAILED);
    expect(readFileSync(marker, 'utf8')).toBe('');
    await other.close();
  });

  test('a pipe without reader is an errno; the program after it has the default SIGPIPE', async () => {
    const builder = new PlanBuilder('broken pipe');
    const { read, write } = pipe(builder, 'outside');
    call(builder, 'outside', 'close', [read]);
    builder.detach('outside', purpose);
    call(builder, 'outside', 'write', [write, scratch(1), 1], { tolerate: [32] });
    exec(builder, 'outside', [
      '/bin/sh',
      '-c',
      `while read -r line; do case $line in SigBlk*|SigIgn*) echo "$line";; esac; done < /proc/self/status > ${marker}.1; kill -PIPE $$`,
    ]);
    const { hostPids } = await player.run(builder.build()).done;
    expect(await exitOf(player, hostPids['outside'])).toBe(SIGNALS.SIGPIPE);
    expect(readFileSync(`${marker}.1`, 'utf8')).toMatch(/^(Sig...:\t0+\n){2}$/);
  });

  test('before the detach, a pipe without reader is a failure that is told', async () => {
    const builder = new PlanBuilder('broken pipe');
    const { read, write } = pipe(builder, 'outside');
    call(builder, 'outside', 'close', [read]);
    call(builder, 'outside', 'write', [write, scratch(1), 1]);
    await expect(player.run(builder.build()).done).rejects.toThrow('EPIPE (broken pipe)');
  });

  test('execs later, as what waited', async () => {
    const builder = new PlanBuilder('started');
    const wait = waitAt(builder, 'outside', fifo);
    builder.detach('outside', purpose);
    wait();
    exec(builder, 'outside', ['/bin/sh', '-c', `echo $$ > ${marker}; exit 7`]);
    const { hostPids } = await player.run(builder.build()).done;
    const exit = exitOf(player, hostPids['outside']);
    release();
    expect(await exit).toBe(7 << 8);
    expect(await contentOf(marker)).toBe(`${hostPids['outside']}\n`);
  });

  test('its later children are detached from birth', async () => {
    const builder = new PlanBuilder('family');
    const wait = waitAt(builder, 'outside', fifo);
    builder.detach('outside', purpose);
    fork(builder, 'outside', 'child');
    wait();
    call(builder, 'child', 'read', [3, scratch(1), 1], { atLeast: 1 });
    leave(builder, 'child', marker, 'child');
    const { reports, hostPids } = await player.run(builder.build()).done;
    expect(reports).toHaveLength(2);
    expect(Object.keys(hostPids)).toEqual(['outside']);
    const exit = exitOf(player, hostPids['outside']);
    release();
    release();
    expect(await contentOf(marker)).toBe('child');
    expect(await exit).toBe(0);
  });

  test('becomes the init of its namespace', async () => {
    const other = await ResidentPlayer.start({ binary: buildPlayer() });
    const builder = new PlanBuilder('detached init');
    const wait = waitAt(builder, 'outside', fifo);
    fork(builder, 'outside', 'init', ['CLONE_NEWPID']);
    builder.detach('init', purpose);
    wait();
    call(builder, 'init', 'read', [3, scratch(1), 1], { atLeast: 1 });
    builder.becomeInit('init', purpose);
    const run = other.run(builder.build());
    await expect
      .poll(
        () => {
          try {
            release();
            return true;
          } catch {
            return false;
          }
        },
        { timeout: 30_000 },
      )
      .toBe(true);
    release();
    const { reports, hostPids } = await run.done;
    expect(reports.filter(({ process }) => process === 'init')).toHaveLength(1);
    const init = hostPids['init'] ?? 0;
    await other.close();
    await expect
      .poll(() => readFileSync(`/proc/${init}/comm`, 'utf8'), { timeout: 30_000 })
      .toBe('init\n');
    expect(readdirSync(`/proc/${init}/fd`)).toEqual([]);
    process.kill(init, 'SIGKILL');
    await expect.poll(() => alive(init), { timeout: 30_000 }).toBe(false);
  });

  test('waits for no step any more', async () => {
    const run = player.run(waiter('stepped').build(), { stepped: true });
    run.step('outside');
    run.step('outside');
    const { reports, hostPids } = await run.done;
    expect(reports).toHaveLength(2);
    const exit = exitOf(player, hostPids['outside']);
    release();
    expect(await exit).toBe(0);
    expect(await contentOf(marker)).toBe('went on');
  });
});
