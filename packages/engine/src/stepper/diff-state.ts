/**
 * The difference of two kernel states as typed changes with words: what one system call did. Pure.
 * Nothing is derived from the call: a change is in the list because two readings differ.
 */
import { diffProcess } from './diff-process.js';
import { type DiffContext, HOST_VIEWER, type KernelChange } from './kernel-change.js';
import type {
  FileState,
  KernelState,
  NetworkState,
  ProcessKernelState,
  Words,
} from './kernel-state.js';
import { count } from './phrases.js';
import { procOf } from './viewer.js';

/** Compares. Changes come in the order in which they are worth reading: processes first. */
export function diffStates(
  before: KernelState,
  after: KernelState,
  context: DiffContext,
): KernelChange[] {
  const seenMounts = new Set<string>();
  const changes = Object.entries(after.processes).flatMap(([name, state]) => {
    const old = before.processes[name];
    if (old === undefined) return newProcess(name, state, before, context);
    return diffProcess(name, old, state, context).filter((change) =>
      isFirstToTell(change, state, seenMounts),
    );
  });
  const gone = Object.entries(before.processes).filter(([name]) => !(name in after.processes));
  const told = [
    ...gone.map(([name, state]) => endedProcess(name, state)),
    ...changes,
    ...diffHostnames(before, after, context),
    ...diffNetworks(before, after, context),
    ...diffGroups(before, after),
  ];
  // What was written to uid_map or memory.max is often in a process's or a group's state already.
  const values = new Set(told.map((change) => `${change.before}\0${change.after}`));
  const file = diffFile(before.file, after.file, context);
  return [...told, ...file.filter((change) => !values.has(`${change.before}\0${change.after}`))];
}

/** Two processes with one mount namespace and one root see the same change. */
function isFirstToTell(
  { kind, subject, words }: KernelChange,
  { namespaces, root }: ProcessKernelState,
  seen: Set<string>,
): boolean {
  if (kind !== 'mount') return true;
  const key = `${namespaces.mnt} ${root.identity} ${subject} ${words.en}`;
  if (seen.has(key)) return false;
  seen.add(key);
  return true;
}

/** A child begins as a copy of whoever called clone3: only the differences are news. */
function newProcess(
  name: string,
  state: ProcessKernelState,
  before: KernelState,
  context: DiffContext,
): KernelChange[] {
  const parent = context.actor === null ? undefined : before.processes[context.actor];
  const pids = state.pids.join(' → ');
  const born: KernelChange = {
    kind: 'process',
    effect: 'new',
    process: name,
    subject: name,
    before: null,
    after: pids,
    source: `${procOf(state, context.viewer ?? HOST_VIEWER)}/status`,
    words: bornWords(name, state),
  };
  if (parent === undefined) return [born];
  const inherited = diffProcess(name, parent, state, context).filter(
    ({ kind, subject }) => kind !== 'fd' && kind !== 'mount' && !NEWBORN_NOISE.has(subject),
  );
  return [born, ...inherited, ...copiedMounts(name, parent, state, context)];
}

/** Follows from being another process. */
const NEWBORN_NOISE = new Set(['parent', 'comm', 'exe', 'pid_for_children', 'time_for_children']);

function bornWords(name: string, { pids }: ProcessKernelState): Words {
  const chain = pids.join(' → ');
  if (pids.length === 1) {
    return { en: `${name} is born: pid ${chain}`, zh: `${name} 诞生：PID ${chain}` };
  }
  return {
    en: `${name} is born: pid ${chain}, from the host's number to its own`,
    zh: `${name} 诞生：PID ${chain}，从宿主机的编号到它自己的编号`,
  };
}

function copiedMounts(
  name: string,
  parent: ProcessKernelState,
  state: ProcessKernelState,
  context: DiffContext,
): KernelChange[] {
  if (parent.namespaces.mnt === state.namespaces.mnt) return [];
  const rows = state.mounts.length;
  return [
    {
      kind: 'mount',
      effect: 'new',
      process: name,
      subject: 'copy',
      before: null,
      after: String(rows),
      source: `${procOf(state, context.viewer ?? HOST_VIEWER)}/mountinfo`,
      words: {
        en: `its mount table is a copy with ${count(rows, 'row', 'rows')}; from here on it changes alone`,
        zh: `它的挂载表是一份副本，共 ${rows} 行；从此各自变化`,
      },
    },
  ];
}

function endedProcess(name: string, { pids }: ProcessKernelState): KernelChange {
  return {
    kind: 'process',
    effect: 'gone',
    process: name,
    subject: name,
    before: pids.join(' → '),
    after: null,
    source: null,
    words: { en: `${name} ended`, zh: `${name} 结束` },
  };
}

function diffHostnames(
  before: KernelState,
  after: KernelState,
  { viewer = HOST_VIEWER }: DiffContext,
): KernelChange[] {
  return Object.entries(after.hostnames).flatMap(([inode, is]) => {
    const was = before.hostnames[Number(inode)];
    if (was === undefined || was === is) return [];
    const holder = Object.values(after.processes).find(
      ({ namespaces }) => namespaces.uts === Number(inode),
    );
    const pid = holder?.pids[viewer.level] ?? holder?.pid ?? '';
    return [
      {
        kind: 'hostname' as const,
        effect: 'changed' as const,
        process: null,
        subject: inode,
        before: was,
        after: is,
        source: `nsenter -t ${pid} -u hostname`,
        words: {
          en: `host name in uts:[${inode}]: ${was} → ${is}`,
          zh: `uts:[${inode}] 中的主机名：${was} → ${is}`,
        },
      },
    ];
  });
}

