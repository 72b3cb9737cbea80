/**
 * Cgroups as the kernel applies them: limits that bite, events that are told, groups that end.
 * Runs on v1, hybrid and pure v2 hosts; on a hybrid one what needs no controller runs on v2, too.
 * Needs root in the host's namespaces.
 */
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type Cgroup,
  type CgroupEvent,
  type CgroupLayout,
  detectCgroupLayout,
  deviceProgram,
  groupPath,
  prepareGroup,
  prepareParents,
  queryDevicePrograms,
  removeMade,
  resourcesProblems,
  translateResources,
  UpdateError,
  withControlFiles,
} from '../../packages/engine/src/index.js';
import { attachDeviceProgram } from '../../packages/engine/src/plan/device-program-calls.js';
import type { LinuxResources } from '../../packages/spec/src/index.js';
import {
  type CgroupLab,
  hasController,
  planOf,
  sizeOf,
  startCgroupLab,
  testLayouts,
  until,
} from './cgroups-lab.js';

const MIB = 1024 * 1024;
const missing = process.getuid?.() === 0 ? null : 'root';

/** A test that runs where the host has the controller (v1's name, v2's name), else says so. */
const withController = (...names: readonly string[]) => {
  const lacking = missing ?? (hasController(...names) ? null : `controller ${names[0]}`);
  return (name: string, run: () => Promise<void>) =>
    lacking === null ? test(name, run) : test.skip(`${name} (missing: ${lacking})`);
};

let lab: CgroupLab;
beforeAll(async () => {
  if (missing === null) lab = await startCgroupLab('limits');
});
afterAll(async () => {
  await lab?.close();
});

/** Makes a file grow by a byte at a time, for ever. */
const counter = (file: string) => ['sh', '-c', `while :; do printf x >> ${file}; done`];
const FOREVER = ['sleep', '100000'];
/** Touches so many MiB of memory at once. */
const touch = (mebibytes: number) => [
  'dd',
  'if=/dev/zero',
  'of=/dev/null',
  `bs=${mebibytes}M`,
  'count=1',
];

describe.skipIf(missing !== null)(
  `limits and their counters${missing ? ` (missing: ${missing})` : ''}`,
  () => {
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
  },
);

describe.skipIf(missing !== null)('every field', () => {
  test('that this host can apply stands in its file afterwards', async () => {
    const before = v2SubtreeControl();
    const layout = detectCgroupLayout();
    const { made } = prepareGroup(layout, `/${PROBE}/group`, {}); // tells which files there are
    const known = withControlFiles(layout, `/${PROBE}`);
    const resources = possible(known, everything());
    removeMade(made);
    const group = await lab.make('everything', resources);
    const { writes } = translateResources(group.layout, resources);
    expect(writes.length).toBeGreaterThan(0);
    for (const { hierarchy, write } of writes) {
      if (write.optional || write.file.startsWith('devices.')) continue;
      const path = join(groupPath(hierarchy, group.group), write.file);
      expect(`${write.file} ${shownIn(path, write.value)}`).toBe(`${write.file} ${write.value}`);
    }
    await group.remove();
    restoreV2SubtreeControl(group, before);
  });
});

const PROBE = `terrarium-cgroups-probe-${process.pid}`;

/** All that linux.resources has, in harmless amounts. */
function everything(): LinuxResources {
  const disk = blockDevice();
  const rate = disk === null ? [] : [{ ...disk, rate: 1024 * MIB }];
  const size = hugepageSize();
  return {
    memory: {
      limit: 64 * MIB,
      swap: 128 * MIB,
      reservation: 32 * MIB,
      kernelTCP: 16 * MIB,
      swappiness: 10,
      disableOOMKiller: false,
      useHierarchy: true,
    },
    cpu: {
      shares: 512,
      quota: 50_000,
      burst: 1000,
      period: 100_000,
      cpus: '0',
      mems: '0',
      idle: 0,
    },
    pids: { limit: 100 },
    blockIO: {
      weight: 100,
      throttleReadBpsDevice: rate,
      throttleWriteBpsDevice: rate,
      throttleReadIOPSDevice: rate,
      throttleWriteIOPSDevice: rate,
    },
    hugepageLimits: size === null ? [] : [{ pageSize: size, limit: 4 * MIB }],
    network: { classID: 7 },
    unified: { 'memory.high': String(48 * MIB), 'cgroup.max.depth': '5' },
  };
}

