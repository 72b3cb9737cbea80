/** The fence from files of an imagined kernel, and the table of refusals on its facts. */
import { ERRNO } from '@terrarium/syscall';
import { describe, expect, test } from 'vitest';
import { HYBRID_FACTS, V2_FACTS } from '../facts.fixture.js';
import { sandboxSeccomp } from '../seccomp/index.js';
import { explainRefusal, REFUSAL_RULES } from './explain-refusal.js';
import { refusalsOf } from './filter.js';
import { idInside, parseIdMap } from './identity.js';
import { parseMountinfo } from './mounts.js';
import { namesOf } from './powers.js';
import { NoSuchProcess, readFence } from './read-fence.js';
import { type Fence, type FenceFacts, fence as fenceSchema } from './schema.js';
import type { DeviceNode, FenceSource } from './source.js';

const PID = 4711;
const MOUNTINFO = String.raw`50 40 0:40 / / rw,nodev - overlay root rw,lowerdir=lower
51 50 0:41 / /proc rw,nosuid,nodev,noexec - proc proc rw
52 51 0:6 /null /proc/kcore ro,nosuid - devtmpfs dev rw
53 51 0:50 / /proc/scsi ro,nosuid - tmpfs masked ro
54 50 0:51 / /lab/with\040blank rw - tmpfs t rw,size=1024k`;

const FILES: Readonly<Record<string, string>> = {
  [`/proc/${PID}/status`]: [
    'Name:\tsh',
    'Uid:\t231072\t231072\t231072\t231072',
    'Gid:\t231072\t231072\t231072\t231072',
    'Groups:\t',
    'CapInh:\t0000000000000000',
    'CapPrm:\t0000000000000003',
    'CapEff:\t0000000000000001',
    'CapBnd:\t0000000000200003',
    'CapAmb:\t0000000000000000',
    'NoNewPrivs:\t1',
    'Seccomp:\t2',
    'Seccomp_filters:\t2',
  ].join('\n'),
  [`/proc/${PID}/uid_map`]: '         0     231072      65536',
  [`/proc/${PID}/gid_map`]: '         0     231072      65536',
  [`/proc/${PID}/setgroups`]: 'deny',
  [`/proc/${PID}/mountinfo`]: MOUNTINFO,
  [`/proc/${PID}/cgroup`]: '0::/lab/a/leaf',
  '/sys/fs/cgroup/lab/a/leaf/memory.max': 'max',
  '/sys/fs/cgroup/lab/a/memory.max': '1048576',
  '/sys/fs/cgroup/lab/a/memory.current': '4096',
  '/sys/fs/cgroup/lab/memory.max': '2097152',
  '/sys/fs/cgroup/lab/a/leaf/pids.max': '10',
  '/sys/fs/cgroup/lab/a/leaf/pids.current': '3',
  '/sys/fs/cgroup/lab/a/cpu.max': '50000 100000',
  [`/proc/${PID}/limits`]:
    'Max open files            1024                 4096                 files',
  [`/proc/${PID}/oom_score_adj`]: '500',
  '/proc/sys/kernel/dmesg_restrict': '1',
  '/proc/sys/dev/tty/legacy_tiocsti': '0',
};
const NODES: Readonly<Record<string, DeviceNode>> = {
  '/proc/kcore': { type: 'c', major: 1, minor: 3 },
  '/dev/zero': { type: 'c', major: 1, minor: 5 },
};

function source(more: Readonly<Record<string, string>> = {}): FenceSource {
  const files = { ...FILES, ...more };
  return {
    read: (path) => files[path] ?? null,
    link: (path) => (path.includes(`/${PID}/`) ? `own ${path}` : `host ${path}`),
    list: (_, path) => (path === '/dev' ? ['zero', 'fd'] : []),
    device: (_, path) => NODES[path] ?? null,
    isDirectory: (_, path) => path.endsWith('/scsi'),
  };
}

const fenceOf = (more?: Readonly<Record<string, string>>, facts = V2_FACTS): Promise<Fence> =>
  readFence(PID, { facts, source: source(more), record: { seccomp: sandboxSeccomp() } });

