/**
 * Kernel constants by their kernel names, from the headers of Debian's linux-libc-dev 6.1. One
 * table per man page, so that `flags(value, table)` can spell a value as strace would. Values are
 * the same on x86_64 and arm64, but for some O_… flags.
 */

import type { Shown } from './plan-builder.js';
import { type Architecture, hostArchitecture } from './syscall-numbers.js';

/** Symbolic names of one subject with their values. */
export type ConstantTable = Readonly<Record<string, number>>;

/** mount(2) flags */
export const MS = {
  MS_RDONLY: 0x1,
  MS_NOSUID: 0x2,
  MS_NODEV: 0x4,
  MS_NOEXEC: 0x8,
  MS_SYNCHRONOUS: 0x10,
  MS_REMOUNT: 0x20,
  MS_MANDLOCK: 0x40,
  MS_DIRSYNC: 0x80,
  MS_NOSYMFOLLOW: 0x100,
  MS_NOATIME: 0x400,
  MS_NODIRATIME: 0x800,
  MS_BIND: 0x1000,
  MS_MOVE: 0x2000,
  MS_REC: 0x4000,
  MS_SILENT: 0x8000,
  MS_POSIXACL: 0x10000,
  MS_UNBINDABLE: 0x20000,
  MS_PRIVATE: 0x40000,
  MS_SLAVE: 0x80000,
  MS_SHARED: 0x100000,
  MS_RELATIME: 0x200000,
  MS_I_VERSION: 0x800000,
  MS_STRICTATIME: 0x1000000,
  MS_LAZYTIME: 0x2000000,
} as const satisfies ConstantTable;

/** umount2(2) flags */
export const MNT = {
  MNT_FORCE: 1,
  MNT_DETACH: 2,
  MNT_EXPIRE: 4,
  UMOUNT_NOFOLLOW: 8,
} as const satisfies ConstantTable;

/** clone3(2), unshare(2) and setns(2) flags */
export const CLONE = {
  CLONE_NEWTIME: 0x80,
  CLONE_VM: 0x100,
  CLONE_FS: 0x200,
  CLONE_FILES: 0x400,
  CLONE_SIGHAND: 0x800,
  CLONE_PIDFD: 0x1000,
  CLONE_PTRACE: 0x2000,
  CLONE_VFORK: 0x4000,
  CLONE_PARENT: 0x8000,
  CLONE_THREAD: 0x10000,
  CLONE_NEWNS: 0x20000,
  CLONE_SYSVSEM: 0x40000,
  CLONE_SETTLS: 0x80000,
  CLONE_PARENT_SETTID: 0x100000,
  CLONE_CHILD_CLEARTID: 0x200000,
  CLONE_UNTRACED: 0x800000,
  CLONE_CHILD_SETTID: 0x1000000,
  CLONE_NEWCGROUP: 0x2000000,
  CLONE_NEWUTS: 0x4000000,
  CLONE_NEWIPC: 0x8000000,
  CLONE_NEWUSER: 0x10000000,
  CLONE_NEWPID: 0x20000000,
  CLONE_NEWNET: 0x40000000,
  CLONE_IO: 0x80000000,
  CLONE_CLEAR_SIGHAND: 0x100000000,
  CLONE_INTO_CGROUP: 0x200000000,
} as const satisfies ConstantTable;

/** open_tree(2) flags */
export const OPEN_TREE = {
  OPEN_TREE_CLONE: 1,
  OPEN_TREE_CLOEXEC: 0x80000,
} as const satisfies ConstantTable;

/** move_mount(2) flags */
export const MOVE_MOUNT = {
  MOVE_MOUNT_F_SYMLINKS: 0x1,
  MOVE_MOUNT_F_AUTOMOUNTS: 0x2,
  MOVE_MOUNT_F_EMPTY_PATH: 0x4,
  MOVE_MOUNT_T_SYMLINKS: 0x10,
  MOVE_MOUNT_T_AUTOMOUNTS: 0x20,
  MOVE_MOUNT_T_EMPTY_PATH: 0x40,
  MOVE_MOUNT_SET_GROUP: 0x100,
  MOVE_MOUNT_BENEATH: 0x200,
} as const satisfies ConstantTable;

