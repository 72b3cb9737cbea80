/**
 * The plan of a sandbox: its OCI config and the host's facts → every system call that makes it.
 * Pure: the same input gives the same plan, so tests assert it without a kernel.
 *
 * Two processes:
 *   outside  forked by the player; host root, host namespaces. Makes the cgroups, clones init
 *            into them, writes its id maps, and mounts in init's mount namespace what only the
 *            host's root may mount (id-mapped base image, tmpfs, overlay with trusted.* xattrs,
 *            device nodes). What it mounts, the learner can neither remount nor resize.
 *   init     in all eight new namespaces; a full set of capabilities in its own user namespace,
 *            none on the host. Mounts what shows its own namespaces, pivots, gives up the rest of
 *            its power, becomes PID 1.
 *
 *   outside ── clone3 ──▶ init
 *      │ id maps, mounts     │ hostname, lo
 *      │ ── release pipe ──▶ │ (one byte: "you are mapped and your root is there")
 *      ▼ exits               ▼ mounts, pivot_root, capabilities, seccomp, become-init
 */
import { join } from 'node:path';
import type { LinuxDevice, MountConfig, RuntimeConfig } from '@terrarium/spec';
import {
  AT,
  CLONE,
  CLONE_ARGS_BYTES,
  CLOSE_RANGE,
  ERRNO,
  flagged,
  MOUNT_ATTR,
  MOVE_MOUNT,
  MS,
  NAMESPACE_KINDS,
  O,
  OPEN_TREE,
  type Plan,
  PlanBuilder,
  PR,
  path,
  S,
  SIGNALS,
  type Slot,
  scratch,
  shown,
  struct,
} from '@terrarium/syscall';
import type { HostFacts } from './host-facts.js';
import { KEYCTL_JOIN_SESSION_KEYRING } from './kernel-constants.js';
import { joinV1Cgroups, makeCgroups, openInnerNode, openV2Group } from './plan/cgroup-calls.js';
import { enterRootPurpose, pivotRoot } from './plan/change-root.js';
import { cloneArgs } from './plan/clone-args.js';
import {
  leaveHostKeyring,
  setCapabilities,
  setIds,
  setRlimits,
  setSeccomp,
} from './plan/confine.js';
import { awaitRelease, openReleasePipe, type ReleasePipe, release } from './plan/handshake.js';
import { raiseLoopback, setHostname, writeIdMaps } from './plan/identity.js';
import { FDCWD, octal, purpose, Script } from './plan/script.js';
import { ANNOTATION } from './sandbox-config.js';

/** What the plan is made from. */
export interface SandboxPlanInput {
  readonly id: string;
  readonly config: RuntimeConfig;
  readonly facts: HostFacts;
  /**
   * false where the image's file system knows no id-mapped mounts; the image must then already
   * belong to the sandbox's id range (see shifted-image.ts)
   */
  readonly idmappedImage: boolean;
}

/** A plan, and the register whose value is init's host pid once it has run. */
export interface SandboxPlan {
  readonly plan: Plan;
  /** index in `plan.processes.outside` of the clone3 whose result is init's host pid */
  readonly cloneIndex: number;
}

/**
 * Where the new root is put together: a tmpfs on top of this directory, in init's mount namespace
 * only. Every host has it, and everybody may traverse it.
 */
const STAGE = '/tmp';

/** Mounted by init: their content is that of the mounter's namespaces. */
const OF_INIT = new Set(['proc', 'sysfs', 'devpts', 'mqueue', 'cgroup', 'cgroup2']);

/** Directories of the disk that bind mounts refer to, with their modes. */
const DISK_DIRECTORIES: Readonly<Record<string, number>> = { lab: 0o755, tmp: 0o1777, run: 0o755 };

/** The config's pieces that the plan cannot do without. */
interface Parts {
  readonly image: string;
  readonly rootId: number;
  readonly group: string;
  readonly mounts: readonly MountConfig[];
}

