/** Every field of linux.resources on v1, hybrid and v2: written, or refused by name. */
import { type LinuxResources, linuxResources } from '@terrarium/spec';
import { describe, expect, test } from 'vitest';
import { DEFAULT_LIMITS, sandboxConfig } from '../../sandbox-config.js';
import { containerDeviceRules } from '../devices/rules.js';
import { insideLayout } from '../layout.js';
import type { CgroupHierarchy, CgroupLayout } from '../types.js';
import { problemText, resourcesProblems, translateResources } from './translate.js';

const v1 = (...controllers: string[]): CgroupHierarchy => ({
  version: 1,
  mountPoint: `/sys/fs/cgroup/${controllers.join(',')}`,
  controllers,
  name: controllers.join(','),
});
const v2 = (...controllers: string[]): CgroupHierarchy => ({
  version: 2,
  mountPoint: '/sys/fs/cgroup',
  controllers,
  name: 'unified',
});

const V1: CgroupLayout = {
  kind: 'v1',
  hierarchies: [
    v1('cpu', 'cpuacct'),
    v1('cpuset'),
    v1('memory'),
    v1('devices'),
    v1('freezer'),
    v1('blkio'),
    v1('pids'),
    v1('hugetlb'),
    v1('net_cls', 'net_prio'),
    v1('rdma'),
    v1('name=systemd'),
  ],
};
const V2: CgroupLayout = {
  kind: 'v2',
  hierarchies: [v2('cpuset', 'cpu', 'io', 'memory', 'hugetlb', 'pids', 'rdma', 'misc')],
};
const HYBRID: CgroupLayout = {
  kind: 'hybrid',
  hierarchies: [v1('cpu'), v1('memory'), v1('pids'), v2('hugetlb')],
};

/** All that the standard knows. */
const EVERYTHING = {
  devices: [{ allow: false, access: 'rwm' }],
  memory: {
    limit: 1000,
    reservation: 500,
    swap: 1500,
    kernel: 300,
    kernelTCP: 200,
    swappiness: 10,
    disableOOMKiller: true,
    useHierarchy: true,
    checkBeforeUpdate: true,
  },
  cpu: {
    shares: 1024,
    quota: 50_000,
    burst: 1000,
    period: 100_000,
    realtimeRuntime: 950,
    realtimePeriod: 1000,
    cpus: '0-1',
    mems: '0',
    idle: 1,
  },
  pids: { limit: 5 },
  blockIO: {
    weight: 100,
    leafWeight: 100,
    weightDevice: [{ major: 8, minor: 0, weight: 200, leafWeight: 300 }],
    throttleReadBpsDevice: [{ major: 8, minor: 0, rate: 1 }],
    throttleWriteBpsDevice: [{ major: 8, minor: 0, rate: 2 }],
    throttleReadIOPSDevice: [{ major: 8, minor: 0, rate: 3 }],
    throttleWriteIOPSDevice: [{ major: 8, minor: 0, rate: 0 }],
  },
  hugepageLimits: [{ pageSize: '2MB', limit: 4_194_304 }],
  network: { classID: 7, priorities: [{ name: 'eth0', priority: 3 }] },
  rdma: { mlx5_0: { hcaHandles: 3, hcaObjects: 4 } },
  unified: { 'memory.high': '900' },
} satisfies LinuxResources;

/** `memory.limit`, `cpu.quota`…: what the config above names, as problems and writes spell it. */
function fieldsGiven(): string[] {
  const fields: string[] = ['devices', 'hugepageLimits', 'rdma', 'unified.memory.high'];
  for (const subject of ['memory', 'cpu', 'pids', 'blockIO', 'network'] as const) {
    for (const name of Object.keys(EVERYTHING[subject])) {
      if (name === 'weightDevice') fields.push('blockIO.weightDevice.weight');
      else fields.push(`${subject}.${name}`);
    }
  }
  return [...fields, 'blockIO.weightDevice.leafWeight'];
}

const lines = (layout: CgroupLayout, resources: LinuxResources) =>
  translateResources(layout, resources).writes.map(
    ({ hierarchy, write }) => `${hierarchy.name}: ${write.file}=${write.value}`,
  );
