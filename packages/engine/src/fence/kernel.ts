/** What the kernel as a whole allows or forbids: sysctls, security modules, keyrings, TIOCSTI. */
import type { FenceEntry, FenceFacts, Words } from './schema.js';
import { type FenceSource, rawOf, UNREADABLE } from './source.js';

/** A switch of the whole machine, and what each of its values means. */
interface Switch {
  readonly key: string;
  readonly title: Words;
  readonly values: Readonly<Record<string, Words>>;
}

const SWITCHES: readonly Switch[] = [
  {
    key: 'kernel.unprivileged_bpf_disabled',
    title: { en: 'eBPF for everybody', zh: '普通用户使用 eBPF' },
    values: {
      '0': {
        en: 'weak: every user may load eBPF programs',
        zh: '较弱：任何用户都能加载 eBPF 程序',
      },
      '1': { en: 'strong: only CAP_BPF, for ever', zh: '较强：只有 CAP_BPF，且不可改回' },
      '2': { en: 'strong: only CAP_BPF', zh: '较强：只有 CAP_BPF' },
    },
  },
  {
    key: 'kernel.kptr_restrict',
    title: { en: 'kernel addresses', zh: '内核地址' },
    values: {
      '0': {
        en: 'hashed for everybody; raw in a few files for root',
        zh: '对所有人显示为哈希；少数文件对 root 显示原值',
      },
      '1': { en: 'zeros without CAP_SYSLOG', zh: '没有 CAP_SYSLOG 时显示为零' },
      '2': { en: 'strong: zeros for everybody', zh: '较强：对所有人显示为零' },
    },
  },
  {
    key: 'kernel.dmesg_restrict',
    title: { en: 'the kernel’s log', zh: '内核日志' },
    values: {
      '0': { en: 'weak: every user may read it', zh: '较弱：任何用户都能读' },
      '1': { en: 'strong: only CAP_SYSLOG on the host', zh: '较强：只有宿主机上的 CAP_SYSLOG' },
    },
  },
  {
    key: 'kernel.yama.ptrace_scope',
    title: { en: 'who may ptrace', zh: '谁可以 ptrace' },
    values: {
      '0': { en: 'any process of the same user', zh: '同一用户的任何进程' },
      '1': { en: 'only ancestors, or CAP_SYS_PTRACE', zh: '只有祖先进程，或 CAP_SYS_PTRACE' },
      '2': { en: 'only CAP_SYS_PTRACE', zh: '只有 CAP_SYS_PTRACE' },
      '3': { en: 'nobody, for ever', zh: '谁都不行，且不可改回' },
    },
  },
  {
    key: 'kernel.perf_event_paranoid',
    title: { en: 'performance counters', zh: '性能计数器' },
    values: {
      '-1': { en: 'weak: for everybody', zh: '较弱：对所有人开放' },
      '0': { en: 'weak: CPU events for everybody', zh: '较弱：CPU 事件对所有人开放' },
      '1': { en: 'own processes, and the kernel’s part of them', zh: '自己的进程，含其内核部分' },
      '2': { en: 'own processes only', zh: '只限自己的进程' },
      '3': { en: 'strong: only CAP_PERFMON', zh: '较强：只有 CAP_PERFMON' },
    },
  },
  {
    key: 'kernel.unprivileged_userns_clone',
    title: { en: 'user namespaces for everybody', zh: '普通用户创建用户命名空间' },
    values: {
      '0': { en: 'only with CAP_SYS_ADMIN on the host', zh: '只有宿主机上的 CAP_SYS_ADMIN' },
      '1': { en: 'everybody', zh: '所有人' },
    },
  },
];

function sysctlPath(key: string): string {
  return `/proc/sys/${key.replaceAll('.', '/')}`;
}

/** One entry a switch that this kernel has. */
export function sysctlEntries(source: FenceSource): FenceEntry[] {
  return SWITCHES.flatMap(({ key, title, values }): FenceEntry[] => {
    const path = sysctlPath(key);
    const value = source.read(path);
    if (value === null) return [];
    return [
      {
        id: `sysctl.${key}`,
        mechanism: 'sysctl',
        title,
        sentence: values[value] ?? { en: `${key} = ${value}`, zh: `${key} = ${value}` },
        raw: [{ path, value }],
        refuses: [],
      },
    ];
  });
}

