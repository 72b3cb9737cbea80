/**
 * Namespaces one by one: making, joining, holding, listing, and id maps in the order that the
 * kernel asks for. Who runs them: a process with CAP_SYS_ADMIN in the user namespace that owns
 * what it changes; maps are written by the parent of the process that is in the new namespace.
 * @see namespaces(7), user_namespaces(7), time_namespaces(7), ioctl_ns(2)
 */
import type { LinuxIdMapping } from '@terrarium/spec';
import {
  bytes,
  CLONE,
  CLONE_ARGS_BYTES,
  ERRNO,
  flagged,
  NAMESPACE_KINDS,
  O,
  type ProcessName,
  type Purpose,
  path,
  S,
  type Shown,
  type Slot,
  scratch,
} from '@terrarium/syscall';
import { cloneArgs } from './clone-args.js';
import { writeProcFile } from './private-proc.js';
import { FDCWD, purpose, Script } from './script.js';

/** As /proc/PID/ns names them. */
export type NamespaceKind = (typeof NAMESPACE_KINDS)[number]['proc'];

/** CLONE_NEW… flags of kinds, with their names; in the table's order. */
export function namespaceFlags(kinds: readonly NamespaceKind[]): Shown {
  const rows = NAMESPACE_KINDS.filter(({ proc }) => kinds.includes(proc));
  return {
    value: rows.reduce((bits, { flag }) => bits | BigInt(flag), 0n),
    display: rows.map(({ flagName }) => flagName).join('|') || '0',
  };
}

/**
 * unshare(2): new namespaces for the calling process itself; a new pid or time namespace is only
 * for its children.
 */
export function unshareNamespaces(script: Script, kinds: readonly NamespaceKind[]): void {
  script.call(
    'unshare',
    [namespaceFlags(kinds)],
    purpose(
      'namespace-unshare',
      `leave the shared ${kinds.join(', ')} namespace for a new one`,
      `离开共享的 ${kinds.join('、')} 命名空间，换成新的`,
    ),
  );
}

/**
 * clone3(2): a child, in new namespaces where kinds are given. It is a child of our own parent, so
 * that the player hears of its end.
 *
 * @param options shareFiles: one fd table, so that what the child opens is open here
 * @returns the child's list, and the register with its pid as the caller sees it
 */
export function cloneChild(
  script: Script,
  name: ProcessName,
  kinds: readonly NamespaceKind[],
  { shareFiles = false } = {},
): { readonly child: Script; readonly pid: Slot } {
  const pid = script.builder.slot(name);
  const kept = shareFiles
    ? flagged(CLONE, 'CLONE_PARENT', 'CLONE_FILES')
    : flagged(CLONE, 'CLONE_PARENT');
  const flags = namespaceFlags(kinds);
  const names = kinds.length === 0 ? kept.display : `${kept.display}|${flags.display}`;
  const why =
    kinds.length === 0
      ? purpose(
          'namespace-child',
          'make a child: only children are in a new pid or time namespace',
          '创建子进程：新的 pid 或 time 命名空间只对子进程生效',
        )
      : purpose(
          'namespace-clone',
          `make a child that is born in new ${kinds.join(', ')} namespaces`,
          `创建一个子进程，它一出生就在新的 ${kinds.join('、')} 命名空间里`,
        );
  const args = cloneArgs(kept.value | flags.value, {});
  script.call('clone3', [args, CLONE_ARGS_BYTES], why, {
    display: `clone3({flags=${names}}, ${CLONE_ARGS_BYTES})`,
    child: name,
    store: pid,
  });
  return { child: new Script(script.builder, name, script.builder.slot(`${name} fd`)), pid };
}

/** How the ids of a new user namespace are seen from outside. */
export interface IdMaps {
  readonly uid: readonly LinuxIdMapping[];
  readonly gid: readonly LinuxIdMapping[];
  /** false writes `deny` first: then no process inside may drop or take groups */
  readonly setgroups: boolean;
}

/**
 * Writes the maps of a child. setgroups comes first: once gid_map is written it cannot be changed,
 * and without CAP_SETGID outside gid_map is refused unless it says `deny` (CVE-2014-8989: groups
 * may be what keeps somebody out).
 *
 * @param proc fd of a procfs in which the caller knows the child by `pid`
 */
export function writeIdMapsOf(script: Script, proc: Slot, pid: Slot | number, maps: IdMaps): void {
  if (!maps.setgroups) {
    const why = purpose(
      'id-map-setgroups',
      'forbid setgroups inside: dropping a group could give access that the group denies',
      '禁止里面调用 setgroups：丢掉某个组可能反而得到该组被禁止的访问',
    );
    writeProcFile(script, proc, path`${pid}/setgroups`, bytes('deny'), why);
  }
  const why = purpose(
    'id-map',
    'root inside is an ordinary id outside: map the ids of the new user namespace',
    '里面的 root 在外面只是普通 ID：为新的用户命名空间映射 ID',
  );
  writeProcFile(script, proc, path`${pid}/uid_map`, bytes(rowsOf(maps.uid)), why);
  writeProcFile(script, proc, path`${pid}/gid_map`, bytes(rowsOf(maps.gid)), why);
}

