/** What the views know about each of the eight kinds of namespaces besides its inode. */
import { NAMESPACE_KINDS, type NamespaceKind } from '@terrarium/timeline';

export interface KindFacts {
  /** one letter, no two kinds the same */
  readonly letter: string;
  /** flag of clone(2) and unshare(2) */
  readonly flag: string;
  /** its manual page */
  readonly manual: string;
}

export const KIND_FACTS: Readonly<Record<NamespaceKind, KindFacts>> = {
  pid: { letter: 'P', flag: 'CLONE_NEWPID', manual: 'pid_namespaces(7)' },
  mnt: { letter: 'M', flag: 'CLONE_NEWNS', manual: 'mount_namespaces(7)' },
  net: { letter: 'N', flag: 'CLONE_NEWNET', manual: 'network_namespaces(7)' },
  uts: { letter: 'H', flag: 'CLONE_NEWUTS', manual: 'uts_namespaces(7)' },
  ipc: { letter: 'I', flag: 'CLONE_NEWIPC', manual: 'ipc_namespaces(7)' },
  user: { letter: 'U', flag: 'CLONE_NEWUSER', manual: 'user_namespaces(7)' },
  cgroup: {
    letter: 'C',
    flag: 'CLONE_NEWCGROUP',
    manual: 'cgroup_namespaces(7)',
  },
  time: { letter: 'T', flag: 'CLONE_NEWTIME', manual: 'time_namespaces(7)' },
};

/** `pid:[4026532801]`, as readlink(1) prints /proc/PID/ns/pid. */
export function namespaceName(kind: NamespaceKind, inode: number): string {
  return `${kind}:[${inode}]`;
}

/** The kinds in the order of the columns. */
export const KINDS: readonly NamespaceKind[] = NAMESPACE_KINDS;
