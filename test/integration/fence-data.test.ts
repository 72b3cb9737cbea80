/**
 * The fence as data, read from real processes: a sandbox's init, a shell, this very process; and
 * why a call was refused: every row of the table is provoked in a sandbox and must come first.
 * Needs root.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  explainRefusal,
  type Fence,
  type FenceEntry,
  fenceSchema,
  NoSuchProcess,
  REFUSAL_RULES,
  type RuleId,
  readFence,
} from '../../packages/engine/src/fence/index.js';
import { KERNEL_SOURCE } from '../../packages/engine/src/fence/source.js';
import { type CallExtras, FDCWD, purpose } from '../../packages/engine/src/plan/script.js';
import {
  type PrimitiveContext,
  primitiveNamed,
  writePlan,
} from '../../packages/engine/src/primitives/index.js';
import type { PreparedPrimitive } from '../../packages/engine/src/primitives/primitive.js';
import { buildPlayer } from '../../packages/syscall/native/build.mjs';
import {
  type ArgumentInput,
  bytes,
  CAPABILITIES,
  CLONE,
  ERRNO,
  MNT,
  O,
  ResidentPlayer,
  S,
  struct,
  TIOC,
} from '../../packages/syscall/src/index.js';
import { type Lab, missing, startLab } from './sandbox-lab.js';

const lack = missing();
if (lack !== null) console.warn(`fence-data: skipped, this needs ${lack}`);
const legacyTiocsti = KERNEL_SOURCE.read('/proc/sys/dev/tty/legacy_tiocsti');
const suffix = lack === null ? '' : ` (missing: ${lack})`;

const LIMITS = { pids: 40, diskBytes: 8 * 1024 * 1024 };
let player: ResidentPlayer;
let lab: Lab;
const held: { pid: number; ended: Promise<number> }[] = [];

beforeAll(async () => {
  if (lack !== null) return;
  player = await ResidentPlayer.start({ binary: buildPlayer() });
  lab = await startLab('fence-data', { limits: LIMITS });
  await lab.engine.adopt();
  await lab.engine.create({ id: 'learner' });
});
afterEach(async () => {
  for (const { pid, ended } of held.splice(0)) {
    process.kill(pid, 'SIGKILL');
    await ended;
  }
});
afterAll(async () => {
  await lab?.close();
  await player?.close();
});

/** As the daemon reads it. */
async function fenceOf(pid: number): Promise<Fence> {
  const { seccomp } = lab.engine.execTarget('learner');
  const fence = await readFence(pid, { facts: lab.engine.facts, player, record: { seccomp } });
  expect(fenceSchema.parse(JSON.parse(JSON.stringify(fence)))).toEqual(fence);
  return fence;
}

function entryOf(fence: Fence, id: string): FenceEntry {
  const entry = fence.entries.find((one) => one.id === id);
  if (entry === undefined) throw new Error(`no ${id} in ${fence.entries.map((one) => one.id)}`);
  return entry;
}

function sandbox() {
  const found = lab.engine.list()[0];
  if (found === undefined) throw new Error('there is no sandbox');
  return found;
}

