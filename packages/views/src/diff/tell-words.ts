/**
 * The sentences of "What just happened?", in both languages. A name comes in `backticks`, which
 * the page sets as code. Whole sentences for people who met the words an hour ago: what a thing is
 * for stands beside its name.
 */
import type { NamespaceKind } from '@terrarium/timeline';
import type { Lang } from '../strings.js';

/** `names` are in backticks already and joined; `count` says how many there are in all. */
type Tell = (names: string, count: number) => string;

/** What happens to each sort of object; the keys are the sorts that tell.ts names one by one. */
interface Fates {
  readonly process: Tell;
  readonly namespace: (kind: NamespaceKind, count: number) => string;
  readonly mount: Tell;
  readonly cgroup: Tell;
  readonly overlay: Tell;
  readonly entry: Tell;
  readonly whiteout: Tell;
  readonly link: Tell;
  readonly address: Tell;
  readonly route: Tell;
  readonly listener: Tell;
  readonly table: Tell;
  readonly other: Tell;
}

export interface TellWords {
  readonly appeared: Fates;
  readonly vanished: Fates;
  readonly passed: Fates;
  readonly comma: string;
  readonly more: (count: number) => string;
  readonly process: (program: string, pid: number) => string;
  readonly copies: (count: number) => string;
  readonly pinned: (kind: string, path: string) => string;
  readonly bound: (path: string) => string;
  readonly copiedUp: Tell;
  readonly became: (name: string, program: string) => string;
  readonly moved: (name: string, group: string) => string;
  readonly entered: (name: string, kinds: readonly NamespaceKind[]) => string;
  readonly user: (name: string, uid: number) => string;
  readonly root: (name: string, path: string) => string;
  readonly stopped: (name: string) => string;
  readonly zombie: (name: string) => string;
  readonly setting: (file: string, group: string, to: string, from: string) => string;
  readonly held: (kind: NamespaceKind, on: boolean) => string;
  readonly hostname: (name: string) => string;
  readonly opaque: (name: string) => string;
  readonly switched: (link: string, on: boolean) => string;
  readonly rules: (table: string, to: number, from: number) => string;
  readonly changed: (name: string, field: string, to: string, from: string) => string;
  readonly nothing: string;
  readonly nothingYet: string;
  readonly exit: (code: number) => string;
  readonly signal: (signal: number) => string;
  readonly notFound: string;
  readonly notExecutable: string;
}

/** What a namespace of each kind is good for. */
const GLOSS: Readonly<Record<NamespaceKind, readonly [en: string, zh: string]>> = {
  pid: ['process numbers of its own', '自己的一套进程号'],
  mnt: ['a list of mounts of its own', '自己的一张挂载表'],
  net: ['a network of its own', '自己的一套网络'],
  uts: ['a host name of its own', '自己的主机名'],
  ipc: ['shared memory and queues of its own', '自己的共享内存和消息队列'],
  user: ['user numbers of its own', '自己的一套用户号'],
  cgroup: ['a view of cgroups of its own', '自己眼中的 cgroup 树'],
  time: ['clocks of its own', '自己的时钟'],
};

const be = (count: number): string => (count === 1 ? 'is' : 'are');
const was = (count: number): string => (count === 1 ? 'was' : 'were');
const has = (count: number): string => (count === 1 ? 'has' : 'have');

/** `The interface a was` or `The interfaces a, b were`. */
const the = (one: string, many: string) => (names: string, count: number) =>
  `The ${count === 1 ? one : many} ${names}`;

const link = the('network interface', 'network interfaces');
const address = the('address', 'addresses');
const route = the('route', 'routes');
const table = the('nftables table', 'nftables tables');
const group = the('cgroup', 'cgroups');

