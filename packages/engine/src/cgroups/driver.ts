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
