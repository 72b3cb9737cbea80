/**
 * Parts of a watched sandbox: each looks at one sort of kernel object (cgroups, overlay layers,
 * networks, system calls, usage) and emits events about it. The watch itself keeps processes,
 * namespaces and mounts, and lends them to the parts; a part changes nothing in the kernel.
 */
import type {
  EventBody,
  MountState,
  NamespaceHolder,
  NamespaceKind,
  NsInode,
  ProcessKey,
  ProcessState,
} from '@terrarium/timeline';
import type { CgroupPlace } from './cgroup-walk.js';
import type { Emit, Machine } from './context.js';

/** What a part may know of its sandbox. */
export interface WatchedSandbox {
  readonly machine: Machine;
  readonly emit: Emit;
  readonly id: string;
  /** host pid of the sandbox's init */
  readonly initPid: number;
  /** the sandbox's directory in each cgroup hierarchy, one alone on v2; see `placeOf` */
  readonly cgroupDirs: readonly string[];
  readonly place: CgroupPlace;
  /** the sandbox's group in every hierarchy that it has one in, `place` among them */
  readonly places: readonly CgroupPlace[];
  /** pages that look at it */
  readonly viewers: () => number;
  readonly processes: () => readonly ProcessState[];
  /** by host pid */
  readonly process: (pid: number) => ProcessState | undefined;
  /** host pid of the oldest living member; null where it has none */
  readonly memberOf: (kind: NamespaceKind, inode: NsInode) => number | null;
  /** those that are known, with or without members */
  readonly namespaces: (kind: NamespaceKind) => readonly NsInode[];
  /** what keeps a namespace alive besides its members, as last seen */
  readonly holdersOf: (inode: NsInode) => readonly NamespaceHolder[];
  /** rows of the last reading */
  readonly mounts: (mountNs: NsInode) => readonly MountState[];
  /** emits a change of a process's state, as the watch itself would */
  readonly changeProcess: (
    pid: number,
    change: Partial<ProcessState>,
    /** another process that did this to it, where that is known */
    actor?: ProcessKey,
  ) => void;
  /** something came outside the trace (a watched directory, a socket): publish soon */
  readonly wake: () => void;
  /**
   * Calls back once the trace has told of all that has happened by now, so that what it says (who
   * did it) comes before what a look finds. It may never do so, when the trace ends.
   *
   * @returns false where nobody can know
   */
  readonly whenTold: (then: () => void) => boolean;
}

/**
 * One part. Every method is called in the observer's one thread; none may throw or wait. After the
 * others its tick follows soon, but not after `onExec`, `onExiting` and `onProcess`, which come by the
 * hundred: a part that has something to do then calls `wake`.
 */
export interface WatchPart {
  /** a process has become another program */
  onExec?(process: ProcessState): void;
  /** the trace says that its last thread ends; when it is gone, `process` has it no more */
  onExiting?(pid: number): void;
  /** a system call of this process succeeded (man page name) */
  onCall?(pid: number, name: string): void;
  /** a process was moved into another cgroup of this sandbox, or out of it (path null) */
  onAttach?(pid: number, hierarchy: number, path: string, actor?: ProcessKey): void;
  /** a cgroup was made or removed by this process; path from the hierarchy's root */
  onCgroup?(what: 'mkdir' | 'rmdir', pid: number, hierarchy: number, path: string): void;
  /** the OOM killer chose this process */
  onOom?(pid: number): void;
  /** mounts of one namespace were read and differ from before */
  onMounts?(mountNs: NsInode, rows: readonly MountState[]): void;
  /** births and ends as the watch tells them, even of what lived but a moment */
  onProcess?(body: Extract<EventBody, { type: 'process.fork' | 'process.exit' }>): void;
  /** the tape of system calls is wanted, or no longer */
  onTracing?(on: boolean): void;
  /** Does what is due, and says when (ms since the epoch) the next thing is; null for nothing. */
  tick(now: number): number | null;
  /** Compares with the kernel: `stat` every second, `full` every few. */
  scan(depth: 'stat' | 'full'): void;
  /** The sandbox is no longer watched: fds, watches and timers go. */
  close(): void;
}