function rowsOf(mappings: readonly LinuxIdMapping[]): string {
  return mappings
    .map(({ containerID, hostID, size }) => `${containerID} ${hostID} ${size}\n`)
    .join('');
}

/** Seconds (and nanoseconds) that the clocks of a time namespace are ahead. */
export interface TimeOffsets {
  readonly monotonic?: { readonly secs: number; readonly nanosecs?: number | undefined };
  readonly boottime?: { readonly secs: number; readonly nanosecs?: number | undefined };
}

/** Writes the offsets of a time namespace that `pid` has made and nobody has entered yet. */
export function writeTimeOffsets(
  script: Script,
  proc: Slot,
  pid: Slot,
  { monotonic, boottime }: TimeOffsets,
): void {
  const rows = Object.entries({ monotonic, boottime }).flatMap(([clock, offset]) =>
    offset === undefined ? [] : [`${clock} ${offset.secs} ${offset.nanosecs ?? 0}\n`],
  );
  if (rows.length === 0) return;
  const why = purpose(
    'time-offsets',
    'set the clocks of the new time namespace before its first process',
    '在首个进程进入之前，设定新时间命名空间的时钟偏移',
  );
  writeProcFile(script, proc, path`${pid}/timens_offsets`, bytes(rows.join('')), why);
}

/** Joins a namespace by a file: one of /proc/PID/ns, or one that holds a namespace. */
export function joinByPath(script: Script, file: string, kind: NamespaceKind): void {
  const why = joinPurpose([kind]);
  const namespace = openNamespace(script, file, why);
  script.call('setns', [namespace, namespaceFlags([kind])], why);
  script.call('close', [namespace], why);
}

/** Joins several namespaces of a process at once: all of them or none. */
export function joinByPidfd(script: Script, pid: number, kinds: readonly NamespaceKind[]): void {
  const why = joinPurpose(kinds);
  const pidfd = script.builder.slot(`${script.process} pidfd`);
  script.call('pidfd_open', [pid, 0], why, { store: pidfd });
  script.call('setns', [pidfd, namespaceFlags(kinds)], why);
  script.call('close', [pidfd], why);
}

function joinPurpose(kinds: readonly NamespaceKind[]): Purpose {
  return purpose(
    'namespace-join',
    `join the ${kinds.join(', ')} namespace that exists already`,
    `加入已存在的 ${kinds.join('、')} 命名空间`,
  );
}

/** Opens a namespace file: as long as the fd is open, the namespace exists. */
export function openNamespace(script: Script, file: string, why: Purpose): Slot {
  const namespace = script.builder.slot(`${script.process} namespace`);
  const openFlags = flagged(O, 'O_RDONLY', 'O_CLOEXEC');
  script.call('openat', [FDCWD, file, openFlags], why, { store: namespace });
  return namespace;
}

/**
 * Keeps a namespace by a bind mount of its file: it lives without any process, until the mount
 * goes. A mount namespace can be held so only in an older one (EINVAL), else it would keep itself
 * alive. The kernel compares ids; since Linux 6.18 each CPU gives out its own, so that an older
 * namespace may have the greater one, and only the host's first is smaller for certain.
 */
export function holdByMount(script: Script, namespaceFile: string, file: string): void {
  const why = purpose(
    'namespace-hold-mount',
    `bind ${namespaceFile} on ${file}: the mount keeps the namespace when no process is in it`,
    `把 ${namespaceFile} 绑定到 ${file}：没有进程时由挂载保住命名空间`,
  );
  const mode = { value: BigInt(S.S_IFREG | 0o444), display: 'S_IFREG|0444' };
  script.call('mknodat', [FDCWD, file, mode, 0], why, { tolerate: [ERRNO.EEXIST] });
  script.mount(namespaceFile, file, 'none', ['bind'], why);
}

/** Bytes that readlinkat may fill: `mnt:[4026531841]`. */
const LINK_BYTES = 64;

/** Reads the eight links of /proc/PID/ns; the reports carry them, see `listedNamespaces`. */
export function listNamespaces(script: Script, pid: number | 'self'): void {
  for (const { proc } of NAMESPACE_KINDS) {
    const link = scratch(LINK_BYTES);
    script.call(
      'readlinkat',
      [FDCWD, `/proc/${pid}/ns/${proc}`, link, LINK_BYTES],
      purpose(
        'namespace-list',
        `ask which ${proc} namespace it is in: the number is an inode`,
        `查询它在哪个 ${proc} 命名空间：编号就是 inode`,
      ),
      { reportBlock: link, tolerate: [ERRNO.ENOENT] },
    );
  }
}
