/**
 * One process's kernel state from /proc/PID. Runs in the daemon, as root in the host's namespaces;
 * changes nothing. The files are synchronous reads of 8 to 15 µs each: cheaper than libuv's pool.
 */
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import {
  type CapabilitySet,
  type FdState,
  type IdQuad,
  type MountRow,
  NAMESPACE_NAMES,
  type NamespaceName,
  type PlaceState,
  type ProcessKernelState,
} from './kernel-state.js';

/** Reads everything. @returns null when the process is gone, or only its zombie is left */
export function readProcess(pid: number, proc = '/proc'): ProcessKernelState | null {
  const at = `${proc}/${pid}`;
  const status = statusFields(text(`${at}/status`));
  if (status.size === 0 || /^[ZX]/.test(status.get('State') ?? '')) return null;
  const stat = statFields(text(`${at}/stat`) ?? '');
  return {
    pid,
    pids: numbers(status.get('NSpid') ?? String(pid)),
    parentPid: Number(status.get('PPid') ?? 0),
    comm: status.get('Name') ?? '?',
    exe: link(`${at}/exe`),
    ...readNamespaces(at),
    ...readIds(at, status),
    capabilities: readCapabilities(status),
    noNewPrivs: status.get('NoNewPrivs') === '1',
    seccompMode: Number(status.get('Seccomp') ?? 0),
    seccompFilters: Number(status.get('Seccomp_filters') ?? 0),
    umask: status.get('Umask') ?? null,
    root: readPlace(`${at}/root`),
    cwd: readPlace(`${at}/cwd`),
    cgroups: parseCgroups(text(`${at}/cgroup`) ?? ''),
    fds: readFds(at),
    limits: parseLimitRows(text(`${at}/limits`) ?? ''),
    oomScoreAdj: numberOrNull(text(`${at}/oom_score_adj`)),
    personality: text(`${at}/personality`)?.trim() ?? null,
    timeOffsets: lines(text(`${at}/timens_offsets`)),
    mounts: parseMounts(text(`${at}/mountinfo`) ?? ''),
    ...stat,
  };
}

/** The program file of a process; null when it is gone. */
export function readExe(pid: number): string | null {
  return link(`/proc/${pid}/exe`);
}

/** It has ended, and its parent has not asked for its status yet. */
export function isZombie(pid: number): boolean {
  return /\) [ZX] /.test(text(`/proc/${pid}/stat`) ?? '');
}

function readNamespaces(at: string) {
  const inode = (name: string): number | null => {
    const found = /\[(\d+)\]$/.exec(link(`${at}/ns/${name}`) ?? '');
    return found === null ? null : Number(found[1]);
  };
  const namespaces = Object.fromEntries(
    NAMESPACE_NAMES.map((name) => [name, inode(name)]),
  ) as Record<NamespaceName, number | null>;
  return {
    namespaces,
    pidForChildren: inode('pid_for_children'),
    timeForChildren: inode('time_for_children'),
  };
}

function readIds(at: string, status: ReadonlyMap<string, string>) {
  return {
    uidMap: lines(text(`${at}/uid_map`)),
    gidMap: lines(text(`${at}/gid_map`)),
    setgroups: text(`${at}/setgroups`)?.trim() ?? null,
    uids: quad(status.get('Uid')),
    gids: quad(status.get('Gid')),
    groups: numbers(status.get('Groups') ?? ''),
  };
}

function readCapabilities(status: ReadonlyMap<string, string>) {
  const set = (field: string): bigint => BigInt(`0x${status.get(field) ?? '0'}`);
  return {
    effective: set('CapEff'),
    permitted: set('CapPrm'),
    inheritable: set('CapInh'),
    bounding: set('CapBnd'),
    ambient: set('CapAmb'),
  } satisfies Record<CapabilitySet, bigint>;
}

/** Where a magic link leads: its text may be the same for two roots, device and inode are not. */
function readPlace(at: string): PlaceState {
  let identity: string | null = null;
  try {
    const { dev, ino } = statSync(at);
    identity = `${deviceName(dev)} ${ino}`;
  } catch {
    // gone, or a directory that was removed under the process
  }
  return { path: link(at) ?? '?', identity };
}

/** `8:1` from a dev_t as stat(2) encodes it: major in bits 8-19, minor in 0-7 and from 20 on. */
export function deviceName(device: number): string {
  const major = Math.floor(device / 256) & 0xfff;
  const minor = (device & 0xff) | (Math.floor(device / 0x10_0000) << 8);
  return `${major}:${minor}`;
}

