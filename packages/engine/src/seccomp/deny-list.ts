/**
 * What a sandbox's processes may not ask of the kernel, each with the reason; as data, from which
 * the OCI profile is made. It is a deny-list: learners need mount, umount, unshare, setns, clone,
 * pivot_root, chroot, ptrace and mknod (whiteouts), and the namespaces contain those.
 * What is listed either concerns the one kernel that all share, or has no namespace.
 */
import type { LinuxSeccomp, SeccompArgument } from '@terrarium/spec';
import { ERRNO, TIOC } from '@terrarium/syscall';

/** Calls that are refused for one reason. */
export interface Denial {
  readonly names: readonly string[];
  /** all must hold; without any, every use of the calls is refused */
  readonly args?: readonly SeccompArgument[];
  /** EPERM unless given */
  readonly errno?: number;
  readonly reason: string;
}

/**
 * Only the low 32 bits count where the kernel's parameter is an int: without the mask, setting a
 * high bit would pass the filter and still reach the same operation.
 */
function lowWord(index: number, value: number): SeccompArgument {
  return { index, value: 0xffff_ffff, valueTwo: value, op: 'SCMP_CMP_MASKED_EQ' };
}

function socketFamily(value: number): readonly SeccompArgument[] {
  return [lowWord(0, value)];
}

const TIOCLINUX = 0x541c;

export const DENIALS: readonly Denial[] = [
  {
    names: ['kexec_load', 'kexec_file_load'],
    reason: 'replaces the running kernel, which all share',
  },
  { names: ['reboot'], reason: 'the machine is not the learner’s to stop' },
  {
    names: ['init_module', 'finit_module', 'delete_module', 'create_module'],
    reason: 'kernel modules are code of the one kernel',
  },
  {
    names: ['get_kernel_syms', 'query_module'],
    reason: 'old module interface; tells addresses of the kernel',
  },
  {
    names: ['bpf'],
    reason: 'runs programs in the kernel; a frequent source of privilege escalations',
  },
  {
    names: ['perf_event_open'],
    reason: 'counts and samples beyond the sandbox; a large attack surface',
  },
  {
    names: ['open_by_handle_at'],
    reason: 'opens files by number, around every path and mount (the "shocker" container escape)',
  },
  { names: ['swapon', 'swapoff'], reason: 'swap is the machine’s' },
  { names: ['acct'], reason: 'process accounting of the whole machine' },
  { names: ['quotactl', 'quotactl_fd'], reason: 'disk quotas of file systems of the host' },
  {
    names: ['settimeofday', 'clock_settime', 'clock_adjtime', 'adjtimex', 'stime'],
    reason: 'the wall clock is not namespaced',
  },
  {
    names: ['add_key', 'request_key', 'keyctl'],
    errno: ERRNO.ENOSYS,
    reason:
      'kernel keyrings are shared by user id, not by container; request_key starts a host program',
  },
  {
    names: ['userfaultfd'],
    reason: 'lets user code stop the kernel in the middle of a copy: the usual help for exploits',
  },
  {
    names: ['io_uring_setup', 'io_uring_enter', 'io_uring_register'],
    errno: ERRNO.ENOSYS,
    reason: 'does work past this filter, and had many escalations; programs fall back to epoll',
  },
  { names: ['syslog'], reason: 'the kernel’s log holds the host’s affairs' },
  {
    names: ['iopl', 'ioperm'],
    reason: 'direct access to I/O ports of the machine',
  },
  {
    names: ['modify_ldt', 'vm86', 'vm86old'],
    reason: '16-bit segments: no use here, several kernel bugs',
  },
  {
    names: ['nfsservctl', 'lookup_dcookie', 'uselib', '_sysctl', 'ustat', 'sysfs', 'vserver'],
    errno: ERRNO.ENOSYS,
    reason: 'obsolete; fewer paths into the kernel',
  },
  {
    names: ['ioctl'],
    args: [lowWord(1, TIOC.TIOCSTI)],
    reason: 'types into a terminal as if the person had (CVE-2017-5226)',
  },
  {
    names: ['ioctl'],
    args: [lowWord(1, TIOCLINUX)],
    reason: 'pastes into a console of the host (CVE-2023-28100)',
  },
  {
    names: ['socket', 'socketpair'],
    args: socketFamily(40),
    reason: 'AF_VSOCK speaks to the hypervisor and has no network namespace',
  },
  {
    names: ['socket', 'socketpair'],
    args: socketFamily(38),
    reason: 'AF_ALG opens the kernel’s crypto code to every user',
  },
  {
    names: ['socket', 'socketpair'],
    args: socketFamily(21),
    reason: 'AF_RDS: unused, had escalations; would load a module',
  },
  {
    names: ['socket', 'socketpair'],
    args: socketFamily(30),
    reason: 'AF_TIPC: unused, had escalations; would load a module',
  },
  {
    names: ['socket', 'socketpair'],
    args: socketFamily(42),
    reason: 'AF_QIPCRTR has no network namespace',
  },
];

const PROFILE: LinuxSeccomp = {
  defaultAction: 'SCMP_ACT_ALLOW',
  architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_AARCH64'],
  syscalls: DENIALS.map(({ names, args, errno }) => ({
    names: [...names],
    action: 'SCMP_ACT_ERRNO' as const,
    errnoRet: errno ?? ERRNO.EPERM,
    ...(args === undefined ? {} : { args: [...args] }),
  })),
};

/** The deny-list as `linux.seccomp` of the OCI config; always the same object. */
export function sandboxSeccomp(): LinuxSeccomp {
  return PROFILE;
}