const en: TellWords = {
  appeared: {
    process: (names, n) =>
      n === 1 ? `A new process runs: ${names}.` : `${n} new processes run: ${names}.`,
    namespace: (kind, n) =>
      n === 1
        ? `There is a new ${kind} namespace: ${GLOSS[kind][0]}.`
        : `There are ${n} new ${kind} namespaces: each has ${GLOSS[kind][0]}.`,
    mount: (names, n) =>
      n === 1 ? `${names} was mounted.` : `${n} file systems were mounted: ${names}.`,
    cgroup: (names, n) => `${group(names, n)} ${was(n)} made.`,
    overlay: (names) => `Layers were stacked to one file system: ${names}.`,
    entry: (names, n) => `${names} ${was(n)} written into the upper layer.`,
    whiteout: (names, n) =>
      `${names} ${be(n)} hidden now: a whiteout in the upper layer stands for “deleted”.`,
    link: (names, n) => `${link(names, n)} ${was(n)} made.`,
    address: (names, n) => `${address(names, n)} ${was(n)} given.`,
    route: (names, n) => `${route(names, n)} ${was(n)} added.`,
    listener: (names) => `Somebody listens now on ${names}.`,
    table: (names, n) => `${table(names, n)} ${was(n)} made.`,
    other: (names) => `New: ${names}.`,
  },
  vanished: {
    process: (names, n) => `${names} ${has(n)} ended.`,
    namespace: (kind, n) =>
      n === 1
        ? `A ${kind} namespace is gone: nobody was in it any more.`
        : `${n} ${kind} namespaces are gone: nobody was in them any more.`,
    mount: (names, n) => `${names} ${was(n)} unmounted.`,
    cgroup: (names, n) => `${group(names, n)} ${was(n)} removed.`,
    overlay: (names) => `Stacked layers were taken apart: ${names}.`,
    entry: (names, n) => `${names} ${be(n)} no longer in the layer.`,
    whiteout: (names, n) => `${names} ${be(n)} no longer hidden by a whiteout.`,
    link: (names, n) => `${link(names, n)} ${was(n)} removed.`,
    address: (names, n) => `${address(names, n)} ${was(n)} taken away.`,
    route: (names, n) => `${route(names, n)} ${was(n)} removed.`,
    listener: (names) => `Nobody listens any more on ${names}.`,
    table: (names, n) => `${table(names, n)} ${was(n)} removed.`,
    other: (names) => `Gone: ${names}.`,
  },
  passed: {
    process: (names, n) =>
      n === 1 ? `${names} ran and has ended.` : `${n} processes ran and have ended: ${names}.`,
    namespace: (kind, n) =>
      n === 1
        ? `A ${kind} namespace was made, and is gone again.`
        : `${n} ${kind} namespaces were made, and are gone again.`,
    mount: (names, n) => `${names} ${was(n)} mounted, and unmounted again.`,
    cgroup: (names, n) => `${group(names, n)} ${was(n)} made, and removed again.`,
    overlay: (names) => `Layers were stacked for a moment: ${names}.`,
    entry: (names, n) => `${names} ${was(n)} written, and removed again.`,
    whiteout: (names, n) => `${names} ${was(n)} hidden for a moment.`,
    link: (names, n) => `${link(names, n)} ${was(n)} made, and removed again.`,
    address: (names, n) => `${address(names, n)} ${was(n)} there for a moment.`,
    route: (names, n) => `${route(names, n)} ${was(n)} there for a moment.`,
    listener: (names) => `For a moment somebody listened on ${names}.`,
    table: (names, n) => `${table(names, n)} ${was(n)} made, and removed again.`,
    other: (names) => `For a moment there was ${names}.`,
  },
  comma: ', ',
  more: (count) => `${count} more`,
  process: (program, pid) => `${program} (pid ${pid})`,
  copies: (count) => `The new mount namespace began as a copy of ${count} mounts.`,
  pinned: (kind, path) =>
    `A mount at ${path} holds the ${kind} namespace, so that it lives without a process.`,
  bound: (path) => `Something that was mounted already can be seen at ${path}, too: a bind mount.`,
  copiedUp: (names, n) =>
    `${names} ${was(n)} copied up: a lower layer is only read, so the change went to a copy.`,
  became: (name, program) => `${name} became ${program}: the same process, another program.`,
  moved: (name, into) => `${name} was moved into the cgroup ${into}.`,
  entered: (name, kinds) =>
    `${name} is now in ${kinds.length === 1 ? 'another' : 'other'} ${kinds.join(', ')} ${
      kinds.length === 1 ? 'namespace' : 'namespaces'
    }.`,
  user: (name, uid) => `${name} is user ${uid} now.`,
  root: (name, path) => `For ${name}, / is now ${path}.`,
  stopped: (name) => `${name} was stopped, and waits to be continued.`,
  zombie: (name) => `${name} has ended and waits for its parent to ask how: a zombie.`,
  setting: (file, where, to, from) => `${file} of ${where} is now ${to}, was ${from}.`,
  held: (kind, on) =>
    on
      ? `Something holds the ${kind} namespace, so that it lives without a process.`
      : `Nothing holds the ${kind} namespace any more but its processes.`,
  hostname: (name) => `The host name is now ${name}.`,
  opaque: (name) => `${name} now hides what lower layers have under its name.`,
  switched: (name, on) => `The network interface ${name} was switched ${on ? 'on' : 'off'}.`,
  rules: (name, to, from) => `The nftables table ${name} has ${to} rules now, had ${from}.`,
  changed: (name, field, to, from) => `${name}: ${field} is now ${to}, was ${from}.`,
  nothing:
    'Nothing that the kernel remembers has changed: it read, computed, or wrote to the terminal.',
  nothingYet: 'So far nothing has changed. It still runs.',
  exit: (code) => `It ended with exit status ${code}: it says that something went wrong.`,
  signal: (signal) => `It was ended by signal ${signal}.`,
  notFound: 'The shell found no program of that name (exit status 127).',
  notExecutable: 'The shell was not allowed to execute it (exit status 126).',
};

