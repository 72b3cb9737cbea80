/**
 * linux.resources.cpu in both spellings: weight, quota, burst, idle (controller cpu), real time
 * (v1 only), and the CPUs and memory nodes that may be used (controller cpuset). Times are µs.
 * @see kernel docs scheduler/sched-bwc, admin-guide/cgroup-v2 "CPU Interface Files"
 */
import type { LinuxCpu, LinuxResources } from '@terrarium/spec';
import type { CgroupHierarchy } from '../types.js';
import { mayHave, refusal, type Wish, wish } from './wish.js';

/** The kernel's own period, µs. */
export const DEFAULT_PERIOD_MICROS = 100_000;

/** v1: the period before the quota, or a quota below the new period's minimum would be refused. */
export function cpuV1({ cpu }: LinuxResources, hierarchy: CgroupHierarchy): Wish[] {
  if (cpu === undefined) return [];
  const wishes = weightAndIdle(cpu, (shares) => wish('cpu.shares', ['cpu.shares', shares]));
  if (cpu.period !== undefined) wishes.push(wish('cpu.period', ['cpu.cfs_period_us', cpu.period]));
  if (cpu.quota !== undefined) {
    wishes.push(wish('cpu.quota', ['cpu.cfs_quota_us', cpu.quota > 0 ? cpu.quota : -1]));
  }
  wishes.push(...burst(cpu, hierarchy, 'cpu.cfs_burst_us'));
  const noRealtime = 'this kernel has no realtime groups (CONFIG_RT_GROUP_SCHED)';
  for (const [field, file, value] of [
    ['cpu.realtimePeriod', 'cpu.rt_period_us', cpu.realtimePeriod],
    ['cpu.realtimeRuntime', 'cpu.rt_runtime_us', cpu.realtimeRuntime],
  ] as const) {
    if (value === undefined) continue;
    wishes.push(mayHave(hierarchy, file) ? wish(field, [file, value]) : refusal(field, noRealtime));
  }
  return wishes;
}

/** v2: quota and period share cpu.max; there are no realtime groups. */
export function cpuV2({ cpu }: LinuxResources, hierarchy: CgroupHierarchy): Wish[] {
  if (cpu === undefined) return [];
  const wishes = weightAndIdle(cpu, (shares) =>
    wish('cpu.shares', ['cpu.weight', weightOf(shares)]),
  );
  if (cpu.quota !== undefined || cpu.period !== undefined) {
    const quota = cpu.quota !== undefined && cpu.quota > 0 ? cpu.quota : 'max';
    const field = cpu.quota === undefined ? 'cpu.period' : 'cpu.quota';
    wishes.push(wish(field, ['cpu.max', `${quota} ${cpu.period ?? DEFAULT_PERIOD_MICROS}`]));
  }
  wishes.push(...burst(cpu, hierarchy, 'cpu.max.burst'));
  for (const field of ['realtimePeriod', 'realtimeRuntime'] as const) {
    if (cpu[field] === undefined) continue;
    wishes.push(refusal(`cpu.${field}`, 'cgroup v2 has no realtime groups'));
  }
  return wishes;
}

/** The same two files in both versions. */
export function cpuset({ cpu }: LinuxResources): Wish[] {
  const wishes: Wish[] = [];
  if (cpu?.cpus !== undefined) wishes.push(wish('cpu.cpus', ['cpuset.cpus', cpu.cpus]));
  if (cpu?.mems !== undefined) wishes.push(wish('cpu.mems', ['cpuset.mems', cpu.mems]));
  return wishes;
}

/**
 * v1 shares 2..262144 on v2's weight 1..10000, linearly, as the runtimes agreed when v2 came:
 * 1024 becomes 39.
 */
export function weightOf(shares: number): number {
  return 1 + Math.floor(((Math.min(Math.max(shares, 2), 262_144) - 2) * 9999) / 262_142);
}

/** An idle group refuses a weight (EINVAL): leave idle before setting one, enter it after. */
function weightAndIdle(cpu: LinuxCpu, weight: (shares: number) => Wish): Wish[] {
  const wishes: Wish[] = [];
  if (cpu.idle === 0) wishes.push(wish('cpu.idle', ['cpu.idle', 0]));
  // 0 is the standard's "not set".
  if (cpu.shares !== undefined && cpu.shares > 0) wishes.push(weight(cpu.shares));
  if (cpu.idle !== undefined && cpu.idle !== 0)
    wishes.push(wish('cpu.idle', ['cpu.idle', cpu.idle]));
  return wishes;
}

function burst(cpu: LinuxCpu, hierarchy: CgroupHierarchy, file: string): Wish[] {
  if (cpu.burst === undefined) return [];
  const { quota = 0 } = cpu;
  if (quota > 0 && cpu.burst > quota) {
    return [refusal('cpu.burst', `must not be larger than cpu.quota (${cpu.burst} > ${quota})`)];
  }
  if (!mayHave(hierarchy, file)) {
    return [refusal('cpu.burst', `this kernel has no ${file} (Linux 5.14 and later have)`)];
  }
  return [wish('cpu.burst', [file, cpu.burst])];
}
