/**
 * Each primitive of a container alone, once on the host in a mount namespace of its own and once
 * in a sandbox with a learner's powers: what changed is read from /proc, and when the process is
 * gone nothing is left. Needs root.
 */
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
} from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { probeHostFacts } from '../../packages/engine/src/index.js';
import {
  listedNamespaces,
  type PrimitiveContext,
  type PrimitiveEnd,
  primitiveNamed,
  primitives,
  writePlan,
} from '../../packages/engine/src/primitives/index.js';
import { buildPlayer } from '../../packages/syscall/native/build.mjs';
import {
  CAPABILITIES,
  ERRNO,
  NAMESPACE_KINDS,
  PlanBuilder,
  PlanError,
  type PlanResult,
  ResidentPlayer,
} from '../../packages/syscall/src/index.js';
import {
  type Lab,
  missing,
  namespacesInUse,
  processesOfRange,
  startLab,
  until,
} from './sandbox-lab.js';

const lack = missing();
if (lack !== null) console.warn(`primitives: skipped, this needs ${lack}`);
function newerThan(major: number, minor: number): boolean {
  const [first = 0, second = 0] = release().split('.').map(Number);
  return first > major || (first === major && second >= minor);
}
const idmappedTmpfs = newerThan(6, 3);
const suffix = lack === null ? '' : ` (missing: ${lack})`;

/** Runs on the host or in the sandbox. */
interface Place {
  readonly context: PrimitiveContext;
  /** a directory of its own, as the process sees it */
  readonly directory: string;
  readonly idBase: number;
  /** Runs a shell script as root of the place, in the directory. */
  sh(script: string): Promise<string>;
}

let player: ResidentPlayer;
let lab: Lab;
let place: Place;
const held: { pid: number; ended: Promise<number> }[] = [];
const used = new Set<string>();

beforeAll(async () => {
  if (lack !== null) return;
  player = await ResidentPlayer.start({ binary: buildPlayer() });
  lab = await startLab('primitives');
  await lab.engine.adopt();
  await lab.engine.create({ id: 'learner' });
});
afterAll(async () => {
  await lab?.close();
  await player?.close();
});

async function hostPlace(): Promise<Place> {
  const directory = mkdtempSync('/tmp/terrarium-primitives-');
  return {
    context: { facts: probeHostFacts() },
    directory,
    idBase: 0,
    sh: async (script) => execFileSync('sh', ['-c', script], { cwd: directory, encoding: 'utf8' }),
  };
}

async function sandboxPlace(): Promise<Place> {
  const { idBase = 0 } = lab.engine.list()[0] ?? {};
  await lab.sh('learner', 'rm -rf /lab/p; mkdir /lab/p');
  return {
    context: { facts: lab.engine.facts, sandbox: lab.engine.execTarget('learner') },
    directory: '/lab/p',
    idBase,
    sh: async (script) => {
      const { exitCode, output } = await lab.sh('learner', `cd /lab/p && ${script}`);
      if (exitCode !== 0) throw new Error(`${script}: ${output}`);
      return output;
    },
  };
}

type Step = readonly [name: string, params: unknown];

/** Runs primitives one after the other; the process stays, until the test is over. */
async function stay(...steps: Step[]): Promise<number> {
  return (await run({ kind: 'stay' }, steps)).pid;
}

async function run(
  end: PrimitiveEnd,
  steps: readonly Step[],
): Promise<{ pid: number; result: PlanResult; listed: ReturnType<typeof listedNamespaces> }> {
  for (const [name] of steps) used.add(name);
  const prepared = steps.map(([name, params]) => primitiveNamed(name).with(params));
  const plan = writePlan(prepared, { ...place.context, end });
  const result = await player.run(plan).done;
  const pid = result.hostPids[plan.subject] ?? 0;
  held.push({ pid, ended: new Promise((resolve) => player.onExit(pid, resolve)) });
  return { pid, result, listed: listedNamespaces(plan, result.reports) };
}

