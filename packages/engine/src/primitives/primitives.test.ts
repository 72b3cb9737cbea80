/** Every primitive as data: a plan that the player takes, on the host and in a sandbox. */
import { type Call, encodeRun, type Plan } from '@terrarium/syscall';
import { describe, expect, test } from 'vitest';
import { V2_FACTS } from '../facts.fixture.js';
import { networkPrimitives } from '../network/primitives.js';
import { sandboxSeccomp } from '../seccomp/index.js';
import {
  listPrimitives,
  type PrimitiveContext,
  primitiveNamed,
  primitives,
  writePlan,
} from './index.js';

const MAPS = {
  uid: [{ containerID: 0, hostID: 1000, size: 10 }],
  gid: [{ containerID: 0, hostID: 1000, size: 10 }],
};

/** Parameters for each row of the table. */
const EXAMPLES: Readonly<Record<string, unknown>> = {
  'namespace-make': {
    kinds: ['user', 'time', 'pid'],
    maps: MAPS,
    offsets: { boottime: { secs: 1 } },
  },
  'namespace-join': { pid: 7, kinds: ['net', 'pid'] },
  'namespace-hold': { kind: 'net', file: '/run/netns/a' },
  'namespace-list': {},
  'id-map': { pid: 7, ...MAPS, setgroups: false },
  mount: { source: 'x', target: '/mnt', type: 'tmpfs', options: ['ro', 'size=1m'] },
  bind: { source: '/a', target: '/b', recursive: true, options: ['ro'] },
  propagation: { target: '/', kind: 'slave', recursive: true },
  'move-mount': { source: '/a', target: '/b' },
  umount: { target: '/a', detach: true },
  'attach-tree': { source: '/a', target: '/b', options: ['rbind', 'rro', 'idmap'], maps: MAPS },
  chroot: { root: '/r' },
  'pivot-root': { root: '/r' },
  'move-root': { root: '/r' },
  overlay: { target: '/m', lower: ['/l1', '/l:2'], upper: '/u', work: '/w' },
  whiteout: { file: '/u/gone' },
  'opaque-directory': { directory: '/u/dir' },
  'mask-paths': { paths: ['/proc/kcore'] },
  'readonly-paths': { paths: ['/proc/sys'] },
  'device-node': { device: { type: 'c', path: '/dev/null', major: 1, minor: 3 } },
  hostname: { hostname: 'a' },
  domainname: { domainname: 'a' },
  sysctl: { key: 'net.ipv4.ip_forward', value: '1' },
  capabilities: { bounding: ['CAP_CHOWN'], effective: [], permitted: [], ambient: [] },
  seccomp: { profile: sandboxSeccomp() },
  'no-new-privileges': {},
  ids: { uid: 1, gid: 1, groups: [2] },
  rlimit: { rlimit: { type: 'RLIMIT_CORE', soft: 0, hard: 0 } },
  'oom-score-adj': { score: 5 },
  personality: { domain: 'LINUX32' },
  scheduler: { policy: 'SCHED_BATCH', nice: 3 },
  'io-priority': { class: 'IOPRIO_CLASS_BE', priority: 4 },
  keyring: {},
};

const HOST: PrimitiveContext = { facts: V2_FACTS };
const SANDBOX: PrimitiveContext = {
  facts: V2_FACTS,
  sandbox: {
    id: 'a',
    initPid: 10,
    initStartTime: 1,
    cgroupsPath: '/lab/a',
    facts: V2_FACTS,
    rlimits: [],
    oomScoreAdj: 500,
    boundingCapabilities: ['CAP_CHOWN'],
    seccomp: sandboxSeccomp(),
  },
};

function calls(plan: Plan, process: string): Call[] {
  return (plan.processes[process] ?? []).flatMap((step) => (step.kind === 'call' ? [step] : []));
}

test('there is an example for every row', () => {
  expect(Object.keys(EXAMPLES).sort()).toEqual(primitives.map(({ name }) => name).sort());
});

describe.each([
  ['host', HOST],
  ['sandbox', SANDBOX],
])('on the %s', (_, context) => {
  test.each(Object.entries(EXAMPLES))('%s is a plan that the player takes', (name, params) => {
    for (const end of ['exit', 'stay', 'hold'] as const) {
      const plan = primitiveNamed(name).plan(params, { ...context, end: { kind: end } });
      expect(() => encodeRun(plan, 1)).not.toThrow();
      expect(plan.processes[plan.subject]).toBeDefined();
    }
  });
});

