/**
 * cgroup v2: one hierarchy; a controller reaches a group when its parent's cgroup.subtree_control
 * says so, and a group that hands controllers on holds no processes itself. Daemon side, root.
 * @see cgroups(7); kernel docs admin-guide/cgroup-v2
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { LinuxCpu, LinuxMemory, LinuxResources } from '@terrarium/spec';
import type { CgroupDriver, LimitWrite } from './driver.js';
import { groupsBottomUp, killByPid, readControl, tryWriteControl, writeControl } from './files.js';
import type { CgroupHierarchy } from './layout.js';

/** Handed to sandboxes when the host has them. */
const WANTED = ['cpu', 'cpuset', 'io', 'memory', 'pids'] as const;

/** Where PID 1 and the shells live, so that the sandbox's own group may hand controllers on. */
const LEAF = 'init';

export const v2Driver: CgroupDriver = {
  prepareParent,
  limits,
  joinFile: 'cgroup.procs',
  delegatedFiles: ['cgroup.procs', 'cgroup.threads', 'cgroup.subtree_control'],
  leafOf: (hierarchy) => (delegatedControllers(hierarchy).length === 0 ? '' : LEAF),
  delegatedControllers,
  killAll,
};

function delegatedControllers(hierarchy: CgroupHierarchy): readonly string[] {
  return WANTED.filter((controller) => hierarchy.controllers.includes(controller));
}

/** Enables the controllers from the mount point down to `group`, one level after the other. */
function prepareParent(hierarchy: CgroupHierarchy, group: string): void {
  let directory = hierarchy.mountPoint;
  for (const name of group.split('/').filter((part) => part !== '')) {
    enable(directory, delegatedControllers(hierarchy));
    directory = join(directory, name);
    mkdirSync(directory, { recursive: true });
  }
  enable(directory, delegatedControllers(hierarchy));
}

function enable(directory: string, controllers: readonly string[]): void {
  const file = join(directory, 'cgroup.subtree_control');
  const enabled = new Set((readControl(file) ?? '').split(' '));
  const missing = controllers.filter((controller) => !enabled.has(controller));
  if (missing.length === 0) return;
  writeControl(file, missing.map((controller) => `+${controller}`).join(' '));
}

function limits(hierarchy: CgroupHierarchy, resources: LinuxResources): readonly LimitWrite[] {
  const has = (controller: string) => hierarchy.controllers.includes(controller);
  const { memory, cpu, pids, unified } = resources;
  return [
    ...(has('memory') && memory !== undefined ? memoryLimits(memory) : []),
    ...(has('pids') && pids?.limit !== undefined ? [limit('pids.max', max(pids.limit))] : []),
    ...(has('cpu') && cpu !== undefined ? cpuLimits(cpu) : []),
    ...(has('cpuset') && cpu?.cpus !== undefined ? [limit('cpuset.cpus', cpu.cpus)] : []),
    ...(has('cpuset') && cpu?.mems !== undefined ? [limit('cpuset.mems', cpu.mems)] : []),
    ...Object.entries(unified ?? {}).map(([file, value]) => limit(file, value)),
  ];
}

function memoryLimits(memory: LinuxMemory): LimitWrite[] {
  const writes: LimitWrite[] = [];
  if (memory.limit !== undefined) writes.push(limit('memory.max', max(memory.limit)));
  if (memory.swap !== undefined) {
    // OCI counts memory and swap together, v2 swap alone.
    const swap = memory.swap < 0 ? -1 : Math.max(0, memory.swap - Math.max(0, memory.limit ?? 0));
    writes.push({ ...limit('memory.swap.max', max(swap)), optional: true });
  }
  if (memory.reservation !== undefined) writes.push(limit('memory.low', max(memory.reservation)));
  return writes;
}

function cpuLimits(cpu: LinuxCpu): LimitWrite[] {
  const writes: LimitWrite[] = [];
  if (cpu.shares !== undefined && cpu.shares > 0) {
    writes.push(limit('cpu.weight', weightOf(cpu.shares)));
  }
  if (cpu.quota !== undefined || cpu.period !== undefined) {
    const quota = cpu.quota !== undefined && cpu.quota > 0 ? cpu.quota : 'max';
    writes.push(limit('cpu.max', `${quota} ${cpu.period ?? 100_000}`));
  }
  return writes;
}

/** v1 shares 2..262144 on v2's weight 1..10000, linearly, as the runtimes agreed. */
function weightOf(shares: number): number {
  return 1 + Math.floor(((Math.min(Math.max(shares, 2), 262_144) - 2) * 9999) / 262_142);
}

function max(value: number): string {
  return value < 0 ? 'max' : String(value);
}

function limit(file: string, value: string | number): LimitWrite {
  return { file, value: String(value), optional: false };
}

/** cgroup.kill (Linux 5.14) takes the subtree at once, forks in flight and frozen ones too. */
function killAll(directory: string): void {
  if (tryWriteControl(join(directory, 'cgroup.kill'), '1')) return;
  for (const group of groupsBottomUp(directory)) tryWriteControl(join(group, 'cgroup.freeze'), '0');
  killByPid(directory);
}
