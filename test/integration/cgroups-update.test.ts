/**
 * New limits for running groups: all or none, in the right order; and every field of
 * linux.resources read back from its file.
 * Runs on v1, hybrid and pure v2 hosts. Needs root in the host's namespaces.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  type Cgroup,
  type CgroupLayout,
  detectCgroupLayout,
  groupPath,
  prepareGroup,
  removeMade,
  resourcesProblems,
  translateResources,
  UpdateError,
  withControlFiles,
} from '../../packages/engine/src/index.js';
import type { LinuxResources } from '../../packages/spec/src/index.js';
import {
  type CgroupLab,
  hasController,
  hugepageSize,
  MIB,
  missing,
  restoreV2SubtreeControl,
  startCgroupLab,
  suite,
  v2SubtreeControl,
  withController,
} from './cgroups-lab.js';

let lab: CgroupLab;
beforeAll(async () => {
  if (missing === null) lab = await startCgroupLab('update');
});
afterAll(async () => {
  await lab?.close();
});

suite('live updates', () => {
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

suite('every field', () => {
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
