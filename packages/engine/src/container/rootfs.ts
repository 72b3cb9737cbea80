/**
 * The root file system of a container: what outside opens for it, and what init mounts. Sources
 * are opened once, before clone3, as detached copies that init inherits as fds: so a path means
 * the runtime's file whatever the container shows by that name later, and init needs no right to
 * walk there.
 */
import { resolve } from 'node:path';
import type { LinuxDevice, MountConfig, RuntimeConfig } from '@terrarium/spec';
import {
  flagged,
  MOUNT_ATTR,
  MOVE_MOUNT,
  MS,
  O,
  path,
  type Slot,
  struct,
} from '@terrarium/syscall';
import {
  attachDevices,
  cloneDevices,
  devicesOf,
  linkDevices,
  makeDevices,
} from '../plan/devices.js';
import { holdBlank, maskPaths, openNullDevice, readonlyPaths } from '../plan/mask.js';
import { sortMountOptions } from '../plan/mount-attributes.js';
import {
  attachTree,
  changeTree,
  cloneTree,
  type MountRoot,
  mapIds,
  mountBelow,
  mountRoot,
  setPropagation,
} from '../plan/mount-calls.js';
import { FDCWD, purpose, type Script } from '../plan/script.js';
import { mountCgroups } from './cgroup-mounts.js';
import { type ContainerPlanInput, groupOf } from './plan-input.js';

/**
 * Where the new root is attached until it becomes the root, in init's mount namespace only. Every
 * system has it, and everybody may walk there.
 */
const STAGE = '/tmp';

/**
 * Hooks of createContainer run meanwhile and may lie below /tmp; and they expect the root file
 * system at its own path, as other runtimes have it. A root that init may not walk to is refused then.
 */
function stageFor({ config, bundle }: ContainerPlanInput): string {
  const directory = resolve(bundle, config.root?.path ?? 'rootfs');
  const hasHooks = (config.hooks?.createContainer?.length ?? 0) > 0;
  return hasHooks && directory !== '/' ? directory : STAGE;
}

/** Registers with what outside has opened; init inherits the fds. */
export interface Sources {
  /** the root file system's tree */
  readonly root: Slot;
  /** by index in config.mounts */
  readonly binds: ReadonlyMap<number, Slot>;
  /** by path, where devices are bound; null where init makes nodes */
  readonly devices: ReadonlyMap<string, Slot> | null;
  /** whether there are paths to mask */
  readonly masks: boolean;
}

/** Where init makes mounts, and what it covers masked directories with. */
export interface NewRoot extends MountRoot {
  readonly blank?: Slot;
}

/** Run by outside, before clone3. */
export function openSources(script: Script, input: ContainerPlanInput): Sources {
  const { config, bundle } = input;
  const root = script.builder.slot('rootTree');
  const directory = resolve(bundle, config.root?.path ?? 'rootfs');
  const why = purpose(
    'open-root',
    `take a detached mount of ${directory}: it will be the container’s root`,
    `取得 ${directory} 的游离挂载：它将成为容器的根`,
  );
  cloneTree({ script, tree: root }, directory, true, why);
  cutSource(script, root, config);
  const binds = new Map<number, Slot>();
  (config.mounts ?? []).forEach((mount, index) => {
    if (!isBind(mount)) return;
    const tree = script.builder.slot(`mountTree${index}`);
    const source = sourceOf(mount, bundle);
    const recursive = sortMountOptions(mount.options ?? []).bind !== 'bind';
    cloneTree({ script, tree }, source, recursive, bindPurpose(mount, source));
    cutSource(script, tree, config);
    binds.set(index, tree);
  });
  const devices = bindsDevices(input) ? cloneDevices(script, deviceList(input)) : null;
  for (const tree of devices?.values() ?? []) cutSource(script, tree, config);
  return { root, binds, devices, masks: (config.linux?.maskedPaths ?? []).length > 0 };
}

/**
 * Copies of shared mounts, which is what systemd makes all of a machine's, are shared with their
 * originals: what is mounted on them would appear on the machine. A private namespace does not
 * help, since they come into it later.
 */
