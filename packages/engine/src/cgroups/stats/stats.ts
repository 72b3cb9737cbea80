/**
 * What a group has used, read with one vocabulary from v1, v2 or both. Runs in the daemon (any
 * user may read these files); a value is null where this host's kernel does not count it.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { readControl } from '../files.js';
import { groupPath, hierarchyWith } from '../layout.js';
import type { CgroupHierarchy, CgroupLayout } from '../types.js';
import { flatKeyed, microsOfNanos, nestedKeyed, numberOf, numberOrMax } from './parse.js';
import type {
  CgroupStats,
  CpuStats,
  HugetlbStats,
  IoStats,
  MemoryStats,
  PidsStats,
  PressureStats,
} from './types.js';

/** Reads the statistics of a group. A group that is gone has all values null. */
export function readStats(layout: CgroupLayout, group: string): CgroupStats {
  const read = new StatFiles(layout, group);
  return {
    cpu: cpuStats(read),
    memory: memoryStats(read),
    pids: pidsStats(read),
    io: ioStats(read),
    hugetlb: hugetlbStats(read),
    pressure: pressureStats(read),
    sources: read.sources,
  };
}

/** Reads files once each and remembers which value came from where. */
class StatFiles {
  readonly sources: Record<string, string[]> = {};
  readonly #contents = new Map<string, string | null>();
  readonly #layout: CgroupLayout;
  readonly #group: string;

  constructor(layout: CgroupLayout, group: string) {
    this.#layout = layout;
    this.#group = group;
  }

