/**
 * The words that all parts of this folder share: hierarchies, limits, what a version of cgroups
 * does its own way. Types alone, so that drivers, layouts and plans may import them in any order.
 */
import type { LinuxResources } from '@terrarium/spec';

/** One mounted hierarchy. */
export interface CgroupHierarchy {
  readonly version: 1 | 2;
  /** absolute path of the mount on the host (or inside a sandbox: see insideLayout) */
  readonly mountPoint: string;
  /**
   * v1: what the hierarchy is mounted with: controllers, or one `name=…`.
   * v2: the controllers of cgroup.controllers at the mount point.
   */
  readonly controllers: readonly string[];
  /** directory below /sys/fs/cgroup inside a sandbox: `memory`, `cpu,cpuacct`, `systemd`, `unified` */
  readonly name: string;
  /**
   * Control files that a group here has, where somebody looked (withControlFiles): which kernel
   * options exist shows only there. undefined: unknown, the usual ones are assumed.
   */
  readonly controlFiles?: readonly string[];
  /**
   * v1 cpuset, where groups do not pass their CPUs down by themselves: what a new group gets, as it
   * refuses every process until it has some (ENOSPC).
   */
  readonly inherited?: { readonly cpus: string; readonly mems: string };
}

/** All hierarchies of a host. `hybrid`: v1 hierarchies and a v2 one beside them. */
export interface CgroupLayout {
  readonly kind: 'v1' | 'v2' | 'hybrid' | 'none';
  readonly hierarchies: readonly CgroupHierarchy[];
  /**
   * `sandbox`: as seen below a sandbox's cgroup namespace, by a root without power on the host;
   * the kernel lets it set limits of groups that it made, but no device rules. Default: `host`.
   */
  readonly seenFrom?: 'host' | 'sandbox';
}

/** One limit: write `value` to `file` of the group. */
export interface LimitWrite {
  readonly file: string;
  readonly value: string;
  /** true: the standard (or the sandbox) can do without it, so a kernel without it is no reason to fail */
  readonly optional: boolean;
  /** the field of the OCI config that asks for it: `linux.resources.memory.limit` */
  readonly field: string;
}

/** A field of `linux.resources` that cannot be applied here, and why. */
export interface ResourceProblem {
  /** as the standard spells it: `linux.resources.network.classID` */
  readonly field: string;
  /** `this host has no net_cls controller` */
  readonly reason: string;
}

/** What a version of cgroups does its own way. */
export interface CgroupDriver {
  /**
   * Makes the group that holds all sandboxes, with what children need to be limited.
   * @param group path below the mount point: `/terrarium`
   * @param controllers v2: handed on besides the usual ones
   * @returns the directories that did not exist, outermost first
   */
  prepareParent(
    hierarchy: CgroupHierarchy,
    group: string,
    controllers?: readonly string[],
  ): readonly string[];
  /**
   * Files of a new group to write, in an order that never passes through a refused state. What this
   * hierarchy has no controller for is left out: resourcesProblems names it.
   */
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
