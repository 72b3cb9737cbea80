/** Statistics from files as real groups have them: v1 of Linux 6.18, v2 of Linux 6.1. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { CgroupHierarchy, CgroupLayout } from '../types.js';
import { SPELLINGS } from './spellings.js';
import { readStats } from './stats.js';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'cgroups-stats-'));
});
afterEach(() => {
  rmSync(root, { recursive: true });
});

function hierarchy(
  version: 1 | 2,
  controllers: readonly string[],
  files: Readonly<Record<string, string>>,
): CgroupHierarchy {
  const name = version === 2 ? 'unified' : controllers.join(',');
  const mountPoint = join(root, name);
  mkdirSync(join(mountPoint, 'g'), { recursive: true });
  for (const [file, content] of Object.entries(files)) {
    writeFileSync(join(mountPoint, 'g', file), `${content}\n`);
  }
  return { version, mountPoint, controllers, name };
}

const V1_MEMORY = {
  'memory.usage_in_bytes': '28672000',
  'memory.max_usage_in_bytes': '33554432',
  'memory.limit_in_bytes': '9223372036854771712',
  'memory.kmem.usage_in_bytes': '413696',
  'memory.failcnt': '2',
  'memory.memsw.failcnt': '3',
  'memory.oom_control': 'oom_kill_disable 0\nunder_oom 0\noom_kill 4',
  'memory.stat':
    'cache 1\nrss 2\nshmem 3\ntotal_cache 100\ntotal_rss 200\ntotal_shmem 50\ntotal_swap 7',
};
const V2_FILES = {
  'cpu.stat':
    'usage_usec 1500\nuser_usec 1000\nsystem_usec 500\nnr_periods 10\nnr_throttled 4\nthrottled_usec 9000\nnr_bursts 0\nburst_usec 0',
  'memory.current': '28672000',
  'memory.peak': '33554432',
  'memory.max': 'max',
  'memory.swap.current': '7',
  'memory.stat': 'anon 200\nfile 100\nkernel 413696\nkernel_stack 16384\nshmem 50',
  'memory.events': 'low 0\nhigh 0\nmax 5\noom 4\noom_kill 4\noom_group_kill 0',
  'pids.current': '3',
  'pids.max': '20',
  'pids.peak': '9',
  'pids.events': 'max 6',
  'io.stat': '8:0 rbytes=4096 wbytes=8192 rios=1 wios=2 dbytes=0 dios=0\n253:0 ',
  'hugetlb.2MB.current': '2097152',
  'hugetlb.2MB.max': 'max',
  'hugetlb.2MB.events': 'max 1',
  'hugetlb.2MB.rsvd.current': '0',
  'cpu.pressure':
    'some avg10=0.00 avg60=0.00 avg300=0.00 total=777\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=55',
};
const EXPECTED_MEMORY = {
  currentBytes: 28_672_000,
  peakBytes: 33_554_432,
  limitBytes: null,
  swapBytes: 7,
  anonBytes: 200,
  fileBytes: 100,
  shmemBytes: 50,
  kernelBytes: 413_696,
  limitHits: 5,
  oomKills: 4,
};

describe('readStats', () => {
  test('v1: nanoseconds become microseconds, several hierarchies one answer', () => {
    const layout: CgroupLayout = {
      kind: 'v1',
      hierarchies: [
        hierarchy(1, ['cpu'], {
          'cpu.stat': 'nr_periods 10\nnr_throttled 4\nthrottled_time 9000400',
        }),
        hierarchy(1, ['cpuacct'], {
          'cpuacct.usage': '1500000',
          'cpuacct.usage_user': '1000000',
          'cpuacct.usage_sys': '500000',
        }),
        hierarchy(1, ['memory'], V1_MEMORY),
        hierarchy(1, ['pids'], { 'pids.current': '3', 'pids.max': 'max', 'pids.events': 'max 6' }),
        hierarchy(1, ['blkio'], {
          'blkio.throttle.io_service_bytes_recursive':
            '8:0 Read 4096\n8:0 Write 8192\n8:0 Sync 12288\n8:0 Total 12288\nTotal 12288',
          'blkio.throttle.io_serviced_recursive': '8:0 Read 1\n8:0 Write 2\n8:0 Total 3\nTotal 3',
        }),
        hierarchy(1, ['hugetlb'], {
          'hugetlb.2MB.usage_in_bytes': '2097152',
          'hugetlb.2MB.limit_in_bytes': '9223372036852678656',
          'hugetlb.2MB.failcnt': '1',
        }),
      ],
    };
    expect(readStats(layout, '/g')).toMatchObject({
      cpu: {
        usageMicros: 1500,
        userMicros: 1000,
        systemMicros: 500,
        periods: 10,
        throttledPeriods: 4,
        throttledMicros: 9000,
      },
      memory: EXPECTED_MEMORY,
      pids: { current: 3, limit: null, peak: null, refused: 6 },
      io: [{ major: 8, minor: 0, readBytes: 4096, writtenBytes: 8192, reads: 1, writes: 2 }],
      hugetlb: [{ pageSize: '2MB', currentBytes: 2_097_152, limitBytes: null, refused: 1 }],
      pressure: null,
    });
  });

  test('v2: the same vocabulary, and where each value came from', () => {
    const unified = hierarchy(2, ['cpu', 'memory', 'pids', 'io', 'hugetlb'], V2_FILES);
    const stats = readStats({ kind: 'v2', hierarchies: [unified] }, '/g');
    expect(stats).toMatchObject({
      cpu: { usageMicros: 1500, periods: 10, throttledPeriods: 4, throttledMicros: 9000 },
      memory: EXPECTED_MEMORY,
      pids: { current: 3, limit: 20, peak: 9, refused: 6 },
      hugetlb: [{ pageSize: '2MB', currentBytes: 2_097_152, limitBytes: null, refused: 1 }],
      pressure: { cpu: { someMicros: 777, fullMicros: 55 }, memory: null, io: null },
    });
    expect(stats.io?.[0]).toEqual({
      major: 8,
      minor: 0,
      readBytes: 4096,
      writtenBytes: 8192,
      reads: 1,
      writes: 2,
    });
    expect(stats.sources['memory.currentBytes']).toEqual([join(root, 'unified/g/memory.current')]);
  });

  test('v2 without controllers still counts processor time', () => {
    const unified = hierarchy(2, [], { 'cpu.stat': 'usage_usec 5\nuser_usec 3\nsystem_usec 2' });
    const stats = readStats({ kind: 'v2', hierarchies: [unified] }, '/g');
    expect(stats.cpu).toMatchObject({ usageMicros: 5, userMicros: 3, throttledPeriods: null });
    expect(stats).toMatchObject({ memory: null, pids: null, io: null, hugetlb: [] });
  });

  test('a group that is gone has nothing', () => {
    const unified = hierarchy(2, ['memory', 'pids', 'io'], {});
    expect(readStats({ kind: 'v2', hierarchies: [unified] }, '/none')).toEqual({
      cpu: null,
      memory: null,
      pids: null,
      io: null,
      hugetlb: [],
      pressure: null,
      sources: {},
    });
  });
});

describe('SPELLINGS', () => {
  test('each name once, in both languages, with some file', () => {
    const names = SPELLINGS.map(({ kind, name }) => `${kind} ${name}`);
    expect(new Set(names).size).toBe(names.length);
    for (const { en, zh, v1, v2 } of SPELLINGS) {
      expect(en).toMatch(/^[A-Z].*[.?]$/);
      expect(zh).toMatch(/。$/);
      expect(v1 ?? v2).not.toBeNull();
    }
  });

  test('every statistic that is read has a row under its name', () => {
    const unified = hierarchy(2, ['cpu', 'memory', 'pids', 'io', 'hugetlb'], V2_FILES);
    const { sources } = readStats({ kind: 'v2', hierarchies: [unified] }, '/g');
    const named = new Set(SPELLINGS.map(({ name }) => name));
    const known = (name: string) => named.has(name) || /^(hugetlb)\./.test(name);
    expect(Object.keys(sources).filter((name) => !known(name))).toEqual([]);
  });
});
