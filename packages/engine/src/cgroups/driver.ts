/**
 * One interface to a cgroup hierarchy, whatever its version. The parts that a plan needs
 * (which files to write, which to hand over) are pure; the rest touches the host's cgroup files
 * and runs in the daemon as root.
 */
import type { LinuxResources } from '@terrarium/spec';
import type { CgroupHierarchy, CgroupLayout } from './layout.js';
import { v1Driver } from './v1.js';
import { v2Driver } from './v2.js';

/** One limit: write `value` to `file` of the group. */
export interface LimitWrite {
  readonly file: string;
  readonly value: string;
  /** true: a kernel without this file (ENOENT) or this limit is no reason to fail */
  readonly optional: boolean;
}

/** What a version of cgroups does its own way. */
export interface CgroupDriver {
  /**
   * Makes the group that holds all sandboxes, with what children need to be limited.
   * @param group path below the mount point: `/terrarium`
   */
  prepareParent(hierarchy: CgroupHierarchy, group: string): void;
  /** Files of the group to write, in an order that never passes through a refused state. */
  limits(hierarchy: CgroupHierarchy, resources: LinuxResources): readonly LimitWrite[];
  /**
   * The file that a process of one thread writes "0" to, to enter: v1's `tasks`, which spares the
   * lock over all forks of the host (with cgroup.procs: 1 ms and more a hierarchy on a busy
   * machine; Linux 5.5, "cgroup: Optimize single thread migration"). v2 knows CLONE_INTO_CGROUP.
   */
  readonly joinFile: string;
  /** Files that whoever may make child groups must own, besides the directory. */
  readonly delegatedFiles: readonly string[];
  /**
   * Where processes live, below the sandbox's group: v2 with controllers allows none in an inner
   * node, so they get a leaf; empty for v1.
   */
  leafOf(hierarchy: CgroupHierarchy): string;
  /** Controllers that a sandbox's group hands to its children. */
  delegatedControllers(hierarchy: CgroupHierarchy): readonly string[];
  /** Sends SIGKILL to all of the subtree, frozen ones too; new forks may escape: call again. */
  killAll(directory: string): void;
}

/** The driver of a hierarchy's version. */
export function driverOf(hierarchy: CgroupHierarchy): CgroupDriver {
  return hierarchy.version === 1 ? v1Driver : v2Driver;
}

/** Makes `/instance` in every hierarchy. */
export function prepareParents(layout: CgroupLayout, group: string): void {
  for (const hierarchy of layout.hierarchies) driverOf(hierarchy).prepareParent(hierarchy, group);
}