const texts = (layout: CgroupLayout, resources: LinuxResources) =>
  resourcesProblems(layout, resources).map(problemText);

test('the schema knows every field', () => {
  expect(linuxResources.parse(EVERYTHING)).toEqual(EVERYTHING);
});

describe('every field', () => {
  // What the kernel does anyway (on v2), or only looks at later, needs neither write nor refusal.
  const silent = {
    v1: ['memory.checkBeforeUpdate'],
    hybrid: ['memory.checkBeforeUpdate', 'devices'],
    v2: ['memory.checkBeforeUpdate', 'memory.useHierarchy', 'cpu.period', 'devices'],
  };
  for (const layout of [V1, HYBRID, V2]) {
    test(`is written or refused by name on ${layout.kind}`, () => {
      const { writes, problems } = translateResources(layout, EVERYTHING);
      const answered = new Set(
        [...writes.map(({ write }) => write.field), ...problems.map(({ field }) => field)].map(
          (field) => field.replace('linux.resources.', ''),
        ),
      );
      const quiet = silent[layout.kind as keyof typeof silent];
      expect(
        fieldsGiven().filter((field) => !answered.has(field) && !quiet.includes(field)),
      ).toEqual([]);
    });
  }

  test('each alone, too: a field without its subject on this host is refused', () => {
    const none: CgroupLayout = { kind: 'none', hierarchies: [] };
    const { writes, problems } = translateResources(none, EVERYTHING);
    expect(writes).toEqual([]);
    const fields = problems.map(({ field }) => field.replace('linux.resources.', ''));
    expect(fieldsGiven().filter((field) => !fields.includes(field))).toEqual([]);
  });
});

describe('v1', () => {
  test('spellings', () => {
    const { memory: _, cpu: __, ...rest } = EVERYTHING;
    const { leafWeight: ___, weightDevice: ____, ...blockIO } = rest.blockIO;
    const { unified: _____, ...all } = { ...rest, blockIO };
    expect(lines(V1, all)).toEqual([
      'devices: devices.deny=a',
      'blkio: blkio.bfq.weight=100',
      'blkio: blkio.throttle.read_bps_device=8:0 1',
      'blkio: blkio.throttle.write_bps_device=8:0 2',
      'blkio: blkio.throttle.read_iops_device=8:0 3',
      'blkio: blkio.throttle.write_iops_device=8:0 0',
      'pids: pids.max=5',
      'hugetlb: hugetlb.2MB.limit_in_bytes=4194304',
      'hugetlb: hugetlb.2MB.rsvd.limit_in_bytes=4194304',
      'net_cls,net_prio: net_cls.classid=7',
      'net_cls,net_prio: net_prio.ifpriomap=eth0 3',
      'rdma: rdma.max=mlx5_0 hca_handle=3 hca_object=4',
    ]);
  });

  test('memory and cpu, in an order that the kernel accepts', () => {
    expect(lines(V1, { memory: EVERYTHING.memory, cpu: EVERYTHING.cpu })).toEqual([
      'cpu,cpuacct: cpu.shares=1024',
      'cpu,cpuacct: cpu.idle=1',
      'cpu,cpuacct: cpu.cfs_period_us=100000',
      'cpu,cpuacct: cpu.cfs_quota_us=50000',
      'cpu,cpuacct: cpu.cfs_burst_us=1000',
      'cpu,cpuacct: cpu.rt_period_us=1000',
      'cpu,cpuacct: cpu.rt_runtime_us=950',
      'cpuset: cpuset.cpus=0-1',
      'cpuset: cpuset.mems=0',
      'memory: memory.use_hierarchy=1',
      'memory: memory.limit_in_bytes=1000',
      'memory: memory.memsw.limit_in_bytes=1500',
      'memory: memory.soft_limit_in_bytes=500',
      'memory: memory.kmem.tcp.limit_in_bytes=200',
      'memory: memory.swappiness=10',
      'memory: memory.oom_control=1',
    ]);
  });

  test('has no files of v2', () => {
    expect(texts(V1, { unified: { 'memory.high': '1' } })).toEqual([
      'linux.resources.unified.memory.high: this host has no cgroup v2',
    ]);
  });

  test('leaves idle before it sets a weight', () => {
    expect(lines(V1, { cpu: { idle: 0, shares: 2 } })).toEqual([
      'cpu,cpuacct: cpu.idle=0',
      'cpu,cpuacct: cpu.shares=2',
    ]);
  });
});

