/** The seccomp filter: what the kernel says about it, and what our record of the profile adds. */
import type { LinuxSeccomp, SeccompAction, SeccompArgument, SeccompRule } from '@terrarium/spec';
import { ERRNO, TIOC } from '@terrarium/syscall';
import { DENIALS } from '../seccomp/index.js';
import type { FenceEntry, FenceFacts } from './schema.js';
import { UNREADABLE } from './source.js';

const MODES: Readonly<Record<string, string>> = { '0': 'off', '1': 'strict', '2': 'filter' };

/** Names of arguments that our rules look at. */
const VALUES: Readonly<Record<string, Readonly<Record<number, string>>>> = {
  ioctl: { [TIOC.TIOCSTI]: 'TIOCSTI', 21532: 'TIOCLINUX' },
  socket: { 40: 'AF_VSOCK', 38: 'AF_ALG', 21: 'AF_RDS', 30: 'AF_TIPC', 42: 'AF_QIPCRTR' },
  socketpair: { 40: 'AF_VSOCK', 38: 'AF_ALG', 21: 'AF_RDS', 30: 'AF_TIPC', 42: 'AF_QIPCRTR' },
};

/** One entry, and the rules as facts. @param profile what we loaded; undefined: not known */
export function seccompEntries(
  pid: number,
  status: ReadonlyMap<string, string>,
  profile: LinuxSeccomp | undefined,
): { entries: FenceEntry[]; facts: FenceFacts['seccomp'] } {
  const mode = status.get('Seccomp') ?? '0';
  const filters = status.get('Seccomp_filters');
  const count = filters === undefined ? null : Number(filters);
  const known = mode === '2' && profile !== undefined;
  const rules = known ? refusalsOf(profile) : mode === '0' ? [] : null;
  return {
    entries: [
      {
        id: 'seccomp',
        mechanism: 'seccomp',
        title: { en: 'system call filter', zh: '系统调用过滤器' },
        sentence: sentenceOf(mode, count, rules?.length ?? null),
        raw: [
          { path: `/proc/${pid}/status Seccomp`, value: `${mode} (${MODES[mode] ?? 'unknown'})` },
          { path: `/proc/${pid}/status Seccomp_filters`, value: filters ?? UNREADABLE },
          {
            path: 'our record of the profile',
            value: known ? `${profile.defaultAction}, ${rules?.length} rules that refuse` : 'none',
          },
        ],
        refuses: known ? (profile.syscalls ?? []).flatMap(wordsOf) : [],
      },
      ...(known ? ruleEntries(profile) : []),
    ],
    facts: { filters: count, rules },
  };
}

function sentenceOf(mode: string, filters: number | null, rules: number | null) {
  if (mode === '0') {
    return {
      en: 'off: no system call is refused by a filter',
      zh: '未启用：没有过滤器拒绝系统调用',
    };
  }
  const number = filters === null ? '' : `${filters} `;
  if (rules === null) {
    return {
      en: `${number}filter(s) decide about every system call; what they refuse is not in our record`,
      zh: `${number}个过滤器裁决每个系统调用；我们的记录里没有它们拒绝什么`,
    };
  }
  const more = filters !== null && filters > 1;
  return {
    en: `${number}filter(s) decide about every system call; ours has ${rules} rules that refuse${more ? ', what the others refuse is not in our record' : ''}`,
    zh: `${number}个过滤器裁决每个系统调用；我们的过滤器有 ${rules} 条拒绝规则${more ? '，其余过滤器不在我们的记录里' : ''}`,
  };
}

/** The rules that do not let a call through; null as errno: they end the process. */
export function refusalsOf(profile: LinuxSeccomp): NonNullable<FenceFacts['seccomp']['rules']> {
  return (profile.syscalls ?? []).filter(isRefusal).map((rule) => ({
    names: [...rule.names],
    errno: rule.action === 'SCMP_ACT_ERRNO' ? (rule.errnoRet ?? ERRNO.EPERM) : null,
    conditional: (rule.args?.length ?? 0) > 0,
  }));
}

const LETS_THROUGH: readonly SeccompAction[] = ['SCMP_ACT_ALLOW', 'SCMP_ACT_LOG'];

function isRefusal({ action }: SeccompRule): boolean {
  return !LETS_THROUGH.includes(action);
}

