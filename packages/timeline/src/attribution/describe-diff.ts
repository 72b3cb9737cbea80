/**
 * A command's diff in words, in the two languages of the page: one sentence for each thing that
 * a person would tell another. Copies of mounts and short-lived programs are counted, not listed.
 */
import type { NsInode, ProcessState } from '../state.js';
import type { ChangedObject, CommandDiff, DiffObject, FieldChange } from './command-diff.js';

export type DiffLanguage = 'en' | 'zh';

/** Things of one sort that are named; more of them are counted. */
const NAMED = 3;

/** Sentences in the order appeared, changed, vanished, passed; one that says so when nothing did. */
export function describeDiff(diff: CommandDiff, language: DiffLanguage): readonly string[] {
  const words = WORDS[language];
  const sentences = [
    ...copySentences(diff.appeared, words),
    ...objectSentences(diff.appeared, words.appeared),
    ...diff.changed.flatMap((changed) => changeSentences(changed, words)),
    ...objectSentences(diff.vanished, words.vanished),
    ...objectSentences(diff.passed, words.passed, passedName),
  ];
  return sentences.length > 0 ? sentences : [words.nothing];
}

/** Of each kind in turn: a few by name, more of them by number. */
function objectSentences(
  objects: readonly DiffObject[],
  verbs: Readonly<Record<Sort, Verb>>,
  nameOf: (object: DiffObject) => string = objectName,
): string[] {
  return SORTS.flatMap((sort) => {
    const names = objects.filter((one) => sortOf(one) === sort).map(nameOf);
    const { one, many } = verbs[sort];
    return names.length > NAMED ? [many(names.length)] : names.map(one);
  });
}

/** What is told apart in words. An entry of a layer may be a file, or hide one. */
type Sort = DiffObject['kind'] | 'whiteout';

/** In the order in which they are told. */
const SORTS: readonly Sort[] = [
  ...(['process', 'namespace', 'mount', 'cgroup', 'overlay', 'entry', 'whiteout'] as const),
  ...(['link', 'address', 'route', 'listener', 'table'] as const),
];

/** Null for copies of mounts, which are counted by themselves. */
function sortOf(object: DiffObject): Sort | null {
  if (object.kind === 'mount' && object.copied) return null;
  if (object.kind === 'entry' && object.entry.kind === 'whiteout') return 'whiteout';
  return object.kind;
}

/** Of a process that is gone, its pid is of no interest. */
function passedName(object: DiffObject): string {
  return object.kind === 'process' ? programName(object.process) : objectName(object);
}

function copySentences(appeared: readonly DiffObject[], words: Words): string[] {
  const copies = new Map<NsInode, number>();
  for (const one of appeared) {
    if (one.kind !== 'mount' || !one.copied) continue;
    copies.set(one.mountNs, (copies.get(one.mountNs) ?? 0) + 1);
  }
  return [...copies].map(([mountNs, count]) => words.copied(count, `mnt:[${mountNs}]`));
}

function changeSentences({ object, fields }: ChangedObject, words: Words): string[] {
  const name = objectName(object);
  return fields.flatMap((change) => {
    const sentence = fieldSentence(object, name, change, words);
    return sentence === null ? [] : [sentence];
  });
}

function fieldSentence(
  object: DiffObject,
  name: string,
  { field, from, to }: FieldChange,
  words: Words,
): string | null {
  switch (object.kind) {
    case 'process':
      return processSentence(name, { field, from, to }, words);
    case 'cgroup':
      return words.changed(name, field, text(from), text(to));
    case 'entry':
      if (field === 'opaque') return words.opaque(name);
      if (field === 'kind' && to === 'whiteout') return words.appeared.whiteout.one(name);
      if (field !== 'size' && field !== 'kind') return null; // how it came there
      if (object.entry.kind === 'whiteout') return null; // its file's size
      return words.changed(name, field, text(from), text(to));
    case 'table':
      return words.rules(name, ruleCount(from), ruleCount(to));
    case 'link':
      if (field === 'flags') return flagSentence(name, from as string[], to as string[], words);
      return words.changed(name, field, text(from), text(to));
    default:
      break;
  }
  if (field === 'holders') {
    const gained = (to as readonly unknown[]).length > (from as readonly unknown[]).length;
    return gained ? words.held(name) : words.released(name);
  }
  return words.changed(name, field, text(from), text(to));
}

