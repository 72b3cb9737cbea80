/**
 * What changed about one process, between two readings of /proc/PID. Pure: each function compares
 * one subject and says it in words. Here: its program and its namespaces.
 */
import { capabilities, confinement, credentials } from './diff-powers.js';
import { attributes, fds, groups, limits, mounts, places } from './diff-surroundings.js';
import { changed, type Draft, plain } from './draft.js';
import { type DiffContext, HOST_VIEWER, type KernelChange, type Viewer } from './kernel-change.js';
import { NAMESPACE_NAMES, type ProcessKernelState, type Words } from './kernel-state.js';
import { mapRowFor, procOf } from './viewer.js';

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
