/**
 * Kernel constants of process attributes: scheduling, personality, keyrings, waiting. From the
 * headers of Debian's linux-libc-dev 6.1, the same on x86_64 and arm64. One table per man page.
 */
import type { ConstantTable } from '../constants.js';

/** personality(2): the domain in the low byte, then flags */
export const PER = {
  PER_LINUX: 0x0,
  PER_BSD: 0x6,
  PER_LINUX32: 0x8,
  UNAME26: 0x20000,
  ADDR_NO_RANDOMIZE: 0x40000,
  FDPIC_FUNCPTRS: 0x80000,
  MMAP_PAGE_ZERO: 0x100000,
  ADDR_COMPAT_LAYOUT: 0x200000,
  READ_IMPLIES_EXEC: 0x400000,
  ADDR_LIMIT_32BIT: 0x800000,
  SHORT_INODE: 0x1000000,
  WHOLE_SECONDS: 0x2000000,
  STICKY_TIMEOUTS: 0x4000000,
  ADDR_LIMIT_3GB: 0x8000000,
} as const satisfies ConstantTable;

/** ioprio_set(2): `value = class << IOPRIO_CLASS_SHIFT | level`, levels 0 (first) to 7 */
export const IOPRIO = {
  IOPRIO_CLASS_NONE: 0,
  IOPRIO_CLASS_RT: 1,
  IOPRIO_CLASS_BE: 2,
  IOPRIO_CLASS_IDLE: 3,
  IOPRIO_CLASS_SHIFT: 13,
} as const satisfies ConstantTable;

/** ioprio_set(2) and ioprio_get(2): whose */
export const IOPRIO_WHO = {
  IOPRIO_WHO_PROCESS: 1,
  IOPRIO_WHO_PGRP: 2,
  IOPRIO_WHO_USER: 3,
} as const satisfies ConstantTable;

/** sched_setattr(2) policies, by the names of the OCI runtime-spec (SCHED_OTHER = SCHED_NORMAL) */
export const SCHED = {
  SCHED_OTHER: 0,
  SCHED_FIFO: 1,
  SCHED_RR: 2,
  SCHED_BATCH: 3,
  SCHED_ISO: 4, // reserved, in no kernel
  SCHED_IDLE: 5,
  SCHED_DEADLINE: 6,
} as const satisfies ConstantTable;

/** sched_setattr(2) flags, by the names of the OCI runtime-spec */
export const SCHED_FLAG = {
  SCHED_FLAG_RESET_ON_FORK: 0x1,
  SCHED_FLAG_RECLAIM: 0x2,
  SCHED_FLAG_DL_OVERRUN: 0x4,
  SCHED_FLAG_KEEP_POLICY: 0x8,
  SCHED_FLAG_KEEP_PARAMS: 0x10,
  SCHED_FLAG_UTIL_CLAMP_MIN: 0x20,
  SCHED_FLAG_UTIL_CLAMP_MAX: 0x40,
} as const satisfies ConstantTable;

/** keyctl(2) operations that a container's own session keyring needs */
export const KEYCTL = {
  KEYCTL_GET_KEYRING_ID: 0,
  KEYCTL_JOIN_SESSION_KEYRING: 1,
  KEYCTL_SETPERM: 5,
  KEYCTL_DESCRIBE: 6,
  KEYCTL_LINK: 8,
  KEYCTL_UNLINK: 9,
} as const satisfies ConstantTable;

/** keyrings(7): special ids of keyctl(2) */
export const KEY_SPEC = {
  KEY_SPEC_THREAD_KEYRING: -1,
  KEY_SPEC_PROCESS_KEYRING: -2,
  KEY_SPEC_SESSION_KEYRING: -3,
  KEY_SPEC_USER_KEYRING: -4,
  KEY_SPEC_USER_SESSION_KEYRING: -5,
} as const satisfies ConstantTable;

/** kcmp(2): what two processes may share */
export const KCMP = {
  KCMP_FILE: 0,
  KCMP_VM: 1,
  KCMP_FILES: 2,
  KCMP_FS: 3,
  KCMP_SIGHAND: 4,
  KCMP_IO: 5,
  KCMP_SYSVSEM: 6,
  KCMP_EPOLL_TFD: 7,
} as const satisfies ConstantTable;

/** securebits of prctl(2) PR_SET_SECUREBITS, capabilities(7) */
export const SECBIT = {
  SECBIT_NOROOT: 0x1,
  SECBIT_NOROOT_LOCKED: 0x2,
  SECBIT_NO_SETUID_FIXUP: 0x4,
  SECBIT_NO_SETUID_FIXUP_LOCKED: 0x8,
  SECBIT_KEEP_CAPS: 0x10,
  SECBIT_KEEP_CAPS_LOCKED: 0x20,
  SECBIT_NO_CAP_AMBIENT_RAISE: 0x40,
  SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED: 0x80,
} as const satisfies ConstantTable;

/** waitid(2): whom to wait for */
export const P = {
  P_ALL: 0,
  P_PID: 1,
  P_PGID: 2,
  P_PIDFD: 3,
} as const satisfies ConstantTable;

/** wait4(2) and waitid(2) options */
export const W = {
  WNOHANG: 0x1,
  WUNTRACED: 0x2,
  WEXITED: 0x4,
  WCONTINUED: 0x8,
  WNOWAIT: 0x1000000,
  __WALL: 0x40000000,
} as const satisfies ConstantTable;

/** eventfd2(2) flags */
export const EFD = {
  EFD_SEMAPHORE: 0o1,
  EFD_NONBLOCK: 0o4000,
  EFD_CLOEXEC: 0o2000000,
} as const satisfies ConstantTable;

/** setpriority(2) and getpriority(2): whose */
export const PRIO = {
  PRIO_PROCESS: 0,
  PRIO_PGRP: 1,
  PRIO_USER: 2,
} as const satisfies ConstantTable;
