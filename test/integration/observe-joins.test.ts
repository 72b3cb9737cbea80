/**
 * Shells that join a tree from outside all the time, beside shells in it that fork: nobody's
 * program goes untold. Each join may change the kernel's list of traced threads, and what is forked
 * at that moment is easily lost (traced-pids.ts). Needs root and tracefs; leaves nothing behind.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, describe, expect, test } from 'vitest';
import type { EventBody } from '../../packages/timeline/src/index.js';
import { cleanUp, comesToEqualFresh, Lab, reducedTo, root, Tree } from './observer-lab.js';
import { patient, SLOWNESS, until } from './patience.js';

/**
 * On an emulated machine a write to that list takes longer than a program lives, and who was born and
 * gone in it is told of by nobody: 195 to 200 of 200 programs were seen there.
 */
const lacksSpeed = SLOWNESS > 1;
const reduced = await reducedTo();
const lacks = reduced ?? (lacksSpeed ? 'a machine at full speed' : null);
const suffix =
  lacks === null ? '' : ` (missing: ${root && reduced !== null ? 'a whole trace' : lacks})`;

/** Programs of each of the two shells in the tree; each is two processes, as it is in parentheses. */
const ROUNDS = 100;
const JOINS = 12;

describe.skipIf(lacks !== null)(`processes beside those who join${suffix}`, () => {
  afterEach(cleanUp);

  test(
    'are all told of, with their programs',
    async () => {
      const tree = await Tree.start();
      const lab = await Lab.start();
      await lab.watch(tree);
      const loop = (mark: string): string =>
        `(for i in $(seq ${ROUNDS}); do (/bin/true; /bin/echo ${mark} >/dev/null); done) &`;
      const busy = tree.run(`${loop('one')} ${loop('two')} wait`);
      for (let n = 0; n < JOINS; n++) await join(tree);
      await busy;
      await comesToEqualFresh(lab, tree);

      const seen = lab.seen(tree);
      const known = (body: EventBody, comm: string): boolean =>
        body.type === 'process.exec' && body.comm === comm;
      const count = (comm: string): number => seen.filter((body) => known(body, comm)).length;
      expect([count('true'), count('echo')]).toEqual([2 * ROUNDS, 2 * ROUNDS]);
      const joined = (comm: string): boolean => seen.some((body) => known(body, comm));
      await until('those who joined are told of', () => joined('sleep'));
    },
    patient(120_000),
  );
});

/** A shell of the host that puts itself into the tree's cgroup, and a child into its namespaces. */
async function join(tree: Tree): Promise<void> {
  const script = `echo $$ > ${tree.cgroup}/cgroup.procs; exec nsenter -t ${tree.initPid} -p sleep 0.1`;
  await once(spawn('bash', ['-c', script], { stdio: 'ignore' }), 'exit');
}
