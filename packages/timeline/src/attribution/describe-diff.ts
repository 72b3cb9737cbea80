/**
 * A command's diff in words, in the two languages of the page: one sentence for each thing that
 * a person would tell another. Copies of mounts and short-lived programs are counted, not listed.
 */
import type { MountState, NamespaceState, NsInode, ProcessState } from '../state.js';
import type { ChangedObject, CommandDiff, DiffObject, FieldChange } from './command-diff.js';

export type DiffLanguage = 'en' | 'zh';

/** Things of one sort that are named; more of them are counted. */
const NAMED = 3;

/** Sentences in the order appeared, changed, vanished, passed; one that says so when nothing did. */
export function describeDiff(diff: CommandDiff, language: DiffLanguage): readonly string[] {
  const words = WORDS[language];
  const sentences = [
    ...listed(processes(diff.appeared).map(processName), words.started, words.startedMany),
    ...listed(namespaces(diff.appeared).map(namespaceName), words.made, words.madeMany),
    ...mountSentences(diff.appeared, words),
    ...diff.changed.flatMap((changed) => changeSentences(changed, words)),
    ...listed(processes(diff.vanished).map(processName), words.ended, words.endedMany),
    ...listed(namespaces(diff.vanished).map(namespaceName), words.removed, words.removedMany),
    ...listed(mounts(diff.vanished).map(mountName), words.unmounted, words.unmountedMany),
    ...listed(processes(diff.passed).map(programName), words.ran, words.ranMany),
    ...listed(namespaces(diff.passed).map(namespaceName), words.usedFor, words.usedForMany),
    ...listed(
      mounts(diff.passed.filter((one) => one.kind !== 'mount' || !one.copied)).map(mountName),
      words.mountedFor,
      words.mountedForMany,
    ),
  ];
  return sentences.length > 0 ? sentences : [words.nothing];
}

function processes(objects: readonly DiffObject[]): ProcessState[] {
  return objects.flatMap((one) => (one.kind === 'process' ? [one.process] : []));
}

function namespaces(objects: readonly DiffObject[]): NamespaceState[] {
  return objects.flatMap((one) => (one.kind === 'namespace' ? [one.namespace] : []));
}

function mounts(objects: readonly DiffObject[]): MountState[] {
  return objects.flatMap((one) => (one.kind === 'mount' ? [one.mount] : []));
}

function mountSentences(appeared: readonly DiffObject[], words: Words): string[] {
  const own = appeared.filter((one) => one.kind === 'mount' && !one.copied);
  const copies = new Map<NsInode, number>();
  for (const one of appeared) {
    if (one.kind !== 'mount' || !one.copied) continue;
    copies.set(one.mountNs, (copies.get(one.mountNs) ?? 0) + 1);
  }
  return [
    ...[...copies].map(([mountNs, count]) => words.copied(count, `mnt:[${mountNs}]`)),
    ...listed(mounts(own).map(mountName), words.mounted, words.mountedMany),
  ];
}

function changeSentences({ object, fields }: ChangedObject, words: Words): string[] {
  const name = objectName(object);
  return fields.flatMap((change) => {
    const sentence = fieldSentence(name, change, words);
    return sentence === null ? [] : [sentence];
  });
}

function fieldSentence(
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
    case 'namespaces':
      return words.entered(name, movedTo(from as Inodes, to as Inodes).join(', '));
    case 'uid':
      return words.user(name, (to as ProcessState['uid']).inside);
    case 'holders': {
      const gained = (to as readonly unknown[]).length > (from as readonly unknown[]).length;
      return gained ? words.held(name) : words.released(name);
    }
    default:
      return words.changed(name, field, text(from), text(to));
  }
}

type Inodes = Readonly<Record<string, NsInode>>;

function movedTo(from: Inodes, to: Inodes): string[] {
  return Object.keys(to)
    .filter((kind) => from[kind] !== to[kind])
    .map((kind) => `${kind}:[${to[kind]}]`);
}

function text(value: unknown): string {
  return typeof value === 'string' ? value || '""' : JSON.stringify(value);
}

function objectName(object: DiffObject): string {
  if (object.kind === 'process') return processName(object.process);
  return object.kind === 'namespace' ? namespaceName(object.namespace) : mountName(object.mount);
}

/** `sleep 1000 (pid 23)`: the pid as the sandbox sees it, second of the list from the host's on. */
function processName(process: ProcessState): string {
  return `${programName(process)} (pid ${process.pids[1] ?? process.hostPid})`;
}

function programName({ args, comm }: ProcessState): string {
  return args.length > 0 ? args.join(' ') : comm;
}

function namespaceName({ kind, inode }: NamespaceState): string {
  return `${kind}:[${inode}]`;
}

function mountName({ mountPoint, fsType }: MountState): string {
  return `${mountPoint} (${fsType})`;
}

