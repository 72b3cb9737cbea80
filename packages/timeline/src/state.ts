/**
 * The folded state of one sandbox: what the kernel holds at one position of the timeline.
 * Plain JSON, so that it can be a snapshot on a socket, in a recording and in a test.
 */

/** The eight kinds, as /proc/PID/ns spells them. */
export const NAMESPACE_KINDS = [
  'pid',
  'mnt',
  'net',
  'uts',
  'ipc',
  'user',
  'cgroup',
  'time',
] as const;
export type NamespaceKind = (typeof NAMESPACE_KINDS)[number];

/** Inode number of a namespace in nsfs; with its kind, its identity. Shown as `pid:[4026532801]`. */
export type NsInode = number;

/** `hostPid:startTime`: stays unique when the kernel reuses a pid. */
export type ProcessKey = string;

/** One process (thread group) of the sandbox. */
export interface ProcessState {
  readonly key: ProcessKey;
  readonly hostPid: number;
  /** field 22 of /proc/PID/stat, clock ticks since boot */
  readonly startTime: number;
  /** null for a process whose parent is outside the sandbox (init, and shells that joined) */
  readonly parent: ProcessKey | null;
  /**
   * Its pid in every pid namespace it is visible in, from the host's to its own, as the NSpid line
   * of /proc/PID/status has them: [4711, 7, 1] is 4711 on the host, 7 in the sandbox, 1 inside.
   */
  readonly pids: readonly number[];
  readonly comm: string;
  /** /proc/PID/cmdline; empty for a zombie */
  readonly args: readonly string[];
  /** R S D T t Z X I as in proc_pid_stat(5) */
  readonly state: string;
  readonly uid: {
    /** in the initial user namespace */
    readonly outside: number;
    /** in its own user namespace; 65534 when it has no mapping there */
    readonly inside: number;
  };
  readonly namespaces: Readonly<Record<NamespaceKind, NsInode>>;
  /** path below the sandbox's own cgroup; '/' is that cgroup itself */
  readonly cgroup: string;
  /**
   * cgroup v1 only: hierarchies (as the second field of /proc/PID/cgroup names them) in which it is
   * elsewhere than `cgroup` says. Ask `cgroupIn`.
   */
  readonly cgroups?: Readonly<Record<string, string>>;
  /** what holds it; absent until it has been read, which is moments after its birth */
  readonly facts?: ProcessFacts;
  /** N of its controlling terminal /dev/pts/N, or null */
  readonly terminal: number | null;
  /** pid of the process group, in the host's pid namespace */
  readonly processGroup: number;
  /** milliseconds since the epoch */
  readonly bornAt: number;
}

/** What the kernel lets a process see and do, from /proc/PID. */
export interface ProcessFacts {
  /** /proc/PID/root and /proc/PID/cwd, as paths in its own mount namespace where they have one */
  readonly root: string;
  readonly cwd: string;
  /** Seccomp: of /proc/PID/status: 0 none, 1 strict, 2 filter */
  readonly seccomp: number;
  readonly noNewPrivs: boolean;
  /** CapEff, CapPrm, CapBnd of /proc/PID/status, 16 hexadecimal digits each */
  readonly capabilities: {
    readonly effective: string;
    readonly permitted: string;
    readonly bounding: string;
  };
  readonly oomScoreAdj: number;
}

/** What a process uses; sampled while somebody looks. */
export interface ProcessUsage {
  /** resident memory, bytes */
  readonly rss: number;
  /** user and system time since its birth, milliseconds */
  readonly cpu: number;
}

/** What keeps a namespace alive besides its member processes. */
export type NamespaceHolder =
  | { readonly by: 'mount'; readonly mountNs: NsInode; readonly path: string }
  | { readonly by: 'fd'; readonly process: ProcessKey; readonly fd: number };

/** One namespace that the sandbox's processes are in, or hold open. Members: see `membersOf`. */
export interface NamespaceState {
  readonly inode: NsInode;
  readonly kind: NamespaceKind;
  /** pid and user only: NS_GET_PARENT, null for the sandbox's outermost */
  readonly parent: NsInode | null;
  /** the user namespace that owns it: NS_GET_USERNS; null where that is outside the sandbox */
  readonly owner: NsInode | null;
  /** true for the eight that the sandbox itself was made with */
  readonly ofSandbox: boolean;
  /** true for a namespace that belongs to the host and is shared into the sandbox */
  readonly ofHost: boolean;
  readonly holders: readonly NamespaceHolder[];
  /** uts only: the host name in it, a container's by custom; absent where it was not read */
  readonly label?: string;
  readonly bornAt: number;
}

