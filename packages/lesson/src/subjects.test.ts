/** Checks on cgroups, layers, networks, system calls and commands, over small hand-made states. */
import { EMPTY_STATE, type State } from '@terrarium/timeline';
import { describe, expect, it } from 'vitest';
import type { Check, Clause } from './check.js';
import { evaluate } from './evaluate.js';

const OWN = { pid: 100, mnt: 101, net: 102, uts: 103, ipc: 104, user: 105, cgroup: 106, time: 107 };
const message = { en: 'no', zh: '否' };
const shell = {
  ...{ key: '1001:1', hostPid: 1001, startTime: 1, parent: null, pids: [1001, 1], comm: 'bash' },
  ...{ args: ['bash'], state: 'S', uid: { outside: 100000, inside: 0 }, namespaces: OWN },
  ...{ cgroup: '/', cgroups: { memory: '/box' }, terminal: 0, processGroup: 1001, bornAt: 0 },
};

const STATE: State = {
  ...EMPTY_STATE,
  sandbox: { id: 's', init: '1001:1', namespaces: OWN, kernelRelease: '6.1' },
  processes: { '1001:1': shell },
  mounts: {
    101: {
      7: {
        ...{ mountId: 7, parentId: 1, device: '0:57', root: '/', mountPoint: '/c' },
        ...{ mountOptions: 'rw,relatime', optionalFields: ['shared:3', 'master:2'] },
        ...{ fsType: 'overlay', mountSource: 'overlay', superOptions: 'rw,lowerdir=/a:/b' },
      },
    },
  },
  cgroups: {
    'pids:/': { key: 'pids:/', hierarchy: 'pids', path: '/', files: {}, bornAt: 0 },
    'memory:/box': {
      ...{ key: 'memory:/box', hierarchy: 'memory', path: '/box', files: {}, bornAt: 0 },
      lastOom: { t: 5, victim: 'tail' },
    },
  },
  overlays: {
    '0:57': {
      ...{ key: '0:57', bornAt: 0, workDir: '/w', ofSandbox: false },
      layers: [
        {
          ...{ dir: '/u', role: 'upper', more: 0 },
          entries: {
            gone: { kind: 'whiteout', size: 0 },
            'd/copied': { kind: 'file', size: 3, came: 'copy-up' },
          },
        },
        { dir: '/a', role: 'lower', more: 0, entries: { gone: { kind: 'file', size: 9 } } },
      ],
    },
  },
  networks: {
    102: {
      netNs: 102,
      links: {
        1: {
          ...{ index: 1, name: 'lo', kind: '', flags: ['UP', 'LOOPBACK'], mtu: 65536, mac: '' },
          ...{ master: null, peer: null, addresses: ['127.0.0.1/8'] },
        },
      },
      routes: [],
      listeners: [{ protocol: 'tcp', address: '0.0.0.0', port: 80, process: '1001:1' }],
      tables: [],
    },
  },
  calls: [
    {
      ...{ seq: 9, process: '1001:1', name: 'mount', args: ['"/dev/sda"', '"/mnt"'] },
      ...{ result: -1, errno: 'EPERM', at: 0, took: 0.1 },
    },
  ],
  commands: {
    c1: {
      ...{ id: 'c1', terminal: '1', line: 'false', process: '1001:1', processGroup: null },
      ...{ startSeq: 1, startedAt: 0, endedAt: 1, exitCode: 1 },
    },
  },
};

/** One group under limits, as v1 and as v2 spell it. */
const LIMITED = {
  ...{ memoryLimitBytes: 52428800, memoryUsageBytes: 4096, oomKills: 2, memoryLimitHits: 9 },
  ...{ pidsMax: null, pidsCurrent: 5, pidsRefused: 3, cpuQuotaPercent: 20, frozen: true },
  ...{ cpuPeriods: 10, throttledPeriods: 4 },
};
const LIMITED_V1 = limited(
  {
    memory: { 'memory.limit_in_bytes': '52428800' },
    cpu: { 'cpu.cfs_quota_us': '20000', 'cpu.cfs_period_us': '100000' },
    pids: { 'pids.max': 'max' },
    freezer: { 'freezer.state': 'FROZEN' },
    cpuacct: {},
  },
  {
    memory: {
      ...{ 'memory.usage_in_bytes': '4096', 'memory.failcnt': '9' },
      'memory.oom_control': 'oom_kill_disable 0\nunder_oom 0\noom_kill 2',
    },
    cpu: { 'cpu.stat': 'nr_periods 10\nnr_throttled 4\nthrottled_time 5' },
    pids: { 'pids.current': '5', 'pids.events': 'max 3' },
    cpuacct: { 'cpuacct.usage': '7' },
  },
);
const LIMITED_V2 = limited(
  {
    '': {
      ...{ 'memory.max': '52428800', 'cpu.max': '20000 100000', 'pids.max': 'max' },
      'cgroup.freeze': '1',
    },
  },
  {
    '': {
      ...{ 'memory.current': '4096', 'memory.events': 'low 0\nmax 9\noom 2\noom_kill 2' },
      ...{ 'pids.current': '5', 'pids.events': 'max 3' },
      'cpu.stat': 'usage_usec 7\nnr_periods 10\nnr_throttled 4\nthrottled_usec 5',
    },
  },
);

type Files = Readonly<Record<string, Readonly<Record<string, string>>>>;