function sentence(fence: Fence, id: string): string {
  return fence.entries.find((one) => one.id === id)?.sentence.en ?? `no ${id}`;
}

describe('readFence', () => {
  test('is what the schema says, and every entry has its own id', async () => {
    const fence = await fenceOf();
    expect(fenceSchema.parse(JSON.parse(JSON.stringify(fence)))).toEqual(fence);
    expect(new Set(fence.entries.map(({ id }) => id)).size).toBe(fence.entries.length);
  });

  test('says in words what the maps mean', async () => {
    const fence = await fenceOf();
    expect(sentence(fence, 'id-map.uid')).toBe(
      'root inside is 231072 outside; 65536 ids are mapped, all others show as nobody',
    );
    expect(sentence(fence, 'id-map.gid')).toMatch(/setgroups is forbidden$/);
    expect(sentence(fence, 'credentials')).toBe(
      'user 0, group 0 inside; the host knows it as 231072:231072',
    );
  });

  test('tells a capability that is gone for ever from one that a program may bring', async () => {
    const fence = await fenceOf();
    expect(sentence(fence, 'capability.CAP_SYS_MODULE')).toMatch(/no program can bring it back$/);
    expect(sentence(fence, 'capability.CAP_SYS_ADMIN')).toMatch(/a program with it on its file/);
    expect(fence.facts.capabilities.permitted).toEqual(['CAP_CHOWN', 'CAP_DAC_OVERRIDE']);
  });

  test('takes the narrowest limit of the group and its parents', async () => {
    const { facts, entries } = await fenceOf();
    expect(facts.memory).toEqual({ max: 1_048_576, current: 4096 });
    expect(facts.pids).toEqual({ max: 10, current: 3 });
    expect(entries.find(({ id }) => id === 'cgroup.memory')?.raw).toEqual([
      { path: '/sys/fs/cgroup/lab/a/leaf/memory.max', value: 'max' },
      { path: '/sys/fs/cgroup/lab/a/memory.max', value: '1048576' },
      { path: '/sys/fs/cgroup/lab/memory.max', value: '2097152' },
      { path: '/sys/fs/cgroup/lab/a/memory.current', value: '4096' },
    ]);
    expect(sentence(await fenceOf(), 'cgroup.cpu')).toMatch(/^at most 50 %/);
  });

  test('reads the same from cgroup v1', async () => {
    const fence = await fenceOf(
      {
        [`/proc/${PID}/cgroup`]: '5:memory:/lab\n4:pids:/lab\n1:name=systemd:/lab\n0::/lab',
        '/sys/fs/cgroup/memory/lab/memory.limit_in_bytes': '1048576',
        '/sys/fs/cgroup/memory/lab/memory.usage_in_bytes': '1',
        '/sys/fs/cgroup/memory/memory.limit_in_bytes': '9223372036854771712',
        '/sys/fs/cgroup/pids/lab/pids.max': 'max',
      },
      HYBRID_FACTS,
    );
    expect(fence.facts.memory).toEqual({ max: 1_048_576, current: 1 });
    expect(fence.facts.pids).toBeNull();
  });

  test('tells masks from other mounts', async () => {
    const fence = await fenceOf();
    expect(fence.entries.find(({ id }) => id === 'masked-paths')?.refuses).toEqual([
      'read of /proc/kcore: nothing there',
      'read of /proc/scsi: nothing there',
    ]);
    expect(fence.facts.mounts.map(({ point }) => point)).toContain('/lab/with blank');
  });

  test('knows a chroot by the missing mount at /', async () => {
    const rest = MOUNTINFO.split('\n').slice(1).join('\n');
    const fence = await fenceOf({ [`/proc/${PID}/mountinfo`]: rest });
    expect(sentence(fence, 'root')).toMatch(/chroot/);
    expect(sentence(await fenceOf(), 'root')).toMatch(/overlay.*pivot_root/);
  });

  test('does not claim to know a filter that is not ours', async () => {
    const fence = await readFence(PID, { facts: V2_FACTS, source: source() });
    expect(fence.facts.seccomp).toEqual({ filters: 2, rules: null });
    expect(sentence(fence, 'seccomp')).toMatch(/not in our record$/);
    expect(sentence(await fenceOf(), 'seccomp')).toMatch(/what the others refuse is not/);
  });

  test('of a process that is not there', async () => {
    await expect(readFence(1, { facts: V2_FACTS, source: source() })).rejects.toThrow(
      NoSuchProcess,
    );
  });
});

