/**
 * KernelCalls on this machine. Runs in the observer process, host namespaces, root. Opens nothing
 * that could have a side effect: namespace links of /proc, and O_PATH fds below a learner's root.
 */
import { closeSync, constants, fstatSync, openSync, readFileSync, readlinkSync } from 'node:fs';
import {
  fileSystemMagic,
  MAGIC,
  O,
  openat2,
  openOwningUserNamespace,
  openParentNamespace,
  RESOLVE,
  withinNamespace,
} from '@terrarium/syscall';
import type { NsInode } from '@terrarium/timeline';
import type { KernelCalls } from './kernel-calls.js';
import { parseNamespaceLink } from './proc.js';

/** pid and user namespaces nest at most 32 deep, see pid_namespaces(7). */
const MAX_LEVELS = 33;

/** The system calls themselves. */
export function realKernelCalls(): KernelCalls {
  return { namespaceAncestors, namespaceOwners, hostName, procPidNamespace };
}

function namespaceAncestors(path: string): readonly NsInode[] {
  return withFd(path, (fd) => chainFrom(fd, openParentNamespace)) ?? [];
}

function namespaceOwners(path: string): readonly NsInode[] {
  const owners = withFd(path, (fd) => {
    const owner = openOwningUserNamespace(fd);
    if (owner === null) return [];
    try {
      return [inodeOf(owner), ...chainFrom(owner, openParentNamespace)];
    } finally {
      closeSync(owner);
    }
  });
  return owners ?? [];
}

/** Only this thread goes there, for one read: the host name is of whoever reads the file. */
function hostName(path: string): string | null {
  return withFd(path, (fd) =>
    withFd('/proc/thread-self/ns/uts', (own) =>
      withinNamespace(fd, own, () => readFileSync('/proc/sys/kernel/hostname', 'utf8').trimEnd()),
    ),
  );
}

/** Inodes of all that `next` leads to from `fd`, which stays open. */
function chainFrom(fd: number, next: (fd: number) => number | null): NsInode[] {
  const chain: NsInode[] = [];
  let last = fd;
  try {
    while (chain.length < MAX_LEVELS) {
      const found = next(last);
      if (found === null) break;
      if (last !== fd) closeSync(last);
      last = found;
      chain.push(inodeOf(found));
    }
  } finally {
    if (last !== fd) closeSync(last);
  }
  return chain;
}

function procPidNamespace(root: string, mountPoint: string, device: string): NsInode | null {
  return withFd(root, (rootFd) => {
    const flags = (O['O_PATH'] ?? 0) | constants.O_DIRECTORY | (O['O_CLOEXEC'] ?? 0);
    // IN_ROOT: a learner's link to / ends at the learner's /. No magic links: no way out by /proc.
    const resolve = RESOLVE.RESOLVE_IN_ROOT | RESOLVE.RESOLVE_NO_MAGICLINKS;
    const fd = openat2(rootFd, mountPoint, { flags, resolve });
    try {
      if (fileSystemMagic(fd) !== MAGIC.PROC_SUPER_MAGIC) return null;
      if (deviceOf(fd) !== device) return null; // another proc is mounted over it
      const link = readlinkSync(`/proc/self/fd/${fd}/1/ns/pid`);
      return parseNamespaceLink(link)?.inode ?? null;
    } finally {
      closeSync(fd);
    }
  });
}

/** Opens a path for `use`; null when anything on the way fails, as it does for what is gone. */
function withFd<T>(path: string, use: (fd: number) => T): T | null {
  let fd: number | null = null;
  try {
    fd = openSync(path, 'r');
    return use(fd);
  } catch {
    return null; // the process, namespace or mount went meanwhile, or its init did
  } finally {
    if (fd !== null) closeSync(fd);
  }
}

function inodeOf(fd: number): NsInode {
  return fstatSync(fd).ino;
}

/** `major:minor` as in mountinfo, from st_dev (see makedev(3)). */
export function deviceOf(fd: number): string {
  const device = fstatSync(fd).dev;
  const low = device % 2 ** 32;
  const high = Math.floor(device / 2 ** 32);
  const major = ((low >>> 8) & 0xfff) | (high & ~0xfff);
  const minor = (low & 0xff) | ((low >>> 12) & 0xfff00);
  return `${major}:${minor}`;
}