function limited(settings: Files, meters: Files): State {
  const keyed = <T>(rows: readonly (readonly [string, T])[]): Record<string, T> =>
    Object.fromEntries(rows.map(([hierarchy, row]) => [`${hierarchy}:/box`, row]));
  const group = (hierarchy: string, files: Files[string]) =>
    ({ key: `${hierarchy}:/box`, hierarchy, path: '/box', files, bornAt: 0 }) as const;
  const usage = 'cpuacct' in settings ? 'cpuacct' : '';
  return {
    ...STATE,
    t: 5000,
    // On v1 the shell is in the group's memory directory alone.
    processes: { '1001:1': { ...shell, cgroup: '' in settings ? '/box' : '/' } },
    cgroups: keyed(Object.entries(settings).map(([name, files]) => [name, group(name, files)])),
    meters: keyed(Object.entries(meters)),
    cpuReadings: keyed([
      [usage, [0, 400_000].map((usedMicros, i) => ({ t: 3000 + 2000 * i, usedMicros }))],
    ]),
    cpuWaits: keyed([
      [
        '' in settings ? '' : 'cpu',
        [0, 20].map((count, i) => ({ t: 3000 + 2000 * i, periods: count, throttled: count })),
      ],
    ]),
  };
}

function holds(...claims: readonly object[]): boolean {
  const clauses = claims.map((claim, i) => ({ ...claim, id: `c${i}`, message }) as Clause);
  const check: Check = { clauses };
  return evaluate(check, STATE).passed;
}

const exists = (subject: object, ...where: object[]) => ({ exists: subject, where });

describe('a check can ask', () => {
  it('who is in a control group of any hierarchy, and whether it ran out of memory', () => {
    const box = { field: 'c.path', equals: '/box' };
    expect(holds(exists({ cgroup: 'c' }, box, { field: 'c.members', equals: 1 }))).toBe(true);
    expect(holds(exists({ cgroup: 'c' }, box, { field: 'c.oomKilled', equals: true }))).toBe(true);
    expect(holds(exists({ cgroup: 'c' }, box, { field: 'c.hierarchies', includes: 'pids' }))).toBe(
      false,
    );
    expect(holds(exists({ cgroup: 'c' }, { field: 'c.path', equals: '/none' }))).toBe(false);
  });

  it.each(['v1', 'v2'])('what the files of a control group say, in %s words', (version) => {
    const now = (claim: object): boolean => {
      const check = { clauses: [{ ...exists({ cgroup: 'c' }, claim), id: 'c', message }] };
      return evaluate(check as unknown as Check, version === 'v1' ? LIMITED_V1 : LIMITED_V2).passed;
    };
    for (const [field, equals] of Object.entries(LIMITED)) {
      expect([field, now({ field: `c.${field}`, equals })]).toEqual([field, true]);
    }
    expect(now({ field: 'c.cpuSharePercent', equals: 20 })).toBe(true);
    expect(now({ field: 'c.cpuSharePercent', atLeast: 21 })).toBe(false);
    expect(now({ field: 'c.cpuOffQuotaPoints', equals: 0 })).toBe(true);
    expect(now({ field: 'c.frozenMembers', equals: version === 'v1' ? 0 : 1 })).toBe(true);
    expect(now({ field: 'c.memoryPeakBytes', equals: null })).toBe(false);
  });

  it('which layer has which file, and how it came there', () => {
    const overlay = exists({ overlay: 'o' }, { field: 'o.mountPoints', includes: '/c' });
    const whiteout = [
      { field: 'e.kind', equals: 'whiteout' },
      { field: 'e.role', equals: 'upper' },
    ];
    expect(holds(overlay, exists({ entry: 'e', in: 'o' }, ...whiteout))).toBe(true);
    const lowerWhiteout = [whiteout[0]!, { field: 'e.role', equals: 'lower' }];
    expect(holds(overlay, exists({ entry: 'e', in: 'o' }, ...lowerWhiteout))).toBe(false);
    const copied = { field: 'e.came', equals: 'copy-up' };
    const name = { field: 'e.name', equals: 'copied' };
    expect(holds(overlay, exists({ entry: 'e', in: 'o' }, copied, name))).toBe(true);
  });

  it('how a mount propagates', () => {
    const mount = { mount: 'm', in: 'sandbox.namespaces.mnt' };
    expect(holds(exists(mount, { field: 'm.propagation', equals: 'slave,shared' }))).toBe(true);
    expect(holds(exists(mount, { field: 'm.master', equals: 2 }))).toBe(true);
    expect(holds(exists(mount, { field: 'm.options', includes: 'relatime' }))).toBe(true);
    expect(holds(exists(mount, { field: 'm.propagation', equals: 'private' }))).toBe(false);
  });

  it('for interfaces and listening sockets, and whose they are', () => {
    const up = { field: 'l.up', equals: true };
    const inOwn = { field: 'l.netNs', sameAs: 'sandbox.namespaces.net' };
    expect(holds(exists({ link: 'l' }, up, inOwn))).toBe(true);
    expect(holds(exists({ link: 'l' }, { field: 'l.kind', equals: 'veth' }))).toBe(false);
    const port = { field: 's.port', equals: 80 };
    const whose = { field: 's.process.comm', equals: 'bash' };
    expect(holds(exists({ listener: 's' }, port, whose))).toBe(true);
  });

  it('for taped system calls and command lines', () => {
    const refused = { field: 'k.errno', equals: 'EPERM' };
    expect(holds(exists({ call: 'k' }, { field: 'k.name', equals: 'mount' }, refused))).toBe(true);
    expect(holds(exists({ call: 'k' }, { field: 'k.name', equals: 'chroot' }))).toBe(false);
    const failed = { field: 'k.exitCode', notEquals: 0 };
    expect(holds(exists({ command: 'k' }, { field: 'k.running', equals: false }, failed))).toBe(
      true,
    );
  });

  it('and never throws where an object has none of it', () => {
    expect(holds(exists({ process: 'p' }, { field: 'p.facts.seccomp', equals: 2 }))).toBe(false);
    expect(holds(exists({ entry: 'e', in: 'sandbox.init' }))).toBe(false);
  });
});
