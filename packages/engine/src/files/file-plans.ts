/**
 * Plans that read, list and write one file of a running sandbox for its learner. Pure.
 *
 *   outside  forked by the daemon's player; host root. Takes hold of the host's /proc, then visits
 *            the sandbox: its root directory, its mounts, its ids and capabilities, its cgroups. From
 *            there on a path means what it means to the learner's root, and a symlink leads nowhere
 *            else: the host's files are not in that mount namespace.
 *
 * A learner owns every directory on the way and may exchange it at any moment, so a file is opened
 * once, by O_PATH, which neither waits for a FIFO's writer nor wakes a device. What it is gets looked
 * at by that fd; only then (the plan is held there, see sandbox-files.ts) is the same fd opened to
 * read, through the host's /proc/self/fd, which nobody inside can replace.
 */
import { posix } from 'node:path';
import {
  AT,
  type Block,
  bytes,
  flagged,
  O,
  PLAYER_LIMITS,
  type Plan,
  PlanBuilder,
  path as pathOf,
  type Slot,
  STATX,
  scratch,
  shown,
} from '@terrarium/syscall';
import { type ExecTarget, visitSandbox } from '../plan/join-sandbox.js';
import { openHostProc } from '../plan/private-proc.js';
import { FDCWD, octal, purpose, Script } from '../plan/script.js';

/** The only process of these plans. */
export const VISITOR = 'outside';

/** Largest file that is read or written, bytes: an editor for what people type, not a copier. */
export const FILE_BYTES = 512 * 1024;
/** Entries of one directory that are listed. */
export const LISTED_ENTRIES = 2000;

/** struct statx, and where its fields are, statx(2) */
export const STATX_BYTES = 256;
const STATX_UID = 20;
const STATX_GID = 24;
const STATX_MODE = 28;
/** struct statfs of a 64-bit kernel */
export const STATFS_BYTES = 120;

/** What one read gives back: a report carries no more. */
const CHUNK_BYTES = PLAYER_LIMITS.reportBytes;
/** What one write takes: half of what a call may carry. */
const WRITE_BYTES = 128 * 1024;
/** A learner's PATH_MAX, linux/limits.h */
const PATH_BYTES = 4096;
/** Entries are 24 bytes and a name: so many chunks hold more than LISTED_ENTRIES usual ones. */
const LIST_CHUNKS = 8;
/** renameat2(2): EEXIST instead of replacing */
const RENAME_NOREPLACE = 1;

const look = purpose('file-look', 'look at the file without opening it', '查看文件但不打开它');
const open = purpose('file-open', 'open what was looked at', '打开刚才查看的文件');
const read = purpose('file-read', 'read the file', '读取文件');
const write = purpose(
  'file-write',
  'write a new file beside the old one',
  '在旧文件旁写一个新文件',
);
const swap = purpose(
  'file-swap',
  'put the new file in the place of the old one, at once',
  '用新文件一次替换旧文件',
);
const clean = purpose('file-clean', 'remove what was half written', '删除只写了一半的文件');

/** Index of the call before which a plan is held until what `file-look` found has been judged. */
export function holdOf(plan: Plan): number {
  const steps = plan.processes[VISITOR] ?? [];
  const index = steps.findIndex(({ purpose: { id } }) => id === open.id || id === write.id);
  return index === -1 ? steps.length : index;
}

/** Reads a file: where it really is (readlinkat), what (statx), where it lies (fstatfs), its bytes. */
export function readFilePlan(target: ExecTarget, path: string): Plan {
  const { script, proc, builder } = visitor(target, 'read a file');
  const [held, file] = [builder.slot('held'), builder.slot('file')];
  script.call('openat', [FDCWD, path, flagged(O, 'O_PATH', 'O_CLOEXEC')], look, { store: held });
  status(script, held);
  truePath(script, proc, held);
  const system = scratch(STATFS_BYTES);
  script.call('fstatfs', [held, system], look, { reportBlock: system });
  script.call(
    'openat',
    [proc, fdPath(held), flagged(O, 'O_RDONLY', 'O_NONBLOCK', 'O_NOCTTY', 'O_CLOEXEC')],
    open,
    { store: file },
  );
  // One more than fits: a file that has still more to give is too large.
  for (let at = 0; at <= FILE_BYTES; at += CHUNK_BYTES) {
    const chunk = scratch(CHUNK_BYTES);
    script.call('read', [file, chunk, CHUNK_BYTES], read, { reportBlock: chunk });
  }
  return builder.build();
}

