/**
 * The few system calls that /proc cannot answer. An interface, so that unit tests need no root.
 */
import type { NsInode } from '@terrarium/timeline';

/** What the observer asks of the kernel beside reading files. */
export interface KernelCalls {
  /**
   * Ancestors of the pid or user namespace that `path` (below /proc/PID/ns or fd) names, nearest
   * first, by NS_GET_PARENT; empty when it is gone or its parent is out of sight.
   */
  namespaceAncestors(path: string): readonly NsInode[];
  /** The user namespace that owns it (NS_GET_USERNS), followed by that one's ancestors. */
  namespaceOwners(path: string): readonly NsInode[];
  /** The host name in the uts namespace that `path` names; null when it is gone. */
  hostName(path: string): string | null;
  /**
   * The pid namespace that a proc instance shows.
   *
   * @param root a process's root directory, such as /proc/4711/root
   * @param mountPoint as that process's mountinfo has it; never followed out of `root`
   * @param device `major:minor` of the instance; null when something else is mounted over it
   */
  procPidNamespace(root: string, mountPoint: string, device: string): NsInode | null;
}