/** Registers that both processes use. */
interface Registers {
  readonly init: Slot;
  readonly pidfd: Slot;
}

/**
 * Makes the plan.
 *
 * @throws Error when the config lacks what a sandbox needs: a slip of its author, not of a learner
 */
export function sandboxPlan(input: SandboxPlanInput): SandboxPlan {
  const parts = partsOf(input.config);
  const builder = new PlanBuilder(`sandbox ${input.id}`);
  const registers: Registers = {
    init: builder.slot('init'),
    pidfd: builder.slot('pidfd'),
  };
  const outside = new Script(builder, 'outside', builder.slot('fd'));
  const pipe = writeOutside(outside, registers, input, parts);
  const init = new Script(builder, 'init', builder.slot('initFd'));
  writeInit(init, pipe, input, parts);
  const plan = builder.build();
  const cloneIndex = (plan.processes['outside'] ?? []).findIndex(
    (step) => step.kind === 'call' && step.child === 'init',
  );
  return { plan, cloneIndex };
}

function partsOf(config: RuntimeConfig): Parts {
  const image = config.root?.path;
  const rootId = config.linux?.uidMappings?.[0]?.hostID;
  const group = config.linux?.cgroupsPath;
  if (image === undefined) throw new Error('sandbox config without root.path');
  if (rootId === undefined) throw new Error('sandbox config without linux.uidMappings');
  if (group === undefined) throw new Error('sandbox config without linux.cgroupsPath');
  return { image, rootId, group, mounts: config.mounts ?? [] };
}

// ---- outside: host root in the host's namespaces, until setns below ----

function writeOutside(
  script: Script,
  registers: Registers,
  input: SandboxPlanInput,
  parts: Parts,
): ReleasePipe {
  const { facts, config } = input;
  leaveHostKeyring(script, KEYCTL_JOIN_SESSION_KEYRING, KEYRING_ERRNOS);
  makeCgroups(script, facts.cgroups, parts.group, config.linux?.resources ?? {}, parts.rootId);
  joinV1Cgroups(script, facts.cgroups, parts.group);
  const group = openV2Group(script, facts.cgroups, parts.group);
  const pipe = openReleasePipe(script);
  cloneInit(script, registers, group);
  const { uidMappings = [], gidMappings = [] } = config.linux ?? {};
  writeIdMaps(script, registers.init, uidMappings, gidMappings);
  const tree = cloneImageTree(script, registers, input, parts);
  enterMountNamespace(script, registers);
  stageDisk(script, config, parts);
  stageRoot(script, tree, parts);
  for (const mount of parts.mounts)
    if (!OF_INIT.has(mount.type ?? '')) mountByHost(script, mount, parts);
  makeDevices(script, config.linux?.devices ?? [], parts);
  release(script, pipe);
  return pipe;
}

/** A kernel without keyrings, or a quota of keys: then there is nothing to leave, or no way to. */
const KEYRING_ERRNOS = [ERRNO.ENOSYS, ERRNO.EDQUOT, ERRNO.EPERM];

/**
 * All namespaces but the cgroup one, which would be rooted at the group of outside: with
 * CLONE_INTO_CGROUP only the child is in the v2 group. So init makes that one itself, at once.
 */
