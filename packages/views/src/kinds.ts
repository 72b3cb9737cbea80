/** What the views know about each of the eight kinds of namespaces besides its inode. */
import { NAMESPACE_KINDS, type NamespaceKind } from '@terrarium/timeline';

export interface KindFacts {
  /** one letter, no two kinds the same */
  readonly letter: string;
  /** flag of clone(2) and unshare(2) */
  readonly flag: string;
  /** its manual page */
  readonly manual: string;
  /** the option of unshare(1) and nsenter(1) */
  readonly option: string;
}

export const KIND_FACTS: Readonly<Record<NamespaceKind, KindFacts>> = {
  pid: { letter: 'P', flag: 'CLONE_NEWPID', manual: 'pid_namespaces(7)', option: '--pid' },
  mnt: { letter: 'M', flag: 'CLONE_NEWNS', manual: 'mount_namespaces(7)', option: '--mount' },
  net: { letter: 'N', flag: 'CLONE_NEWNET', manual: 'network_namespaces(7)', option: '--net' },
  uts: { letter: 'H', flag: 'CLONE_NEWUTS', manual: 'uts_namespaces(7)', option: '--uts' },
  ipc: { letter: 'I', flag: 'CLONE_NEWIPC', manual: 'ipc_namespaces(7)', option: '--ipc' },
  user: { letter: 'U', flag: 'CLONE_NEWUSER', manual: 'user_namespaces(7)', option: '--user' },
  cgroup: {
    letter: 'C',
    flag: 'CLONE_NEWCGROUP',
    manual: 'cgroup_namespaces(7)',
    option: '--cgroup',
  },
  time: { letter: 'T', flag: 'CLONE_NEWTIME', manual: 'time_namespaces(7)', option: '--time' },
};

/** `pid:[4026532801]`, as readlink(1) prints /proc/PID/ns/pid. */
export function namespaceName(kind: NamespaceKind, inode: number): string {
  return `${kind}:[${inode}]`;
}

/** The kinds in the order of the columns. */
export const KINDS: readonly NamespaceKind[] = NAMESPACE_KINDS;
