/**
 * Which files of a cgroup directory are read, and as what. *Settings* are what somebody wrote:
 * they change by a write(2), which inotify tells, so they are read once and then when written.
 * *Meters* are what the kernel counts: nothing tells when they move, so they are sampled while
 * somebody looks. Everything else (write-only switches, lists of members, debugging) is not read.
 *
 * The engine has a table of the same files with their meaning (cgroups/stats/spellings.ts); the
 * observer must not import it, and needs no meaning, only the names of both versions.
 */

/** Names of one file system of cgroups: v1 and v2 share few, so one list serves both. */
const SETTINGS = new Set(
  [
    'cgroup.clone_children notify_on_release',
    'cgroup.controllers cgroup.subtree_control cgroup.type cgroup.freeze',
    'cgroup.max.depth cgroup.max.descendants',
    'memory.limit_in_bytes memory.soft_limit_in_bytes memory.memsw.limit_in_bytes memory.swappiness',
    'memory.max memory.high memory.low memory.min memory.swap.max memory.swap.high memory.oom.group',
    'cpu.cfs_quota_us cpu.cfs_period_us cpu.cfs_burst_us cpu.shares cpu.idle cpu.rt_runtime_us',
    'cpu.max cpu.max.burst cpu.weight',
    'cpuset.cpus cpuset.mems cpuset.cpus.partition',
    // Derived, but only from what is written here or above: read with those.
    'cpuset.cpus.effective cpuset.mems.effective cpuset.effective_cpus cpuset.effective_mems',
    'pids.max freezer.state devices.list net_cls.classid',
    'blkio.throttle.read_bps_device blkio.throttle.write_bps_device',
    'blkio.throttle.read_iops_device blkio.throttle.write_iops_device blkio.bfq.weight blkio.weight',
    'io.max io.weight io.bfq.weight io.latency misc.max rdma.max',
  ].flatMap((line) => line.split(' ')),
);

const METERS = new Set(
  [
    'cgroup.events',
    'memory.usage_in_bytes memory.max_usage_in_bytes memory.failcnt memory.oom_control',
    'memory.kmem.usage_in_bytes memory.memsw.usage_in_bytes memory.stat',
    'memory.current memory.peak memory.swap.current memory.events memory.events.local',
    'cpu.stat cpuacct.usage cpuacct.usage_user cpuacct.usage_sys',
    'pids.current pids.peak pids.events freezer.self_freezing freezer.parent_freezing',
    'blkio.throttle.io_service_bytes_recursive io.stat',
    'cpu.pressure memory.pressure io.pressure',
  ].flatMap((line) => line.split(' ')),
);

/** Costly to make (7 to 17 µs each) or slow to tell: these are sampled once a second only. */
const SLOW_METERS = new Set(
  [
    'memory.stat memory.kmem.usage_in_bytes cpuacct.usage_user cpuacct.usage_sys pids.peak',
    'blkio.throttle.io_service_bytes_recursive io.stat cpu.pressure memory.pressure io.pressure',
    'freezer.self_freezing freezer.parent_freezing',
  ].flatMap((line) => line.split(' ')),
);

const HUGE_PAGES_SETTING = /^hugetlb\.\w+\.(limit_in_bytes|max)$/;
const HUGE_PAGES_METER = /^hugetlb\.\w+\.(usage_in_bytes|current)$/;

/** Lines of memory.stat that are kept; it has 40 to 70, and every page touched changes most. */
const MEMORY_STAT_KEYS = new Set(
  [
    'total_rss total_cache total_shmem total_swap total_mapped_file', // v1, subtree
    'anon file shmem kernel kernel_stack slab sock file_mapped', // v2, always the subtree
  ].flatMap((line) => line.split(' ')),
);

/** Files that list members: a write to one moves a process. */
const MEMBER_FILES = new Set(['cgroup.procs', 'cgroup.threads', 'tasks']);

/** What a name in a cgroup directory is to the observer. */
export type FileKind = 'setting' | 'meter' | 'members' | 'other';

export function kindOfFile(name: string): FileKind {
  if (SETTINGS.has(name) || HUGE_PAGES_SETTING.test(name)) return 'setting';
  if (METERS.has(name) || HUGE_PAGES_METER.test(name)) return 'meter';
  return MEMBER_FILES.has(name) ? 'members' : 'other';
}

export function isSlowMeter(name: string): boolean {
  return SLOW_METERS.has(name);
}

/**
 * The setting that a write to this file changes: devices.allow and devices.deny are for writing,
 * devices.list for reading. Null for all that changes no setting.
 */
export function settingWrittenBy(name: string): string | null {
  if (name === 'devices.allow' || name === 'devices.deny') return 'devices.list';
  return kindOfFile(name) === 'setting' ? name : null;
}

/** `cpu` of `cpu.max`: a write to one file may change others of its controller (idle and weight). */
export function controllerOf(name: string): string {
  return name.slice(0, Math.max(0, name.indexOf('.')));
}

/** Averages of a pressure file: they sink for minutes after all is quiet, the total does not. */
const PRESSURE_AVERAGES = / avg\d+=[\d.]+/g;

/** A file's text as the timeline carries it: no last newline, and of some files what is shown. */
export function carriedText(name: string, text: string): string {
  const whole = text.endsWith('\n') ? text.slice(0, -1) : text;
  if (name.endsWith('.pressure')) return whole.replaceAll(PRESSURE_AVERAGES, '');
  if (name !== 'memory.stat') return whole;
  return whole
    .split('\n')
    .filter((line) => MEMORY_STAT_KEYS.has(line.slice(0, line.indexOf(' '))))
    .join('\n');
}