function processSentence(
  name: string,
  { field, from, to }: FieldChange,
  words: Words,
): string | null {
  switch (field) {
    case 'args':
      return words.became(name, (to as readonly string[]).join(' '));
    case 'comm':
      return null; // with args, or unimportant
    case 'cgroup':
      return words.moved(name, String(to));
    case 'cgroups':
      return words.moved(name, movedTo(from as Paths, to as Paths).join(', '));
    case 'namespaces':
      return words.entered(name, inodesOf(from as Inodes, to as Inodes).join(', '));
    case 'uid':
      return words.user(name, (to as ProcessState['uid']).inside);
    default:
      return words.changed(name, field, text(from), text(to));
  }
}

function flagSentence(
  name: string,
  from: readonly string[],
  to: readonly string[],
  words: Words,
): string {
  if (to.includes('UP') !== from.includes('UP')) return words.link(name, to.includes('UP'));
  return words.changed(name, 'flags', from.join(' '), to.join(' '));
}

function ruleCount(chains: unknown): number {
  return (chains as readonly { rules: readonly unknown[] }[]).reduce(
    (sum, { rules }) => sum + rules.length,
    0,
  );
}

type Paths = Readonly<Record<string, string>> | undefined;

/** `memory:/demo`, for each v1 hierarchy that it left or entered. */
function movedTo(from: Paths, to: Paths): string[] {
  const names = new Set([...Object.keys(from ?? {}), ...Object.keys(to ?? {})]);
  return [...names]
    .filter((name) => from?.[name] !== to?.[name])
    .map((name) => `${name}:${to?.[name] ?? '/'}`);
}

type Inodes = Readonly<Record<string, NsInode>>;

function inodesOf(from: Inodes, to: Inodes): string[] {
  return Object.keys(to)
    .filter((kind) => from[kind] !== to[kind])
    .map((kind) => `${kind}:[${to[kind]}]`);
}

function text(value: unknown): string {
  return typeof value === 'string' ? value || '""' : JSON.stringify(value);
}

/** An object in a few words, the same in both languages. */
export function objectName(object: DiffObject): string {
  switch (object.kind) {
    case 'process':
      return processName(object.process);
    case 'namespace':
      return `${object.namespace.kind}:[${object.namespace.inode}]`;
    case 'mount':
      return `${object.mount.mountPoint} (${object.mount.fsType})`;
    case 'cgroup':
      // v1 has a tree for each controller.
      return object.cgroup.hierarchy === '' ? object.cgroup.path : object.cgroup.key;
    case 'overlay':
      return object.overlay.layers.map(({ dir }) => dir).join(' + ');
    case 'entry':
      return `${object.path} (${object.role})`;
    case 'link':
      return object.link.name;
    case 'address':
      return `${object.address} (${object.link})`;
    case 'route': {
      const { to, via, dev } = object.route;
      return `${to}${via === null ? '' : ` via ${via}`}${dev === null ? '' : ` dev ${dev}`}`;
    }
    case 'listener': {
      const { protocol, address, port } = object.listener;
      return `${protocol} ${address}:${port}`;
    }
    case 'table':
      return `${object.table.family} ${object.table.name}`;
  }
}

/** `sleep 1000 (pid 23)`: the pid as the sandbox sees it, second of the list from the host's on. */
function processName(process: ProcessState): string {
  return `${programName(process)} (pid ${process.pids[1] ?? process.hostPid})`;
}

function programName({ args, comm }: ProcessState): string {
  return args.length > 0 ? args.join(' ') : comm;
}

/** How one of a sort is told, and how many of them. */
interface Verb {
  readonly one: (name: string) => string;
  readonly many: (count: number) => string;
}

type Naming = (name: string) => string;