function cutSource(script: Script, tree: Slot, config: RuntimeConfig): void {
  const why = purpose(
    'private-source',
    'cut this copy off from the mount it was taken from, so that nothing mounted on it travels there',
    '切断这份副本与原挂载的联系，使挂在它上面的东西不会传回去',
  );
  setPropagation(script, tree, sourcePropagation(config), true, why);
}

/** What the mounts of the runtime become in the container: private, or followers where asked for. */
export function sourcePropagation({ linux }: RuntimeConfig): 'MS_PRIVATE' | 'MS_SLAVE' {
  const follows = linux?.rootfsPropagation === 'slave' || linux?.rootfsPropagation === 'shared';
  return follows ? 'MS_SLAVE' : 'MS_PRIVATE';
}

/** Run by outside, once init is mapped: the mounts with `idmap` show init's ids. */
export function mapSources(
  script: Script,
  { config }: ContainerPlanInput,
  { binds }: Sources,
  init: Slot,
): void {
  (config.mounts ?? []).forEach((mount, index) => {
    const tree = binds.get(index);
    const { idmap } = sortMountOptions(mount.options ?? []);
    const mapped = idmap !== 'none' || (mount.uidMappings?.length ?? 0) > 0;
    if (tree === undefined || !mapped) return;
    const why = purpose(
      'idmap-mount',
      `show the files of ${mount.destination} as owned by the container’s ids`,
      `让 ${mount.destination} 的文件显示为属于容器的 ID`,
    );
    const userNs = script.builder.slot('userNs');
    script.call(
      'openat',
      [FDCWD, path`/proc/${init}/ns/user`, flagged(O, 'O_RDONLY', 'O_CLOEXEC')],
      why,
      { store: userNs },
    );
    mapIds(script, tree, userNs, idmap === 'ridmap', why);
    script.call('close', [userNs], why);
  });
}

/** Run by init. @returns where mounts are made: below an O_PATH fd of the new root */
export function attachRoot(script: Script, input: ContainerPlanInput, sources: Sources): NewRoot {
  const stage = stageFor(input);
  const blank = sources.masks ? holdBlank(script, stage) : undefined; // below the root
  const why = purpose(
    'attach-root',
    'attach the root file system, for now on a directory that everybody has',
    '挂上根文件系统，暂时放在一个人人都有的目录',
  );
  const onto = flagged(MOVE_MOUNT, 'MOVE_MOUNT_F_EMPTY_PATH');
  script.call('move_mount', [sources.root, '', FDCWD, stage, onto], why);
  script.call('close', [sources.root], why);
  const root = script.builder.slot('root');
  const flags = flagged(O, 'O_PATH', 'O_DIRECTORY', 'O_CLOEXEC');
  script.call('openat', [FDCWD, stage, flags], why, { store: root });
  return { ...mountRoot(script, root), ...(blank !== undefined && { blank }) };
}

/** Run by init: the config's mounts in order, devices, then what is hidden again. */
export function fillRoot(at: NewRoot, input: ContainerPlanInput, sources: Sources): void {
  const { config } = input;
  (config.mounts ?? []).forEach((mount, index) => {
    const tree = sources.binds.get(index);
    if (mount.type === 'cgroup' || mount.type === 'cgroup2') mountGroups(at, mount, input);
    else if (tree === undefined) mountFileSystem(at, mount);
    else attachBind({ ...at, tree }, mount, input);
  });
  const devices = deviceList(input);
  if (sources.devices === null) makeDevices(at, devices, input.id);
  else attachDevices(at, devices, sources.devices);
  linkDevices(at);
  hide(at, config);
}

function mountGroups(at: MountRoot, mount: MountConfig, input: ContainerPlanInput): void {
  const namespaces = input.config.linux?.namespaces ?? [];
  mountCgroups(at, mount, {
    layout: input.facts.cgroups,
    group: groupOf(input),
    hasNamespace: namespaces.some(({ type }) => type === 'cgroup'),
  });
}

