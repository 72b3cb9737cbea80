/** Differences in words, on states that are put together by hand: no kernel, no root. */
import { describe, expect, test } from 'vitest';
import { diffStates } from './diff-state.js';
import type { KernelState, MountRow, ProcessKernelState } from './kernel-state.js';
import { NO_STATE } from './kernel-state.js';

const ALL = (1n << 41n) - 1n;

function aProcess(overrides: Partial<ProcessKernelState> = {}): ProcessKernelState {
  const inodes = { user: 1, pid: 2, mnt: 3, uts: 4, ipc: 5, net: 6, cgroup: 7, time: 8 };
  return {
    pid: 4711,
    pids: [4711, 7],
    parentPid: 1,
    comm: 'player',
    exe: '/player',
    namespaces: inodes,
    pidForChildren: 2,
    timeForChildren: 8,
    uidMap: ['0 100000 65536'],
    gidMap: ['0 100000 65536'],
    setgroups: 'allow',
    uids: [100_000, 100_000, 100_000, 100_000],
    gids: [100_000, 100_000, 100_000, 100_000],
    groups: [],
    capabilities: { effective: ALL, permitted: ALL, inheritable: 0n, bounding: ALL, ambient: 0n },
    noNewPrivs: false,
    seccompMode: 0,
    seccompFilters: 0,
    umask: '0022',
    root: { path: '/', identity: '8:1 2' },
    cwd: { path: '/', identity: '8:1 2' },
    cgroups: { memory: '/t/sb', pids: '/t/sb', '': '/t/sb' },
    fds: { 0: { target: '/dev/null', closeOnExec: false } },
    limits: { 'Max open files': '1024 4096' },
    oomScoreAdj: 0,
    nice: 0,
    session: 1,
    processGroup: 1,
    terminal: null,
    personality: '00000000',
    timeOffsets: [],
    mounts: [mount(20, 1, '/', 'ext4', '/dev/vda'), mount(21, 20, '/proc', 'proc', 'proc')],
    ...overrides,
  };
}

function mount(
  mountId: number,
  parentId: number,
  mountPoint: string,
  fsType: string,
  mountSource: string,
  overrides: Partial<MountRow> = {},
): MountRow {
  const rest = {
    device: '8:1',
    root: '/',
    mountOptions: 'rw',
    propagation: '',
    superOptions: 'rw',
  };
  return { mountId, parentId, mountPoint, fsType, mountSource, ...rest, ...overrides };
}

function state(processes: KernelState['processes'], rest: Partial<KernelState> = {}): KernelState {
  return { ...NO_STATE, processes, ...rest };
}

/** What is told of a change of one process. */
function words(before: Partial<ProcessKernelState>, after: Partial<ProcessKernelState>): string[] {
  const context = {
    actor: 'init',
    viewer: { level: 1, cgroupRoot: '/t/sb', uidMap: [], gidMap: [] },
  };
  return diffStates(
    state({ init: aProcess(before) }),
    state({ init: aProcess(after) }),
    context,
  ).map(({ words: { en }, source }) => `${en} [${source}]`);
}

