/** Facts of two imagined hosts, for tests of plans. */
import type { HostFacts } from './host-facts.js';

const COMMON: Omit<HostFacts, 'cgroups'> = {
  architecture: 'x64',
  kernelRelease: '6.12.0',
  rlimits: { RLIMIT_NOFILE: { soft: 1024, hard: 20_000 }, RLIMIT_CORE: { soft: 0, hard: null } },
  lastCapability: 40,
  bootId: '00000000-0000-0000-0000-000000000000',
};

/** As Debian 13 and every systemd distribution has it. */
export const V2_FACTS: HostFacts = {
  ...COMMON,
  cgroups: {
    kind: 'v2',
    hierarchies: [
      {
        version: 2,
        mountPoint: '/sys/fs/cgroup',
        controllers: ['cpuset', 'cpu', 'io', 'memory', 'hugetlb', 'pids', 'rdma', 'misc'],
        name: 'unified',
      },
    ],
  },
};

/** v1 with a co-mounted pair, a named hierarchy, and v2 without controllers beside it. */
export const HYBRID_FACTS: HostFacts = {
  ...COMMON,
  cgroups: {
    kind: 'hybrid',
    hierarchies: [
      {
        version: 1,
        mountPoint: '/sys/fs/cgroup/cpu,cpuacct',
        controllers: ['cpu', 'cpuacct'],
        name: 'cpu,cpuacct',
      },
      { version: 1, mountPoint: '/sys/fs/cgroup/memory', controllers: ['memory'], name: 'memory' },
      { version: 1, mountPoint: '/sys/fs/cgroup/pids', controllers: ['pids'], name: 'pids' },
      {
        version: 1,
        mountPoint: '/sys/fs/cgroup/systemd',
        controllers: ['name=systemd'],
        name: 'systemd',
      },
      { version: 2, mountPoint: '/sys/fs/cgroup/unified', controllers: [], name: 'unified' },
    ],
  },
};
