/**
 * Hints against the real kernel: each plan provokes an errno that misleads, and the error names the
 * place to look at. Needs root; works in namespaces of its own and in one folder below /tmp.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildPlayer } from '../../packages/syscall/native/build.mjs';
import {
  AT,
  CLONE,
  flagged,
  MS,
  mkfifo,
  O,
  PlanBuilder,
  RESOLVE,
  ResidentPlayer,
  RLIMITS,
  S,
  SECCOMP,
  struct,
} from '../../packages/syscall/src/index.js';
import { type CloneFlag, call, fork, missing, root } from './player-lab.js';

const FDCWD = flagged(AT, 'AT_FDCWD');
const CAPABILITY_VERSION_3 = 0x2008_0522;
const PRIVATE = flagged(MS, 'MS_REC', 'MS_PRIVATE');

type Steps = (builder: PlanBuilder, process: string, folder: string) => void;

/** open(2) of `path`, then write(2) of each text. */
function writes(path: string, ...texts: string[]): Steps {
  return (builder, process) => {
    const fd = builder.slot('fd');
    for (const text of texts) {
      call(builder, process, 'openat', [FDCWD, path, flagged(O, 'O_WRONLY', 'O_CLOEXEC')], {
        store: fd,
      });
      call(builder, process, 'write', [fd, text, text.length]);
    }
  };
}

/** One call. */
function one(...[syscall, args]: [string, Parameters<PlanBuilder['call']>[1]['args']]): Steps {
  return (builder, process) => call(builder, process, syscall, args);
}

function capset(effective: number): Steps {
  const header = struct([
    [CAPABILITY_VERSION_3, 4],
    [0, 4],
  ]);
  const sets = struct([
    [effective, 4],
    [effective, 4],
    [0, 4],
    [0, 4],
    [0, 4],
    [0, 4],
  ]);
  return one('capset', [header, sets]);
}

function allOf(...steps: Steps[]): Steps {
  return (...args) => {
    for (const step of steps) step(...args);
  };
}

const openNamespace: Steps = (builder, process) => {
  const fd = builder.slot('userNs');
  call(builder, process, 'openat', [FDCWD, '/proc/self/ns/user', flagged(O, 'O_RDONLY')], {
    store: fd,
  });
  call(builder, process, 'setns', [fd, flagged(CLONE, 'CLONE_NEWUSER')]);
};

/** openat2 of `path` below /usr under one rule. */
function resolves(path: string, rule: keyof typeof RESOLVE): Steps {
  return (builder, process) => {
    const fd = builder.slot('usr');
    call(builder, process, 'openat', [FDCWD, '/usr', flagged(O, 'O_PATH')], { store: fd });
    const how = struct([
      [O.O_RDONLY, 8],
      [0, 8],
      [flagged(RESOLVE, rule), 8],
    ]);
    call(builder, process, 'openat2', [fd, path, how, 24]);
  };
}

const seccomp: Steps = (builder, process) => {
  const allow = struct([
    [6, 2], // BPF_RET
    [0, 2],
    [SECCOMP.SECCOMP_RET_ALLOW, 4],
  ]);
  const program = struct([[1, 2], [0, 2], [0, 4], { pointer: allow }]);
  call(builder, process, 'seccomp', [flagged(SECCOMP, 'SECCOMP_SET_MODE_FILTER'), 0, program]);
};

const USER: CloneFlag[] = ['CLONE_NEWUSER'];
const MOUNTS: CloneFlag[] = ['CLONE_NEWNS'];