describe('diffStates', () => {
  test('says nothing when nothing changed', () => {
    expect(words({}, {})).toEqual([]);
  });

  test('tells a namespace with both inodes, and whether it is new or somebody’s', () => {
    const after = { namespaces: { ...aProcess().namespaces, pid: 99 } };
    expect(words({}, after)).toEqual(['pid namespace: pid:[2] → pid:[99] (new) [/proc/7/ns/pid]']);
    const landmarks = [{ words: { en: "the sandbox's", zh: '沙箱的' }, inodes: new Set([99]) }];
    const [change] = diffStates(state({ init: aProcess() }), state({ init: aProcess(after) }), {
      actor: 'init',
      landmarks,
    });
    expect(change).toMatchObject({ kind: 'namespace', effect: 'changed', subject: 'pid' });
    expect(change?.words.en).toBe("pid namespace: pid:[2] → pid:[99] (the sandbox's)");
    expect(change?.words.zh).toContain('沙箱的');
  });

  test('tells what unshare of a pid namespace does: only children are in it', () => {
    expect(words({}, { pidForChildren: 99 })).toEqual([
      'children will be in pid:[99] (new); the process itself stays where it is [/proc/7/ns/pid_for_children]',
    ]);
  });

  test('names the capabilities that left, sets with the same loss together', () => {
    const without = ALL & ~(1n << 25n);
    const { capabilities } = aProcess();
    expect(words({}, { capabilities: { ...capabilities, bounding: without } })).toEqual([
      '1 capability left the bounding set: CAP_SYS_TIME [/proc/7/status]',
    ]);
    const both = { ...capabilities, effective: without, permitted: without };
    expect(words({}, { capabilities: both })).toEqual([
      '1 capability left the sets effective, permitted: CAP_SYS_TIME [/proc/7/status]',
    ]);
    expect(words({ capabilities: both }, {})[0]).toMatch(/^1 capability came into the sets/);
  });

  test('tells mounts that appear, change and go; many of one sort in one sentence', () => {
    const { mounts } = aProcess();
    const tmp = mount(30, 20, '/tmp', 'tmpfs', 'tmpfs', { mountOptions: 'rw,nosuid' });
    expect(words({}, { mounts: [...mounts, tmp] })).toEqual([
      'mount /tmp (tmpfs, tmpfs) appeared, rw,nosuid [/proc/7/mountinfo]',
    ]);
    expect(words({ mounts: [...mounts, tmp] }, {})).toEqual([
      'mount /tmp (tmpfs, tmpfs) is gone [/proc/7/mountinfo]',
    ]);
    const readOnly = { ...tmp, mountOptions: 'ro,nosuid' };
    expect(words({ mounts: [...mounts, tmp] }, { mounts: [...mounts, readOnly] })).toEqual([
      'options of /tmp: – → ro [/proc/7/mountinfo]',
    ]);
    const shared = Array.from({ length: 6 }, (_, n) =>
      mount(40 + n, 20, `/m${n}`, 'tmpfs', 'x', { propagation: 'shared:1' }),
    );
    const cut = shared.map((row) => ({ ...row, propagation: '' }));
    expect(words({ mounts: shared }, { mounts: cut })).toEqual([
      'the propagation of 6 mounts changed (shared:1 → private, …): /m0, /m1, /m2, /m3, /m4, /m5 [/proc/7/mountinfo]',
    ]);
  });

  test('does not call a mount gone that is only out of sight of the new root', () => {
    const rows = [mount(20, 1, '/', 'ext4', '/dev/vda'), mount(22, 20, '/new', 'tmpfs', 'new')];
    const after = {
      root: { path: '/', identity: '0:9 1' },
      mounts: [mount(22, 20, '/', 'tmpfs', 'new')],
    };
    expect(words({ mounts: rows }, after)).toEqual([
      'root directory: ext4 /dev/vda → tmpfs new [/proc/7/root]',
      'mount / (ext4, /dev/vda) is out of sight: not below the new root [/proc/7/mountinfo]',
      'mount /new is now at / [/proc/7/mountinfo]',
    ]);
  });

  test('compares no mounts of two namespaces', () => {
    const other = { namespaces: { ...aProcess().namespaces, mnt: 99 }, mounts: [] };
    expect(words({}, other)).toHaveLength(1);
  });

  test('tells groups as the reader sees them, hierarchies together', () => {
    const cgroups = { memory: '/t/sb/web', pids: '/t/sb/web', '': '/t/sb' };
    expect(words({}, { cgroups })).toEqual(['cgroup: / → /web (memory, pids) [/proc/7/cgroup]']);
  });

  test('tells ids inside and on the host, and maps', () => {
    const unmapped = { uidMap: [], uids: [100_000, 100_000, 100_000, 100_000] as const };
    expect(words(unmapped, {})).toEqual([
      'uid_map: empty → 0 100000 65536 [/proc/7/uid_map]',
      'user id: nobody (100000 on the host) → 0 (100000 on the host) [/proc/7/status]',
    ]);
  });

  test('tells confinement, limits, files and the program', () => {
    expect(words({}, { noNewPrivs: true })[0]).toMatch(/^no_new_privs: 0 → 1/);
    expect(words({}, { seccompMode: 2, seccompFilters: 1 })[0]).toContain('off → filter, 1 filter');
    expect(words({}, { limits: { 'Max open files': '256 256' } })[0]).toContain('1024/4096 → 256');
    const opened = { ...aProcess().fds, 5: { target: '/x', closeOnExec: true } };
    expect(words({}, { fds: opened })).toEqual(['fd 5 opened: /x [/proc/7/fd/5]']);
    expect(words({ fds: opened }, {})).toEqual(['fd 5 closed [/proc/7/fd]']);
    expect(words({}, { exe: '/bin/sh' })[0]).toContain('the program is now /bin/sh');
  });

  test('a child is told by its differences from whoever made it', () => {
    const child = aProcess({
      pid: 4712,
      pids: [4712, 8, 1],
      parentPid: 4711,
      namespaces: { ...aProcess().namespaces, pid: 99 },
      pidForChildren: 99,
    });
    const before = state({ outside: aProcess() });
    const after = state({ outside: aProcess(), init: child });
    const told = diffStates(before, after, { actor: 'outside' });
    expect(told.map(({ kind, process }) => `${process} ${kind}`)).toEqual([
      'init process',
      'init namespace',
    ]);
    expect(told[0]?.words.en).toContain('pid 4712 → 8 → 1');
    expect(diffStates(after, before, { actor: null })[0]).toMatchObject({
      kind: 'process',
      effect: 'gone',
    });
  });

  test('tells host names, addresses, limits of a group and the file that a call names', () => {
    const file = { path: '/g/memory.max', type: 'file', mode: null, owner: null, link: null };
    const before = state(
      { init: aProcess() },
      {
        hostnames: { 4: 'terrarium' },
        networks: { 6: { links: ['lo'], addresses: [] } },
        groups: { '/g': { 'pids.max': 'max' } },
        file: { ...file, content: 'max' },
      },
    );
    const after = state(
      { init: aProcess() },
      {
        hostnames: { 4: 'web' },
        networks: { 6: { links: ['lo'], addresses: ['127.0.0.1'] } },
        groups: { '/g': { 'pids.max': '32' } },
        file: { ...file, content: '33554432' },
      },
    );
    expect(diffStates(before, after, { actor: 'init' }).map(({ words: { en } }) => en)).toEqual([
      'host name in uts:[4]: terrarium → web',
      'network address 127.0.0.1 appeared',
      'pids.max: max → 32',
      '/g/memory.max: max → 33554432',
    ]);
  });

  test('says everything in Chinese, too', () => {
    const after = { noNewPrivs: true, umask: '0077', exe: '/bin/sh', cgroups: { memory: '/x' } };
    const told = diffStates(state({ init: aProcess() }), state({ init: aProcess(after) }), {
      actor: 'init',
    });
    expect(told).not.toHaveLength(0);
    for (const { words: text } of told) expect(text.zh).toMatch(/[\u4e00-\u9fff：]/);
  });
});
