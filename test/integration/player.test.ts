/**
 * The player on the real kernel: every promise of plan.ts, player.ts and native/player.c, but for
 * steps, detaching, acks and malformed messages, which have their own files. Needs root; makes only
 * short-lived processes and pid namespaces, and ends what it made.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  copyFileSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildPlayer } from '../../packages/syscall/native/build.mjs';
import {
  type CallReport,
  CLONE,
  ERRNO,
  flagged,
  lengthOf,
  O,
  PlanBuilder,
  PlanError,
  ResidentPlayer,
  SIGNALS,
  scratch,
  text,
} from '../../packages/syscall/src/index.js';
import {
  alive,
  call,
  childrenOf,
  exec,
  exitOf,
  fork,
  missing,
  output,
  pipe,
  purpose,
  readBack,
  root,
} from './player-lab.js';

describe.skipIf(!root)(`player${missing}`, () => {
  let player: ResidentPlayer;

  beforeAll(async () => {
    player = await ResidentPlayer.start({ binary: buildPlayer() });
  });
  afterAll(async () => {
    await player?.close();
  });

  test('is one static file of at most 1 MiB: every init maps it', () => {
    const binary = readFileSync(buildPlayer());
    expect(binary.length).toBeLessThanOrEqual(1024 * 1024);
    const programHeaders = Number(binary.readBigUInt64LE(32));
    const count = binary.readUInt16LE(56);
    const types = Array.from({ length: count }, (_, i) =>
      binary.readUInt32LE(programHeaders + i * 56),
    );
    const PT_INTERP = 3; // names the loader of shared libraries
    expect(types).not.toContain(PT_INTERP);
  });

  test('a batched run tells each call once, those before a fork too', async () => {
    const builder = new PlanBuilder('batched fork');
    for (let i = 0; i < 3; i++) call(builder, 'outside', 'getpid', []);
    fork(builder, 'outside', 'child');
    for (const one of ['outside', 'child']) call(builder, one, 'getuid', []);
    const { reports } = await player.run(builder.build(), { batched: true }).done;
    const told = reports.map(({ process, index }) => `${process} ${index}`).sort();
    expect(told).toEqual(['child 0', ...[0, 1, 2, 3, 4].map((index) => `outside ${index}`)]);
  });

  describe('its program', () => {
    /** What CVE-2019-5736 does: keeps /proc/PID/exe open, waits for the end, writes through the fd. */
    async function overwriteAfterEnd(pid: number, end: () => Promise<void>): Promise<unknown> {
      const fd = openSync(`/proc/${pid}/exe`, 'r');
      try {
        expect(() => openSync(`/proc/${pid}/exe`, 'r+')).toThrow(/ETXTBSY|EACCES/); // while it runs
        await end();
        const again = openSync(`/proc/self/fd/${fd}`, 'r+');
        try {
          writeSync(again, 'overwritten');
        } finally {
          closeSync(again);
        }
        return 'overwritten';
      } catch (error) {
        return (error as NodeJS.ErrnoException).code;
      } finally {
        closeSync(fd);
      }
    }

    test('cannot be overwritten through /proc/PID/exe, as another’s can', async () => {
      const other = await ResidentPlayer.start({ binary: buildPlayer() });
      expect(readlinkSync(`/proc/${other.pid}/exe`)).toMatch(
        /^\/memfd:terrarium-player-[0-9a-f]{8} \(deleted\)$/,
      );
      const before = readFileSync(buildPlayer());
      expect(await overwriteAfterEnd(other.pid, () => other.close())).toBe('EPERM');
      expect(readFileSync(buildPlayer()).equals(before)).toBe(true);

      const folder = mkdtempSync('/tmp/player-exe-');
      const sleep = join(folder, 'sleep');
      copyFileSync('/bin/sleep', sleep);
      const victim = spawn(sleep, ['1000']);
      await once(victim, 'spawn');
      const end = async () => {
        victim.kill('SIGKILL');
        await once(victim, 'exit');
      };
      expect(await overwriteAfterEnd(victim.pid ?? 0, end)).toBe('overwritten');
      rmSync(folder, { recursive: true });
    });

    test('keeps its name and its arguments', () => {
      expect(readFileSync(`/proc/${player.pid}/comm`, 'utf8')).toBe('player\n');
      expect(readFileSync(`/proc/${player.pid}/cmdline`, 'utf8')).toBe('terrarium-player\0');
    });
  });

  test('runs an empty plan', async () => {
    const { reports, hostPids } = await player.run(new PlanBuilder('empty').build()).done;
    expect(reports).toEqual([]);
    expect(await exitOf(player, hostPids['outside'])).toBe(0);
  });

  test('reports a call’s result and the process’s host pid', async () => {
    const builder = new PlanBuilder('getpid');
    call(builder, 'outside', 'getpid', []);
    const { reports, hostPids } = await player.run(builder.build()).done;
    expect(reports).toMatchObject([{ process: 'outside', index: 0, errno: 0 }]);
    expect(Number(reports[0]?.result)).toBe(hostPids['outside']);
    expect(reports[0]?.nanoseconds).toBeGreaterThan(0);
  });

  test('passes values by loads, slots, decimals and lengths', async () => {
    const builder = new PlanBuilder('pipe');
    const pid = builder.slot('pid');
    call(builder, 'outside', 'getpid', [], { store: pid });
    const { read, write } = pipe(builder, 'outside');
    const message = text`pid ${pid}!`;
    call(builder, 'outside', 'write', [write, message, lengthOf(message)]);
    readBack(builder, 'outside', read);
    const { reports, hostPids } = await player.run(builder.build()).done;
    expect(output(reports)).toBe(`pid ${hostPids['outside']}!`);
  });

  test('gives a plan’s fds the lowest numbers, as in any program', async () => {
    const builder = new PlanBuilder('fd');
    call(builder, 'outside', 'openat', [-100, '/dev/null', O.O_RDONLY | O.O_CLOEXEC]);
    const waiting = player.run(builder.build(), { stepped: true }); // the zygote holds fds for it
    const { reports } = await player.run(builder.build()).done;
    expect(reports[0]?.result).toBe(3n);
    waiting.step('outside');
    expect((await waiting.done).reports[0]?.result).toBe(3n);
  });

  test('copies the slots to a child of clone3', async () => {
    const builder = new PlanBuilder('slots');
    const parent = builder.slot('parent');
    call(builder, 'outside', 'getpid', [], { store: parent });
    const { read, write } = pipe(builder, 'outside');
    fork(builder, 'outside', 'child');
    const message = text`${parent}`;
    call(builder, 'child', 'write', [write, message, lengthOf(message)]);
    readBack(builder, 'outside', read);
    const { reports, hostPids } = await player.run(builder.build()).done;
    expect(output(reports)).toBe(String(hostPids['outside']));
    expect(hostPids['child']).toBeGreaterThan(0);
  });

  test('knows the host pid of a process that only sees itself as pid 1', async () => {
    const builder = new PlanBuilder('pid 1');
    fork(builder, 'outside', 'one', ['CLONE_NEWPID', 'CLONE_NEWUSER']);
    call(builder, 'one', 'getpid', []);
    fork(builder, 'one', 'two');
    call(builder, 'two', 'getpid', []);
    const { read, write } = pipe(builder, 'two');
    call(builder, 'two', 'close', [write]);
    call(builder, 'two', 'read', [read, scratch(1), 1]);
    call(builder, 'one', 'wait4', [-1, 0, 0, 0]); // or the namespace ends under process two
    const { reports, hostPids } = await player.run(builder.build()).done;
    const own = (process: string) =>
      reports.find((one) => one.process === process && one.index === 0)?.result;
    expect([own('one'), own('two')]).toEqual([1n, 2n]);
    expect(hostPids['one']).toBeGreaterThan(2);
    expect(hostPids['two']).toBeGreaterThan(hostPids['one'] ?? 0);
  });

  test('ends a run at a call that fails, with the SyscallError as cause', async () => {
    const builder = new PlanBuilder('failing');
    call(builder, 'outside', 'getpid', []);
    call(builder, 'outside', 'openat', [-100, '/does/not/exist', flagged(O, 'O_RDONLY')]);
    call(builder, 'outside', 'getppid', []);
    const error = await player.run(builder.build()).done.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(PlanError);
    const { message, reports, failed, cause } = error as PlanError;
    expect(message).toBe(
      'plan failing: outside step 1: openat(-100, "/does/not/exist", O_RDONLY): ENOENT (no such file or directory)',
    );
    expect(reports).toHaveLength(2);
    expect(failed).toMatchObject({ process: 'outside', index: 1, errno: ERRNO.ENOENT });
    expect(cause).toMatchObject({ syscall: 'openat', code: 'ENOENT' });
  });

  test('exits with 125 and kills the run’s other processes when a call fails', async () => {
    const builder = new PlanBuilder('failing');
    const { read } = pipe(builder, 'outside');
    fork(builder, 'outside', 'waiting');
    readBack(builder, 'waiting', read); // for ever: it holds the write end itself
    call(builder, 'outside', 'close', [9999]);
    const pids = new Map<string, bigint>();
    const run = player.run(builder.build(), {
      onReport: (report) => void (report.index === 1 && pids.set('waiting', report.result)),
    });
    await expect(run.done).rejects.toThrow('close(9999): EBADF');
    expect(await exitOf(player, Number(pids.get('waiting')))).toBe(SIGNALS.SIGKILL);
  });

  test('goes on after an errno that the step tolerates, and still reports it', async () => {
    const builder = new PlanBuilder('tolerant');
    call(builder, 'outside', 'close', [9999], { tolerate: [ERRNO.EINTR, ERRNO.EBADF] });
    call(builder, 'outside', 'getpid', []);
    const { reports } = await player.run(builder.build()).done;
    expect(reports.map(({ errno }) => errno)).toEqual([ERRNO.EBADF, 0]);
  });

  test('takes a result below its bound for a failure: a writer that died', async () => {
    const builder = new PlanBuilder('released');
    const { read, write } = pipe(builder, 'outside');
    call(builder, 'outside', 'close', [write]);
    call(builder, 'outside', 'read', [read, scratch(1), 1], { atLeast: 1 });
    await expect(player.run(builder.build()).done).rejects.toThrow(
      'plan released: outside step 2: read(<read end>, …, 1) returned 0, less than 1',
    );
  });

  test('reports an execve that fails, and one that succeeds', async () => {
    const failing = new PlanBuilder('no such program');
    exec(failing, 'outside', ['/no/such/program']);
    await expect(player.run(failing.build()).done).rejects.toMatchObject({
      cause: { code: 'ENOENT', hint: expect.stringContaining('ELF loader') },
    });
    const builder = new PlanBuilder('false');
    exec(builder, 'outside', ['/bin/false']);
    const { reports, hostPids } = await player.run(builder.build()).done;
    expect(reports).toMatchObject([{ process: 'outside', index: 0, result: 0n, errno: 0 }]);
    expect(await exitOf(player, hostPids['outside'])).toBe(1 << 8);
  });

  test('is done when a process has exec’ed, not when the program ends', async () => {
    const builder = new PlanBuilder('sleep');
    exec(builder, 'outside', ['/bin/sleep', '1000']);
    const { hostPids } = await player.run(builder.build()).done;
    const pid = hostPids['outside'] ?? 0;
    expect(readFileSync(`/proc/${pid}/comm`, 'utf8')).toBe('sleep\n');
    const exit = exitOf(player, pid);
    process.kill(pid, 'SIGTERM');
    expect(await exit).toBe(SIGNALS.SIGTERM);
  });

  test('leaks no fd, signal mask, handler or environment to an exec’ed program', async () => {
    const builder = new PlanBuilder('clean');
    const { read, write } = pipe(builder, 'outside');
    fork(builder, 'outside', 'program');
    exec(
      builder,
      'program',
      ['/bin/sh', '-c', 'ls -l /proc/self/fd; grep ^Sig /proc/self/status; env'],
      write,
    );
    call(builder, 'outside', 'close', [write]);
    call(builder, 'outside', 'wait4', [-1, 0, 0, 0]);
    readBack(builder, 'outside', read);
    const { reports } = await player.run(builder.build()).done;
    const lines = output(reports).trim().split('\n');
    const fds = lines.flatMap((line) => / (\d+) -> (.*)$/.exec(line)?.slice(1).join(' ') ?? []);
    expect(fds.filter((fd) => !/^1 pipe:/.test(fd) && !/^\d+ \/proc\/\d+\/fd$/.test(fd))).toEqual([
      '0 /dev/null',
      '2 /dev/null',
    ]);
    const masks = lines.flatMap((line) => /^Sig(Blk|Ign):\t0*$/.exec(line)?.[1] ?? []);
    expect(masks).toEqual(['Blk', 'Ign']); // handlers cannot outlive execve, those two do
    expect(
      lines.filter((line) => line.includes('=') && !/^(PATH|PWD|_|SHLVL|OLDPWD)=/.test(line)),
    ).toEqual([]);
  });

  test('abort kills what a run has made, wherever it stands', async () => {
    const builder = new PlanBuilder('aborted');
    const { read } = pipe(builder, 'outside');
    const child = fork(builder, 'outside', 'child', ['CLONE_NEWPID']);
    exec(builder, 'child', ['/bin/sleep', '1000']);
    call(builder, 'outside', 'read', [read, scratch(1), 1]);
    expect(child.name).toBe('child pid');
    const reports: CallReport[] = [];
    const run = player.run(builder.build(), { onReport: (report) => reports.push(report) });
    await expect.poll(() => reports.length).toBe(2);
    const pid = Number(reports[1]?.result);
    run.abort();
    await expect(run.done).rejects.toThrow('plan aborted: aborted');
    expect(await exitOf(player, pid)).toBe(SIGNALS.SIGKILL);
  });

  test('a child made with CLONE_PARENT is the player’s own child', async () => {
    const builder = new PlanBuilder('clone parent');
    fork(builder, 'outside', 'child', ['CLONE_PARENT']);
    exec(builder, 'child', [
      '/bin/sh',
      '-c',
      'exit $(($(ps -o ppid= -p $$) == PLAYER ? 7 : 8))'.replace('PLAYER', String(player.pid)),
    ]);
    const { hostPids } = await player.run(builder.build()).done;
    expect(await exitOf(player, hostPids['child'])).toBe(7 << 8);
  });

  test('keeps records whole when processes report at the same time', async () => {
    const builder = new PlanBuilder('crowd');
    const size = 16 * 1024;
    for (let i = 0; i < 8; i++) {
      fork(builder, 'outside', `p${i}`);
      const fd = builder.slot('zero');
      call(builder, `p${i}`, 'openat', [-100, '/proc/kallsyms', O.O_RDONLY | O.O_CLOEXEC], {
        store: fd,
      });
      for (let n = 0; n < 10; n++) {
        const buffer = scratch(size);
        call(builder, `p${i}`, 'pread64', [fd, buffer, size, 0], { reportBlock: buffer });
      }
    }
    const { reports } = await player.run(builder.build()).done;
    const texts = reports.flatMap(({ bytes, result }) =>
      bytes ? [Buffer.from(bytes.subarray(0, Number(result))).toString()] : [],
    );
    expect(texts).toHaveLength(80);
    expect(new Set(texts).size).toBe(1);
  });

  test('runs many plans at a time', async () => {
    const builder = new PlanBuilder('one of many');
    fork(builder, 'outside', 'child', ['CLONE_NEWPID']);
    exec(builder, 'child', ['/bin/true']);
    const plan = builder.build();
    const results = await Promise.all(Array.from({ length: 50 }, () => player.run(plan).done));
    const exits = await Promise.all(
      results.map(({ hostPids }) => exitOf(player, hostPids['child'])),
    );
    expect(new Set(exits)).toEqual(new Set([0]));
  });

  test('holds no fd and no child of a run that has ended', async () => {
    await player.run(new PlanBuilder('warm').build()).done;
    await expect.poll(() => childrenOf(player.pid)).toEqual([]);
    const fds = readdirSync(`/proc/${player.pid}/fd`).map((fd) => [
      fd,
      readlinkSync(`/proc/${player.pid}/fd/${fd}`),
    ]);
    expect(fds.map(([fd, target]) => `${fd} ${target?.replace(/:.*/, '')}`).sort()).toEqual([
      '0 /dev/null',
      '1 /dev/null',
      expect.stringMatching(/^2 /),
      '62 anon_inode',
      '63 socket',
    ]);
  });

  describe('become-init', () => {
    /** A pid namespace with an init, optionally with a program that init started. */
    async function startInit(program?: string[]): Promise<{ init: number; program: number }> {
      const builder = new PlanBuilder('init');
      fork(builder, 'outside', 'init', ['CLONE_NEWPID']);
      if (program !== undefined) {
        fork(builder, 'init', 'program');
        exec(builder, 'program', program);
      }
      builder.becomeInit('init', purpose);
      const { hostPids } = await player.run(builder.build()).done;
      return { init: hostPids['init'] ?? 0, program: hostPids['program'] ?? 0 };
    }

    async function end(init: number): Promise<void> {
      const exit = exitOf(player, init);
      process.kill(init, 'SIGKILL');
      expect(await exit).toBe(SIGNALS.SIGKILL);
    }

    /** Starts a program in the pid namespace of `init`, as an exec into a container does. */
    async function enter(init: number, argv: string[]): Promise<number> {
      const builder = new PlanBuilder('enter');
      const pidfd = builder.slot('pidfd');
      call(builder, 'outside', 'pidfd_open', [init, 0], { store: pidfd });
      call(builder, 'outside', 'setns', [pidfd, flagged(CLONE, 'CLONE_NEWPID')]);
      fork(builder, 'outside', 'program', ['CLONE_PARENT']);
      exec(builder, 'program', argv);
      const { hostPids } = await player.run(builder.build()).done;
      return hostPids['program'] ?? 0;
    }

    test('holds no fd, is small, and is called init', async () => {
      const { init } = await startInit();
      expect(readdirSync(`/proc/${init}/fd`)).toEqual([]);
      expect(readFileSync(`/proc/${init}/comm`, 'utf8')).toBe('init\n');
      expect(readFileSync(`/proc/${init}/cmdline`, 'utf8')).toBe('/sbin/init\0');
      expect(readFileSync(`/proc/${init}/environ`, 'utf8')).toBe('');
      const rss = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${init}/status`, 'utf8'))?.[1]);
      expect(rss).toBeLessThanOrEqual(1024); // KiB
      await end(init);
    });

    test('reaps orphans of its namespace', async () => {
      const { init } = await startInit();
      const shell = await enter(init, [
        '/bin/sh',
        '-c',
        'for i in 1 2 3 4 5; do (sleep 0.2 &) ; done',
      ]);
      expect(await exitOf(player, shell)).toBe(0);
      expect(childrenOf(init).length).toBe(5);
      await expect.poll(() => childrenOf(init), { timeout: 5000 }).toEqual([]);
      await end(init);
    });

    test('forwards SIGTERM to the program it started, and lives on', async () => {
      const { init, program } = await startInit(['/bin/sleep', '1000']);
      expect(alive(program)).toBe(true);
      process.kill(init, 'SIGTERM');
      await expect.poll(() => alive(program)).toBe(false);
      expect(alive(init)).toBe(true);
      await end(init);
    });

    test('survives what is sent to it from inside, and leaves orphans alone', async () => {
      const { init } = await startInit();
      const shell = await enter(init, [
        '/bin/sh',
        '-c',
        '(sleep 1000 &) ; for s in TERM INT QUIT HUP USR1 USR2 KILL STOP SEGV ALRM PIPE; do kill -$s 1; done',
      ]);
      expect(await exitOf(player, shell)).toBe(0);
      const children = childrenOf(init);
      expect(children).toHaveLength(1);
      expect(alive(init)).toBe(true);
      await end(init);
      await expect.poll(() => alive(children[0])).toBe(false);
    });
  });

  test('what it started lives on when it is closed', async () => {
    const other = await ResidentPlayer.start({ binary: buildPlayer() });
    const builder = new PlanBuilder('survivor');
    exec(builder, 'outside', ['/bin/sleep', '1000']);
    const { hostPids } = await other.run(builder.build()).done;
    const pid = hostPids['outside'] ?? 0;
    await other.close();
    expect(alive(other.pid)).toBe(false);
    expect(alive(pid)).toBe(true);
    process.kill(pid, 'SIGKILL');
  });

  test('what is unfinished is killed when it is closed', async () => {
    const other = await ResidentPlayer.start({ binary: buildPlayer() });
    const builder = new PlanBuilder('unfinished');
    const { read } = pipe(builder, 'outside');
    fork(builder, 'outside', 'child');
    readBack(builder, 'child', read);
    readBack(builder, 'outside', read);
    const reports: CallReport[] = [];
    const run = other.run(builder.build(), { onReport: (report) => reports.push(report) });
    await expect.poll(() => reports.length).toBe(2);
    const pids = [...childrenOf(other.pid), Number(reports[1]?.result)];
    await other.close();
    await expect(run.done).rejects.toThrow('plan unfinished: the player has ended');
    await expect.poll(() => pids.filter(alive)).toEqual([]);
  });

  test('a run of a player that dies is rejected, and so are later ones', async () => {
    const ends: Error[] = [];
    const other = await ResidentPlayer.start({
      binary: buildPlayer(),
      onEnd: (error) => ends.push(error),
    });
    const builder = new PlanBuilder('orphaned');
    const { read } = pipe(builder, 'outside');
    call(builder, 'outside', 'read', [read, scratch(1), 1]);
    const reports: CallReport[] = [];
    const run = other.run(builder.build(), { onReport: (report) => reports.push(report) });
    await expect.poll(() => reports.length).toBe(1);
    const [orphan] = childrenOf(other.pid);
    process.kill(other.pid, 'SIGKILL');
    await expect(run.done).rejects.toThrow('plan orphaned: the player has ended');
    expect(ends).toHaveLength(1);
    expect(() => other.run(builder.build())).toThrow('cannot run plan orphaned');
    process.kill(orphan ?? 0, 'SIGKILL');
  });

  test('says what is wrong when there is no player', async () => {
    await expect(ResidentPlayer.start({ binary: '/no/such/player' })).rejects.toThrow('ENOENT');
    await expect(ResidentPlayer.start({ binary: '/bin/true' })).rejects.toThrow(
      'the player has ended',
    );
  });
});