/** Without the fields that this host has no means for. */
function possible(layout: CgroupLayout, resources: LinuxResources): LinuxResources {
  const left = structuredClone(resources) as Record<string, Record<string, unknown>>;
  for (const { field } of resourcesProblems(layout, resources)) {
    const [subject = '', ...rest] = field.replace('linux.resources.', '').split('.');
    const name = rest.join('.');
    if (name === '') delete left[subject];
    else delete left[subject]?.[name];
  }
  return left as LinuxResources;
}

/** What the file says, in the words of the write where it means the same. */
function shownIn(path: string, written: string): string {
  const content = readFileSync(path, 'utf8').trim();
  const [first = '', ...pairs] = written.split(' ');
  const sameNumber = Number(written) > 4096 && Math.abs(Number(content) - Number(written)) < 4096;
  const keyed = content.split('\n').some((line) => {
    const words = line.split(' ');
    return words[0] === first && pairs.every((pair) => words.includes(pair));
  });
  const prefixed = content === `default ${written}` || content === `oom_kill_disable ${written}`;
  return sameNumber || keyed || prefixed || content.startsWith(`oom_kill_disable ${written}\n`)
    ? written
    : content;
}

/** The first disk that is no loop or memory device. */
function blockDevice(): { major: number; minor: number } | null {
  for (const name of readdirSync('/sys/block').filter((one) => /^(sd|vd|nvme|xvd)/.test(one))) {
    const [major, minor] = readFileSync(`/sys/block/${name}/dev`, 'utf8')
      .trim()
      .split(':')
      .map(Number);
    if (major !== undefined && minor !== undefined) return { major, minor };
  }
  return null;
}

function hugepageSize(): string | null {
  const line = /^Hugepagesize: +(\d+) kB$/m.exec(readFileSync('/proc/meminfo', 'utf8'));
  const kib = Number(line?.[1] ?? 0);
  if (kib === 0) return null;
  return kib >= 1024 ? `${kib / 1024}MB` : `${kib}KB`;
}

function v2Root(): string | undefined {
  return detectCgroupLayout().hierarchies.find(({ version }) => version === 2)?.mountPoint;
}

function v2SubtreeControl(): string[] {
  const root = v2Root();
  if (root === undefined) return [];
  return readFileSync(join(root, 'cgroup.subtree_control'), 'utf8').trim().split(' ');
}

/** Takes back what the root handed on for this test alone. */
function restoreV2SubtreeControl({ group }: Cgroup, before: readonly string[]): void {
  const root = v2Root();
  if (root === undefined || before.includes('hugetlb')) return;
  for (const path of [join(root, group.split('/')[1] ?? ''), root]) {
    if (v2SubtreeControl().includes('hugetlb')) {
      writeFileSync(join(path, 'cgroup.subtree_control'), '-hugetlb');
    }
  }
}

