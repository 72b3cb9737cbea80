/**
 * How a process of a plan gets into a running container: its cgroups, any of its namespaces, its
 * root. For exec and for hooks.
 *
 *   first    forked by the player; host root, host namespaces. Opens what host pids and paths name.
 *   outside  the same process, or (container in a sandbox) made in the sandbox by `first`, confined
 *            as everything there is. Enters groups and namespaces, clones.
 *   child    born inside, also in the pid namespace; a child of the player.
 *
 * Namespaces are held by files of /proc/PID/ns that `first` opens as host root: a process of a
 * sandbox may not look at an init that keeps itself out of the reach of ptrace.
 */
import type { LinuxNamespace } from '@terrarium/spec';
import {
  CLONE,
  CLONE_ARGS_BYTES,
  ERRNO,
  flagged,
  NAMESPACE_KINDS,
  O,
  PR,
  type ProcessName,
  type Slot,
  shown,
} from '@terrarium/syscall';
import type { HostFacts } from '../host-facts.js';
import { KEYCTL_JOIN_SESSION_KEYRING } from '../kernel-constants.js';
import { joinV1Cgroups, openV2Group } from '../plan/cgroup-calls.js';
import { cloneArgs } from '../plan/clone-args.js';
import { leaveHostKeyring } from '../plan/confine.js';
import { FDCWD, purpose, type Script } from '../plan/script.js';

/** A kind of namespace as the standard spells it. */
export type NamespaceType = LinuxNamespace['type'];

/** Registers with what is joined. */
export interface OpenedContainer {
  readonly namespaces: readonly { readonly type: NamespaceType; readonly fd: Slot }[];
  /** where there is no mount namespace to join: init's root directory */
  readonly root: Slot | null;
}

/**
 * Written to the first process, while it sees the host's /proc. The pidfd is opened before and
 * asked after everything else, so that all of it is of one process: pids are used again.
 */
export function openContainer(
  script: Script,
  initPid: number,
  types: readonly NamespaceType[],
  needsRoot: boolean,
): OpenedContainer {
  const why = purpose(
    'open-container',
    'hold the namespaces of the container’s first process by fds',
    '用文件描述符持有容器首个进程的各个命名空间',
  );
  const pidfd = script.builder.slot('containerInit');
  script.call('pidfd_open', [initPid, 0], why, { store: pidfd });
  const open = (file: string, name: string, flags: ReturnType<typeof flagged>): Slot => {
    const fd = script.builder.slot(name);
    script.call('openat', [FDCWD, `/proc/${initPid}/${file}`, flags], why, { store: fd });
    return fd;
  };
  const readonly = flagged(O, 'O_RDONLY', 'O_CLOEXEC');
  const namespaces = types.map((type) => ({
    type,
    fd: open(`ns/${kindOf(type).proc}`, `${type}Joined`, readonly),
  }));
  const directory = flagged(O, 'O_PATH', 'O_DIRECTORY', 'O_CLOEXEC');
  const root = needsRoot ? open('root', 'containerRoot', directory) : null;
  script.call('pidfd_send_signal', [pidfd, shown(0, '0'), 0, 0], why); // ESRCH: it ended meanwhile
  script.call('close', [pidfd], why);
  return { namespaces, root };
}

/** What `enterContainer` does besides joining. */
export interface EnterInput {
  readonly facts: HostFacts;
  /** the container's group in the runtime's side; null: stay in our own */
  readonly group: string | null;
  /** v2: where init itself lives, which may be a group below */
  readonly leaf?: string;
  readonly child: ProcessName;
}

/**
 * Written to outside. All namespaces but the cgroup one are joined, the user namespace last: with
 * it go the powers over the others.
 */
export function enterContainer(script: Script, opened: OpenedContainer, input: EnterInput): void {
  const { facts, group, leaf, child } = input;
  leaveHostKeyring(script, KEYCTL_JOIN_SESSION_KEYRING, [ERRNO.ENOSYS, ERRNO.EDQUOT, ERRNO.EPERM]);
  let v2: Slot | null = null;
  if (group !== null) {
    joinV1Cgroups(script, facts.cgroups, group, THE_CONTAINER);
    v2 = openV2Group(script, facts.cgroups, leaf ?? group, THE_CONTAINER);
  }
  script.call(
    'prctl',
    [flagged(PR, 'PR_SET_DUMPABLE'), 0, 0, 0, 0],
    purpose(
      'not-dumpable',
      'let nobody inside ptrace us between joining and execve',
      '在加入之后、execve 之前，不让里面的任何进程 ptrace 我们',
    ),
  );
  const joined = opened.namespaces.filter(({ type }) => type !== 'cgroup');
  const ordered = [
    ...joined.filter(({ type }) => type !== 'user'),
    ...joined.filter(({ type }) => type === 'user'),
  ];
  for (const { type, fd } of ordered) joinNamespace(script, type, fd);
  cloneChild(script, v2, child);
}

const THE_CONTAINER = { en: 'the container', zh: '容器' };

function joinNamespace(script: Script, type: NamespaceType, fd: Slot): void {
  const kind = kindOf(type);
  script.call(
    'setns',
    [fd, shown(kind.flag, kind.flagName)],
    purpose('join-namespace', `join the ${type} namespace`, `加入 ${type} 命名空间`),
  );
}

function cloneChild(script: Script, group: Slot | null, child: ProcessName): void {
  const flags = CLONE.CLONE_PARENT + (group === null ? 0 : CLONE.CLONE_INTO_CGROUP);
  const into = group === null ? '' : '|CLONE_INTO_CGROUP';
  script.call(
    'clone3',
    [cloneArgs(BigInt(flags), { group }), CLONE_ARGS_BYTES],
    purpose(
      'clone-process',
      'make a child: only children are in the joined pid namespace',
      '创建子进程：只有子进程才进入所加入的 PID 命名空间',
    ),
    {
      display: `clone3({flags=CLONE_PARENT${into}${group === null ? '' : ', cgroup=<group>'}}, ${CLONE_ARGS_BYTES})`,
      child,
    },
  );
}

/** The first calls of the child: the namespace that had to wait, and the root where it is only a directory. */
export function settleInside(script: Script, { namespaces, root }: OpenedContainer): void {
  const cgroup = namespaces.find(({ type }) => type === 'cgroup');
  if (cgroup !== undefined) joinNamespace(script, 'cgroup', cgroup.fd);
  if (root !== null) {
    const why = purpose('exec-root', 'take the container’s root directory', '使用容器的根目录');
    script.call('fchdir', [root], why);
    script.call('chroot', ['.'], why);
  }
  if (namespaces.some(({ type }) => type === 'user')) becomeRootInside(script);
}

/** The host's root is nobody in a user namespace: what it makes there could not even be named. */
function becomeRootInside(script: Script): void {
  const why = purpose(
    'become-root-inside',
    'be root of the user namespace that we joined',
    '成为所加入用户命名空间里的 root',
  );
  script.call('setgroups', [0, 0], why, { tolerate: [ERRNO.EPERM] });
  script.call('setresgid', [0, 0, 0], why);
  script.call('setresuid', [0, 0, 0], why);
  script.call('prctl', [flagged(PR, 'PR_SET_DUMPABLE'), 0, 0, 0, 0], why);
}

function kindOf(type: NamespaceType): (typeof NAMESPACE_KINDS)[number] {
  const kind = NAMESPACE_KINDS.find(({ oci }) => oci === type);
  if (kind === undefined) throw new Error(`unknown namespace type ${type}`);
  return kind;
}