describe.skipIf(!root)(`hints${missing}`, () => {
  let player: ResidentPlayer;
  let folder: string;

  beforeAll(async () => {
    player = await ResidentPlayer.start({ binary: buildPlayer() });
    folder = mkdtempSync('/tmp/errno-hints-');
    mkfifo(join(folder, 'fifo'), 0o600);
  });
  afterAll(async () => {
    await player?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test.each<[string, string, string, CloneFlag[], Steps]>([
    ['setns to the user namespace one is in', 'EINVAL', 'already in', [], openNamespace],
    [
      'pivot_root to the root that is',
      'EBUSY',
      'bind mount it on itself',
      MOUNTS,
      one('pivot_root', ['/', '/']),
    ],
    [
      'pivot_root to what is no mount',
      'EINVAL',
      'not a mount point',
      MOUNTS,
      (builder, process, place) => {
        call(builder, process, 'mount', ['', '/', '', PRIVATE, '']);
        call(builder, process, 'mount', ['tmpfs', place, 'tmpfs', 0, '']);
        const below = join(place, 'below');
        call(builder, process, 'mkdirat', [FDCWD, below, 0o755]);
        call(builder, process, 'pivot_root', [below, below]);
      },
    ],
    [
      'a second write to uid_map',
      'EPERM',
      'written once',
      USER,
      writes('/proc/self/uid_map', '0 0 1', '0 0 1'),
    ],
    ['an empty row in uid_map', 'EINVAL', '340 rows', USER, writes('/proc/self/uid_map', '0 0 0')],
    [
      'setgroups after gid_map',
      'EPERM',
      '"deny"',
      USER,
      allOf(
        writes('/proc/self/setgroups', 'deny'),
        writes('/proc/self/gid_map', '0 0 1'),
        writes('/proc/self/setgroups', 'allow'),
      ),
    ],
    [
      'proc below a /proc that is partly covered',
      'EPERM',
      'Mount too revealing',
      MOUNTS,
      (builder, process) => {
        call(builder, process, 'mount', ['', '/', '', PRIVATE, '']);
        const bind = flagged(MS, 'MS_BIND');
        call(builder, process, 'mount', ['/dev/null', '/proc/meminfo', '', bind, '']);
        fork(builder, process, 'inner', ['CLONE_NEWUSER', 'CLONE_NEWNS', 'CLONE_NEWPID']);
        call(builder, 'inner', 'mount', ['proc', '/proc', 'proc', 0, '']);
        call(builder, process, 'wait4', [-1, 0, 0, 0]);
      },
    ],
    [
      'a locked read-only mount made writable',
      'EPERM',
      'locked',
      MOUNTS,
      (builder, process, place) => {
        call(builder, process, 'mount', ['', '/', '', PRIVATE, '']);
        const readOnly = flagged(MS, 'MS_RDONLY', 'MS_NOSUID');
        call(builder, process, 'mount', ['tmpfs', place, 'tmpfs', readOnly, '']);
        fork(builder, process, 'inner', ['CLONE_NEWUSER', 'CLONE_NEWNS']);
        const again = flagged(MS, 'MS_REMOUNT', 'MS_BIND');
        call(builder, 'inner', 'mount', ['', place, '', again, '']);
        call(builder, process, 'wait4', [-1, 0, 0, 0]);
      },
    ],
    [
      'a file on a read-only mount',
      'EROFS',
      '/proc/self/mountinfo',
      MOUNTS,
      (builder, process, place) => {
        call(builder, process, 'mount', ['', '/', '', PRIVATE, '']);
        call(builder, process, 'mount', ['tmpfs', place, 'tmpfs', flagged(MS, 'MS_RDONLY'), '']);
        const create = flagged(O, 'O_WRONLY', 'O_CREAT');
        call(builder, process, 'openat', [FDCWD, join(place, 'file'), create, 0o600]);
      },
    ],
    [
      'mounts without a mount namespace of one’s own',
      'EPERM',
      'CAP_SYS_ADMIN',
      USER,
      one('mount', ['tmpfs', '/tmp', 'tmpfs', 0, '']),
    ],
    [
      'a device node in a user namespace',
      'EPERM',
      'CAP_MKNOD',
      USER,
      (builder, process, place) => {
        const type = flagged(S, 'S_IFCHR');
        call(builder, process, 'mknodat', [FDCWD, join(place, 'null'), type, 0x103]);
      },
    ],
    ['an unmapped uid', 'EINVAL', 'uid_map', USER, one('setresuid', [5, 5, 5])],
    ['a hostname that is the host’s', 'EPERM', 'UTS', USER, one('sethostname', ['box', 3])],
    ['a lost capability', 'EPERM', 'CapBnd', [], allOf(capset(0), capset(1))],
    ['a filter without no_new_privs', 'EACCES', 'NoNewPrivs', [], allOf(capset(0), seccomp)],
    [
      'a higher hard limit',
      'EPERM',
      'CAP_SYS_RESOURCE',
      [],
      (builder, process) => {
        const limit = (value: number) =>
          one('prlimit64', [
            0,
            RLIMITS.RLIMIT_NOFILE,
            struct([
              [value, 8],
              [value, 8],
            ]),
            0,
          ]);
        allOf(limit(100), capset(0), limit(200))(builder, process, '');
      },
    ],
    [
      'a path out of its folder',
      'EXDEV',
      'RESOLVE_BENEATH',
      [],
      resolves('../etc', 'RESOLVE_BENEATH'),
    ],
    [
      'a FIFO without reader',
      'ENXIO',
      'FIFO',
      [],
      (builder, process, place) => {
        const flags = flagged(O, 'O_WRONLY', 'O_NONBLOCK');
        call(builder, process, 'openat', [FDCWD, join(place, 'fifo'), flags]);
      },
    ],
    [
      'a sysctl of the machine',
      'EACCES',
      'sysctl',
      [],
      (builder, process) => {
        call(builder, process, 'setresuid', [65534, 65534, 65534]);
        const flags = flagged(O, 'O_WRONLY');
        call(builder, process, 'openat', [FDCWD, '/proc/sys/kernel/pid_max', flags]);
      },
    ],
  ])('%s: %s, with a hint', async (what, code, hint, namespaces, steps) => {
    const builder = new PlanBuilder(what);
    fork(builder, 'outside', 'child', namespaces);
    steps(builder, 'child', folder);
    const error = await player.run(builder.build()).done.catch((reason: unknown) => reason);
    expect(error).toMatchObject({ cause: { code, hint: expect.stringContaining(hint) } });
  });
});
