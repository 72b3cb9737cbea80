/**
 * cgroup v1: one hierarchy per controller (or per co-mounted set), limits by files such as
 * memory.limit_in_bytes. Daemon side, root in the host's namespaces.
 * @see cgroups(7); kernel docs admin-guide/cgroup-v1
 */
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { LinuxResources } from '@terrarium/spec';
import type { CgroupDriver, LimitWrite } from './driver.js';
import { groupsBottomUp, killByPid, readControl, tryWriteControl, writeControl } from './files.js';
import type { CgroupHierarchy } from './layout.js';
import { groupPath } from './layout.js';

export const v1Driver: CgroupDriver = {
  prepareParent,
  limits,
  joinFile: 'tasks',
  delegatedFiles: ['tasks', 'cgroup.procs'],
  leafOf: () => '',
  delegatedControllers: () => [],
  killAll,
};

function prepareParent(hierarchy: CgroupHierarchy, group: string): void {
  const directory = groupPath(hierarchy, group);
  mkdirSync(directory, { recursive: true });
  if (hierarchy.controllers.includes('cpuset')) inheritCpuset(hierarchy.mountPoint, directory);
  if (hierarchy.controllers.includes('memory')) {
    // Before Linux 5.11 a child was not counted in its parent unless asked for.
    tryWriteControl(join(directory, 'memory.use_hierarchy'), '1');
  }
}

/**
 * A new cpuset group has no CPUs and no memory nodes, and refuses every process (ENOSPC) until it
 * has: copy them down, and let groups made below do the same by themselves.
 */
function inheritCpuset(top: string, directory: string): void {
  const parent = dirname(directory);
  if (directory !== top && parent !== top && parent.startsWith(top)) inheritCpuset(top, parent);
  for (const file of ['cpuset.cpus', 'cpuset.mems']) {
    if (readControl(join(directory, file)) !== '') continue;
    writeControl(join(directory, file), readControl(join(parent, file)) ?? '');
  }
  writeControl(join(directory, 'cgroup.clone_children'), '1');
}

function limits(hierarchy: CgroupHierarchy, resources: LinuxResources): readonly LimitWrite[] {
  const has = (controller: string) => hierarchy.controllers.includes(controller);
  return [
    ...(has('memory') ? memoryLimits(resources) : []),
    ...(has('pids') ? pidsLimits(resources) : []),
    ...(has('cpu') ? cpuLimits(resources) : []),
    ...(has('cpuset') ? cpusetLimits(resources) : []),
    ...(has('devices') ? deviceLimits(resources) : []),
  ];
}

function memoryLimits({ memory }: LinuxResources): LimitWrite[] {
  const writes: LimitWrite[] = [];
  if (memory?.limit !== undefined) writes.push(limit('memory.limit_in_bytes', memory.limit));
  // memsw must never be below memory: a new group has no limits, so memory goes first.
  if (memory?.swap !== undefined) {
    writes.push({ ...limit('memory.memsw.limit_in_bytes', memory.swap), optional: true });
  }
  if (memory?.reservation !== undefined) {
    writes.push(limit('memory.soft_limit_in_bytes', memory.reservation));
  }
  return writes;
}

function pidsLimits({ pids }: LinuxResources): LimitWrite[] {
  if (pids?.limit === undefined) return [];
  return [limit('pids.max', pids.limit < 0 ? 'max' : pids.limit)];
}

function cpuLimits({ cpu }: LinuxResources): LimitWrite[] {
  const writes: LimitWrite[] = [];
  if (cpu?.shares !== undefined) writes.push(limit('cpu.shares', cpu.shares));
  if (cpu?.period !== undefined) {
    writes.push({ ...limit('cpu.cfs_period_us', cpu.period), optional: true });
  }
  if (cpu?.quota !== undefined) {
    writes.push({ ...limit('cpu.cfs_quota_us', cpu.quota), optional: true });
  }
  return writes;
}

function cpusetLimits({ cpu }: LinuxResources): LimitWrite[] {
  const writes: LimitWrite[] = [];
  if (cpu?.cpus !== undefined) writes.push(limit('cpuset.cpus', cpu.cpus));
  if (cpu?.mems !== undefined) writes.push(limit('cpuset.mems', cpu.mems));
  return writes;
}

/** `c 1:3 rwm` in devices.allow or devices.deny, one rule a write, in the config's order. */
function deviceLimits({ devices }: LinuxResources): LimitWrite[] {
  return (devices ?? []).map((rule) => {
    const file = rule.allow ? 'devices.allow' : 'devices.deny';
    const type = rule.type ?? 'a';
    if (type === 'a') return limit(file, 'a');
    return limit(file, `${type} ${rule.major ?? '*'}:${rule.minor ?? '*'} ${rule.access ?? 'rwm'}`);
  });
}

function limit(file: string, value: string | number): LimitWrite {
  return { file, value: String(value), optional: false };
}

/**
 * A task frozen by v1 keeps its SIGKILL pending until it is thawed, so thaw first: the learner
 * may have frozen a group of theirs.
 */
function killAll(directory: string): void {
  for (const group of groupsBottomUp(directory).reverse()) {
    const state = join(group, 'freezer.state');
    if (readControl(state) !== null) tryWriteControl(state, 'THAWED');
  }
  killByPid(directory);
}
