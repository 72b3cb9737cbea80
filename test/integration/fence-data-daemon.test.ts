/**
 * GET /api/fence of a real daemon: a learner's own processes, and nobody else's; `doctor --fence`.
 * Needs root.
 */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { fenceSchema } from '../../packages/engine/src/fence/index.js';
import { DaemonLab, missing, until } from './daemon-lab.js';

const lacking = missing();
if (lacking !== null) console.warn(`fence-data-daemon: skipped, missing ${lacking}`);
const CLI = fileURLToPath(new URL('../../apps/cli/bin/terrarium.mjs', import.meta.url));

describe.skipIf(lacking !== null)(
  `GET /api/fence${lacking !== null ? ` (missing: ${lacking})` : ''}`,
  () => {
    let lab: DaemonLab;
    beforeEach(async () => {
      lab = new DaemonLab();
      await lab.start();
    });
    afterEach(async (context) => {
      if (context.task.result?.state === 'fail') console.error(lab.log.slice(-6000));
      await lab.dispose();
    });

    test('tells of the sandbox and of a shell in it; of nobody else', async () => {
      const [mine, other] = [await lab.learner(), await lab.learner()];
      await until('shells are seen', () =>
        [mine, other].every((one) => one.processes.some(({ terminal }) => terminal === 0)),
      );
      const shellOf = ({ processes }: typeof mine) =>
        processes.find(({ terminal }) => terminal === 0)?.hostPid ?? 0;
      const ask = (pid: string | number) =>
        lab.http('GET', `/api/fence?pid=${pid}`, undefined, mine.cookie);
      const own = await ask('sandbox');
      expect(own.status).toBe(200);
      const fence = fenceSchema.parse(own.body);
      expect(fence.facts.sharedNamespaces).toEqual([]);
      expect(fence.facts.namespaceLimits?.['pid']).toBe(512);
      const shell = await ask(shellOf(mine));
      expect(shell).toMatchObject({ status: 200, body: { pid: shellOf(mine) } });
      for (const foreign of [1, process.pid, lab.child?.pid ?? 0, shellOf(other), 4_194_000])
        expect(await ask(foreign), String(foreign)).toMatchObject({ status: 404 });
      expect((await lab.http('GET', '/api/fence')).status).toBe(401);
      const why = await ask('sandbox&syscall=bpf&errno=EPERM');
      expect(why.body['explanations']).toMatchObject([
        { rule: 'seccomp-rule', certain: true, entry: { id: 'seccomp.bpf' } },
        { rule: 'capability-missing' },
      ]);

      const out = execFileSync(
        process.execPath,
        [CLI, 'doctor', '--fence', String(shellOf(mine)), '--json'],
        { encoding: 'utf8' },
      );
      const told = fenceSchema.parse(JSON.parse(out));
      expect(told.facts.capabilities).toEqual(fence.facts.capabilities);
      expect(told.facts.seccomp.rules).toBeNull(); // whose filter it is, only the daemon knows
    });
  },
);