test('every call has its sentence in both languages', () => {
  for (const { name } of primitives) {
    const plan = primitiveNamed(name).plan(EXAMPLES[name], SANDBOX);
    for (const step of Object.values(plan.processes).flat()) {
      expect(step.purpose.en, name).not.toBe('');
      expect(step.purpose.zh, name).not.toBe('');
    }
  }
});

test('in a sandbox nothing of a learner is touched before the process is the sandbox’s root', () => {
  for (const { name } of primitives) {
    const plan = primitiveNamed(name).plan(EXAMPLES[name], SANDBOX);
    // Paths that begin at the working directory or at `/` are the learner's.
    const paths = calls(plan, 'member').map(({ syscall, display }) => ({ syscall, display }));
    const root = paths.findIndex(({ syscall }) => syscall === 'setresuid');
    const before = root === -1 ? paths : paths.slice(0, root);
    expect(
      before.filter(({ display }) => display.includes('AT_FDCWD')),
      name,
    ).toEqual([]);
    expect(
      before.filter(({ syscall }) => ['mount', 'chdir', 'chroot'].includes(syscall)),
      name,
    ).toEqual([]);
  }
});

test('on the host the mounts are its own unless told otherwise', () => {
  const first = (context: PrimitiveContext) =>
    calls(primitiveNamed('mount').plan(EXAMPLES['mount'], context), 'outside')[0]?.display;
  expect(first(HOST)).toBe('unshare(CLONE_NEWNS)');
  expect(first({ ...HOST, mounts: 'shared' })).toMatch(/^mount/);
});

test('setgroups is denied before gid_map, and all of it before the child goes on', () => {
  const maps = { ...MAPS, setgroups: false };
  const plan = primitiveNamed('namespace-make').plan({ kinds: ['user'], maps }, HOST);
  const shown = calls(plan, 'outside').map(({ display }) => display);
  const at = (part: string) => shown.findIndex((display) => display.includes(part));
  expect(at('/setgroups')).toBeGreaterThan(0);
  expect(at('/setgroups')).toBeLessThan(at('/uid_map'));
  expect(at('/uid_map')).toBeLessThan(at('/gid_map'));
  expect(at('write(<mappedWrite>')).toBeGreaterThan(at('/gid_map'));
  expect(calls(plan, 'inside').some(({ syscall }) => syscall === 'setgroups')).toBe(false);
});

test('overlay escapes what separates layers, and uses user.* marks in a sandbox', () => {
  const mount = (context: PrimitiveContext, process: string) =>
    calls(primitiveNamed('overlay').plan(EXAMPLES['overlay'], context), process).at(-1)?.display;
  expect(mount(HOST, 'outside')).toContain(String.raw`lowerdir=/l1:/l\\:2`);
  expect(mount(HOST, 'outside')).not.toContain('userxattr');
  expect(mount(SANDBOX, 'member')).toContain('userxattr');
});

test('parameters that mean nothing are refused by name', () => {
  const make = (params: unknown) => () => primitiveNamed('namespace-make').plan(params, HOST);
  expect(make({ kinds: ['user'] })).toThrow('maps belong to a user namespace');
  expect(make({ kinds: ['uts'], offsets: {} })).toThrow('offsets belong to a time namespace');
  expect(make({ kinds: ['nonsense'] })).toThrow('kinds');
  expect(() => primitiveNamed('nonsense')).toThrow('there is no primitive nonsense');
});

test('several together happen in one process, in order', () => {
  const steps = [
    primitiveNamed('namespace-make').with({ kinds: ['uts'] }),
    primitiveNamed('hostname').with({ hostname: 'x' }),
  ];
  const plan = writePlan(steps, HOST);
  expect(calls(plan, 'outside').map(({ syscall }) => syscall)).toEqual([
    'unshare',
    'mount',
    'unshare',
    'sethostname',
  ]);
});

test('the list has those of the network, too', () => {
  expect(listPrimitives()).toHaveLength(primitives.length + networkPrimitives.length);
});
