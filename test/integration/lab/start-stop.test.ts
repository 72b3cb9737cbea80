/**
 * Start and stop of the whole lab: how soon it is ready, what a second start says, and that
 * SIGINT and SIGTERM end it cleanly with learners in it.
 */
import { spawnSync } from 'node:child_process';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { freePort } from '../../bench/lab.mjs';
import { ROOT } from '../../bench/learner.mjs';
import { LACK, Lab, named, remaining } from './lab.js';

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
      expect(await remaining(() => lab.leftovers())).toEqual([]);
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
    expect(lab.readyMs).toBeLessThan(SECOND_START_MS * busy());
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
});
