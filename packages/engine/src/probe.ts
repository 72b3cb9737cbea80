/**
 * What this host offers, as data: facts for plans, and findings for `doctor` and for the page's
 * sentence about what is reduced. Runs in the daemon or the CLI, as root; changes nothing that
 * outlives the call.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statfsSync } from 'node:fs';
import { release } from 'node:os';
import { CAPABILITIES, hostArchitecture, MAGIC, NAMESPACE_KINDS, nameOf } from '@terrarium/syscall';
import { detectCgroupLayout } from './cgroups/index.js';
import type { HostFacts, RlimitFact } from './host-facts.js';

/** How a finding stands: `missing` stops the lab, `reduced` takes a part of it. */
export type FindingLevel = 'ok' | 'reduced' | 'missing';

/** One line of `doctor`. */
export interface Finding {
  /** stable: `namespace.time`, `overlay`, `cgroup.memory` */
  readonly id: string;
  readonly level: FindingLevel;
  /** what was found, one clause */
  readonly found: { readonly en: string; readonly zh: string };
  /** what to do about it; only where something is amiss */
  readonly remedy?: { readonly en: string; readonly zh: string };
}

/** Facts of this host. */
export function probeHostFacts(): HostFacts {
  return {
    architecture: hostArchitecture(),
    kernelRelease: release(),
    cgroups: detectCgroupLayout(),
    rlimits: parseLimits(readFileSync('/proc/self/limits', 'utf8')),
    lastCapability: Number(readFileSync('/proc/sys/kernel/cap_last_cap', 'utf8')),
    bootId: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
  };
}

/** Rows of /proc/PID/limits by the RLIMIT_ names of getrlimit(2). */
const LIMIT_ROWS: Readonly<Record<string, string>> = {
  'Max cpu time': 'RLIMIT_CPU',
  'Max file size': 'RLIMIT_FSIZE',
  'Max data size': 'RLIMIT_DATA',
  'Max stack size': 'RLIMIT_STACK',
  'Max core file size': 'RLIMIT_CORE',
  'Max resident set': 'RLIMIT_RSS',
  'Max processes': 'RLIMIT_NPROC',
  'Max open files': 'RLIMIT_NOFILE',
  'Max locked memory': 'RLIMIT_MEMLOCK',
  'Max address space': 'RLIMIT_AS',
  'Max file locks': 'RLIMIT_LOCKS',
  'Max pending signals': 'RLIMIT_SIGPENDING',
  'Max msgqueue size': 'RLIMIT_MSGQUEUE',
  'Max nice priority': 'RLIMIT_NICE',
  'Max realtime priority': 'RLIMIT_RTPRIO',
  'Max realtime timeout': 'RLIMIT_RTTIME',
};

/*
 * Limit                     Soft Limit           Hard Limit           Units
 * Max open files            1024                 20000                files
 */
export function parseLimits(table: string): Record<string, RlimitFact> {
  const limits: Record<string, RlimitFact> = {};
  for (const line of table.split('\n')) {
    const match = /^(Max [a-z ]+?)\s{2,}(\S+)\s+(\S+)/.exec(line);
    const name = match === null ? undefined : LIMIT_ROWS[match[1] ?? ''];
    if (match === null || name === undefined) continue;
    limits[name] = { soft: limitOf(match[2]), hard: limitOf(match[3]) };
  }
  return limits;
}

function limitOf(word: string | undefined): number | null {
  return word === undefined || word === 'unlimited' ? null : Number(word);
}

/** All findings about this host; `image` is the directory that images are kept in. */
export function probeHost(image?: string): Finding[] {
  return [
    rootFinding(),
    ...NAMESPACE_KINDS.map(({ proc }) => namespaceFinding(proc)),
    userNamespaceFinding(),
    overlayFinding(),
    ...cgroupFindings(),
    procFinding(),
    tracefsFinding(),
    ...(image === undefined ? [] : [imageFinding(image)]),
  ];
}