describe.skipIf(lack !== null)(`readFence${suffix}`, () => {
  test('of a sandbox’s init › every kind of entry, in both languages, with raw values', async () => {
    const { initPid, idBase } = sandbox();
    const fence = await fenceOf(initPid);
    expect(new Set(fence.entries.map(({ id }) => id)).size).toBe(fence.entries.length);
    for (const { id, sentence, title } of fence.entries)
      for (const words of [sentence.en, sentence.zh, title.en, title.zh])
        expect(words, id).not.toMatch(/^$|undefined|NaN/);
    expect(fence.facts.sharedNamespaces).toEqual([]);
    expect(entryOf(fence, 'id-map.uid').sentence.en).toContain(`root inside is ${idBase} outside`);
    expect(entryOf(fence, 'credentials').sentence.en).toContain(`${idBase}:${idBase}`);
    expect(entryOf(fence, 'namespace.net').raw[0]?.value).toMatch(/^net:\[\d+\]$/);
    expect(entryOf(fence, 'namespace.net').raw[2]?.value).toBe(
      entryOf(fence, 'namespace.user').raw[0]?.value,
    );
    expect(entryOf(fence, 'namespace.net').sentence.en).toContain('root inside administers it');
    expect(entryOf(fence, 'root').sentence.en).toContain('overlay');
    expect(entryOf(fence, 'mount-flags./sys').sentence.en).toContain('nothing is written');
  });

  test('capabilities › exactly the missing ones have an entry, with what they would allow', async () => {
    const fence = await fenceOf(sandbox().initPid);
    const { effective, bounding } = fence.facts.capabilities;
    expect(bounding).toEqual(effective);
    const missingOnes = Object.keys(CAPABILITIES).filter(
      (name) =>
        !effective.includes(name) &&
        (CAPABILITIES as Record<string, number>)[name]! <= lab.engine.facts.lastCapability,
    );
    expect(
      fence.entries.map(({ id }) => id).filter((id) => id.startsWith('capability.CAP_')),
    ).toEqual(missingOnes.map((name) => `capability.${name}`));
    const module = entryOf(fence, 'capability.CAP_SYS_MODULE');
    expect(module.sentence.en).toMatch(
      /kernel modules; a sandbox drops it: .*; no program can bring it back/,
    );
    expect(module.refuses).toContain('init_module: EPERM');
  });

  test('seccomp › the kernel’s count, the record’s rules', async () => {
    const fence = await fenceOf(sandbox().initPid);
    const entry = entryOf(fence, 'seccomp');
    expect(entry.raw[0]?.value).toBe('2 (filter)');
    expect(entry.refuses).toContain('bpf: EPERM');
    expect(entry.refuses).toContain('keyctl: ENOSYS');
    expect(entry.refuses).toContain('ioctl(TIOCSTI): EPERM');
    expect(entryOf(fence, 'terminal.tiocsti').refuses).toEqual(['ioctl(TIOCSTI): EPERM']);
    const { initPid } = sandbox();
    const unknown = await readFence(initPid, { facts: lab.engine.facts });
    expect(unknown.facts.seccomp.rules).toBeNull();
    expect(entryOf(unknown, 'seccomp').sentence.en).toContain('not in our record');
  });

  test('limits › as they were set, with what is used; devices', async () => {
    const fence = await fenceOf(sandbox().initPid);
    expect(fence.facts.pids?.max).toBe(LIMITS.pids);
    expect(fence.facts.pids?.current).toBeGreaterThan(0);
    expect(fence.facts.memory?.max).toBe(lab.engine.limits.memoryBytes);
    expect(entryOf(fence, 'cgroup.cpu').sentence.en).toContain('100 %');
    expect(fence.facts.rlimits['RLIMIT_NOFILE']?.soft).toBe(1024);
    expect(fence.facts.namespaceLimits?.['net']).toBe(512);
    expect(entryOf(fence, 'namespace-limits').raw[0]?.path).toMatch(/in its user namespace$/);
    expect(fence.facts.devices.nodes.sort()).toEqual(
      ['null', 'zero', 'full', 'random', 'urandom', 'tty'].map((name) => `/dev/${name}`).sort(),
    );
    const { rules, programs } = fence.facts.devices;
    if (rules !== null) expect(rules).toContain('c 1:3 rwm');
    else expect(programs).not.toBeNull();
  });

  test('of a shell › masks, read-only paths and no_new_privs as they are', async () => {
    const pid = await stay(
      primitive('namespace-make', { kinds: ['mnt'] }),
      primitive('mask-paths', { paths: ['/proc/version', '/proc/fs'] }),
      primitive('readonly-paths', { paths: ['/proc/sys'] }),
      primitive('no-new-privileges', {}),
    );
    const fence = await fenceOf(pid);
    expect(entryOf(fence, 'masked-paths').refuses).toEqual([
      'read of /proc/version: nothing there',
      'read of /proc/fs: nothing there',
    ]);
    expect(entryOf(fence, 'read-only-paths').sentence.en).toContain('/proc/sys');
    expect(entryOf(fence, 'no-new-privs').raw[0]?.value).toBe('1');
    expect(entryOf(fence, 'oom-score-adj').sentence.en).toContain('500: killed before');
  });

  test('of a process whose /dev is a link out › looks only below its root', async () => {
    const script = 'mkdir /lab/r && ln -s /etc /lab/r/dev && ln -s /proc/1 /lab/r/proc';
    expect((await lab.sh('learner', script)).exitCode).toBe(0);
    const pid = await stay(primitive('chroot', { root: '/lab/r' }));
    expect((await fenceOf(pid)).facts.devices.nodes).toEqual([]);
    expect((await lab.sh('learner', 'rm /lab/r/dev && ln -s /dev /lab/r/dev')).exitCode).toBe(0);
    expect((await fenceOf(pid)).facts.devices.nodes).toEqual([]);
    await lab.sh('learner', 'rm -r /lab/r');
  });

  test('of the host’s own process › says that there is no fence', async () => {
    const fence = await readFence(process.pid, { facts: lab.engine.facts, player });
    expect(fence.facts.sharedNamespaces).toHaveLength(8);
    expect(entryOf(fence, 'namespace.pid').sentence.en).toContain('no fence');
    expect(entryOf(fence, 'id-map.uid').sentence.en).toContain('root of the machine');
  });

  test('of nobody › is NoSuchProcess', async () => {
    await expect(readFence(2 ** 22 + 1, { facts: lab.engine.facts })).rejects.toThrow(
      NoSuchProcess,
    );
  });
});

