/**
 * The table of `explainRefusal`: why a call may have been refused, in the order in which the kernel
 * decides. Pure. Each row is provoked in test/integration/fence-data.test.ts.
 */
import { ERRNO } from '@terrarium/syscall';
import { CAPABILITY_WORDS } from './capability-words.js';
import type { Fence, FenceFacts, Mechanism, Words } from './schema.js';

/** A call that the kernel refused. */
export interface Refusal {
  /** man page name */
  readonly syscall: string;
  /** number: 1 is EPERM */
  readonly errno: number;
  /** the path that it was about, where it was about one */
  readonly path?: string;
  readonly fence: Fence;
}

/** What a row says when it applies. */
export interface Found {
  /** id of the fence's entry */
  readonly entry: string;
  readonly sentence: Words;
  readonly certain?: boolean;
}

/** One row. */
export interface Rule {
  readonly id: string;
  readonly mechanism: Mechanism;
  readonly applies: (refusal: Refusal) => Found | null;
}

const FORKS = ['fork', 'vfork', 'clone', 'clone3'];
const NAMESPACE_MAKERS = ['unshare', 'clone', 'clone3'];
const OPENS = ['open', 'openat', 'openat2', 'creat'];
const NODE_MAKERS = ['mknod', 'mknodat'];
const ID_SETTERS = ['setuid', 'setreuid', 'setresuid', 'setgid', 'setregid', 'setresgid'];
const CHOWNS = ['chown', 'fchown', 'lchown', 'fchownat'];
const SENDERS = ['connect', 'sendto', 'sendmsg'];
const KILLS = ['kill', 'tgkill', 'tkill', 'pidfd_open'];
const EXECS = ['execve', 'execveat'];

