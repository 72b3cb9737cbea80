/**
 * What changed about one process, between two readings of /proc/PID. Pure: each function compares
 * one subject and says it in words.
 */
import { CAPABILITIES } from '@terrarium/syscall';
import { diffMounts } from './diff-mounts.js';
import {
  type ChangeKind,
  type DiffContext,
  HOST_VIEWER,
  type KernelChange,
  type Viewer,
} from './kernel-change.js';
import {
  CAPABILITY_SETS,
  type CapabilitySet,
  type FdState,
  type MountRow,
  NAMESPACE_NAMES,
  type ProcessKernelState,
  type Words,
} from './kernel-state.js';
import { count, some } from './phrases.js';
import { rootMount } from './read-process.js';
import { groupFor, idInside, mapRowFor, procOf } from './viewer.js';

/** A change of a process, before it is told whose it is. */
interface Draft {
  readonly kind: ChangeKind;
  readonly effect: KernelChange['effect'];
  readonly subject: string;
  readonly before: string | null;
  readonly after: string | null;
  readonly words: Words;
  /** file below /proc/PID */
  readonly file: string | null;
}

/** All changes of one process that was there before. */
export function diffProcess(
  name: string,
  before: ProcessKernelState,
  after: ProcessKernelState,
  context: DiffContext,
): KernelChange[] {
  const viewer = context.viewer ?? HOST_VIEWER;
  const drafts = [
    ...programs(before, after),
    ...namespaces(before, after, context),
    ...idMaps(before, after, viewer),
    ...credentials(before, after),
    ...capabilities(before, after),
    ...confinement(before, after),
    ...places(before, after),
    ...mounts(before, after),
    ...groups(before, after, viewer),
    ...limits(before, after),
    ...attributes(before, after),
    ...fds(before.fds, after.fds),
  ];
  return drafts.map(({ file, ...draft }) => ({
    ...draft,
    process: name,
    source: file === null ? null : `${procOf(after, viewer)}/${file}`,
  }));
}

function programs(before: ProcessKernelState, after: ProcessKernelState): Draft[] {
  if (before.exe !== after.exe) {
    return [
      changed('program', 'exe', before.exe ?? '?', after.exe ?? '?', 'exe', {
        en: `the program is now ${after.exe ?? '?'}; same process, same namespaces`,
        zh: `程序变成 ${after.exe ?? '?'}；进程和命名空间不变`,
      }),
    ];
  }
  if (before.comm === after.comm) return [];
  return [plain('program', 'comm', 'name', '名字', before.comm, after.comm, 'comm')];
}

function namespaces(
  before: ProcessKernelState,
  after: ProcessKernelState,
  context: DiffContext,
): Draft[] {
  const drafts = NAMESPACE_NAMES.flatMap((kind) => {
    const was = before.namespaces[kind];
    const is = after.namespaces[kind];
    if (was === is || is === null) return [];
    const label = whose(is, context);
    return [
      {
        kind: 'namespace' as const,
        effect: label === null ? ('new' as const) : ('changed' as const),
        subject: kind,
        before: was === null ? null : `${kind}:[${was}]`,
        after: `${kind}:[${is}]`,
        file: `ns/${kind}`,
        words: namespaceWords(kind, was, is, context),
      },
    ];
  });
  return [...drafts, ...namespacesForChildren(before, after, context)];
}

function namespaceWords(kind: string, was: number | null, is: number, context: DiffContext): Words {
  const known = whose(is, context);
  const to = known ?? { en: 'new', zh: '新建' };
  const from = was === null || known === null ? null : whose(was, context);
  const old = was === null ? '?' : `${kind}:[${was}]`;
  return {
    en: `${kind} namespace: ${old}${from === null ? '' : ` (${from.en})`} → ${kind}:[${is}] (${to.en})`,
    zh: `${kind} 命名空间：${old}${from === null ? '' : `（${from.zh}）`} → ${kind}:[${is}]（${to.zh}）`,
  };
}

