/**
 * Picks the driver of a hierarchy's version, and makes the groups that hold other groups. The
 * daemon runs this as root, directly on the host's files: it happens once, before any plan.
 */
import type { CgroupDriver, CgroupHierarchy, CgroupLayout } from './types.js';
import { v1Driver } from './v1.js';
import { v2Driver } from './v2.js';

/** The driver of a hierarchy's version. */
export function driverOf(hierarchy: CgroupHierarchy): CgroupDriver {
  return hierarchy.version === 1 ? v1Driver : v2Driver;
}

/**
 * Makes a group that will hold others, in every hierarchy, from the mount point down: v1 gets its
 * CPUs and memory nodes copied down, v2 its controllers handed on.
 *
 * @param controllers v2: what translateResources says the group below needs, besides the usual
 * @returns the directories that did not exist, outermost first, for an undo
 * @throws Error naming the group when a v2 group on the way holds processes or is threaded
 */
export function prepareParents(
  layout: CgroupLayout,
  group: string,
  controllers: readonly string[] = [],
): readonly string[] {
  return layout.hierarchies.flatMap((hierarchy) =>
    driverOf(hierarchy).prepareParent(hierarchy, group, controllers),
  );
}