/** mount_setattr(2) and fsmount(2) attributes */
export const MOUNT_ATTR = {
  MOUNT_ATTR_RDONLY: 0x1,
  MOUNT_ATTR_NOSUID: 0x2,
  MOUNT_ATTR_NODEV: 0x4,
  MOUNT_ATTR_NOEXEC: 0x8,
  MOUNT_ATTR_NOATIME: 0x10,
  MOUNT_ATTR_STRICTATIME: 0x20,
  MOUNT_ATTR__ATIME: 0x70,
  MOUNT_ATTR_NODIRATIME: 0x80,
  MOUNT_ATTR_IDMAP: 0x100000,
  MOUNT_ATTR_NOSYMFOLLOW: 0x200000,
} as const satisfies ConstantTable;

/** fsopen(2), fsmount(2) flags and fsconfig(2) commands */
export const FS = {
  FSOPEN_CLOEXEC: 1,
  FSMOUNT_CLOEXEC: 1,
  FSCONFIG_SET_FLAG: 0,
  FSCONFIG_SET_STRING: 1,
  FSCONFIG_SET_BINARY: 2,
  FSCONFIG_SET_PATH: 3,
  FSCONFIG_SET_PATH_EMPTY: 4,
  FSCONFIG_SET_FD: 5,
  FSCONFIG_CMD_CREATE: 6,
  FSCONFIG_CMD_RECONFIGURE: 7,
  FSCONFIG_CMD_CREATE_EXCL: 8,
} as const satisfies ConstantTable;

/** fspick(2) flags */
export const FSPICK = {
  FSPICK_CLOEXEC: 0x1,
  FSPICK_SYMLINK_NOFOLLOW: 0x2,
  FSPICK_NO_AUTOMOUNT: 0x4,
  FSPICK_EMPTY_PATH: 0x8,
} as const satisfies ConstantTable;

/** statmount(2): which fields; Linux 6.8 */
export const STATMOUNT = {
  STATMOUNT_SB_BASIC: 0x1,
  STATMOUNT_MNT_BASIC: 0x2,
  STATMOUNT_PROPAGATE_FROM: 0x4,
  STATMOUNT_MNT_ROOT: 0x8,
  STATMOUNT_MNT_POINT: 0x10,
  STATMOUNT_FS_TYPE: 0x20,
  STATMOUNT_MNT_NS_ID: 0x40,
  STATMOUNT_MNT_OPTS: 0x80,
} as const satisfies ConstantTable;

/** listmount(2): the mnt_id that means the root of the namespace */
export const LSMT_ROOT = 0xffff_ffff_ffff_ffffn;

/** the …at(2) family: AT_FDCWD and flags */
export const AT = {
  AT_FDCWD: -100,
  AT_SYMLINK_NOFOLLOW: 256,
  AT_REMOVEDIR: 512,
  AT_SYMLINK_FOLLOW: 1024,
  AT_NO_AUTOMOUNT: 2048,
  AT_EMPTY_PATH: 4096,
  AT_RECURSIVE: 0x8000,
} as const satisfies ConstantTable;

/** openat2(2) resolution rules */
export const RESOLVE = {
  RESOLVE_NO_XDEV: 0x1,
  RESOLVE_NO_MAGICLINKS: 0x2,
  RESOLVE_NO_SYMLINKS: 0x4,
  RESOLVE_BENEATH: 0x8,
  RESOLVE_IN_ROOT: 0x10,
  RESOLVE_CACHED: 0x20,
} as const satisfies ConstantTable;

/** statx(2): which fields */
export const STATX = {
  STATX_TYPE: 0x1,
  STATX_MODE: 0x2,
  STATX_BASIC_STATS: 0x7ff,
  STATX_MNT_ID: 0x1000,
  STATX_MNT_ID_UNIQUE: 0x4000,
} as const satisfies ConstantTable;

/** futex(2) operations that do not wait */
export const FUTEX = {
  FUTEX_CMP_REQUEUE_PRIVATE: 132,
} as const satisfies ConstantTable;