const zh: TellWords = {
  appeared: {
    process: (names, n) =>
      n === 1 ? `有了一个新进程：${names}。` : `有了 ${n} 个新进程：${names}。`,
    namespace: (kind, n) => `新建了 ${n} 个 ${kind} 命名空间：${GLOSS[kind][1]}。`,
    mount: (names, n) => (n === 1 ? `挂载了 ${names}。` : `挂载了 ${n} 个文件系统：${names}。`),
    cgroup: (names) => `新建了 cgroup ${names}。`,
    overlay: (names) => `几层叠成了一个文件系统：${names}。`,
    entry: (names) => `${names} 写进了上层。`,
    whiteout: (names) => `${names} 被遮住了：上层的 whiteout 表示“已删除”。`,
    link: (names) => `新建了网络接口 ${names}。`,
    address: (names) => `添加了地址 ${names}。`,
    route: (names) => `添加了路由 ${names}。`,
    listener: (names) => `现在有程序在监听 ${names}。`,
    table: (names) => `新建了 nftables 表 ${names}。`,
    other: (names) => `新出现：${names}。`,
  },
  vanished: {
    process: (names) => `${names} 结束了。`,
    namespace: (kind, n) => `${n} 个 ${kind} 命名空间消失了：里面已经没有进程。`,
    mount: (names) => `卸载了 ${names}。`,
    cgroup: (names) => `删除了 cgroup ${names}。`,
    overlay: (names) => `叠起的层被拆开了：${names}。`,
    entry: (names) => `${names} 不在这一层里了。`,
    whiteout: (names) => `${names} 不再被 whiteout 遮住。`,
    link: (names) => `删除了网络接口 ${names}。`,
    address: (names) => `去掉了地址 ${names}。`,
    route: (names) => `删除了路由 ${names}。`,
    listener: (names) => `不再有程序监听 ${names}。`,
    table: (names) => `删除了 nftables 表 ${names}。`,
    other: (names) => `消失了：${names}。`,
  },
  passed: {
    process: (names, n) =>
      n === 1 ? `${names} 运行过，已经结束。` : `${n} 个进程运行过，已经结束：${names}。`,
    namespace: (kind, n) => `${n} 个 ${kind} 命名空间建了又消失了。`,
    mount: (names) => `${names} 挂载后又卸载了。`,
    cgroup: (names) => `cgroup ${names} 建了又删了。`,
    overlay: (names) => `几层短暂地叠在一起：${names}。`,
    entry: (names) => `${names} 写下后又删了。`,
    whiteout: (names) => `${names} 短暂地被遮住。`,
    link: (names) => `网络接口 ${names} 建了又删了。`,
    address: (names) => `短暂地有过地址 ${names}。`,
    route: (names) => `短暂地有过路由 ${names}。`,
    listener: (names) => `短暂地有程序监听过 ${names}。`,
    table: (names) => `nftables 表 ${names} 建了又删了。`,
    other: (names) => `短暂地有过 ${names}。`,
  },
  comma: '、',
  more: (count) => `另有 ${count} 个`,
  process: (program, pid) => `${program}（pid ${pid}）`,
  copies: (count) => `新的挂载命名空间一开始是一份副本，带来 ${count} 个挂载。`,
  pinned: (kind, path) => `${path} 上的挂载保住了 ${kind} 命名空间：没有进程它也在。`,
  bound: (path) => `已经挂载的内容现在也能在 ${path} 看到：这是绑定挂载（bind mount）。`,
  copiedUp: (names) => `${names} 被复制到上层（copy-up）：下层只读，改动落在副本上。`,
  became: (name, program) => `${name} 变成了 ${program}：进程没换，程序换了。`,
  moved: (name, into) => `${name} 被移进了 cgroup ${into}。`,
  entered: (name, kinds) => `${name} 现在在另外的 ${kinds.join('、')} 命名空间里。`,
  user: (name, uid) => `${name} 现在是用户 ${uid}。`,
  root: (name, path) => `对 ${name} 来说，/ 现在是 ${path}。`,
  stopped: (name) => `${name} 被暂停，等待继续。`,
  zombie: (name) => `${name} 已经结束，等父进程来问结果：它是僵尸进程。`,
  setting: (file, where, to, from) => `${where} 的 ${file} 现在是 ${to}，原来是 ${from}。`,
  held: (kind, on) =>
    on
      ? `有东西保住了 ${kind} 命名空间：没有进程它也在。`
      : `除了进程，不再有东西保住 ${kind} 命名空间。`,
  hostname: (name) => `主机名现在是 ${name}。`,
  opaque: (name) => `${name} 现在遮住了下层同名目录里的内容。`,
  switched: (name, on) => `网络接口 ${name} ${on ? '启用' : '停用'}了。`,
  rules: (name, to, from) => `nftables 表 ${name} 现在有 ${to} 条规则，原来有 ${from} 条。`,
  changed: (name, field, to, from) => `${name}：${field} 现在是 ${to}，原来是 ${from}。`,
  nothing: '内核所记住的东西没有变：它只是读取、计算，或写到终端。',
  nothingYet: '到目前为止什么都没变。它还在运行。',
  exit: (code) => `它以退出状态 ${code} 结束：表示有什么没成功。`,
  signal: (signal) => `它被信号 ${signal} 结束。`,
  notFound: 'shell 没有找到这个名字的程序（退出状态 127）。',
  notExecutable: 'shell 无权执行它（退出状态 126）。',
};

/** The sentences of one language. */
export function tellWords(lang: Lang): TellWords {
  return lang === 'zh' ? zh : en;
}