/** `ioctl(TIOCSTI): EPERM`, one a name. */
function wordsOf(rule: SeccompRule): string[] {
  if (!isRefusal(rule)) return [];
  return rule.names.map((name) => `${name}${argumentsOf(name, rule)}: ${resultOf(rule)}`);
}

function argumentsOf(name: string, { args = [] }: SeccompRule): string {
  if (args.length === 0) return '';
  return `(${args.map((argument) => wordOf(name, argument)).join(', ')})`;
}

function wordOf(name: string, { op, value, valueTwo = 0 }: SeccompArgument): string {
  const wanted = op === 'SCMP_CMP_MASKED_EQ' ? valueTwo : value;
  return VALUES[name]?.[wanted] ?? `0x${wanted.toString(16)}`;
}

function resultOf({ action, errnoRet }: SeccompRule): string {
  if (action !== 'SCMP_ACT_ERRNO') return action.replace('SCMP_ACT_', '').toLowerCase();
  const number = errnoRet ?? ERRNO.EPERM;
  return Object.entries(ERRNO).find(([, one]) => one === number)?.[0] ?? String(number);
}

/** One entry for each reason of our deny-list that the profile holds. */
function ruleEntries(profile: LinuxSeccomp): FenceEntry[] {
  return DENIALS.flatMap(({ names, args, reason }): FenceEntry[] => {
    const rule = profile.syscalls?.find(
      (one) => isRefusal(one) && same(one.names, names) && same(one.args ?? [], args ?? []),
    );
    if (rule === undefined) return [];
    const [first = ''] = names;
    const argument = argumentsOf(first, rule);
    return [
      {
        id: `seccomp.${first}${argument === '' ? '' : `.${argument.slice(1, -1)}`}`,
        mechanism: 'seccomp',
        title: {
          en: `no ${names.join(', ')}${argument}`,
          zh: `禁用 ${names.join('、')}${argument}`,
        },
        sentence: { en: reason, zh: REASONS_ZH[first + argument] ?? reason },
        raw: [{ path: 'our record of the profile', value: `${rule.action} ${resultOf(rule)}` }],
        refuses: wordsOf(rule),
      },
    ];
  });
}

function same(a: readonly unknown[], b: readonly unknown[]): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** Reasons of DENIALS, by the first name. */
const REASONS_ZH: Readonly<Record<string, string>> = {
  kexec_load: '会替换所有人共用的内核',
  reboot: '这台机器不归学习者关停',
  init_module: '内核模块是同一个内核的代码',
  get_kernel_syms: '旧的模块接口，会泄露内核地址',
  bpf: '在内核里运行程序，是常见的提权来源',
  perf_event_open: '会统计和采样沙箱之外的活动，攻击面很大',
  open_by_handle_at: '按编号打开文件，绕过所有路径和挂载（“shocker” 容器逃逸）',
  swapon: '交换空间属于整台机器',
  acct: '整台机器的进程记账',
  quotactl: '宿主机文件系统的磁盘配额',
  settimeofday: '系统时钟没有命名空间',
  add_key: '内核密钥环按用户 ID 而不是按容器共享；request_key 会启动宿主机程序',
  userfaultfd: '让用户代码在内核复制中途停住：漏洞利用的常用帮手',
  io_uring_setup: '绕过本过滤器做事，且多次出现提权；程序会退回 epoll',
  syslog: '内核日志里是宿主机的事',
  iopl: '直接访问机器的 I/O 端口',
  modify_ldt: '16 位段：这里用不到，且有过多个内核漏洞',
  nfsservctl: '已过时；通向内核的路径越少越好',
  'ioctl(TIOCSTI)': '像真人一样往终端里输入（CVE-2017-5226）',
  'ioctl(TIOCLINUX)': '粘贴到宿主机的控制台（CVE-2023-28100）',
  'socket(AF_VSOCK)': 'AF_VSOCK 与虚拟机监控器通信，没有网络命名空间',
  'socket(AF_ALG)': 'AF_ALG 向所有用户开放内核的加密代码',
  'socket(AF_RDS)': 'AF_RDS：用不到，有过提权；还会加载模块',
  'socket(AF_TIPC)': 'AF_TIPC：用不到，有过提权；还会加载模块',
  'socket(AF_QIPCRTR)': 'AF_QIPCRTR 没有网络命名空间',
};