/** prctl(2) operations */
export const PR = {
  PR_SET_PDEATHSIG: 1,
  PR_GET_PDEATHSIG: 2,
  PR_GET_DUMPABLE: 3,
  PR_SET_DUMPABLE: 4,
  PR_GET_KEEPCAPS: 7,
  PR_SET_KEEPCAPS: 8,
  PR_SET_NAME: 15,
  PR_GET_NAME: 16,
  PR_GET_SECCOMP: 21,
  PR_SET_SECCOMP: 22,
  PR_CAPBSET_READ: 23,
  PR_CAPBSET_DROP: 24,
  PR_GET_SECUREBITS: 27,
  PR_SET_SECUREBITS: 28,
  PR_SET_PTRACER: 0x59616d61,
  PR_SET_CHILD_SUBREAPER: 36,
  PR_GET_CHILD_SUBREAPER: 37,
  PR_SET_NO_NEW_PRIVS: 38,
  PR_GET_NO_NEW_PRIVS: 39,
  PR_SET_THP_DISABLE: 41,
  PR_GET_THP_DISABLE: 42,
  PR_CAP_AMBIENT: 47,
  PR_CAP_AMBIENT_IS_SET: 1,
  PR_CAP_AMBIENT_RAISE: 2,
  PR_CAP_AMBIENT_LOWER: 3,
  PR_CAP_AMBIENT_CLEAR_ALL: 4,
} as const satisfies ConstantTable;

/** seccomp(2) operations, flags and filter return values */
export const SECCOMP = {
  SECCOMP_SET_MODE_STRICT: 0x0,
  SECCOMP_SET_MODE_FILTER: 0x1,
  SECCOMP_GET_ACTION_AVAIL: 0x2,
  SECCOMP_GET_NOTIF_SIZES: 0x3,
  SECCOMP_FILTER_FLAG_TSYNC: 0x1,
  SECCOMP_FILTER_FLAG_LOG: 0x2,
  SECCOMP_FILTER_FLAG_SPEC_ALLOW: 0x4,
  SECCOMP_FILTER_FLAG_NEW_LISTENER: 0x8,
  SECCOMP_FILTER_FLAG_TSYNC_ESRCH: 0x10,
  SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV: 0x20,
  SECCOMP_RET_KILL_PROCESS: 0x80000000,
  SECCOMP_RET_KILL_THREAD: 0x0,
  SECCOMP_RET_TRAP: 0x30000,
  SECCOMP_RET_ERRNO: 0x50000,
  SECCOMP_RET_USER_NOTIF: 0x7fc00000,
  SECCOMP_RET_TRACE: 0x7ff00000,
  SECCOMP_RET_LOG: 0x7ffc0000,
  SECCOMP_RET_ALLOW: 0x7fff0000,
} as const satisfies ConstantTable;

/** close_range(2) flags */
export const CLOSE_RANGE = {
  CLOSE_RANGE_UNSHARE: 2,
  CLOSE_RANGE_CLOEXEC: 4,
} as const satisfies ConstantTable;

/** file types and permission bits of mknod(2) and stat(2) */
export const S = {
  S_IFIFO: 0o10000,
  S_IFCHR: 0o20000,
  S_IFDIR: 0o40000,
  S_IFBLK: 0o60000,
  S_IFREG: 0o100000,
  S_IFLNK: 0o120000,
  S_IFSOCK: 0o140000,
  S_ISUID: 0o4000,
  S_ISGID: 0o2000,
  S_ISVTX: 0o1000,
} as const satisfies ConstantTable;

