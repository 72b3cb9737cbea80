/** What changed around a process: root, mounts, groups, limits, open files. Pure. */
import { diffMounts } from './diff-mounts.js';
import { changed, type Draft, list, plain } from './draft.js';
import type { Viewer } from './kernel-change.js';
import type { FdState, MountRow, ProcessKernelState } from './kernel-state.js';
import { count, some } from './phrases.js';
import { rootMount } from './read-process.js';
import { groupFor } from './viewer.js';

/** Where it stands, and what it sees as its root. */
export function places(before: ProcessKernelState, after: ProcessKernelState): Draft[] {
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

/** Its mount table. */
export function mounts(before: ProcessKernelState, after: ProcessKernelState): Draft[] {
  // A table of another namespace is another table: there is nothing to compare.
  if (before.namespaces.mnt !== after.namespaces.mnt) return [];
  return diffMounts(before, after).map((one) => ({ ...one, kind: 'mount', file: 'mountinfo' }));
}

/** Hierarchies in which the process moved from and to the same path are told together. */
export function groups(
  before: ProcessKernelState,
  after: ProcessKernelState,
  viewer: Viewer,
): Draft[] {
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

/** Resource limits. */
export function limits(before: ProcessKernelState, after: ProcessKernelState): Draft[] {
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

/** Small things that fork and execve hand on. */
export function attributes(before: ProcessKernelState, after: ProcessKernelState): Draft[] {
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

/** Open files. */
export function fds(
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