/** One row of /proc/PID/mountinfo, see proc_pid_mountinfo(5). */
export interface MountState {
  readonly mountId: number;
  readonly parentId: number;
  /** `major:minor` of the file system instance */
  readonly device: string;
  readonly root: string;
  readonly mountPoint: string;
  readonly mountOptions: string;
  /** shared:N, master:N, propagate_from:N, unbindable */
  readonly optionalFields: readonly string[];
  readonly fsType: string;
  readonly mountSource: string;
  readonly superOptions: string;
  /** proc only: the pid namespace that this instance shows */
  readonly procPidNs?: NsInode;
}

/**
 * `HIERARCHY:PATH`. The hierarchy is the second field of /proc/PID/cgroup (`memory`, `cpu,cpuacct`),
 * empty on cgroup v2; the path is below the sandbox's own cgroup, `/` is that cgroup itself.
 */
export type CgroupKey = string;

/** One directory of one cgroup hierarchy. Its members: see `cgroupMembers`. */
export interface CgroupState {
  readonly key: CgroupKey;
  readonly hierarchy: string;
  readonly path: string;
  /**
   * Control files that somebody sets (limits, freezer.state, cgroup.subtree_control …) with their
   * text as read, without the last newline. What the kernel counts is in `State.meters`.
   */
  readonly files: Readonly<Record<string, string>>;
  /** the newest kill by the OOM killer in this group */
  readonly lastOom?: { readonly t: number; readonly victim: string | null };
  readonly bornAt: number;
}

/** The processor time that a group had used at a moment. */
export interface CpuReading {
  /** milliseconds since the epoch */
  readonly t: number;
  readonly usedMicros: number;
}

/** In how many periods of its quota a group had wanted to run, and to wait, until a moment. */
export interface CpuWait {
  /** milliseconds since the epoch */
  readonly t: number;
  readonly periods: number;
  readonly throttled: number;
}

/** One entry of one layer. */
export interface LayerEntry {
  readonly kind: 'file' | 'directory' | 'symlink' | 'device' | 'fifo' | 'socket' | 'whiteout';
  /** bytes; 0 for all but files and symlinks */
  readonly size: number;
  /** a directory that hides what lower layers have under its name (trusted/user.overlay.opaque) */
  readonly opaque?: boolean;
  /** upper layer only: how it came there, where that was seen */
  readonly came?: 'copy-up' | 'created' | 'renamed';
  /** milliseconds that its copy-up took, from the first event in the work directory */
  readonly copiedIn?: number;
}

/** One layer of an overlay: a directory. */
export interface LayerState {
  /** as the mount options spell it */
  readonly dir: string;
  readonly role: 'upper' | 'lower';
  /** by path below `dir`, without a leading slash; null where it is not listed (the base image) */
  readonly entries: Readonly<Record<string, LayerEntry>> | null;
  /** entries that there are beyond those listed */
  readonly more: number;
}

/** One overlay file system of the sandbox. */
export interface OverlayState {
  /** `major:minor`, as the mounts of it have */
  readonly key: string;
  readonly bornAt: number;
  /** uppermost first; a read-only overlay has no `upper` */
  readonly layers: readonly LayerState[];
  readonly workDir: string | null;
  /** the sandbox's own root */
  readonly ofSandbox: boolean;
  /** being copied up right now: bytes so far, by name in the work directory */
  readonly copying?: Readonly<Record<string, number>>;
}

/** One network interface. */
export interface LinkState {
  readonly index: number;
  readonly name: string;
  /** IFLA_INFO_KIND: `veth`, `bridge`, `dummy`; '' for loopback and hardware */
  readonly kind: string;
  /** IFF_…, without the prefix: `UP`, `LOWER_UP`, `LOOPBACK` */
  readonly flags: readonly string[];
  readonly mtu: number;
  readonly mac: string;
  /** index of the bridge that it is a port of */
  readonly master: number | null;
  /** the other end of a veth pair; its namespace is null where it is unknown or the host's */
  readonly peer: { readonly netNs: NsInode | null; readonly index: number } | null;
  /** `10.0.0.2/24` */
  readonly addresses: readonly string[];
}

/** One route of the main table. */
export interface RouteState {
  /** `default` or `10.0.0.0/24` */
  readonly to: string;
  readonly via: string | null;
  /** interface name */
  readonly dev: string | null;
  readonly source: string | null;
}

/** A socket that waits for connections, or (udp) is bound. */
export interface ListenerState {
  readonly protocol: 'tcp' | 'tcp6' | 'udp' | 'udp6';
  readonly address: string;
  readonly port: number;
  /** whose it is, where that is known */
  readonly process: ProcessKey | null;
}

