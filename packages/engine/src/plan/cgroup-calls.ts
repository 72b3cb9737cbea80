/**
 * Calls that make, limit, hand over and enter a sandbox's cgroups, for v1, v2 and hybrid hosts.
 * Who runs them: `outside`, host root in the host's namespaces (joining needs the host's paths).
 */
import { join } from 'node:path';
import type { LinuxResources } from '@terrarium/spec';
import { ERRNO, type Slot, text } from '@terrarium/syscall';
import { type CgroupHierarchy, type CgroupLayout, driverOf, groupPath } from '../cgroups/index.js';
import { purpose, type Script } from './script.js';

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

/** Moves the calling process into the group itself, so that a cgroup namespace is rooted there. */
export function joinCgroups(script: Script, layout: CgroupLayout, group: string): void {
  for (const hierarchy of layout.hierarchies) {
    script.writeFile(
      join(groupPath(hierarchy, group), 'cgroup.procs'),
      '0',
      joinPurpose(hierarchy),
    );
  }
}

/** Moves the calling process to where the group's processes live: a v2 leaf, else the group. */
export function joinCgroupLeaves(script: Script, layout: CgroupLayout, group: string): void {
  for (const hierarchy of layout.hierarchies) {
    const leaf = driverOf(hierarchy).leafOf(hierarchy);
    const directory = join(groupPath(hierarchy, group), leaf);
    if (leaf !== '') {
      // Made with the sandbox; made again if the learner emptied and removed it.
      script.mkdir(directory, 0o755, leafPurpose, { tolerate: [ERRNO.EEXIST] });
    }
    script.writeFile(join(directory, 'cgroup.procs'), '0', joinPurpose(hierarchy));
  }
}

/**
 * v2 only: moves `outside` and the new init to the leaf, then hands the controllers on, which the
 * kernel refuses while the group itself holds processes.
 */
export function openInnerNodes(
  script: Script,
  layout: CgroupLayout,
  group: string,
  init: Slot,
  owner: number,
): void {
  for (const hierarchy of layout.hierarchies) {
    const driver = driverOf(hierarchy);
    const leaf = driver.leafOf(hierarchy);
    if (leaf === '') continue;
    const directory = groupPath(hierarchy, group);
    const leafDirectory = join(directory, leaf);
    script.mkdir(leafDirectory, 0o755, leafPurpose);
    delegate(script, hierarchy, leafDirectory, owner);
    const procs = join(leafDirectory, 'cgroup.procs');
    script.writeFile(procs, text`${init}`, leafPurpose);
    script.writeFile(procs, '0', leafPurpose);
    const controllers = driver.delegatedControllers(hierarchy);
    script.writeFile(
      join(directory, 'cgroup.subtree_control'),
      controllers.map((controller) => `+${controller}`).join(' '),
      purpose(
        'cgroup-subtree-control',
        'hand the controllers on, so that child groups can have limits',
        '向下委派控制器，让子组也能设置限制',
      ),
    );
  }
}

const leafPurpose = purpose(
  'cgroup-leaf',
  'keep processes in a leaf: in cgroup v2 an inner node that hands controllers on has none',
  '把进程放进叶子组：在 cgroup v2 中，委派控制器的内部节点不能有进程',
);

function joinPurpose(hierarchy: CgroupHierarchy) {
  return purpose(
    'cgroup-join',
    `enter the sandbox's ${hierarchy.name} cgroup, so that all that follows is limited`,
    `进入沙箱的 ${hierarchy.name} cgroup，之后的一切都受限制`,
  );
}
