/**
 * Reads /proc as the observer needs it: one process, few files, no copies. Runs in the observer
 * process, in the host's namespaces, as root. Every reader gives null when the process is gone.
 *
 * Synchronous on purpose: a /proc read never waits for a device, and 8 to 15 µs each are 5 times
 * cheaper than through libuv's pool. A process of its own runs this, so no keystroke waits for it.
 */
import { closeSync, openSync, readdirSync, readlinkSync, readSync, statSync } from 'node:fs';
import {
  NAMESPACE_KINDS,
  type NamespaceKind,
  type NsInode,
  type ProcessFacts,
} from '@terrarium/timeline';

/** The fields of /proc/PID/stat that the timeline carries, see proc_pid_stat(5). */
export interface Stat {
  readonly comm: string;
  readonly state: string;
  readonly parentPid: number;
  readonly processGroup: number;
  /** N of /dev/pts/N, or null */
  readonly terminal: number | null;
  readonly threads: number;
  /** clock ticks since boot */
  readonly startTime: number;
  /** as waitpid(2) reports it; only of a zombie */
  readonly waitStatus: number | null;
}

/** The fields of /proc/PID/status that stat has not. */
export interface Status {
  readonly threadGroup: number;
  /** effective uid in the reader's user namespace: the host's */
  readonly uid: number;
  /** the NSpid line: from the reader's pid namespace to the process's own */
  readonly pids: readonly number[];
  /** what it may do; null where the kernel does not say all of it */
  readonly rights: Pick<ProcessFacts, 'seccomp' | 'noNewPrivs' | 'capabilities'> | null;
}

/** One line of /proc/PID/uid_map: `inside`, `outside` (in the reader's user namespace), `count`. */
export interface IdExtent {
  readonly inside: number;
  readonly outside: number;
  readonly count: number;
}

export type Namespaces = Readonly<Record<NamespaceKind, NsInode>>;

/** uid of whoever has no mapping, /proc/sys/kernel/overflowuid. */
export const OVERFLOW_UID = 65534;

/** Arguments longer than this (bytes of /proc/PID/cmdline) are cut: a learner may pass 2 MiB. */
export const MAX_ARGS_BYTES = 2048;

/** stat and status are made whole by the first read: asking for the end again would cost 2 µs. */
const ONE_READ = 16 * 1024;

/** Majors of /dev/pts, Documentation/admin-guide/devices.txt. */
const PTS_MAJOR_FIRST = 136;
const PTS_MAJOR_LAST = 143;

/** Reader of one proc file system; tests give a directory of their own. */
export class Proc {
  readonly root: string;
  private buffer: Buffer = Buffer.allocUnsafe(64 * 1024);

  constructor(root = '/proc') {
    this.root = root;
  }

  /**
   * A cheap first question about a process that has probably gone: a failed open in Node makes an
   * Error with its stack, 100 µs, which this avoids.
   */
  exists(pid: number): boolean {
    return statSync(`${this.root}/${pid}`, { throwIfNoEntry: false }) !== undefined;
  }

  stat(pid: number): Stat | null {
    const text = this.text(`${pid}/stat`, ONE_READ);
    return text === null ? null : parseStat(text);
  }

  status(pid: number): Status | null {
    const text = this.text(`${pid}/status`, ONE_READ);
    return text === null ? null : parseStatus(text);
  }

  /** What a process sees and may do; null for a zombie, which has no root any more. */
  facts(pid: number, { rights }: Status): ProcessFacts | null {
    const [root, cwd] = [this.link(`${pid}/root`), this.link(`${pid}/cwd`)];
    const oomScoreAdj = this.text(`${pid}/oom_score_adj`, ONE_READ);
    if (rights === null || root === null || cwd === null || oomScoreAdj === null) return null;
    return { root, cwd, ...rights, oomScoreAdj: Number(oomScoreAdj) };
  }

  /** Empty for a zombie and for kernel threads. */
  args(pid: number): string[] | null {
    const text = this.text(`${pid}/cmdline`, MAX_ARGS_BYTES);
    return text === null ? null : parseArgs(text);
  }