// ---- refusals: each row provoked ----

function primitive(name: string, params: unknown): PreparedPrimitive {
  return primitiveNamed(name).with(params);
}

const ALL_ERRNOS = [1, 2, 3, 5, 9, 11, 13, 22, 24, 27, 28, 30, 38, 101];
const provocation = purpose('provocation', 'ask for what is refused', '请求会被拒绝的事');

/** One call whose refusal is wanted; the process goes on. */
function attempt(syscall: string, ...args: ArgumentInput[]): PreparedPrimitive {
  return {
    name: syscall,
    prepare: (room) => () => room.script.call(syscall, args, provocation, { tolerate: ALL_ERRNOS }),
  };
}

type CallOf = (syscall: string, args: ArgumentInput[], extras?: CallExtras) => void;

/** Several calls with registers of their own; the last one is the provocation. */
function chain(write: (call: CallOf, slot: (name: string) => Slot) => void): PreparedPrimitive {
  return {
    name: 'chain',
    prepare: (room) => () =>
      write(
        (syscall, args, extras = {}) => room.script.call(syscall, args, provocation, extras),
        (name) => room.script.builder.slot(name),
      ),
  };
}

function inSandbox(): PrimitiveContext {
  return { facts: lab.engine.facts, sandbox: lab.engine.execTarget('learner') };
}

async function run(steps: readonly PreparedPrimitive[], context: PrimitiveContext = inSandbox()) {
  const plan = writePlan(steps, { ...context, end: { kind: 'hold' } });
  const result = await player.run(plan).done;
  const pid = result.hostPids[plan.subject] ?? 0;
  held.push({ pid, ended: new Promise((resolve) => player.onExit(pid, resolve)) });
  return { plan, pid, reports: result.reports };
}

async function stay(...steps: PreparedPrimitive[]): Promise<number> {
  return (await run(steps)).pid;
}

interface Case {
  readonly rule: RuleId;
  readonly steps: readonly PreparedPrimitive[];
  readonly path?: string;
  /** what the kernel must answer, so that the case is about what it says */
  readonly errno: keyof typeof ERRNO;
}

const MAPS = {
  uid: [{ containerID: 0, hostID: 1000, size: 10 }],
  gid: [{ containerID: 0, hostID: 1000, size: 10 }],
};
const open = (path: string, flags: number) => attempt('openat', FDCWD, path, flags, 0o600);
const mount = (target: string, options: string[]) =>
  primitive('mount', { source: 'x', target, type: 'tmpfs', options });
const own = primitive('namespace-make', { kinds: ['mnt'] });

/** sockaddr_in of 192.0.2.1:80, an address for examples. */
const ADDRESS = new Uint8Array([2, 0, 0, 80, 192, 0, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0]);

