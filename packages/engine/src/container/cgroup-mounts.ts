/**
 * A mount of type `cgroup`: what the container sees below /sys/fs/cgroup. Pure v2 is one mount; v1
 * and hybrid a small tmpfs with a directory for each hierarchy. Who runs it: init, already in its
 * groups and its cgroup namespace, so that its own group is the root of what it mounts.
 */
import { join } from 'node:path';
import type { MountConfig } from '@terrarium/spec';
import { flagged, O } from '@terrarium/syscall';
import { type CgroupHierarchy, type CgroupLayout, groupPath } from '../cgroups/index.js';
import {
  attachTree,
  changeAttributes,
  cloneTree,
  type MountRoot,
  mountBelow,
  openBelow,
  openTarget,
} from '../plan/mount-calls.js';
import { purpose } from '../plan/script.js';

const why = purpose(
  'mount-cgroup',
  'mount the cgroup hierarchies: the cgroup namespace shows the container’s own group as the root',
  '挂载 cgroup 层级：在 cgroup 命名空间里，容器自己的组就是根',
);

/** What decides how they are mounted. */
export interface CgroupMountInput {
  readonly layout: CgroupLayout;
  /** the container's group, below each hierarchy's mount point */
  readonly group: string;
  /** false: a mount would show the runtime's groups, so the container's own is bound instead */
  readonly hasNamespace: boolean;
}

/** Mounts all hierarchies at `mount.destination`. */
export function mountCgroups(at: MountRoot, mount: MountConfig, input: CgroupMountInput): void {
  const options = mount.options ?? [];
  const { kind, hierarchies } = input.layout;
  if (kind === 'v2') {
    for (const hierarchy of hierarchies)
      mountHierarchy(at, mount.destination, hierarchy, options, input);
    return;
  }
  const quiet = options.filter((option) => option !== 'ro');
  mountBelow(
    at,
    {
      destination: mount.destination,
      type: 'tmpfs',
      source: 'cgroup',
      options: [...quiet, 'mode=0755', 'size=64k'],
    },
    'directory',
    why,
  );
  for (const hierarchy of hierarchies) {
    mountHierarchy(at, join(mount.destination, hierarchy.name), hierarchy, options, input);
    linkControllers(at, mount.destination, hierarchy);
  }
  if (options.includes('ro')) makeReadOnly(at, mount.destination);
}

function mountHierarchy(
  at: MountRoot,
  destination: string,
  hierarchy: CgroupHierarchy,
  options: readonly string[],
  { group, hasNamespace }: CgroupMountInput,
): void {
  if (!hasNamespace) {
    cloneTree(at, groupPath(hierarchy, group), false, why);
    if (options.includes('ro'))
      changeAttributes(at.script, at.tree, { set: ['MOUNT_ATTR_RDONLY'], clear: [] }, false, why);
    attachTree(at, destination, 'directory', why);
    return;
  }
  const type = hierarchy.version === 2 ? 'cgroup2' : 'cgroup';
  // v1: the controllers are mount options, and say which hierarchy is meant
  const data = hierarchy.version === 2 ? [] : hierarchy.controllers;
  // A read-only super block would be read-only for everybody: `ro` is of this mount alone.
  const own = options.filter((option) => option !== 'ro');
  mountBelow(
    at,
    { destination, type, source: 'cgroup', options: [...own, ...data] },
    'directory',
    why,
  );
  if (options.includes('ro')) makeReadOnly(at, destination);
}

/** `cpu` and `cpuacct` beside `cpu,cpuacct`, as systemd has them. */
function linkControllers(at: MountRoot, directory: string, hierarchy: CgroupHierarchy): void {
  if (hierarchy.version === 2 || hierarchy.controllers.length < 2) return;
  const parent = openTarget(at, directory, 'directory', why);
  for (const controller of hierarchy.controllers)
    at.script.call('symlinkat', [hierarchy.name, parent, controller], why);
  at.script.call('close', [parent], why);
}

function makeReadOnly(at: MountRoot, destination: string): void {
  openBelow(at, destination, at.target, flagged(O, 'O_PATH', 'O_CLOEXEC'), why);
  changeAttributes(at.script, at.target, { set: ['MOUNT_ATTR_RDONLY'], clear: [] }, false, why);
  at.script.call('close', [at.target], why);
}
