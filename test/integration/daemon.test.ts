/**
 * The whole daemon on the real kernel: engine, terminal host and observer included, busybox as the
 * base image, learners over the two unix sockets as the web process reaches them.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  commandOf,
  DaemonLab,
  type Learner,
  missing,
  namespaceOf,
  pids,
  until,
} from './daemon-lab.js';

const lacking = missing();
if (lacking !== null) console.warn(`daemon: skipped, missing ${lacking}`);

/** Where the daemon does not wait for the observer the first of them misses it; others may be lucky. */
const RESETS = 20;
/** Kills -9 in the test of survival. */
const CRASHES = 20;

let lab: DaemonLab;

/** The host pid of the shell in a learner's first terminal. */
function shellOf(learner: Learner): number {
  const pts = learner.terminals[0]?.pts;
  const shell = learner.processes.find(({ terminal, comm }) => terminal === pts && comm === 'sh');
  if (shell === undefined) throw new Error('no shell is seen');
  return shell.hostPid;
}

const seesShell = (learner: Learner) =>
  until('the shell is seen', () => learner.processes.some(({ terminal }) => terminal === 0));

describe.skipIf(lacking !== null)(
  `a daemon${lacking !== null ? ` (missing: ${lacking})` : ''}`,
  () => {
    beforeEach(() => {
      lab = new DaemonLab();
    });
    afterEach(async (context) => {
      if (context.task.result?.state === 'fail') console.error(lab.log.slice(-6000));
      await lab.dispose();
    });

    test('gives a learner a sandbox, its state, and a shell in it', async () => {
      await lab.start();
      const learner = await lab.learner();
      await seesShell(learner);
      const init = learner.state.processes[learner.state.sandbox?.init ?? ''];
      expect(init?.pids.at(-1)).toBe(1);
      expect(await learner.console().run('tty; hostname; id -u')).toBe('/dev/pts/0\nterrarium\n0');
    });

    test('lets the web process alone reach its sockets', async () => {
      await lab.dispose();
      lab = new DaemonLab({ TERRARIUM_WEB_GID: '61310' });
      await lab.start();
      const reachable = (name: string) => {
        const { mode, uid, gid } = statSync(join(lab.run, name));
        return [mode & 0o777, uid, gid];
      };
      expect(reachable('daemon.sock')).toEqual([0o660, 0, 61310]);
      expect(reachable('terminals.sock')).toEqual([0o660, 0, 61310]);
      expect(reachable('terminals-control.sock')).toEqual([0o600, 0, 0]);
      expect(reachable('.')[0]).toBe(0o755);
      expect(statSync(lab.state).mode & 0o777).toBe(0o700);
      expect(statSync(join(lab.state, 'access-token')).mode & 0o777).toBe(0o600);
      expect(statSync(join(lab.state, 'terrarium.db')).mode & 0o777).toBe(0o600);
    });

    test('shows a fork in the terminal as an event, and its end', async () => {
      await lab.start();
      const learner = await lab.learner();
      await seesShell(learner);
      const console = learner.console();
      await console.run('true');
      const latencies: number[] = [];
      for (let i = 0; i < 20; i++) {
        const seconds = `${5000 + i}`;
        const began = performance.now();
        await console.type(`sleep ${seconds} &\n`);
        const isIt = ({ args }: { args: readonly string[] }) => args[1] === seconds;
        await until('it is seen', () => learner.processes.some(isIt));
        latencies.push(performance.now() - began);
        // Quiet again: the next one is not held back by this one's frame.
        await delay(60);
      }
      latencies.sort((a, b) => a - b);
      const [p50, p95] = [latencies[10] ?? 0, latencies[18] ?? 0];
      process.stderr.write(`typed → event: p50 ${p50.toFixed(0)} ms, p95 ${p95.toFixed(0)} ms\n`);
      const sleeps = () => learner.processes.filter(({ comm }) => comm === 'sleep').length;
      await until('twenty run', () => sleeps() === 20);
      await console.run('kill $(pidof sleep); wait');
      await until('they are gone', () => sleeps() === 0);
    });

    test('never shows one learner anything of another', async () => {
      await lab.start();
      const [a, b] = await Promise.all([lab.learner(), lab.learner()]);
      await Promise.all([seesShell(a), seesShell(b)]);
      await Promise.all([a.console().run('sleep 7001 &'), b.console().run('sleep 7002 &')]);
      const runs = (learner: Learner, seconds: string) =>
        learner.processes.some(({ args }) => args[1] === seconds);
      await until('each sees its own', () => runs(a, '7001') && runs(b, '7002'));
      expect(JSON.stringify(a.messages)).not.toContain('7002');
      expect(JSON.stringify(b.messages)).not.toContain('7001');
      for (const kind of ['pid', 'mnt', 'net', 'uts', 'ipc', 'user', 'cgroup', 'time']) {
        const [one, other] = [namespaceOf(shellOf(a), kind), namespaceOf(shellOf(b), kind)];
        expect(one, kind).not.toBe(other);
        expect(one, kind).not.toBe(namespaceOf(process.pid, kind));
      }
      expect(await a.console().run('ps -o args | grep -c "[s]leep 7"')).toBe('1');
      // Another's terminal is closed to a foreign cookie.
      const intruder = new (a.console().constructor as typeof import('./daemon-lab.js').Console)(
        lab.run,
        b.terminals[0]?.id ?? '',
        a.cookie,
      );
      await until('the door stays shut', () => intruder.closed);
      expect(intruder.output).toBe('');
    });

    test('resets: fresh processes, the same terminals, setup typed', async () => {
      writeLesson(join(lab.directory, 'lessons'));
      await lab.start();
      const learner = await lab.learner('containers/01');
      await seesShell(learner);
      const console = learner.console();
      await console.run('touch /root/dirt; sleep 7001 &');
      const passed = (step: number) => {
        const last = learner.messages.findLast(({ type }) => type === 'steps');
        return last?.type === 'steps' && last.steps[step]?.passed === true;
      };
      await until('the first step is green', () => passed(0));
      const [init, terminals] = [learner.state.sandbox?.init, learner.terminals];
      learner.client.send({ type: 'step.reset', lesson: 'containers/01', step: 'two' });
      await until('it is being reset', () => learner.sandbox === 'resetting');
      await until('it runs again', () => learner.sandbox === 'running');
      await until('setup has run', () => learner.processes.some(({ args }) => args[1] === '7002'));
      expect(learner.state.sandbox?.init).not.toBe(init);
      expect(learner.terminals.map(({ id }) => id)).toEqual(terminals.map(({ id }) => id));
      await until('the first step is red', () => !passed(0));
      expect(console.closed).toBe(false);
      expect(await console.run('ls /root; tty')).toBe('/dev/pts/0');
    });

    test('has the first thing that is done after a reset on the tape, however busy it is', async () => {
      writeLesson(join(lab.directory, 'lessons'), 'sethostname');
      await lab.start();
      const learner = await lab.learner('containers/01');
      await seesShell(learner);
      const busy = [1, 2, 3].map(() => spawn('sh', ['-c', 'while :; do :; done']));
      try {
        for (let i = 0; i < RESETS; i++) {
          const seen = learner.messages.length;
          learner.client.send({ type: 'step.reset', lesson: 'containers/01', step: 'two' });
          const status = (wanted: string) => () =>
            learner.messages
              .slice(seen)
              .some((news) => news.type === 'sandbox' && news.status === wanted);
          await until('it is being reset', status('resetting'));
          await until('it runs again', status('running'));
          await learner.console().type(`hostname box-${i}\n`);
          const isOnTape = () =>
            (learner.state.calls ?? []).some(({ args }) => args[0] === `"box-${i}"`);
          await until(`it is on the tape, reset ${i}`, isOnTape);
        }
      } finally {
        for (const loop of busy) loop.kill('SIGKILL');
      }
    });

    test('gives a learner who kills PID 1 a fresh sandbox', async () => {
      await lab.start();
      const learner = await lab.learner();
      await seesShell(learner);
      const init = learner.state.sandbox?.init;
      process.kill(Number(init?.split(':')[0]), 'SIGKILL');
      await until('a fresh one runs', () => {
        const next = learner.state.sandbox?.init;
        return next !== undefined && next !== init && learner.sandbox === 'running';
      });
      await seesShell(learner);
      const told = learner.messages.findLast(({ type }) => type === 'sandbox');
      expect(told).toMatchObject({ status: 'running', message: { en: /process 1 was killed/ } });
      expect(await learner.console().run('echo alive')).toBe('alive');
    });

    test('restarts the observer and the terminal host when they die', async () => {
      await lab.start();
      const learner = await lab.learner();
      await seesShell(learner);
      const [observer, host] = ['observer-process', 'terminal-host/main'].map((name) =>
        lab.processes().find((pid) => commandOf(pid).includes(name)),
      );
      process.kill(observer ?? 0, 'SIGKILL');
      const { seq } = learner.state;
      await learner.console().run('sleep 7001 &');
      await until('events come again', () => {
        return learner.state.seq > seq && learner.processes.some(({ args }) => args[1] === '7001');
      });
      const shell = shellOf(learner);
      process.kill(host ?? 0, 'SIGKILL');
      await until('a new shell is seen', () => {
        return learner.processes.some(({ terminal, hostPid }) => terminal === 0 && hostPid > shell);
      });
      await until('its terminal answers', async () => {
        const console = learner.console();
        return (await Promise.race([console.run('echo back'), delay(500)])) === 'back';
      });
      // The sandbox itself, and what ran in it, was not touched.
      expect(learner.processes.some(({ args }) => args[1] === '7001')).toBe(true);
    });

    test(`keeps every shell over ${CRASHES} kills -9 at random moments, and leaks nothing`, async () => {
      await lab.start();
      const learners = await Promise.all([lab.learner(), lab.learner()]);
      await Promise.all(learners.map(seesShell));
      for (const learner of learners) await learner.console().run('kept=yes; sleep 9000 &');
      const shells = learners.map(shellOf);
      const visitors: Promise<unknown>[] = [];
      for (let i = 0; i < CRASHES; i++) {
        // Some crashes come while a sandbox is being made or reset for somebody.
        visitors.push(lab.learner().catch(() => null));
        await delay(Math.random() * 400);
        await lab.crash();
        await lab.start();
      }
      await Promise.all(visitors);
      for (const [i, learner] of learners.entries()) {
        await until('the page is back', () => learner.client.status.state === 'open');
        await learner.ready();
        await until('the same shell is seen', () =>
          learner.processes.some(({ hostPid }) => hostPid === shells[i]),
        );
        expect(learner.terminals).toHaveLength(1);
        expect(await learner.console().run('echo $kept $$ $(pidof sleep | wc -w)')).toMatch(
          /^yes \d+ 1$/,
        );
        await learner.console().run('sleep 9001 &');
        await until('new events come', () =>
          learner.processes.some(({ args }) => args[1] === '9001'),
        );
      }
      const names = lab.processes().map((pid) => commandOf(pid).split(' ')[1]);
      expect(names.filter((name) => name?.includes('terminal-host'))).toHaveLength(1);
      expect(names.filter((name) => name?.includes('observer-process'))).toHaveLength(1);
      for (const learner of lab.learners) learner.leave();
      expect(await lab.stop()).toBe(0);
      expect(shells.filter((pid) => pids().includes(pid))).toEqual([]);
      await until('nothing is left', () => lab.leftovers().length === 0).catch(() => {});
      expect(lab.leftovers()).toEqual([]);
    }, 180_000);

    test('stops cleanly on SIGINT: exit 0, pages told, nothing left', async () => {
      await lab.start();
      const learners = await Promise.all([lab.learner(), lab.learner(), lab.learner()]);
      await Promise.all(learners.map(seesShell));
      const before = lab.leftovers();
      expect(before.some((line) => line.startsWith('cgroup'))).toBe(true);
      expect(await lab.stop('SIGINT')).toBe(0);
      expect(lab.leftovers()).toEqual([]);
      for (const learner of learners) {
        expect(learner.client.status).toMatchObject({ state: 'reconnecting' });
      }
    });

    test('removes a sandbox without a page after the idle time, and makes a new one on return', async () => {
      await lab.dispose();
      lab = new DaemonLab({ TERRARIUM_IDLE: '1' });
      await lab.start();
      const learner = await lab.learner();
      await seesShell(learner);
      const init = Number(learner.state.sandbox?.init.split(':')[0]);
      learner.leave();
      await until('it is gone', () => !pids().includes(init));
      await until('its id range is free', () =>
        lab.leftovers().every((line) => !line.startsWith('id range')),
      );
      learner.client.start();
      await until('a new one runs', () => {
        const next = learner.state.sandbox?.init;
        return next !== undefined && !next.startsWith(`${init}:`) && learner.sandbox === 'running';
      });
    });

    test('refuses wrong options with status 2 and one sentence', async () => {
      await lab.dispose();
      lab = new DaemonLab({ TERRARIUM_MEMORY: 'much' });
      await expect(lab.start()).rejects.toThrow('TERRARIUM_MEMORY: must be a whole number');
      expect(lab.child?.exitCode).toBe(2);
    });
  },
);