/** After unshare or setns, only children are in the other pid or time namespace. */
function namespacesForChildren(
  before: ProcessKernelState,
  after: ProcessKernelState,
  context: DiffContext,
): Draft[] {
  const rows = [
    ['pid', before.pidForChildren, after.pidForChildren] as const,
    ['time', before.timeForChildren, after.timeForChildren] as const,
  ];
  return rows.flatMap(([kind, was, is]) => {
    if (was === is || is === after.namespaces[kind]) return [];
    const to = is === null ? null : whose(is, context);
    const name = is === null ? '–' : `${kind}:[${is}]`;
    return [
      changed('namespace', `${kind}_for_children`, String(was), name, `ns/${kind}_for_children`, {
        en: `children will be in ${name}${to === null ? ' (new)' : ` (${to.en})`}; the process itself stays where it is`,
        zh: `子进程将进入 ${name}${to === null ? '（新建）' : `（${to.zh}）`}；进程自己留在原处`,
      }),
    ];
  });
}

function whose(inode: number, { landmarks = [] }: DiffContext): Words | null {
  return landmarks.find(({ inodes }) => inodes.has(inode))?.words ?? null;
}

function idMaps(before: ProcessKernelState, after: ProcessKernelState, viewer: Viewer): Draft[] {
  const joined = before.namespaces.user !== after.namespaces.user;
  const rows = [
    ['uid_map', before.uidMap, after.uidMap, viewer.uidMap] as const,
    ['gid_map', before.gidMap, after.gidMap, viewer.gidMap] as const,
  ];
  const drafts = rows.flatMap(([file, was, is, own]) => {
    if (was.join() === is.join()) return [];
    const text = (map: readonly string[]): string =>
      map.map((row) => mapRowFor(row, own)).join('; ') || 'empty';
    const old = text(was);
    const now = text(is);
    const why = joined ? EXPLAINED_BY_USER_NAMESPACE : { en: '', zh: '' };
    return [
      changed('id-map', file, old, now, file, {
        en: `${file}: ${old} → ${now}${why.en}`,
        zh: `${file}：${chinese(old)} → ${chinese(now)}${why.zh}`,
      }),
    ];
  });
  if (before.setgroups !== after.setgroups && before.setgroups !== null) {
    drafts.push(
      plain(
        'id-map',
        'setgroups',
        'setgroups',
        'setgroups',
        before.setgroups,
        after.setgroups ?? '?',
        'setgroups',
      ),
    );
  }
  return drafts;
}

const EXPLAINED_BY_USER_NAMESPACE: Words = {
  en: ' (as its user namespace has it)',
  zh: '（由所在的 user 命名空间决定）',
};

function chinese(list: string): string {
  return list === 'empty' ? '空' : list;
}

function credentials(before: ProcessKernelState, after: ProcessKernelState): Draft[] {
  const drafts: Draft[] = [];
  const add = (subject: string, en: string, zh: string, was: string, is: string): void => {
    if (was !== is) drafts.push(plain('credentials', subject, en, zh, was, is, 'status'));
  };
  add('uid', 'user id', '用户 ID', idText(before, 'uid'), idText(after, 'uid'));
  add('gid', 'group id', '组 ID', idText(before, 'gid'), idText(after, 'gid'));
  add('groups', 'further groups', '附加组', list(before.groups), list(after.groups));
  return drafts;
}

/** `0 (100000 on the host)`: as the process sees itself, and as the host counts. */
function idText(state: ProcessKernelState, which: 'uid' | 'gid'): string {
  const [real, effective] = which === 'uid' ? state.uids : state.gids;
  const map = which === 'uid' ? state.uidMap : state.gidMap;
  const shown = [...new Set([real, effective])].map((id) => {
    const inside = idInside(map, id);
    return inside === id ? String(id) : `${inside ?? 'nobody'} (${id} on the host)`;
  });
  return shown.join(' / ');
}

