/**
 * The player on the real kernel: every promise of plan.ts, player.ts and native/player.c. Needs
 * root; makes only short-lived processes and pid namespaces, and ends what it made.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildPlayer } from '../../packages/syscall/native/build.mjs';
import {
  type Block,
  type CallReport,
  CLONE,
  CLONE_ARGS_BYTES,
  ERRNO,
  encodeRun,
  flagged,
  lengthOf,
  O,
  PlanBuilder,
  PlanError,
  type PlayerRecord,
  type ProcessName,
  RecordReader,
  ResidentPlayer,
  SIGNALS,
  type Slot,
  scratch,
  stringArray,
  struct,
  text,
} from '../../packages/syscall/src/index.js';

const purpose = { id: 'test', en: 'test', zh: '测试' };
const root = process.getuid?.() === 0;
if (!root) console.warn('player: skipped, these tests need root');

/** Appends a call: the tests do not care for purposes. */
function call(
  builder: PlanBuilder,
  process: ProcessName,
  syscall: string,
  args: Parameters<PlanBuilder['call']>[1]['args'],
  more: Partial<Parameters<PlanBuilder['call']>[1]> = {},
): void {
  builder.call(process, { syscall, args, purpose, ...more });
}

type CloneFlag = keyof typeof CLONE;

/** clone3 with the given flags; the child goes on as `child`. */
function fork(
  builder: PlanBuilder,
  process: ProcessName,
  child: ProcessName,
  flags: CloneFlag[] = [],
): Slot {
  const pid = builder.slot(`${child} pid`);
  const signal = flags.includes('CLONE_PARENT') ? 0 : SIGNALS.SIGCHLD;
  const args = struct(
    [
      [flagged(CLONE, ...flags), 8],
      [0, 8],
      [0, 8],
      [0, 8],
      [signal, 8],
    ],
    CLONE_ARGS_BYTES,
  );
  call(builder, process, 'clone3', [args, CLONE_ARGS_BYTES], { store: pid, child });
  return pid;
}

/** pipe2 in `process`; returns the slots of its two ends. */
function pipe(builder: PlanBuilder, process: ProcessName): { read: Slot; write: Slot } {
  const ends = scratch(8);
  const read = builder.slot('read end');
  const write = builder.slot('write end');
  const loads = [
    { from: ends, offset: 0, width: 4 as const, to: read },
    { from: ends, offset: 4, width: 4 as const, to: write },
  ];
  call(builder, process, 'pipe2', [ends, O.O_CLOEXEC], { loads });
  return { read, write };
}

/** read(2) whose bytes come back in the report. */
function readBack(builder: PlanBuilder, process: ProcessName, fd: Slot, size = 4096): void {
  const buffer: Block = scratch(size);
  call(builder, process, 'read', [fd, buffer, size], { reportBlock: buffer, atLeast: 1 });
}

/** execve with standard output on `out`. */
function exec(builder: PlanBuilder, process: ProcessName, argv: string[], out?: Slot): void {
  if (out !== undefined) call(builder, process, 'dup3', [out, 1, 0]);
  call(builder, process, 'execve', [
    argv[0] ?? '',
    stringArray(argv),
    stringArray(['PATH=/usr/bin:/bin']),
  ]);
}

/** What the last report with bytes read. */
function output(reports: readonly CallReport[]): string {
  const report = reports.findLast((one) => one.bytes !== undefined);
  return new TextDecoder().decode(report?.bytes?.subarray(0, Number(report.result)));
}

function exitOf(player: ResidentPlayer, hostPid: number | undefined): Promise<number> {
  return new Promise((resolve) => player.onExit(hostPid ?? 0, resolve));
}

