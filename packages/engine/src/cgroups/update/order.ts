/**
 * In which order new limits may be written over old ones: some pairs of files must never contradict
 * each other in between. Pure, but for what it is told of the old values.
 */
import type { LinuxResources } from '@terrarium/spec';
import { flatKeyed, numberOf } from '../stats/parse.js';
import type { CgroupHierarchy, LimitWrite } from '../types.js';

/** What a file of the group says now; null when there is none. */
export type ReadFile = (hierarchy: CgroupHierarchy, file: string) => string | null;

/** What a file of one hierarchy's group says now. */
type ReadHere = (file: string) => string | null;

/**
 * Fills in what the new limits depend on but an update need not say: v2 counts swap without memory
 * and writes quota and period together, v1 never lets memory go above memsw.
 */
export function completeResources(
  hierarchies: readonly CgroupHierarchy[],
  resources: LinuxResources,
  read: ReadFile,
): LinuxResources {
  let complete = resources;
  for (const hierarchy of hierarchies) {
    const here: ReadHere = (file) => read(hierarchy, file);
    const has = (controller: string) => hierarchy.controllers.includes(controller);
    if (has('memory')) complete = completeMemory(hierarchy, complete, here);
    if (has('cpu') && hierarchy.version === 2) complete = completeCpuMax(complete, here);
  }
  return complete;
}

function completeMemory(
  { version }: CgroupHierarchy,
  resources: LinuxResources,
  read: ReadHere,
): LinuxResources {
  const { memory } = resources;
  if (memory === undefined) return resources;
  const { limit, swap } = memory;
  if (version === 2 && swap !== undefined && swap >= 0 && limit === undefined) {
    const current = numberOf(read('memory.max') ?? '');
    return current === null ? resources : { ...resources, memory: { ...memory, limit: current } };
  }
  const liftsMemsw = version === 1 && limit !== undefined && limit < 0 && swap === undefined;
  if (liftsMemsw && read('memory.memsw.limit_in_bytes') !== null) {
    return { ...resources, memory: { ...memory, swap: -1 } };
  }
  return resources;
}

/** cpu.max: `50000 100000`, `max 100000` */
function completeCpuMax(resources: LinuxResources, read: ReadHere): LinuxResources {
  const { cpu } = resources;
  if (cpu === undefined || (cpu.quota === undefined) === (cpu.period === undefined)) {
    return resources;
  }
  const [quota = 'max', period = ''] = (read('cpu.max') ?? '').split(' ');
  const current = {
    quota: numberOf(quota) ?? -1,
    ...(numberOf(period) === null ? {} : { period: Number(period) }),
  };
  return { ...resources, cpu: { ...current, ...cpu } };
}

/** The writes of one hierarchy in an order that the kernel accepts, given the old values. */
export function orderedWrites(writes: readonly LimitWrite[], read: ReadHere): LimitWrite[] {
  const ordered = [...writes];
  const swap = (first: string, second: string, secondFirst: boolean) => {
    const from = ordered.findIndex(({ file }) => file === first);
    const to = ordered.findIndex(({ file }) => file === second);
    if (from === -1 || to === -1 || from < to === !secondFirst) return;
    const [one, other] = [ordered[from], ordered[to]];
    if (one === undefined || other === undefined) return;
    ordered[from] = other;
    ordered[to] = one;
  };
  const value = (file: string) => ordered.find((write) => write.file === file)?.value ?? '';
  const [memory, memsw] = ['memory.limit_in_bytes', 'memory.memsw.limit_in_bytes'];
  // memory <= memsw at any time: what grows, grows from above.
  swap(memory, memsw, unlimitedOr(value(memory)) > unlimitedOr(read(memsw) ?? ''));
  const [period, quota] = ['cpu.cfs_period_us', 'cpu.cfs_quota_us'];
  swap(period, quota, quotaFirst(value(quota), value(period), read(quota), read(period)));
  for (const [limit, burst] of [
    ['cpu.cfs_quota_us', 'cpu.cfs_burst_us'],
    ['cpu.max', 'cpu.max.burst'],
  ] as const) {
    // burst <= quota at any time.
    swap(limit, burst, Number(value(burst)) < Number(read(burst) ?? 0));
  }
  return ordered;
}

/**
 * A parent with a quota refuses a child whose share would be larger, even for a moment: take the
 * order whose share in between is the smaller one.
 */
function quotaFirst(
  newQuota: string,
  newPeriod: string,
  oldQuota: string | null,
  oldPeriod: string | null,
): boolean {
  const share = (quota: number, period: number) =>
    quota < 0 ? Number.POSITIVE_INFINITY : quota / period;
  const afterPeriod = share(Number(oldQuota ?? -1), Number(newPeriod));
  const afterQuota = share(Number(newQuota), Number(oldPeriod ?? 100_000));
  return afterQuota < afterPeriod;
}

function unlimitedOr(value: string): number {
  const number = Number(value);
  return value === '' || number < 0 ? Number.POSITIVE_INFINITY : number;
}

/**
 * What to write to get the old value back.
 *
 * @param content of the file before
 * @param written what the update wrote: of files with a line a device it says which one
 */
export function restoringValue(file: string, content: string, written: string): string {
  if (file === 'memory.oom_control') return String(flatKeyed('oom_kill_disable')(content) ?? 0);
  const [key = ''] = written.split(' ');
  const unlimited = UNLIMITED_LINES.find(([pattern]) => pattern.test(file))?.[1];
  if (unlimited !== undefined && (key.includes(':') || file === 'rdma.max')) {
    const line = content.split('\n').find((one) => one.startsWith(`${key} `));
    return line ?? `${key} ${unlimited}`;
  }
  // `default 100` is written back as it reads; an empty cpuset needs a line break to be written.
  const [first = ''] = content.split('\n');
  if (file === 'net_prio.ifpriomap') {
    return content.split('\n').find((one) => one.startsWith(`${key} `)) ?? `${key} 0`;
  }
  return content === '' ? '\n' : first;
}

/** Files with a line a device, and what says "as before any limit" there. */
const UNLIMITED_LINES: readonly (readonly [RegExp, string])[] = [
  [/^io\.max$/, 'rbps=max wbps=max riops=max wiops=max'],
  [/^blkio\.throttle\..*_device$/, '0'],
  [/^(blkio\.bfq\.weight_device|blkio\.weight_device|blkio\.leaf_weight_device)$/, '0'],
  [/^io\.(bfq\.)?weight$/, 'default'],
  [/^rdma\.max$/, 'hca_handle=max hca_object=max'],
];
