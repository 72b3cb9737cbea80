/**
 * What the raw files of a cgroup mean: one vocabulary for v1 and v2, each fact with the file that it
 * stands in and the file that the other version would have. Pure; the only place where these texts
 * are understood, so that views, checks and lessons say the same.
 *
 * On v1 one group is a directory in each of several hierarchies (`memory:/box`, `pids:/box`); facts
 * are of the *path*, from whichever of its directories has the file.
 */
import type { CgroupKey, CgroupState, State } from './state.js';

/** What a number counts. `switch` is 0 or 1; `text` is shown as it stands. */
export type CgroupUnit = 'bytes' | 'count' | 'µs' | 'weight' | 'switch' | 'text';

/** One row of the vocabulary. */
interface Row {
  readonly id: string;
  readonly unit: CgroupUnit;
  /** `limit`: somebody sets it; `usage`: what there is now; `counter`: only grows */
  readonly kind: 'limit' | 'usage' | 'counter';
  /** `file` or `file key`; null: that version has none */
  readonly v1: string | null;
  readonly v2: string | null;
  readonly read?: (text: string, version: 1 | 2) => number | string | null | undefined;
}

const nanos = (text: string, version: 1 | 2): number =>
  version === 1 ? Math.round(Number(text) / 1000) : Number(text);
const word = (index: number) => (text: string) => limitOf(text.split(' ')[index] ?? '');
const frozen = (text: string, version: 1 | 2): number | string =>
  version === 2 ? Number(text) : text === 'THAWED' ? 0 : text === 'FROZEN' ? 1 : text;
const asText = (text: string): string => text;

/** v1 says "no limit" as the most pages that a counter can hold, in bytes; see page_counter.h. */
const V1_NO_LIMIT = 2 ** 62;

/** All facts, in the order in which they are shown. */
const ROWS = [
  row('memory.current', 'bytes', 'usage', 'memory.usage_in_bytes', 'memory.current'),
  row('memory.limit', 'bytes', 'limit', 'memory.limit_in_bytes', 'memory.max'),
  row('memory.high', 'bytes', 'limit', null, 'memory.high'),
  row('memory.low', 'bytes', 'limit', 'memory.soft_limit_in_bytes', 'memory.low'),
  row('memory.peak', 'bytes', 'usage', 'memory.max_usage_in_bytes', 'memory.peak'),
  row('memory.anon', 'bytes', 'usage', 'memory.stat total_rss', 'memory.stat anon'),
  row('memory.file', 'bytes', 'usage', 'memory.stat total_cache', 'memory.stat file'),
  row('memory.kernel', 'bytes', 'usage', 'memory.kmem.usage_in_bytes', 'memory.stat kernel'),
  row('memory.swap', 'bytes', 'usage', 'memory.stat total_swap', 'memory.swap.current'),
  row('memory.swapLimit', 'bytes', 'limit', 'memory.memsw.limit_in_bytes', 'memory.swap.max'),
  row('memory.limitHits', 'count', 'counter', 'memory.failcnt', 'memory.events max'),
  row(
    'memory.oomKills',
    'count',
    'counter',
    'memory.oom_control oom_kill',
    'memory.events oom_kill',
  ),
  row('memory.oomKillerOff', 'switch', 'limit', 'memory.oom_control oom_kill_disable', null),
  row('memory.oomGroup', 'switch', 'limit', null, 'memory.oom.group'),
  row('memory.pressure', 'µs', 'counter', null, 'memory.pressure', pressure),
  row('pids.current', 'count', 'usage', 'pids.current', 'pids.current'),
  row('pids.limit', 'count', 'limit', 'pids.max', 'pids.max'),
  row('pids.peak', 'count', 'usage', 'pids.peak', 'pids.peak'),
  row('pids.refused', 'count', 'counter', 'pids.events max', 'pids.events max'),
  row('cpu.quota', 'µs', 'limit', 'cpu.cfs_quota_us', 'cpu.max', word(0)),
  row('cpu.period', 'µs', 'limit', 'cpu.cfs_period_us', 'cpu.max', (text, version) =>
    version === 1 ? Number(text) : Number(text.split(' ')[1]),
  ),
  row('cpu.burst', 'µs', 'limit', 'cpu.cfs_burst_us', 'cpu.max.burst'),
  row('cpu.weight', 'weight', 'limit', 'cpu.shares', 'cpu.weight'),
  row('cpu.idle', 'switch', 'limit', 'cpu.idle', 'cpu.idle'),
  row('cpu.usage', 'µs', 'counter', 'cpuacct.usage', 'cpu.stat usage_usec', nanos),
  row('cpu.user', 'µs', 'counter', 'cpuacct.usage_user', 'cpu.stat user_usec', nanos),
  row('cpu.system', 'µs', 'counter', 'cpuacct.usage_sys', 'cpu.stat system_usec', nanos),
  row('cpu.periods', 'count', 'counter', 'cpu.stat nr_periods', 'cpu.stat nr_periods'),
  row('cpu.throttledPeriods', 'count', 'counter', 'cpu.stat nr_throttled', 'cpu.stat nr_throttled'),
  row(
    'cpu.throttled',
    'µs',
    'counter',
    'cpu.stat throttled_time',
    'cpu.stat throttled_usec',
    nanos,
  ),
  row('cpu.pressure', 'µs', 'counter', null, 'cpu.pressure', pressure),
  row('cpuset.cpus', 'text', 'limit', 'cpuset.cpus', 'cpuset.cpus', asText),
  row('cpuset.mems', 'text', 'limit', 'cpuset.mems', 'cpuset.mems', asText),
  row(
    'cpuset.effective',
    'text',
    'limit',
    'cpuset.effective_cpus',
    'cpuset.cpus.effective',
    asText,
  ),
  row('freezer', 'switch', 'limit', 'freezer.state', 'cgroup.freeze', frozen),
  row('io.readBytes', 'text', 'limit', 'blkio.throttle.read_bps_device', 'io.max', asText),
  row('io.writeBytes', 'text', 'limit', 'blkio.throttle.write_bps_device', 'io.max', asText),
  row('io.weight', 'text', 'limit', 'blkio.bfq.weight', 'io.bfq.weight', asText),
  row('io.used', 'text', 'usage', 'blkio.throttle.io_service_bytes_recursive', 'io.stat', asText),
  row('io.pressure', 'µs', 'counter', null, 'io.pressure', pressure),
  row('devices', 'text', 'limit', 'devices.list', null, asText),
  row('controllers', 'text', 'limit', null, 'cgroup.controllers', asText),
  row('subtreeControl', 'text', 'limit', null, 'cgroup.subtree_control', asText),
  row('type', 'text', 'limit', null, 'cgroup.type', asText),
  row('populated', 'switch', 'usage', null, 'cgroup.events populated'),
] as const;

