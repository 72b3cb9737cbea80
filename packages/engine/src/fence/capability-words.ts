/**
 * The capabilities in words: what each would allow, which calls ask for it, and, for those that a
 * sandbox does not keep, why (English reasons: ../capabilities.ts). The calls are the usual ones,
 * for hints; the kernel has more places.
 * @see capabilities(7)
 */
import type { Words } from './schema.js';

/** One capability. */
export interface CapabilityWords {
  readonly allows: Words;
  /** calls that fail with EPERM (or EACCES) without it */
  readonly calls: readonly string[];
  /** asked of the host's user namespace: having it in another one does not count */
  readonly hostOnly?: true;
}

function row(en: string, zh: string, calls: string, hostOnly?: 'host'): CapabilityWords {
  return {
    allows: { en, zh },
    calls: calls === '' ? [] : calls.split(' '),
    ...(hostOnly === undefined ? {} : { hostOnly: true }),
  };
}

export const CAPABILITY_WORDS: Readonly<Record<string, CapabilityWords>> = {
  CAP_CHOWN: row(
    'giving files to other users',
    '把文件交给其他用户',
    'chown fchown lchown fchownat',
  ),
  CAP_DAC_OVERRIDE: row(
    'reading and writing files whatever their mode bits say',
    '无视权限位读写文件',
    '',
  ),
  CAP_DAC_READ_SEARCH: row(
    'reading files and searching directories whatever their mode bits say',
    '无视权限位读取文件、搜索目录',
    'open_by_handle_at',
  ),
  CAP_FOWNER: row(
    'changing modes and times of files of other users',
    '修改他人文件的权限位和时间',
    'chmod fchmod fchmodat utimensat',
  ),
  CAP_FSETID: row('keeping set-user-ID bits over a write', '写入后仍保留 set-user-ID 位', ''),
  CAP_KILL: row(
    'signalling processes of other users',
    '向他人的进程发信号',
    'kill tgkill pidfd_send_signal',
  ),
  CAP_SETGID: row('taking any group', '变成任意组', 'setgid setregid setresgid setgroups'),
  CAP_SETUID: row('becoming any user', '变成任意用户', 'setuid setreuid setresuid'),
  CAP_SETPCAP: row(
    'dropping from the bounding set, setting securebits',
    '从边界集删除权能、设置 securebits',
    '',
  ),
  CAP_LINUX_IMMUTABLE: row('marking files as immutable', '把文件标记为不可变', '', 'host'),
  CAP_NET_BIND_SERVICE: row('ports below 1024', '使用 1024 以下的端口', 'bind'),
  CAP_NET_BROADCAST: row('broadcasts', '网络广播', ''),
  CAP_NET_ADMIN: row(
    'interfaces, addresses, routes, firewall rules',
    '配置网卡、地址、路由和防火墙',
    '',
  ),
  CAP_NET_RAW: row(
    'raw and packet sockets: ping, packet capture',
    '原始套接字：ping、抓包',
    'socket',
  ),
  CAP_IPC_LOCK: row(
    'locking memory above RLIMIT_MEMLOCK',
    '超出 RLIMIT_MEMLOCK 锁定内存',
    'mlock mlockall mlock2',
    'host',
  ),
  CAP_IPC_OWNER: row('System V IPC objects of other users', '访问他人的 System V IPC 对象', ''),
  CAP_SYS_MODULE: row(
    'loading and removing kernel modules',
    '加载和卸载内核模块',
    'init_module finit_module delete_module',
    'host',
  ),
  CAP_SYS_RAWIO: row(
    'I/O ports, /dev/mem, raw disk commands',
    '访问 I/O 端口、/dev/mem、原始磁盘命令',
    'iopl ioperm',
    'host',
  ),
  CAP_SYS_CHROOT: row(
    'chroot, and joining mount namespaces',
    'chroot 以及加入挂载命名空间',
    'chroot',
  ),
  CAP_SYS_PTRACE: row(
    'tracing processes of other users and reading their memory',
    '跟踪他人的进程并读取其内存',
    'ptrace process_vm_readv process_vm_writev pidfd_getfd',
  ),
  CAP_SYS_PACCT: row('process accounting', '进程记账', 'acct', 'host'),
  CAP_SYS_ADMIN: row(
    'mount, pivot_root, unshare, setns, sethostname and much more',
    'mount、pivot_root、unshare、setns、sethostname 等许多操作',
    'mount umount2 pivot_root unshare setns sethostname setdomainname fsopen fsmount open_tree move_mount mount_setattr swapon swapoff quotactl',
  ),
  CAP_SYS_BOOT: row(
    'reboot and another kernel by kexec',
    '重启，或用 kexec 换内核',
    'reboot kexec_load kexec_file_load',
    'host',
  ),
  CAP_SYS_NICE: row(
    'higher priorities and real-time scheduling',
    '提高优先级、实时调度',
    'nice setpriority sched_setscheduler sched_setattr sched_setaffinity ioprio_set',
    'host',
  ),
  CAP_SYS_RESOURCE: row(
    'raising hard limits, lowering oom_score_adj',
    '提高硬限制、降低 oom_score_adj',
    'prlimit64 setrlimit',
    'host',
  ),
  CAP_SYS_TIME: row(
    'setting the clock',
    '设置系统时钟',
    'settimeofday clock_settime clock_adjtime adjtimex',
    'host',
  ),
  CAP_SYS_TTY_CONFIG: row('hanging up terminals', '挂断终端', 'vhangup', 'host'),
  CAP_MKNOD: row('making device nodes', '创建设备节点', 'mknod mknodat', 'host'),
  CAP_LEASE: row('leases on files of other users', '对他人文件设置租约', ''),
  CAP_AUDIT_WRITE: row('writing to the audit log', '写审计日志', ''),
  CAP_AUDIT_CONTROL: row('switching auditing on and off', '开关审计', '', 'host'),
  CAP_SETFCAP: row('giving capabilities to files', '给文件设置权能', 'setxattr'),
  CAP_MAC_OVERRIDE: row('overriding the security module', '绕过安全模块', '', 'host'),
  CAP_MAC_ADMIN: row('changing the security module’s policy', '修改安全模块的策略', '', 'host'),
  CAP_SYSLOG: row('reading and clearing the kernel’s log', '读取和清空内核日志', 'syslog', 'host'),
  CAP_WAKE_ALARM: row(
    'timers that wake the machine',
    '设置能唤醒机器的定时器',
    'timerfd_create',
    'host',
  ),
  CAP_BLOCK_SUSPEND: row('keeping the machine from sleep', '阻止机器休眠', '', 'host'),
  CAP_AUDIT_READ: row('reading the audit log', '读取审计日志', '', 'host'),
  CAP_PERFMON: row(
    'performance counters of everything',
    '使用性能计数器观察一切',
    'perf_event_open',
    'host',
  ),
  CAP_BPF: row('loading eBPF programs into the kernel', '把 eBPF 程序加载进内核', 'bpf', 'host'),
  CAP_CHECKPOINT_RESTORE: row('choosing pids, reading map_files', '选择 pid、读取 map_files', ''),
};

