/**
 * The smaller parts of linux.resources in both spellings: pids, huge pages, network marks, RDMA,
 * and `unified`, which names files of cgroup v2 literally.
 */
import type { LinuxResources } from '@terrarium/spec';
import type { CgroupHierarchy } from '../types.js';
import { maxOr, mayHave, optionalWish, refusal, type Wish, wish } from './wish.js';

/** The same file in both versions. */
export function pids({ pids: wanted }: LinuxResources): Wish[] {
  if (wanted?.limit === undefined) return [];
  return [wish('pids.limit', ['pids.max', maxOr(wanted.limit)])];
}

/**
 * `2MB` is part of the file's name. Reservations are limited where the kernel counts them (Linux
 * 5.7), faults always: the standard wants the first, and the second where there is no first.
 */
export function hugepages({ hugepageLimits }: LinuxResources, hierarchy: CgroupHierarchy): Wish[] {
  const file = hierarchy.version === 1 ? 'limit_in_bytes' : 'max';
  return (hugepageLimits ?? []).flatMap(({ pageSize, limit }) => {
    const field = 'hugepageLimits';
    const faults = `hugetlb.${pageSize}.${file}`;
    if (!/^[1-9][0-9]*[KMG]B$/.test(pageSize) || !mayHave(hierarchy, faults)) {
      return [refusal(field, `this kernel has no huge pages of ${JSON.stringify(pageSize)}`)];
    }
    return [
      wish(field, [faults, limit]),
      optionalWish(field, `hugetlb.${pageSize}.rsvd.${file}`, limit),
    ];
  });
}

/** v1 only: v2 leaves both to programs of the firewall, which match the group itself. */
export function netClassV1({ network }: LinuxResources): Wish[] {
  if (network?.classID === undefined) return [];
  return [wish('network.classID', ['net_cls.classid', network.classID])];
}

/** One write an interface: `eth0 5`. */
export function netPriorityV1({ network }: LinuxResources): Wish[] {
  return (network?.priorities ?? []).map(({ name, priority }) =>
    wish('network.priorities', ['net_prio.ifpriomap', `${name} ${priority}`]),
  );
}

/** The same file and line in both versions: `mlx5_0 hca_handle=3 hca_object=10000`. */
export function rdma({ rdma: wanted }: LinuxResources): Wish[] {
  return Object.entries(wanted ?? {}).map(([device, { hcaHandles, hcaObjects }]) => {
    const limits = [
      ...(hcaHandles === undefined ? [] : [`hca_handle=${hcaHandles}`]),
      ...(hcaObjects === undefined ? [] : [`hca_object=${hcaObjects}`]),
    ];
    if (limits.length === 0) {
      return refusal('rdma', `${device} needs hcaHandles or hcaObjects`);
    }
    return wish('rdma', ['rdma.max', `${device} ${limits.join(' ')}`]);
  });
}

/** Files that say who is in a group or what becomes of it: no limits, and the engine's to write. */
const NOT_LIMITS = ['procs', 'threads', 'kill', 'type', 'subtree_control', 'freeze'];

/** A key is a file's name; its controller is what stands before the first dot. */
export function unifiedV2({ unified }: LinuxResources, hierarchy: CgroupHierarchy): Wish[] {
  return Object.entries(unified ?? {}).map(([file, value]) => {
    const field = `unified.${file}`;
    const [controller = '', rest = ''] = file.split(/\.(.*)/s);
    if (!/^[a-z][a-z_]*\.[A-Za-z0-9_.]+$/.test(file)) {
      return refusal(field, 'is no name of a cgroup v2 file');
    }
    if (controller === 'cgroup') {
      if (!NOT_LIMITS.includes(rest)) return wish(field, [file, value]);
      return refusal(field, 'is not a limit');
    }
    if (!hierarchy.controllers.includes(controller)) {
      return refusal(field, `the cgroup v2 hierarchy has no ${controller} controller`);
    }
    if (!mayHave(hierarchy, file)) return refusal(field, `this kernel has no ${file}`);
    return wish(field, [file, value]);
  });
}