function cloneInit(script: Script, { init, pidfd }: Registers, group: Slot | null): void {
  const kinds = NAMESPACE_KINDS.filter(({ proc }) => proc !== 'cgroup');
  const names = kinds.map(({ flagName }) => flagName);
  let bits = BigInt(CLONE.CLONE_PIDFD);
  for (const { flag } of kinds) bits |= BigInt(flag);
  if (group !== null) bits |= BigInt(CLONE.CLONE_INTO_CGROUP);
  const pidfdBlock = scratch(4);
  const into = group === null ? '' : '|CLONE_INTO_CGROUP';
  const groupField = group === null ? '' : ', cgroup=<group>';
  script.call(
    'clone3',
    [cloneArgs(bits, { exitSignal: SIGNALS.SIGCHLD, pidfd: pidfdBlock, group }), CLONE_ARGS_BYTES],
    purpose(
      'clone-init',
      'make init, in new namespaces: a process like any other, that sees its own world',
      '创建 init，同时放进新的命名空间：它只是一个普通进程，但看到的是自己的世界',
    ),
    {
      display: `clone3({flags=CLONE_PIDFD|${names.join('|')}${into}, exit_signal=SIGCHLD${groupField}}, ${CLONE_ARGS_BYTES})`,
      child: 'init',
      store: init,
      loads: [{ from: pidfdBlock, offset: 0, width: 4, to: pidfd }],
    },
  );
}

/** The one copy of the image serves all sandboxes; in this clone its files belong to this one. */
function cloneImageTree(
  script: Script,
  { init }: Registers,
  input: SandboxPlanInput,
  { image }: Parts,
): Slot {
  const tree = script.builder.slot('imageTree');
  const userNs = script.builder.slot('userNs');
  const clonePurpose = purpose(
    'clone-image-tree',
    'take a detached mount of the base image: one copy on disk serves every sandbox',
    '取得基础镜像的一个游离挂载：磁盘上一份镜像供所有沙箱使用',
  );
  script.call(
    'open_tree',
    [FDCWD, image, flagged(OPEN_TREE, 'OPEN_TREE_CLONE', 'OPEN_TREE_CLOEXEC')],
    clonePurpose,
    { store: tree },
  );
  if (!input.idmappedImage) return tree;
  const why = purpose(
    'idmap-image',
    "show the image's files as owned by the sandbox's ids, without changing them on disk",
    '让镜像文件显示为属于沙箱的 ID，而磁盘上不变',
  );
  script.call(
    'openat',
    [FDCWD, path`/proc/${init}/ns/user`, flagged(O, 'O_RDONLY', 'O_CLOEXEC')],
    why,
    { store: userNs },
  );
  // struct mount_attr { attr_set, attr_clr, propagation, userns_fd }
  const bits = MOUNT_ATTR.MOUNT_ATTR_IDMAP | MOUNT_ATTR.MOUNT_ATTR_RDONLY;
  const attributes = struct([
    [bits, 8],
    [0, 8],
    [0, 8],
    [userNs, 8],
  ]);
  script.call('mount_setattr', [tree, '', flagged(AT, 'AT_EMPTY_PATH'), attributes, 32], why, {
    display:
      'mount_setattr(<imageTree>, "", AT_EMPTY_PATH, {attr_set=MOUNT_ATTR_IDMAP|MOUNT_ATTR_RDONLY, userns_fd=<userNs>}, 32)',
  });
  script.call('close', [userNs], why);
  return tree;
}

/** From here on, outside is still host root, but sees and changes init's mounts. */
function enterMountNamespace(script: Script, { pidfd }: Registers): void {
  script.call(
    'setns',
    [pidfd, flagged(CLONE, 'CLONE_NEWNS')],
    purpose(
      'enter-mount-namespace',
      "enter init's mount namespace as the host's root, to mount what init itself may not",
      '以宿主机 root 的身份进入 init 的挂载命名空间，挂载 init 自己无权挂载的东西',
    ),
  );
  script.call(
    'mount',
    [0, '/', 0, flagged(MS, 'MS_REC', 'MS_PRIVATE'), 0],
    purpose(
      'private-mounts',
      'cut propagation, so that nothing mounted here travels to the host',
      '切断挂载传播，使这里的挂载不会传回宿主机',
    ),
    { display: 'mount(NULL, "/", NULL, MS_REC|MS_PRIVATE, NULL)' },
  );
}