/** The errno name with which the kernel refused. */
async function refusal(...steps: Step[]): Promise<string> {
  try {
    await run({ kind: 'exit' }, steps);
    return 'done';
  } catch (error) {
    if (!(error instanceof PlanError)) throw error;
    const { errno = 0 } = error.failed ?? {};
    const step = `${error.message.split(':')[1]}`;
    return Object.entries(ERRNO).find(([, value]) => value === errno)?.[0] ?? step;
  }
}

async function endHeld(): Promise<void> {
  for (const { pid, ended } of held.splice(0)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // it has ended by itself
    }
    await ended;
  }
}

function inDirectory(name: string): string {
  return join(place.directory, name);
}

/** A path as the process sees it. */
function seen(pid: number, path: string): string {
  return `/proc/${pid}/root${path}`;
}

function status(pid: number, field: string): string {
  const text = readFileSync(`/proc/${pid}/status`, 'utf8');
  return new RegExp(`^${field}:\\s*(.*)$`, 'm').exec(text)?.[1] ?? '';
}

function namespaceOf(pid: number | 'self', kind: string): string {
  return readlinkSync(`/proc/${pid}/ns/${kind}`);
}

/** Links of all namespaces of a process that may have ended. */
function namespacesOf(pid: number): string[] {
  return NAMESPACE_KINDS.flatMap(({ proc }) => {
    try {
      return [namespaceOf(pid, proc)];
    } catch {
      return []; // it has ended
    }
  });
}

/** Options, optional fields, type and super options of the topmost mount there; null: none. */
function mountAt(pid: number, target: string): string | null {
  const rows = readFileSync(`/proc/${pid}/mountinfo`, 'utf8').trim().split('\n');
  const row = rows.map((line) => line.split(' ')).findLast((one) => one[4] === target);
  if (row === undefined) return null;
  const dash = row.indexOf('-');
  return [row[5], ...row.slice(6, dash), row[dash + 1], row[dash + 3]].join(' ');
}

/** ioprio_get(2): /proc has no file for it. */
async function ioPriorityOf(pid: number): Promise<number> {
  const builder = new PlanBuilder('ioprio_get');
  const why = { id: 'test', en: 'test', zh: '测试' };
  builder.call('outside', { syscall: 'ioprio_get', args: [1, pid], purpose: why });
  const { reports } = await player.run(builder.build()).done;
  return Number(reports[0]?.result);
}

/** Hex sets of /proc/PID/status as names. */
function capabilitiesOf(pid: number, set: string): string[] {
  const bits = BigInt(`0x${status(pid, set)}`);
  return Object.entries(CAPABILITIES)
    .filter(([, bit]) => (bits >> BigInt(bit)) & 1n)
    .map(([name]) => name);
}

const MAPS = {
  uid: [{ containerID: 0, hostID: 1000, size: 500 }],
  gid: [{ containerID: 0, hostID: 2000, size: 500 }],
};
const tmpfs = (target: string): Step => [
  'mount',
  { source: 'test', target, type: 'tmpfs', options: ['size=1m'] },
];