/** Without these the host's root cannot make a sandbox. */
const NEEDED_CAPABILITIES = [
  'CAP_SYS_ADMIN',
  'CAP_SETUID',
  'CAP_SETGID',
  'CAP_MKNOD',
  'CAP_CHOWN',
  'CAP_SYS_CHROOT',
  'CAP_SYS_PTRACE',
  'CAP_KILL',
  'CAP_DAC_OVERRIDE',
] as const;

/** Names of the effective capabilities of this process. */
export function effectiveCapabilities(
  status = readFileSync('/proc/self/status', 'utf8'),
): string[] {
  const mask = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`);
  return Object.entries(CAPABILITIES)
    .filter(([, bit]) => (mask >> BigInt(bit)) & 1n)
    .map(([name]) => name);
}

function rootFinding(): Finding {
  const capabilities = effectiveCapabilities();
  const missing = NEEDED_CAPABILITIES.filter((name) => !capabilities.includes(name));
  if (missing.length === 0) {
    return ok(
      'capabilities',
      'root with all capabilities that are needed',
      '拥有所需的全部 root 权能',
    );
  }
  const list = missing.join(' ');
  return {
    id: 'capabilities',
    level: 'missing',
    found: { en: `missing ${list}`, zh: `缺少 ${list}` },
    remedy: {
      en: 'run as root, outside of any unprivileged container',
      zh: '请以 root 运行，且不要放在非特权容器里',
    },
  };
}

function namespaceFinding(kind: string): Finding {
  const id = `namespace.${kind}`;
  if (existsSync(`/proc/self/ns/${kind}`)) {
    return ok(id, `the kernel has ${kind} namespaces`, `内核支持 ${kind} 命名空间`);
  }
  return {
    id,
    level: 'missing',
    found: { en: `the kernel has no ${kind} namespaces`, zh: `内核不支持 ${kind} 命名空间` },
    remedy: {
      en: 'use a kernel of version 5.15 or newer with all namespaces enabled',
      zh: '请使用 5.15 或更新、启用全部命名空间的内核',
    },
  };
}

/** Switches of distributions that keep people from making user namespaces: what they take away. */
function userNamespaceFinding(): Finding {
  const id = 'user-namespaces';
  if (sysctl('user/max_user_namespaces') === '0') {
    return {
      id,
      level: 'missing',
      found: { en: 'user namespaces are switched off', zh: '用户命名空间被关闭' },
      remedy: {
        en: 'sysctl -w user.max_user_namespaces=10000',
        zh: '执行 sysctl -w user.max_user_namespaces=10000',
      },
    };
  }
  const restrictions: readonly (readonly [key: string, bad: string])[] = [
    ['kernel/apparmor_restrict_unprivileged_userns', '1'],
    ['kernel/unprivileged_userns_clone', '0'],
  ];
  const found = restrictions.find(([key, bad]) => sysctl(key) === bad);
  if (found === undefined) return ok(id, 'user namespaces can be nested', '用户命名空间可以嵌套');
  const [key, bad] = found;
  const name = key.replace('/', '.');
  const wanted = bad === '1' ? '0' : '1';
  return {
    id,
    level: 'reduced',
    found: {
      en: `${name} = ${bad}: nested user namespaces may have no power inside a sandbox`,
      zh: `${name} = ${bad}：沙箱里嵌套的用户命名空间可能没有权能`,
    },
    remedy: { en: `sysctl -w ${name}=${wanted}`, zh: `执行 sysctl -w ${name}=${wanted}` },
  };
}

function sysctl(key: string): string | null {
  try {
    return readFileSync(`/proc/sys/${key}`, 'utf8').trim();
  } catch {
    return null; // this kernel has no such switch
  }
}

function overlayFinding(): Finding {
  if (
    /^nodev\toverlay$/m.test(readFileSync('/proc/filesystems', 'utf8')) ||
    loadModule('overlay')
  ) {
    return ok('overlay', 'overlay file system', 'overlay 文件系统可用');
  }
  return {
    id: 'overlay',
    level: 'missing',
    found: { en: 'the kernel has no overlay file system', zh: '内核没有 overlay 文件系统' },
    remedy: {
      en: 'modprobe overlay, or a kernel with CONFIG_OVERLAY_FS',
      zh: '执行 modprobe overlay，或换用带 CONFIG_OVERLAY_FS 的内核',
    },
  };
}

function loadModule(name: string): boolean {
  try {
    execFileSync('modprobe', [name], { stdio: 'ignore' });
    return true;
  } catch {
    return false; // no modprobe, or no such module: the finding says what to do
  }
}

function cgroupFindings(): Finding[] {
  const layout = detectCgroupLayout();
  if (layout.kind === 'none') {
    return [
      {
        id: 'cgroup',
        level: 'missing',
        found: { en: 'no cgroup hierarchy is mounted', zh: '没有挂载任何 cgroup 层级' },
        remedy: {
          en: 'mount -t cgroup2 cgroup2 /sys/fs/cgroup',
          zh: '执行 mount -t cgroup2 cgroup2 /sys/fs/cgroup',
        },
      },
    ];
  }
  const has = (name: string) => layout.hierarchies.some((one) => one.controllers.includes(name));
  return [
    ok('cgroup', `cgroup ${layout.kind}`, `cgroup ${layout.kind}`),
    ...['memory', 'pids', 'cpu'].map((name): Finding => {
      if (has(name)) return ok(`cgroup.${name}`, `${name} controller`, `${name} 控制器可用`);
      return {
        id: `cgroup.${name}`,
        level: 'reduced',
        found: {
          en: `no ${name} controller: sandboxes have no ${name} limit`,
          zh: `没有 ${name} 控制器：沙箱不受 ${name} 限制`,
        },
        remedy: {
          en: `boot with the ${name} controller enabled (cgroup_enable=${name})`,
          zh: `启动时启用 ${name} 控制器（cgroup_enable=${name}）`,
        },
      };
    }),
  ];
}

/** The kernel refuses proc in a user namespace when the host's own is partly covered. */
function procFinding(): Finding {
  const covered = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .filter(
      (mountPoint) => mountPoint.startsWith('/proc/') && mountPoint !== '/proc/sys/fs/binfmt_misc',
    );
  if (covered.length === 0) return ok('proc', '/proc is fully visible', '/proc 完全可见');
  return {
    id: 'proc',
    level: 'missing',
    found: {
      en: `/proc is covered at ${covered.join(' ')}`,
      zh: `/proc 被遮盖：${covered.join(' ')}`,
    },
    remedy: {
      en: 'run outside of a container, or in one with an unmasked /proc',
      zh: '请在容器之外运行，或使用不遮盖 /proc 的容器',
    },
  };
}

function tracefsFinding(): Finding {
  const directory = ['/sys/kernel/tracing', '/sys/kernel/debug/tracing'].find((path) =>
    existsSync(path),
  );
  if (directory !== undefined)
    return ok('tracefs', `tracefs at ${directory}`, `tracefs 位于 ${directory}`);
  return {
    id: 'tracefs',
    level: 'reduced',
    found: {
      en: 'no tracefs: changes are seen by scanning',
      zh: '没有 tracefs：只能靠扫描发现变化',
    },
    remedy: { en: 'a kernel with CONFIG_FTRACE', zh: '换用带 CONFIG_FTRACE 的内核' },
  };
}

function imageFinding(image: string): Finding {
  const type = statfsSync(image).type;
  const name = nameOf(MAGIC, type) ?? `0x${type.toString(16)}`;
  return ok('image', `images are on ${name}`, `镜像位于 ${name}`);
}

function ok(id: string, en: string, zh: string): Finding {
  return { id, level: 'ok', found: { en, zh } };
}
