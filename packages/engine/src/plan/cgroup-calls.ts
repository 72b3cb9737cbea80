/**
 * Calls that make, limit, hand over and enter the cgroups of a sandbox or a container, for v1, v2
 * and hybrid layouts. Who runs them: `outside`, before it changes a namespace (joining needs the
 * paths of the layout): host root, or for a container in a sandbox the sandbox's root.
 */
import { dirname, join } from 'node:path';
import type { LinuxDevice, LinuxResources } from '@terrarium/spec';
import { ERRNO, flagged, O, type Purpose, type Slot } from '@terrarium/syscall';
import {
  type CgroupHierarchy,
  type CgroupLayout,
  driverOf,
  groupPath,
  ResourcesError,
  translateResources,
} from '../cgroups/index.js';
import {
  inheritCpuset,
  limitDevicesV2,
  type Whose,
  withDefaultDevices,
  writeLimits,
} from './cgroup-limits.js';
import { FDCWD, purpose, type Script } from './script.js';

export type { Whose } from './cgroup-limits.js';

const THE_SANDBOX: Whose = { en: 'the sandbox', zh: '沙箱' };

/** What a container wants otherwise than a sandbox. */
export interface MakeCgroupsOptions {
  readonly whose?: Whose;
  /**
   * Every limit must hold: a field that cannot be applied makes this throw, and no write may fail.
   * A sandbox lives with a kernel that counts no swap; doctor says so. By default true for a
   * container (`whose` is given).
   */
  readonly strict?: boolean;
  /**
   * Adds what every container may open to its device rules, and leave to make `nodes`. By default
   * true for a container.
   */
  readonly defaultDevices?: boolean;
  /** linux.devices, for the rules */
  readonly nodes?: readonly LinuxDevice[];
}

/**
 * Makes the group in every hierarchy, sets its limits and gives directory and joining away.
 *
 * The group's parent must exist and hand controllers on: see prepareParents and makeNestedParents.
 *
 * @param owner host id of whoever may make child groups; null: nobody but root. A container gets
 *   the v2 group alone, as the standard asks: v1 is not safe to give away (a sandbox's gets both, its
 *   lessons are about them, and its own limits are above what it owns)
 * @throws Error naming every field of `resources` that cannot be applied (strict)
 */
export function makeCgroups(
  script: Script,
  layout: CgroupLayout,
  group: string,
  resources: LinuxResources,
  owner: number | null,
  options: MakeCgroupsOptions = {},
): void {
  const { whose = THE_SANDBOX, strict = options.whose !== undefined } = options;
  const withDefaults = options.defaultDevices ?? options.whose !== undefined;
  const wanted = withDefaults ? withDefaultDevices(layout, resources, options.nodes) : resources;
  const { writes, problems } = translateResources(layout, wanted);
  if (strict && problems.length > 0) throw new ResourcesError(problems);
  for (const hierarchy of layout.hierarchies) {
    const directory = groupPath(hierarchy, group);
    const label = hierarchy.name;
    script.mkdir(
      directory,
      0o755,
      purpose(
        'cgroup-make',
        `make the ${label} cgroup of ${whose.en}`,
        `创建${whose.zh}的 ${label} cgroup`,
      ),
    );
    inheritCpuset(script, hierarchy, directory);
    const own = writes.filter((one) => one.hierarchy === hierarchy).map(({ write }) => write);
    writeLimits(script, directory, own, whose, strict);
    if (owner !== null && (hierarchy.version === 2 || options.whose === undefined)) {
      delegate(script, hierarchy, directory, owner, whose);
    }
  }
  limitDevicesV2(script, layout, group, wanted, whose);
}

/**
 * Whoever owns the directory can make child groups, and with the files that move processes fill
 * them; no file that holds a limit is given away.
 */
function delegate(
  script: Script,
  hierarchy: CgroupHierarchy,
  directory: string,
  owner: number,
  whose: Whose,
): void {
  const why = purpose(
    'cgroup-delegate',
    `let ${whose.en} make child groups and move its processes; its own limits stay with the host`,
    `允许${whose.zh}创建子组并移动自己的进程；自身的限制仍归宿主机管`,
  );
  const files = driverOf(hierarchy).delegatedFiles.map((file) => join(directory, file));
  for (const path of [directory, ...files]) script.chown(path, owner, owner, why);
}

/**
 * Makes the groups above a nested group and hands the controllers on at each level, from the mount
 * point down, as calls: for a layout inside a sandbox, where the daemon cannot do it beforehand
 * (on the host it does: prepareParents). v1 needs no copying there: the sandbox's groups pass
 * their CPUs down (cgroup.clone_children).
 *
 * @param controllers v2: what translateResources says the group needs
 */
export function makeNestedParents(
  script: Script,
  layout: CgroupLayout,
  group: string,
  controllers: readonly string[],
): void {
  for (const hierarchy of layout.hierarchies) {
    const parents = ancestors(group);
    for (const parent of parents) {
      const directory = groupPath(hierarchy, parent);
      if (parent !== '/') {
        script.mkdir(directory, 0o755, nestedPurpose, { tolerate: [ERRNO.EEXIST] });
      }
      const handedOn = controllers.filter((name) => hierarchy.controllers.includes(name));
      if (hierarchy.version === 2 && handedOn.length > 0) handOnCall(script, directory, handedOn);
    }
  }
}

