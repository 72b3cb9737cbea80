/** Words of the tape of system calls. */
import type { Lang } from '../strings.js';

const en = {
  /** name of the table: part of the page's contract */
  calls: 'System calls',
  tape: 'Tape system calls',
  /** what it costs while it is on, beside the switch */
  tapeCost:
    'while it is on, starting a program takes about 13 % longer, and a program that makes nothing but tiny system calls half as long again, for everybody on this machine',
  columnTime: 'time',
  columnProcess: 'process',
  columnCall: 'call',
  columnResult: 'result',
  filterProcess: 'Process',
  filterCall: 'Call',
  all: 'all',
  newest: (n: number) => (n === 0 ? 'Newest' : `Newest (${n} new)`),
  shown: (shown: number, all: number) =>
    shown === all ? `${all} calls` : `${shown} of ${all} calls`,
  failed: 'failed',
  running: 'has not returned',
  noReturn: 'does not return',
  newPid: (pid: number) => `pid ${pid}`,
  newFd: (fd: number) => `fd ${fd}`,
  emptyOff: 'The tape is off.',
  emptyOffHelp:
    'Switch it on, then run a command: every call that makes or changes a container appears here, with its arguments and what the kernel answered. For example unshare, mount, clone, setns, pivot_root.',
  emptyOn: 'The tape is running.',
  emptyOnHelp:
    'Run a command such as “unshare --pid --fork sh”: its system calls will appear here.',
  emptyFilter: 'No call on the tape is so.',
  gone: 'has ended',
  // the card
  factProcess: 'Process',
  factArguments: 'Arguments',
  noArguments: 'none',
  factResult: 'Result',
  factWhen: 'When',
  factTook: 'Took',
  factTouched: 'Touched',
  success: 'success',
  hint: 'Look at this',
  movedInto: (namespaces: string) => `now in ${namespaces}`,
  made: (who: string) => `made ${who}`,
  mountAt: (path: string, type: string) => `${path} is now a ${type}`,
};

export type CallsStrings = typeof en;

const zh: CallsStrings = {
  calls: '系统调用',
  tape: '记录系统调用',
  tapeCost:
    '开启期间，启动程序大约慢 13 %；只做零碎系统调用的程序大约慢一半，对这台机器上的所有人都一样',
  columnTime: '时间',
  columnProcess: '进程',
  columnCall: '调用',
  columnResult: '结果',
  filterProcess: '进程',
  filterCall: '调用',
  all: '全部',
  newest: (n) => (n === 0 ? '最新' : `最新（${n} 条新的）`),
  shown: (shown, all) => (shown === all ? `${all} 个调用` : `${all} 个调用中的 ${shown} 个`),
  failed: '失败',
  running: '尚未返回',
  noReturn: '不返回',
  newPid: (pid) => `pid ${pid}`,
  newFd: (fd) => `fd ${fd}`,
  emptyOff: '没有在记录。',
  emptyOffHelp:
    '打开开关，再运行一条命令：创建或改变容器的每个调用都会出现在这里，带着参数和内核的回答，例如 unshare、mount、clone、setns、pivot_root。',
  emptyOn: '正在记录。',
  emptyOnHelp: '运行一条命令，例如 “unshare --pid --fork sh”，它的系统调用就会出现在这里。',
  emptyFilter: '记录里没有符合的调用。',
  gone: '已结束',
  factProcess: '进程',
  factArguments: '参数',
  noArguments: '无',
  factResult: '结果',
  factWhen: '时间',
  factTook: '耗时',
  factTouched: '影响',
  success: '成功',
  hint: '看看这里',
  movedInto: (namespaces) => `现在位于 ${namespaces}`,
  made: (who) => `创建了 ${who}`,
  mountAt: (path, type) => `${path} 现在是 ${type}`,
};

/** The words of one language. */
export function callsStrings(lang: Lang): CallsStrings {
  return lang === 'zh' ? zh : en;
}
