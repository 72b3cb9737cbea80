/**
 * Reads what doctor judges, from /proc and /sys, as plain facts. Changes nothing and needs no root,
 * but sees more as root.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { NAMESPACE_KINDS, type NamespaceKind } from '@terrarium/timeline';

export interface Machine {
  readonly kernelRelease: string;
  readonly architecture: string;
  readonly nodeVersion: string;
  readonly uid: number;
  /** bits of the effective capability set, from CapEff in /proc/self/status */
  readonly capabilities: bigint;
  readonly namespaces: readonly NamespaceKind[];
  /** max_user_namespaces and the distributions' switches; null where there is no such file */
  readonly maxUserNamespaces: number | null;
  readonly unprivilegedUserNamespaces: number | null;
  readonly filesystems: readonly string[];
  readonly cgroups: CgroupFacts;
  readonly tracefs: string | null;
  readonly freeMemoryBytes: number;
  readonly programs: ReadonlyMap<string, string | null>;
}

export interface CgroupFacts {
  /** what systemd calls them: unified, hybrid, legacy; none when nothing is mounted */
  readonly layout: 'v2' | 'hybrid' | 'v1' | 'none';
  /** controllers by version */
  readonly v1: readonly string[];
  readonly v2: readonly string[];
}

/** Programs that some part of the lab runs. */
const PROGRAMS = ['mmdebstrap', 'gcc', 'chromium', 'git'];

/**
 * Reads this machine.
 *
 * @param root another root than /, for tests
 */
export function readMachine(root = '/'): Machine {
  const read = (path: string): string | null => {
    try {
      return readFileSync(join(root, path), 'utf8');
    } catch {
      return null; // absent or not for us: the finding says so
    }
  };
  const number = (path: string): number | null => {
    const text = read(path);
    return text === null ? null : Number(text);
  };
  return {
    kernelRelease: read('proc/sys/kernel/osrelease')?.trim() ?? 'unknown',
    architecture: process.arch,
    nodeVersion: process.versions.node,
    uid: process.getuid?.() ?? -1,
    capabilities: BigInt(
      `0x${/^CapEff:\s*([0-9a-f]+)/m.exec(read('proc/self/status') ?? '')?.[1] ?? '0'}`,
    ),
    namespaces: NAMESPACE_KINDS.filter((kind) => existsSync(join(root, 'proc/self/ns', kind))),
    maxUserNamespaces: number('proc/sys/user/max_user_namespaces'),
    unprivilegedUserNamespaces: number('proc/sys/kernel/unprivileged_userns_clone'),
    filesystems: (read('proc/filesystems') ?? '').match(/\S+$/gm) ?? [],
    cgroups: cgroupFacts(read('proc/self/mountinfo') ?? '', read),
    tracefs: findTracefs(root),
    freeMemoryBytes:
      1024 * Number(/^MemAvailable:\s+(\d+)/m.exec(read('proc/meminfo') ?? '')?.[1] ?? 0),
    programs: new Map(PROGRAMS.map((name) => [name, findProgram(name)])),
  };
}

/** A cgroup row of mountinfo: `32 25 0:28 / /sys/fs/cgroup/memory rw,nosuid - cgroup cgroup rw,memory` */
function cgroupFacts(mountinfo: string, read: (path: string) => string | null): CgroupFacts {
  const v1 = new Set<string>();
  let v2: string[] | null = null;
  for (const line of mountinfo.split('\n')) {
    const [left = '', right = ''] = line.split(' - ');
    const mountPoint = left.split(' ')[4] ?? '';
    const [type, , options = ''] = right.split(' ');
    if (type === 'cgroup2') {
      v2 = (read(`${mountPoint}/cgroup.controllers`) ?? '').split(/\s+/).filter(Boolean);
    } else if (type === 'cgroup') {
      for (const option of options.split(',')) {
        if (!['rw', 'ro', 'xattr', 'none'].includes(option) && !option.includes('='))
          v1.add(option);
      }
    }
  }
  const layout = v1.size === 0 ? (v2 === null ? 'none' : 'v2') : v2 === null ? 'v1' : 'hybrid';
  return { layout, v1: [...v1], v2: v2 ?? [] };
}

function findTracefs(root: string): string | null {
  const places = ['sys/kernel/tracing', 'sys/kernel/debug/tracing'];
  const found = places.find((place) => existsSync(join(root, place, 'trace_pipe')));
  return found === undefined ? null : `/${found}`;
}

function findProgram(name: string): string | null {
  const dirs = (process.env['PATH'] ?? '').split(':').concat('/usr/sbin', '/sbin');
  return dirs.map((dir) => join(dir, name)).find((file) => existsSync(file)) ?? null;
}

/** Whether a kernel module could be loaded for a file system that is not there yet. */
export function moduleExists(machine: Machine, name: string): boolean {
  const dir = `/lib/modules/${machine.kernelRelease}/kernel/fs/${name}`;
  return existsSync(dir) && readdirSync(dir).length > 0;
}