function alive(pid: number | undefined): boolean {
  try {
    return !/\nState:\tZ/.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

function childrenOf(pid: number): number[] {
  const pids = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return pids === '' ? [] : pids.split(' ').map(Number);
}

describe.skipIf(!root)(`player${!root ? ` (missing: root)` : ''}`, () => {
  let player: ResidentPlayer;

  beforeAll(async () => {
    player = await ResidentPlayer.start({ binary: buildPlayer() });
  });
  afterAll(async () => {
    await player?.close();
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

  test('abort ends a stepped run that waits', async () => {
    const builder = new PlanBuilder('waiting');
    call(builder, 'outside', 'getpid', []);
    const run = player.run(builder.build(), { stepped: true });
    run.abort();
    await expect(run.done).rejects.toThrow('aborted');
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

/** The raw socket of a player, for messages that no encoder writes. */
class RawPlayer {
  readonly records: PlayerRecord[] = [];
  readonly child: ChildProcess;
  readonly #socket: Socket;
  readonly #reader = new RecordReader();
  #wake: () => void = () => {};

  constructor(binary: string, args: string[], env: Record<string, string>) {
    this.child = spawn(binary, args, { env, stdio: ['ignore', 'ignore', 'inherit', 'pipe'] });
    this.#socket = this.child.stdio[3] as Socket;
    this.#socket.on('error', () => {}); // a player that ended: the tests look at its exit
    this.#socket.on('data', (chunk: Buffer) => {
      this.records.push(...this.#reader.push(chunk));
      this.#wake();
    });
    this.child.on('exit', () => this.#wake());
  }

  send(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }

  /** Sends an empty plan and waits for its end: what was sent before has been handled then. */
  async settle(run: number): Promise<void> {
    this.send(encodeRun(new PlanBuilder('ping').build(), run));
    const seen = () => this.records.some((record) => record.kind === 'done' && record.run === run);
    while (!seen() && this.#running()) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async close(): Promise<number | null> {
    this.#socket.end();
    if (this.#running()) await once(this.child, 'exit');
    return this.child.exitCode;
  }

  #running(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }
}

describe.skipIf(!root)(
  `player, sanitized, with malformed messages${!root ? ` (missing: root)` : ''}`,
  () => {
    const logs = mkdtempSync('/tmp/player-asan-');
    const SANITIZER_EXIT = 99;
    const env = {
      ASAN_OPTIONS: `exitcode=${SANITIZER_EXIT}:detect_leaks=0:log_path=${join(logs, 'asan')}`,
      UBSAN_OPTIONS: `exitcode=${SANITIZER_EXIT}:print_stacktrace=1:log_path=${join(logs, 'ubsan')}`,
    };
    let binary: string;

    beforeAll(() => {
      binary = buildPlayer({ sanitize: true });
    });
    afterAll(() => rmSync(logs, { recursive: true, force: true }));

    function sanitizerLogs(): string {
      return readdirSync(logs)
        .map((name) => readFileSync(join(logs, name), 'utf8'))
        .join('\n');
    }

    /** A plan with every kind of part, argument and list in it. */
    function sample(): Uint8Array {
      const builder = new PlanBuilder('sample');
      const { read, write } = pipe(builder, 'outside');
      fork(builder, 'outside', 'child', ['CLONE_NEWPID']);
      const message = text`slot ${read}`;
      call(builder, 'child', 'write', [write, message, lengthOf(message)], {
        tolerate: [1, 2],
        atLeast: 1,
      });
      call(builder, 'child', 'mount', [
        'proc',
        '/proc',
        struct(
          [
            [read, 4],
            [write, 8],
          ],
          64,
        ),
        0,
        -1,
      ]);
      exec(builder, 'child', ['/bin/sh', '-c', 'true'], write);
      readBack(builder, 'outside', read);
      builder.becomeInit('outside', purpose);
      return encodeRun(builder.build(), 1);
    }

    test('a real plan runs without a finding', async () => {
      const player = await ResidentPlayer.start({ binary, env });
      const builder = new PlanBuilder('real');
      const { read, write } = pipe(builder, 'outside');
      fork(builder, 'outside', 'child', ['CLONE_NEWPID']);
      exec(builder, 'child', ['/bin/echo', 'hello'], write);
      readBack(builder, 'outside', read);
      const { reports } = await player.run(builder.build()).done;
      expect(output(reports)).toBe('hello\n');
      await player.close();
      expect(sanitizerLogs()).toBe('');
    });

    test('2,000 mutated plans: refused or run dry, never a crash', async () => {
      const player = new RawPlayer(binary, ['--dry-run'], env);
      const random = generator(20261122);
      const original = sample();
      const PING = 1_000_000;
      for (let i = 0; i < 2000; i++) {
        player.send(withRun(mutate(original, random), i));
        if (i % 50 === 49) await player.settle(PING + i);
      }
      expect(await player.close()).toBe(0);
      expect(sanitizerLogs()).toBe('');
      const exits = player.records.flatMap((record) =>
        record.kind === 'exit' ? [record.waitStatus] : [],
      );
      expect(new Set(exits)).toEqual(new Set([0]));
      const refusals = player.records.filter((record) => record.kind === 'refused');
      const done = player.records.filter((record) => record.kind === 'done' && record.run < PING);
      expect(refusals.length).toBeGreaterThan(500);
      expect(done.length).toBeGreaterThan(200);
      for (const refusal of refusals) {
        if (refusal.kind === 'refused')
          expect(refusal.reason).toMatch(/^byte \d+: |^unknown message type$/);
      }
    });

    test('every truncation of a plan is refused with the place', async () => {
      const player = new RawPlayer(binary, ['--dry-run'], env);
      const original = sample();
      for (let length = 8; length < original.length - 4; length++) {
        player.send(framed(original.subarray(4, 4 + length)));
        if (length % 50 === 0) await player.settle(1_000_000 + length);
      }
      await player.settle(2_000_000);
      expect(await player.close()).toBe(0);
      const refused = player.records.filter((record) => record.kind === 'refused');
      expect(refused).toHaveLength(original.length - 12);
      expect(sanitizerLogs()).toBe('');
    });

    test.each([0, 7, 1024 * 1024 + 1, 0xffff_ffff])(
      'a message length of %i ends the player with a clear record',
      async (length) => {
        const player = new RawPlayer(binary, ['--dry-run'], env);
        const prefix = new Uint8Array(4);
        new DataView(prefix.buffer).setUint32(0, length, true);
        player.send(prefix);
        await once(player.child, 'exit');
        expect(player.child.exitCode).toBe(2);
        expect(player.records.at(-1)).toMatchObject({
          kind: 'refused',
          reason: 'message length out of bounds',
        });
      },
    );
  },
);

/** A small deterministic generator (xorshift32): a failure can be repeated. */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

/** Changes one place, sometimes up to four: a bit, an integer to a telling value, a cut or a repetition. */
function mutate(message: Uint8Array, random: (below: number) => number): Uint8Array {
  const telling = [
    0, 1, 2, 4, 8, 16, 17, 255, 256, 257, 1024, 1025, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff,
  ];
  let body = Buffer.from(message.subarray(4));
  for (let count = random(3) === 0 ? 1 + random(4) : 1; count > 0; count--) {
    const at = 8 + random(body.length - 12);
    const kind = random(8);
    if (kind < 3) body[at] = (body[at] ?? 0) ^ (1 << random(8));
    else if (kind < 6) body.writeUInt32LE(telling[random(telling.length)] ?? 0, at & ~3);
    else if (kind === 6)
      body = Buffer.concat([body.subarray(0, at), body.subarray(at + random(12))]);
    else
      body = Buffer.concat([
        body.subarray(0, at),
        body.subarray(at - random(8)),
        body.subarray(at),
      ]);
  }
  return framed(body);
}

/** Gives a message its own run number, so that it does not collide with one under way. */
function withRun(message: Uint8Array, run: number): Uint8Array {
  new DataView(message.buffer).setUint32(8, run, true);
  return message;
}

/** Puts the true length in front, so that the message after it is understood too. */
function framed(body: Uint8Array): Uint8Array {
  const message = new Uint8Array(body.length + 4);
  new DataView(message.buffer).setUint32(0, body.length, true);
  message.set(body, 4);
  return message;
}
