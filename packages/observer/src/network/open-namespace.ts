/**
 * Opens the network namespaces of a sandbox: through a member, or through what else holds one (a
 * bind mount of `ip netns add`, an fd). Runs in the observer process, host namespaces, root; the
 * paths are in learners' hands, so nothing but the wanted namespace is ever opened.
 */
import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { fileSystemMagic, MAGIC, O, openat2, openNamespace, RESOLVE } from '@terrarium/syscall';
import type { NamespaceHolder, NsInode } from '@terrarium/timeline';
import type { WatchedSandbox } from '../part.js';

/** @returns a new fd, the caller's to close; null when there is no way to it (any more) */
export function openNetworkNamespace(sandbox: WatchedSandbox, inode: NsInode): number | null {
  const { root } = sandbox.machine.proc;
  const member = sandbox.memberOf('net', inode);
  if (member !== null) return wanted(openNamespace(`${root}/${member}/ns/net`), inode);
  for (const holder of sandbox.holdersOf(inode)) {
    const fd = wanted(openHeld(sandbox, holder), inode);
    if (fd !== null) return fd;
  }
  return null;
}

function openHeld(sandbox: WatchedSandbox, holder: NamespaceHolder): number | null {
  const { root } = sandbox.machine.proc;
  if (holder.by === 'fd') {
    return openNamespace(`${root}/${Number.parseInt(holder.process, 10)}/fd/${holder.fd}`);
  }
  const member = sandbox.memberOf('mnt', holder.mountNs);
  return member === null ? null : openMounted(`${root}/${member}/root`, holder.path);
}

/** A bind mount as a process sees it; no link of a learner leads out of that process's root. */
function openMounted(root: string, mountPoint: string): number | null {
  const fds: number[] = [];
  try {
    const rootFd = openSync(root, O.O_PATH | constants.O_DIRECTORY);
    fds.push(rootFd);
    const flags = O.O_PATH | O.O_CLOEXEC;
    const resolve = RESOLVE.RESOLVE_IN_ROOT | RESOLVE.RESOLVE_NO_MAGICLINKS;
    const found = openat2(rootFd, mountPoint, { flags, resolve });
    fds.push(found);
    if (fileSystemMagic(found) !== MAGIC.NSFS_MAGIC) return null;
    return openSync(`/proc/self/fd/${found}`, 'r');
  } catch {
    return null; // unmounted or mounted over meanwhile
  } finally {
    for (const fd of fds) closeSync(fd);
  }
}

function wanted(fd: number | null, inode: NsInode): number | null {
  if (fd === null || fstatSync(fd).ino === inode) return fd;
  closeSync(fd);
  return null;
}