/** `/a/b/c` → `/`, `/a`, `/a/b` */
function ancestors(group: string): string[] {
  const parent = dirname(join('/', group));
  return parent === '/' ? ['/'] : [...ancestors(parent), parent];
}

const nestedPurpose = purpose(
  'cgroup-parent',
  'make the group that will hold the new one',
  '创建将要容纳新组的上级组',
);

const handOnPurpose = purpose(
  'cgroup-subtree-control',
  'hand the controllers on, so that child groups can have limits',
  '向下委派控制器，让子组也能设置限制',
);

/** Enabling twice is no error; a group that holds processes refuses (EBUSY). */
function handOnCall(script: Script, directory: string, controllers: readonly string[]): void {
  const value = controllers.map((controller) => `+${controller}`).join(' ');
  script.writeFile(join(directory, 'cgroup.subtree_control'), value, handOnPurpose);
}

/**
 * Moves the calling process into the v1 groups, so that its children are born there. Into v2
 * the child comes by CLONE_INTO_CGROUP.
 */
export function joinV1Cgroups(
  script: Script,
  layout: CgroupLayout,
  group: string,
  whose: Whose = THE_SANDBOX,
): void {
  for (const hierarchy of layout.hierarchies) {
    if (hierarchy.version === 2) continue;
    const file = join(groupPath(hierarchy, group), driverOf(hierarchy).joinFile);
    script.writeFile(file, '0', joinPurpose(hierarchy, whose));
  }
}

/** Opens the v2 group itself: a new init is born there, and roots its cgroup namespace in it; a
 * container's other processes join it there too. */
export function openV2Group(
  script: Script,
  layout: CgroupLayout,
  group: string,
  whose: Whose = THE_SANDBOX,
): Slot | null {
  const hierarchy = v2Of(layout);
  if (hierarchy === undefined) return null;
  return openGroup(script, groupPath(hierarchy, group), joinPurpose(hierarchy, whose));
}

/** Opens the v2 group where the sandbox's processes live: its leaf, where it has one. */
export function openV2Leaf(script: Script, layout: CgroupLayout, group: string): Slot | null {
  const hierarchy = v2Of(layout);
  if (hierarchy === undefined) return null;
  const directory = makeLeaf(script, hierarchy, group);
  return openGroup(script, directory, joinPurpose(hierarchy, THE_SANDBOX));
}

/** Moves the process itself there, which is not born inside. */
export function joinV2Leaf(script: Script, layout: CgroupLayout, group: string): void {
  const hierarchy = v2Of(layout);
  if (hierarchy === undefined) return;
  const directory = makeLeaf(script, hierarchy, group);
  script.writeFile(join(directory, 'cgroup.procs'), '0', joinPurpose(hierarchy, THE_SANDBOX));
}

/** Made with the sandbox; made again if the learner emptied and removed it. @returns its path */
function makeLeaf(script: Script, hierarchy: CgroupHierarchy, group: string): string {
  const leaf = driverOf(hierarchy).leafOf(hierarchy);
  const directory = join(groupPath(hierarchy, group), leaf);
  if (leaf !== '') script.mkdir(directory, 0o755, leafPurpose, { tolerate: [ERRNO.EEXIST] });
  return directory;
}

/**
 * Run by init, as root of the sandbox, on its own mount of the hierarchy: moves to a leaf, then
 * hands the controllers on, which the kernel refuses while the group itself holds processes.
 *
 * @param mountPoint where init has mounted v2, relative to its working directory
 */
export function openInnerNode(script: Script, layout: CgroupLayout, mountPoint: string): void {
  const hierarchy = v2Of(layout);
  if (hierarchy === undefined) return;
  const driver = driverOf(hierarchy);
  const leaf = driver.leafOf(hierarchy);
  if (leaf === '') return;
  script.mkdir(join(mountPoint, leaf), 0o755, leafPurpose);
  script.writeFile(join(mountPoint, leaf, 'cgroup.procs'), '0', leafPurpose);
  handOnCall(script, mountPoint, driver.delegatedControllers(hierarchy));
}

function v2Of(layout: CgroupLayout): CgroupHierarchy | undefined {
  return layout.hierarchies.find(({ version }) => version === 2);
}

function openGroup(script: Script, directory: string, why: Purpose): Slot {
  const group = script.builder.slot('group');
  script.call(
    'openat',
    [FDCWD, directory, flagged(O, 'O_RDONLY', 'O_DIRECTORY', 'O_CLOEXEC')],
    why,
    { store: group },
  );
  return group;
}

const leafPurpose = purpose(
  'cgroup-leaf',
  'keep processes in a leaf: in cgroup v2 an inner node that hands controllers on has none',
  '把进程放进叶子组：在 cgroup v2 中，委派控制器的内部节点不能有进程',
);

function joinPurpose(hierarchy: CgroupHierarchy, whose: Whose): Purpose {
  return purpose(
    'cgroup-join',
    `enter the ${hierarchy.name} cgroup of ${whose.en}, so that all that follows is limited`,
    `进入${whose.zh}的 ${hierarchy.name} cgroup，之后的一切都受限制`,
  );
}