/** Names of a few, the number of many. */
function listed(
  names: readonly string[],
  one: (name: string) => string,
  many: (count: number) => string,
): string[] {
  return names.length > NAMED ? [many(names.length)] : names.map(one);
}

type Naming = (name: string) => string;
type Counting = (count: number) => string;

interface Words {
  readonly started: Naming;
  readonly startedMany: Counting;
  readonly made: Naming;
  readonly madeMany: Counting;
  readonly mounted: Naming;
  readonly mountedMany: Counting;
  readonly copied: (count: number, namespace: string) => string;
  readonly became: (name: string, program: string) => string;
  readonly moved: (name: string, cgroup: string) => string;
  readonly entered: (name: string, namespaces: string) => string;
  readonly user: (name: string, uid: number) => string;
  readonly held: Naming;
  readonly released: Naming;
  readonly changed: (name: string, field: string, from: string, to: string) => string;
  readonly ended: Naming;
  readonly endedMany: Counting;
  readonly removed: Naming;
  readonly removedMany: Counting;
  readonly unmounted: Naming;
  readonly unmountedMany: Counting;
  readonly ran: Naming;
  readonly ranMany: Counting;
  readonly usedFor: Naming;
  readonly usedForMany: Counting;
  readonly mountedFor: Naming;
  readonly mountedForMany: Counting;
  readonly nothing: string;
}

const WORDS: Readonly<Record<DiffLanguage, Words>> = {
  en: {
    started: (name) => `started ${name}`,
    startedMany: (count) => `started ${count} processes`,
    made: (name) => `made the namespace ${name}`,
    madeMany: (count) => `made ${count} namespaces`,
    mounted: (name) => `mounted ${name}`,
    mountedMany: (count) => `made ${count} mounts`,
    copied: (count, namespace) => `${namespace} began with copies of ${count} mounts`,
    became: (name, program) => `${name} now runs ${program}`,
    moved: (name, cgroup) => `moved ${name} to the cgroup ${cgroup}`,
    entered: (name, into) => `${name} entered ${into}`,
    user: (name, uid) => `${name} is now user ${uid}`,
    held: (name) => `${name} is now held without members`,
    released: (name) => `${name} is no longer held`,
    changed: (name, field, from, to) => `${name}: ${field} from ${from} to ${to}`,
    ended: (name) => `ended ${name}`,
    endedMany: (count) => `ended ${count} processes`,
    removed: (name) => `the namespace ${name} is gone`,
    removedMany: (count) => `${count} namespaces are gone`,
    unmounted: (name) => `unmounted ${name}`,
    unmountedMany: (count) => `removed ${count} mounts`,
    ran: (name) => `ran ${name}`,
    ranMany: (count) => `ran ${count} processes`,
    usedFor: (name) => `made the namespace ${name} and left it`,
    usedForMany: (count) => `made ${count} namespaces and left them`,
    mountedFor: (name) => `mounted and unmounted ${name}`,
    mountedForMany: (count) => `mounted and unmounted ${count} times`,
    nothing: 'changed nothing that is watched',
  },
  zh: {
    started: (name) => `启动了 ${name}`,
    startedMany: (count) => `启动了 ${count} 个进程`,
    made: (name) => `创建了命名空间 ${name}`,
    madeMany: (count) => `创建了 ${count} 个命名空间`,
    mounted: (name) => `挂载了 ${name}`,
    mountedMany: (count) => `新增了 ${count} 个挂载`,
    copied: (count, namespace) => `${namespace} 一开始就带有 ${count} 个挂载的副本`,
    became: (name, program) => `${name} 现在运行 ${program}`,
    moved: (name, cgroup) => `把 ${name} 移到了 cgroup ${cgroup}`,
    entered: (name, into) => `${name} 进入了 ${into}`,
    user: (name, uid) => `${name} 现在是用户 ${uid}`,
    held: (name) => `${name} 现在没有成员也会保留`,
    released: (name) => `${name} 不再被保留`,
    changed: (name, field, from, to) => `${name}：${field} 从 ${from} 变为 ${to}`,
    ended: (name) => `结束了 ${name}`,
    endedMany: (count) => `结束了 ${count} 个进程`,
    removed: (name) => `命名空间 ${name} 消失了`,
    removedMany: (count) => `${count} 个命名空间消失了`,
    unmounted: (name) => `卸载了 ${name}`,
    unmountedMany: (count) => `移除了 ${count} 个挂载`,
    ran: (name) => `运行了 ${name}`,
    ranMany: (count) => `运行了 ${count} 个进程`,
    usedFor: (name) => `创建了命名空间 ${name}，随后离开了它`,
    usedForMany: (count) => `创建了 ${count} 个命名空间，随后离开了它们`,
    mountedFor: (name) => `挂载后又卸载了 ${name}`,
    mountedForMany: (count) => `挂载后又卸载了 ${count} 次`,
    nothing: '没有改变任何被观察的内核对象',
  },
};