const CAPABILITY_NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(CAPABILITIES).map(([name, bit]) => [bit, name]),
);

/** Names of the bits of a set. */
export function capabilityNames(set: bigint): string[] {
  const names: string[] = [];
  for (let bit = 0; bit < 64; bit++) {
    if ((set >> BigInt(bit)) & 1n) names.push(CAPABILITY_NAMES.get(bit) ?? `capability ${bit}`);
  }
  return names;
}

/** Sets that lost or gained the same capabilities are told together. */
function capabilities(before: ProcessKernelState, after: ProcessKernelState): Draft[] {
  const drafts: Draft[] = [];
  for (const effect of ['gone', 'new'] as const) {
    const sets = new Map<bigint, CapabilitySet[]>();
    for (const set of CAPABILITY_SETS) {
      const [was, is] = [before.capabilities[set], after.capabilities[set]];
      const bits = effect === 'gone' ? was & ~is : is & ~was;
      if (bits !== 0n) sets.set(bits, [...(sets.get(bits) ?? []), set]);
    }
    for (const [bits, names] of sets)
      drafts.push(capabilityDraft(effect, bits, names, before, after));
  }
  return drafts;
}

function capabilityDraft(
  effect: 'gone' | 'new',
  bits: bigint,
  sets: readonly CapabilitySet[],
  before: ProcessKernelState,
  after: ProcessKernelState,
): Draft {
  const names = capabilityNames(bits);
  const shownNames = some(names, 5);
  const [set = 'effective'] = sets;
  const english = sets.length === 1 ? `the ${set} set` : `the sets ${sets.join(', ')}`;
  const verb = effect === 'gone' ? 'left' : 'came into';
  const howMany = count(names.length, 'capability', 'capabilities');
  return {
    kind: 'capabilities',
    effect,
    subject: sets.join(','),
    before: `0x${before.capabilities[set].toString(16)}`,
    after: `0x${after.capabilities[set].toString(16)}`,
    file: 'status',
    words: {
      en: `${howMany} ${verb} ${english}: ${shownNames.en}`,
      zh: `${names.length} 个权能${effect === 'gone' ? '离开' : '进入'} ${sets.join('、')} 集：${shownNames.zh}`,
    },
  };
}

const SECCOMP_MODES = ['off', 'strict', 'filter'];

function confinement(before: ProcessKernelState, after: ProcessKernelState): Draft[] {
  const drafts: Draft[] = [];
  if (before.noNewPrivs !== after.noNewPrivs) {
    drafts.push(
      changed('no-new-privs', 'NoNewPrivs', '0', '1', 'status', {
        en: 'no_new_privs: 0 → 1; no execve will ever add a privilege again',
        zh: 'no_new_privs：0 → 1；此后任何 execve 都不能再增加权限',
      }),
    );
  }
  const was = `${SECCOMP_MODES[before.seccompMode]}, ${before.seccompFilters}`;
  const is = `${SECCOMP_MODES[after.seccompMode]}, ${after.seccompFilters}`;
  if (was !== is) {
    const filters = after.seccompFilters;
    drafts.push(
      changed('seccomp', 'Seccomp', was, is, 'status', {
        en: `seccomp: ${SECCOMP_MODES[before.seccompMode]} → ${SECCOMP_MODES[after.seccompMode]}, ${count(filters, 'filter', 'filters')}`,
        zh: `seccomp：${SECCOMP_MODES[before.seccompMode]} → ${SECCOMP_MODES[after.seccompMode]}，${filters} 个过滤器`,
      }),
    );
  }
  return drafts;
}