/** What `flags:` of fdinfo has for O_CLOEXEC. */
const O_CLOEXEC = 0o2000000;

/** How the player talks to us (native/player.c): the instrument is no part of what it measures. */
const PLAYER_FDS = new Set(['61', '63']);

function readFds(at: string): Record<number, FdState> {
  const found: Record<number, FdState> = {};
  for (const name of directory(`${at}/fd`)) {
    const target = link(`${at}/fd/${name}`);
    if (PLAYER_FDS.has(name) && target?.startsWith('socket:')) continue;
    if (target === null) continue; // closed between readdir and readlink
    const flags = /^flags:\s*([0-7]+)/m.exec(text(`${at}/fdinfo/${name}`) ?? '');
    const closeOnExec = (Number.parseInt(flags?.[1] ?? '0', 8) & O_CLOEXEC) !== 0;
    found[Number(name)] = { target, closeOnExec };
  }
  return found;
}

/** `Name:\tvalue` rows of /proc/PID/status. */
function statusFields(status: string | null): Map<string, string> {
  const fields = new Map<string, string>();
  for (const line of (status ?? '').split('\n')) {
    const colon = line.indexOf(':');
    if (colon > 0) fields.set(line.slice(0, colon), line.slice(colon + 1).trim());
  }
  return fields;
}

/** Fields 5, 6, 7 and 19 of /proc/PID/stat; the name before them may hold anything. */
function statFields(stat: string) {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const field = (number: number): number => Number(fields[number - 3] ?? 0);
  const tty = field(7);
  return {
    processGroup: field(5),
    session: field(6),
    terminal: tty === 0 ? null : deviceName(tty),
    nice: field(19),
  };
}

/** `8:pids:/terrarium/s1` → { pids: '/terrarium/s1' } */
export function parseCgroups(table: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const line of table.split('\n')) {
    const match = /^\d+:([^:]*):(.*)$/.exec(line);
    if (match !== null) found[match[1] ?? ''] = match[2] ?? '';
  }
  return found;
}

/** `Max open files            1024                 4096                 files` */
export function parseLimitRows(table: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const line of table.split('\n').slice(1)) {
    const match = /^(Max [a-z -]+?) {2,}(\S+) +(\S+)/.exec(line);
    if (match !== null) found[match[1] ?? ''] = `${match[2]} ${match[3]}`;
  }
  return found;
}

/** More rows than a plan could ever make are not worth reading at each step. */
const MAX_MOUNTS = 500;

/** `36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue` */
export function parseMounts(table: string): MountRow[] {
  const rows: MountRow[] = [];
  for (const line of table.split('\n')) {
    const fields = line.split(' ');
    const dash = fields.indexOf('-', 6);
    if (dash < 0) continue;
    const field = (index: number): string => unescapeOctal(fields[index] ?? '');
    rows.push({
      mountId: Number(fields[0]),
      parentId: Number(fields[1]),
      device: field(2),
      root: field(3),
      mountPoint: field(4),
      mountOptions: field(5),
      propagation: fields.slice(6, dash).join(' '),
      fsType: field(dash + 1),
      mountSource: field(dash + 2),
      superOptions: field(dash + 3),
    });
    if (rows.length === MAX_MOUNTS) break;
  }
  return rows;
}

/** The mount that a process has as its root: the top of the tree, whatever else is mounted at `/`. */
export function rootMount(rows: readonly MountRow[]): MountRow | undefined {
  const ids = new Set(rows.map(({ mountId }) => mountId));
  return rows.find(({ mountPoint, parentId }) => mountPoint === '/' && !ids.has(parentId));
}

/** Space, tab, newline and backslash stand as `\040` and so on. */
function unescapeOctal(field: string): string {
  return field.replace(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}

/** A small file; null when the process is gone, or this kernel has no such file. */
export function text(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

function link(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}

function directory(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

/** Rows with single blanks: `         0     100000      65536` → `0 100000 65536`. */
function lines(content: string | null): string[] {
  return (content ?? '')
    .split('\n')
    .map((line) => line.trim().replace(/\s+/g, ' '))
    .filter((line) => line !== '');
}

function numbers(field: string): number[] {
  return field.split(/\s+/).filter(Boolean).map(Number);
}

function quad(field: string | undefined): IdQuad {
  const [real = 0, effective = 0, saved = 0, fs = 0] = numbers(field ?? '');
  return [real, effective, saved, fs];
}

function numberOrNull(content: string | null): number | null {
  return content === null ? null : Number(content);
}
