/**
 * What fences this host offers, for `doctor`: which mechanisms its kernel has, so that a lab's
 * sandboxes can be held by them. Runs in the CLI or the daemon; changes nothing.
 */
import { detectCgroupLayout } from '../cgroups/index.js';
import type { Finding } from '../probe.js';
import { sysctlEntries } from './kernel.js';
import type { Words } from './schema.js';
import { type FenceSource, KERNEL_SOURCE } from './source.js';

/** Findings about fences; `reduced` where one is missing or weak. Ids begin with `fence.`. */
export function probeFences(source: FenceSource = KERNEL_SOURCE): Finding[] {
  return [
    seccompFinding(source),
    devicesFinding(),
    tiocstiFinding(source),
    lsmFinding(source),
    ...weakSwitches(source),
  ];
}

function seccompFinding(source: FenceSource): Finding {
  const actions = source.read('/proc/sys/kernel/seccomp/actions_avail');
  if (actions?.split(' ').includes('errno')) {
    return ok('fence.seccomp', {
      en: `system call filters (${actions})`,
      zh: `支持系统调用过滤器（${actions}）`,
    });
  }
  return {
    id: 'fence.seccomp',
    level: 'missing',
    found: { en: 'the kernel has no system call filters', zh: '内核没有系统调用过滤器' },
    remedy: {
      en: 'a kernel with CONFIG_SECCOMP_FILTER',
      zh: '换用带 CONFIG_SECCOMP_FILTER 的内核',
    },
  };
}

function devicesFinding(): Finding {
  const { hierarchies } = detectCgroupLayout();
  const v1 = hierarchies.some(({ controllers }) => controllers.includes('devices'));
  const v2 = hierarchies.some(({ version }) => version === 2);
  if (v1 || v2) {
    return ok('fence.devices', {
      en: v1 ? 'device rules of cgroup v1' : 'device programs of cgroup v2',
      zh: v1 ? 'cgroup v1 的设备规则' : 'cgroup v2 的设备程序',
    });
  }
  return {
    id: 'fence.devices',
    level: 'reduced',
    found: {
      en: 'no device controller: only missing nodes keep devices away',
      zh: '没有设备控制器：只能靠没有节点来隔离设备',
    },
    remedy: { en: 'mount cgroup v2', zh: '挂载 cgroup v2' },
  };
}

function tiocstiFinding(source: FenceSource): Finding {
  const value = source.read('/proc/sys/dev/tty/legacy_tiocsti');
  if (value === '0') {
    return ok('fence.tiocsti', {
      en: 'nobody types into terminals (TIOCSTI is off)',
      zh: '没有人能往终端里输入（TIOCSTI 已关闭）',
    });
  }
  return ok('fence.tiocsti', {
    en: 'TIOCSTI is allowed on this machine; the filter of a sandbox refuses it',
    zh: '这台机器允许 TIOCSTI；沙箱的过滤器会拒绝它',
  });
}

function lsmFinding(source: FenceSource): Finding {
  const active = source.read('/sys/kernel/security/lsm');
  const words: Words =
    active === null
      ? {
          en: 'security modules: not told (securityfs is not mounted)',
          zh: '安全模块：未知（securityfs 未挂载）',
        }
      : { en: `security modules: ${active}`, zh: `安全模块：${active}` };
  return ok('fence.lsm', words);
}

/** What the whole machine leaves open; sandboxes are held by their filter all the same. */
function weakSwitches(source: FenceSource): Finding[] {
  return sysctlEntries(source).map(({ id, sentence, raw }): Finding => {
    const key = id.replace('sysctl.', '');
    const { en, zh } = sentence;
    return ok(`fence.${key}`, {
      en: `${key} = ${raw[0]?.value}: ${en}`,
      zh: `${key} = ${raw[0]?.value}：${zh}`,
    });
  });
}

function ok(id: string, found: Words): Finding {
  return { id, level: 'ok', found };
}
