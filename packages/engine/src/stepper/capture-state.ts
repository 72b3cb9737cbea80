/**
 * Reads the kernel state of a plan's living processes: what the stepper shows before and after each
 * call. Runs in the daemon, as root in the host's namespaces. Only reads; a host name, which only
 * a process inside can see, is asked for by a two-call plan of the resident player.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  CLONE,
  flagged,
  PlanBuilder,
  type Player,
  type ProcessName,
  scratch,
} from '@terrarium/syscall';
import { type CgroupLayout, groupPath } from '../cgroups/index.js';
import { purpose } from '../plan/script.js';
import type { Landmark, Viewer } from './kernel-change.js';
import type {
  FileState,
  KernelState,
  NetworkState,
  ProcessKernelState,
  Words,
} from './kernel-state.js';
import { readProcess, text } from './read-process.js';

/** What to read. */
export interface CaptureInput {
  /** host pid of each process of the plan that has been started */
  readonly processes: Readonly<Record<ProcessName, number>>;
  /** the file that the stepped call names; read last, by whoever knows the call */
  readonly file?: FileState | null;
  /**
   * `known`: a host name that was read before is taken as it was, which spares two processes for
   * each; for after a call that cannot have changed it
   */
  readonly hostnames?: 'all' | 'known';
}

/** Reads the state of processes at one moment. */
export type Capture = (input: CaptureInput) => Promise<KernelState>;

/** Names the namespaces that a process is in now, so that others can be told from them. */
export function landmarkOf(pid: number, words: Words): Landmark {
  const namespaces = Object.values(readProcess(pid)?.namespaces ?? {});
  const inodes = namespaces.filter((inode) => inode !== null);
  return { words, inodes: new Set(inodes) };
}

/** A person with a shell in a sandbox. @param initPid the sandbox's PID 1, on the host */
export function viewerInSandbox(initPid: number, cgroupRoot: string): Viewer {
  const { uidMap = [], gidMap = [], pids = [] } = readProcess(initPid) ?? {};
  return { level: Math.max(pids.length - 1, 0), cgroupRoot, uidMap, gidMap };
}

/** Limits and their state; the events and statistics of a group change by themselves. */
const GROUP_FILES: Readonly<Record<string, readonly string[]>> = {
  memory: ['memory.limit_in_bytes', 'memory.memsw.limit_in_bytes', 'memory.soft_limit_in_bytes'],
  cpu: ['cpu.cfs_quota_us', 'cpu.cfs_period_us', 'cpu.shares'],
  cpuset: ['cpuset.cpus', 'cpuset.mems'],
  pids: ['pids.max'],
  blkio: ['blkio.bfq.weight', 'blkio.weight'],
  freezer: ['freezer.state'],
  devices: ['devices.list'],
};

const GROUP_FILES_V2: readonly string[] = [
  'cgroup.controllers',
  'cgroup.subtree_control',
  'cgroup.freeze',
  'memory.max',
  'memory.high',
  'memory.swap.max',
  'cpu.max',
  'cpu.weight',
  'cpuset.cpus',
  'cpuset.mems',
  'pids.max',
  'io.max',
];

/** Makes a reader for this host. */
export function kernelCapture(player: Player, layout: CgroupLayout): Capture {
  const readHostname = hostnameReader(player);
  const known = new Map<number, string>();
  return async ({ processes, file = null, hostnames: wanted = 'all' }) => {
    const began = performance.now();
    const found: Record<ProcessName, ProcessKernelState> = {};
    for (const [name, pid] of Object.entries(processes)) {
      const state = readProcess(pid);
      if (state !== null) found[name] = state;
    }
    if (wanted === 'all') known.clear();
    const hostnames = await readHostnames(Object.values(found), readHostname, known);
    return {
      processes: found,
      hostnames,
      networks: readNetworks(Object.values(found)),
      groups: readGroups(Object.values(found), layout),
      file,
      readMs: performance.now() - began,
    };
  };
}

async function readHostnames(
  processes: readonly ProcessKernelState[],
  read: (pid: number) => Promise<string | null>,
  known: Map<number, string>,
): Promise<Record<number, string>> {
  const found: Record<number, string> = {};
  for (const { pid, namespaces } of processes) {
    const inode = namespaces.uts;
    if (inode === null || inode in found) continue;
    const name = known.get(inode) ?? (await read(pid));
    if (name === null) continue;
    found[inode] = name;
    known.set(inode, name);
  }
  return found;
}

const UTSNAME_FIELD = 65; // struct new_utsname: six strings of 64 bytes and a NUL
const UTSNAME_BYTES = 6 * UTSNAME_FIELD;

/**
 * uname(2) from inside a uts namespace: a runner of the player joins that one namespace, asks and
 * ends. /proc/PID/root/proc/sys/kernel/hostname would give the reader's own name.
 */
