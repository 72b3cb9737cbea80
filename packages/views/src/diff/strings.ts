/** Words of the diff of a command. */
import type { Lang } from '../strings.js';
import type { Sort } from './diff-object.js';

/** What happened to the objects of one group. */
export type Fate = 'appeared' | 'changed' | 'vanished' | 'passed';

const ENGLISH: Readonly<Record<Sort, readonly [one: string, many: string]>> = {
  process: ['process', 'processes'],
  namespace: ['namespace', 'namespaces'],
  mount: ['mount', 'mounts'],
  copy: ['copied mount', 'copied mounts'],
  cgroup: ['cgroup', 'cgroups'],
  overlay: ['overlay', 'overlays'],
  entry: ['entry of a layer', 'entries of layers'],
  whiteout: ['whiteout', 'whiteouts'],
  link: ['interface', 'interfaces'],
  address: ['address', 'addresses'],
  route: ['route', 'routes'],
  listener: ['listening socket', 'listening sockets'],
  table: ['nft table', 'nft tables'],
  other: ['object', 'objects'],
};

const VERBS: Readonly<Record<Fate, Readonly<Partial<Record<Sort, string>> & { other: string }>>> = {
  appeared: {
    ...{ process: 'started', namespace: 'made', mount: 'mounted', copy: 'brought along' },
    ...{ cgroup: 'made', overlay: 'made', link: 'made', listener: 'opened', other: 'added' },
  },
  changed: { other: 'changed' },
  vanished: {
    ...{ process: 'ended', mount: 'unmounted', listener: 'closed', other: 'removed' },
  },
  passed: {
    ...{ process: 'ran and ended', mount: 'mounted and unmounted', other: 'made and removed' },
  },
};

const en = {
  /** name of the tree of commands: part of the page's contract */
  commands: 'Commands',
  /** name of the tree of what one did */
  diff: (line: string) => `What it did: ${line}`,
  unnamed: 'a command',
  running: 'still running',
  exit: (code: number) => `exit status ${code}`,
  exitShort: (code: number) => `exit ${code}`,
  inferred: 'found by its process group',
  took: (seconds: string) => `${seconds} s`,
  noCommands: 'No command yet.',
  noCommandsHelp:
    'Type one in the terminal. What it did to the kernel will stand here: what appeared, changed and vanished because of it.',
  choose: 'Choose a command to see what it did.',
  nothing: 'It changed nothing that the kernel remembers.',
  nothingHelp:
    'It read, computed or wrote to the terminal, and that leaves no trace in the kernel.',
  nothingYet: 'It has changed nothing yet. It is still running.',
  more: 'Still running: more may follow.',
  group: (fate: Fate, sort: Sort, n: number) => {
    const [one, many] = ENGLISH[sort];
    return `${VERBS[fate][sort] ?? VERBS[fate].other} ${n} ${n === 1 ? one : many}`;
  },
  becomes: 'becomes',
  none: 'none',
  fields: {
    args: 'program',
    comm: 'name',
    state: 'state',
    parent: 'parent',
    cgroup: 'cgroup',
    namespaces: 'namespaces',
    uid: 'user',
    terminal: 'terminal',
    processGroup: 'process group',
    holders: 'held by',
    owner: 'owner',
    mountOptions: 'options',
    optionalFields: 'propagation',
    superOptions: 'options of the file system',
    mountPoint: 'mount point',
    flags: 'flags',
    addresses: 'addresses',
    master: 'bridge',
    mtu: 'MTU',
    mac: 'MAC',
    peer: 'other end',
    size: 'size',
    kind: 'kind',
    came: 'how it came',
  } as Readonly<Record<string, string>>,
};

export type DiffStrings = typeof en;

const CHINESE: Readonly<Record<Sort, string>> = {
  process: '个进程',
  namespace: '个命名空间',
  mount: '个挂载',
  copy: '个挂载副本',
  cgroup: '个 cgroup',
  overlay: '个 overlay',
  entry: '个层条目',
  whiteout: '个 whiteout',
  link: '个网卡',
  address: '个地址',
  route: '条路由',
  listener: '个监听套接字',
  table: '个 nft 表',
  other: '个对象',
};

const ZH_VERBS: typeof VERBS = {
  appeared: {
    ...{ process: '启动了', namespace: '创建了', mount: '挂载了', copy: '带来了' },
    ...{ cgroup: '创建了', overlay: '创建了', link: '创建了', listener: '打开了', other: '增加了' },
  },
  changed: { other: '改变了' },
  vanished: { process: '结束了', mount: '卸载了', listener: '关闭了', other: '移除了' },
  passed: { process: '运行并结束了', mount: '挂载又卸载了', other: '创建又移除了' },
};

const zh: DiffStrings = {
  commands: '命令',
  diff: (line) => `它做了什么：${line}`,
  unnamed: '一条命令',
  running: '仍在运行',
  exit: (code) => `退出状态 ${code}`,
  exitShort: (code) => `退出 ${code}`,
  inferred: '由进程组推断',
  took: (seconds) => `${seconds} 秒`,
  noCommands: '还没有命令。',
  noCommandsHelp: '在终端里输入一条命令。它对内核做了什么会列在这里：因它出现、改变和消失的一切。',
  choose: '选择一条命令，看看它做了什么。',
  nothing: '它没有改变内核所记住的任何东西。',
  nothingHelp: '它读取、计算或写到终端，这些在内核里不留痕迹。',
  nothingYet: '它还没有改变什么，仍在运行。',
  more: '仍在运行：可能还有更多。',
  group: (fate, sort, n) => `${ZH_VERBS[fate][sort] ?? ZH_VERBS[fate].other} ${n} ${CHINESE[sort]}`,
  becomes: '变为',
  none: '无',
  fields: {
    args: '程序',
    comm: '名字',
    state: '状态',
    parent: '父进程',
    cgroup: 'cgroup',
    namespaces: '命名空间',
    uid: '用户',
    terminal: '终端',
    processGroup: '进程组',
    holders: '由谁保持',
    owner: '所有者',
    mountOptions: '选项',
    optionalFields: '传播',
    superOptions: '文件系统的选项',
    mountPoint: '挂载点',
    flags: '标志',
    addresses: '地址',
    master: '网桥',
    mtu: 'MTU',
    mac: 'MAC',
    peer: '另一端',
    size: '大小',
    kind: '类型',
    came: '来历',
  },
};

/** The words of one language. */
export function diffStrings(lang: Lang): DiffStrings {
  return lang === 'zh' ? zh : en;
}