/** One tmpfs holds everything that the sandbox writes: its size is the disk limit. */
function stageDisk(script: Script, config: RuntimeConfig, { rootId, mounts }: Parts): void {
  const size = config.annotations?.[ANNOTATION.diskBytes] ?? '0';
  const inodes = config.annotations?.[ANNOTATION.diskInodes] ?? '0';
  script.mount(
    'terrarium',
    STAGE,
    'tmpfs',
    ['nodev', `size=${size}`, `nr_inodes=${inodes}`, 'mode=0755', `uid=${rootId}`, `gid=${rootId}`],
    purpose(
      'disk',
      "the sandbox's disk: a tmpfs of limited size, counted as its memory",
      '沙箱的磁盘：大小受限的 tmpfs，计入它的内存',
    ),
  );
  const why = purpose(
    'stage',
    'lay out the disk: layers of the root, and directories that are not on overlay',
    '布置磁盘：根文件系统各层，以及不在 overlay 上的目录',
  );
  script.call('chdir', [STAGE], why);
  script.call('umask', [0], why);
  const own = (directory: string, mode: number) => {
    script.mkdir(directory, mode, why);
    script.chown(directory, rootId, rootId, why);
  };
  for (const directory of ['lower', 'work', 'root']) script.mkdir(directory, 0o755, why);
  own('upper', 0o755);
  // Made in the upper layer, they hide whatever the image has by those names: a symlink, too.
  for (const { destination } of mounts) {
    const isTopLevel = destination.lastIndexOf('/') === 0;
    if (isTopLevel)
      own(join('upper', destination), DISK_DIRECTORIES[destination.slice(1)] ?? 0o755);
  }
  for (const [name, mode] of Object.entries(DISK_DIRECTORIES)) own(name, mode);
}

/**
 * Mounted by the host's root, overlay keeps its whiteouts and opaque marks in trusted.* xattrs, so
 * that `rm -r` of a directory of the image works (in a user namespace it would be EIO).
 */
function stageRoot(script: Script, tree: Slot, { image }: Parts): void {
  script.call(
    'move_mount',
    [tree, '', FDCWD, 'lower', flagged(MOVE_MOUNT, 'MOVE_MOUNT_F_EMPTY_PATH')],
    purpose('attach-image', `attach ${image} as the lower layer`, `把 ${image} 挂为下层`),
  );
  script.mount(
    'overlay',
    'root',
    'overlay',
    ['nodev', 'lowerdir=lower', 'upperdir=upper', 'workdir=work'],
    purpose(
      'overlay',
      'the root file system: the image below, read-only; what the sandbox writes above',
      '根文件系统：下层是只读镜像，上层是沙箱写入的内容',
    ),
  );
}

function mountByHost(script: Script, mount: MountConfig, { rootId }: Parts): void {
  const target = join('root', mount.destination);
  const type = mount.type ?? 'none';
  const options = mount.options ?? [];
  const why = purpose(
    'mount-by-host',
    `mount ${mount.destination}; mounted by the host's root, its size cannot be changed inside`,
    `挂载 ${mount.destination}；由宿主机 root 挂载，里面无法改变其大小`,
  );
  if (type === 'tmpfs') {
    const owned = [...options, `uid=${rootId}`, `gid=${rootId}`];
    if (mount.destination.lastIndexOf('/') > 0) makeMountPoint(script, target, rootId, why);
    script.mount(mount.source ?? type, target, type, owned, why);
  } else {
    script.mount(mount.source ?? type, target, type, options, why);
  }
}

function makeMountPoint(
  script: Script,
  target: string,
  rootId: number,
  why: ReturnType<typeof purpose>,
): void {
  script.mkdir(target, 0o755, why, { tolerate: [ERRNO.EEXIST] });
  script.chown(target, rootId, rootId, why);
}

