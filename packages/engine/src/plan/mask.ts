/**
 * Masked and read-only paths of a container (`linux.maskedPaths`, `linux.readonlyPaths`): files of
 * /proc and /sys that tell or change the host's affairs. A masked file gets the null device on
 * top, a masked directory an empty read-only tmpfs, whatever is there when the plan runs.
 *
 * CVE-2025-31133: a runtime that binds the container's own /dev/null binds whatever the container
 * put there. So the null device comes from outside of the container's root, is held by an fd, and
 * that fd is checked: character device 1:3, or the plan fails.
 *
 * Who runs them: a process in the container's mount namespace before pivot_root, which still sees
 * the mounts that the namespace was made with; CAP_SYS_ADMIN over it.
 */
import {
  AT,
  ERRNO,
  flagged,
  MNT,
  MOVE_MOUNT,
  O,
  type Purpose,
  S,
  type Slot,
  STATX,
  scratch,
  struct,
} from '@terrarium/syscall';
import type { AttributeChange } from './mount-attributes.js';
import {
  changeAttributes,
  cloneFlags,
  type MountRoot,
  makeFileSystem,
  moveTree,
  openBelow,
} from './mount-calls.js';
import { expectRegister, NO_FD, setRegisters } from './registers.js';
import { FDCWD, purpose, type Script } from './script.js';

/** Where a mount namespace that was just made shows the null device of whoever made it. */
const NULL_DEVICE = '/dev/null';
const NULL_MAJOR = 1;
const NULL_MINOR = 3;

/** struct statx of statx(2): its size, and where three fields are */
const STATX_BYTES = 256;
const STX_MODE = 0x1c; // u16, and 16 bits of padding that are 0
const STX_RDEV_MAJOR = 0x80;
const STX_RDEV_MINOR = 0x84;
/** struct stat of newfstatat(2): 144 bytes on x86_64, 128 on arm64 */
const STAT_BYTES = 144;

/** A path that is not there needs no mask: nobody can read it. */
const ABSENT = [ERRNO.ENOENT, ERRNO.ENOTDIR];
const NO_SUCH_FD = [ERRNO.EBADF];
const PATH_FLAGS = flagged(O, 'O_PATH', 'O_CLOEXEC');

/**
 * Opens the null device and makes sure that it is one.
 *
 * @param path by default that of the mount namespace's maker; never one below the container's root
 * @returns the register with its O_PATH fd
 */
export function openNullDevice(script: Script, path: string = NULL_DEVICE): Slot {
  const device = script.builder.slot(`${script.process} null`);
  const why = purpose(
    'mask-null-device',
    'hold the null device that will cover masked files, from outside of the container’s root',
    '持有用来遮盖文件的空设备，它来自容器根之外',
  );
  const openFlags = flagged(O, 'O_PATH', 'O_NOFOLLOW', 'O_CLOEXEC');
  script.call('openat', [FDCWD, path, openFlags], why, { store: device });
  expectNullDevice(script, device);
  return device;
}

/** Fails unless the fd is the null device: crw-rw-rw- 1, 3. */
export function expectNullDevice(script: Script, device: Slot): void {
  const why = purpose(
    'mask-verify-null',
    'make sure that it really is the null device, character device 1:3: something else bound over a masked file could be written to (CVE-2025-31133)',
    '确认它确实是空设备（字符设备 1:3）：若把别的东西绑定到被遮盖的文件上，就可能被写入（CVE-2025-31133）',
  );
  const status = scratch(STATX_BYTES);
  const field = (name: string) => script.builder.slot(`${script.process} ${name}`);
  const [mode, major, minor] = [field('st_mode'), field('rdev_major'), field('rdev_minor')];
  const load = (offset: number, to: Slot) => ({ from: status, offset, width: 4 as const, to });
  script.call(
    'statx',
    [device, '', flagged(AT, 'AT_EMPTY_PATH'), flagged(STATX, 'STATX_BASIC_STATS'), status],
    why,
    { loads: [load(STX_MODE, mode), load(STX_RDEV_MAJOR, major), load(STX_RDEV_MINOR, minor)] },
  );
  expectRegister(script, mode, S.S_IFCHR | 0o666, why);
  expectRegister(script, major, NULL_MAJOR, why);
  expectRegister(script, minor, NULL_MINOR, why);
}

/** What covers masked paths. */
export interface Covers {
  /** of files: an fd that openNullDevice has checked */
  readonly device: Slot;
  /** of directories: see holdBlank; without it one is made and taken away again */
  readonly blank?: Slot;
}

/**
 * Covers paths below the root. Leaves the working directory at the root.
 *
 * @param covers the null device alone, or with an empty file system that is attached already
 */
export function maskPaths(at: MountRoot, paths: readonly string[], covers: Slot | Covers): void {
  if (paths.length === 0) return;
  const { device, blank: held } = 'device' in covers ? covers : { device: covers };
  const blank = held ?? attachBlank(at);
  const cover = at.script.builder.slot(`${at.script.process} cover`);
  for (const path of paths) maskPath(at, path, { device, blank, cover });
  if (held === undefined) detachBlank(at, blank);
}

const blankPurpose = purpose(
  'mask-blank',
  'an empty, read-only tmpfs: what masked directories will show',
  '一个空的只读 tmpfs：被遮盖的目录将显示它',
);

/**
 * Mounts an empty file system for masked directories on a path that will be covered, and goes with
 * all that is dropped after pivot_root: it costs no unmount of its own, and an unmount waits until
 * every CPU has forgotten the mount (2 ms and more).
 *
 * @returns the register with its fd
 */
