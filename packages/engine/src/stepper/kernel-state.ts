/**
 * What the kernel says of the processes of a plan at one moment, as data: read by capture-state.ts,
 * compared by diff-state.ts, shown by the stepper. Nothing here is derived from a plan.
 */
import type { ProcessName } from '@terrarium/syscall';

/** One sentence in both languages of the page. */
export interface Words {
  readonly en: string;
  readonly zh: string;
}

/** `pid`, `mnt`, …: a file name below /proc/PID/ns. */
export type NamespaceName = 'pid' | 'mnt' | 'net' | 'uts' | 'ipc' | 'user' | 'cgroup' | 'time';

/** In the order in which the page shows them. */
export const NAMESPACE_NAMES: readonly NamespaceName[] = [
  'user',
  'pid',
  'mnt',
  'uts',
  'ipc',
  'net',
  'cgroup',
  'time',
];

/** The five sets, as they are called in capabilities(7). */
export const CAPABILITY_SETS = [
  'effective',
  'permitted',
  'inheritable',
  'bounding',
  'ambient',
] as const;
export type CapabilitySet = (typeof CAPABILITY_SETS)[number];

/** real, effective, saved, file system */
export type IdQuad = readonly [number, number, number, number];

/** A directory that a process stands in, or sees as its root. */
export interface PlaceState {
  /** the link's text, as the reader (the host) resolves it */
  readonly path: string;
  /** `major:minor inode`: the same directory whatever it is called */
  readonly identity: string | null;
}

/** One open file. */
export interface FdState {
  /** what /proc/PID/fd/N links to: a path, `pipe:[4242]`, `anon_inode:[pidfd]` */
  readonly target: string;
  /** execve closes it */
  readonly closeOnExec: boolean;
}

/** One process, from /proc/PID. Ids are the host's, as the reader's user namespace shows them. */
export interface ProcessKernelState {
  readonly pid: number;
  /** its pid in each pid namespace, from the host's to its own */
  readonly pids: readonly number[];
  readonly parentPid: number;
  readonly comm: string;
  /** the program file, as the process's own root names it; null for what cannot be read */
  readonly exe: string | null;
  readonly namespaces: Readonly<Record<NamespaceName, number | null>>;
  /** the pid namespace that its children will be in; null when not to be known yet */
  readonly pidForChildren: number | null;
  readonly timeForChildren: number | null;
  /** `0 100000 65536`, one line each; empty: nothing is mapped yet */
  readonly uidMap: readonly string[];
  readonly gidMap: readonly string[];
  readonly setgroups: string | null;
  readonly uids: IdQuad;
  readonly gids: IdQuad;
  readonly groups: readonly number[];
  readonly capabilities: Readonly<Record<CapabilitySet, bigint>>;
  readonly noNewPrivs: boolean;
  /** 0 none, 1 strict, 2 filter */
  readonly seccompMode: number;
  readonly seccompFilters: number;
  readonly umask: string | null;
  readonly root: PlaceState;
  readonly cwd: PlaceState;
  /** controllers (`memory`, `name=systemd`, `` for v2) → path in the hierarchy */
  readonly cgroups: Readonly<Record<string, string>>;
  readonly fds: Readonly<Record<number, FdState>>;
  /** `Max open files` → `1024 4096 files` */
  readonly limits: Readonly<Record<string, string>>;
  readonly oomScoreAdj: number | null;
  readonly nice: number;
  readonly session: number;
  readonly processGroup: number;
  /** `major:minor` of the controlling terminal, or null */
  readonly terminal: string | null;
  readonly personality: string | null;
  /** `monotonic 0 0` lines of /proc/PID/timens_offsets */
  readonly timeOffsets: readonly string[];
  /** the mounts that it reaches from its root */
  readonly mounts: readonly MountRow[];
}

/** A row of mountinfo, see proc_pid_mountinfo(5). */
export interface MountRow {
  readonly mountId: number;
  readonly parentId: number;
  readonly device: string;
  readonly root: string;
  readonly mountPoint: string;
  readonly mountOptions: string;
  /** `shared:1 master:2`; empty is private */
  readonly propagation: string;
  readonly fsType: string;
  readonly mountSource: string;
  readonly superOptions: string;
}

/** What a network namespace holds, as far as /proc/PID/net tells. */
export interface NetworkState {
  readonly links: readonly string[];
  /** `127.0.0.1`, `::1 on lo` */
  readonly addresses: readonly string[];
}

/** The file that the stepped call names, before and after it. */
export interface FileState {
  /** as the call names it */
  readonly path: string;
  /** `directory`, `character device 1:3`, … ; null: there is no such file */
  readonly type: string | null;
  /** `0755` */
  readonly mode: string | null;
  /** `uid:gid` of the host */
  readonly owner: string | null;
  /** of a symbolic link */
  readonly link: string | null;
  /** of a small file of a cgroup or of /proc, where reading it changes nothing */
  readonly content: string | null;
}

/** Everything that was read at one moment. */
export interface KernelState {
  readonly processes: Readonly<Record<ProcessName, ProcessKernelState>>;
  /** by inode of the uts namespace */
  readonly hostnames: Readonly<Record<number, string>>;
  /** by inode of the net namespace */
  readonly networks: Readonly<Record<number, NetworkState>>;
  /** directory of a group that a process is in → limit file → its content */
  readonly groups: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly file: FileState | null;
  /** how long the reading took, ms */
  readonly readMs: number;
}

/** Before the first process there is nothing. */
export const NO_STATE: KernelState = {
  processes: {},
  hostnames: {},
  networks: {},
  groups: {},
  file: null,
  readMs: 0,
};
