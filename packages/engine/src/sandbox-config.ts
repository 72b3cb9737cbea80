/**
 * The OCI config of one sandbox: a system container that a learner owns. Pure: from an id, an id
 * range, an image and limits to a RuntimeConfig; the plan does nothing that is not in it.
 */
import type { LinuxDevice, MountConfig, RuntimeConfig } from '@terrarium/spec';
import { RUNTIME_SPEC_VERSION } from '@terrarium/spec';
import { NAMESPACE_KINDS } from '@terrarium/syscall';
import { BOUNDING_SET } from './capabilities.js';
import { sandboxSeccomp } from './seccomp/index.js';

/** Ids of one sandbox: container ids 0 to 65535 are `idBase` and up on the host. */
export const ID_RANGE_SIZE = 65_536;

const MIB = 1024 * 1024;

/** What one sandbox may use. */
export interface SandboxLimits {
  /** all memory, with the files on its disk (a tmpfs) and its kernel memory */
  readonly memoryBytes: number;
  /** processes and threads at a time */
  readonly pids: number;
  /** 100 is one CPU */
  readonly cpuPercent: number;
  /** written files: root file system's changes, /lab, /tmp and /run together */
  readonly diskBytes: number;
  /** files on that disk */
  readonly diskInodes: number;
}

/** Enough for every lesson; small enough for 30 sandboxes on a machine with 16 GiB. */
export const DEFAULT_LIMITS: SandboxLimits = {
  memoryBytes: 512 * MIB,
  pids: 512,
  cpuPercent: 100,
  diskBytes: 256 * MIB, // half of the memory: a full disk must be ENOSPC, never the OOM killer
  diskInodes: 65_536,
};

/** What tells one sandbox from another. */
export interface SandboxInput {
  readonly id: string;
  /** first host id of its range */
  readonly idBase: number;
  /** directory of the base image on the host */
  readonly baseImage: string;
  readonly limits: SandboxLimits;
  readonly hostname: string;
  /** the cgroup path below each hierarchy: `/terrarium/lab-1` */
  readonly cgroupsPath: string;
}

/** Annotation keys: what the OCI config has no field for. */
export const ANNOTATION = {
  diskBytes: 'terrarium.disk.bytes',
  diskInodes: 'terrarium.disk.inodes',
} as const;

/** Microseconds; the kernel's own default. */
const CPU_PERIOD_MICROS = 100_000;

/** Killed before anything of the host when memory runs out there; raising needs no privilege. */
const OOM_SCORE_ADJ = 500;

/** Namespaces of each kind below this sandbox; they cost kernel memory and may outlive processes. */
const MAX_NAMESPACES = 512;

/** Builds the config. */
export function sandboxConfig(input: SandboxInput): RuntimeConfig {
  const { limits } = input;
  return {
    ociVersion: RUNTIME_SPEC_VERSION,
    root: { path: input.baseImage, readonly: false },
    hostname: input.hostname,
    process: {
      user: { uid: 0, gid: 0 },
      args: ['/sbin/init'],
      cwd: '/',
      env: [],
      capabilities: capabilitySets(),
      rlimits: [
        { type: 'RLIMIT_NOFILE', soft: 1024, hard: 65_536 },
        { type: 'RLIMIT_CORE', soft: 0, hard: 1024 * MIB },
        { type: 'RLIMIT_STACK', soft: 8 * MIB, hard: 64 * MIB },
      ],
      oomScoreAdj: OOM_SCORE_ADJ,
    },
    mounts: sandboxMounts(),
    annotations: {
      [ANNOTATION.diskBytes]: String(limits.diskBytes),
      [ANNOTATION.diskInodes]: String(limits.diskInodes),
    },
    linux: {
      namespaces: NAMESPACE_KINDS.map(({ oci }) => ({ type: oci })),
      uidMappings: [{ containerID: 0, hostID: input.idBase, size: ID_RANGE_SIZE }],
      gidMappings: [{ containerID: 0, hostID: input.idBase, size: ID_RANGE_SIZE }],
      devices: sandboxDevices(),
      cgroupsPath: input.cgroupsPath,
      resources: {
        memory: { limit: limits.memoryBytes, swap: limits.memoryBytes },
        pids: { limit: limits.pids },
        cpu: {
          period: CPU_PERIOD_MICROS,
          quota: Math.round((limits.cpuPercent / 100) * CPU_PERIOD_MICROS),
        },
        devices: deviceRules(),
      },
      seccomp: sandboxSeccomp(),
      sysctl: namespaceLimits(),
      // Nothing is masked: the kernel refuses a learner's own `mount -t proc` while the visible
      // /proc is partly covered. What is there belongs to the host's root, which the learner is not.
      maskedPaths: [],
      readonlyPaths: [],
    },
  };
}