interface Words {
  readonly appeared: Readonly<Record<Sort, Verb>>;
  readonly vanished: Readonly<Record<Sort, Verb>>;
  readonly passed: Readonly<Record<Sort, Verb>>;
  readonly copied: (count: number, namespace: string) => string;
  readonly became: (name: string, program: string) => string;
  readonly moved: (name: string, cgroup: string) => string;
  readonly entered: (name: string, namespaces: string) => string;
  readonly user: (name: string, uid: number) => string;
  readonly held: Naming;
  readonly released: Naming;
  readonly opaque: Naming;
  readonly link: (name: string, up: boolean) => string;
  readonly rules: (name: string, from: number, to: number) => string;
  readonly changed: (name: string, field: string, from: string, to: string) => string;
  readonly nothing: string;
}

/** `{}` stands for the name, or the number. */
function verb(one: string, many: string): Verb {
  return {
    one: (name) => one.replace('{}', () => name),
    many: (count) => many.replace('{}', String(count)),
  };
}

const WORDS: Readonly<Record<DiffLanguage, Words>> = {
  en: {
    appeared: {
      process: verb('started {}', 'started {} processes'),
      namespace: verb('made the namespace {}', 'made {} namespaces'),
      mount: verb('mounted {}', 'made {} mounts'),
      cgroup: verb('made the cgroup {}', 'made {} cgroups'),
      overlay: verb('stacked {}', 'stacked {} overlays'),
      entry: verb('put {} into its layer', 'put {} files into layers'),
      whiteout: verb('hid {} by a whiteout', 'hid {} files by whiteouts'),
      link: verb('made the interface {}', 'made {} interfaces'),
      address: verb('gave the address {}', 'gave {} addresses'),
      route: verb('added the route {}', 'added {} routes'),
      listener: verb('listens on {}', 'listens on {} sockets'),
      table: verb('made the table {}', 'made {} tables'),
    },
    vanished: {
      process: verb('ended {}', 'ended {} processes'),
      namespace: verb('the namespace {} is gone', '{} namespaces are gone'),
      mount: verb('unmounted {}', 'removed {} mounts'),
      cgroup: verb('removed the cgroup {}', 'removed {} cgroups'),
      overlay: verb('took apart {}', 'took apart {} overlays'),
      entry: verb('removed {} from its layer', 'removed {} files from layers'),
      whiteout: verb('took the whiteout of {} away', 'took {} whiteouts away'),
      link: verb('removed the interface {}', 'removed {} interfaces'),
      address: verb('took the address {} away', 'took {} addresses away'),
      route: verb('removed the route {}', 'removed {} routes'),
      listener: verb('no longer listens on {}', 'no longer listens on {} sockets'),
      table: verb('removed the table {}', 'removed {} tables'),
    },
    passed: {
      process: verb('ran {}', 'ran {} processes'),
      namespace: verb('made the namespace {} and left it', 'made {} namespaces and left them'),
      mount: verb('mounted and unmounted {}', 'mounted and unmounted {} times'),
      cgroup: verb('made and removed the cgroup {}', 'made and removed {} cgroups'),
      overlay: verb('stacked {} for a moment', 'stacked {} overlays for a moment'),
      entry: verb('made and removed {}', 'made and removed {} files'),
      whiteout: verb('hid {} for a moment', 'hid {} files for a moment'),
      link: verb('made and removed the interface {}', 'made and removed {} interfaces'),
      address: verb('had the address {} for a moment', 'had {} addresses for a moment'),
      route: verb('had the route {} for a moment', 'had {} routes for a moment'),
      listener: verb('listened on {} for a moment', 'listened on {} sockets for a moment'),
      table: verb('made and removed the table {}', 'made and removed {} tables'),
    },
    copied: (count, namespace) => `${namespace} began with copies of ${count} mounts`,
    became: (name, program) => `${name} now runs ${program}`,
    moved: (name, cgroup) => `moved ${name} to the cgroup ${cgroup}`,
    entered: (name, into) => `${name} entered ${into}`,
    user: (name, uid) => `${name} is now user ${uid}`,
    held: (name) => `${name} is now held without members`,
    released: (name) => `${name} is no longer held`,
    opaque: (name) => `${name} now hides what lies below it`,
    link: (name, up) => `${up ? 'switched on' : 'switched off'} the interface ${name}`,
    rules: (name, from, to) => `the table ${name} has ${to} rules, had ${from}`,
    changed: (name, field, from, to) => `${name}: ${field} from ${from} to ${to}`,
    nothing: 'changed nothing that is watched',
  },
  zh: {
    appeared: {
      process: verb('启动了 {}', '启动了 {} 个进程'),
      namespace: verb('创建了命名空间 {}', '创建了 {} 个命名空间'),
      mount: verb('挂载了 {}', '新增了 {} 个挂载'),
      cgroup: verb('创建了 cgroup {}', '创建了 {} 个 cgroup'),
      overlay: verb('叠起了 {}', '叠起了 {} 个 overlay'),
      entry: verb('把 {} 放进了所在的层', '把 {} 个文件放进了层'),
      whiteout: verb('用 whiteout 遮住了 {}', '用 whiteout 遮住了 {} 个文件'),
      link: verb('创建了网络接口 {}', '创建了 {} 个网络接口'),
      address: verb('添加了地址 {}', '添加了 {} 个地址'),
      route: verb('添加了路由 {}', '添加了 {} 条路由'),
      listener: verb('开始监听 {}', '开始监听 {} 个套接字'),
      table: verb('创建了表 {}', '创建了 {} 个表'),
    },
    vanished: {
      process: verb('结束了 {}', '结束了 {} 个进程'),
      namespace: verb('命名空间 {} 消失了', '{} 个命名空间消失了'),
      mount: verb('卸载了 {}', '移除了 {} 个挂载'),
      cgroup: verb('删除了 cgroup {}', '删除了 {} 个 cgroup'),
      overlay: verb('拆掉了 {}', '拆掉了 {} 个 overlay'),
      entry: verb('从所在的层删除了 {}', '从层里删除了 {} 个文件'),
      whiteout: verb('去掉了 {} 的 whiteout', '去掉了 {} 个 whiteout'),
      link: verb('删除了网络接口 {}', '删除了 {} 个网络接口'),
      address: verb('删除了地址 {}', '删除了 {} 个地址'),
      route: verb('删除了路由 {}', '删除了 {} 条路由'),
      listener: verb('不再监听 {}', '不再监听 {} 个套接字'),
      table: verb('删除了表 {}', '删除了 {} 个表'),
    },
    passed: {
      process: verb('运行了 {}', '运行了 {} 个进程'),
      namespace: verb('创建了命名空间 {}，随后离开了它', '创建了 {} 个命名空间，随后离开了它们'),
      mount: verb('挂载后又卸载了 {}', '挂载后又卸载了 {} 次'),
      cgroup: verb('创建后又删除了 cgroup {}', '创建后又删除了 {} 个 cgroup'),
      overlay: verb('短暂地叠起了 {}', '短暂地叠起了 {} 个 overlay'),
      entry: verb('创建后又删除了 {}', '创建后又删除了 {} 个文件'),
      whiteout: verb('短暂地遮住了 {}', '短暂地遮住了 {} 个文件'),
      link: verb('创建后又删除了网络接口 {}', '创建后又删除了 {} 个网络接口'),
      address: verb('短暂地有过地址 {}', '短暂地有过 {} 个地址'),
      route: verb('短暂地有过路由 {}', '短暂地有过 {} 条路由'),
      listener: verb('短暂地监听过 {}', '短暂地监听过 {} 个套接字'),
      table: verb('创建后又删除了表 {}', '创建后又删除了 {} 个表'),
    },
    copied: (count, namespace) => `${namespace} 一开始就带有 ${count} 个挂载的副本`,
    became: (name, program) => `${name} 现在运行 ${program}`,
    moved: (name, cgroup) => `把 ${name} 移到了 cgroup ${cgroup}`,
    entered: (name, into) => `${name} 进入了 ${into}`,
    user: (name, uid) => `${name} 现在是用户 ${uid}`,
    held: (name) => `${name} 现在没有成员也会保留`,
    released: (name) => `${name} 不再被保留`,
    opaque: (name) => `${name} 现在遮住了它下面的内容`,
    link: (name, up) => `${up ? '启用' : '停用'}了网络接口 ${name}`,
    rules: (name, from, to) => `表 ${name} 现在有 ${to} 条规则，之前有 ${from} 条`,
    changed: (name, field, from, to) => `${name}：${field} 从 ${from} 变为 ${to}`,
    nothing: '没有改变任何被观察的内核对象',
  },
};