  hierarchy(controller: string): CgroupHierarchy | undefined {
    return hierarchyWith(this.#layout, controller);
  }

  get v2(): CgroupHierarchy | undefined {
    return this.#layout.hierarchies.find(({ version }) => version === 2);
  }

  /** Content of the group's file in this hierarchy; null when there is none. */
  content(hierarchy: CgroupHierarchy, file: string): string | null {
    const path = this.#path(hierarchy, file);
    const known = this.#contents.get(path);
    if (known !== undefined) return known;
    const content = readControl(path);
    this.#contents.set(path, content);
    return content;
  }

  /** One value of one file, under its name in the vocabulary. */
  value(
    name: string,
    hierarchy: CgroupHierarchy | undefined,
    file: string,
    parse: (content: string) => number | null,
  ): number | null {
    const content = hierarchy === undefined ? null : this.content(hierarchy, file);
    if (hierarchy === undefined || content === null) return null;
    this.note(name, hierarchy, file);
    return parse(content);
  }

  note(name: string, hierarchy: CgroupHierarchy, ...files: readonly string[]): void {
    const paths = files.map((file) => this.#path(hierarchy, file));
    this.sources[name] = [...new Set([...(this.sources[name] ?? []), ...paths])];
  }

  files(hierarchy: CgroupHierarchy): string[] {
    try {
      return readdirSync(groupPath(hierarchy, this.#group));
    } catch {
      return []; // gone
    }
  }

  #path(hierarchy: CgroupHierarchy, file: string): string {
    return join(groupPath(hierarchy, this.#group), file);
  }
}

/** v1 spreads them over cpuacct (nanoseconds) and cpu; v2 has all in cpu.stat, even without a controller. */
function cpuStats(read: StatFiles): CpuStats | null {
  const accounting = read.hierarchy('cpuacct');
  const cpu = read.hierarchy('cpu') ?? read.v2;
  const v2 = cpu?.version === 2 ? cpu : read.v2;
  const nanos = (name: string, file: string) =>
    read.value(`cpu.${name}`, accounting, file, microsOfNanos);
  const stat = (name: string, hierarchy: CgroupHierarchy | undefined, key: string) =>
    read.value(`cpu.${name}`, hierarchy, 'cpu.stat', flatKeyed(key));
  const usage =
    accounting === undefined
      ? stat('usageMicros', v2, 'usage_usec')
      : nanos('usageMicros', 'cpuacct.usage');
  if (usage === null) return null;
  const throttled =
    cpu?.version === 1
      ? read.value('cpu.throttledMicros', cpu, 'cpu.stat', (content) => {
          const nanoseconds = flatKeyed('throttled_time')(content);
          return nanoseconds === null ? null : Math.round(nanoseconds / 1000);
        })
      : stat('throttledMicros', cpu, 'throttled_usec');
  return {
    usageMicros: usage,
    userMicros:
      accounting === undefined
        ? stat('userMicros', v2, 'user_usec')
        : nanos('userMicros', 'cpuacct.usage_user'),
    systemMicros:
      accounting === undefined
        ? stat('systemMicros', v2, 'system_usec')
        : nanos('systemMicros', 'cpuacct.usage_sys'),
    periods: stat('periods', cpu, 'nr_periods'),
    throttledPeriods: stat('throttledPeriods', cpu, 'nr_throttled'),
    throttledMicros: throttled,
  };
}

function memoryStats(read: StatFiles): MemoryStats | null {
  const memory = read.hierarchy('memory');
  if (memory === undefined) return null;
  const value = (name: string, file: string, parse: (content: string) => number | null) =>
    read.value(`memory.${name}`, memory, file, parse);
  const isV1 = memory.version === 1;
  // v1's total_ values count all below the group, as every value of v2 does.
  const stat = (name: string, v1: string, v2: string) =>
    value(name, 'memory.stat', flatKeyed(isV1 ? v1 : v2));
  const either = (name: string, v1: string, v2: string) => value(name, isV1 ? v1 : v2, numberOrMax);
  const currentBytes = either('currentBytes', 'memory.usage_in_bytes', 'memory.current');
  if (currentBytes === null) return null;
  return {
    currentBytes,
    peakBytes: either('peakBytes', 'memory.max_usage_in_bytes', 'memory.peak'),
    limitBytes: either('limitBytes', 'memory.limit_in_bytes', 'memory.max'),
    swapBytes: isV1
      ? stat('swapBytes', 'total_swap', '')
      : value('swapBytes', 'memory.swap.current', numberOf),
    anonBytes: stat('anonBytes', 'total_rss', 'anon'),
    fileBytes: stat('fileBytes', 'total_cache', 'file'),
    shmemBytes: stat('shmemBytes', 'total_shmem', 'shmem'),
    kernelBytes: isV1
      ? value('kernelBytes', 'memory.kmem.usage_in_bytes', numberOf)
      : stat('kernelBytes', '', 'kernel'),
    limitHits: isV1 ? limitHitsV1(value) : value('limitHits', 'memory.events', flatKeyed('max')),
    oomKills: value(
      'oomKills',
      isV1 ? 'memory.oom_control' : 'memory.events',
      flatKeyed('oom_kill'),
    ),
  };
}

/** With a limit on memory and swap together, it is that one which is run into. */
function limitHitsV1(
  value: (name: string, file: string, parse: typeof numberOf) => number | null,
): number | null {
  const memory = value('limitHits', 'memory.failcnt', numberOf);
  const withSwap = value('limitHits', 'memory.memsw.failcnt', numberOf);
  return memory === null ? null : memory + (withSwap ?? 0);
}

/** The same files in both versions. */
function pidsStats(read: StatFiles): PidsStats | null {
  const pids = read.hierarchy('pids');
  const current = read.value('pids.current', pids, 'pids.current', numberOf);
  if (current === null) return null;
  return {
    current,
    limit: read.value('pids.limit', pids, 'pids.max', numberOrMax),
    peak: read.value('pids.peak', pids, 'pids.peak', numberOf),
    refused: read.value('pids.refused', pids, 'pids.events', flatKeyed('max')),
  };
}

function ioStats(read: StatFiles): readonly IoStats[] | null {
  const v1 = read.hierarchy('blkio');
  const v2 = read.hierarchy('io');
  if (v1 !== undefined) return ioStatsV1(read, v1);
  const content = v2 === undefined ? null : read.content(v2, 'io.stat');
  if (v2 === undefined || content === null) return null;
  read.note('io', v2, 'io.stat');
  // 8:0 rbytes=90112 wbytes=0 rios=11 wios=0 dbytes=0 dios=0
  return nestedKeyed(content).flatMap(({ key, values }) =>
    deviceOf(key, {
      readBytes: values['rbytes'] ?? 0,
      writtenBytes: values['wbytes'] ?? 0,
      reads: values['rios'] ?? 0,
      writes: values['wios'] ?? 0,
    }),
  );
}

/** A line a device and direction: `8:0 Read 90112`, at the end `Total 90112`. */
function ioStatsV1(read: StatFiles, blkio: CgroupHierarchy): readonly IoStats[] | null {
  const [bytesFile, countFile] = [
    'blkio.throttle.io_service_bytes_recursive',
    'blkio.throttle.io_serviced_recursive',
  ];
  const bytes = read.content(blkio, bytesFile);
  const counts = read.content(blkio, countFile);
  if (bytes === null || counts === null) return null;
  read.note('io', blkio, bytesFile, countFile);
  const values = new Map<string, Record<string, number>>();
  for (const [content, unit] of [
    [bytes, 'bytes'],
    [counts, 'count'],
  ] as const) {
    for (const line of content.split('\n')) {
      const [device = '', direction, value] = line.split(' ');
      if (value === undefined) continue;
      const known = values.get(device) ?? {};
      values.set(device, { ...known, [`${direction} ${unit}`]: Number(value) });
    }
  }
  return [...values].flatMap(([device, value]) =>
    deviceOf(device, {
      readBytes: value['Read bytes'] ?? 0,
      writtenBytes: value['Write bytes'] ?? 0,
      reads: value['Read count'] ?? 0,
      writes: value['Write count'] ?? 0,
    }),
  );
}

function deviceOf(device: string, values: Omit<IoStats, 'major' | 'minor'>): IoStats[] {
  const [major, minor] = device.split(':').map(Number);
  if (major === undefined || minor === undefined || Number.isNaN(major + minor)) return [];
  return [{ major, minor, ...values }];
}

function hugetlbStats(read: StatFiles): HugetlbStats[] {
  const hugetlb = read.hierarchy('hugetlb');
  if (hugetlb === undefined) return [];
  const [current, limit] =
    hugetlb.version === 1 ? ['usage_in_bytes', 'limit_in_bytes'] : ['current', 'max'];
  const sizes = read.files(hugetlb).flatMap((file) => {
    const [, size, rest] = /^hugetlb\.([0-9]+[KMG]B)\.(.+)$/.exec(file) ?? [];
    return size !== undefined && rest === current ? [size] : [];
  });
  return sizes.map((pageSize) => {
    const value = (name: string, file: string, parse: (content: string) => number | null) =>
      read.value(`hugetlb.${name}`, hugetlb, `hugetlb.${pageSize}.${file}`, parse);
    return {
      pageSize,
      currentBytes: value('currentBytes', current ?? '', numberOf) ?? 0,
      limitBytes: value('limitBytes', limit ?? '', numberOrMax),
      refused:
        hugetlb.version === 1
          ? value('refused', 'failcnt', numberOf)
          : value('refused', 'events', flatKeyed('max')),
    };
  });
}

/** cpu.pressure: `some avg10=0.00 avg60=0.00 avg300=0.00 total=12345`, the same for `full`. */
function pressureStats(read: StatFiles): CgroupStats['pressure'] {
  const { v2 } = read;
  if (v2 === undefined) return null;
  const of = (resource: 'cpu' | 'memory' | 'io'): PressureStats | null => {
    const content = read.content(v2, `${resource}.pressure`);
    if (content === null || content === '') return null;
    read.note(`pressure.${resource}`, v2, `${resource}.pressure`);
    const rows = nestedKeyed(content);
    const total = (key: string) => rows.find((row) => row.key === key)?.values['total'];
    return { someMicros: total('some') ?? 0, fullMicros: total('full') ?? null };
  };
  const pressure = { cpu: of('cpu'), memory: of('memory'), io: of('io') };
  return Object.values(pressure).every((one) => one === null) ? null : pressure;
}