describe.skipIf(lack !== null).each([
  ['host', hostPlace],
  ['sandbox', sandboxPlace],
])(`primitives on the %s${suffix}`, (where, makePlace) => {
  const inSandbox = where === 'sandbox';
  let before: Set<string>;
  let mountsBefore: string;

  beforeEach(async () => {
    place = await makePlace();
    before = namespacesInUse();
    mountsBefore = mountPoints();
  });
  afterEach(async () => {
    const made = held.flatMap(({ pid }) => namespacesOf(pid)).filter((one) => !before.has(one));
    await endHeld();
    expect(mountPoints()).toBe(mountsBefore);
    await until('its namespaces are gone', () => {
      const inUse = namespacesInUse();
      return made.every((one) => !inUse.has(one));
    });
    if (inSandbox)
      await until(
        'only the sandbox’s init is left',
        () => processesOfRange(place.idBase).length === 1,
      );
    if (inSandbox) await lab.sh('learner', 'rm -rf /lab/p');
    else rmSync(place.directory, { recursive: true });
  });

  /** A process that is in the place's own namespaces. */
  function placePid(): number {
    return inSandbox ? (lab.engine.list()[0]?.initPid ?? 0) : process.pid;
  }

  /** Mount points of the place's mount namespace, without those that a test removes itself. */
  function mountPoints(): string {
    return readFileSync(`/proc/${placePid()}/mountinfo`, 'utf8')
      .split('\n')
      .map((line) => line.split(' ')[4])
      .filter((point) => inSandbox || !/^\/(tmp|run)\//.test(point ?? ''))
      .join('\n');
  }

  const home = (kind: string) => namespaceOf(placePid(), kind);

  test.each(['mnt', 'uts', 'ipc', 'net', 'cgroup'] as const)(
    'namespace-make › %s by unshare, the others stay',
    async (kind) => {
      const pid = await stay(['namespace-make', { kinds: [kind] }]);
      expect(namespaceOf(pid, kind)).not.toBe(home(kind));
      expect(namespaceOf(pid, 'user')).toBe(home('user'));
    },
  );

  test('namespace-make › pid: the child is process 1', async () => {
    const pid = await stay(['namespace-make', { kinds: ['pid'] }]);
    expect(namespaceOf(pid, 'pid')).not.toBe(home('pid'));
    expect(status(pid, 'NSpid').split('\t').at(-1)).toBe('1');
  });

  test('namespace-make › user: the parent writes the maps, the child is root', async () => {
    const pid = await stay(['namespace-make', { kinds: ['user', 'uts'], maps: MAPS }]);
    expect(readFileSync(`/proc/${pid}/uid_map`, 'utf8').trim().split(/\s+/)).toEqual([
      '0',
      String(place.idBase + 1000),
      '500',
    ]);
    expect(status(pid, 'Uid')).toBe(
      Array(4)
        .fill(place.idBase + 1000)
        .join('\t'),
    );
    expect(status(pid, 'Gid')).toBe(
      Array(4)
        .fill(place.idBase + 2000)
        .join('\t'),
    );
    expect(readFileSync(`/proc/${pid}/setgroups`, 'utf8')).toBe('allow\n');
    expect(namespaceOf(pid, 'user')).not.toBe(home('user'));
  });

  test('namespace-make › user: setgroups is denied before gid_map', async () => {
    const maps = { ...MAPS, setgroups: false };
    const pid = await stay(['namespace-make', { kinds: ['user'], maps }]);
    expect(readFileSync(`/proc/${pid}/setgroups`, 'utf8')).toBe('deny\n');
    expect(
      await refusal(
        ['namespace-make', { kinds: ['user'], maps }],
        ['ids', { uid: 1, gid: 1, groups: [] }],
      ),
    ).toBe('EPERM');
  });

  test('namespace-make › time: offsets are set before anyone is in it', async () => {
    const offsets = { monotonic: { secs: 86_400 }, boottime: { secs: -5, nanosecs: 1 } };
    const make = { kinds: inSandbox ? ['user', 'time'] : ['time'], offsets };
    const pid = await stay(['namespace-make', inSandbox ? { ...make, maps: MAPS } : make]);
    expect(namespaceOf(pid, 'time')).not.toBe(home('time'));
    expect(readFileSync(`/proc/${pid}/timens_offsets`, 'utf8').split(/\s+/)).toEqual([
      'monotonic',
      '86400',
      '0',
      'boottime',
      '-5',
      '1',
      '',
    ]);
  });

  test('namespace-make › all eight at once', async () => {
    const kinds = NAMESPACE_KINDS.map(({ proc }) => proc);
    const pid = await stay(['namespace-make', { kinds, maps: MAPS }]);
    for (const kind of kinds) expect(namespaceOf(pid, kind), kind).not.toBe(home(kind));
  });

  test('namespace-join › by pid and by path; namespace-list names it', async () => {
    // A program: what still runs the player keeps its namespaces from a learner.
    const { pid: first } = await run({ kind: 'exec', args: ['sleep', '1000'] }, [
      ['namespace-make', { kinds: ['uts', 'ipc'] }],
    ]);
    const pid = Number(status(first, 'NSpid').split('\t').at(-1));
    const byPid = await run({ kind: 'stay' }, [
      ['namespace-join', { pid, kinds: ['uts', 'ipc'] }],
      ['namespace-list', {}],
    ]);
    for (const kind of ['uts', 'ipc'] as const) {
      expect(namespaceOf(byPid.pid, kind)).toBe(namespaceOf(first, kind));
      expect(`${kind}:[${byPid.listed[kind]}]`).toBe(namespaceOf(first, kind));
    }
    expect(Object.keys(byPid.listed)).toHaveLength(8);
    await place.sh('touch uts');
    const { listed } = await run({ kind: 'exit' }, [
      ['namespace-make', { kinds: ['mnt'] }],
      ['namespace-make', { kinds: ['uts'] }],
      ['namespace-hold', { kind: 'uts', file: inDirectory('uts') }],
      ['namespace-make', { kinds: ['uts'] }],
      ['namespace-join', { path: inDirectory('uts'), kind: 'uts' }],
      ['namespace-list', {}],
    ]);
    expect(`uts:[${listed.uts}]`).not.toBe(home('uts'));
  });

  const ALL_KINDS = NAMESPACE_KINDS.map(({ proc }) => proc);

  /** A program in eight namespaces of its own; its pid as the place counts. */
  async function resident(): Promise<{ hostPid: number; pid: number }> {
    const { pid: hostPid } = await run({ kind: 'exec', args: ['sleep', '1000'] }, [
      ['namespace-make', { kinds: ALL_KINDS, maps: MAPS }],
    ]);
    return {
      hostPid,
      pid: Number(
        status(hostPid, 'NSpid')
          .split('\t')
          .at(inSandbox ? 1 : 0),
      ),
    };
  }

  test('namespace-join › each of the eight kinds, and all at once', async () => {
    const { hostPid, pid } = await resident();
    for (const kind of ALL_KINDS) {
      // The other kinds belong to its user namespace: powers over them come from the parent.
      const joined = await stay(['namespace-join', { pid, kinds: [kind] }]);
      expect(namespaceOf(joined, kind), kind).toBe(namespaceOf(hostPid, kind));
      const other = kind === 'uts' ? 'ipc' : 'uts';
      expect(namespaceOf(joined, other), kind).toBe(home(other));
    }
    const all = await stay(['namespace-join', { pid, kinds: ALL_KINDS }]);
    for (const kind of ALL_KINDS)
      expect(namespaceOf(all, kind), kind).toBe(namespaceOf(hostPid, kind));
  });

  test('namespace-hold › each of the eight kinds outlives its processes', async () => {
    const { hostPid, pid } = await resident();
    // A mount namespace is held only in one with a smaller id, so that none holds itself; since
    // Linux 6.18 each CPU gives out ids of its own, and only the host's is smaller for certain.
    const kinds = ALL_KINDS.filter((kind) => !(inSandbox && kind === 'mnt'));
    const inodes = kinds.map((kind) => Number(/\d+/.exec(namespaceOf(hostPid, kind))?.[0]));
    const file = (kind: string) => inDirectory(`held-${kind}`);
    const context = { ...place.context, mounts: 'shared' as const };
    const holds = kinds.map((kind) =>
      primitiveNamed('namespace-hold').with({ kind, pid, file: file(kind) }),
    );
    try {
      await player.run(writePlan(holds, context)).done;
      process.kill(hostPid, 'SIGKILL');
      await until('the program is gone', () => !existsSync(`/proc/${hostPid}`));
      const rows = readFileSync(`/proc/${placePid()}/mountinfo`, 'utf8');
      for (const kind of kinds) expect(rows, kind).toContain(` ${file(kind)} `);
      const held = kinds.map((kind) => statSync(`/proc/${placePid()}/root${file(kind)}`).ino);
      expect(held).toEqual(inodes);
    } finally {
      await place.sh('for file in held-*; do umount $file; done');
    }
  });

  test('namespace-hold › a bind mount keeps it, an open fd too', async () => {
    const byMount = await stay(
      ['namespace-make', { kinds: ['net'] }],
      ['namespace-hold', { kind: 'net', file: inDirectory('held') }],
      ['namespace-make', { kinds: ['net'] }],
    );
    expect(mountAt(byMount, inDirectory('held'))).toMatch(/nsfs/);
    if (inSandbox) await place.sh('umount held');
    const byFd = await run({ kind: 'hold' }, [
      ['namespace-make', { kinds: ['uts'] }],
      ['namespace-hold', { kind: 'uts' }],
    ]);
    const links = readdirSync(`/proc/${byFd.pid}/fd`).map((fd) =>
      readlinkSync(`/proc/${byFd.pid}/fd/${fd}`),
    );
    expect(links).toContain(namespaceOf(byFd.pid, 'uts'));
  });

  test('id-map › of another process: done before, it is EPERM', async () => {
    const other = await stay(['namespace-make', { kinds: ['user'], maps: MAPS }]);
    const pid = Number(
      status(other, 'NSpid')
        .split('\t')
        .at(inSandbox ? 1 : 0),
    );
    expect(await refusal(['id-map', { pid, ...MAPS }])).toBe('EPERM');
  });

  test('mount › flags and options; umount takes it away', async () => {
    await place.sh('mkdir m');
    const target = inDirectory('m');
    const options = ['ro', 'nosuid', 'nodev', 'noexec', 'noatime', 'nosymfollow', 'size=64k'];
    const isolated: Step = ['namespace-make', { kinds: ['mnt'] }];
    const pid = await stay(isolated, ['mount', { source: 'x', target, type: 'tmpfs', options }]);
    expect(mountAt(pid, target)).toMatch(
      /^ro,nosuid,nodev,noexec,noatime(,nosymfollow)? tmpfs ro.*size=64k/,
    );
    const gone = await stay(isolated, tmpfs(target), ['umount', { target }]);
    expect(mountAt(gone, target)).toBeNull();
  });

  test('bind and rbind › with flags by a second call', async () => {
    await place.sh('mkdir a b c && mkdir a/sub');
    const [a, b, c] = [inDirectory('a'), inDirectory('b'), inDirectory('c')];
    const pid = await stay(
      ['namespace-make', { kinds: ['mnt'] }],
      tmpfs(`${a}/sub`),
      ['bind', { source: a, target: b, options: ['ro', 'nosuid', 'nodev'] }],
      ['bind', { source: a, target: c, recursive: true }],
    );
    expect(mountAt(pid, b)).toMatch(/^ro,nosuid,nodev/);
    expect(mountAt(pid, `${b}/sub`)).toBeNull();
    expect(mountAt(pid, `${c}/sub`)).toMatch(/tmpfs/);
  });

  test('propagation › shared, slave, private and unbindable, one or all below', async () => {
    await place.sh('mkdir s u');
    const [s, u] = [inDirectory('s'), inDirectory('u')];
    const isolated: Step = ['namespace-make', { kinds: ['mnt'] }];
    const make = (target: string, kind: string, recursive = false): Step => [
      'propagation',
      { target, kind, recursive },
    ];
    const pid = await stay(isolated, tmpfs(s), make(s, 'shared'), tmpfs(u), make(u, 'unbindable'));
    expect(mountAt(pid, s)).toMatch(/ shared:\d+ tmpfs/);
    expect(mountAt(pid, u)).toMatch(/ unbindable tmpfs/);
    const slave = await stay(
      isolated,
      tmpfs(s),
      make(s, 'shared'),
      ['bind', { source: s, target: u }],
      make(u, 'slave'),
    );
    expect(mountAt(slave, u)).toMatch(/ master:\d+ tmpfs/);
    const all = await stay(isolated, tmpfs(s), make(s, 'shared'), make('/', 'private', true));
    expect(readFileSync(`/proc/${all}/mountinfo`, 'utf8')).not.toMatch(/ (shared|master):/);
  });

  test('move-mount › the mount is at the new place only', async () => {
    await place.sh('mkdir a b');
    const [source, target] = [inDirectory('a'), inDirectory('b')];
    const pid = await stay(
      ['namespace-make', { kinds: ['mnt'] }],
      ['propagation', { target: '/', kind: 'private', recursive: true }],
      tmpfs(source),
      ['move-mount', { source, target }],
    );
    expect([mountAt(pid, source), mountAt(pid, target)]).toEqual([
      null,
      expect.stringMatching(/tmpfs/),
    ]);
  });

  test('attach-tree › attributes of a whole tree, and ids of another owner', async () => {
    await place.sh('mkdir a b i && mkdir a/sub && touch a/file');
    const [a, b] = [inDirectory('a'), inDirectory('b')];
    const pid = await stay(['namespace-make', { kinds: ['mnt'] }], tmpfs(`${a}/sub`), [
      'attach-tree',
      { source: a, target: b, options: ['rbind', 'rro', 'rnosuid', 'rslave'] },
    ]);
    expect(mountAt(pid, b)).toMatch(/^ro,nosuid/);
    expect(mountAt(pid, `${b}/sub`)).toMatch(/^ro,nosuid/);
  });

  test.skipIf(!idmappedTmpfs)(
    `attach-tree › idmap shows files as owned by others${idmappedTmpfs ? '' : ' (missing: id-mapped tmpfs, Linux 6.3)'}`,
    async () => {
      await place.sh('mkdir a b');
      const [a, b] = [inDirectory('a'), inDirectory('b')];
      const pid = await stay(['namespace-make', { kinds: ['mnt'] }], tmpfs(a), [
        'attach-tree',
        { source: a, target: b, options: ['idmap'], maps: MAPS },
      ]);
      expect(statSync(seen(pid, a)).uid).toBe(place.idBase);
      expect(statSync(seen(pid, b)).uid).toBe(place.idBase + 1000);
    },
  );

  test('chroot › / is another directory, the mounts stay', async () => {
    await place.sh('mkdir root && touch root/here');
    const pid = await stay(['chroot', { root: inDirectory('root') }]);
    expect(readdirSync(`/proc/${pid}/root`)).toEqual(['here']);
    expect(readdirSync(`/proc/${pid}/cwd`)).toEqual(['here']);
    expect(mountAt(pid, '/')).toBeNull(); // no mount is at its root
  });

  test('pivot-root › no mount of before is left', async () => {
    await place.sh('mkdir root && touch root/here');
    const pid = await stay(
      ['namespace-make', { kinds: ['mnt'] }],
      ['propagation', { target: '/', kind: 'private', recursive: true }],
      ['pivot-root', { root: inDirectory('root') }],
    );
    expect(readdirSync(`/proc/${pid}/root`)).toEqual(['here']);
    expect(readFileSync(`/proc/${pid}/mountinfo`, 'utf8').trim().split('\n')).toHaveLength(1);
  });

  test('move-root › the fallback leaves the old root below', async () => {
    await place.sh('mkdir root && touch root/here');
    const pid = await stay(
      ['namespace-make', { kinds: ['mnt'] }],
      ['propagation', { target: '/', kind: 'private', recursive: true }],
      ['move-root', { root: inDirectory('root') }],
    );
    expect(readdirSync(`/proc/${pid}/root`)).toEqual(['here']);
    expect(mountAt(pid, '/')).not.toBeNull();
  });

  /** Layers with a file and a directory to hide; and the mount of them. */
  async function layered(): Promise<{ at: (name: string) => string; overlay: Step }> {
    const at = (name: string) => inDirectory(`layers/${name}`);
    await place.sh('mkdir -p layers/lower/dir layers/upper layers/work layers/merged');
    await place.sh('touch layers/lower/gone layers/lower/kept layers/lower/dir/hidden');
    const layers = { lower: [at('lower')], upper: at('upper'), work: at('work') };
    return { at, overlay: ['overlay', { target: at('merged'), ...layers }] };
  }

  test('overlay and whiteout › the upper layer hides what is below', async () => {
    const { at, overlay } = await layered();
    const pid = await stay(
      ['namespace-make', { kinds: ['mnt'] }],
      ['whiteout', { file: at('upper/gone') }],
      overlay,
    );
    expect(mountAt(pid, at('merged'))).toMatch(
      inSandbox ? / overlay .*userxattr/ : / overlay (?!.*userxattr)/,
    );
    expect(readdirSync(seen(pid, at('merged'))).sort()).toEqual(['dir', 'kept']);
    expect(readdirSync(seen(pid, at('merged/dir')))).toEqual(['hidden']);
    expect(statSync(seen(pid, at('upper/gone'))).rdev).toBe(0);
  });

  const noMarks = inSandbox && !newerThan(6, 6);
  test.skipIf(noMarks)(
    `opaque-directory › hides all that is below it${noMarks ? ' (missing: user attributes on tmpfs, Linux 6.6)' : ''}`,
    async () => {
      const { at, overlay } = await layered();
      const pid = await stay(
        ['namespace-make', { kinds: ['mnt'] }],
        ['opaque-directory', { directory: at('upper/dir') }],
        overlay,
      );
      expect(readdirSync(seen(pid, at('merged/dir')))).toEqual([]);
    },
  );

  test('mask-paths and readonly-paths › on the real /proc', async () => {
    const pid = await stay(
      ['namespace-make', { kinds: ['mnt'] }],
      ['mask-paths', { paths: ['/proc/kcore', '/proc/scsi', '/proc/fs', '/absent'] }],
      ['readonly-paths', { paths: ['/proc/sys', '/proc/sysrq-trigger'] }],
    );
    if (existsSync('/proc/kcore')) expect(statSync(seen(pid, '/proc/kcore')).rdev).toBe(0x103);
    expect(readdirSync(seen(pid, '/proc/fs'))).toEqual([]);
    expect(mountAt(pid, '/proc/fs')).toMatch(/^ro,.*tmpfs ro/);
    expect(mountAt(pid, '/proc/sys')).toMatch(/^ro,.*proc/);
    expect(mountAt(pid, '/')).not.toMatch(/tmpfs ro/);
  });

  test('device-node › made on the host, refused in a user namespace', async () => {
    const device = { type: 'c', path: '/null', major: 1, minor: 3, fileMode: 0o600, uid: 7 };
    const step: Step = ['device-node', { root: place.directory, device }];
    if (inSandbox) {
      expect(await refusal(step)).toBe('EPERM');
      return;
    }
    const pid = await stay(step);
    expect(statSync(seen(pid, inDirectory('null')))).toMatchObject({
      rdev: 0x103,
      mode: 0o20600,
      uid: 7,
    });
  });

  test('hostname and domainname › of the own UTS namespace only', async () => {
    const outside = readFileSync('/proc/sys/kernel/hostname', 'utf8');
    const file = inDirectory('names');
    await run(
      {
        kind: 'exec',
        args: [
          '/bin/sh',
          '-c',
          `cat /proc/sys/kernel/hostname /proc/sys/kernel/domainname > ${file}`,
        ],
      },
      [
        ['namespace-make', { kinds: ['uts'] }],
        ['hostname', { hostname: 'aquarium' }],
        ['domainname', { domainname: 'pond' }],
      ],
    );
    await endHeldQuietly();
    expect(await place.sh('cat names')).toBe('aquarium\npond\n');
    expect(readFileSync('/proc/sys/kernel/hostname', 'utf8')).toBe(outside);
  });

  test('sysctl › of the own network namespace only', async () => {
    const key = 'net.ipv4.ip_default_ttl';
    const outside = readFileSync('/proc/sys/net/ipv4/ip_default_ttl', 'utf8');
    const file = inDirectory('ttl');
    await run(
      { kind: 'exec', args: ['/bin/sh', '-c', `cat /proc/sys/net/ipv4/ip_default_ttl > ${file}`] },
      [
        ['namespace-make', { kinds: ['net'] }],
        ['sysctl', { key, value: '33' }],
      ],
    );
    await endHeldQuietly();
    expect(await place.sh('cat ttl')).toBe('33\n');
    expect(readFileSync('/proc/sys/net/ipv4/ip_default_ttl', 'utf8')).toBe(outside);
    if (inSandbox)
      expect(await refusal(['sysctl', { key: 'kernel.core_pattern', value: 'x' }])).toBe('EACCES');
  });

  test('capabilities › the five sets are what was asked for', async () => {
    const pid = await stay([
      'capabilities',
      {
        bounding: ['CAP_CHOWN', 'CAP_KILL', 'CAP_NET_RAW'],
        permitted: ['CAP_CHOWN', 'CAP_KILL'],
        effective: ['CAP_CHOWN'],
        inheritable: ['CAP_CHOWN'],
        ambient: ['CAP_CHOWN'],
      },
    ]);
    const sets = ['CapBnd', 'CapPrm', 'CapEff', 'CapInh', 'CapAmb'];
    expect(sets.map((set) => capabilitiesOf(pid, set))).toEqual([
      ['CAP_CHOWN', 'CAP_KILL', 'CAP_NET_RAW'],
      ['CAP_CHOWN', 'CAP_KILL'],
      ['CAP_CHOWN'],
      ['CAP_CHOWN'],
      ['CAP_CHOWN'],
    ]);
  });

  test('no-new-privileges and seccomp › one filter more, and it refuses', async () => {
    const filters = Number(status(process.pid, 'Seccomp_filters'));
    const profile = {
      defaultAction: 'SCMP_ACT_ALLOW',
      syscalls: [{ names: ['sethostname'], action: 'SCMP_ACT_ERRNO', errnoRet: ERRNO.EXDEV }],
    };
    const steps: Step[] = [
      ['no-new-privileges', {}],
      ['seccomp', { profile }],
    ];
    const pid = await stay(...steps);
    expect(status(pid, 'NoNewPrivs')).toBe('1');
    expect(status(pid, 'Seccomp')).toBe('2');
    expect(Number(status(pid, 'Seccomp_filters'))).toBe(filters + (inSandbox ? 2 : 1));
    expect(await refusal(...steps, ['hostname', { hostname: 'x' }])).toBe('EXDEV');
  });

  test('ids › all three, and exactly the given groups', async () => {
    const pid = await stay(['ids', { uid: 33, gid: 44, groups: [55, 66] }]);
    expect(status(pid, 'Uid')).toBe(
      Array(4)
        .fill(place.idBase + 33)
        .join('\t'),
    );
    expect(status(pid, 'Gid')).toBe(
      Array(4)
        .fill(place.idBase + 44)
        .join('\t'),
    );
    expect(status(pid, 'Groups').trim()).toBe(`${place.idBase + 55} ${place.idBase + 66}`);
  });

  test('rlimit, oom-score-adj › as asked; raising a hard limit is refused in a sandbox', async () => {
    const rlimit = { type: 'RLIMIT_NOFILE', soft: 100, hard: 200 };
    const pid = await stay(['oom-score-adj', { score: 900 }], ['rlimit', { rlimit }]);
    expect(readFileSync(`/proc/${pid}/limits`, 'utf8')).toMatch(/Max open files\s+100\s+200 /);
    expect(readFileSync(`/proc/${pid}/oom_score_adj`, 'utf8')).toBe('900\n');
    if (!inSandbox) return;
    const more = { ...rlimit, hard: 2 ** 20 };
    expect(await refusal(['rlimit', { rlimit: more }])).toBe('EPERM');
  });

  test('personality, scheduler, io-priority › as /proc shows them', async () => {
    const pid = await stay(
      ['personality', { domain: 'LINUX32' }],
      ['scheduler', { policy: 'SCHED_BATCH', nice: 5 }],
      ['io-priority', { class: 'IOPRIO_CLASS_IDLE', priority: 7 }],
    );
    expect(readFileSync(`/proc/${pid}/personality`, 'utf8').trim()).toBe('00000008');
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    expect(fields[16]).toBe('5'); // nice
    expect(fields[38]).toBe('3'); // policy: SCHED_BATCH
    expect(await ioPriorityOf(pid)).toBe((3 << 13) | 7); // IOPRIO_PRIO_VALUE(IOPRIO_CLASS_IDLE, 7)
  });

  test('keyring › a new one on the host; the filter of a sandbox refuses', async () => {
    if (inSandbox) expect(await refusal(['keyring', {}])).toBe('ENOSYS');
    else expect(await refusal(['keyring', {}])).toMatch(/done|EDQUOT/);
  });

  async function endHeldQuietly(): Promise<void> {
    // Programs end by themselves; waiting is enough.
    for (const { ended } of held.splice(0)) await ended;
  }
});

test.skipIf(lack !== null)(`every primitive of the table was run${suffix}`, () => {
  expect(primitives.map(({ name }) => name).filter((name) => !used.has(name))).toEqual([]);
});
