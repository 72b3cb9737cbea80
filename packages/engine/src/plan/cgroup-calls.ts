/**
 * Calls that make, limit, hand over and enter a sandbox's cgroups, for v1, v2 and hybrid hosts.
 * Who runs them: `outside`, host root in the host's namespaces (joining needs the host's paths).
 */
import { join } from 'node:path';
import type { LinuxResources } from '@terrarium/spec';
import { ERRNO, flagged, O, type Purpose, type Slot } from '@terrarium/syscall';
import { type CgroupHierarchy, type CgroupLayout, driverOf, groupPath } from '../cgroups/index.js';
import { FDCWD, purpose, type Script } from './script.js';

/** Makes the group in every hierarchy, sets its limits and gives directory and joining away. */
export function makeCgroups(
  script: Script,
  layout: CgroupLayout,
  group: string,
  resources: LinuxResources,
  owner: number,
): void {
  for (const hierarchy of layout.hierarchies) {
    const directory = groupPath(hierarchy, group);
    const label = hierarchy.name;
    script.mkdir(
      directory,
      0o755,
      purpose('cgroup-make', `make the sandbox's ${label} cgroup`, `创建沙箱的 ${label} cgroup`),
    );
    writeLimits(script, hierarchy, directory, resources);
    delegate(script, hierarchy, directory, owner);
  }
}

function writeLimits(
  script: Script,
  hierarchy: CgroupHierarchy,
  directory: string,
  resources: LinuxResources,
): void {
  for (const { file, value, optional } of driverOf(hierarchy).limits(hierarchy, resources)) {
    const path = join(directory, file);
    const why = purpose(
      'cgroup-limit',
      `limit the sandbox: ${file} = ${value}`,
      `限制沙箱：${file} = ${value}`,
    );
    if (optional) script.optionalWriteFile(path, value, why);
    else script.writeFile(path, value, why);
  }
}

/**
 * The learner owns the directory (so they can make child groups) and the files that move
 * processes, but no file that holds a limit.
 */
function delegate(
  script: Script,
  hierarchy: CgroupHierarchy,
  directory: string,
  owner: number,
): void {
  const why = purpose(
    'cgroup-delegate',
    'let the sandbox make child groups and move its processes; its own limits stay with the host',
    '允许沙箱创建子组并移动自己的进程；沙箱自身的限制仍归宿主机管',
  );
  const files = driverOf(hierarchy).delegatedFiles.map((file) => join(directory, file));
  for (const path of [directory, ...files]) script.chown(path, owner, owner, why);
}

/**
 * Moves the calling process into the v1 groups, so that its children are born there. Into v2
 * the child comes by CLONE_INTO_CGROUP.
 */
export function joinV1Cgroups(script: Script, layout: CgroupLayout, group: string): void {
  for (const hierarchy of layout.hierarchies) {
    if (hierarchy.version === 2) continue;
    const file = join(groupPath(hierarchy, group), driverOf(hierarchy).joinFile);
    script.writeFile(file, '0', joinPurpose(hierarchy));
  }
}

/** Opens the v2 group itself: a new init is born there, and roots its cgroup namespace in it. */
export function openV2Group(script: Script, layout: CgroupLayout, group: string): Slot | null {
  const hierarchy = v2Of(layout);
  if (hierarchy === undefined) return null;
  return openGroup(script, groupPath(hierarchy, group), joinPurpose(hierarchy));
}

/** Opens the v2 group where the sandbox's processes live: its leaf, where it has one. */
export function openV2Leaf(script: Script, layout: CgroupLayout, group: string): Slot | null {
  const hierarchy = v2Of(layout);
  if (hierarchy === undefined) return null;
  const leaf = driverOf(hierarchy).leafOf(hierarchy);
  const directory = join(groupPath(hierarchy, group), leaf);
  // Made with the sandbox; made again if the learner emptied and removed it.
  if (leaf !== '') script.mkdir(directory, 0o755, leafPurpose, { tolerate: [ERRNO.EEXIST] });
  return openGroup(script, directory, joinPurpose(hierarchy));
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
  script.writeFile(
    join(mountPoint, 'cgroup.subtree_control'),
    driver
      .delegatedControllers(hierarchy)
      .map((controller) => `+${controller}`)
      .join(' '),
    purpose(
      'cgroup-subtree-control',
      'hand the controllers on, so that child groups can have limits',
      '向下委派控制器，让子组也能设置限制',
    ),
  );
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

function joinPurpose(hierarchy: CgroupHierarchy): Purpose {
  return purpose(
    'cgroup-join',
    `enter the sandbox's ${hierarchy.name} cgroup, so that all that follows is limited`,
    `进入沙箱的 ${hierarchy.name} cgroup，之后的一切都受限制`,
  );
}