export function holdBlank(script: Script, path: string): Slot {
  const blank = makeBlank(script);
  const onto = flagged(MOVE_MOUNT, 'MOVE_MOUNT_F_EMPTY_PATH');
  script.call('move_mount', [blank, '', FDCWD, path, onto], blankPurpose);
  return blank;
}

/** A mount can be copied only where it is attached (before Linux 6.15): so, on the root itself. */
function attachBlank({ script, root }: MountRoot): Slot {
  const blank = makeBlank(script);
  moveTree(script, blank, root, blankPurpose);
  return blank;
}

function makeBlank(script: Script): Slot {
  const slot = (name: string) => script.builder.slot(`${script.process} ${name}`);
  const [blank, context] = [slot('blank'), slot('blankContext')];
  makeFileSystem(
    { script, tree: blank, parent: context },
    { type: 'tmpfs', source: 'masked' },
    {
      superBlock: ['ro'],
      // One block and one inode: not even a root that lifts `ro` can put anything in.
      data: [
        ['nr_blocks', '1'],
        ['nr_inodes', '1'],
        ['mode', '0555'],
      ],
      attributes: { set: ['MOUNT_ATTR_NODEV', ...COVER_ATTRIBUTES], clear: [] },
    },
    blankPurpose,
  );
  return blank;
}

function detachBlank({ script, root }: MountRoot, blank: Slot): void {
  const why = purpose(
    'mask-blank-detach',
    'take the empty tmpfs off the root again; its copies stay',
    '把空 tmpfs 从根上取下；它的副本留下',
  );
  script.call('fchdir', [blank], why);
  script.call('umount2', ['.', flagged(MNT, 'MNT_DETACH')], why);
  script.call('fchdir', [root], why);
  script.call('close', [blank], why);
}

/**
 * One path, whatever it is: absent, a directory or a file. A plan does not branch; so `cover` is no
 * file at all until the path is found, then the null device, unless the look at "." inside, which
 * only a directory has, makes it the tmpfs.
 */
function maskPath(
  at: MountRoot,
  path: string,
  { device, blank, cover }: { device: Slot; blank: Slot; cover: Slot },
): void {
  const { script, target, tree } = at;
  const why = maskPurpose(path);
  setRegisters(
    script,
    [
      [target, NO_FD],
      [cover, NO_FD],
      [tree, NO_FD],
    ],
    why,
  );
  openBelow(at, path, target, PATH_FLAGS, why, ABSENT, { to: cover, value: device });
  chooseByKind(script, target, cover, blank, why);
  script.call('open_tree', [cover, '', cloneFlags(false, true)], why, {
    store: tree,
    tolerate: NO_SUCH_FD,
  });
  // The device's node may be the machine's own: read-only, no root inside can change its mode.
  changeAttributes(script, tree, { set: COVER_ATTRIBUTES, clear: [] }, false, why, NO_SUCH_FD);
  moveTree(script, tree, target, why, NO_SUCH_FD);
  script.call('close', [tree], why, { tolerate: NO_SUCH_FD });
  script.call('close', [target], why, { tolerate: NO_SUCH_FD });
}

const COVER_ATTRIBUTES: AttributeChange['set'] = [
  'MOUNT_ATTR_RDONLY',
  'MOUNT_ATTR_NOSUID',
  'MOUNT_ATTR_NOEXEC',
];

/**
 * newfstatat of "." below an fd: ENOTDIR for a file; for a directory it succeeds, and only then
 * the load happens. It takes what it loads from behind the kernel's answer.
 */
function chooseByKind(script: Script, target: Slot, to: Slot, value: Slot, why: Purpose): void {
  const status = struct([new Uint8Array(STAT_BYTES), [value, 8]]);
  script.call('newfstatat', [target, '.', status, 0], why, {
    loads: [{ from: status, offset: STAT_BYTES, width: 8, to }],
    tolerate: [...NO_SUCH_FD, ERRNO.ENOTDIR],
    display: `newfstatat(<${target.name}>, ".", …, 0)`,
  });
}

function maskPurpose(path: string): Purpose {
  return purpose(
    'mask-path',
    `mask ${path}: what it tells or changes is the host’s`,
    `遮盖 ${path}：它透露或改变的是宿主机的东西`,
  );
}

/** Makes paths below the root read-only, with all that is mounted below them. */
export function readonlyPaths(at: MountRoot, paths: readonly string[]): void {
  const { script, target, tree } = at;
  for (const path of paths) {
    const why = purpose(
      'readonly-path',
      `make ${path} read-only: it may be looked at`,
      `把 ${path} 设为只读：可以看，不能改`,
    );
    setRegisters(
      script,
      [
        [target, NO_FD],
        [tree, NO_FD],
      ],
      why,
    );
    openBelow(at, path, target, PATH_FLAGS, why, ABSENT);
    script.call('open_tree', [target, '', cloneFlags(true, true)], why, {
      store: tree,
      tolerate: NO_SUCH_FD,
    });
    changeAttributes(
      script,
      tree,
      { set: ['MOUNT_ATTR_RDONLY'], clear: [] },
      true,
      why,
      NO_SUCH_FD,
    );
    moveTree(script, tree, target, why, NO_SUCH_FD);
    script.call('close', [tree], why, { tolerate: NO_SUCH_FD });
    script.call('close', [target], why, { tolerate: NO_SUCH_FD });
  }
}