function hostnameReader(player: Player): (pid: number) => Promise<string | null> {
  const why = purpose('read-hostname', 'read a host name from inside', '从内部读取主机名');
  return async (pid) => {
    const builder = new PlanBuilder(`host name of ${pid}`);
    const pidfd = builder.slot('pidfd');
    const names = scratch(UTSNAME_BYTES);
    builder.call('outside', {
      syscall: 'pidfd_open',
      args: [pid, 0],
      purpose: why,
      store: pidfd,
    });
    const uts = flagged(CLONE, 'CLONE_NEWUTS');
    builder.call('outside', { syscall: 'setns', args: [pidfd, uts], purpose: why });
    builder.call('outside', {
      syscall: 'uname',
      args: [names],
      purpose: why,
      reportBlock: names,
    });
    try {
      const { reports } = await player.run(builder.build(), { batched: true }).done;
      const bytes = reports.at(-1)?.bytes ?? new Uint8Array();
      return field(bytes, 1);
    } catch {
      return null; // it ended meanwhile
    }
  };
}

function field(utsname: Uint8Array, index: number): string {
  const start = index * UTSNAME_FIELD;
  const end = utsname.indexOf(0, start);
  return new TextDecoder().decode(utsname.slice(start, end < 0 ? undefined : end));
}

function readNetworks(processes: readonly ProcessKernelState[]): Record<number, NetworkState> {
  const found: Record<number, NetworkState> = {};
  for (const { pid, namespaces } of processes) {
    const inode = namespaces.net;
    if (inode === null || inode in found) continue;
    found[inode] = {
      links: parseLinks(text(`/proc/${pid}/net/dev`) ?? ''),
      addresses: [
        ...parseLocalAddresses(text(`/proc/${pid}/net/fib_trie`) ?? ''),
        ...parseAddresses6(text(`/proc/${pid}/net/if_inet6`) ?? ''),
      ],
    };
  }
  return found;
}

/** `    lo:       0       0 …` below two lines of headings. */
export function parseLinks(dev: string): string[] {
  return dev
    .split('\n')
    .slice(2)
    .map((line) => line.slice(0, line.indexOf(':')).trim())
    .filter((name) => name !== '');
}

/**
 * Addresses of this host in the routing table:
 *
 *     |-- 127.0.0.1
 *        /32 host LOCAL
 */
export function parseLocalAddresses(trie: string): string[] {
  const found = new Set<string>();
  let leaf = '';
  for (const line of trie.split('\n')) {
    const address = /\|-- ([0-9.]+)/.exec(line);
    if (address !== null) leaf = address[1] ?? '';
    else if (/\/32 host LOCAL/.test(line)) found.add(leaf);
  }
  return [...found];
}

/** `00000000000000000000000000000001 01 80 10 80       lo` */
export function parseAddresses6(table: string): string[] {
  return table.split('\n').flatMap((line) => {
    const match = /^([0-9a-f]{32}) .* (\S+)$/.exec(line.trim());
    return match === null ? [] : [`${shortenAddress(match[1] ?? '')} on ${match[2]}`];
  });
}

/** RFC 5952, as far as needed: leading zeros go, the longest run of zeros becomes `::`. */
function shortenAddress(hex: string): string {
  const groups = (hex.match(/.{4}/g) ?? []).map((group) => group.replace(/^0{1,3}/, ''));
  const runs = [...groups.join(':').matchAll(/(?:^|:)0(?::0)+(?=:|$)/g)].map(([run]) => run);
  const longest = runs.sort((a, b) => b.length - a.length)[0];
  if (longest === undefined) return groups.join(':');
  const short = groups.join(':').replace(longest, '::').replace(/:{3,}/g, '::');
  return short;
}

function readGroups(
  processes: readonly ProcessKernelState[],
  layout: CgroupLayout,
): Record<string, Record<string, string>> {
  const found: Record<string, Record<string, string>> = {};
  for (const hierarchy of layout.hierarchies) {
    const key = hierarchy.version === 2 ? '' : hierarchy.controllers.join(',');
    for (const { cgroups } of processes) {
      const path = cgroups[key];
      // The root group has no limits, and is not the plan's.
      if (path === undefined || path === '/') continue;
      const directory = groupPath(hierarchy, path);
      if (directory in found) continue;
      const files =
        hierarchy.version === 2
          ? GROUP_FILES_V2
          : hierarchy.controllers.flatMap((controller) => GROUP_FILES[controller] ?? []);
      found[directory] = readFiles(directory, files);
    }
  }
  return found;
}

function readFiles(directory: string, names: readonly string[]): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of names) {
    try {
      found[name] = readFileSync(join(directory, name), 'utf8').trim();
    } catch {
      // the controller is not enabled here, or this kernel has no such file
    }
  }
  return found;
}