/** In the order in which they are asked. */
export const RULES = [
  {
    id: 'seccomp-rule',
    mechanism: 'seccomp',
    applies: ({ syscall, errno, fence }) => {
      const rules = fence.facts.seccomp.rules ?? [];
      const rule = rules.find((one) => one.names.includes(syscall) && one.errno === errno);
      if (rule === undefined) return null;
      const entry = fence.entries.find(
        ({ id, refuses }) =>
          id.startsWith('seccomp.') && refuses.some((one) => callOf(one) === syscall),
      );
      const only = rule.conditional ? ' with some of its arguments' : '';
      return {
        entry: entry?.id ?? 'seccomp',
        certain: !rule.conditional,
        sentence: {
          en: `the filter refuses ${syscall}${only}${entry === undefined ? '' : `: ${entry.sentence.en}`}`,
          zh: `过滤器拒绝 ${syscall}${rule.conditional ? ' 的某些参数' : ''}${entry === undefined ? '' : `：${entry.sentence.zh}`}`,
        },
      };
    },
  },
  {
    id: 'pids-limit',
    mechanism: 'cgroup',
    applies: ({ syscall, errno, fence: { facts } }) => {
      const { pids } = facts;
      if (!FORKS.includes(syscall) || errno !== ERRNO.EAGAIN || pids?.max == null) return null;
      // It may have counted less again by the time that the fence was read.
      const full = pids.current !== null && pids.current >= pids.max;
      return {
        entry: 'cgroup.pids',
        certain: full,
        sentence: {
          en: `the group has its ${pids.max} processes: no further one is made until one ends`,
          zh: `该组已有 ${pids.max} 个进程：要等有进程结束才能再创建`,
        },
      };
    },
  },
  {
    id: 'namespace-limit',
    mechanism: 'namespace-limit',
    applies: ({ syscall, errno }) =>
      NAMESPACE_MAKERS.includes(syscall) && errno === ERRNO.ENOSPC
        ? {
            entry: 'namespace-limits',
            certain: true,
            sentence: {
              en: 'there are as many namespaces of that kind below this user namespace as there may be: user.max_*_namespaces',
              zh: '此用户命名空间之下该类命名空间已达上限：user.max_*_namespaces',
            },
          }
        : null,
  },
  {
    id: 'chroot-no-user-namespace',
    mechanism: 'root',
    applies: ({ syscall, errno, fence: { facts } }) =>
      NAMESPACE_MAKERS.includes(syscall) &&
      errno === ERRNO.EPERM &&
      facts.capabilities.effective.includes('CAP_SYS_ADMIN') &&
      !facts.mounts.some(({ point }) => point === '/')
        ? {
            entry: 'root',
            sentence: {
              en: 'a process in a chroot may not make a user namespace: it could walk out with the capabilities there',
              zh: 'chroot 里的进程不能创建用户命名空间：否则可凭其中的权能走出去',
            },
          }
        : null,
  },
  {
    id: 'setgroups-denied',
    mechanism: 'id-map',
    applies: ({ syscall, errno, fence: { facts } }) =>
      syscall === 'setgroups' && errno === ERRNO.EPERM && !facts.setgroups
        ? {
            entry: 'id-map.gid',
            certain: true,
            sentence: {
              en: 'the user namespace forbids setgroups: dropping a group could give access that the group denies',
              zh: '该用户命名空间禁止 setgroups：丢掉某个组可能反而得到该组被禁止的访问',
            },
          }
        : null,
  },
  {
    id: 'id-not-mapped',
    mechanism: 'id-map',
    applies: ({ syscall, errno, fence: { facts } }) =>
      (ID_SETTERS.includes(syscall) || CHOWNS.includes(syscall)) &&
      errno === ERRNO.EINVAL &&
      isOwnUserNamespace(facts)
        ? {
            entry: syscall.includes('gid') ? 'id-map.gid' : 'id-map.uid',
            certain: true,
            sentence: {
              en: 'that id is not mapped: in this user namespace it does not exist',
              zh: '那个 ID 没有映射：在此用户命名空间里它不存在',
            },
          }
        : null,
  },
  {
    id: 'rlimit-raise',
    mechanism: 'rlimit',
    applies: ({ syscall, errno }) =>
      ['prlimit64', 'setrlimit'].includes(syscall) && errno === ERRNO.EPERM
        ? {
            entry: 'rlimits',
            certain: true,
            sentence: {
              en: 'a hard limit can only be lowered: raising it takes CAP_SYS_RESOURCE in the host’s user namespace',
              zh: '硬限制只能降低：提高它需要宿主机用户命名空间里的 CAP_SYS_RESOURCE',
            },
          }
        : null,
  },
  {
    id: 'too-many-open-files',
    mechanism: 'rlimit',
    applies: ({ errno, fence: { facts } }) =>
      errno === ERRNO.EMFILE
        ? {
            entry: 'rlimits',
            certain: true,
            sentence: {
              en: `the process has its ${facts.rlimits['RLIMIT_NOFILE']?.soft ?? ''} open files: RLIMIT_NOFILE`,
              zh: `进程打开的文件已达上限 ${facts.rlimits['RLIMIT_NOFILE']?.soft ?? ''}：RLIMIT_NOFILE`,
            },
          }
        : null,
  },
  {
    id: 'file-too-large',
    mechanism: 'rlimit',
    applies: ({ errno, fence: { facts } }) =>
      errno === ERRNO.EFBIG && facts.rlimits['RLIMIT_FSIZE']?.soft != null
        ? {
            entry: 'rlimits',
            sentence: {
              en: `files of this process may have ${facts.rlimits['RLIMIT_FSIZE'].soft} bytes: RLIMIT_FSIZE`,
              zh: `此进程的文件最大 ${facts.rlimits['RLIMIT_FSIZE'].soft} 字节：RLIMIT_FSIZE`,
            },
          }
        : null,
  },
  {
    id: 'pid-namespace',
    mechanism: 'namespace',
    applies: ({ syscall, errno, fence: { facts } }) =>
      KILLS.includes(syscall) && errno === ERRNO.ESRCH && !facts.sharedNamespaces.includes('pid')
        ? {
            entry: 'namespace.pid',
            sentence: {
              en: 'no process of this pid namespace has that number; those outside have none here',
              zh: '此 PID 命名空间里没有这个编号的进程；外面的进程在这里没有编号',
            },
          }
        : null,
  },
  {
    id: 'network-namespace',
    mechanism: 'namespace',
    applies: ({ syscall, errno, fence: { facts } }) =>
      SENDERS.includes(syscall) &&
      errno === ERRNO.ENETUNREACH &&
      !facts.sharedNamespaces.includes('net')
        ? {
            entry: 'namespace.net',
            sentence: {
              en: 'this network namespace has no route there: its interfaces and routes are its own',
              zh: '此网络命名空间没有通往那里的路由：它的网卡和路由是自己的',
            },
          }
        : null,
  },
  {
    id: 'tiocsti',
    mechanism: 'terminal',
    applies: ({ syscall, errno, fence: { facts } }) =>
      syscall === 'ioctl' && errno === ERRNO.EIO && facts.legacyTiocsti === false
        ? {
            entry: 'terminal.tiocsti',
            sentence: {
              en: 'typing into a terminal is switched off on this machine: dev.tty.legacy_tiocsti = 0',
              zh: '这台机器禁止往终端里输入：dev.tty.legacy_tiocsti = 0',
            },
          }
        : null,
  },
  {
    id: 'capability-missing',
    mechanism: 'capability',
    applies: ({ syscall, errno, fence: { facts } }) => {
      const wanted = capabilityOf(syscall);
      const refused = syscall === 'bind' ? ERRNO.EACCES : ERRNO.EPERM;
      if (wanted === null || errno !== refused) return null;
      if (facts.capabilities.effective.includes(wanted)) return null;
      const gone = !facts.capabilities.bounding.includes(wanted);
      const allows = CAPABILITY_WORDS[wanted]?.allows ?? { en: '', zh: '' };
      return {
        entry: `capability.${wanted}`,
        certain: true,
        sentence: {
          en: `${syscall} needs ${wanted} (${allows.en}), which the process does not have${gone ? ' and cannot get: it is not in the bounding set' : ''}`,
          zh: `${syscall} 需要 ${wanted}（${allows.zh}），而进程没有${gone ? '，也得不到：它不在边界集里' : ''}`,
        },
      };
    },
  },
  {
    id: 'device-user-namespace',
    mechanism: 'device',
    applies: ({ syscall, errno, fence: { facts } }) =>
      NODE_MAKERS.includes(syscall) && errno === ERRNO.EPERM && isOwnUserNamespace(facts)
        ? {
            entry: 'namespace.user',
            certain: true,
            sentence: {
              en: 'device nodes are made only in the host’s user namespace: a node is a way to a driver of the machine',
              zh: '设备节点只能在宿主机的用户命名空间里创建：节点是通往机器驱动的路',
            },
          }
        : null,
  },
  {
    id: 'sysctl-owner',
    mechanism: 'id-map',
    applies: ({ syscall, errno, path, fence: { facts } }) =>
      OPENS.includes(syscall) &&
      isRefused(errno) &&
      isBelow(path, ['/proc/sys', '/proc/sysrq-trigger']) &&
      isOwnUserNamespace(facts)
        ? {
            entry: 'id-map.uid',
            sentence: {
              en: 'this parameter belongs to the machine, and so to the host’s root, who is not mapped here',
              zh: '这个参数属于整台机器，也就是宿主机的 root，而它没有映射到这里',
            },
          }
        : null,
  },
  {
    id: 'cgroup-limit-owner',
    mechanism: 'cgroup',
    applies: ({ syscall, errno, path }) =>
      OPENS.includes(syscall) && isRefused(errno) && isBelow(path, ['/sys/fs/cgroup'])
        ? {
            entry: 'cgroup.membership',
            sentence: {
              en: 'the files with a group’s own limits belong to whoever made the group: only child groups are yours to limit',
              zh: '组自身的限制文件属于创建它的人：你只能限制自己的子组',
            },
          }
        : null,
  },
  {
    id: 'device-rule',
    mechanism: 'device',
    applies: ({ syscall, errno, path, fence: { facts } }) =>
      OPENS.includes(syscall) &&
      errno === ERRNO.EPERM &&
      hasDeviceRules(facts) &&
      !isBelow(path, ['/proc', '/sys'])
        ? {
            entry: 'device.rules',
            sentence: {
              en: 'the device rules of its cgroup do not list this device, though there is a node for it',
              zh: '虽然有节点，但它的 cgroup 设备规则没有列出该设备',
            },
          }
        : null,
  },
  {
    id: 'read-only',
    mechanism: 'read-only',
    applies: ({ errno, path, fence: { facts } }) => {
      if (errno !== ERRNO.EROFS) return null;
      const mount = mountOf(facts, path);
      const where = mount === null ? 'there' : `on ${mount.point}`;
      return {
        entry: 'read-only-paths',
        certain: true,
        sentence: {
          en: `what is mounted ${where} is read-only`,
          zh: `${mount === null ? '那里' : mount.point} 的挂载是只读的`,
        },
      };
    },
  },
  {
    id: 'no-exec',
    mechanism: 'mount-flags',
    applies: ({ syscall, errno, path, fence: { facts } }) =>
      flagRefusal(facts, path, 'noexec', EXECS.includes(syscall) && errno === ERRNO.EACCES, {
        en: 'it lies on a mount with noexec: nothing there is executed, whatever its mode says',
        zh: '它位于带 noexec 的挂载上：无论权限位如何都不能执行',
      }),
  },
  {
    id: 'no-dev',
    mechanism: 'mount-flags',
    applies: ({ syscall, errno, path, fence: { facts } }) =>
      flagRefusal(
        facts,
        path,
        'nodev',
        OPENS.includes(syscall) && errno === ERRNO.EACCES && looksLikeDevice(facts, path),
        {
          en: 'if it is a device node: it lies on a mount with nodev, where none can be opened',
          zh: '如果它是设备节点：它位于带 nodev 的挂载上，那里的设备都不能打开',
        },
      ),
  },
  {
    id: 'disk-full',
    mechanism: 'mount-flags',
    applies: ({ syscall, errno, path, fence: { facts } }) => {
      if (errno !== ERRNO.ENOSPC || NAMESPACE_MAKERS.includes(syscall)) return null;
      const mount = mountOf(facts, path);
      const size = mount?.superOptions.find((option) => /^(size|nr_inodes)=/.test(option));
      return {
        entry: `mount-flags.${mount?.point ?? '/'}`,
        sentence: {
          en: `the file system is full${size === undefined ? '' : `: it was mounted with ${size}`}`,
          zh: `文件系统已满${size === undefined ? '' : `：挂载时限定为 ${size}`}`,
        },
      };
    },
  },
  {
    id: 'locked-mount',
    mechanism: 'namespace',
    applies: ({ syscall, errno, fence: { facts } }) =>
      isOwnUserNamespace(facts) &&
      facts.capabilities.effective.includes('CAP_SYS_ADMIN') &&
      syscall === 'umount2' &&
      errno === ERRNO.EINVAL
        ? {
            entry: 'namespace.mnt',
            sentence: {
              en: 'the mount came from a more privileged namespace and is locked: taking it away would uncover what it hides',
              zh: '该挂载来自权限更高的命名空间并被锁定：卸下它会露出被遮盖的东西',
            },
          }
        : null,
  },
  {
    id: 'user-namespace-owner',
    mechanism: 'namespace',
    applies: ({ syscall, errno, fence: { facts } }) => {
      const wanted = capabilityOf(syscall);
      if (wanted === null || errno !== ERRNO.EPERM || !isOwnUserNamespace(facts)) return null;
      if (!facts.capabilities.effective.includes(wanted)) return null;
      return {
        entry: 'namespace.user',
        sentence: {
          en: `the process has ${wanted}, but only over what its own user namespace owns; this belongs to another one`,
          zh: `进程有 ${wanted}，但只对自己的用户命名空间拥有的东西有效；这个属于另一个命名空间`,
        },
      };
    },
  },
  {
    id: 'file-owner',
    mechanism: 'id-map',
    applies: ({ syscall, errno, path, fence: { facts } }) =>
      OPENS.includes(syscall) &&
      errno === ERRNO.EACCES &&
      path !== undefined &&
      isOwnUserNamespace(facts)
        ? {
            entry: 'id-map.uid',
            sentence: {
              en: 'its mode does not allow it, and it may belong to an id that is not mapped here: then root is not its root',
              zh: '它的权限位不允许；它可能属于没有映射到这里的 ID：那么这里的 root 管不着它',
            },
          }
        : null,
  },
] as const satisfies readonly Rule[];

