/** The device controller: v1's list of rules, or the eBPF programs that decide in v2. */
import { closeSync, openSync } from 'node:fs';
import { countDevicePrograms, SyscallError } from '@terrarium/syscall';
import { groupPath } from '../cgroups/index.js';
import type { CgroupLayout } from '../cgroups/types.js';
import { parseCgroups } from './limits.js';
import type { FenceEntry, FenceFacts } from './schema.js';
import { type FenceSource, UNREADABLE } from './source.js';

/** One entry: whichever version has the controller. */
export function deviceEntries(
  source: FenceSource,
  pid: number,
  layout: CgroupLayout,
  count: (directory: string) => number | null = programsOf,
): { entries: FenceEntry[]; facts: Pick<FenceFacts['devices'], 'rules' | 'programs'> } {
  const groups = parseCgroups(source.read(`/proc/${pid}/cgroup`));
  const v1 = layout.hierarchies.find(({ controllers }) => controllers.includes('devices'));
  if (v1 !== undefined) {
    const path = `${groupPath(v1, groups.get('devices') ?? '/')}/devices.list`;
    const text = source.read(path);
    const rules = text === null ? null : text.split('\n').filter((rule) => rule !== '');
    return { entries: [v1Entry(path, text, rules)], facts: { rules, programs: null } };
  }
  const v2 = layout.hierarchies.find(({ version }) => version === 2);
  if (v2 === undefined) return { entries: [], facts: { rules: null, programs: null } };
  const directory = groupPath(v2, groups.get('') ?? '/');
  const programs = count(directory);
  return { entries: [v2Entry(directory, programs)], facts: { rules: null, programs } };
}

function v1Entry(path: string, text: string | null, rules: readonly string[] | null): FenceEntry {
  const isOpen = rules?.some((rule) => rule.startsWith('a *:* ')) ?? false;
  return {
    id: 'device.rules',
    mechanism: 'device',
    title: { en: 'device rules', zh: '设备规则' },
    sentence: isOpen
      ? {
          en: 'every device may be opened, if there is a node for it',
          zh: '只要有节点，任何设备都可打开',
        }
      : {
          en: `only ${rules?.length ?? 0} kinds of devices may be opened or made, whatever node there is`,
          zh: `无论有什么节点，只有 ${rules?.length ?? 0} 类设备可以打开或创建`,
        },
    raw: [{ path, value: text ?? UNREADABLE }],
    refuses: isOpen ? [] : ['open of another device: EPERM', 'mknod of another device: EPERM'],
  };
}

function v2Entry(directory: string, programs: number | null): FenceEntry {
  const some = programs !== null && programs > 0;
  return {
    id: 'device.rules',
    mechanism: 'device',
    title: { en: 'device programs', zh: '设备程序' },
    sentence:
      programs === null
        ? { en: 'the kernel does not say which programs decide', zh: '内核没有说明由哪些程序裁决' }
        : {
            en: `${programs} eBPF programs of the group and its parents decide which devices may be opened`,
            zh: `由本组及上级组的 ${programs} 个 eBPF 程序裁决可以打开哪些设备`,
          },
    raw: [{ path: `bpf(BPF_PROG_QUERY, ${directory})`, value: programs?.toString() ?? UNREADABLE }],
    refuses: some ? ['open of another device: EPERM', 'mknod of another device: EPERM'] : [],
  };
}

/** @returns null where the kernel does not tell */
function programsOf(directory: string): number | null {
  let fd: number | undefined;
  try {
    fd = openSync(directory, 'r');
    return countDevicePrograms(fd);
  } catch (error) {
    if (error instanceof SyscallError || (error as NodeJS.ErrnoException).code !== undefined)
      return null;
    throw error;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}