function mountFileSystem(at: MountRoot, mount: MountConfig): void {
  const type = mount.type ?? 'none';
  const why = purpose(
    `mount-${type}`,
    `mount ${mount.destination} (${type})`,
    `挂载 ${mount.destination}（${type}）`,
  );
  const { destination, source = type, options = [] } = mount;
  mountBelow(at, { destination, type, source, options }, 'directory', why);
}

/** `at.tree` is what outside has opened; ids are mapped by now. */
function attachBind(at: MountRoot, mount: MountConfig, input: ContainerPlanInput): void {
  const source = sourceOf(mount, input.bundle);
  const why = bindPurpose(mount, source);
  const options = sortMountOptions(mount.options ?? []);
  changeTree(at.script, at.tree, { ...options, bind: 'bind', idmap: 'none' }, undefined, why);
  attachTree(at, mount.destination, input.sourceKind?.(source) ?? 'directory', why);
}

/** Masked and read-only paths, while the null device of the runtime is still in reach. */
function hide(at: NewRoot, { linux }: RuntimeConfig): void {
  const masked = linux?.maskedPaths ?? [];
  if (masked.length > 0) {
    const device = openNullDevice(at.script);
    maskPaths(at, masked, { device, ...(at.blank !== undefined && { blank: at.blank }) });
    at.script.call('close', [device], closePurpose);
    if (at.blank !== undefined) at.script.call('close', [at.blank], closePurpose);
  }
  readonlyPaths(at, linux?.readonlyPaths ?? []);
}

const closePurpose = purpose(
  'mask-close',
  'let go of what the masks were copied from',
  '放开遮盖所用的原件',
);

/** Run by init after the change of root: what would have been in the way before. */
export function sealRoot(script: Script, { root, linux }: RuntimeConfig): void {
  const propagation = linux?.rootfsPropagation;
  if (propagation !== undefined) {
    const flag = flagged(MS, 'MS_REC', PROPAGATION[propagation]);
    script.call(
      'mount',
      [0, '/', 0, flag, 0],
      purpose(
        'root-propagation',
        `make the root ${propagation}: which mounts travel to and from it`,
        `把根设为 ${propagation}：决定哪些挂载会传入传出`,
      ),
      { display: `mount(NULL, "/", NULL, ${flag.display}, NULL)` },
    );
  }
  if (root?.readonly !== true) return;
  const bits = struct([[MOUNT_ATTR.MOUNT_ATTR_RDONLY, 8], new Uint8Array(24)]);
  script.call(
    'mount_setattr',
    [FDCWD, '/', 0, bits, 32],
    purpose('readonly-root', 'make the root read-only', '把根设为只读'),
    { display: 'mount_setattr(AT_FDCWD, "/", 0, {attr_set=MOUNT_ATTR_RDONLY}, 32)' },
  );
}

const PROPAGATION = {
  shared: 'MS_SHARED',
  slave: 'MS_SLAVE',
  private: 'MS_PRIVATE',
  unbindable: 'MS_UNBINDABLE',
} as const;

/** Nodes can be made by the root of the machine only, and not by one in a user namespace. */
function bindsDevices({ config, sandbox }: ContainerPlanInput): boolean {
  const inUserNamespace = (config.linux?.namespaces ?? []).some(({ type }) => type === 'user');
  return sandbox !== undefined || inUserNamespace;
}

function deviceList({ config }: ContainerPlanInput): readonly LinuxDevice[] {
  return devicesOf(config.linux?.devices ?? []);
}

function isBind({ type, options = [] }: MountConfig): boolean {
  return type === 'bind' || options.includes('bind') || options.includes('rbind');
}

function sourceOf({ source = '' }: MountConfig, bundle: string): string {
  return resolve(bundle, source);
}

function bindPurpose({ destination }: MountConfig, source: string) {
  return purpose(
    'mount-bind',
    `show ${source} at ${destination}`,
    `在 ${destination} 处显示 ${source}`,
  );
}
