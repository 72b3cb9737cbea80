/** One difference between two kernel states, in words, and where a person can read the same. */
import type { ProcessName } from '@terrarium/syscall';
import type { Words } from './kernel-state.js';

/** What a change is about; the page has one mark for each. */
export type ChangeKind =
  | 'process'
  | 'program'
  | 'namespace'
  | 'id-map'
  | 'credentials'
  | 'capabilities'
  | 'no-new-privs'
  | 'seccomp'
  | 'root'
  | 'cwd'
  | 'mount'
  | 'cgroup'
  | 'limit'
  | 'hostname'
  | 'network'
  | 'file'
  | 'fd'
  | 'attribute';

/** A typed change. */
export interface KernelChange {
  readonly kind: ChangeKind;
  readonly effect: 'new' | 'gone' | 'changed';
  /** whose; null for what belongs to no process of the plan */
  readonly process: ProcessName | null;
  /** what exactly, stable over steps: `pid`, `/proc`, `memory.max`, `5` */
  readonly subject: string;
  readonly before: string | null;
  readonly after: string | null;
  readonly words: Words;
  /** the file, link or directory where a person reads the same; null where there is none */
  readonly source: string | null;
}

/** A namespace that was there before the plan: `the host’s`, `the sandbox’s`. */
export interface Landmark {
  readonly words: Words;
  /** inodes of its namespaces */
  readonly inodes: ReadonlySet<number>;
}

/** From where a person reads the same files: a sandbox's shell sees other numbers than the host. */
export interface Viewer {
  /** position in `pids` of the reader's pid namespace: 0 the host's, 1 a sandbox's */
  readonly level: number;
  /** the group that the reader's cgroup namespace has as its root; empty: the host's */
  readonly cgroupRoot: string;
  /** rows of the reader's own id maps */
  readonly uidMap: readonly string[];
  readonly gidMap: readonly string[];
}

/** A person with a shell on the host. */
export const HOST_VIEWER: Viewer = { level: 0, cgroupRoot: '', uidMap: [], gidMap: [] };

/** What a comparison knows besides the two states. */
export interface DiffContext {
  /** the process whose call lies between the states */
  readonly actor: ProcessName | null;
  readonly landmarks?: readonly Landmark[];
  /** who is told: the host by default */
  readonly viewer?: Viewer;
}