const CASES: readonly Case[] = [
  { rule: 'seccomp-rule', steps: [attempt('bpf', 0, 0, 0)], errno: 'EPERM' },
  {
    rule: 'namespace-limit',
    steps: [
      primitive('namespace-make', { kinds: ['user'], maps: MAPS }),
      primitive('sysctl', { key: 'user.max_uts_namespaces', value: '0' }),
      attempt('unshare', CLONE.CLONE_NEWUTS),
    ],
    errno: 'ENOSPC',
  },
  {
    rule: 'chroot-no-user-namespace',
    steps: [primitive('chroot', { root: '/usr' }), attempt('unshare', CLONE.CLONE_NEWUSER)],
    errno: 'EPERM',
  },
  {
    rule: 'setgroups-denied',
    steps: [
      primitive('namespace-make', { kinds: ['user'], maps: { ...MAPS, setgroups: false } }),
      attempt('setgroups', 0, 0),
    ],
    errno: 'EPERM',
  },
  {
    rule: 'id-not-mapped',
    steps: [attempt('setresuid', 70_000, 70_000, 70_000)],
    errno: 'EINVAL',
  },
  {
    rule: 'rlimit-raise',
    steps: [
      primitive('rlimit', { rlimit: { type: 'RLIMIT_CORE', soft: 0, hard: 0 } }),
      attempt(
        'prlimit64',
        0,
        4,
        struct([
          [0, 8],
          [1, 8],
        ]),
        0,
      ),
    ],
    errno: 'EPERM',
  },
  {
    rule: 'too-many-open-files',
    steps: [
      primitive('rlimit', { rlimit: { type: 'RLIMIT_NOFILE', soft: 3, hard: 3 } }),
      open('/dev/null', O.O_RDONLY),
    ],
    errno: 'EMFILE',
  },
  {
    rule: 'file-too-large',
    steps: [
      primitive('rlimit', { rlimit: { type: 'RLIMIT_FSIZE', soft: 0, hard: 0 } }),
      // SIGXFSZ comes with the errno and would end the process: blocked like this, it waits.
      attempt('rt_sigprocmask', 0, struct([[1n << 24n, 8]]), 0, 8),
      chain((call, slot) => {
        const file = slot('file');
        call('openat', [FDCWD, '/lab/large', O.O_WRONLY | O.O_CREAT | O.O_CLOEXEC, 0o600], {
          store: file,
        });
        call('write', [file, bytes('x'), 1], { tolerate: ALL_ERRNOS });
      }),
    ],
    errno: 'EFBIG',
  },
  { rule: 'pid-namespace', steps: [attempt('kill', 3_999_999, 0)], errno: 'ESRCH' },
  {
    rule: 'network-namespace',
    steps: [
      chain((call, slot) => {
        const socket = slot('socket');
        call('socket', [2, 2 | O.O_CLOEXEC, 0], { store: socket });
        call('connect', [socket, bytes(ADDRESS), 16], { tolerate: ALL_ERRNOS });
      }),
    ],
    errno: 'ENETUNREACH',
  },
  {
    rule: 'device-user-namespace',
    steps: [
      primitive('namespace-make', { kinds: ['user', 'mnt'], maps: MAPS }),
      mount('/mnt', []),
      attempt('mknodat', FDCWD, '/mnt/disk', S.S_IFBLK | 0o600, 0x800),
    ],
    errno: 'EPERM',
  },
  {
    rule: 'sysctl-owner',
    steps: [open('/proc/sys/kernel/core_pattern', O.O_WRONLY)],
    path: '/proc/sys/kernel/core_pattern',
    errno: 'EACCES',
  },
  {
    rule: 'read-only',
    steps: [own, mount('/mnt', ['ro']), open('/mnt/new', O.O_WRONLY | O.O_CREAT)],
    path: '/mnt/new',
    errno: 'EROFS',
  },
  {
    rule: 'no-exec',
    steps: [
      own,
      mount('/mnt', ['noexec']),
      chain((call) => call('mknodat', [FDCWD, '/mnt/program', S.S_IFREG | 0o755, 0])),
      attempt('execve', '/mnt/program', 0, 0),
    ],
    path: '/mnt/program',
    errno: 'EACCES',
  },
  {
    rule: 'no-dev',
    steps: [
      own,
      primitive('attach-tree', { source: '/dev', target: '/mnt', options: ['nodev'] }),
      open('/mnt/null', O.O_RDONLY),
    ],
    path: '/mnt/null',
    errno: 'EACCES',
  },
  {
    rule: 'disk-full',
    steps: [own, mount('/mnt', ['nr_inodes=1']), open('/mnt/new', O.O_WRONLY | O.O_CREAT)],
    path: '/mnt/new',
    errno: 'ENOSPC',
  },
  {
    rule: 'locked-mount',
    steps: [
      primitive('namespace-make', { kinds: ['user', 'mnt'], maps: MAPS }),
      attempt('umount2', '/proc', MNT.MNT_DETACH),
    ],
    path: '/proc',
    errno: 'EINVAL',
  },
  {
    rule: 'user-namespace-owner',
    steps: [
      primitive('namespace-make', { kinds: ['user'], maps: MAPS }),
      attempt('sethostname', bytes('x'), 1),
    ],
    errno: 'EPERM',
  },
  {
    rule: 'file-owner',
    steps: [
      primitive('namespace-make', { kinds: ['user'], maps: MAPS }),
      open('/etc/hostname', O.O_WRONLY),
    ],
    path: '/etc/hostname',
    errno: 'EACCES',
  },
];