for (const layout of missing === null ? testLayouts() : []) {
  const kind = layout.hierarchies.length === 1 ? 'v2 alone' : `all of ${layout.kind}`;

  describe(`life of a group, ${kind}`, () => {
    const make = (name: string, resources = {}) =>
      lab.make(`${name}-${layout.hierarchies.length}`, resources, layout);

    test('freeze stops every process where it is, thaw lets it go on', async () => {
      const group = await make('freeze');
      const free = await make('free');
      const file = (name: string) => join(lab.directory, `${name}-${layout.hierarchies.length}`);
      lab.start(group, counter(file('frozen')));
      lab.start(free, counter(file('free')));
      const count = (name: string) => sizeOf(file(name));
      await until('both count', () => count('frozen') > 0 && count('free') > 0);
      const events: CgroupEvent[] = [];
      const watch = group.watch((event) => events.push(event));
      await group.freeze();
      expect(group.freezerState()).toBe('frozen');
      await until('frozen is told', () => events.some((event) => event.kind === 'frozen'));
      const [stopped, start] = [count('frozen'), count('free')];
      await until('the free one has counted on', () => count('free') > start + 50);
      expect(count('frozen')).toBe(stopped);
      await group.thaw();
      expect(group.freezerState()).toBe('thawed');
      await until('thawed is told', () => events.some((event) => event.kind === 'thawed'));
      await until('it counts again', () => count('frozen') > stopped + 10);
      watch.close();
      await group.kill();
      await free.kill();
    });

    test('populated and empty are told', async () => {
      const group = await make('populated');
      const kinds: string[] = [];
      const watch = group.watch((event) => kinds.push(event.kind));
      const member = lab.start(group, FOREVER);
      await until('populated is told', () => kinds.includes('populated'));
      expect(group.processes()).toContain(member.pid);
      process.kill(member.pid, 'SIGKILL');
      await member.ended;
      if (layout.kind === 'v1') watch.recheck(); // nothing tells of it there
      await until('empty is told', () => kinds.includes('empty'));
      watch.close();
      expect(group.processes()).toEqual([]);
    });

    test('a frozen group is killed and removed', async () => {
      const group = await make('kill-frozen');
      const members = [lab.start(group, FOREVER), lab.start(group, FOREVER)];
      await until('both are in', () => group.processes().length === 2);
      await group.freeze();
      await group.kill();
      for (const member of members) expect(await member.ended).toBe('SIGKILL');
      await group.remove();
      expect(group.directories()).toEqual([]);
    });

    test('removal waits for the last process and takes child groups along', async () => {
      const group = await make('remove');
      for (const directory of group.directories()) mkdirSync(join(directory, 'child'));
      const member = lab.start(group, FOREVER);
      await until('it is in', () => group.processes().includes(member.pid));
      const removed = group.remove();
      process.kill(member.pid, 'SIGKILL');
      await removed;
      expect(group.directories()).toEqual([]);
    });

    test('device rules refuse an open and a mknod, and let the default devices be', async () => {
      const group = await make('devices', { devices: [{ allow: false, access: 'rwm' }] });
      const ends = async (script: string) => {
        const member = lab.start(group, ['sh', '-c', script]);
        return { code: await member.ended, output: member.output() };
      };
      expect((await ends('head -c 1 /dev/zero > /dev/null')).code).toBe(0);
      expect((await ends(': < /dev/kmsg')).output).toMatch(/not permitted/i);
      const node = join(lab.directory, `node-${layout.hierarchies.length}`);
      expect((await ends(`mknod ${node} c 1 11`)).output).toMatch(/not permitted/i);
      expect(existsSync(node)).toBe(false);
      // Live: one more device, then everything.
      const rule = { allow: true, type: 'c' as const, major: 1, minor: 11, access: 'rm' };
      await group.update(lab.player, { devices: [{ allow: false, access: 'rwm' }, rule] });
      expect((await ends(': < /dev/kmsg')).code).toBe(0);
      expect((await ends(`mknod ${node} c 1 11`)).code).toBe(0);
      expect((await ends(': > /dev/kmsg')).output).toMatch(/not permitted/i);
      await group.update(lab.player, { devices: [{ allow: false, access: 'rwm' }] });
      expect((await ends(': < /dev/kmsg')).output).toMatch(/not permitted/i);
      const [v2] = layout.hierarchies.filter(({ version }) => version === 2);
      if (v2 !== undefined && layout.kind === 'v2') {
        const directory = groupPath(v2, group.group);
        expect(await queryDevicePrograms(lab.player, directory)).toHaveLength(1);
      }
    });
  });
}

