/**
 * Start and stop of the whole lab: how soon it is ready, what a second start says, and that
 * SIGINT and SIGTERM end it cleanly with learners in it.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { freePort } from '../../bench/lab.mjs';
import { ROOT } from '../../bench/learner.mjs';
import { commandOf, LACK, Lab, named, pids, stateOf, textOf, until } from './lab.js';
import { SHELL } from './learner.js';

/** A start with all built, milliseconds; more where other work takes the CPUs. */
const SECOND_START_MS = 5_000;
const busy = (): number => Math.max(1, (loadavg()[0] ?? 0) / cpus().length);

let lab: Lab;

describe.skipIf(LACK !== null)(named('a started lab'), () => {
  afterEach(async (context) => {
    if (context.task.result?.state === 'fail') console.error(lab.logs());
    await lab.dispose();
  });

  test.each(['SIGINT', 'SIGTERM'] as const)(
    'ends on %s with status 0, and nothing is left',
    async (signal) => {
      lab = await Lab.start();
      const [first, second] = [await lab.learner(), await lab.learner()];
      await first.run('sleep 1000 & mkdir -p /lab/m; mount -t tmpfs none /lab/m');
      await second.run('(trap "" TERM INT HUP; sleep 1000) &');
      // With both pages still there, as a person leaves them.
      const status = await lab.stopWithPages(signal);
      console.log(
        `${signal}: ready after ${Math.round(lab.readyMs)} ms, stopped after ${Math.round(status.ms)} ms`,
      );
      expect(status.code).toBe(0);
      expect(lab.leftovers()).toEqual([]);
      expect(lab.said).toMatch(/stopping/);
    },
    60_000,
  );

  test('is ready within 5 s at the second start, and its learners come back to their session', async () => {
    lab = await Lab.start();
    const learner = await lab.learner();
    const session = learner.page.cookie;
    await lab.end();
    lab = await Lab.start({}, lab);
    console.log(
      `second start: ready after ${Math.round(lab.readyMs)} ms, busy ${busy().toFixed(1)}`,
    );
    // Without the Debian image each start looks for a mirror again, which takes as long as it takes.
    const isReduced = lab.said.includes('Reduced: ');
    if (!isReduced) expect(lab.readyMs).toBeLessThan(SECOND_START_MS * busy());
    const answer = await fetch(`${lab.origin}/api/session`, { headers: { cookie: session } });
    expect(answer.status).toBe(200);
  }, 60_000);

  test('refuses a second start on the same RUN in one sentence', async () => {
    lab = await Lab.start();
    const learner = await lab.learner();
    const began = performance.now();
    const second = spawnSync(process.execPath, [join(ROOT, 'scripts/start.mjs')], {
      env: {
        ...process.env,
        TERRARIUM_RUN: lab.run,
        TERRARIUM_STATE: lab.state,
        TERRARIUM_PORT: String(await freePort()),
      },
      encoding: 'utf8',
      timeout: 20_000,
    });
    console.log(
      `second start on the same RUN: status ${second.status} after ${Math.round(performance.now() - began)} ms: ${second.stderr.trim()}`,
    );
    expect(second.status).toBe(1);
    expect(second.stderr.trim().split('\n')).toHaveLength(1);
    expect(second.stderr).toMatch(/already running/);
    expect(second.stderr).toContain(lab.run);
    expect(second.stderr).not.toMatch(/at .*\.mjs/);
    expect((await learner.run('echo still here')).output).toBe('still here');
  }, 60_000);

  test.each([
    ['has just been killed', async () => process.kill(lab.pid('daemon') ?? 0, 'SIGKILL')],
    ['waits to be started again', killedTwice],
    [
      'is only just being started again',
      async () => {
        process.kill(lab.pid('daemon') ?? 0, 'SIGKILL');
        await until('there is a new daemon', () => lab.pid('daemon'), 15_000, 1);
      },
    ],
  ])(
    'ends cleanly while its daemon %s',
    async (_, prepare) => {
      lab = await Lab.start();
      const learner = await lab.learner();
      await learner.run('sleep 1000 &');
      lab.note(learner);
      await prepare();
      const { code, ms } = await lab.stopWithPages('SIGTERM');
      console.log(
        `stopped after ${Math.round(ms)} ms: ${lab.said.split('\n').slice(1).join(' | ')}`,
      );
      expect(code).toBe(0);
      expect(lab.leftovers()).toEqual([]);
    },
    60_000,
  );

  test('ends cleanly on Ctrl-C before it is ready', async () => {
    lab = await Lab.start();
    await lab.end();
    const start = startScript({
      TERRARIUM_RUN: lab.run,
      TERRARIUM_STATE: lab.state,
      TERRARIUM_PORT: String(lab.port),
    });
    await until(
      'the daemon is being started',
      () =>
        pids().some(
          (pid) =>
            commandOf(pid).includes('apps/daemon/dist/main.js') &&
            textOf(`/proc/${pid}/environ`).includes(lab.run),
        ),
      30_000,
      1,
    );
    start.child.kill('SIGINT');
    const code = await start.ended;
    expect({ code, said: start.said() }).toEqual({
      code: 0,
      said: expect.not.stringContaining('ready'),
    });
    expect(lab.leftovers()).toEqual([]);
  }, 60_000);

  test('killed itself, takes its parts along; the next start finds the same shell', async () => {
    lab = await Lab.start();
    const before = await lab.learner();
    const { output: shell } = await before.run(SHELL);
    const parts = (['daemon', 'web', 'observer'] as const).map((part) => lab.pid(part) ?? 0);
    const cookie = before.page.cookie;
    await lab.stopWithPages('SIGKILL');
    await until('its parts have ended', () => parts.every((pid) => stateOf(pid) === undefined));
    before.leave();
    lab = await Lab.start({}, lab);
    const again = await lab.learner(null, cookie);
    expect((await again.run(SHELL)).output).toBe(shell);
    lab.note(again);
    expect(await lab.end()).toBe(0);
    expect(lab.leftovers()).toEqual([]);
  }, 60_000);

  test('says in one sentence that its port is taken', async () => {
    lab = await Lab.start();
    const folder = mkdtempSync(join(lab.folder, 'second-'));
    const start = startScript({
      TERRARIUM_RUN: join(folder, 'run'),
      TERRARIUM_STATE: join(folder, 'state'),
      TERRARIUM_PORT: String(lab.port),
    });
    const code = await start.ended;
    expect({ code, said: start.said().trim().split('\n') }).toEqual({
      code: 1,
      said: [expect.stringContaining(`127.0.0.1:${lab.port}`)],
    });
  }, 60_000);
});

/** The second of two deaths so soon makes the supervisor wait. */
async function killedTwice(): Promise<void> {
  const first = lab.pid('daemon') ?? 0;
  process.kill(first, 'SIGKILL');
  await until(
    'there is a new daemon',
    () => lab.pid('daemon') !== null && lab.pid('daemon') !== first,
    15_000,
    1,
  );
  process.kill(lab.pid('daemon') ?? 0, 'SIGKILL');
  await until('the supervisor waits', () => /in [1-9]\d* ms/.test(lab.said), 15_000, 1);
}

/** start.mjs with what it says, before it is ready or without ever being so. */
function startScript(env: Record<string, string>) {
  const child = spawn(process.execPath, [join(ROOT, 'scripts/start.mjs')], {
    env: { ...process.env, TERRARIUM_HOST: '127.0.0.1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      said += chunk;
    });
  }
  const ended = new Promise<number | null>((resolve) =>
    child.once('close', (code) => resolve(code)),
  );
  return { child, ended, said: () => said };
}
