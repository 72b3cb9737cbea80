import { describe, expect, it } from 'vitest';
import { cgroupFacts, cgroupNumber, cgroupQuota, cgroupRates, cgroupsAt } from './cgroup-facts.js';
import { type CgroupState, EMPTY_STATE, type State } from './state.js';

function group(hierarchy: string, files: Record<string, string>, path = '/box'): CgroupState {
  return { key: `${hierarchy}:${path}`, hierarchy, path, files, bornAt: 0 };
}

const V1 = [
  group('memory', {
    'memory.limit_in_bytes': '52428800',
    'memory.memsw.limit_in_bytes': '9223372036854771712',
  }),
  group('cpu', {
    'cpu.cfs_quota_us': '20000',
    'cpu.cfs_period_us': '100000',
    'cpu.shares': '1024',
  }),
  group('cpuacct', {}),
  group('pids', { 'pids.max': 'max' }),
  group('freezer', { 'freezer.state': 'FROZEN' }),
];
const V1_METERS = {
  'memory:/box': {
    'memory.usage_in_bytes': '1048576',
    'memory.stat': 'total_rss 4096\ntotal_cache 8192',
    'memory.oom_control': 'oom_kill_disable 0\nunder_oom 0\noom_kill 3',
  },
  'cpu:/box': { 'cpu.stat': 'nr_periods 10\nnr_throttled 4\nthrottled_time 5000000' },
  'cpuacct:/box': { 'cpuacct.usage': '7000000' },
  'pids:/box': { 'pids.current': '5' },
};
const V2 = [
  group('', {
    'memory.max': '52428800',
    'memory.high': 'max',
    'cpu.max': '20000 100000',
    'pids.max': 'max',
    'cgroup.freeze': '1',
    'cgroup.subtree_control': 'memory pids',
  }),
];
const V2_METERS = {
  ':/box': {
    'memory.current': '1048576',
    'memory.stat': 'anon 4096\nfile 8192',
    'memory.events': 'low 0\nhigh 0\nmax 9\noom 3\noom_kill 3',
    'cpu.stat': 'usage_usec 7000\nnr_periods 10\nnr_throttled 4\nthrottled_usec 5000',
    'cpu.pressure': 'some avg10=0.00 avg60=0.00 avg300=0.00 total=123\nfull avg10=0.00 total=45',
    'pids.current': '5',
  },
};

describe('cgroupFacts', () => {
  it('says the same of a group in v1 words and in v2 words', () => {
    const v1 = cgroupFacts(V1, V1_METERS);
    const v2 = cgroupFacts(V2, V2_METERS);
    for (const id of [
      ...([
        'memory.limit',
        'memory.current',
        'memory.anon',
        'memory.file',
        'memory.oomKills',
      ] as const),
      ...(['cpu.quota', 'cpu.period', 'cpu.usage', 'cpu.periods', 'cpu.throttled'] as const),
      ...(['pids.current', 'pids.limit', 'freezer'] as const),
    ]) {
      expect(v1.get(id)?.value, id).toEqual(v2.get(id)?.value);
      expect(v1.get(id)?.version).toBe(1);
      expect(v2.get(id)?.version).toBe(2);
    }
    expect(cgroupNumber(v2, 'memory.limit')).toBe(52_428_800);
    expect(cgroupNumber(v2, 'cpu.throttled')).toBe(5000);
    expect(cgroupQuota(v1)).toBe(0.2);
  });

  it('names the raw file in both versions and gives its text and directory', () => {
    expect(cgroupFacts(V1, V1_METERS).get('cpu.throttledPeriods')).toMatchObject({
      key: 'cpu:/box',
      v1: 'cpu.stat nr_throttled',
      v2: 'cpu.stat nr_throttled',
      raw: '4',
    });
    expect(cgroupFacts(V2).get('memory.limit')).toMatchObject({
      v1: 'memory.limit_in_bytes',
      v2: 'memory.max',
      raw: '52428800',
    });
  });

  it('takes every spelling of no limit for null, and leaves out what is not there', () => {
    const v1 = cgroupFacts(V1, V1_METERS);
    expect(v1.get('pids.limit')?.value).toBeNull();
    expect(v1.get('memory.swapLimit')?.value).toBeNull();
    expect(
      cgroupFacts([group('cpu', { 'cpu.cfs_quota_us': '-1' })]).get('cpu.quota')?.value,
    ).toBeNull();
    expect(v1.has('memory.high')).toBe(false);
    expect(cgroupFacts(V2).has('memory.current')).toBe(false);
    expect(cgroupFacts(V2, V2_METERS).get('memory.high')?.value).toBeNull();
    expect(cgroupNumber(cgroupFacts(V2, V2_METERS), 'cpu.pressure')).toBe(123);
  });

  it('prefers the v1 hierarchy of a controller to an empty v2 one beside it', () => {
    const facts = cgroupFacts([group('', { 'cpu.max': 'max 100000' }), ...V1], V1_METERS);
    expect(facts.get('cpu.quota')).toMatchObject({ version: 1, value: 20_000 });
  });

  it('survives texts that no kernel writes', () => {
    const odd = group('', { 'memory.max': '', 'cpu.max': '', 'pids.max': 'many' });
    expect(cgroupFacts([odd]).get('pids.limit')).toBeUndefined();
    expect(cgroupQuota(cgroupFacts([odd]))).toBeNull();
  });
});

describe('cgroupRates', () => {
  it('gives processors in use and the share of throttled periods', () => {
    const after = {
      ...V1_METERS,
      'cpuacct:/box': { 'cpuacct.usage': '57000000' },
      'cpu:/box': { 'cpu.stat': 'nr_periods 20\nnr_throttled 9\nthrottled_time 9000000' },
    };
    const rates = cgroupRates(cgroupFacts(V1, V1_METERS), cgroupFacts(V1, after), 250);
    expect(rates).toEqual({ cpus: 0.2, throttled: 0.5 });
  });

  it('knows nothing after a counter began anew, or without two readings', () => {
    const facts = cgroupFacts(V1, V1_METERS);
    expect(cgroupRates(cgroupFacts(V1), facts, 250)).toEqual({ cpus: null, throttled: null });
    expect(cgroupRates(facts, facts, 0).cpus).toBeNull();
  });
});

describe('cgroupsAt', () => {
  it('lists the directories of one path', () => {
    const all = [...V1, group('pids', {}, '/')];
    const state: State = {
      ...EMPTY_STATE,
      cgroups: Object.fromEntries(all.map((one) => [one.key, one])),
    };
    expect(cgroupsAt(state, '/box').map(({ hierarchy }) => hierarchy)).toEqual([
      ...['cpu', 'cpuacct', 'freezer', 'memory', 'pids'],
    ]);
  });
});
