/**
 * config.json of the OCI runtime-spec 1.3, as far as the engine reads it: the fields spelled as
 * the standard spells them, checked where a file or a socket hands one in.
 *
 * Unknown fields are kept, as the standard asks ("runtimes MUST NOT generate an error" for them).
 * @see https://github.com/opencontainers/runtime-spec/blob/v1.3.0/config.md and config-linux.md
 */
import { z } from 'zod';

/** The version of the standard that these types follow. */
export const RUNTIME_SPEC_VERSION = '1.3.0';

const uint32 = z.number().int().min(0).max(0xffff_ffff);
const int64 = z.number().int();
const uint64 = z.number().int().nonnegative();
const absolutePath = z.string().regex(/^\//, 'must be an absolute path');

/** `linux.namespaces[].type`; `path` joins an existing namespace instead of making one. */
export const linuxNamespace = z.looseObject({
  type: z.enum(['pid', 'network', 'mount', 'ipc', 'uts', 'user', 'cgroup', 'time']),
  path: absolutePath.optional(),
});

/** One row of uid_map or gid_map: `size` ids from `containerID` are `hostID` and up outside. */
export const linuxIdMapping = z.looseObject({
  containerID: uint32,
  hostID: uint32,
  size: uint32,
});

/** A POSIX resource limit; `type` is the RLIMIT_ name. */
export const posixRlimit = z.looseObject({
  type: z.string().regex(/^RLIMIT_[A-Z]+$/),
  soft: uint64,
  hard: uint64,
});

/** Capability sets by CAP_ names, see capabilities(7). */
export const linuxCapabilities = z.looseObject({
  bounding: z.array(z.string()).optional(),
  effective: z.array(z.string()).optional(),
  inheritable: z.array(z.string()).optional(),
  permitted: z.array(z.string()).optional(),
  ambient: z.array(z.string()).optional(),
});

/** Who the process is, in ids of the container. */
export const processUser = z.looseObject({
  uid: uint32,
  gid: uint32,
  umask: uint32.optional(),
  additionalGids: z.array(uint32).optional(),
});

/** The container's process. */
export const processConfig = z.looseObject({
  terminal: z.boolean().optional(),
  consoleSize: z.looseObject({ height: uint32, width: uint32 }).optional(),
  user: processUser,
  args: z.array(z.string()).min(1).optional(),
  env: z.array(z.string()).optional(),
  cwd: absolutePath,
  capabilities: linuxCapabilities.optional(),
  rlimits: z.array(posixRlimit).optional(),
  noNewPrivileges: z.boolean().optional(),
  apparmorProfile: z.string().optional(),
  selinuxLabel: z.string().optional(),
  oomScoreAdj: z.number().int().min(-1000).max(1000).optional(),
  scheduler: z
    .looseObject({
      policy: z.string(),
      nice: z.number().int().min(-20).max(19).optional(),
      priority: uint32.optional(),
      flags: z.array(z.string()).optional(),
      /** of SCHED_DEADLINE, nanoseconds */
      runtime: uint64.optional(),
      deadline: uint64.optional(),
      period: uint64.optional(),
    })
    .optional(),
  ioPriority: z
    .looseObject({ class: z.string(), priority: z.number().int().min(0).max(7) })
    .optional(),
  execCPUAffinity: z
    .looseObject({ initial: z.string().optional(), final: z.string().optional() })
    .optional(),
});

/** One additional mount, in the order of the list. */
export const mountConfig = z.looseObject({
  destination: z.string(),
  type: z.string().optional(),
  source: z.string().optional(),
  options: z.array(z.string()).optional(),
  uidMappings: z.array(linuxIdMapping).optional(),
  gidMappings: z.array(linuxIdMapping).optional(),
});

/** A device node below /dev; `fileMode` in decimal, as JSON has it. */
export const linuxDevice = z.looseObject({
  type: z.enum(['c', 'b', 'u', 'p']),
  path: absolutePath,
  major: int64.optional(),
  minor: int64.optional(),
  fileMode: uint32.optional(),
  uid: uint32.optional(),
  gid: uint32.optional(),
});

/** One rule of the device cgroup; a missing number means any. */
export const linuxDeviceCgroup = z.looseObject({
  allow: z.boolean(),
  type: z.enum(['a', 'b', 'c']).optional(),
  major: int64.nullable().optional(),
  minor: int64.nullable().optional(),
  access: z
    .string()
    .regex(/^[rwm]{0,3}$/)
    .optional(),
});

/** Memory limits in bytes; -1 means none. `swap` is memory plus swap. */
export const linuxMemory = z.looseObject({
  limit: int64.optional(),
  reservation: int64.optional(),
  swap: int64.optional(),
  kernel: int64.optional(),
  kernelTCP: int64.optional(),
  swappiness: uint64.optional(),
  disableOOMKiller: z.boolean().optional(),
  useHierarchy: z.boolean().optional(),
  checkBeforeUpdate: z.boolean().optional(),
});

/** CPU limits; quota and periods in microseconds. `shares` is v1's weight, 2 to 262144. */
export const linuxCpu = z.looseObject({
  shares: uint64.optional(),
  quota: int64.optional(),
  burst: uint64.optional(),
  period: uint64.optional(),
  realtimeRuntime: int64.optional(),
  realtimePeriod: uint64.optional(),
  cpus: z.string().optional(),
  mems: z.string().optional(),
  idle: int64.optional(),
});

const linuxThrottleDevice = z.looseObject({ major: int64, minor: int64, rate: uint64 });

/** Block I/O limits: bytes or operations per second of a device. */
export const linuxBlockIO = z.looseObject({
  weight: uint32.optional(),
  leafWeight: uint32.optional(),
  weightDevice: z
    .array(
      z.looseObject({
        major: int64,
        minor: int64,
        weight: uint32.optional(),
        leafWeight: uint32.optional(),
      }),
    )
    .optional(),
  throttleReadBpsDevice: z.array(linuxThrottleDevice).optional(),
  throttleWriteBpsDevice: z.array(linuxThrottleDevice).optional(),
  throttleReadIOPSDevice: z.array(linuxThrottleDevice).optional(),
  throttleWriteIOPSDevice: z.array(linuxThrottleDevice).optional(),
});

/** `linux.resources`; `unified` names v2 files literally. */
export const linuxResources = z.looseObject({
  devices: z.array(linuxDeviceCgroup).optional(),
  memory: linuxMemory.optional(),
  cpu: linuxCpu.optional(),
  pids: z.looseObject({ limit: int64.optional() }).optional(),
  blockIO: linuxBlockIO.optional(),
  hugepageLimits: z.array(z.looseObject({ pageSize: z.string(), limit: uint64 })).optional(),
  network: z
    .looseObject({
      classID: uint32.optional(),
      priorities: z.array(z.looseObject({ name: z.string(), priority: uint32 })).optional(),
    })
    .optional(),
  /** by name of the device: handles and objects of host channel adapters */
  rdma: z
    .record(
      z.string(),
      z.looseObject({ hcaHandles: uint32.optional(), hcaObjects: uint32.optional() }),
    )
    .optional(),
  unified: z.record(z.string(), z.string()).optional(),
});

/** What a seccomp filter does with a call. */
export const seccompAction = z.enum([
  'SCMP_ACT_KILL',
  'SCMP_ACT_KILL_PROCESS',
  'SCMP_ACT_KILL_THREAD',
  'SCMP_ACT_TRAP',
  'SCMP_ACT_ERRNO',
  'SCMP_ACT_TRACE',
  'SCMP_ACT_ALLOW',
  'SCMP_ACT_LOG',
  'SCMP_ACT_NOTIFY',
]);

/** One condition on argument `index`; MASKED_EQ: (argument & value) == valueTwo. */
export const seccompArgument = z.looseObject({
  index: z.number().int().min(0).max(5),
  value: uint64,
  valueTwo: uint64.optional(),
  op: z.enum([
    'SCMP_CMP_NE',
    'SCMP_CMP_LT',
    'SCMP_CMP_LE',
    'SCMP_CMP_EQ',
    'SCMP_CMP_GE',
    'SCMP_CMP_GT',
    'SCMP_CMP_MASKED_EQ',
  ]),
});

/** Calls by name; all `args` of a rule must hold. */
export const seccompRule = z.looseObject({
  names: z.array(z.string()).min(1),
  action: seccompAction,
  errnoRet: uint32.optional(),
  args: z.array(seccompArgument).optional(),
});

/** `linux.seccomp`. */
export const linuxSeccomp = z.looseObject({
  defaultAction: seccompAction,
  defaultErrnoRet: uint32.optional(),
  architectures: z.array(z.string()).optional(),
  flags: z.array(z.string()).optional(),
  listenerPath: z.string().optional(),
  listenerMetadata: z.string().optional(),
  syscalls: z.array(seccompRule).optional(),
});

/** The Linux part of the configuration. */
export const linuxConfig = z.looseObject({
  namespaces: z.array(linuxNamespace).optional(),
  uidMappings: z.array(linuxIdMapping).optional(),
  gidMappings: z.array(linuxIdMapping).optional(),
  timeOffsets: z
    .partialRecord(
      z.enum(['monotonic', 'boottime']),
      z.looseObject({ secs: int64.optional(), nanosecs: uint32.optional() }),
    )
    .optional(),
  devices: z.array(linuxDevice).optional(),
  cgroupsPath: z.string().optional(),
  resources: linuxResources.optional(),
  rootfsPropagation: z.enum(['shared', 'slave', 'private', 'unbindable']).optional(),
  seccomp: linuxSeccomp.optional(),
  sysctl: z.record(z.string(), z.string()).optional(),
  maskedPaths: z.array(z.string()).optional(),
  readonlyPaths: z.array(z.string()).optional(),
  mountLabel: z.string().optional(),
  /** devices of the runtime's network namespace that move into the container's */
  netDevices: z.record(z.string(), z.looseObject({ name: z.string().optional() })).optional(),
  intelRdt: z.looseObject({}).optional(),
  memoryPolicy: z.looseObject({ mode: z.string().optional() }).optional(),
  personality: z
    .looseObject({ domain: z.string(), flags: z.array(z.string()).optional() })
    .optional(),
});

/** One program run at a point of the container's life. */
export const hook = z.looseObject({
  path: absolutePath,
  args: z.array(z.string()).optional(),
  env: z.array(z.string()).optional(),
  timeout: z.number().int().positive().optional(),
});

/** config.json. */
export const runtimeConfig = z.looseObject({
  ociVersion: z.string(),
  root: z.looseObject({ path: z.string(), readonly: z.boolean().optional() }).optional(),
  mounts: z.array(mountConfig).optional(),
  process: processConfig.optional(),
  hostname: z.string().optional(),
  domainname: z.string().optional(),
  hooks: z
    .looseObject({
      prestart: z.array(hook).optional(),
      createRuntime: z.array(hook).optional(),
      createContainer: z.array(hook).optional(),
      startContainer: z.array(hook).optional(),
      poststart: z.array(hook).optional(),
      poststop: z.array(hook).optional(),
    })
    .optional(),
  annotations: z.record(z.string(), z.string()).optional(),
  linux: linuxConfig.optional(),
});

export type LinuxNamespace = z.infer<typeof linuxNamespace>;
export type LinuxIdMapping = z.infer<typeof linuxIdMapping>;
export type PosixRlimit = z.infer<typeof posixRlimit>;
export type LinuxCapabilities = z.infer<typeof linuxCapabilities>;
export type ProcessUser = z.infer<typeof processUser>;
export type ProcessConfig = z.infer<typeof processConfig>;
export type MountConfig = z.infer<typeof mountConfig>;
export type LinuxDevice = z.infer<typeof linuxDevice>;
export type LinuxDeviceCgroup = z.infer<typeof linuxDeviceCgroup>;
export type LinuxMemory = z.infer<typeof linuxMemory>;
export type LinuxCpu = z.infer<typeof linuxCpu>;
export type LinuxBlockIO = z.infer<typeof linuxBlockIO>;
export type LinuxResources = z.infer<typeof linuxResources>;
export type SeccompAction = z.infer<typeof seccompAction>;
export type SeccompArgument = z.infer<typeof seccompArgument>;
export type SeccompRule = z.infer<typeof seccompRule>;
export type LinuxSeccomp = z.infer<typeof linuxSeccomp>;
export type LinuxConfig = z.infer<typeof linuxConfig>;
export type RuntimeConfig = z.infer<typeof runtimeConfig>;
