/**
 * Namespaces that a process of the sandbox holds by an open fd: opening and closing one is no
 * event, so the fds are looked through now and then.
 */
import type { NsInode, ProcessState } from '@terrarium/timeline';
import type { HeldFd, NamespaceTable } from './namespace-table.js';
import { type Proc, parseNamespaceLink } from './proc.js';

/** Fds of one process and processes of one sandbox whose fds are looked at for held namespaces. */
const MAX_FDS = 64;
const MAX_FD_PROCESSES = 256;

/** All fds of these processes that are open on a namespace. */
export function heldFds(
  proc: Proc,
  namespaces: NamespaceTable,
  processes: readonly ProcessState[],
): HeldFd[] {
  const found: HeldFd[] = [];
  for (const state of processes.slice(0, MAX_FD_PROCESSES)) {
    if (state.state === 'Z') continue;
    for (const fd of (proc.list(`${state.hostPid}/fd`) ?? []).slice(0, MAX_FDS)) {
      const inode = namespaceOfFd(proc, namespaces, state.hostPid, fd);
      if (inode === null) continue;
      const path = `${proc.root}/${state.hostPid}/fd/${fd}`;
      found.push({ ...inode, holder: { by: 'fd', process: state.key, fd: Number(fd) }, path });
    }
  }
  return found;
}

/**
 * The namespace that an fd is open on. Opened through a bind mount, its link reads like any
 * file's; then the inode tells, if it is a listed namespace's (other file systems' are far lower).
 */
function namespaceOfFd(
  proc: Proc,
  namespaces: NamespaceTable,
  pid: number,
  fd: string,
): { kind: string; inode: NsInode } | null {
  const link = proc.link(`${pid}/fd/${fd}`);
  if (link === null) return null;
  const name = parseNamespaceLink(link);
  if (name !== null) return name;
  if (/^(\/dev\/|pipe:|socket:|anon_inode:)/.test(link)) return null;
  const inode = Number(/^ino:\t(\d+)$/m.exec(proc.text(`${pid}/fdinfo/${fd}`) ?? '')?.[1]);
  const kind = namespaces.kindOf(inode);
  return kind === null ? null : { kind, inode };
}