export type RuleId = (typeof RULES)[number]['id'];

function callOf(refused: string): string {
  return /^[a-z0-9_]+/.exec(refused)?.[0] ?? '';
}

/** The capability that a call is known to need. */
function capabilityOf(syscall: string): string | null {
  const found = Object.entries(CAPABILITY_WORDS).find(([, { calls }]) => calls.includes(syscall));
  return found?.[0] ?? null;
}

function isOwnUserNamespace({ sharedNamespaces }: FenceFacts): boolean {
  return !sharedNamespaces.includes('user');
}

function hasDeviceRules({ devices }: FenceFacts): boolean {
  const limited = devices.rules?.every((rule) => !rule.startsWith('a *:* ')) ?? false;
  return limited || (devices.programs ?? 0) > 0;
}

/** By its name: what a path is, the fence does not know. */
function looksLikeDevice({ devices }: FenceFacts, path = ''): boolean {
  const name = path.slice(path.lastIndexOf('/') + 1);
  return isBelow(path, ['/dev']) || devices.nodes.includes(`/dev/${name}`);
}

function isRefused(errno: number): boolean {
  return errno === ERRNO.EACCES || errno === ERRNO.EPERM;
}

function isBelow(path: string | undefined, directories: readonly string[]): boolean {
  return directories.some((one) => path === one || path?.startsWith(`${one}/`) === true);
}

/** The mount that a path lies on. */
function mountOf(facts: FenceFacts, path: string | undefined): FenceFacts['mounts'][number] | null {
  if (path === undefined) return null;
  const above = facts.mounts.filter(({ point }) => point === '/' || isBelow(path, [point]));
  return above.sort((a, b) => b.point.length - a.point.length)[0] ?? null;
}

function flagRefusal(
  facts: FenceFacts,
  path: string | undefined,
  flag: string,
  fits: boolean,
  sentence: Words,
): Found | null {
  const mount = mountOf(facts, path);
  if (!fits || mount === null || !mount.options.includes(flag)) return null;
  return { entry: `mount-flags.${mount.point}`, sentence };
}