function places(before: ProcessKernelState, after: ProcessKernelState): Draft[] {
  const drafts: Draft[] = [];
  if (before.root.identity !== after.root.identity) {
    const was = rootText(before);
    const is = rootText(after);
    drafts.push(
      changed('root', '/', was, is, 'root', {
        en: `root directory: ${was} → ${is}`,
        zh: `根目录：${was} → ${is}`,
      }),
    );
  }
  if (before.cwd.identity !== after.cwd.identity) {
    drafts.push(
      plain('cwd', 'cwd', 'working directory', '工作目录', before.cwd.path, after.cwd.path, 'cwd'),
    );
  }
  return drafts;
}

/** The file system that is mounted at `/`: roots are all called `/`. */
function rootText({ mounts: table, root }: ProcessKernelState): string {
  const row = rootMount(table);
  return row === undefined ? `${root.path} (${root.identity})` : mountText(row);
}

function mountText({ fsType, mountSource, root }: MountRow): string {
  return `${fsType} ${mountSource}${root === '/' ? '' : ` ${root}`}`;
}

function mounts(before: ProcessKernelState, after: ProcessKernelState): Draft[] {
  // A table of another namespace is another table: there is nothing to compare.
  if (before.namespaces.mnt !== after.namespaces.mnt) return [];
  return diffMounts(before, after).map((one) => ({ ...one, kind: 'mount', file: 'mountinfo' }));
}

/** Hierarchies in which the process moved from and to the same path are told together. */
function groups(before: ProcessKernelState, after: ProcessKernelState, viewer: Viewer): Draft[] {
  const moves = new Map<string, string[]>();
  for (const [controllers, path] of Object.entries(after.cgroups)) {
    const was = before.cgroups[controllers] ?? '?';
    if (was === path) continue;
    const key = `${was}\0${path}`;
    moves.set(key, [...(moves.get(key) ?? []), controllers === '' ? 'v2' : controllers]);
  }
  return [...moves].map(([key, names]) => {
    const [from = '', to = ''] = key.split('\0');
    // Beside a path that only the host has, both are told as the host has them.
    const below = groupFor(from, viewer) !== from || from === to;
    const was = below ? groupFor(from, viewer) : from;
    const is = below ? groupFor(to, viewer) : to;
    return changed('cgroup', names.join(' '), was, is, 'cgroup', {
      en: `cgroup: ${was} → ${is} (${names.join(', ')})`,
      zh: `cgroup：${was} → ${is}（${names.join('、')}）`,
    });
  });
}

function limits(before: ProcessKernelState, after: ProcessKernelState): Draft[] {
  return Object.entries(after.limits).flatMap(([name, is]) => {
    const was = before.limits[name];
    if (was === undefined || was === is) return [];
    return [plain('limit', name, name, name, soft(was), soft(is), 'limits')];
  });
}

/** `1024 4096` → `1024 (at most 4096)` */
function soft(limit: string): string {
  const [now, most] = limit.split(' ');
  return now === most ? (now ?? '') : `${now}/${most}`;
}

function attributes(before: ProcessKernelState, after: ProcessKernelState): Draft[] {
  const rows = [
    ['umask', 'umask', '文件模式掩码 umask', before.umask, after.umask, 'status'],
    [
      'oom',
      'oom_score_adj',
      'oom_score_adj',
      before.oomScoreAdj,
      after.oomScoreAdj,
      'oom_score_adj',
    ],
    ['nice', 'nice value', 'nice 值', before.nice, after.nice, 'stat'],
    ['session', 'session', '会话', before.session, after.session, 'stat'],
    ['group', 'process group', '进程组', before.processGroup, after.processGroup, 'stat'],
    ['terminal', 'controlling terminal', '控制终端', before.terminal, after.terminal, 'stat'],
    ['parent', 'parent process', '父进程', before.parentPid, after.parentPid, 'status'],
    [
      'personality',
      'personality',
      'personality',
      before.personality,
      after.personality,
      'personality',
    ],
    [
      'time',
      'time offsets',
      '时间偏移',
      list(before.timeOffsets),
      list(after.timeOffsets),
      'timens_offsets',
    ],
  ] as const;
  return rows.flatMap(([subject, en, zh, was, is, file]) =>
    was === is
      ? []
      : [plain('attribute', subject, en, zh, String(was ?? 'none'), String(is ?? 'none'), file)],
  );
}

