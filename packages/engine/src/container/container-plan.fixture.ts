/** What the tests of container plans share: a config that nothing is missing from, plans as text. */
import type { RuntimeConfig } from '@terrarium/spec';
import type { Plan, PlanStep } from '@terrarium/syscall';
import { HYBRID_FACTS } from '../facts.fixture.js';
import { containerPlan } from './container-plan.js';

/** Root in seven new namespaces, with /proc, /dev and /dev/pts. */
export function baseConfig(): RuntimeConfig {
  const kinds = ['pid', 'mount', 'ipc', 'uts', 'network', 'cgroup', 'time'] as const;
  return {
    ociVersion: '1.3.0',
    root: { path: 'rootfs' },
    process: {
      user: { uid: 0, gid: 0 },
      args: ['/bin/sh'],
      cwd: '/',
      env: ['PATH=/bin'],
    },
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc' },
      { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=755'] },
      { destination: '/dev/pts', type: 'devpts', source: 'devpts', options: ['newinstance'] },
    ],
    linux: { namespaces: kinds.map((type) => ({ type })) },
  };
}

/** The plan of a config on a hybrid host. */
export function planned(config: RuntimeConfig): Plan {
  return containerPlan({ id: 'c', config, bundle: '/bundles/c', facts: HYBRID_FACTS }).plan;
}

/** All that a step does, without the sentences about it; the blocks' bytes are readable text. */
export function textOf(steps: readonly PlanStep[]): string {
  return JSON.stringify(steps, (key, value: unknown) => {
    if (key === 'purpose' || key === 'display') return undefined;
    if (typeof value === 'bigint') return String(value);
    return value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : value;
  });
}

/** What the steps of each purpose do, as text. */
export function byPurpose(plan: Plan): ReadonlyMap<string, string> {
  const steps = Object.values(plan.processes).flat();
  const ids = new Set(steps.map((step) => step.purpose.id));
  return new Map(
    [...ids].map((id) => [id, textOf(steps.filter((step) => step.purpose.id === id))]),
  );
}
