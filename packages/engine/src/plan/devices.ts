/**
 * The devices of a container: nodes of its own where the runtime may make them, else binds of the
 * runtime's. In a user namespace mknod(2) is EPERM whatever capabilities one has there, and so it
 * is inside a sandbox.
 * @see runtime-spec config-linux.md, "Default Devices"
 */
import type { LinuxDevice } from '@terrarium/spec';
import { AT, ERRNO, flagged, type Purpose, S, type Slot, shown } from '@terrarium/syscall';
import { attachTree, cloneTree, type MountRoot, openTarget } from './mount-calls.js';
import { octal, purpose, type Script } from './script.js';

/** What every container gets, whatever its config says. */
export const DEFAULT_DEVICES: readonly LinuxDevice[] = [
  { type: 'c', path: '/dev/null', major: 1, minor: 3, fileMode: 0o666 },
  { type: 'c', path: '/dev/zero', major: 1, minor: 5, fileMode: 0o666 },
  { type: 'c', path: '/dev/full', major: 1, minor: 7, fileMode: 0o666 },
  { type: 'c', path: '/dev/random', major: 1, minor: 8, fileMode: 0o666 },
  { type: 'c', path: '/dev/urandom', major: 1, minor: 9, fileMode: 0o666 },
  { type: 'c', path: '/dev/tty', major: 5, minor: 0, fileMode: 0o666 },
];

/** Links that programs expect. */
const LINKS: readonly (readonly [target: string, name: string])[] = [
  ['/proc/self/fd', 'fd'],
  ['/proc/self/fd/0', 'stdin'],
  ['/proc/self/fd/1', 'stdout'],
  ['/proc/self/fd/2', 'stderr'],
  ['pts/ptmx', 'ptmx'],
];

/** Default devices, and the config's over them. */
export function devicesOf(configured: readonly LinuxDevice[]): readonly LinuxDevice[] {
  const own = new Set(configured.map((device) => device.path));
  return [...DEFAULT_DEVICES.filter((device) => !own.has(device.path)), ...configured];
}

function devicePurpose(device: LinuxDevice): Purpose {
  return purpose(
    'device',
    `the device ${device.path}: no device that is not listed exists inside`,
    `设备 ${device.path}：未列出的设备在里面都不存在`,
  );
}

/** Run outside, before clone3: detached binds of the runtime's nodes, by path. */
export function cloneDevices(
  script: Script,
  devices: readonly LinuxDevice[],
): ReadonlyMap<string, Slot> {
  return new Map(
    devices.map((device) => {
      const tree = script.builder.slot(`tree ${device.path}`);
      cloneTree({ script, tree }, device.path, false, devicePurpose(device));
      return [device.path, tree] as const;
    }),
  );
}

/** Run by init: attaches the binds that cloneDevices took. */
export function attachDevices(
  at: MountRoot,
  devices: readonly LinuxDevice[],
  trees: ReadonlyMap<string, Slot>,
): void {
  for (const device of devices) {
    const tree = trees.get(device.path);
    if (tree === undefined) throw new Error(`no bind was taken of ${device.path}`);
    attachTree({ ...at, tree }, device.path, 'file', devicePurpose(device));
  }
}

/**
 * Run by init as root of the machine: new nodes. What the image has by that name goes, at once: two
 * containers may be made on the same root file system, and neither is ever without /dev/null.
 *
 * @param maker unlike that of any other container on that file system
 */
export function makeDevices(at: MountRoot, devices: readonly LinuxDevice[], maker = 'new'): void {
  let open: { directory: string; parent: Slot } | undefined;
  const closeOpen = (why: Purpose) => {
    if (open !== undefined) at.script.call('close', [open.parent], why);
  };
  for (const device of devices) {
    const why = devicePurpose(device);
    const { directory, name } = split(device.path);
    if (open?.directory !== directory) {
      closeOpen(why);
      open = { directory, parent: openTarget(at, directory, 'directory', why) };
    }
    makeDevice(at, open.parent, name, device, maker, why);
  }
  const last = devices.at(-1);
  if (last !== undefined) closeOpen(devicePurpose(last));
}

/** bytes of a file's name, at most */
const NAME_MAX = 255;

function makeDevice(
  { script }: MountRoot,
  parent: Slot,
  name: string,
  device: LinuxDevice,
  maker: string,
  why: Purpose,
): void {
  const fresh = `.${name}.${maker}`.slice(0, NAME_MAX);
  script.call('unlinkat', [parent, fresh, 0], why, { tolerate: [ERRNO.ENOENT] });
  script.call('mknodat', [parent, fresh, modeOf(device), numberOf(device)], why);
  const { uid = 0, gid = 0 } = device;
  // Else who makes it owns it.
  if (uid !== 0 || gid !== 0) {
    const owner = flagged(AT, 'AT_SYMLINK_NOFOLLOW');
    script.call('fchownat', [parent, fresh, uid, gid, owner], why);
  }
  script.call('renameat2', [parent, fresh, parent, name, 0], why);
}

/** Run by init: /dev/fd, /dev/stdin, … where the image has nothing by that name. */
export function linkDevices(at: MountRoot): void {
  const why = purpose(
    'device-link',
    'the links below /dev that programs expect',
    '/dev 下程序所需的符号链接',
  );
  const dev = openTarget(at, '/dev', 'directory', why);
  for (const [target, name] of LINKS)
    at.script.call('symlinkat', [target, dev, name], why, { tolerate: [ERRNO.EEXIST] });
  at.script.call('close', [dev], why);
}

const TYPES: Readonly<Record<LinuxDevice['type'], readonly [bit: number, name: string]>> = {
  c: [S.S_IFCHR, 'S_IFCHR'],
  u: [S.S_IFCHR, 'S_IFCHR'],
  b: [S.S_IFBLK, 'S_IFBLK'],
  p: [S.S_IFIFO, 'S_IFIFO'],
};

function modeOf({ type, fileMode = 0o666 }: LinuxDevice) {
  const [bit, name] = TYPES[type];
  return { value: BigInt(bit | fileMode), display: `${name}|${octal(fileMode).display}` };
}

/** The kernel's dev_t as mknod(2) takes it: 12 bits of major around 8 + 12 bits of minor. */
function numberOf({ type, major = 0, minor = 0 }: LinuxDevice) {
  if (type === 'p') return 0;
  const number = (minor & 0xff) | ((major & 0xfff) << 8) | ((minor & 0xfff00) << 12);
  return shown(number >>> 0, `makedev(${major}, ${minor})`);
}

function split(file: string): { directory: string; name: string } {
  const slash = file.lastIndexOf('/');
  return { directory: file.slice(0, slash), name: file.slice(slash + 1) };
}
