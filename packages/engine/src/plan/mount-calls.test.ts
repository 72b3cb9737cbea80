import { type Call, encodeRun, type Plan, PlanBuilder } from '@terrarium/syscall';
import { describe, expect, test } from 'vitest';
import { maskPaths, openNullDevice, readonlyPaths } from './mask.js';
import { sortMountOptions } from './mount-attributes.js';
import { type MountRoot, mountBelow, mountRoot, openTarget } from './mount-calls.js';
import { purpose, Script } from './script.js';

const why = purpose('test', 'test', '测试');

/** The displays of what `write` appends, from a plan that the player would take. */
function displays(write: (at: MountRoot) => void): string[] {
  return calls(write).map(({ display }) => display);
}

function calls(write: (at: MountRoot) => void): readonly Call[] {
  const builder = new PlanBuilder('test');
  const script = new Script(builder, 'outside', builder.slot('fd'));
  write(mountRoot(script, builder.slot('root')));
  const plan: Plan = builder.build();
  encodeRun(plan, 1);
  return (plan.processes['outside'] ?? []).flatMap((step) => (step.kind === 'call' ? [step] : []));
}

describe('sortMountOptions', () => {
  test('puts each option where it belongs', () => {
    const sorted = sortMountOptions([
      'nosuid',
      'ro',
      'sync',
      'rprivate',
      'slave',
      'size=64k',
      'newinstance',
      'rnoexec',
    ]);
    expect(sorted).toEqual({
      bind: 'none',
      attributes: { set: ['MOUNT_ATTR_RDONLY', 'MOUNT_ATTR_NOSUID'], clear: [] },
      recursive: { set: ['MOUNT_ATTR_NOEXEC'], clear: [] },
      propagation: [
        { flag: 'MS_PRIVATE', recursive: true },
        { flag: 'MS_SLAVE', recursive: false },
      ],
      idmap: 'none',
      superBlock: ['sync', 'ro'],
      data: [
        ['size', '64k'],
        ['newinstance', null],
      ],
      tmpCopyUp: false,
    });
  });

  test('lets a later option win over an earlier one', () => {
    expect(sortMountOptions(['bind', 'ro', 'rw']).attributes).toEqual({
      set: [],
      clear: ['MOUNT_ATTR_RDONLY'],
    });
    expect(sortMountOptions(['bind', 'noatime', 'strictatime']).attributes).toEqual({
      set: ['MOUNT_ATTR_STRICTATIME'],
      clear: ['MOUNT_ATTR__ATIME'],
    });
    expect(sortMountOptions(['rbind', 'rro', 'rrw']).recursive.set).toEqual([]);
  });

  test('refuses what a bind cannot have, and remount', () => {
    expect(() => sortMountOptions(['bind', 'size=1m', 'sync'])).toThrow('sync, size');
    expect(() => sortMountOptions(['remount', 'ro'])).toThrow('nothing to remount');
  });

  test('takes a name of JavaScript for an option like any other', () => {
    expect(sortMountOptions(['constructor']).data).toEqual([['constructor', null]]);
  });
});

describe('openTarget', () => {
  test('makes what is missing, each directory found below the root', () => {
    expect(displays((at) => openTarget(at, '/a/b', 'directory', why))).toEqual([
      'openat2(<root>, ".", {flags=O_PATH|O_DIRECTORY|O_CLOEXEC, resolve=RESOLVE_NO_MAGICLINKS|RESOLVE_IN_ROOT}, 24)',
      'mkdirat(<outside parent>, "a", 0755)',
      'close(<outside parent>)',
      'openat2(<root>, "a", {flags=O_PATH|O_DIRECTORY|O_CLOEXEC, resolve=RESOLVE_NO_MAGICLINKS|RESOLVE_IN_ROOT}, 24)',
      'mkdirat(<outside parent>, "b", 0755)',
      'close(<outside parent>)',
      'openat2(<root>, "a/b", {flags=O_PATH|O_CLOEXEC, resolve=RESOLVE_NO_MAGICLINKS|RESOLVE_IN_ROOT}, 24)',
    ]);
  });

  test('makes a file where a file is to be bound, and the root itself without anything', () => {
    expect(displays((at) => openTarget(at, 'f', 'file', why))[1]).toBe(
      'mknodat(<outside parent>, "f", S_IFREG|0644, 0)',
    );
    expect(displays((at) => openTarget(at, '/', 'directory', why))).toHaveLength(1);
  });
});