  /** All eight, or null when any is not readable (a zombie has left its namespaces). */
  namespaces(pid: number): Namespaces | null {
    const found: Partial<Record<NamespaceKind, NsInode>> = {};
    for (const kind of NAMESPACE_KINDS) {
      const inode = this.namespace(pid, kind);
      if (inode === null) return null;
      found[kind] = inode;
    }
    return found as Namespaces;
  }

  /** One of /proc/PID/ns; `name` may also be pid_for_children or time_for_children. */
  namespace(pid: number | 'self', name: string): NsInode | null {
    const link = this.link(`${pid}/ns/${name}`);
    return link === null ? null : (parseNamespaceLink(link)?.inode ?? null);
  }

  link(path: string): string | null {
    try {
      return readlinkSync(`${this.root}/${path}`);
    } catch {
      return null; // gone, or never there: what the caller asks is answered
    }
  }

  list(path: string): string[] | null {
    try {
      return readdirSync(`${this.root}/${path}`);
    } catch {
      return null;
    }
  }

  uidMap(pid: number): IdExtent[] | null {
    const text = this.text(`${pid}/uid_map`);
    return text === null ? null : parseIdMap(text);
  }

  /** Path of the process in one cgroup hierarchy; `controllers` as in /proc/PID/cgroup ('' is v2). */
  cgroup(pid: number | 'self', controllers: string): { id: number; path: string } | null {
    const text = this.text(`${pid}/cgroup`);
    return text === null ? null : parseCgroup(text, controllers);
  }

  mountinfo(pid: number | 'self'): string | null {
    return this.text(`${pid}/mountinfo`);
  }

  /** Threads of a process. */
  threads(pid: number): number[] {
    return (this.list(`${pid}/task`) ?? []).map(Number);
  }

  /** Children, zombies included; empty on kernels without CONFIG_PROC_CHILDREN. */
  children(pid: number): number[] {
    const text = this.text(`${pid}/task/${pid}/children`);
    return text === null ? [] : text.split(' ').filter(Boolean).map(Number);
  }

  /** A file as UTF-8, at most `max` bytes; null when it cannot be read. */
  text(path: string, max: number = 1024 * 1024): string | null {
    return this.readText(`${this.root}/${path}`, max);
  }

  /** The same for any path, with the same buffer: cgroup.procs. */
  readText(path: string, max: number = 1024 * 1024): string | null {
    let fd: number;
    try {
      fd = openSync(path, 'r');
    } catch {
      return null;
    }
    try {
      let length = 0;
      while (length < max) {
        if (length === this.buffer.length) this.grow();
        const wanted = Math.min(this.buffer.length, max) - length;
        const read = readSync(fd, this.buffer, length, wanted, null);
        length += read;
        // A short read ends a page, not the file (mountinfo); only 0 is the end.
        if (read === 0 || max === ONE_READ) break;
      }
      return this.buffer.toString('utf8', 0, length);
    } catch {
      return null; // ESRCH: it went between open and read
    } finally {
      closeSync(fd);
    }
  }

  private grow(): void {
    const larger = Buffer.allocUnsafe(this.buffer.length * 2);
    this.buffer.copy(larger);
    this.buffer = larger;
  }
}

/**
 * `22890 (a) b) S 22885 22890 22885 34816 …`: the name is in parentheses and may hold any byte,
 * so the fields are counted from the last closing one.
 */
export function parseStat(text: string): Stat | null {
  const open = text.indexOf('(');
  const close = text.lastIndexOf(')');
  if (open < 0 || close < open) return null;
  const fields = text.slice(close + 2).split(' ');
  const field = (number: number): number => Number(fields[number - 3]); // numbers as in the man page
  const state = fields[0] ?? '';
  return {
    comm: text.slice(open + 1, close),
    state,
    parentPid: field(4),
    processGroup: field(5),
    terminal: ptsNumber(field(7)),
    threads: field(20),
    startTime: field(22),
    waitStatus: state === 'Z' && fields.length > 49 ? field(52) : null,
  };
}