test('id maps and capability masks are read as the kernel writes them', () => {
  expect(parseIdMap('  0 100 5\n 10 7 1\n')).toEqual([
    [0, 100, 5],
    [10, 7, 1],
  ]);
  expect(idInside([[0, 100, 5]], 104)).toBe(4);
  expect(idInside([[0, 100, 5]], 105)).toBeNull();
  expect(namesOf('0000020000000003')).toEqual(['CAP_CHOWN', 'CAP_DAC_OVERRIDE', 'bit 41']);
  expect(parseMountinfo('nonsense\n')).toEqual([]);
});

test('rules that let calls through refuse nothing', () => {
  const profile = {
    defaultAction: 'SCMP_ACT_ALLOW' as const,
    syscalls: [
      { names: ['a'], action: 'SCMP_ACT_LOG' as const },
      { names: ['b'], action: 'SCMP_ACT_KILL_PROCESS' as const },
      { names: ['c'], action: 'SCMP_ACT_ERRNO' as const },
    ],
  };
  expect(refusalsOf(profile)).toEqual([
    { names: ['b'], errno: null, conditional: false },
    { names: ['c'], errno: ERRNO.EPERM, conditional: false },
  ]);
});

describe('explainRefusal', () => {
  async function rulesFor(
    syscall: string,
    errno: number,
    { path, facts = {} }: { path?: string; facts?: Partial<FenceFacts> } = {},
  ): Promise<string[]> {
    const fence = await fenceOf();
    const changed = { ...fence, facts: { ...fence.facts, ...facts } };
    const refusal = { syscall, errno, fence: changed, ...(path === undefined ? {} : { path }) };
    return explainRefusal(refusal).map(({ rule }) => rule);
  }

  test('asks the filter before capabilities, as the kernel does', async () => {
    expect(await rulesFor('bpf', ERRNO.EPERM)).toEqual(['seccomp-rule', 'capability-missing']);
  });

  test('tells a missing capability from one that counts only here', async () => {
    expect(await rulesFor('sethostname', ERRNO.EPERM)).toEqual(['capability-missing']);
    const all = { inheritable: [], permitted: [], bounding: [], ambient: [] };
    const facts = { capabilities: { ...all, effective: ['CAP_SYS_ADMIN'] } };
    expect(await rulesFor('sethostname', ERRNO.EPERM, { facts })).toEqual(['user-namespace-owner']);
  });

  test('says nothing where the fence explains nothing', async () => {
    expect(await rulesFor('sethostname', ERRNO.EINVAL)).toEqual([]);
    expect(await rulesFor('openat', ERRNO.ENOENT, { path: '/x' })).toEqual([]);
  });

  test('names the mount that a path lies on', async () => {
    const fence = await fenceOf();
    const refusal = { syscall: 'openat', errno: ERRNO.EROFS, path: '/proc/scsi/x', fence };
    expect(explainRefusal(refusal)[0]?.sentence.en).toBe(
      'what is mounted on /proc/scsi is read-only',
    );
  });

  test('is certain of the pids limit only while the group is full', async () => {
    const fence = await fenceOf();
    const certain = (current: number) =>
      explainRefusal({
        syscall: 'clone3',
        errno: ERRNO.EAGAIN,
        fence: { ...fence, facts: { ...fence.facts, pids: { max: 10, current } } },
      })[0]?.certain;
    expect([certain(10), certain(3)]).toEqual([true, false]);
  });

  test('every row has its own id', () => {
    expect(new Set(REFUSAL_RULES).size).toBe(REFUSAL_RULES.length);
  });
});