export interface NftChainState {
  readonly name: string;
  /** base chains only, as `nft list ruleset` spells them */
  readonly hook: string | null;
  readonly type: string | null;
  readonly priority: number | null;
  readonly policy: string | null;
  readonly rules: readonly {
    readonly handle: number;
    readonly text: string;
    /** of its counter, where it has one */
    readonly packets?: number;
    readonly bytes?: number;
  }[];
}

export interface NftTableState {
  readonly family: string;
  readonly name: string;
  readonly chains: readonly NftChainState[];
}

/** What one network namespace holds. */
export interface NetworkState {
  readonly netNs: NsInode;
  /** by interface index */
  readonly links: Readonly<Record<string, LinkState>>;
  readonly routes: readonly RouteState[];
  readonly listeners: readonly ListenerState[];
  readonly tables: readonly NftTableState[];
  /** net.ipv4.ip_forward: passes on what is for others; absent where it is not known */
  readonly forwards?: boolean;
}

/** Counters of an interface since it was made. */
export interface LinkCounters {
  readonly rxBytes: number;
  readonly rxPackets: number;
  readonly txBytes: number;
  readonly txPackets: number;
  readonly dropped: number;
}

/** One system call of the tape. */
export interface SyscallState {
  readonly process: ProcessKey;
  /** man page name */
  readonly name: string;
  /** decoded, each as C or strace would spell it: `"/proc"`, `CLONE_NEWNS|CLONE_NEWPID` */
  readonly args: readonly string[];
  /** what it returned; a negative errno for a failure; null while it runs or does not return */
  readonly result: number | null;
  /** `EPERM`; null for a success */
  readonly errno: string | null;
  /** milliseconds since the epoch (with fraction) and how long it took */
  readonly at: number;
  readonly took: number | null;
}

/** A system call with its place on the timeline, which is its subject's number. */
export interface TapedCall extends SyscallState {
  readonly seq: number;
}

/** The sandbox that a timeline belongs to. */
export interface SandboxState {
  readonly id: string;
  readonly init: ProcessKey;
  readonly namespaces: Readonly<Record<NamespaceKind, NsInode>>;
  readonly kernelRelease: string;
}

/** One command line of a shell, from its start to the next prompt. */
export interface CommandState {
  readonly id: string;
  readonly terminal: string;
  readonly line: string | null;
  /** the shell that ran it */
  readonly process: ProcessKey;
  readonly processGroup: number | null;
  readonly startSeq: number;
  readonly startedAt: number;
  /** null while it runs; its shell's end is its end */
  readonly endedAt: number | null;
  readonly exitCode: number | null;
}

/** Everything a view or a check may ask. */
export interface State {
  /** number of the last event that is in this state; 0 before the first */
  readonly seq: number;
  /** time of that event, milliseconds since the epoch */
  readonly t: number;
  readonly sandbox: SandboxState | null;
  readonly processes: Readonly<Record<ProcessKey, ProcessState>>;
  readonly namespaces: Readonly<Record<string, NamespaceState>>;
  /** by mount namespace inode, then by mount id */
  readonly mounts: Readonly<Record<string, Readonly<Record<string, MountState>>>>;
  /** running commands and the newest ended ones, by id; absent before the first (see `commandsOf`) */
  readonly commands?: Readonly<Record<string, CommandState>>;
  /** absent until sampled, as all of the following: older recordings do not have them */
  readonly usage?: Readonly<Record<ProcessKey, ProcessUsage>>;
  readonly cgroups?: Readonly<Record<CgroupKey, CgroupState>>;
  /** what the kernel counts in each group: text of its files, sampled while somebody looks */
  readonly meters?: Readonly<Record<CgroupKey, Readonly<Record<string, string>>>>;
  /** the last few of each group that has the count; ask `cpuSharePercent` */
  readonly cpuReadings?: Readonly<Record<CgroupKey, readonly CpuReading[]>>;
  /** the same of each group that has a quota's counts; ask `cpuOffQuota` */
  readonly cpuWaits?: Readonly<Record<CgroupKey, readonly CpuWait[]>>;
  /** by `OverlayState.key` */
  readonly overlays?: Readonly<Record<string, OverlayState>>;
  /** by network namespace inode */
  readonly networks?: Readonly<Record<string, NetworkState>>;
  /** by network namespace inode, then interface index; sampled */
  readonly traffic?: Readonly<Record<string, Readonly<Record<string, LinkCounters>>>>;
  /** whether system calls are being taped, and the newest of them */
  readonly tracing?: boolean;
  /** why the tape ended by itself, or could not begin */
  readonly tracingEnded?: string;
  /** calls that were left out so far: too many at once */
  readonly callsLost?: number;
  readonly calls?: readonly TapedCall[];
}

export const EMPTY_STATE: State = {
  seq: 0,
  t: 0,
  sandbox: null,
  processes: {},
  namespaces: {},
  mounts: {},
};