/** tty_nr to N of /dev/pts/N: minor in bits 31-20 and 7-0, major in bits 15-8. */
function ptsNumber(device: number): number | null {
  const major = (device >>> 8) & 0xfff;
  if (major < PTS_MAJOR_FIRST || major > PTS_MAJOR_LAST) return null;
  const minor = (device & 0xff) | ((device >>> 12) & 0xfff00);
  return (major - PTS_MAJOR_FIRST) * 256 + minor;
}

/** `Tgid:\t7`, `Uid:\treal\teffective\tsaved\tfs`, `NSpid:\t4711\t7\t1`. */
export function parseStatus(text: string): Status | null {
  const line = (name: string): number[] => {
    const start = text.indexOf(`\n${name}:\t`);
    if (start < 0) return [];
    const from = start + name.length + 3;
    const end = text.indexOf('\n', from);
    return text
      .slice(from, end < 0 ? undefined : end)
      .split('\t')
      .map(Number);
  };
  const [threadGroup] = line('Tgid');
  const uid = line('Uid')[1];
  // In the moment in which it is reaped, a process has no number any more: 0 on every level.
  if (threadGroup === undefined || threadGroup === 0 || uid === undefined) return null;
  const pids = line('NSpid');
  if (pids[0] === 0) return null;
  const rights = parseRights(text);
  return { threadGroup, uid, pids: pids.length > 0 ? pids : [threadGroup], rights };
}

/** `CapPrm:\t000001ffffffffff`, and so on in the kernel's order; `NoNewPrivs:\t0`, `Seccomp:\t2`. */
function parseRights(text: string): Status['rights'] {
  const found =
    /\nCapPrm:\t(\w{16})\nCapEff:\t(\w{16})\nCapBnd:\t(\w{16})\n[\s\S]*?\nNoNewPrivs:\t(\d)\nSeccomp:\t(\d)/.exec(
      text,
    );
  if (found === null) return null;
  const [, permitted = '', effective = '', bounding = '', noNewPrivs, seccomp] = found;
  return {
    seccomp: Number(seccomp),
    noNewPrivs: noNewPrivs === '1',
    capabilities: { effective, permitted, bounding },
  };
}

/** Arguments end with NUL each; a program that rewrote its title may leave the last one out. */
export function parseArgs(text: string): string[] {
  if (text === '') return [];
  const parts = text.split('\0');
  if (parts.at(-1) === '') parts.pop();
  return parts;
}

/** `         0     100000      65536` */
export function parseIdMap(text: string): IdExtent[] {
  return text
    .split('\n')
    .map((line) => line.trim().split(/ +/).map(Number))
    .filter((numbers) => numbers.length === 3)
    .map(([inside, outside, count]) => ({
      inside: inside ?? 0,
      outside: outside ?? 0,
      count: count ?? 0,
    }));
}

/** The uid inside a user namespace; OVERFLOW_UID when it is not mapped there. */
export function uidInside(map: readonly IdExtent[], outside: number): number {
  for (const extent of map) {
    const offset = outside - extent.outside;
    if (offset >= 0 && offset < extent.count) return extent.inside + offset;
  }
  return OVERFLOW_UID;
}

/** `8:pids:/terrarium/s1` or `0::/terrarium/s1`. */
export function parseCgroup(
  text: string,
  controllers: string,
): { id: number; path: string } | null {
  for (const line of text.split('\n')) {
    const first = line.indexOf(':');
    const second = line.indexOf(':', first + 1);
    if (first < 0 || second < 0) continue;
    if (line.slice(first + 1, second) !== controllers) continue;
    const path = line.slice(second + 1).replace(/ \(deleted\)$/, '');
    return { id: Number(line.slice(0, first)), path };
  }
  return null;
}

/** `pid:[4026531836]`, as a link below /proc/PID/ns or /proc/PID/fd and as a mount's root. */
export function parseNamespaceLink(link: string): { kind: string; inode: NsInode } | null {
  const found = /^([a-z]+):\[(\d+)\]$/.exec(link);
  return found === null ? null : { kind: found[1] ?? '', inode: Number(found[2]) };
}
