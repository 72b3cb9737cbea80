/** A sandbox with groups for tests and pictures: the same one in v1 words and in v2 words. */
import type { CgroupState, State } from '@terrarium/timeline';
import { DEMO_STATE, demoProcess } from '../fixture.js';

const T0 = 1_780_000_000_000;

function group(hierarchy: string, path: string, files: Record<string, string>): CgroupState {
  return { key: `${hierarchy}:${path}`, hierarchy, path, files, bornAt: T0 };
}

function byKey(groups: readonly CgroupState[]): Record<string, CgroupState> {
  return Object.fromEntries(groups.map((one) => [one.key, one]));
}

const NO_LIMIT = '9223372036854771712';
const shell = demoProcess(4720, { comm: 'bash', args: ['bash'] });
const worker = demoProcess(4730, {
  ...{ comm: 'sleep', args: ['sleep', '1000'] },
  cgroups: { memory: '/box', pids: '/box' },
});

/** v1: a box in the hierarchies of memory, pids and cpu; its member is in two of them. */
export const V1_STATE: State = {
  ...DEMO_STATE,
  processes: { [shell.key]: shell, [worker.key]: worker },
  cgroups: byKey([
    ...['cpu', 'cpuacct', 'freezer', 'memory', 'pids', ''].map((one) => group(one, '/', {})),
    group('memory', '/box', { 'memory.limit_in_bytes': '52428800' }),
    group('memory', '/box/inner', { 'memory.limit_in_bytes': NO_LIMIT }),
    group('pids', '/box', { 'pids.max': '7' }),
    group('cpu', '/box', { 'cpu.cfs_quota_us': '20000', 'cpu.cfs_period_us': '100000' }),
    group('freezer', '/box', { 'freezer.state': 'FROZEN' }),
  ]),
  meters: {
    'memory:/': { 'memory.usage_in_bytes': '104857600' },
    'memory:/box': {
      'memory.usage_in_bytes': '26214400',
      'memory.stat': 'total_rss 13107200\ntotal_cache 13107200',
    },
    'pids:/box': { 'pids.current': '3' },
  },
};

const v2Worker = demoProcess(4730, {
  ...{ comm: 'sleep', args: ['sleep', '1000'] },
  cgroup: '/box',
});

/** The same on v2, where the OOM killer has just come. */
export const V2_STATE: State = {
  ...DEMO_STATE,
  processes: { [shell.key]: { ...shell, cgroup: '/init' }, [v2Worker.key]: v2Worker },
  cgroups: byKey([
    group('', '/', { 'cgroup.subtree_control': 'cpu memory pids' }),
    group('', '/init', {}),
    {
      ...group('', '/box', {
        'memory.max': '52428800',
        'pids.max': '7',
        'cpu.max': '20000 100000',
        'cgroup.freeze': '1',
      }),
      lastOom: { t: T0, victim: 'tail' },
    },
    group('', '/box/inner', { 'memory.max': 'max' }),
  ]),
  meters: {
    ':/box': {
      'memory.current': '26214400',
      'memory.stat': 'anon 13107200\nfile 13107200',
      'pids.current': '3',
    },
  },
};
