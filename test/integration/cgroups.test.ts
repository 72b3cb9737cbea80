/**
 * Limits that bite, and the counters and events that say so.
 * Runs on v1, hybrid and pure v2 hosts. Needs root in the host's namespaces.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Cgroup, CgroupEvent } from '../../packages/engine/src/index.js';
import {
  type CgroupLab,
  hasController,
  hugepageSize,
  MIB,
  missing,
  restoreV2SubtreeControl,
  startCgroupLab,
  suite,
  until,
  v2SubtreeControl,
  withController,
} from './cgroups-lab.js';

let lab: CgroupLab;
beforeAll(async () => {
  if (missing === null) lab = await startCgroupLab('limits');
});
afterAll(async () => {
  await lab?.close();
});

/** Touches so many MiB of memory at once. */
const touch = (mebibytes: number) => [
  'dd',
  'if=/dev/zero',
  'of=/dev/null',
  `bs=${mebibytes}M`,
  'count=1',
];

suite('limits and their counters', () => {
  withController('cpu')('a CPU quota throttles, and the counters say so', async () => {
    const group = await lab.make('quota', { cpu: { quota: 10_000, period: 100_000 } });
    lab.start(group, ['sh', '-c', 'while :; do :; done']);
    const cpu = await until('the group is throttled', () => {
      const { cpu } = group.stats();
      return cpu !== null && (cpu.throttledPeriods ?? 0) >= 3 ? cpu : undefined;
    });
    expect(cpu.periods).toBeGreaterThanOrEqual(cpu.throttledPeriods ?? Infinity);
    expect(cpu.throttledMicros).toBeGreaterThan(0);
    expect(cpu.usageMicros).toBeGreaterThan(0);
    expect(group.stats().sources['cpu.throttledPeriods']?.[0]).toMatch(/cpu\.stat$/);
  });

  withController('memory')('memory beyond the limit: OOM kill, counted and told', async () => {
    const group = await lab.make('oom', { memory: { limit: 16 * MIB, swap: 16 * MIB } });
    const events: CgroupEvent[] = [];
    const watch = group.watch((event) => events.push(event));
    const hog = lab.start(group, touch(64));
    expect(await hog.ended).toBe('SIGKILL');
    const told = (kind: string) => () => events.some((event) => event.kind === kind);
    await until('oom is told', told('oom'));
    await until('oom-kill is told', told('oom-kill'));
    watch.close();
    const { memory } = group.stats();
    expect(memory?.oomKills).toBe(1);
    expect(memory?.limitBytes).toBe(16 * MIB);
    expect(memory?.limitHits).not.toBeNull(); // v1's failcnt stays 0 on some kernels (6.18)
    expect(memory?.peakBytes).toBeGreaterThan(0);
  });

  withController('pids')('forks beyond the limit are refused and counted', async () => {
    const group = await lab.make('pids', { pids: { limit: 2 } });
    const events: CgroupEvent[] = [];
    const watch = group.watch((event) => events.push(event));
    const script = '(sleep 100000 & sleep 100000) ; true';
    lab.start(group, ['sh', '-c', script]);
    await until('a fork is refused', () => (group.stats().pids?.refused ?? 0) > 0);
    watch.recheck(); // v1 tells nobody
    await until('pids-max is told', () => events.some(({ kind }) => kind === 'pids-max'));
    watch.close();
    expect(group.stats().pids).toMatchObject({ limit: 2 });
  });

  withController('hugetlb')('huge pages have a limit of their own size', async () => {
    const size = hugepageSize();
    if (size === null) return;
    const before = v2SubtreeControl();
    const group = await lab.make('hugetlb', { hugepageLimits: [{ pageSize: size, limit: 0 }] });
    const row = group.stats().hugetlb.find(({ pageSize }) => pageSize === size);
    expect(row).toMatchObject({ currentBytes: 0, limitBytes: 0 });
    await group.remove();
    restoreV2SubtreeControl(group, before);
  });
});

suite('block I/O', () => {
  const lacking = loopMissing();
  const name = 'a limit of bytes per second holds direct writes back';
  test.skipIf(lacking !== null)(
    lacking === null ? name : `${name} (missing: ${lacking})`,
    async () => {
      const image = join(lab.directory, 'disk');
      writeFileSync(image, '');
      truncateSync(image, 8 * MIB);
      const device = execFileSync('losetup', ['-f', '--show', image], { encoding: 'utf8' }).trim();
      try {
        const minor = Number(device.replace(/^\/dev\/loop/, ''));
        const slowly = { major: 7, minor, rate: 4096 };
        const slow = await lab.make('io-slow', { blockIO: { throttleWriteBpsDevice: [slowly] } });
        const fast = await lab.make('io-fast');
        const write = [
          'dd',
          'if=/dev/zero',
          `of=${device}`,
          'bs=64k',
          'count=16',
          'oflag=direct',
          'conv=notrunc',
        ];
        const held = lab.start(slow, write);
        await until('the slow one has begun', () => slow.processes().includes(held.pid));
        expect(await lab.start(fast, write).ended).toBe(0);
        const written = (group: Cgroup) =>
          group.stats().io?.find((one) => one.major === 7 && one.minor === minor)?.writtenBytes ??
          0;
        expect(written(fast)).toBe(MIB);
        expect(written(slow)).toBeLessThan(MIB);
        // A write that waits cannot be killed; without the limit it ends at once.
        const free = { ...slowly, rate: 0 };
        await slow.update(lab.player, { blockIO: { throttleWriteBpsDevice: [free] } });
        expect(await held.ended).toBe(0);
        expect(written(slow)).toBe(MIB);
      } finally {
        execFileSync('losetup', ['-d', device]);
      }
    },
  );
});

/** A loop device of our own to write to. */
function loopMissing(): string | null {
  if (missing !== null) return missing;
  if (!hasController('blkio', 'io')) return 'controller blkio';
  if (!existsSync('/dev/loop-control')) return 'loop devices';
  try {
    execFileSync('losetup', ['-f'], { stdio: 'ignore' });
    return null;
  } catch {
    return 'a free loop device';
  }
}
