/** Hints for making, entering and mapping namespaces, and for changing the root. */
import type { HintRow } from './hint.js';

const MAKE = ['clone3', 'unshare'];
const FORK = ['clone3', 'clone', 'fork'];

export const NAMESPACE_HINTS: readonly HintRow[] = [
  {
    syscalls: MAKE,
    code: 'ENOSPC',
    hint: {
      en: 'a limit on namespaces is reached: see /proc/sys/user/max_*_namespaces (and at most 32 nested user or pid namespaces)',
      zh: '命名空间数量达到上限：查看 /proc/sys/user/max_*_namespaces（user 和 pid 命名空间最多嵌套 32 层）',
    },
  },
  {
    syscalls: MAKE,
    code: 'EPERM',
    about: /CLONE_NEWUSER/,
    hint: {
      en: 'the distribution may forbid user namespaces: see /proc/sys/kernel/unprivileged_userns_clone and /proc/sys/kernel/apparmor_restrict_unprivileged_userns; a chroot also forbids them',
      zh: '发行版可能禁止 user 命名空间：查看 /proc/sys/kernel/unprivileged_userns_clone 和 /proc/sys/kernel/apparmor_restrict_unprivileged_userns；在 chroot 里也不允许',
    },
  },
  {
    syscalls: MAKE,
    code: 'EPERM',
    about: /CLONE_NEW/,
    hint: {
      en: 'a namespace other than user needs CAP_SYS_ADMIN in the user namespace of the caller: see CapEff in /proc/self/status, or make a user namespace with it',
      zh: '除 user 之外的命名空间需要调用者在自己的 user 命名空间里有 CAP_SYS_ADMIN：查看 /proc/self/status 的 CapEff，或者同时创建 user 命名空间',
    },
  },
  {
    syscalls: ['clone3'],
    code: 'EBUSY',
    about: /CLONE_INTO_CGROUP/,
    hint: {
      en: 'cgroup v2: the group hands controllers to its children (cgroup.subtree_control), so it may hold no process itself',
      zh: 'cgroup v2：该组已把控制器下放给子组（cgroup.subtree_control），自己不能再有进程',
    },
  },
  {
    syscalls: ['clone3'],
    code: 'EOPNOTSUPP',
    about: /CLONE_INTO_CGROUP/,
    hint: {
      en: 'cgroup v2: the group is "domain invalid" inside a threaded subtree: see its cgroup.type',
      zh: 'cgroup v2：该组在 threaded 子树里是 "domain invalid"：查看它的 cgroup.type',
    },
  },
  {
    syscalls: MAKE,
    code: 'EINVAL',
    hint: {
      en: 'the kernel lacks one of these namespaces (compare /proc/self/ns), or the caller has several threads',
      zh: '内核没有其中某种命名空间（对照 /proc/self/ns），或者调用者有多个线程',
    },
  },
  {
    syscalls: FORK,
    code: 'EAGAIN',
    hint: {
      en: 'a limit on processes is reached: pids.max of the cgroup, RLIMIT_NPROC or /proc/sys/kernel/pid_max',
      zh: '进程数达到上限：cgroup 的 pids.max、RLIMIT_NPROC 或 /proc/sys/kernel/pid_max',
    },
  },
  {
    syscalls: FORK,
    code: 'ENOMEM',
    hint: {
      en: 'no memory, or the pid namespace has lost its init',
      zh: '内存不足，或者该 pid 命名空间的 init 已经结束',
    },
  },
  {
    syscalls: ['setns'],
    code: 'EINVAL',
    hint: {
      en: 'joining a user namespace one is already in, or a user or mount namespace from a process with several threads',
      zh: '要加入的 user 命名空间就是当前所在的，或者多线程进程要加入 user 或 mount 命名空间',
    },
  },
  {
    syscalls: ['setns'],
    code: 'EUSERS',
    hint: {
      en: 'only a process with a single thread may enter a time namespace',
      zh: '只有单线程的进程才能进入 time 命名空间',
    },
  },
  {
    syscalls: ['setns'],
    code: 'EPERM',
    hint: {
      en: 'joining needs CAP_SYS_ADMIN in the user namespace that owns the namespace, and in the caller’s own (mount: also CAP_SYS_CHROOT); join the user namespace first',
      zh: '加入需要在拥有该命名空间的 user 命名空间里、以及在自己的 user 命名空间里有 CAP_SYS_ADMIN（mount 还要 CAP_SYS_CHROOT）；先加入 user 命名空间',
    },
  },
  {
    syscalls: ['setns', 'pidfd_send_signal', 'pidfd_getfd'],
    code: 'ESRCH',
    hint: {
      en: 'the process of the pidfd has ended and been reaped',
      zh: 'pidfd 所指的进程已经结束并被回收',
    },
  },
  {
    syscalls: ['pidfd_getfd'],
    code: 'EPERM',
    hint: {
      en: 'the caller may not ptrace that process: other user, other user namespace, or PR_SET_DUMPABLE 0',
      zh: '调用者无权 ptrace 该进程：用户不同、user 命名空间不同，或者 PR_SET_DUMPABLE 为 0',
    },
  },
  {
    syscalls: ['pivot_root'],
    code: 'EINVAL',
    hint: {
      en: 'the new root is not a mount point, or it or the mount that holds it is shared (make it private first), or put_old is not below it, or the current root is an initramfs',
      zh: '新根不是挂载点，或者它或它的父挂载是 shared（先改成 private），或者 put_old 不在新根之下，或者当前根是 initramfs',
    },
  },
  {
    syscalls: ['pivot_root'],
    code: 'EBUSY',
    hint: {
      en: 'the new root or put_old is on the current root mount: bind mount it on itself first',
      zh: '新根或 put_old 位于当前根挂载上：先把它 bind 挂载到自身',
    },
  },
  {
    syscalls: ['write'],
    code: 'EPERM',
    about: /setgroups/,
    hint: {
      en: '/proc/PID/setgroups is fixed once gid_map is written, and stays "deny" where the parent user namespace denies',
      zh: 'gid_map 写好之后 /proc/PID/setgroups 不能再改；父 user 命名空间是 "deny" 时也只能是 "deny"',
    },
  },
  {
    syscalls: ['write'],
    code: 'EPERM',
    about: /[ug]id_map|map>/i,
    hint: {
      en: 'an id map is written once, by the parent with CAP_SETUID (CAP_SETGID) or by the process itself for its own id only; an unprivileged gid_map needs "deny" in setgroups first',
      zh: 'id 映射只能写一次：由有 CAP_SETUID（CAP_SETGID）的父进程写，或者进程自己写但只能映射自己的 id；无特权写 gid_map 之前要先向 setgroups 写 "deny"',
    },
  },
  {
    syscalls: ['write'],
    code: 'EINVAL',
    about: /[ug]id_map/,
    hint: {
      en: 'the whole id map goes in one write of less than a page: at most 340 rows "inside outside count", none empty, none overlapping',
      zh: 'id 映射必须一次写完且小于一页：最多 340 行“内部 外部 数量”，数量不为 0，区间不重叠',
    },
  },
  {
    syscalls: ['write'],
    code: 'EACCES',
    about: /timens_offsets/,
    hint: {
      en: 'offsets are written before the first process enters the time namespace',
      zh: '偏移量必须在第一个进程进入 time 命名空间之前写入',
    },
  },
  {
    syscalls: ['sethostname', 'setdomainname'],
    code: 'EPERM',
    hint: {
      en: 'it needs CAP_SYS_ADMIN in the user namespace that owns the UTS namespace: is it an own one (/proc/self/ns/uts)?',
      zh: '需要在拥有该 UTS 命名空间的 user 命名空间里有 CAP_SYS_ADMIN：它是自己的吗（/proc/self/ns/uts）？',
    },
  },
];