function diffNetworks(
  before: KernelState,
  after: KernelState,
  { viewer = HOST_VIEWER }: DiffContext,
): KernelChange[] {
  return Object.entries(after.networks).flatMap(([inode, is]) => {
    const was = before.networks[Number(inode)];
    if (was === undefined) return [];
    const holder = Object.values(after.processes).find(
      ({ namespaces }) => namespaces.net === Number(inode),
    );
    const pid = holder?.pids[viewer.level] ?? holder?.pid ?? '';
    return diffNetwork(was, is).map(([effect, sort, subject]) =>
      networkChange(
        effect,
        sort,
        subject,
        `/proc/${pid}/net/${sort === 'link' ? 'dev' : 'fib_trie'}`,
      ),
    );
  });
}

type NetworkRow = readonly ['new' | 'gone', 'link' | 'address', string];

function diffNetwork(was: NetworkState, is: NetworkState): NetworkRow[] {
  const compare = (
    sort: 'link' | 'address',
    old: readonly string[],
    now: readonly string[],
  ): NetworkRow[] => [
    ...now.filter((one) => !old.includes(one)).map((one) => ['new', sort, one] as const),
    ...old.filter((one) => !now.includes(one)).map((one) => ['gone', sort, one] as const),
  ];
  return [
    ...compare('link', was.links, is.links),
    ...compare('address', was.addresses, is.addresses),
  ];
}

function networkChange(
  effect: 'new' | 'gone',
  sort: 'link' | 'address',
  subject: string,
  source: string,
): KernelChange {
  const verb = effect === 'new' ? 'appeared' : 'is gone';
  const zhVerb = effect === 'new' ? '出现' : '消失';
  return {
    kind: 'network',
    effect,
    process: null,
    subject,
    before: effect === 'new' ? null : subject,
    after: effect === 'new' ? subject : null,
    source,
    words: {
      en: `network ${sort} ${subject} ${verb}`,
      zh: `网络${sort === 'link' ? '接口' : '地址'} ${subject} ${zhVerb}`,
    },
  };
}

/** Limits of groups that a process was and is in. */
function diffGroups(before: KernelState, after: KernelState): KernelChange[] {
  return Object.entries(after.groups).flatMap(([directory, files]) =>
    Object.entries(files).flatMap(([name, is]) => {
      const was = before.groups[directory]?.[name];
      if (was === undefined || was === is) return [];
      return [
        {
          kind: 'cgroup' as const,
          effect: 'changed' as const,
          process: null,
          subject: name,
          before: was,
          after: is,
          source: `${directory}/${name}`,
          words: {
            en: `${name}: ${was || 'empty'} → ${is || 'empty'}`,
            zh: `${name}：${was || '空'} → ${is || '空'}`,
          },
        },
      ];
    }),
  );
}

function diffFile(
  was: FileState | null,
  is: FileState | null,
  { actor }: DiffContext,
): KernelChange[] {
  if (was === null || is === null || was.path !== is.path) return [];
  const change = (
    effect: KernelChange['effect'],
    words: Words,
    old: string | null,
    now: string | null,
  ) => ({
    kind: 'file' as const,
    effect,
    process: actor,
    subject: is.path,
    before: old,
    after: now,
    source: is.path,
    words,
  });
  if (was.type === null && is.type !== null) {
    const owner =
      is.type === 'symbolic link' ? `→ ${is.link}` : `mode ${is.mode}, owner ${is.owner}`;
    const zhOwner =
      is.type === 'symbolic link' ? `→ ${is.link}` : `模式 ${is.mode}，属主 ${is.owner}`;
    const words = {
      en: `${is.type} ${is.path} appeared, ${owner}`,
      zh: `出现${FILE_TYPES[is.type.split(' ')[0] ?? ''] ?? is.type} ${is.path}，${zhOwner}`,
    };
    return [change('new', words, null, is.type)];
  }
  if (was.type !== null && is.type === null) {
    return [
      change('gone', { en: `${was.path} is gone`, zh: `${was.path} 消失了` }, was.type, null),
    ];
  }
  const rows = [
    ['type', '类型', was.type, is.type],
    ['mode', '模式', was.mode, is.mode],
    ['owner', '属主', was.owner, is.owner],
    ['content', '内容', was.content, is.content],
  ] as const;
  return rows.flatMap(([en, zh, old, now]) => {
    if (old === now) return [];
    const what = { en: en === 'content' ? '' : `${en} of `, zh: en === 'content' ? '' : `的${zh}` };
    const words = {
      en: `${what.en}${is.path}: ${old || 'empty'} → ${now || 'empty'}`,
      zh: `${is.path}${what.zh}：${old || '空'} → ${now || '空'}`,
    };
    return [change('changed', words, old, now)];
  });
}

const FILE_TYPES: Readonly<Record<string, string>> = {
  directory: '目录',
  file: '文件',
  symbolic: '符号链接',
  character: '字符设备',
  block: '块设备',
  fifo: 'FIFO',
  socket: '套接字',
};