describe('v2', () => {
  test('spellings', () => {
    const { memory, cpu, blockIO } = EVERYTHING;
    expect(
      lines(V2, {
        memory: { limit: memory.limit, swap: memory.swap, reservation: memory.reservation },
        cpu: { shares: 1024, quota: 50_000, burst: 1000, idle: 1, cpus: '0', mems: '0' },
        pids: { limit: -1 },
        blockIO: { weight: 100, throttleReadBpsDevice: blockIO.throttleReadBpsDevice },
        hugepageLimits: EVERYTHING.hugepageLimits,
        rdma: EVERYTHING.rdma,
        unified: { 'memory.high': '900', 'cgroup.max.depth': '3' },
      }).map((line) => line.replace('unified: ', '')),
    ).toEqual([
      'memory.max=1000',
      'memory.swap.max=500',
      'memory.low=500',
      'pids.max=max',
      'cpu.weight=39',
      'cpu.idle=1',
      'cpu.max=50000 100000',
      'cpu.max.burst=1000',
      'cpuset.cpus=0',
      'cpuset.mems=0',
      'io.bfq.weight=100',
      'io.max=8:0 rbps=1',
      'hugetlb.2MB.max=4194304',
      'hugetlb.2MB.rsvd.max=4194304',
      'rdma.max=mlx5_0 hca_handle=3 hca_object=4',
      'memory.high=900',
      'cgroup.max.depth=3',
    ]);
    expect(cpu.quota).toBe(50_000);
  });

  test('refuses what it dropped, each by name', () => {
    const { kernel, kernelTCP, swappiness, disableOOMKiller } = EVERYTHING.memory;
    const memory = { kernel, kernelTCP, swappiness, disableOOMKiller, useHierarchy: false };
    const cpu = { realtimeRuntime: 1, realtimePeriod: 2 };
    expect(texts(V2, { memory, cpu, network: EVERYTHING.network })).toEqual([
      expect.stringMatching(/^linux\.resources\.memory\.kernel: cgroup v2 counts/),
      expect.stringMatching(/^linux\.resources\.memory\.kernelTCP: cgroup v2 counts/),
      'linux.resources.memory.swappiness: cgroup v2 has no swappiness of a group',
      'linux.resources.memory.disableOOMKiller: cgroup v2 cannot switch the OOM killer off',
      'linux.resources.memory.useHierarchy: cgroup v2 always counts a child in its parents',
      'linux.resources.cpu.realtimePeriod: cgroup v2 has no realtime groups',
      'linux.resources.cpu.realtimeRuntime: cgroup v2 has no realtime groups',
      'linux.resources.network.classID: cgroup v2 has no net_cls',
      'linux.resources.network.priorities: cgroup v2 has no net_prio',
    ]);
  });

  test('says nothing about what it does anyway', () => {
    const memory = { kernel: -1, kernelTCP: -1, disableOOMKiller: false, useHierarchy: true };
    expect(translateResources(V2, { memory })).toMatchObject({ writes: [], problems: [] });
  });

  test('swap is memory plus swap: without memory, or below it, it has no meaning', () => {
    expect(texts(V2, { memory: { swap: 10 } })[0]).toMatch(/needs memory\.limit beside it/);
    expect(texts(V2, { memory: { swap: 10, limit: 20 } })[0]).toMatch(/10 is less than/);
    expect(texts(V1, { memory: { swap: 10, limit: 20 } })[0]).toMatch(/10 is less than/);
    expect(lines(V2, { memory: { swap: -1 } })).toEqual(['unified: memory.swap.max=max']);
  });

  test('unified: a file of a controller that is there, and a limit', () => {
    const unified = {
      'memory.high': '1',
      'net_cls.classid': '1',
      '../memory.max': '1',
      'cgroup.procs': '1',
      'cgroup.subtree_control': '+cpu',
    };
    expect(
      texts(V2, { unified }).map((text) => text.replace(/^linux\.resources\.unified\./, '')),
    ).toEqual([
      'net_cls.classid: the cgroup v2 hierarchy has no net_cls controller',
      '../memory.max: is no name of a cgroup v2 file',
      'cgroup.procs: is not a limit',
      'cgroup.subtree_control: is not a limit',
    ]);
  });

  test('tells which controllers the parents must hand on', () => {
    const { controllers } = translateResources(V2, {
      memory: { limit: 1 },
      hugepageLimits: EVERYTHING.hugepageLimits,
      unified: { 'cgroup.max.depth': '1' },
    });
    expect(controllers).toEqual(['memory', 'hugetlb']);
  });
});

