/**
 * The plan of a container as data, without a kernel: in which order its steps stand, that it is the
 * same for the same input, that large configs fit the player, that a refusal names its field.
 */
import type { RuntimeConfig } from '@terrarium/spec';
import { encodeRun, PLAYER_LIMITS } from '@terrarium/syscall';
import { describe, expect, test } from 'vitest';
import { HYBRID_FACTS, V2_FACTS } from '../facts.fixture.js';
import { baseConfig, planned, textOf } from './container-plan.fixture.js';
import { containerPlan } from './container-plan.js';

const idMap = [{ containerID: 0, hostID: 300_000, size: 65_536 }];

/** Everything on. */
function fullConfig(): RuntimeConfig {
  const base = baseConfig();
  const user = [...(base.linux?.namespaces ?? []), { type: 'user' as const }];
  return {
    ...base,
    root: { path: 'rootfs', readonly: true },
    process: {
      ...base.process,
      user: { uid: 1000, gid: 1000, additionalGids: [7] },
      cwd: '/tmp',
      noNewPrivileges: true,
      terminal: true,
      capabilities: Object.fromEntries(
        ['bounding', 'effective', 'permitted', 'inheritable', 'ambient'].map((set) => [
          set,
          ['CAP_KILL'],
        ]),
      ),
    },
    linux: {
      ...base.linux,
      namespaces: user,
      uidMappings: idMap,
      gidMappings: idMap,
      rootfsPropagation: 'private',
      maskedPaths: ['/proc/kcore', '/proc/acpi'],
      readonlyPaths: ['/proc/sys'],
      sysctl: { 'net.ipv4.ip_forward': '1' },
      resources: { pids: { limit: 9 } },
      seccomp: { defaultAction: 'SCMP_ACT_ALLOW' },
    },
  };
}

const input = (config: RuntimeConfig, facts = HYBRID_FACTS) => ({
  id: 'web-1',
  config,
  bundle: '/bundles/web-1',
  facts,
  startFifo: '/run/x/web-1/start.fifo',
});

/** Purpose ids of one process, in order; repetitions once. */
function order(process: 'outside' | 'init', config = fullConfig(), facts = HYBRID_FACTS): string[] {
  const { plan } = containerPlan(input(config, facts));
  const ids = (plan.processes[process] ?? []).map((step) => step.purpose.id);
  return ids.filter((id, index) => id !== ids[index - 1]);
}

/** Fails unless the first of each comes after the last of the one before. */
function expectOrder(ids: readonly string[], ...wanted: string[]): void {
  wanted.forEach((id) => {
    expect(ids, `no step ${id}`).toContain(id);
  });
  wanted.slice(1).forEach((id, index) => {
    const before = wanted[index] ?? '';
    expect(ids.lastIndexOf(before), `${before} before ${id}`).toBeLessThan(ids.indexOf(id));
  });
}