/** Lists a directory. O_DIRECTORY: anything else is refused before it is opened. */
export function listDirectoryPlan(target: ExecTarget, path: string): Plan {
  const { script, proc, builder } = visitor(target, 'list a directory');
  const directory = builder.slot('directory');
  const openFlags = flagged(O, 'O_RDONLY', 'O_DIRECTORY', 'O_NONBLOCK', 'O_CLOEXEC');
  script.call('openat', [FDCWD, path, openFlags], look, { store: directory });
  truePath(script, proc, directory);
  for (let i = 0; i < LIST_CHUNKS; i++) {
    const chunk = scratch(CHUNK_BYTES);
    script.call('getdents64', [directory, chunk, CHUNK_BYTES], read, { reportBlock: chunk });
  }
  return builder.build();
}

/** What is to be written, and as what. */
export interface FileWrite {
  readonly path: string;
  readonly content: Uint8Array;
  /** false: it takes the place of a file, and keeps its owner and mode; true: there is none yet */
  readonly isNew: boolean;
  /** name of the file that is written first, in the same directory */
  readonly temporary: string;
}

/**
 * Writes a file as a whole or not at all: a new one beside it, then rename. Owner and mode are
 * copied; extended attributes are not.
 */
export function writeFilePlan(target: ExecTarget, input: FileWrite): Plan {
  const { script, builder } = visitor(target, 'write a file');
  const [directory, file] = [builder.slot('directory'), builder.slot('file')];
  const base = posix.basename(input.path);
  openParent(script, input.path, directory);
  const keep = input.isNew ? null : keptStatus(script, directory, base);
  const openFlags = flagged(O, 'O_WRONLY', 'O_CREAT', 'O_EXCL', 'O_NOFOLLOW', 'O_CLOEXEC');
  script.call('openat', [directory, input.temporary, openFlags, octal(0o600)], write, {
    store: file,
  });
  for (let at = 0; at < input.content.length; at += WRITE_BYTES) {
    const part = input.content.subarray(at, at + WRITE_BYTES);
    script.call('write', [file, bytes(part), part.length], write, { atLeast: part.length });
  }
  // Owner first: chown takes set-user-ID away.
  if (keep !== null) script.call('fchown', [file, keep.uid, keep.gid], write);
  script.call('fchmod', [file, keep === null ? octal(0o644) : keep.mode], write);
  const how = input.isNew ? shown(RENAME_NOREPLACE, 'RENAME_NOREPLACE') : 0;
  script.call('renameat2', [directory, input.temporary, directory, base, how], swap);
  status(script, file);
  return builder.build();
}

/** Removes what a failed write left. */
export function removeTemporaryPlan(target: ExecTarget, path: string, temporary: string): Plan {
  const { script, builder } = visitor(target, 'remove what was half written');
  const directory = builder.slot('directory');
  openParent(script, path, directory);
  script.call('unlinkat', [directory, temporary, 0], clean);
  return builder.build();
}

interface Visitor {
  readonly script: Script;
  readonly builder: PlanBuilder;
  /** fd of the host's /proc */
  readonly proc: Slot;
}

function visitor(target: ExecTarget, what: string): Visitor {
  const builder = new PlanBuilder(`${what} in sandbox ${target.id}`);
  const script = new Script(builder, VISITOR, builder.slot('fd'));
  const proc = openHostProc(script);
  visitSandbox(script, target);
  return { script, builder, proc };
}

function openParent(script: Script, path: string, directory: Slot): void {
  const openFlags = flagged(O, 'O_PATH', 'O_DIRECTORY', 'O_CLOEXEC');
  script.call('openat', [FDCWD, posix.dirname(path), openFlags], look, { store: directory });
}

function status(script: Script, fd: Slot): void {
  const block = scratch(STATX_BYTES);
  script.call(
    'statx',
    [fd, '', flagged(AT, 'AT_EMPTY_PATH'), flagged(STATX, 'STATX_BASIC_STATS'), block],
    look,
    { reportBlock: block },
  );
}

/** Looks at the file that is to be replaced; what the new one takes over goes to registers. */
function keptStatus(script: Script, directory: Slot, base: string) {
  const block = scratch(STATX_BYTES);
  const slot = (name: string): Slot => script.builder.slot(name);
  const [uid, gid, mode] = [slot('uid'), slot('gid'), slot('mode')];
  const load = (offset: number, to: Slot) => ({ from: block, offset, width: 4 as const, to });
  const flags = flagged(AT, 'AT_SYMLINK_NOFOLLOW');
  script.call('statx', [directory, base, flags, flagged(STATX, 'STATX_BASIC_STATS'), block], look, {
    reportBlock: block,
    // The mode has two bytes; the two behind it are kept zero by the kernel.
    loads: [load(STATX_UID, uid), load(STATX_GID, gid), load(STATX_MODE, mode)],
  });
  return { uid, gid, mode };
}

function truePath(script: Script, proc: Slot, fd: Slot): void {
  const block = scratch(PATH_BYTES);
  script.call('readlinkat', [proc, fdPath(fd), block, PATH_BYTES], look, { reportBlock: block });
}

function fdPath(fd: Slot): Block {
  return pathOf`self/fd/${fd}`;
}