describe('a missing controller or kernel option', () => {
  test('is named with the field', () => {
    expect(texts(HYBRID, { network: { classID: 1 } })).toEqual([
      'linux.resources.network.classID: this host has no net_cls controller',
    ]);
    expect(texts(HYBRID, { cpu: { cpus: '0' } })).toEqual([
      'linux.resources.cpu.cpus: this host has no cpuset controller',
    ]);
    const v2Only: CgroupLayout = { kind: 'v2', hierarchies: [v2('memory')] };
    const blockIO = { throttleReadBpsDevice: [{ major: 8, minor: 0, rate: 1 }] };
    expect(texts(v2Only, { blockIO })).toEqual([
      'linux.resources.blockIO.throttleReadBpsDevice: this host has no io controller',
    ]);
  });

  test('shows in the files that a group has', () => {
    const with_ = (hierarchy: CgroupHierarchy, ...controlFiles: string[]): CgroupLayout => ({
      kind: hierarchy.version === 1 ? 'v1' : 'v2',
      hierarchies: [{ ...hierarchy, controlFiles }],
    });
    expect(texts(with_(v1('blkio')), { blockIO: { weight: 100 } })[0]).toMatch(/no I\/O scheduler/);
    expect(lines(with_(v2('io'), 'io.weight'), { blockIO: { weight: 1000 } })).toEqual([
      'unified: io.weight=10000',
    ]);
    expect(texts(with_(v1('cpu')), { cpu: { burst: 1 } })[0]).toMatch(/no cpu\.cfs_burst_us/);
    expect(texts(with_(v1('memory')), { memory: { swap: 1 } })[0]).toMatch(/does not count swap/);
    expect(
      texts(with_(v2('hugetlb')), { hugepageLimits: [{ pageSize: '3MB', limit: 1 }] })[0],
    ).toMatch(/no huge pages of "3MB"/);
  });
});

describe('inside a sandbox', () => {
  const inside = insideLayout(V2);

  test('hierarchies are mounted by name, and only what is handed on is there', () => {
    expect(inside.hierarchies[0]?.mountPoint).toBe('/sys/fs/cgroup');
    expect(inside.hierarchies[0]?.controllers).toEqual(['cpuset', 'cpu', 'io', 'memory', 'pids']);
    expect(insideLayout(HYBRID).hierarchies.map(({ mountPoint }) => mountPoint)).toEqual([
      '/sys/fs/cgroup/cpu',
      '/sys/fs/cgroup/memory',
      '/sys/fs/cgroup/pids',
      '/sys/fs/cgroup/unified',
    ]);
  });

  test('device rules are the sandbox’s: no writes, and nothing that it would not hold', () => {
    const { writes, problems } = translateResources(inside, { devices: [{ allow: false }] });
    expect({ writes, problems }).toEqual({ writes: [], problems: [] });
    expect(texts(inside, { devices: [{ allow: false, type: 'a', access: 'r' }] })).toHaveLength(1);
    const config = sandboxConfig({
      id: 'lab-1',
      idBase: 100_000,
      baseImage: '/image',
      limits: DEFAULT_LIMITS,
      hostname: 'lab',
      cgroupsPath: '/terrarium/lab-1',
    });
    const defaults = containerDeviceRules([{ allow: false }]);
    for (const rule of config.linux?.resources?.devices ?? [])
      expect(defaults).toContainEqual(rule.allow ? rule : { allow: false });
  });
});
