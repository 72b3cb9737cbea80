/**
 * A container's group below a sandbox's, made by the sandbox's own root inside its namespaces: the
 * limits hold, the sandbox's stay above, and what only the host's root may do is not tried.
 * Needs root in the host's namespaces.
 */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  Cgroup,
  detectCgroupLayout,
  groupPath,
  insideLayout,
  type Sandbox,
  translateResources,
} from '../../packages/engine/src/index.js';
import {
  joinV1Cgroups,
  makeCgroups,
  makeNestedParents,
} from '../../packages/engine/src/plan/cgroup-calls.js';
import { setIds } from '../../packages/engine/src/plan/confine.js';
import {
  confineLikeSandbox,
  joinCgroupNamespace,
  joinSandbox,
} from '../../packages/engine/src/plan/join-sandbox.js';
import { Script } from '../../packages/engine/src/plan/script.js';
import type { LinuxResources } from '../../packages/spec/src/index.js';
import { PlanBuilder } from '../../packages/syscall/src/index.js';
import { hasController, until } from './cgroups-lab.js';
import { type Lab, missing as labMissing, startLab } from './sandbox-lab.js';

const missing = labMissing() ?? (hasController('pids') ? null : 'controller pids');
const MIB = 1024 * 1024;

let lab: Lab;
let sandbox: Sandbox;
beforeAll(async () => {
  if (missing !== null) return;
  lab = await startLab('cgroups-nested');
  sandbox = await lab.engine.create({ id: 'lab-1' });
});
afterAll(async () => {
  await lab?.close();
});

/** Makes /team/web below the sandbox's group, as a container's plan does. */
async function makeNested(name: string, resources: LinuxResources): Promise<Cgroup> {
  const target = lab.engine.execTarget('lab-1');
  const layout = insideLayout(target.facts.cgroups);
  const builder = new PlanBuilder(`nested ${name}`, 'entry');
  const entry = new Script(builder, 'entry', builder.slot('entryFd'));
  const init = joinSandbox(entry, target, 'outside');
  const outside = new Script(builder, 'outside', builder.slot('fd'));
  joinCgroupNamespace(outside, init);
  confineLikeSandbox(outside, target);
  setIds(outside, 0, 0, []); // until here it is the host's root, whose files these would be
  const { controllers } = translateResources(layout, resources);
  makeNestedParents(outside, layout, `/team/${name}`, controllers);
  const whose = { en: `container ${name}`, zh: `容器 ${name}` };
  makeCgroups(outside, layout, `/team/${name}`, resources, null, { whose });
  joinV1Cgroups(outside, layout, `/team/${name}`, whose);
  await lab.player.run(builder.build()).done;
  const group = `${target.cgroupsPath}/team/${name}`;
  return new Cgroup({ layout: target.facts.cgroups, group });
}

describe.skipIf(missing !== null)(
  `a group inside a sandbox${missing === null ? '' : ` (missing: ${missing})`}`,
  () => {
    test('has its limits, belongs to the sandbox, and shows in statistics of the host', async () => {
      const group = await makeNested('web', {
        pids: { limit: 7 },
        ...(hasController('memory') ? { memory: { limit: 32 * MIB } } : {}),
        devices: [{ allow: false, access: 'rwm' }],
      });
      // The plan's process was its first member, and is about to be gone.
      await until('the group is empty', () => group.processes().length === 0);
      expect(group.stats().pids).toMatchObject({ limit: 7 });
      for (const directory of group.directories()) {
        expect(statSync(directory).uid).toBe(sandbox.idBase);
      }
      const seen = await lab.sh(
        'lab-1',
        'cat /sys/fs/cgroup/pids/team/web/pids.max /sys/fs/cgroup/team/web/pids.max 2>/dev/null',
      );
      expect(seen.output.trim()).toBe('7');
      await group.remove();
    });

    test('the sandbox’s own limits stay above it', async () => {
      const group = await makeNested('greedy', { pids: { limit: 1_000_000 } });
      const pids = detectCgroupLayout().hierarchies.find(({ controllers }) =>
        controllers.includes('pids'),
      );
      const target = lab.engine.execTarget('lab-1');
      const own = pids === undefined ? '' : join(groupPath(pids, target.cgroupsPath), 'pids.max');
      expect(Number(readFileSync(own, 'utf8'))).toBeLessThan(1_000_000);
      const raised = await lab.sh(
        'lab-1',
        'for f in /sys/fs/cgroup/pids/pids.max /sys/fs/cgroup/pids.max; do if [ -e $f ]; then echo max > $f || exit 9; fi; done',
      );
      expect(raised.exitCode).not.toBe(0);
      await group.remove();
    });

    test('dies and goes with the sandbox', async () => {
      const group = await makeNested('left', { pids: { limit: 3 } });
      await lab.engine.delete('lab-1');
      expect(group.directories().filter((directory) => existsSync(directory))).toEqual([]);
    });
  },
);