/** Two steps, each a sleep that runs; the second with a setup. */
/** @param call one that the first step wants as well: those are taped from the beginning */
function writeLesson(lessons: string, call: string | null = null): void {
  const folder = join(lessons, 'containers/01-test');
  mkdirSync(folder, { recursive: true });
  const step = (id: string, seconds: number, setup: string) => `
  - id: ${id}
    view: processes
    setup: [${setup}]
    commands: [sleep ${seconds} &]
    check:
      - id: runs
        exists: { process: p }
        where: [{ field: p.args, includes: "${seconds}" }]`;
  const taped =
    call === null
      ? ''
      : `
      - id: called
        exists: { call: c }
        where: [{ field: c.name, equals: ${call} }]`;
  writeFileSync(
    join(folder, 'lesson.yaml'),
    `minutes: 1\nsteps:${step('one', 7001, '')}${taped}${step('two', 7003, 'sleep 7002 &')}\n`,
  );
  const section = (id: string) =>
    `## Step {#${id}}\n\nDo it.\n\n### look\n\nThere.\n\n### messages\n\n- runs: A sleep.\n${id === 'one' && call !== null ? '- called: The call.\n' : ''}\n### hint\n\nSleep.\n`;
  const prose = `---\ntitle: Test\nsummary: Test.\nobjectives: [test]\n---\n\nHello.\n\n${section('one')}\n${section('two')}`;
  for (const language of ['en', 'zh']) writeFileSync(join(folder, `${language}.md`), prose);
}