/** Why a sandbox does not keep them; the English sentences stand in ../capabilities.ts. */
export const DROPPED_ZH: Readonly<Record<string, string>> = {
  CAP_LINUX_IMMUTABLE: '不可变标志由宿主机检查',
  CAP_SYS_MODULE: '模块是所有人共用的同一个内核的代码',
  CAP_SYS_RAWIO: 'I/O 端口和 /proc/kcore 属于整台机器',
  CAP_SYS_PACCT: '进程记账写入宿主机的文件',
  CAP_SYS_BOOT: '重启和 kexec 影响整台机器',
  CAP_SYS_RESOURCE: '在里面它只会解除沙箱对嵌套命名空间的限制',
  CAP_SYS_TIME: '系统时钟没有命名空间',
  CAP_MKNOD: '设备节点能访问硬件；whiteout 不需要权能',
  CAP_AUDIT_CONTROL: '审计系统没有命名空间',
  CAP_MAC_OVERRIDE: '安全模块守护的是宿主机',
  CAP_MAC_ADMIN: '安全模块守护的是宿主机',
  CAP_SYSLOG: '内核日志里是宿主机的事',
  CAP_WAKE_ALARM: '会把机器从休眠中唤醒',
  CAP_BLOCK_SUSPEND: '会阻止机器休眠',
  CAP_AUDIT_READ: '审计系统没有命名空间',
  CAP_PERFMON: '性能计数器能窥视其他进程',
  CAP_BPF: 'eBPF 程序在共用的内核里运行',
};