describe('mountBelow', () => {
  test('gives a bind its attributes while it is detached', () => {
    const shown = displays((at) =>
      mountBelow(
        at,
        {
          destination: '/data',
          type: 'bind',
          source: '/srv',
          options: ['rbind', 'rro', 'nosuid', 'rslave'],
        },
        'directory',
        why,
      ),
    );
    expect(shown.slice(0, 4)).toEqual([
      'open_tree(AT_FDCWD, "/srv", OPEN_TREE_CLONE|AT_RECURSIVE|OPEN_TREE_CLOEXEC)',
      'mount_setattr(<outside tree>, "", AT_EMPTY_PATH, {attr_set=MOUNT_ATTR_NOSUID}, 32)',
      'mount_setattr(<outside tree>, "", AT_EMPTY_PATH|AT_RECURSIVE, {attr_set=MOUNT_ATTR_RDONLY}, 32)',
      'mount_setattr(<outside tree>, "", AT_EMPTY_PATH|AT_RECURSIVE, {propagation=MS_SLAVE}, 32)',
    ]);
    expect(shown.at(-3)).toBe(
      'move_mount(<outside tree>, "", <outside target>, "", MOVE_MOUNT_F_EMPTY_PATH|MOVE_MOUNT_T_EMPTY_PATH)',
    );
  });

  test('makes a new file system in its parts', () => {
    const shown = displays((at) =>
      mountBelow(
        at,
        {
          destination: '/t',
          type: 'tmpfs',
          source: 'tmpfs',
          options: ['nodev', 'ro', 'size=1m'],
        },
        'directory',
        why,
      ),
    );
    expect(shown.slice(0, 7)).toEqual([
      'fsopen("tmpfs", FSOPEN_CLOEXEC)',
      'fsconfig(<outside parent>, FSCONFIG_SET_STRING, "source", "tmpfs", 0)',
      'fsconfig(<outside parent>, FSCONFIG_SET_FLAG, "ro", 0, 0)',
      'fsconfig(<outside parent>, FSCONFIG_SET_STRING, "size", "1m", 0)',
      'fsconfig(<outside parent>, FSCONFIG_CMD_CREATE, 0, 0, 0)',
      'fsmount(<outside parent>, FSMOUNT_CLOEXEC, MOUNT_ATTR_RDONLY|MOUNT_ATTR_NODEV)',
      'close(<outside parent>)',
    ]);
  });

  test('refuses an option that fsconfig would cut, and idmap without mappings', () => {
    const mount = (options: string[]) => () =>
      displays((at) =>
        mountBelow(at, { destination: '/t', type: 'x', source: 'x', options }, 'directory', why),
      );
    expect(mount([`lowerdir=${'a'.repeat(256)}`])).toThrow('lowerdir');
    expect(mount(['bind', 'idmap'])).toThrow('idmap without id mappings');
  });
});

describe('masks', () => {
  test('the null device is checked: type, major and minor', () => {
    const checks = calls(({ script }) => void openNullDevice(script)).slice(1);
    expect(checks.map(({ syscall }) => syscall)).toEqual(['statx', 'futex', 'futex', 'futex']);
    expect(checks.slice(1).map(({ args }) => args[5])).toEqual(
      [0o20666, 1, 3].map((value) => ({ kind: 'number', value: BigInt(value) })),
    );
    expect(checks.every(({ tolerate = [] }) => tolerate.length === 0)).toBe(true);
  });

  test('a mask tolerates only what an absent path causes', () => {
    const plan = calls((at) => maskPaths(at, ['/proc/kcore'], at.script.builder.slot('null')));
    const tolerating = plan.filter(({ tolerate = [] }) => tolerate.length > 0);
    expect(tolerating.map(({ syscall, tolerate }) => [syscall, tolerate])).toEqual([
      ['openat2', [2, 20]],
      ['newfstatat', [9, 20]],
      ['open_tree', [9]],
      ['mount_setattr', [9]],
      ['move_mount', [9]],
      ['close', [9]],
      ['close', [9]],
    ]);
  });

  test('no paths, no calls', () => {
    expect(calls((at) => maskPaths(at, [], at.root))).toEqual([]);
    expect(calls((at) => readonlyPaths(at, []))).toEqual([]);
  });
});
