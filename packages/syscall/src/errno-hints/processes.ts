/** Hints for identity, privileges, limits, programs, terminals and devices. */
import type { HintRow } from './hint.js';

const SET_ID = ['setuid', 'setgid', 'setreuid', 'setregid', 'setresuid', 'setresgid', 'setfsuid'];
const CHOWN = ['chown', 'lchown', 'fchown', 'fchownat'];
const EXEC = ['execve', 'execveat'];

export const PROCESS_HINTS: readonly HintRow[] = [
  {
    syscalls: ['mknod', 'mknodat'],
    code: 'EPERM',
    hint: {
      en: 'device nodes need CAP_MKNOD in the initial user namespace, and the devices rule of the cgroup must allow it: in a user namespace bind mount the host’s node instead',
      zh: '设备节点需要在初始 user 命名空间里有 CAP_MKNOD，并且 cgroup 的设备规则要允许：在 user 命名空间里改为 bind 挂载宿主机的节点',
    },
  },
  {
    syscalls: ['open', 'openat', 'openat2'],
    code: 'EPERM',
    about: /\/dev\//,
    hint: {
      en: 'the devices rule of the cgroup refuses this device: see devices.list (v1) or the attached program (v2)',
      zh: 'cgroup 的设备规则不允许该设备：查看 devices.list（v1）或挂接的程序（v2）',
    },
  },
  {
    syscalls: ['open', 'openat', 'openat2'],
    code: 'EACCES',
    about: /\/dev\//,
    hint: {
      en: 'the mount is nodev (see /proc/self/mountinfo), as every mount made in a user namespace is, or the file’s mode forbids it',
      zh: '该挂载带有 nodev（见 /proc/self/mountinfo），在 user 命名空间里新建的挂载都是如此；或者文件权限不允许',
    },
  },
  {
    syscalls: ['seccomp', 'prctl'],
    code: 'EACCES',
    about: /SECCOMP/,
    hint: {
      en: 'a filter needs no_new_privs (prctl PR_SET_NO_NEW_PRIVS) or CAP_SYS_ADMIN: see NoNewPrivs in /proc/self/status',
      zh: '安装过滤器需要 no_new_privs（prctl PR_SET_NO_NEW_PRIVS）或 CAP_SYS_ADMIN：查看 /proc/self/status 的 NoNewPrivs',
    },
  },
  {
    syscalls: ['seccomp'],
    code: 'EINVAL',
    hint: {
      en: 'the filter is malformed (1 to 4096 instructions, every jump inside, a return at the end) or the kernel lacks a flag or action: see /proc/sys/kernel/seccomp/actions_avail',
      zh: '过滤器格式错误（1 到 4096 条指令，跳转不得越界，最后必须返回），或内核没有某个标志或动作：查看 /proc/sys/kernel/seccomp/actions_avail',
    },
  },
  {
    syscalls: ['seccomp'],
    code: 'ENOMEM',
    hint: {
      en: 'all filters of a process together may have 32,768 instructions',
      zh: '一个进程的所有过滤器加起来最多 32,768 条指令',
    },
  },
  {
    syscalls: ['seccomp'],
    code: 'EBUSY',
    hint: {
      en: 'the process has a filter with a notification listener already, of which there can be one',
      zh: '该进程已经有一个带通知监听者的过滤器，只能有一个',
    },
  },
  {
    syscalls: ['capset'],
    code: 'EPERM',
    hint: {
      en: 'a capability can be kept, not gained: compare CapPrm, CapInh and CapBnd in /proc/self/status (inheritable also needs it in the bounding set)',
      zh: '能力只能保留，不能新增：对照 /proc/self/status 的 CapPrm、CapInh 和 CapBnd（inheritable 还要求在 bounding 集合里）',
    },
  },
  {
    syscalls: ['prctl'],
    code: 'EPERM',
    about: /AMBIENT/,
    hint: {
      en: 'an ambient capability must be permitted and inheritable: see CapPrm and CapInh in /proc/self/status',
      zh: 'ambient 能力必须同时在 permitted 和 inheritable 里：查看 /proc/self/status 的 CapPrm 和 CapInh',
    },
  },
  {
    syscalls: ['prctl'],
    code: 'EPERM',
    about: /CAPBSET|SECUREBITS/,
    hint: {
      en: 'it needs CAP_SETPCAP in the process’s user namespace: drop it last',
      zh: '需要在本进程的 user 命名空间里有 CAP_SETPCAP：最后再丢弃它',
    },
  },
  {
    syscalls: SET_ID,
    code: 'EINVAL',
    hint: {
      en: 'the id is not mapped in this user namespace: see /proc/self/uid_map and gid_map',
      zh: '该 id 在本 user 命名空间里没有映射：查看 /proc/self/uid_map 和 gid_map',
    },
  },
  {
    syscalls: CHOWN,
    code: 'EINVAL',
    hint: {
      en: 'the id is not mapped in this user namespace (/proc/self/uid_map, gid_map) or by the mount’s id map',
      zh: '该 id 在本 user 命名空间（/proc/self/uid_map、gid_map）或该挂载的 id 映射里没有对应',
    },
  },
  {
    syscalls: SET_ID,
    code: 'EPERM',
    hint: {
      en: 'it needs CAP_SETUID (CAP_SETGID): drop capabilities after the change of user',
      zh: '需要 CAP_SETUID（CAP_SETGID）：先切换用户，再丢弃能力',
    },
  },
  {
    syscalls: ['setgroups'],
    code: 'EPERM',
    hint: {
      en: '/proc/self/setgroups says "deny", or gid_map is not written yet, or CAP_SETGID is missing',
      zh: '/proc/self/setgroups 是 "deny"，或 gid_map 还没写，或缺少 CAP_SETGID',
    },
  },
  {
    syscalls: ['prlimit64', 'setrlimit'],
    code: 'EPERM',
    hint: {
      en: 'raising a hard limit needs CAP_SYS_RESOURCE in the initial user namespace',
      zh: '调高硬限制需要在初始 user 命名空间里有 CAP_SYS_RESOURCE',
    },
  },
  {
    syscalls: ['prlimit64', 'setrlimit'],
    code: 'EINVAL',
    hint: {
      en: 'the soft limit must not exceed the hard one',
      zh: '软限制不能大于硬限制',
    },
  },
  {
    syscalls: ['write'],
    code: 'EACCES',
    about: /oom_score_adj/,
    hint: {
      en: 'lowering the score needs CAP_SYS_RESOURCE in the initial user namespace: see /proc/self/oom_score_adj',
      zh: '调低分数需要在初始 user 命名空间里有 CAP_SYS_RESOURCE：查看 /proc/self/oom_score_adj',
    },
  },
  {
    syscalls: ['write', 'openat'],
    code: 'EACCES',
    about: /\/proc\/sys\/|"(net|kernel|fs|user|vm)\//,
    hint: {
      en: 'a sysctl of the whole machine is the host’s: only those of an own namespace may be written (net.*, kernel.shm*, kernel.msg*, kernel.sem, fs.mqueue.*)',
      zh: '整机的 sysctl 属于宿主机：只能写自己命名空间的（net.*、kernel.shm*、kernel.msg*、kernel.sem、fs.mqueue.*）',
    },
  },
  {
    syscalls: ['sched_setattr', 'sched_setscheduler'],
    code: 'EPERM',
    hint: {
      en: 'real-time policies and lower nice values need CAP_SYS_NICE or RLIMIT_RTPRIO (RLIMIT_NICE), and cpu.rt_runtime_us in a v1 cpu group',
      zh: '实时策略和更小的 nice 值需要 CAP_SYS_NICE 或 RLIMIT_RTPRIO（RLIMIT_NICE）；v1 cpu 组还要有 cpu.rt_runtime_us',
    },
  },
  {
    syscalls: ['sched_setattr'],
    code: 'EBUSY',
    hint: {
      en: 'the deadline would take more than the cpus have left: see /proc/sys/kernel/sched_rt_runtime_us',
      zh: 'deadline 要求超过 CPU 剩余的时间：查看 /proc/sys/kernel/sched_rt_runtime_us',
    },
  },
  {
    syscalls: ['ioprio_set'],
    code: 'EPERM',
    hint: {
      en: 'the real-time class needs CAP_SYS_ADMIN or CAP_SYS_NICE',
      zh: '实时 I/O 类需要 CAP_SYS_ADMIN 或 CAP_SYS_NICE',
    },
  },
  {
    syscalls: ['keyctl', 'add_key'],
    code: 'EDQUOT',
    hint: {
      en: 'the user has as many keys as allowed: see /proc/key-users and /proc/sys/kernel/keys/maxkeys',
      zh: '该用户的密钥数已达上限：查看 /proc/key-users 和 /proc/sys/kernel/keys/maxkeys',
    },
  },
  {
    syscalls: EXEC,
    code: 'ENOENT',
    hint: {
      en: 'the file, the interpreter named in its first line, or its ELF loader is missing',
      zh: '文件、它第一行写的解释器，或它的 ELF 加载器不存在',
    },
  },
  {
    syscalls: EXEC,
    code: 'EACCES',
    hint: {
      en: 'the file is not executable for this user, or its mount is noexec',
      zh: '该用户不能执行这个文件，或者它所在的挂载是 noexec',
    },
  },
  {
    syscalls: EXEC,
    code: 'ENOEXEC',
    hint: {
      en: 'the file is no program of this machine: another architecture, or a script without #! line',
      zh: '该文件不是本机能运行的程序：架构不同，或者脚本没有 #! 行',
    },
  },
  {
    syscalls: EXEC,
    code: 'E2BIG',
    hint: {
      en: 'arguments and environment together exceed a quarter of the stack limit (RLIMIT_STACK), or one string 128 KiB',
      zh: '参数和环境变量合计超过栈限制（RLIMIT_STACK）的四分之一，或单个字符串超过 128 KiB',
    },
  },
  {
    syscalls: EXEC,
    code: 'ETXTBSY',
    hint: {
      en: 'somebody has the file open for writing',
      zh: '有进程正以写方式打开该文件',
    },
  },
  {
    syscalls: ['ioctl'],
    code: 'EPERM',
    about: /TIOCSCTTY/,
    hint: {
      en: 'only a session leader without a terminal takes one (setsid first), and only one that no other session has',
      zh: '只有还没有终端的会话首进程才能取得终端（先 setsid），且该终端不能属于别的会话',
    },
  },
  {
    syscalls: ['ioctl'],
    code: 'ENOTTY',
    hint: {
      en: 'the file does not know this ioctl: not a terminal, or a kernel without it',
      zh: '该文件不认识这个 ioctl：不是终端，或内核没有它',
    },
  },
  {
    syscalls: ['landlock_create_ruleset', 'landlock_add_rule', 'landlock_restrict_self'],
    code: 'EOPNOTSUPP',
    hint: {
      en: 'landlock is built in but not switched on at boot: see /sys/kernel/security/lsm',
      zh: '内核带有 landlock 但启动时没有启用：查看 /sys/kernel/security/lsm',
    },
  },
  {
    syscalls: ['landlock_restrict_self'],
    code: 'EPERM',
    hint: {
      en: 'it needs no_new_privs (prctl PR_SET_NO_NEW_PRIVS) or CAP_SYS_ADMIN: see NoNewPrivs in /proc/self/status',
      zh: '需要 no_new_privs（prctl PR_SET_NO_NEW_PRIVS）或 CAP_SYS_ADMIN：查看 /proc/self/status 的 NoNewPrivs',
    },
  },
  {
    syscalls: ['socket'],
    code: 'EAFNOSUPPORT',
    hint: {
      en: 'the kernel lacks this address family, or its module is not loaded',
      zh: '内核没有这种地址族，或者模块没有加载',
    },
  },
  {
    syscalls: ['recvfrom', 'recvmsg'],
    code: 'EPERM',
    about: /answer|ack/i,
    hint: {
      en: 'netlink refused: CAP_NET_ADMIN is needed in the user namespace that owns the network namespace',
      zh: 'netlink 拒绝：需要在拥有该 network 命名空间的 user 命名空间里有 CAP_NET_ADMIN',
    },
  },
];