describe.skipIf(lack !== null)(`explainRefusal${suffix}`, () => {
  const proven = new Set<RuleId>();

  /** The errno of the last provocation, and the explanation of it. */
  async function explain(
    steps: readonly PreparedPrimitive[],
    path?: string,
    context?: PrimitiveContext,
  ) {
    const { plan, pid, reports } = await run(steps, context);
    const provoked = reports.findLast(
      (one) => plan.processes[one.process]?.[one.index]?.purpose.id === 'provocation',
    );
    const step = plan.processes[provoked?.process ?? '']?.[provoked?.index ?? -1];
    if (provoked === undefined || step?.kind !== 'call') throw new Error('nothing was provoked');
    const refusal = {
      syscall: step.syscall,
      errno: provoked.errno,
      fence: await fenceOf(pid),
      ...(path === undefined ? {} : { path }),
    };
    const [best] = explainRefusal(refusal);
    return { errno: provoked.errno, best, all: explainRefusal(refusal) };
  }

  test.each(CASES)('$rule', async ({ rule, steps, path, errno: expected }) => {
    const { errno, best } = await explain(steps, path);
    expect(Object.entries(ERRNO).find(([, value]) => value === errno)?.[0]).toBe(expected);
    expect(best?.rule).toBe(rule);
    expect(best?.entry, 'an entry of the fence').not.toBeNull();
    proven.add(rule);
  });

  test.each([
    ['CAP_SYS_ADMIN', attempt('sethostname', bytes('x'), 1)],
    ['CAP_SYS_CHROOT', attempt('chroot', '/')],
    ['CAP_CHOWN', attempt('fchownat', FDCWD, '/etc/hostname', 1, 1, 0)],
    ['CAP_SETUID', attempt('setresuid', 1, 1, 1)],
  ])('capability-missing › %s', async (name, call) => {
    const { errno, best } = await explain([
      primitive('capabilities', { bounding: [], effective: [], permitted: [] }),
      primitive('no-new-privileges', {}),
      call,
    ]);
    expect(errno).toBe(ERRNO.EPERM);
    expect(best).toMatchObject({ rule: 'capability-missing', certain: true });
    expect(best?.entry?.id).toBe(`capability.${name}`);
    proven.add('capability-missing');
  });

  test('capability-missing › a port below 1024', async () => {
    const port = new Uint8Array([2, 0, 0, 80, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
    const { errno, best } = await explain([
      primitive('capabilities', { bounding: [], effective: [], permitted: [] }),
      chain((call, slot) => {
        const socket = slot('socket');
        call('socket', [2, 1 | O.O_CLOEXEC, 0], { store: socket });
        call('bind', [socket, bytes(port), 16], { tolerate: ALL_ERRNOS });
      }),
    ]);
    expect(errno).toBe(ERRNO.EACCES);
    expect(best?.entry?.id).toBe('capability.CAP_NET_BIND_SERVICE');
  });

  test('pids-limit', async () => {
    await lab.engine.create({ id: 'crowded' });
    try {
      const crowded = lab.engine.list().find(({ id }) => id === 'crowded')?.initPid ?? 0;
      // The inner shell ends where it cannot fork; the outer one then takes its place.
      const fill = 'i=0; while [ $i -lt 60 ]; do sleep 1000 & i=$((i+1)); done';
      const script = `(${fill}); sleep 1000 & : > /lab/full; wait`;
      await lab.engine.exec('crowded', { args: ['sh', '-c', script] });
      const isFull = () => existsSync(`/proc/${crowded}/root/lab/full`);
      await expect.poll(isFull, { timeout: 30_000 }).toBe(true);
      const refused = lab.engine.exec('crowded', { args: ['true'] });
      await expect(refused).rejects.toMatchObject({ failed: { errno: ERRNO.EAGAIN } });
      const fence = await fenceOf(crowded);
      const [best] = explainRefusal({ syscall: 'clone3', errno: ERRNO.EAGAIN, fence });
      expect(best).toMatchObject({ rule: 'pids-limit', certain: true, mechanism: 'cgroup' });
      proven.add('pids-limit');
    } finally {
      await lab.engine.delete('crowded');
    }
  });

  test('cgroup-limit-owner', async () => {
    const { output } = await lab.sh('learner', 'find /sys/fs/cgroup -name pids.max | head -1');
    const path = output.trim();
    const { errno, best } = await explain([open(path, O.O_WRONLY)], path);
    expect(errno).toBe(ERRNO.EACCES);
    expect(best?.rule).toBe('cgroup-limit-owner');
    proven.add('cgroup-limit-owner');
  });

  test('device-rule', async () => {
    // A node that the rules do not list: made by the host's root in the sandbox's /dev.
    const { initPid } = sandbox();
    const node = `/proc/${initPid}/root/dev/mem-test`;
    execFileSync('mknod', ['-m', '666', node, 'c', '1', '11']);
    try {
      const { errno, best, all } = await explain(
        [open('/dev/mem-test', O.O_RDONLY)],
        '/dev/mem-test',
      );
      expect(errno).toBe(ERRNO.EPERM);
      expect(best?.rule, JSON.stringify(all.map(({ rule }) => rule))).toBe('device-rule');
      proven.add('device-rule');
    } finally {
      rmSync(node);
    }
  });

  test.skipIf(legacyTiocsti !== '0')(
    `tiocsti${legacyTiocsti === '0' ? '' : ' (missing: dev.tty.legacy_tiocsti = 0)'}`,
    async () => {
      // On the host: in a sandbox the filter is asked first.
      const steps = [
        primitive('capabilities', { bounding: [], effective: [], permitted: [] }),
        chain((call, slot) => {
          const [master, slave] = [slot('master'), slot('slave')];
          const flags = O.O_RDWR | O.O_NOCTTY | O.O_CLOEXEC;
          call('openat', [FDCWD, '/dev/ptmx', flags], { store: master });
          call('ioctl', [master, TIOC.TIOCSPTLCK, struct([[0, 4]])]);
          call('ioctl', [master, TIOC.TIOCGPTPEER, flags], { store: slave });
          call('ioctl', [slave, TIOC.TIOCSTI, bytes('x')], { tolerate: ALL_ERRNOS });
        }),
      ];
      const { errno, best } = await explain(steps, undefined, { facts: lab.engine.facts });
      expect(errno).toBe(ERRNO.EIO);
      expect(best?.rule).toBe('tiocsti');
    },
  );

  test('every row of the table was provoked', () => {
    const provable = REFUSAL_RULES.filter((rule) => rule !== 'tiocsti'); // see its own test
    expect(provable.filter((rule) => !proven.has(rule))).toEqual([]);
  });
});
