/**
 * A container's network inside a learner's sandbox: made by a process that has joined the sandbox,
 * with the sandbox's own capabilities and no path of the learner's; all of it dies with the sandbox.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  configureContainer,
  connectContainer,
  disconnectContainer,
  parseContainerNetwork,
  readNetwork,
} from '../../packages/engine/src/network/index.js';
import { setIds } from '../../packages/engine/src/plan/confine.js';
import {
  confineLikeSandbox,
  joinCgroupNamespace,
  joinSandbox,
} from '../../packages/engine/src/plan/join-sandbox.js';
import { openPrivateProc } from '../../packages/engine/src/plan/private-proc.js';
import { Script } from '../../packages/engine/src/plan/script.js';
import {
  bytes,
  CLONE,
  CLONE_ARGS_BYTES,
  flagged,
  O,
  type Plan,
  PlanBuilder,
  scratch,
  stringArray,
  struct,
} from '../../packages/syscall/src/index.js';
import { HeldNamespace, missing as missingForNetwork } from './network-lab.js';
import { type Lab, missing as missingForSandbox, startLab } from './sandbox-lab.js';

const lacks = missingForSandbox() ?? (await missingForNetwork());
if (lacks !== null) console.warn(`network in a sandbox: skipped, missing: ${lacks}`);

const purpose = { id: 'test', en: 'test', zh: '测试' };

const NETWORK = parseContainerNetwork({
  address: '10.88.0.2/16',
  hostPorts: [{ hostPort: 8080, containerPort: 80 }],
});

describe.skipIf(lacks !== null)(
  `network in a sandbox${lacks === null ? '' : ` (missing: ${lacks})`}`,
  () => {
    let lab: Lab;

    beforeAll(async () => {
      lab = await startLab('network-sandbox');
    });
    afterAll(async () => {
      await lab?.close();
    });

    /**
     * In the sandbox: a process in a network namespace of its own, and the network for it. As in a
     * container's plan, the new process waits until it is connected, and does its side itself: until
     * its execve it is not dumpable, so no process without CAP_SYS_PTRACE on the host may join it.
     */
    function makePlan(id: string): Plan {
      const builder = new PlanBuilder('a network in a sandbox');
      const outside = new Script(builder, 'outside', builder.slot('fd'));
      const inside = new Script(builder, 'inside', builder.slot('insideFd'));
      const container = new Script(builder, 'container', builder.slot('containerFd'));
      joinCgroupNamespace(inside, joinSandbox(outside, lab.engine.execTarget(id), 'inside'));
      const proc = openPrivateProc(inside);
      confineLikeSandbox(inside, lab.engine.execTarget(id));
      setIds(inside, 0, 0, []);
      const [pid, read, write] = ['container', 'read', 'write'].map((name) => builder.slot(name));
      if (pid === undefined || read === undefined || write === undefined) throw new Error('slots');
      const ends = scratch(8);
      inside.call('pipe2', [ends, flagged(O, 'O_CLOEXEC')], purpose, {
        loads: [
          { from: ends, offset: 0, width: 4, to: read },
          { from: ends, offset: 4, width: 4, to: write },
        ],
      });
      const args = struct([[flagged(CLONE, 'CLONE_NEWNET', 'CLONE_PARENT'), 8]], CLONE_ARGS_BYTES);
      inside.call('clone3', [args, CLONE_ARGS_BYTES], purpose, { child: 'container', store: pid });
      connectContainer(inside, 'c1', NETWORK, pid, proc);
      inside.call('write', [write, bytes('1'), 1], purpose);

      container.call('close', [write], purpose);
      container.call('read', [read, scratch(1), 1], purpose, { atLeast: 1 });
      configureContainer(container, NETWORK);
      const argv = ['/bin/sleep', '1000'];
      container.call('execve', [argv[0] ?? '', stringArray(argv), stringArray([])], purpose);
      return builder.build();
    }

    function removalPlan(id: string): Plan {
      const builder = new PlanBuilder('remove a network in a sandbox');
      const outside = new Script(builder, 'outside', builder.slot('fd'));
      const inside = new Script(builder, 'inside', builder.slot('insideFd'));
      joinCgroupNamespace(inside, joinSandbox(outside, lab.engine.execTarget(id), 'inside'));
      confineLikeSandbox(inside, lab.engine.execTarget(id));
      disconnectContainer(inside, 'c1');
      return builder.build();
    }

    test('is made and removed with the sandbox’s own power, and works', async () => {
      const { id, initPid } = await lab.engine.create({ id: 'net-1' });
      const sandbox = HeldNamespace.of(lab.player, initPid);
      const before = await sandbox.dump();
      const { hostPids } = await lab.player.run(makePlan(id)).done;
      const container = HeldNamespace.of(lab.player, hostPids['container'] ?? 0);
      await container.serve('tcp', 80);
      expect(await sandbox.call('tcp', '10.88.0.2', 80)).toBe('10.88.0.1');
      expect(await sandbox.call('tcp', '127.0.0.1', 8080)).toBe('10.88.0.1');
      const { output } = await lab.sh(id, 'cat /proc/sys/net/ipv4/ip_forward');
      expect(output).toBe('1\n');
      const { tables } = await readNetwork(lab.player, sandbox.netns);
      expect(tables?.map(({ name }) => name)).toEqual(['terrarium_c1']);

      await lab.player.run(removalPlan(id)).done;
      expect(await container.dump()).toMatchObject({ links: [{ name: 'lo' }] });
      await sandbox.primitive('link-delete', { name: 'tr0' });
      expect(await sandbox.dump()).toEqual(before);
      await Promise.all([sandbox.endAgent(), container.endAgent()]);
      await lab.engine.delete(id);
    });
  },
);
