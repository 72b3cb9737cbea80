/**
 * cgroup v1: one hierarchy per controller (or per co-mounted set), limits by files such as
 * memory.limit_in_bytes. Daemon side, root in the host's namespaces.
 * @see cgroups(7); kernel docs admin-guide/cgroup-v1
 */
import { dirname, join } from 'node:path';
import {
  groupsBottomUp,
  killByPid,
  makeGroups,
  readControl,
  tryWriteControl,
  writeControl,
} from './files.js';
import { groupPath } from './layout.js';
import { limitsOf } from './resources/translate.js';
import type { CgroupDriver, CgroupHierarchy } from './types.js';

export const v1Driver: CgroupDriver = {
  prepareParent,
  limits: limitsOf,
  joinFile: 'tasks',
  delegatedFiles: ['tasks', 'cgroup.procs'],
  leafOf: () => '',
  delegatedControllers: () => [],
  killAll,
};

function prepareParent(hierarchy: CgroupHierarchy, group: string): readonly string[] {
  const directory = groupPath(hierarchy, group);
  const made = makeGroups(hierarchy.mountPoint, group);
  if (hierarchy.controllers.includes('cpuset')) inheritCpuset(hierarchy.mountPoint, directory);
  if (hierarchy.controllers.includes('memory')) {
    // Before Linux 5.11 a child was not counted in its parent unless asked for.
    tryWriteControl(join(directory, 'memory.use_hierarchy'), '1');
  }
  return made;
}

/**
 * A new cpuset group has no CPUs and no memory nodes, and refuses every process (ENOSPC) until it
 * has: copy them down, and let groups made below do the same by themselves.
 */
function inheritCpuset(top: string, directory: string): void {
  if (!directory.startsWith(`${top}/`)) return; // the root has all, and is the host's to configure
  const parent = dirname(directory);
  inheritCpuset(top, parent);
  for (const file of ['cpuset.cpus', 'cpuset.mems']) {
    if (readControl(join(directory, file)) !== '') continue;
    writeControl(join(directory, file), readControl(join(parent, file)) ?? '');
  }
  writeControl(join(directory, 'cgroup.clone_children'), '1');
}

/**
 * A task frozen by v1 keeps its SIGKILL pending until it is thawed, so thaw too: a learner may have
 * frozen a group of theirs. Kill first, so that not one instruction runs in between; and again
 * after, for what was forked meanwhile.
 */
function killAll(directory: string): void {
  killByPid(directory);
  let thawed = false;
  for (const group of groupsBottomUp(directory).reverse()) {
    const state = join(group, 'freezer.state');
    const content = readControl(state);
    if (content !== null && content !== 'THAWED') thawed = tryWriteControl(state, 'THAWED');
  }
  if (thawed) killByPid(directory);
}
