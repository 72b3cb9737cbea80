/** Hints for the files of a cgroup, v1 and v2, and for its device program. */
import type { HintRow } from './hint.js';

const JOIN = /cgroup\.procs|cgroup\.threads|\/tasks/;

export const CGROUP_HINTS: readonly HintRow[] = [
  {
    syscalls: ['write'],
    code: 'EBUSY',
    about: JOIN,
    hint: {
      en: 'cgroup v2: the group hands controllers to its children (cgroup.subtree_control), so it may hold no process itself: join a child group',
      zh: 'cgroup v2：该组已把控制器下放给子组（cgroup.subtree_control），自己不能再有进程：请加入子组',
    },
  },
  {
    syscalls: ['write'],
    code: 'EBUSY',
    about: /memory\.(limit|memsw|kmem)/,
    hint: {
      en: 'more memory is in use than the new limit and cannot be reclaimed: see memory.usage_in_bytes',
      zh: '正在使用的内存超过新上限且无法回收：查看 memory.usage_in_bytes',
    },
  },
  {
    syscalls: ['write'],
    code: 'EBUSY',
    about: /subtree_control|cgroup/,
    hint: {
      en: 'cgroup v2: a group with processes cannot hand controllers to its children (no internal processes)',
      zh: 'cgroup v2：有进程的组不能把控制器下放给子组（内部节点不能有进程）',
    },
  },
  {
    syscalls: ['write'],
    code: 'ENOENT',
    about: /subtree_control/,
    hint: {
      en: 'the controller is not offered here: see cgroup.controllers, and enable it in the parent’s cgroup.subtree_control first',
      zh: '这里没有该控制器：查看 cgroup.controllers，先在父组的 cgroup.subtree_control 里启用',
    },
  },
  {
    syscalls: ['write'],
    code: 'ENOSPC',
    about: JOIN,
    hint: {
      en: 'cgroup v1: cpuset.cpus or cpuset.mems of the group is empty: copy the parent’s first',
      zh: 'cgroup v1：该组的 cpuset.cpus 或 cpuset.mems 为空：先从父组复制',
    },
  },
  {
    syscalls: ['write'],
    code: 'EOPNOTSUPP',
    about: /cgroup/,
    hint: {
      en: 'the group is part of a threaded subtree, which takes threads and thread controllers only: see cgroup.type',
      zh: '该组属于 threaded 子树，只接受线程和线程级控制器：查看 cgroup.type',
    },
  },
  {
    syscalls: ['write'],
    code: 'EINVAL',
    about: JOIN,
    hint: {
      en: 'a real-time process needs cpu.rt_runtime_us in the v1 cpu group, and a pid must exist in the writer’s pid namespace',
      zh: '实时进程需要 v1 cpu 组有 cpu.rt_runtime_us；pid 必须存在于写入者的 pid 命名空间中',
    },
  },
  {
    syscalls: ['write'],
    code: 'ESRCH',
    about: JOIN,
    hint: { en: 'the process has ended', zh: '该进程已经结束' },
  },
  {
    syscalls: ['write', 'openat'],
    code: 'EACCES',
    about: JOIN,
    hint: {
      en: 'moving a process needs write access to cgroup.procs of the group and of the common ancestor: see the owner of both files (delegation)',
      zh: '移动进程需要对目标组和共同祖先组的 cgroup.procs 都有写权限：查看这两个文件的属主（委派）',
    },
  },
  {
    syscalls: ['write'],
    code: 'EPERM',
    about: /devices\.(allow|deny)/,
    hint: {
      en: 'cgroup v1: a group cannot allow devices that its parent denies: see devices.list of the parent; CAP_SYS_ADMIN is needed too',
      zh: 'cgroup v1：子组不能允许父组禁止的设备：查看父组的 devices.list；还需要 CAP_SYS_ADMIN',
    },
  },
  {
    syscalls: ['write'],
    code: 'EINVAL',
    about: /memory\.(limit|memsw)/,
    hint: {
      en: 'cgroup v1: memory.memsw.limit_in_bytes may never be below memory.limit_in_bytes: raise the first before the second, lower in the other order',
      zh: 'cgroup v1：memory.memsw.limit_in_bytes 不能小于 memory.limit_in_bytes：调高时先改前者，调低时顺序相反',
    },
  },
  {
    syscalls: ['write'],
    code: 'EINVAL',
    about: /cpu\.cfs|cpu\.max|cpu\.rt/,
    hint: {
      en: 'periods go from 1 ms to 1 s, quotas from 1 ms, and v1 allows no more than the parent has: see the same file there',
      zh: '周期为 1 毫秒到 1 秒，配额至少 1 毫秒；v1 不能超过父组：查看父组的同名文件',
    },
  },
  {
    syscalls: ['write'],
    code: 'EACCES',
    about: /cpuset/,
    hint: {
      en: 'the cpus or memory nodes must be a part of the parent’s: see cpuset.cpus and cpuset.mems there',
      zh: 'CPU 或内存节点必须是父组的一部分：查看父组的 cpuset.cpus 和 cpuset.mems',
    },
  },
  {
    syscalls: ['rmdir', 'unlinkat'],
    code: 'EBUSY',
    about: /cgroup/,
    hint: {
      en: 'the cgroup still has processes (zombies count until they are reaped) or child groups',
      zh: '该 cgroup 还有进程（僵尸进程在被回收之前也算）或子组',
    },
  },
  {
    syscalls: ['mkdir', 'mkdirat'],
    code: 'EAGAIN',
    about: /cgroup/,
    hint: {
      en: 'a limit on groups is reached: cgroup.max.descendants or cgroup.max.depth of an ancestor',
      zh: 'cgroup 数量达到上限：祖先组的 cgroup.max.descendants 或 cgroup.max.depth',
    },
  },
  {
    syscalls: ['bpf'],
    code: 'EPERM',
    hint: {
      en: 'loading and attaching needs CAP_BPF and CAP_NET_ADMIN or CAP_SYS_ADMIN in the initial user namespace; attaching also fails where an ancestor’s program was attached without BPF_F_ALLOW_MULTI',
      zh: '加载和挂接需要在初始 user 命名空间里有 CAP_BPF 与 CAP_NET_ADMIN，或 CAP_SYS_ADMIN；祖先组的程序若未用 BPF_F_ALLOW_MULTI 挂接，也会失败',
    },
  },
  {
    syscalls: ['bpf'],
    code: 'EACCES',
    hint: {
      en: 'the verifier refuses the program: ask for its log (log_level, log_buf)',
      zh: '验证器拒绝了该程序：用 log_level 和 log_buf 取得它的日志',
    },
  },
];
