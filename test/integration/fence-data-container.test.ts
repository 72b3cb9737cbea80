/**
 * The fence of a container: what its OCI config asked for, read back from the kernel. Needs root
 * and a static busybox.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type Fence,
  fenceSchema,
  probeHostFacts,
  readFence,
} from '../../packages/engine/src/index.js';
import type { LinuxSeccomp, RuntimeConfig } from '../../packages/spec/src/index.js';
import { type ContainerLab, holdings, missing, startContainerLab } from './container-lab.js';

const lack = missing();
const MIB = 1024 * 1024;
const ID_BASE = 900_000_000;
const SLEEP = ['/bin/sleep', '1000'];

const SECCOMP: LinuxSeccomp = {
  defaultAction: 'SCMP_ACT_ALLOW',
  syscalls: [{ names: ['mount', 'umount2'], action: 'SCMP_ACT_ERRNO', errnoRet: 13 }],
};

describe.skipIf(lack !== null)(
  `the fence of a container${lack === null ? '' : ` (missing: ${lack})`}`,
  () => {
    let lab: ContainerLab;
    beforeAll(async () => {
      lab = await startContainerLab('fence-container');
    });
    afterAll(async () => {
      await lab?.close();
      if (lab !== undefined) expect(holdings(lab)).toEqual([]);
    });

    async function fenceOf(id: string, config: RuntimeConfig): Promise<Fence> {
      const { pid } = await lab.engine.create({ id, bundle: lab.directory, config });
      await lab.engine.start(id);
      const seccomp = config.linux?.seccomp;
      const fence = await readFence(pid, {
        facts: probeHostFacts(),
        player: lab.player,
        ...(seccomp === undefined ? {} : { record: { seccomp } }),
      });
      expect(fenceSchema.parse(fence)).toEqual(fence);
      return fence;
    }

    const entryOf = (fence: Fence, id: string) => fence.entries.find((one) => one.id === id);

    test('is what the config asked for', async () => {
      const base = lab.config(SLEEP);
      const caps = ['CAP_CHOWN', 'CAP_KILL'];
      const fence = await fenceOf(
        'held',
        lab.config(SLEEP, {
          process: {
            user: { uid: 5, gid: 6, additionalGids: [7] },
            noNewPrivileges: true,
            capabilities: {
              bounding: caps,
              permitted: caps,
              effective: caps,
              // Only the ambient set survives the execve of a user other than root.
              inheritable: ['CAP_KILL'],
              ambient: ['CAP_KILL'],
            },
            rlimits: [{ type: 'RLIMIT_NOFILE', soft: 100, hard: 200 }],
            oomScoreAdj: 700,
          },
          linux: {
            ...base.linux,
            resources: { memory: { limit: 64 * MIB }, pids: { limit: 12 } },
            maskedPaths: ['/proc/version', '/proc/fs', '/proc/absent'],
            readonlyPaths: ['/proc/sys'],
            seccomp: SECCOMP,
          },
        }),
      );
      expect(fence.facts.sharedNamespaces.sort()).toEqual(['time', 'user']);
      expect(entryOf(fence, 'credentials')?.sentence.en).toContain('user 5, group 6');
      expect(fence.facts.capabilities).toMatchObject({
        bounding: caps,
        permitted: ['CAP_KILL'],
        effective: ['CAP_KILL'],
        ambient: ['CAP_KILL'],
      });
      expect(fence.facts.noNewPrivs).toBe(true);
      expect(fence.facts.memory?.max).toBe(64 * MIB);
      expect(fence.facts.pids?.max).toBe(12);
      expect(fence.facts.rlimits['RLIMIT_NOFILE']).toEqual({ soft: 100, hard: 200 });
      expect(entryOf(fence, 'oom-score-adj')?.raw[0]?.value).toBe('700');
      expect(entryOf(fence, 'masked-paths')?.refuses.sort()).toEqual([
        'read of /proc/fs: nothing there',
        'read of /proc/version: nothing there',
      ]);
      expect(entryOf(fence, 'read-only-paths')?.sentence.en).toContain('/proc/sys');
      expect(entryOf(fence, 'mount-flags./')?.sentence.en).toContain('nothing is written');
      expect(fence.facts.seccomp.rules).toEqual([
        { names: ['mount', 'umount2'], errno: 13, conditional: false },
      ]);
      expect(entryOf(fence, 'seccomp')?.refuses).toEqual(['mount: EACCES', 'umount2: EACCES']);
      expect(entryOf(fence, 'root')?.sentence.en).toContain('pivot_root');
    });

    test('says what a bare container lacks', async () => {
      const fence = await fenceOf('bare', lab.config(SLEEP));
      expect(entryOf(fence, 'masked-paths')?.sentence.en).toMatch(/^nothing is masked/);
      expect(entryOf(fence, 'no-new-privs')?.sentence.en).toMatch(/^off/);
      expect(entryOf(fence, 'id-map.uid')?.sentence.en).toContain('root of the machine');
    });

    test('with a user namespace, root is an id of the host', async () => {
      const ids = [{ containerID: 0, hostID: ID_BASE, size: 1000 }];
      const kinds = ['pid', 'mount', 'ipc', 'uts', 'network', 'cgroup', 'user'] as const;
      const fence = await fenceOf(
        'mapped',
        lab.config(SLEEP, {
          root: { path: lab.rootfs },
          linux: {
            namespaces: kinds.map((type) => ({ type })),
            uidMappings: ids,
            gidMappings: ids,
          },
        }),
      );
      expect(fence.facts.sharedNamespaces).toEqual(['time']);
      expect(entryOf(fence, 'id-map.uid')?.sentence.en).toContain(
        `root inside is ${ID_BASE} outside`,
      );
      expect(fence.facts.namespaceLimits?.['user']).toBeGreaterThan(0);
    });
  },
);