/** capabilities(7): name → bit number */
export const CAPABILITIES = {
  CAP_CHOWN: 0,
  CAP_DAC_OVERRIDE: 1,
  CAP_DAC_READ_SEARCH: 2,
  CAP_FOWNER: 3,
  CAP_FSETID: 4,
  CAP_KILL: 5,
  CAP_SETGID: 6,
  CAP_SETUID: 7,
  CAP_SETPCAP: 8,
  CAP_LINUX_IMMUTABLE: 9,
  CAP_NET_BIND_SERVICE: 10,
  CAP_NET_BROADCAST: 11,
  CAP_NET_ADMIN: 12,
  CAP_NET_RAW: 13,
  CAP_IPC_LOCK: 14,
  CAP_IPC_OWNER: 15,
  CAP_SYS_MODULE: 16,
  CAP_SYS_RAWIO: 17,
  CAP_SYS_CHROOT: 18,
  CAP_SYS_PTRACE: 19,
  CAP_SYS_PACCT: 20,
  CAP_SYS_ADMIN: 21,
  CAP_SYS_BOOT: 22,
  CAP_SYS_NICE: 23,
  CAP_SYS_RESOURCE: 24,
  CAP_SYS_TIME: 25,
  CAP_SYS_TTY_CONFIG: 26,
  CAP_MKNOD: 27,
  CAP_LEASE: 28,
  CAP_AUDIT_WRITE: 29,
  CAP_AUDIT_CONTROL: 30,
  CAP_SETFCAP: 31,
  CAP_MAC_OVERRIDE: 32,
  CAP_MAC_ADMIN: 33,
  CAP_SYSLOG: 34,
  CAP_WAKE_ALARM: 35,
  CAP_BLOCK_SUSPEND: 36,
  CAP_AUDIT_READ: 37,
  CAP_PERFMON: 38,
  CAP_BPF: 39,
  CAP_CHECKPOINT_RESTORE: 40,
} as const satisfies ConstantTable;

/** getrlimit(2) resources, by the names of the OCI runtime-spec */
export const RLIMITS = {
  RLIMIT_CPU: 0,
  RLIMIT_FSIZE: 1,
  RLIMIT_DATA: 2,
  RLIMIT_STACK: 3,
  RLIMIT_CORE: 4,
  RLIMIT_RSS: 5,
  RLIMIT_NPROC: 6,
  RLIMIT_NOFILE: 7,
  RLIMIT_MEMLOCK: 8,
  RLIMIT_AS: 9,
  RLIMIT_LOCKS: 10,
  RLIMIT_SIGPENDING: 11,
  RLIMIT_MSGQUEUE: 12,
  RLIMIT_NICE: 13,
  RLIMIT_RTPRIO: 14,
  RLIMIT_RTTIME: 15,
} as const satisfies ConstantTable;

/** signal(7) */
export const SIGNALS = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGILL: 4,
  SIGTRAP: 5,
  SIGABRT: 6,
  SIGBUS: 7,
  SIGFPE: 8,
  SIGKILL: 9,
  SIGUSR1: 10,
  SIGSEGV: 11,
  SIGUSR2: 12,
  SIGPIPE: 13,
  SIGALRM: 14,
  SIGTERM: 15,
  SIGSTKFLT: 16,
  SIGCHLD: 17,
  SIGCONT: 18,
  SIGSTOP: 19,
  SIGTSTP: 20,
  SIGTTIN: 21,
  SIGTTOU: 22,
  SIGURG: 23,
  SIGXCPU: 24,
  SIGXFSZ: 25,
  SIGVTALRM: 26,
  SIGPROF: 27,
  SIGWINCH: 28,
  SIGIO: 29,
  SIGPWR: 30,
  SIGSYS: 31,
} as const satisfies ConstantTable;

/** terminal ioctls: ioctl_tty(2) */
export const TIOC = {
  TCGETS: 0x5401,
  TCSETS: 0x5402,
  TIOCSCTTY: 0x540e,
  TIOCGPGRP: 0x540f,
  TIOCSPGRP: 0x5410,
  TIOCSTI: 0x5412,
  TIOCGWINSZ: 0x5413,
  TIOCSWINSZ: 0x5414,
  FIONREAD: 0x541b,
  TIOCNOTTY: 0x5422,
  TIOCGSID: 0x5429,
  TIOCGPTN: 0x80045430,
  TIOCSPTLCK: 0x40045431,
  TIOCGPTLCK: 0x80045439,
  TIOCGPTPEER: 0x5441,
} as const satisfies ConstantTable;

/** ioctls on namespace fds: ioctl_ns(2) */
export const NS_IOCTL = {
  NS_GET_USERNS: 0xb701,
  NS_GET_PARENT: 0xb702,
  NS_GET_NSTYPE: 0xb703,
  NS_GET_OWNER_UID: 0xb704,
} as const satisfies ConstantTable;