/** Name of a fact: `memory.limit`, `cpu.throttled`. */
export type CgroupFactId = (typeof ROWS)[number]['id'];

/** One fact with where it stands. */
export interface CgroupFact {
  readonly id: CgroupFactId;
  readonly unit: CgroupUnit;
  readonly kind: 'limit' | 'usage' | 'counter';
  /** in the unit; null is "no limit", which files spell `max`, `-1` or a very large number */
  readonly value: number | string | null;
  /** the directory whose file it is from */
  readonly key: CgroupKey;
  /** the version of this machine's file; the other name is for readers who have the other one */
  readonly version: 1 | 2;
  /** `memory.limit_in_bytes`, or with a key of its lines `cpu.stat nr_throttled` */
  readonly v1: string | null;
  readonly v2: string | null;
  /** the file's text, or that line's */
  readonly raw: string;
}

/** Facts by name, in the order in which they are shown. */
export type CgroupFacts = ReadonlyMap<CgroupFactId, CgroupFact>;

/** The directories of one path, in order of hierarchy: one on v2, several on v1. */
export function cgroupsAt(state: State, path: string): readonly CgroupState[] {
  return Object.values(state.cgroups ?? {})
    .filter((cgroup) => cgroup.path === path)
    .sort((a, b) => (a.hierarchy < b.hierarchy ? -1 : 1));
}

/**
 * Everything that is known of these directories, which are of one path.
 *
 * @param meters `State.meters`; what was not sampled yet is left out
 */
export function cgroupFacts(
  directories: readonly CgroupState[],
  meters: State['meters'] = {},
): CgroupFacts {
  const facts = new Map<CgroupFactId, CgroupFact>();
  // v1's directories first: where a controller has a hierarchy of its own, v2 has not got it.
  const ordered = [...directories].sort((a, b) => versionOf(a) - versionOf(b));
  for (const row of ROWS) {
    for (const directory of ordered) {
      const fact = factIn(row, directory, meters[directory.key]);
      if (fact === null) continue;
      facts.set(row.id, fact);
      break;
    }
  }
  return facts;
}

