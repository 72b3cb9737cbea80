/**
 * The file that a call is about to make, change or write, read before and after it: `mkdirat` shows
 * a directory that was not there, `write` the new content of memory.max. Runs in the daemon as
 * root; opens nothing for writing, and follows a learner's paths only below that process's root.
 */
import { closeSync, fstatSync, openSync, readlinkSync, type Stats } from 'node:fs';
import { basename, dirname, resolve as resolvePath } from 'node:path';
import {
  type Argument,
  AT,
  type Call,
  ERRNO,
  fileSystemMagic,
  MAGIC,
  O,
  openat2,
  type ProcessName,
  RESOLVE,
  SyscallError,
} from '@terrarium/syscall';
import type { FileState } from './kernel-state.js';
import { deviceName, text } from './read-process.js';
import type { Registers } from './registers.js';

/** Where a file is to be looked for. */
export type NamedFile =
  | { readonly kind: 'path'; readonly base: string; readonly path: string }
  | { readonly kind: 'fd'; readonly link: string };

/** Index of the directory's fd and of the path among the arguments; -1: relative to the cwd. */
const PATH_ARGUMENTS: Readonly<Record<string, readonly [directory: number, path: number]>> = {
  mkdirat: [0, 1],
  mknodat: [0, 1],
  unlinkat: [0, 1],
  fchownat: [0, 1],
  fchmodat: [0, 1],
  symlinkat: [1, 2],
  linkat: [2, 3],
  renameat2: [2, 3],
  mkdir: [-1, 0],
  mknod: [-1, 0],
  rmdir: [-1, 0],
  symlink: [-1, 1],
  chmod: [-1, 0],
};

/** Which file a call names; null when it names none that is worth reading. */
export function namedFile(
  call: Call,
  process: ProcessName,
  hostPid: number,
  registers: Registers,
): NamedFile | null {
  const number = (argument: Argument | undefined): bigint | null => {
    if (argument?.kind === 'number') return BigInt.asIntN(64, argument.value);
    if (argument?.kind === 'slot') return registers.value(process, argument.slot.index);
    return null;
  };
  if (call.syscall === 'write') {
    const fd = number(call.args[0]);
    return fd === null ? null : { kind: 'fd', link: `/proc/${hostPid}/fd/${fd}` };
  }
  const makes =
    call.syscall === 'openat' && ((number(call.args[2]) ?? 0n) & BigInt(O.O_CREAT)) !== 0n;
  const places = makes ? ([0, 1] as const) : PATH_ARGUMENTS[call.syscall];
  if (places === undefined) return null;
  const argument = call.args[places[1]];
  if (argument?.kind !== 'block') return null;
  const path = registers.text(process, argument.block);
  if (path === null || path === '') return null;
  const directory = places[0] === -1 ? BigInt(AT.AT_FDCWD) : number(call.args[places[0]]);
  const base = path.startsWith('/')
    ? 'root'
    : directory === null || BigInt.asIntN(32, directory) === BigInt(AT.AT_FDCWD)
      ? 'cwd'
      : `fd/${directory}`;
  return { kind: 'path', base: `/proc/${hostPid}/${base}`, path };
}

/** Reads it. @returns null when it cannot be told */
export function readNamedFile(file: NamedFile | null): FileState | null {
  if (file === null) return null;
  return file.kind === 'path' ? readPath(file.base, file.path) : readWritten(file.link);
}

function readPath(base: string, path: string): FileState | null {
  const place = O.O_PATH | O.O_CLOEXEC;
  let directory: number | null = null;
  let found: number | null = null;
  let told = path;
  try {
    directory = openSync(base, place | O.O_DIRECTORY);
    told = absolute(base, path);
    const resolve = path.startsWith('/') ? RESOLVE.RESOLVE_IN_ROOT : RESOLVE.RESOLVE_BENEATH;
    found = openat2(directory, path, { flags: place | O.O_NOFOLLOW, resolve });
    const stats = fstatSync(found);
    const link = stats.isSymbolicLink() ? readLink(directory, path, resolve) : null;
    return { path: told, ...statOf(stats), link, content: null };
  } catch (error) {
    const absent = error instanceof SyscallError && error.errno === ERRNO.ENOENT;
    return absent
      ? { path: told, type: null, mode: null, owner: null, link: null, content: null }
      : null;
  } finally {
    if (found !== null) closeSync(found);
    if (directory !== null) closeSync(directory);
  }
}

/** `/tmp/dev/pts` for `pts` below an fd of /tmp/dev. */
function absolute(base: string, path: string): string {
  const directory = path.startsWith('/') ? '/' : readlinkSync(base);
  return directory.startsWith('/') ? resolvePath(directory, path) : path;
}

function statOf(stats: Stats): Pick<FileState, 'type' | 'mode' | 'owner'> {
  return {
    type: typeOf(stats),
    mode: `0${(stats.mode & 0o7777).toString(8)}`,
    owner: `${stats.uid}:${stats.gid}`,
  };
}

/** Through its directory's fd: an fd of the link itself only tells the link's own name. */
function readLink(base: number, path: string, resolve: number): string {
  const flags = O.O_PATH | O.O_CLOEXEC | O.O_DIRECTORY;
  const directory = openat2(base, dirname(path), { flags, resolve });
  try {
    return readlinkSync(`/proc/self/fd/${directory}/${basename(path)}`);
  } finally {
    closeSync(directory);
  }
}

function typeOf(stats: Stats): string {
  if (stats.isDirectory()) return 'directory';
  if (stats.isSymbolicLink()) return 'symbolic link';
  if (stats.isCharacterDevice()) return `character device ${deviceName(stats.rdev)}`;
  if (stats.isBlockDevice()) return `block device ${deviceName(stats.rdev)}`;
  if (stats.isFIFO()) return 'fifo';
  if (stats.isSocket()) return 'socket';
  return 'file';
}

/** Files of /proc that say what was written to them, to whoever asks. */
const PROC_FILES = new Set([
  'uid_map',
  'gid_map',
  'setgroups',
  'oom_score_adj',
  'timens_offsets',
  'comm',
]);

/** More of a file is no value, but a list. */
const CONTENT_CHARACTERS = 400;

/** The content of what write(2) is about to write to, where it is a file of a cgroup or of /proc. */
function readWritten(link: string): FileState | null {
  try {
    const path = readlinkSync(link);
    if (!path.startsWith('/') || !isSafeToRead(link, path)) return null;
    const content = text(link)
      ?.trim()
      .replace(/\s*\n\s*/g, '; ')
      .slice(0, CONTENT_CHARACTERS);
    if (content === undefined) return null;
    return { path, type: 'file', mode: null, owner: null, link: null, content };
  } catch {
    return null; // the fd is not open, or the process is gone
  }
}

/** Who is in a group stands in /proc/PID/cgroup of each process. */
const MEMBERS = new Set(['tasks', 'cgroup.procs', 'cgroup.threads']);

function isSafeToRead(link: string, path: string): boolean {
  if (MEMBERS.has(basename(path))) return false;
  const fd = openSync(link, O.O_PATH | O.O_CLOEXEC);
  try {
    const magic = fileSystemMagic(fd);
    if (magic === MAGIC.CGROUP_SUPER_MAGIC || magic === MAGIC.CGROUP2_SUPER_MAGIC) return true;
    return magic === MAGIC.PROC_SUPER_MAGIC && PROC_FILES.has(basename(path));
  } finally {
    closeSync(fd);
  }
}
