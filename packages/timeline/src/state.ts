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
  /** N of its controlling terminal /dev/pts/N, or null */
  readonly terminal: number | null;
  /** pid of the process group, in the host's pid namespace */
  readonly processGroup: number;
  /** milliseconds since the epoch */
  readonly bornAt: number;
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
}

export const EMPTY_STATE: State = {
  seq: 0,
  t: 0,
  sandbox: null,
  processes: {},
  namespaces: {},
  mounts: {},
};