/** Device nodes need CAP_MKNOD on the host; they belong to the sandbox's root all the same. */
function makeDevices(script: Script, devices: readonly LinuxDevice[], { rootId }: Parts): void {
  for (const {
    path: devicePath,
    major = 0,
    minor = 0,
    fileMode = 0o666,
    uid = 0,
    gid = 0,
  } of devices) {
    const target = join('root', devicePath);
    const why = purpose(
      'device',
      `the device ${devicePath}: no other kind of device exists inside`,
      `设备 ${devicePath}：沙箱里没有其他种类的设备`,
    );
    const mode = {
      value: BigInt(S.S_IFCHR | fileMode),
      display: `S_IFCHR|0${fileMode.toString(8)}`,
    };
    // makedev of the low 8 bits of minor and 12 bits of major, which all of these fit in
    const number = shown((major << 8) | minor, `makedev(${major}, ${minor})`);
    script.call('mknodat', [FDCWD, target, mode, number], why);
    script.chown(target, rootId + uid, rootId + gid, why);
  }
}

// ---- init: in all new namespaces; full capabilities there, none outside ----

function writeInit(script: Script, pipe: ReleasePipe, input: SandboxPlanInput, parts: Parts): void {
  const { config, facts } = input;
  enterOwnCgroupNamespace(script);
  // Before the release: what needs neither ids nor a root, while outside mounts.
  setHostname(script, config.hostname ?? 'terrarium');
  raiseLoopback(script);
  awaitRelease(script, pipe);
  setIds(script, 0, 0, []);
  script.call('chdir', [join(STAGE, 'root')], enterRootPurpose);
  for (const mount of parts.mounts) {
    if (OF_INIT.has(mount.type ?? '')) mountByInit(script, mount, facts);
  }
  linkDevices(script);
  writeSysctls(script, config.linux?.sysctl ?? {});
  writeHostFiles(script, config.hostname ?? 'terrarium');
  pivotRoot(script);
  confineInit(script, config, facts);
}

function enterOwnCgroupNamespace(script: Script): void {
  script.call(
    'unshare',
    [flagged(CLONE, 'CLONE_NEWCGROUP')],
    purpose(
      'cgroup-namespace',
      'take a cgroup namespace: the group it is in now is its root',
      '进入新的 cgroup 命名空间：此刻所在的组就是它的根',
    ),
  );
}

function mountByInit(script: Script, mount: MountConfig, facts: HostFacts): void {
  const target = mount.destination.slice(1);
  const type = mount.type ?? 'none';
  if (type === 'cgroup') {
    mountCgroups(script, target, mount.options ?? [], facts);
    return;
  }
  const why = purpose(
    `mount-${type}`,
    `mount ${mount.destination}: init does it, because it shows the mounter's own namespaces`,
    `挂载 ${mount.destination}：由 init 来挂，因为它显示挂载者自己的命名空间`,
  );
  if (target.includes('/')) {
    script.mkdir(target, 0o755, why, { tolerate: [ERRNO.EEXIST] });
  }
  script.mount(mount.source ?? type, target, type, mount.options ?? [], why);
}

/** Pure v2: one mount. v1 and hybrid: a small tmpfs with a directory for each hierarchy. */
function mountCgroups(
  script: Script,
  target: string,
  options: readonly string[],
  facts: HostFacts,
): void {
  const why = purpose(
    'mount-cgroup',
    'mount the cgroup hierarchies: the cgroup namespace shows the sandbox’s own group as the root',
    '挂载 cgroup 层级：在 cgroup 命名空间里，沙箱自己的组就是根',
  );
  const { kind, hierarchies } = facts.cgroups;
  if (kind === 'v2') {
    script.mount('cgroup', target, 'cgroup2', options, why);
    openInnerNode(script, facts.cgroups, target);
    return;
  }
  script.mount('cgroup', target, 'tmpfs', [...options, 'mode=0755', 'size=64k'], why);
  for (const { version, name, controllers } of hierarchies) {
    const directory = join(target, name);
    script.mkdir(directory, 0o755, why);
    if (version === 2) {
      script.mount('cgroup', directory, 'cgroup2', options, why);
      openInnerNode(script, facts.cgroups, directory);
    } else {
      script.mount('cgroup', directory, 'cgroup', [...options, ...controllers], why);
    }
    for (const controller of controllers.length > 1 && version === 1 ? controllers : []) {
      const link = join(target, controller);
      script.call('symlinkat', [name, FDCWD, link], why);
    }
  }
}

