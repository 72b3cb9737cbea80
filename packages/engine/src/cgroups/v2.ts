/**
 * cgroup v2: one hierarchy; a controller reaches a group when its parent's cgroup.subtree_control
 * says so, and a group that hands controllers on holds no processes itself. Daemon side, root.
 * @see cgroups(7); kernel docs admin-guide/cgroup-v2
 */
import { join } from 'node:path';
import {
  groupsBottomUp,
  killByPid,
  makeGroups,
  readControl,
  tryWriteControl,
  writeControl,
} from './files.js';
import { groupPath, HANDED_ON } from './layout.js';
import { limitsOf } from './resources/translate.js';
import type { CgroupDriver, CgroupHierarchy } from './types.js';

/** Where PID 1 and the shells live, so that the sandbox's own group may hand controllers on. */
const LEAF = 'init';

export const v2Driver: CgroupDriver = {
  prepareParent,
  limits: limitsOf,
  joinFile: 'cgroup.procs',
  delegatedFiles: ['cgroup.procs', 'cgroup.threads', 'cgroup.subtree_control'],
  leafOf: (hierarchy) => (delegatedControllers(hierarchy).length === 0 ? '' : LEAF),
  delegatedControllers,
  killAll,
};

function delegatedControllers(hierarchy: CgroupHierarchy): readonly string[] {
  return HANDED_ON.filter((controller) => hierarchy.controllers.includes(controller));
}

/** Hands the controllers on from the mount point down to `group`, one level after the other. */
function prepareParent(
  hierarchy: CgroupHierarchy,
  group: string,
  controllers: readonly string[] = [],
): readonly string[] {
  const wanted = [
    ...new Set([
      ...delegatedControllers(hierarchy),
      ...controllers.filter((controller) => hierarchy.controllers.includes(controller)),
    ]),
  ];
  const made: string[] = [];
  const names = group.split('/').filter((part) => part !== '');
  for (let depth = 0; depth <= names.length; depth++) {
    const path = names.slice(0, depth).join('/');
    made.push(...makeGroups(hierarchy.mountPoint, path));
    handOn(groupPath(hierarchy, path), wanted);
  }
  return made;
}

/**
 * Enables controllers for the children of one group.
 *
 * @throws Error when the group holds processes (EBUSY) or is in threaded mode: two rules of v2
 *   that the errno alone does not explain
 */
export function handOn(directory: string, controllers: readonly string[]): void {
  const file = join(directory, 'cgroup.subtree_control');
  const enabled = new Set((readControl(file) ?? '').split(' '));
  const missing = controllers.filter((controller) => !enabled.has(controller));
  if (missing.length === 0) return;
  const threaded = threadedProblem(directory);
  if (threaded !== undefined) throw new Error(threaded);
  const value = missing.map((controller) => `+${controller}`).join(' ');
  try {
    writeControl(file, value);
  } catch (error) {
    throw new Error(`write ${value} to ${file}: ${handOnReason(error)}`, { cause: error });
  }
}

function handOnReason(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code ?? String(error);
  if (code !== 'EBUSY') return code;
  return 'EBUSY (the group holds processes: in cgroup v2 only a group without any hands controllers on)';
}

/**
 * Threads of one process can be in different groups of a threaded subtree, which no controller of
 * memory or I/O can account for. A container in it could not be limited: refused.
 *
 * @returns a sentence, or undefined for a group that may hold a container's
 */
export function threadedProblem(directory: string): string | undefined {
  const type = readControl(join(directory, 'cgroup.type'));
  if (type === null || type === 'domain') return undefined; // null: the root of the hierarchy
  return `${directory} is a threaded cgroup (cgroup.type says "${type}"): containers need a domain`;
}

/** cgroup.kill (Linux 5.14) takes the subtree at once, forks in flight and frozen ones too. */
function killAll(directory: string): void {
  if (tryWriteControl(join(directory, 'cgroup.kill'), '1')) return;
  for (const group of groupsBottomUp(directory)) tryWriteControl(join(group, 'cgroup.freeze'), '0');
  killByPid(directory);
}