/** f_type of statfs(2), from <linux/magic.h> */
export const MAGIC = {
  PROC_SUPER_MAGIC: 0x9fa0,
  SYSFS_MAGIC: 0x62656572,
  TMPFS_MAGIC: 0x1021994,
  OVERLAYFS_SUPER_MAGIC: 0x794c7630,
  EXT4_SUPER_MAGIC: 0xef53,
  XFS_SUPER_MAGIC: 0x58465342,
  BTRFS_SUPER_MAGIC: 0x9123683e,
  DEVPTS_SUPER_MAGIC: 0x1cd1,
  NSFS_MAGIC: 0x6e736673,
  CGROUP_SUPER_MAGIC: 0x27e0eb,
  CGROUP2_SUPER_MAGIC: 0x63677270,
  TRACEFS_MAGIC: 0x74726163,
} as const satisfies ConstantTable;

const O_COMMON = {
  O_RDONLY: 0o0,
  O_WRONLY: 0o1,
  O_RDWR: 0o2,
  O_CREAT: 0o100,
  O_EXCL: 0o200,
  O_NOCTTY: 0o400,
  O_TRUNC: 0o1000,
  O_APPEND: 0o2000,
  O_NONBLOCK: 0o4000,
  O_DSYNC: 0o10000,
  O_NOATIME: 0o1000000,
  O_CLOEXEC: 0o2000000,
  O_SYNC: 0o4010000,
  O_PATH: 0o10000000,
} as const;

/** open(2) flags of each architecture: arm64 has its own numbers for four of them. */
export const OPEN_FLAGS = {
  x64: {
    ...O_COMMON,
    O_DIRECT: 0o40000,
    O_DIRECTORY: 0o200000,
    O_NOFOLLOW: 0o400000,
    O_TMPFILE: 0o20200000,
  },
  arm64: {
    ...O_COMMON,
    O_DIRECT: 0o200000,
    O_DIRECTORY: 0o40000,
    O_NOFOLLOW: 0o100000,
    O_TMPFILE: 0o20040000,
  },
} as const satisfies Readonly<Record<Architecture, ConstantTable>>;

/** open(2) flags of this machine */
export const O: ConstantTable & (typeof OPEN_FLAGS)[Architecture] = OPEN_FLAGS[hostArchitecture()];

/** Longest value of a clone3 `struct clone_args` that the house fills: CLONE_ARGS_SIZE_VER2. */
export const CLONE_ARGS_BYTES = 88;

/** "Any uid", "no fd", RLIM_INFINITY: all bits set, as the kernel reads -1. */
export const ALL_BITS = 0xffff_ffff_ffff_ffffn;

/**
 * Spells a bit set as strace does: `MS_NOSUID|MS_NODEV|0x80000000`; `0` for none.
 *
 * Names are taken from wide to narrow, so that O_SYNC wins over the O_DSYNC it contains.
 */
export function flags(value: number | bigint, table: ConstantTable): string {
  let left = BigInt(value);
  if (left === 0n) return Object.keys(table).find((name) => table[name] === 0) ?? '0';
  const names: string[] = [];
  const rows = Object.entries(table).map(([name, bits]) => [name, BigInt(bits)] as const);
  for (const [name, bits] of rows.filter((row) => row[1] > 0n).sort(byBitCount)) {
    if ((left & bits) !== bits) continue;
    names.push(name);
    left &= ~bits;
  }
  names.sort((a, b) => (table[a] ?? 0) - (table[b] ?? 0));
  if (left !== 0n) names.push(`0x${left.toString(16)}`);
  return names.join('|');
}

/**
 * A flags argument for PlanBuilder from its names: `flagged(MS, 'MS_BIND', 'MS_REC')`.
 */
export function flagged<T extends ConstantTable>(table: T, ...names: (keyof T & string)[]): Shown {
  const value = names.reduce((bits, name) => bits | BigInt(table[name] ?? 0), 0n);
  return { value, display: names.length === 0 ? '0' : names.join('|') };
}

/** The name of one value of a table (not a bit set): `nameOf(SIGNALS, 15)` is `SIGTERM`. */
export function nameOf(table: ConstantTable, value: number): string | undefined {
  return Object.keys(table).find((name) => table[name] === value);
}

function byBitCount(a: readonly [string, bigint], b: readonly [string, bigint]): number {
  return bitCount(b[1]) - bitCount(a[1]);
}

function bitCount(value: bigint): number {
  return value.toString(2).replaceAll('0', '').length;
}