const ROW_OF = new Map(ROWS.map((one) => [one.id, one]));

/**
 * One number of one directory, of these files alone: the fold asks this of every sample, and all
 * facts of a group were a sixth of the daemon's work.
 *
 * @param files raw files by name; those that the directory's own state has are not looked at
 * @returns null where these files do not say it, or say that there is no limit
 */
export function sampledNumber(
  { key, hierarchy }: Pick<CgroupState, 'key' | 'hierarchy'>,
  files: Readonly<Record<string, string>>,
  id: CgroupFactId,
): number | null {
  const row = ROW_OF.get(id);
  const value = row && factIn(row, { key, hierarchy, files: {} }, files)?.value;
  return typeof value === 'number' ? value : null;
}

/** A number of these facts; null where there is none, or no limit. */
export function cgroupNumber(facts: CgroupFacts, id: CgroupFactId): number | null {
  const value = facts.get(id)?.value;
  return typeof value === 'number' ? value : null;
}

/** How fast things went between two readings. */
export interface CgroupRates {
  /** processors in use: 0.5 is half of one */
  readonly cpus: number | null;
  /** the share of its periods in which it had to wait, 0 to 1; null without a quota */
  readonly throttled: number | null;
}

/**
 * Rates between two readings of one group.
 *
 * @param milliseconds between the two
 */
export function cgroupRates(
  before: CgroupFacts,
  after: CgroupFacts,
  milliseconds: number,
): CgroupRates {
  const used = grown(before, after, 'cpu.usage');
  const periods = grown(before, after, 'cpu.periods');
  const waited = grown(before, after, 'cpu.throttledPeriods');
  return {
    cpus: used === null || milliseconds <= 0 ? null : used / 1000 / milliseconds,
    throttled: periods === null || waited === null ? null : periods === 0 ? 0 : waited / periods,
  };
}

/** Processors that the quota allows: 0.2 for 20 ms in each 100 ms; null for no quota. */
export function cgroupQuota(facts: CgroupFacts): number | null {
  const quota = cgroupNumber(facts, 'cpu.quota');
  const period = cgroupNumber(facts, 'cpu.period');
  return quota === null || period === null || period === 0 ? null : quota / period;
}

function grown(before: CgroupFacts, after: CgroupFacts, id: CgroupFactId): number | null {
  const [from, to] = [cgroupNumber(before, id), cgroupNumber(after, id)];
  return from === null || to === null || to < from ? null : to - from;
}

function row<Id extends string>(
  id: Id,
  unit: CgroupUnit,
  kind: Row['kind'],
  v1: string | null,
  v2: string | null,
  read?: Row['read'],
): Row & { readonly id: Id } {
  return { id, unit, kind, v1, v2, ...(read && { read }) };
}

/** v2 is the hierarchy without a name. */
function versionOf({ hierarchy }: Pick<CgroupState, 'hierarchy'>): 1 | 2 {
  return hierarchy === '' ? 2 : 1;
}

function factIn(
  row: (typeof ROWS)[number],
  directory: Pick<CgroupState, 'key' | 'hierarchy' | 'files'>,
  meters: Readonly<Record<string, string>> | undefined,
): CgroupFact | null {
  const version = versionOf(directory);
  const name = version === 1 ? row.v1 : row.v2;
  if (name === null) return null;
  const [file = '', key] = name.split(' ');
  const text = directory.files[file] ?? meters?.[file];
  const raw = text === undefined || key === undefined ? text : lineOf(text, key);
  if (raw === undefined) return null;
  const { id, unit, kind, v1, v2 } = row;
  const value = row.read === undefined ? limitOf(raw) : row.read(raw, version);
  if (value === undefined || Number.isNaN(value)) return null;
  return { ...{ id, unit, kind, v1, v2, raw, version, value }, key: directory.key };
}

/** `nr_throttled 12` of a file with a key on each line. */
function lineOf(text: string, key: string): string | undefined {
  const line = text.split('\n').find((one) => one.startsWith(`${key} `));
  return line?.slice(key.length + 1);
}

function limitOf(text: string): number | null {
  if (text === 'max' || text === '-1') return null;
  const value = Number(text);
  return value >= V1_NO_LIMIT ? null : value;
}

/** `some avg10=0.00 avg60=0.00 avg300=0.00 total=1234`: the total, which only grows. */
function pressure(text: string): number {
  return Number(/^some .*total=(\d+)/m.exec(text)?.[1]);
}