/** TIOCSTI types into a terminal: forbidden for all since Linux 6.2 where the sysctl is 0. */
export function terminalEntry(
  source: FenceSource,
  seccomp: FenceFacts['seccomp'],
  refused: readonly string[],
): { entry: FenceEntry; legacyTiocsti: boolean | null } {
  const path = sysctlPath('dev.tty.legacy_tiocsti');
  const value = source.read(path);
  const legacyTiocsti = value === null ? null : value === '1';
  const byFilter = refused.some((one) => one.startsWith('ioctl(TIOCSTI)'));
  const barred = byFilter || legacyTiocsti === false;
  return {
    entry: {
      id: 'terminal.tiocsti',
      mechanism: 'terminal',
      title: { en: 'typing into a terminal (TIOCSTI)', zh: '往终端里输入（TIOCSTI）' },
      sentence: barred
        ? {
            en: `refused: ${byFilter ? 'by the filter' : 'by the kernel without CAP_SYS_ADMIN on the host'}; otherwise a program could type into the shell that started it (CVE-2017-5226)`,
            zh: `被拒绝：${byFilter ? '由过滤器' : '没有宿主机的 CAP_SYS_ADMIN 时由内核'}；否则程序可以往启动它的 shell 里输入（CVE-2017-5226）`,
          }
        : {
            en: 'allowed: a program may type into its own terminal; a terminal of its own keeps that harmless',
            zh: '允许：程序可以往自己的终端里输入；给它独立的终端就没有危害',
          },
      raw: [
        { path, value: value ?? '(this kernel has no such switch: allowed)' },
        { path: 'seccomp filters', value: String(seccomp.filters ?? UNREADABLE) },
      ],
      refuses: barred ? [`ioctl(TIOCSTI): ${byFilter ? 'EPERM' : 'EIO'}`] : [],
    },
    legacyTiocsti,
  };
}

/** The label of AppArmor, SELinux or Smack. */
export function lsmEntry(source: FenceSource, pid: number): FenceEntry {
  const path = `/proc/${pid}/attr/current`;
  const label = source.read(path)?.replace(/\0$/, '') ?? null;
  const modules = '/sys/kernel/security/lsm';
  const active = source.read(modules);
  const isLabelled = label !== null && label !== '' && label !== 'unconfined';
  return {
    id: 'lsm',
    mechanism: 'lsm',
    title: { en: 'security module', zh: '安全模块' },
    sentence: isLabelled
      ? { en: `confined as ${label}`, zh: `受限于标签 ${label}` }
      : {
          en: 'no label: no security module decides about this process',
          zh: '没有标签：没有安全模块裁决这个进程',
        },
    raw: [
      { path, value: label ?? UNREADABLE },
      { path: modules, value: active ?? UNREADABLE },
    ],
    refuses: [],
  };
}

/** A process's session keyring shows only to itself; our plans take a new one. */
export function keyringEntry(source: FenceSource, refused: readonly string[]): FenceEntry {
  const byFilter = refused.filter((one) => /^(add_key|request_key|keyctl):/.test(one));
  return {
    id: 'keyring',
    mechanism: 'keyring',
    title: { en: 'kernel keyrings', zh: '内核密钥环' },
    sentence:
      byFilter.length > 0
        ? {
            en: 'a new, empty session keyring was taken before it entered, and the filter refuses every key call',
            zh: '进入之前已换用新的空会话密钥环，且过滤器拒绝所有密钥调用',
          }
        : {
            en: 'keyrings belong to user ids, not to containers: which one it has only the process itself can ask',
            zh: '密钥环属于用户 ID 而不是容器：它有哪个，只有进程自己能查询',
          },
    raw: [rawOf(source, '/proc/sys/kernel/keys/maxkeys')],
    refuses: byFilter,
  };
}

/** `user.max_*_namespaces` as its own user namespace has them, or as our record says. */
export function namespaceLimitEntry(
  limits: Readonly<Record<string, number>> | null,
  from: 'kernel' | 'record',
): FenceEntry {
  const path = (kind: string) =>
    from === 'kernel'
      ? `/proc/sys/user/max_${kind}_namespaces in its user namespace`
      : `our record: sysctl user.max_${kind}_namespaces`;
  const values = Object.entries(limits ?? {});
  const least = Math.min(...values.map(([, value]) => value));
  return {
    id: 'namespace-limits',
    mechanism: 'namespace-limit',
    title: { en: 'namespaces below this one', zh: '其下的命名空间数量' },
    sentence:
      values.length === 0
        ? {
            en: 'only a process of its user namespace can ask; nothing is in our record',
            zh: '只有同一用户命名空间的进程能查询；我们的记录里没有',
          }
        : {
            en: `at most ${least} of a kind, so that they do not eat the kernel’s memory`,
            zh: `每种最多 ${least} 个，以免耗尽内核内存`,
          },
    raw: values.map(([kind, value]) => ({ path: path(kind), value: String(value) })),
    refuses: values.length === 0 ? [] : ['unshare, clone, clone3 beyond the limit: ENOSPC'],
  };
}