const DEVICE_LINKS: readonly (readonly [target: string, link: string])[] = [
  ['/proc/self/fd', 'dev/fd'],
  ['/proc/self/fd/0', 'dev/stdin'],
  ['/proc/self/fd/1', 'dev/stdout'],
  ['/proc/self/fd/2', 'dev/stderr'],
  ['pts/ptmx', 'dev/ptmx'],
];

function linkDevices(script: Script): void {
  const why = purpose(
    'device-link',
    'the links below /dev that programs expect',
    '/dev 下程序所需的符号链接',
  );
  for (const [target, link] of DEVICE_LINKS) script.call('symlinkat', [target, FDCWD, link], why);
}

/** Only keys of namespaces that are the sandbox's own; a kernel may lack one. */
function writeSysctls(script: Script, sysctls: Readonly<Record<string, string>>): void {
  for (const [key, value] of Object.entries(sysctls)) {
    const file = join('proc/sys', key.replaceAll('.', '/'));
    script.optionalWriteFile(
      file,
      value,
      purpose(
        'sysctl',
        `${key} = ${value}, in the sandbox's own namespaces only`,
        `${key} = ${value}，只作用于沙箱自己的命名空间`,
      ),
    );
  }
}

function writeHostFiles(script: Script, hostname: string): void {
  const why = purpose(
    'host-files',
    'who this machine is: /etc/hostname, /etc/hosts, /etc/resolv.conf',
    '这台机器是谁：/etc/hostname、/etc/hosts、/etc/resolv.conf',
  );
  script.mkdir('etc', 0o755, why, { tolerate: [ERRNO.EEXIST] });
  const files: readonly (readonly [string, string])[] = [
    ['etc/hostname', `${hostname}\n`],
    ['etc/hosts', `127.0.0.1\tlocalhost ${hostname}\n::1\tlocalhost ip6-localhost ip6-loopback\n`],
    ['etc/resolv.conf', '# this network namespace has no way out, and so no name server\n'],
  ];
  for (const [file, content] of files) {
    script.createFile(file, content, 0o644, why, [ERRNO.ENOENT]);
  }
}

function confineInit(script: Script, config: RuntimeConfig, facts: HostFacts): void {
  const { rlimits = [], capabilities } = config.process ?? {};
  setRlimits(script, rlimits, facts);
  setCapabilities(script, capabilities?.bounding ?? [], facts);
  if (config.linux?.seccomp !== undefined) setSeccomp(script, config.linux.seccomp, facts);
  const why = purpose(
    'init-visible',
    'let the lab look at its init: /proc/1/ns is readable, there is nothing secret in it',
    '允许实验查看 init：/proc/1/ns 可读，里面没有秘密',
  );
  script.call('prctl', [flagged(PR, 'PR_SET_DUMPABLE'), 1, 0, 0, 0], why);
  script.call('umask', [octal(0o022)], why);
  script.call(
    'setsid',
    [],
    purpose('init-session', 'a session of its own, without a terminal', '自己的会话，没有终端'),
  );
  // Plans' own fds count from 3; become-init closes what the player itself holds.
  script.call(
    'close_range',
    [3, 60, flagged(CLOSE_RANGE)],
    purpose('close-fds', 'hold no file of the host open', '不让任何宿主机文件保持打开'),
  );
  script.builder.becomeInit(
    script.process,
    purpose(
      'become-init',
      'be PID 1: reap orphans, until the sandbox ends',
      '成为 PID 1：回收孤儿进程，直到沙箱结束',
    ),
  );
}