function capabilitySets(): NonNullable<NonNullable<RuntimeConfig['process']>['capabilities']> {
  const all = [...BOUNDING_SET];
  return { bounding: all, effective: all, permitted: all, inheritable: [], ambient: [] };
}

/**
 * In order. Relative bind sources are directories of the sandbox's disk. proc, sysfs, devpts,
 * mqueue and cgroup show the namespaces of whoever mounts them, so init does; the others are
 * mounted by the host's root, so that the learner cannot resize them.
 */
function sandboxMounts(): MountConfig[] {
  const quiet = ['nosuid', 'noexec', 'nodev'];
  return [
    {
      destination: '/dev',
      type: 'tmpfs',
      source: 'dev',
      options: ['nosuid', 'noexec', 'size=64k', 'nr_inodes=512', 'mode=0755'],
    },
    {
      destination: '/dev/shm',
      type: 'tmpfs',
      source: 'shm',
      options: ['nosuid', 'nodev', 'size=64m', 'mode=1777'],
    },
    { destination: '/lab', type: 'bind', source: 'lab', options: ['bind'] },
    { destination: '/tmp', type: 'bind', source: 'tmp', options: ['bind'] },
    { destination: '/run', type: 'bind', source: 'run', options: ['bind'] },
    { destination: '/proc', type: 'proc', source: 'proc', options: quiet },
    { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['ro', ...quiet] },
    { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: quiet },
    {
      destination: '/dev/pts',
      type: 'devpts',
      source: 'devpts',
      options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'],
    },
    { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: quiet },
  ];
}

function sandboxDevices(): LinuxDevice[] {
  const device = (path: string, major: number, minor: number): LinuxDevice => ({
    path,
    type: 'c',
    major,
    minor,
    fileMode: 0o666,
    uid: 0,
    gid: path === '/dev/tty' ? 5 : 0,
  });
  return [
    device('/dev/null', 1, 3),
    device('/dev/zero', 1, 5),
    device('/dev/full', 1, 7),
    device('/dev/random', 1, 8),
    device('/dev/urandom', 1, 9),
    device('/dev/tty', 5, 0),
  ];
}

/** The second fence around devices where the host has cgroup v1's device controller. */
function deviceRules(): NonNullable<
  NonNullable<NonNullable<RuntimeConfig['linux']>['resources']>['devices']
> {
  const allow = (major: number, minor?: number) => ({
    allow: true,
    type: 'c' as const,
    major,
    access: 'rwm',
    ...(minor === undefined ? {} : { minor }),
  });
  return [
    { allow: false, type: 'a' },
    ...[3, 5, 7, 8, 9].map((minor) => allow(1, minor)),
    allow(5, 0), // /dev/tty
    allow(5, 2), // /dev/ptmx
    allow(136), // /dev/pts/N
  ];
}

function namespaceLimits(): Record<string, string> {
  return Object.fromEntries(
    NAMESPACE_KINDS.map(({ proc }) => [`user.max_${proc}_namespaces`, String(MAX_NAMESPACES)]),
  );
}
