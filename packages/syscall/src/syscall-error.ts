/**
 * SyscallError: what every failing system call of the house becomes, whether koffi made it or
 * the player, with its parts apart so that a test, a log and a lesson can each use them.
 */
import { errnoMeaning, errnoName } from './errno.js';

/** The parts of a failed call. */
export interface SyscallErrorInput {
  /** man page name */
  readonly syscall: string;
  readonly errno: number;
  /** what the call worked on: `overlay on /run/lab/c1/rootfs`, or as strace writes it, in parentheses */
  readonly args: string;
  /** replaces the table's hint */
  readonly hint?: string;
}

/** `mount overlay on /run/lab/c1/rootfs: EINVAL (invalid argument)`; the hint is not in the message. */
export class SyscallError extends Error {
  override readonly name = 'SyscallError';
  readonly syscall: string;
  /** errno's name */
  readonly code: string;
  readonly errno: number;
  readonly args: string;
  /** where to look when the errno misleads */
  readonly hint: string | undefined;

  constructor({ syscall, errno, args, hint }: SyscallErrorInput) {
    const object = args === '' || args.startsWith('(') ? `${syscall}${args}` : `${syscall} ${args}`;
    super(`${object}: ${errnoName(errno)} (${errnoMeaning(errno)})`);
    this.syscall = syscall;
    this.code = errnoName(errno);
    this.errno = errno;
    this.args = args;
    this.hint = hint ?? hintFor(syscall, this.code, args);
  }
}

interface HintRow {
  readonly syscalls: readonly string[];
  readonly code: string;
  /** only when the arguments match */
  readonly args?: RegExp;
  readonly hint: string;
}

/** Errnos that say something else than a reader would think, first match wins. */
const HINTS: readonly HintRow[] = [
  {
    syscalls: ['clone3', 'unshare'],
    code: 'ENOSPC',
    hint: 'a limit on namespaces is reached: see /proc/sys/user/max_*_namespaces (and at most 32 nested user or pid namespaces)',
  },
  {
    syscalls: ['clone3', 'unshare'],
    code: 'EPERM',
    args: /CLONE_NEWUSER/,
    hint: 'the distribution may forbid user namespaces: see /proc/sys/kernel/unprivileged_userns_clone and /proc/sys/kernel/apparmor_restrict_unprivileged_userns; a chroot also forbids them',
  },
  {
    syscalls: ['clone3', 'unshare'],
    code: 'EINVAL',
    hint: 'the kernel lacks one of these namespaces (compare /proc/self/ns), or the caller has several threads',
  },
  {
    syscalls: ['clone3', 'clone', 'fork'],
    code: 'EAGAIN',
    hint: 'a limit on processes is reached: pids.max of the cgroup, RLIMIT_NPROC or /proc/sys/kernel/pid_max',
  },
  {
    syscalls: ['clone3', 'clone', 'fork'],
    code: 'ENOMEM',
    hint: 'no memory, or the pid namespace has lost its init',
  },
  {
    syscalls: ['setns'],
    code: 'EINVAL',
    hint: 'joining a user namespace one is already in, or a user or mount namespace from a process with several threads',
  },
  {
    syscalls: ['setns'],
    code: 'EUSERS',
    hint: 'only a process with a single thread may enter a time namespace',
  },
  {
    syscalls: ['pivot_root'],
    code: 'EINVAL',
    hint: 'the new root is not a mount point, or it or the mount that holds it is shared (make it private first), or put_old is not below it, or the current root is an initramfs',
  },
  {
    syscalls: ['pivot_root'],
    code: 'EBUSY',
    hint: 'the new root or put_old is on the current root mount: bind mount it on itself first',
  },
  {
    syscalls: ['mount', 'fsmount', 'move_mount', 'open_tree'],
    code: 'ENOSPC',
    hint: 'the mount namespace holds as many mounts as it may: see /proc/sys/fs/mount-max',
  },
  {
    syscalls: ['mount', 'fsconfig'],
    code: 'EINVAL',
    args: /overlay/,
    hint: 'overlay: the kernel log (dmesg) has the reason; often upperdir lies on an overlay itself or workdir on another file system than upperdir',
  },
  {
    syscalls: ['mount'],
    code: 'EPERM',
    args: /"(proc|sysfs)"|^(proc|sysfs) /,
    hint: 'in a user namespace the kernel refuses proc and sysfs while the visible one is partly covered ("Mount too revealing"); sysfs also needs an own network namespace',
  },
  {
    syscalls: ['mount'],
    code: 'EBUSY',
    hint: 'the mount is in use or the source is already mounted there; a v1 cgroup controller is busy while another hierarchy holds it',
  },
  {
    syscalls: ['mount'],
    code: 'ENODEV',
    hint: 'the kernel does not know this file system: see /proc/filesystems',
  },
  {
    syscalls: ['mount_setattr'],
    code: 'EINVAL',
    args: /IDMAP/,
    hint: 'this file system does not support id-mapped mounts (tmpfs does since Linux 6.3, overlay does not), or the mount is attached already',
  },
  {
    syscalls: ['umount2'],
    code: 'EINVAL',
    hint: 'not a mount point, or a mount locked by a more privileged mount namespace',
  },
  {
    syscalls: ['umount2'],
    code: 'EBUSY',
    hint: 'something still uses the mount: an open file, a working directory or a mount on top',
  },
  {
    syscalls: ['write'],
    code: 'EPERM',
    args: /[ug]id_map|map/,
    hint: 'an id map is written once, by the parent with CAP_SETUID (CAP_SETGID) or by the process itself for its own id only; an unprivileged gid_map needs "deny" in setgroups first',
  },
  {
    syscalls: ['write'],
    code: 'EBUSY',
    args: /subtree_control|cgroup/,
    hint: 'cgroup v2: a group with processes cannot hand controllers to its children (no internal processes)',
  },
  {
    syscalls: ['rmdir', 'unlinkat'],
    code: 'EBUSY',
    args: /cgroup/,
    hint: 'the cgroup still has processes (zombies count until they are reaped) or child groups',
  },
  {
    syscalls: ['execve', 'execveat'],
    code: 'ENOENT',
    hint: 'the file, the interpreter named in its first line, or its ELF loader is missing',
  },
  {
    syscalls: ['execve', 'execveat'],
    code: 'EACCES',
    hint: 'the file is not executable for this user, or its mount is noexec',
  },
  {
    syscalls: ['prlimit64', 'setrlimit'],
    code: 'EPERM',
    hint: 'raising a hard limit needs CAP_SYS_RESOURCE in the initial user namespace',
  },
  {
    syscalls: ['ioctl'],
    code: 'ENOTTY',
    hint: 'the file does not know this ioctl: not a terminal, or a kernel without it',
  },
];

function hintFor(syscall: string, code: string, args: string): string | undefined {
  return HINTS.find(
    (row) => row.code === code && row.syscalls.includes(syscall) && (row.args?.test(args) ?? true),
  )?.hint;
}