describe.skipIf(missing !== null)('live updates', () => {
  withController('memory')(
    'memory and swap grow and shrink, in the order that each needs',
    async () => {
      const group = await lab.make('update-memory', {
        memory: { limit: 32 * MIB, swap: 32 * MIB },
      });
      for (const mebibytes of [64, 16, 48]) {
        const bytes = mebibytes * MIB;
        await group.update(lab.player, { memory: { limit: bytes, swap: bytes } });
        expect(group.stats().memory?.limitBytes).toBe(bytes);
      }
      await group.update(lab.player, { memory: { limit: -1 } });
      expect(group.stats().memory?.limitBytes).toBeNull();
    },
  );

  withController('cpu')('a refused value leaves every old limit in place', async () => {
    const group = await lab.make('update-refused', {
      cpu: { quota: 50_000, period: 100_000 },
      ...(hasController('pids') ? { pids: { limit: 50 } } : {}),
      ...(hasController('memory') ? { memory: { limit: 32 * MIB } } : {}),
    });
    const before = limitsOf(group);
    const tooShort = { quota: 10, period: 1_000_000 }; // the kernel's least is 1 ms
    const update = group.update(lab.player, {
      ...(hasController('pids') ? { pids: { limit: 60 } } : {}),
      ...(hasController('memory') ? { memory: { limit: 64 * MIB } } : {}),
      cpu: tooShort,
    });
    await expect(update).rejects.toBeInstanceOf(UpdateError);
    await expect(update).rejects.toThrow(
      /linux\.resources\.cpu\.\w+: .*the old limits are in place/,
    );
    expect(limitsOf(group)).toEqual(before);
  });

  withController('memory')('checkBeforeUpdate refuses less than what is in use', async () => {
    const group = await lab.make('update-check', { memory: { limit: 64 * MIB } });
    const file = join(lab.directory, 'pages');
    const writer = lab.start(group, ['dd', 'if=/dev/zero', `of=${file}`, 'bs=1M', 'count=24']);
    expect(await writer.ended).toBe(0);
    const memory = { limit: MIB, checkBeforeUpdate: true };
    await expect(group.update(lab.player, { memory })).rejects.toThrow(/bytes are in use/);
    expect(group.stats().memory?.limitBytes).toBe(64 * MIB);
  });

  withController('pids')('an update as a plan: the same writes, call by call', async () => {
    const group = await lab.make('update-plan', { pids: { limit: 5 } });
    const plan = group.updatePlan({ pids: { limit: 9 } });
    const shown = (plan.processes['outside'] ?? []).map(
      (step) => 'display' in step && step.display,
    );
    expect(shown[1]).toBe('write(<fd>, "9", 1)');
    await lab.player.run(plan).done;
    expect(group.stats().pids?.limit).toBe(9);
  });

  test('a field that this host cannot apply is refused by name before anything is written', async () => {
    const group = await lab.make('update-unknown');
    const update = group.update(lab.player, {
      network: { classID: 5 },
      unified: { 'no/file': '1' },
    });
    await expect(update).rejects.toThrow(/linux\.resources\.unified\.no\/file: /);
    if (!hasController('net_cls')) {
      await expect(update).rejects.toThrow(/linux\.resources\.network\.classID: /);
    }
  });
});

/** What the group's limit files say. */
function limitsOf({ layout, group }: Cgroup): string[] {
  const files = [
    'pids.max',
    'memory.max',
    'memory.limit_in_bytes',
    'cpu.max',
    'cpu.cfs_quota_us',
    'cpu.cfs_period_us',
  ];
  return layout.hierarchies.flatMap((hierarchy) =>
    files
      .map((file) => join(groupPath(hierarchy, group), file))
      .filter((path) => existsSync(path))
      .map((path) => `${path} ${readFileSync(path, 'utf8').trim()}`),
  );
}

describe.skipIf(missing !== null)('block I/O', () => {
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

describe.skipIf(missing !== null)('a device program that the kernel refuses', () => {
  const v2 = missing === null ? v2Root() : undefined;
  const lacking = v2 === undefined ? ' (missing: cgroup v2)' : '';

  test.skipIf(v2 === undefined)(`fails the plan and is not attached${lacking}`, async () => {
    const layout = testLayouts().find(({ kind }) => kind === 'v2');
    const group = await lab.make('bad-program', {}, layout);
    const directory = join(v2 ?? '', group.group);
    const whose = { en: 'the test', zh: '测试' };
    const plan = planOf((script) =>
      // Reads a register that nothing was written to: the verifier says no.
      attachDeviceProgram(
        script,
        directory,
        (deviceProgram([{ allow: false }]) ?? []).slice(-1),
        whose,
      ),
    );
    await expect(lab.player.run(plan).done).rejects.toThrow(/bpf\(BPF_PROG_LOAD.*: EACCES/);
    expect(await queryDevicePrograms(lab.player, directory)).toEqual([]);
  });
});

describe.skipIf(missing !== null)('parents', () => {
  const v2 = missing === null ? v2Root() : undefined;
  const lacking = v2 === undefined ? ' (missing: cgroup v2)' : '';

  test.skipIf(v2 === undefined)(`a threaded group is refused with its reason${lacking}`, () => {
    const root = join(v2 ?? '', `terrarium-threaded-${process.pid}`);
    const threaded = join(root, 'threaded');
    mkdirSync(threaded, { recursive: true });
    try {
      writeFileSync(join(threaded, 'cgroup.type'), 'threaded');
      const hierarchy = {
        version: 2 as const,
        mountPoint: root,
        controllers: ['cpu'],
        name: 'unified',
      };
      const make = () => prepareParents({ kind: 'v2', hierarchies: [hierarchy] }, '/threaded');
      expect(make).toThrow(/threaded cgroup .*: containers need a domain/);
    } finally {
      rmdirSync(threaded);
      rmdirSync(root);
    }
  });
});