describe('the order of steps', () => {
  test('outside: groups and sources before clone3, maps after it, then the release', () => {
    const ids = order('outside');
    expectOrder(ids, 'umask-zero', 'cgroup-make', 'open-root', 'clone-init', 'id-map', 'release');
    expectOrder(ids, 'new-keyring', 'clone-init');
    expectOrder(ids, 'cgroup-limit', 'clone-init');
    expectOrder(ids, 'private-source', 'clone-init');
    expectOrder(ids, 'not-dumpable', 'clone-init');
  });

  test('init: in its cgroups before anything that the container decides about', () => {
    const ids = order('init');
    expectOrder(ids, 'cgroup-join', 'cgroup-namespace', 'await-release', 'become-root-inside');
    expectOrder(ids, 'cgroup-join', 'execve');
    expect(ids.indexOf('cgroup-join')).toBe(0);
  });

  test('init: maps before ids are taken', () => {
    expectOrder(order('init'), 'await-release', 'become-root-inside', 'set-ids');
  });

  test('init: propagation is cut before the first mount, masks come after all and before pivot', () => {
    const ids = order('init');
    expectOrder(ids, 'private-mounts', 'attach-root', 'mount-proc', 'device', 'mask-path');
    expectOrder(ids, 'mount-proc', 'mask-path', 'readonly-path', 'pivot-root', 'drop-old-root');
    expectOrder(ids, 'drop-old-root', 'root-propagation', 'readonly-root', 'set-ids');
    expect(ids.indexOf('private-mounts')).toBeLessThan(
      ids.findIndex((id) => id.startsWith('mount-') || id === 'attach-root' || id === 'mask-blank'),
    );
  });

  test('init: settings of the kernel go through the runtime’s own /proc, before the change of root', () => {
    expectOrder(order('init'), 'sysctl', 'pivot-root');
  });

  test('init: powers go in an order in which each step still may', () => {
    const ids = order('init');
    expectOrder(ids, 'no-new-privs', 'drop-capability', 'keep-capabilities', 'set-ids', 'capset');
    expectOrder(ids, 'capset', 'ambient-capability', 'seccomp', 'close-fds', 'execve');
  });

  test('init: without no_new_privs the filter is loaded while CAP_SYS_ADMIN is there', () => {
    const config = fullConfig();
    const process = { ...config.process, noNewPrivileges: false } as RuntimeConfig['process'];
    expectOrder(order('init', { ...config, process }), 'seccomp', 'drop-capability', 'capset');
  });

  test('init: detached before it waits for start; fds close right before execve', () => {
    const ids = order('init');
    expectOrder(ids, 'capset', 'created', 'await-start', 'seccomp', 'execve');
    expect(
      ids.slice(ids.indexOf('close-fds')).every((id) => ['close-fds', 'execve'].includes(id)),
    ).toBe(true);
  });

  test('init: the console is made inside and taken before ids change', () => {
    expectOrder(
      order('init'),
      'drop-old-root',
      'console-master',
      'session',
      'controlling-terminal',
      'set-ids',
    );
  });

  test('v2: born in its group, which is made and limited before', () => {
    const ids = order('outside', fullConfig(), V2_FACTS);
    expectOrder(ids, 'cgroup-make', 'cgroup-limit', 'cgroup-join', 'clone-init');
    const { plan } = containerPlan(input(fullConfig(), V2_FACTS));
    const clone = plan.processes['outside']?.find((step) => step.purpose.id === 'clone-init');
    expect(clone).toMatchObject({ display: expect.stringContaining('CLONE_INTO_CGROUP') });
  });
});

describe('the plan', () => {
  test('is the same for the same input', () => {
    const [one, other] = [0, 1].map(() => encodeRun(planned(fullConfig()), 1));
    expect(Buffer.compare(one ?? new Uint8Array(), other ?? new Uint8Array())).toBe(0);
  });

  test('fits the player with 50 mounts, 40 masks and 30 devices', () => {
    const config = fullConfig();
    const many = (count: number) => Array.from({ length: count }, (_, index) => index);
    const mounts = many(50).map((index) => ({
      destination: `/data/volumes/number-${index}`,
      type: index % 2 === 0 ? 'bind' : 'tmpfs',
      source: `/srv/${index}`,
      options: index % 2 === 0 ? ['rbind', 'ro', 'nosuid', 'rprivate'] : ['nosuid', 'mode=755'],
    }));
    const linux: RuntimeConfig['linux'] = {
      ...config.linux,
      maskedPaths: many(40).map((index) => `/proc/masked-${index}`),
      readonlyPaths: many(20).map((index) => `/proc/readonly-${index}`),
      devices: many(30).map((index) => ({ type: 'c', path: `/dev/d${index}`, major: 1, minor: 3 })),
    };
    const plan = planned({ ...config, mounts: [...(config.mounts ?? []), ...mounts], linux });
    expect(plan.slotCount).toBeLessThanOrEqual(PLAYER_LIMITS.slots);
    for (const steps of Object.values(plan.processes))
      expect(steps.length).toBeLessThan(PLAYER_LIMITS.steps);
    expect(encodeRun(plan, 1).length).toBeLessThan(PLAYER_LIMITS.messageBytes);
  });

  test('has a sentence in both languages for every step', () => {
    for (const steps of Object.values(planned(fullConfig()).processes)) {
      for (const { purpose } of steps) {
        expect(purpose.id).toMatch(/^[a-z0-9-]+$/);
        expect(purpose.en).toMatch(/^[a-zA-Z"'`/]/);
        expect(purpose.zh).toMatch(/\p{Script=Han}/u);
      }
    }
  });

  test('names no path of the host after the change of root', () => {
    const { plan } = containerPlan(input(fullConfig()));
    const init = plan.processes['init'] ?? [];
    const after = init.slice(init.findIndex((step) => step.purpose.id === 'drop-old-root'));
    expect(textOf(after)).not.toContain('/bundles');
    expect(textOf(after)).not.toContain('/run/x');
  });

  test('follows no magic link to where the program starts', () => {
    const { plan } = containerPlan(input(fullConfig()));
    const cwd = plan.processes['init']?.find((step) => step.purpose.id === 'cwd');
    expect(cwd).toMatchObject({ display: expect.stringContaining('RESOLVE_NO_MAGICLINKS') });
  });
});