function fds(
  before: Readonly<Record<number, FdState>>,
  after: Readonly<Record<number, FdState>>,
): Draft[] {
  const opened = keys(after).filter((fd) => !(fd in before));
  const closed = keys(before).filter((fd) => !(fd in after));
  const kept = keys(after).filter((fd) => fd in before);
  const replaced = kept.filter((fd) => before[fd]?.target !== after[fd]?.target);
  const marked = kept.filter((fd) => before[fd]?.closeOnExec !== after[fd]?.closeOnExec);
  return [
    ...opened.map((fd) => fdDraft('new', fd, null, after[fd]?.target ?? '?')),
    ...replaced.map((fd) =>
      fdDraft('changed', fd, before[fd]?.target ?? '?', after[fd]?.target ?? '?'),
    ),
    ...fdsClosed(closed, before),
    ...closeOnExec(marked.filter((fd) => after[fd]?.closeOnExec === true)),
  ];
}

function keys(table: Readonly<Record<number, FdState>>): number[] {
  return Object.keys(table).map(Number);
}

function fdDraft(effect: 'new' | 'changed', fd: number, was: string | null, is: string): Draft {
  return {
    kind: 'fd',
    effect,
    subject: String(fd),
    before: was,
    after: is,
    file: `fd/${fd}`,
    words:
      was === null
        ? { en: `fd ${fd} opened: ${is}`, zh: `打开 fd ${fd}：${is}` }
        : { en: `fd ${fd}: ${was} → ${is}`, zh: `fd ${fd}：${was} → ${is}` },
  };
}

function fdsClosed(closed: readonly number[], before: Readonly<Record<number, FdState>>): Draft[] {
  if (closed.length <= 3) {
    return closed.map((fd) => ({
      kind: 'fd',
      effect: 'gone',
      subject: String(fd),
      before: before[fd]?.target ?? '?',
      after: null,
      file: 'fd',
      words: { en: `fd ${fd} closed`, zh: `关闭 fd ${fd}` },
    }));
  }
  const numbers = some(closed.map(String), 12);
  return [
    {
      kind: 'fd',
      effect: 'gone',
      subject: closed.join(' '),
      before: closed.join(' '),
      after: null,
      file: 'fd',
      words: {
        en: `${closed.length} fds closed: ${numbers.en}`,
        zh: `关闭 ${closed.length} 个 fd：${numbers.zh}`,
      },
    },
  ];
}

function closeOnExec(marked: readonly number[]): Draft[] {
  if (marked.length === 0) return [];
  const numbers = some(marked.map(String), 12);
  return [
    changed('fd', 'close-on-exec', 'kept', 'close-on-exec', 'fdinfo', {
      en: `${count(marked.length, 'fd', 'fds')} marked to be closed by execve: ${numbers.en}`,
      zh: `${marked.length} 个 fd 被标记为由 execve 关闭：${numbers.zh}`,
    }),
  ];
}

function list(values: readonly (string | number)[]): string {
  return values.length === 0 ? 'none' : values.join(' ');
}

function changed(
  kind: ChangeKind,
  subject: string,
  before: string,
  after: string,
  file: string,
  words: Words,
): Draft {
  return { kind, effect: 'changed', subject, before, after, file, words };
}

/** `name: before → after`. */
function plain(
  kind: ChangeKind,
  subject: string,
  en: string,
  zh: string,
  before: string,
  after: string,
  file: string,
): Draft {
  const inChinese = (value: string): string => (value === 'none' ? '无' : value);
  return changed(kind, subject, before, after, file, {
    en: `${en}: ${before} → ${after}`,
    zh: `${zh}：${inChinese(before)} → ${inChinese(after)}`,
  });
}
