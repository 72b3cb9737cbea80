/**
 * A procfs of one's own, for what is written to /proc from inside a sandbox. A process that has
 * just joined is still the host's root by its user id; the /proc that it sees is the learner's,
 * who may have put a symlink to /proc/sys/kernel/core_pattern where oom_score_adj should be, and a
 * host uid of 0 may write that (CVE-2019-19921, CVE-2025-52881). So: a new instance that is
 * attached nowhere, and paths that may not leave it.
 *
 * Who runs them: a process in the pid namespace that it wants to see, with CAP_SYS_ADMIN over it.
 */
import {
  type Block,
  flagged,
  lengthOf,
  O,
  type Part,
  type Purpose,
  RESOLVE,
  type Slot,
  struct,
} from '@terrarium/syscall';
import { makeFileSystem } from './mount-calls.js';
import { FDCWD, purpose, type Script } from './script.js';

/** struct open_how of openat2(2) */
const OPEN_HOW_BYTES = 24;

/** Mounts a procfs of the process's own pid namespace, attached nowhere. @returns its fd */
export function openPrivateProc(script: Script): Slot {
  const proc = script.builder.slot(`${script.process} proc`);
  const context = script.builder.slot(`${script.process} procContext`);
  const quiet = ['MOUNT_ATTR_NOSUID', 'MOUNT_ATTR_NODEV', 'MOUNT_ATTR_NOEXEC'] as const;
  makeFileSystem(
    { script, parent: context, tree: proc },
    { type: 'proc', source: 'proc' },
    { superBlock: [], data: [], attributes: { set: quiet, clear: [] } },
    purpose(
      'private-proc',
      'a /proc that nobody else can see or replace: what we write to must be what we mean',
      '一个别人看不到也替换不了的 /proc：写入的必须正是我们要写的文件',
    ),
  );
  return proc;
}

/** Opens the host's /proc: for processes that never left the host. @returns its fd */
export function openHostProc(script: Script): Slot {
  const proc = script.builder.slot(`${script.process} proc`);
  const openFlags = flagged(O, 'O_PATH', 'O_DIRECTORY', 'O_CLOEXEC');
  const why = purpose('host-proc', 'hold /proc by an fd', '用文件描述符持有 /proc');
  script.call('openat', [FDCWD, '/proc', openFlags], why, { store: proc });
  return proc;
}

/**
 * Writes a file below a procfs.
 *
 * @param name relative: `path\`${child}/uid_map\`` of plan-builder
 * @param content at most a page: /proc takes a value in one write
 */
export function writeProcFile(
  script: Script,
  proc: Slot,
  name: string | Block,
  content: Block,
  why: Purpose,
): void {
  const file = script.builder.slot(`${script.process} procFile`);
  const openFlags = flagged(O, 'O_WRONLY', 'O_CLOEXEC');
  const resolve = flagged(
    RESOLVE,
    'RESOLVE_NO_XDEV',
    'RESOLVE_NO_MAGICLINKS',
    'RESOLVE_NO_SYMLINKS',
    'RESOLVE_BENEATH',
  );
  const how = struct(
    [
      [openFlags, 8],
      [0, 8],
      [resolve, 8],
    ],
    OPEN_HOW_BYTES,
  );
  script.call('openat2', [proc, name, how, OPEN_HOW_BYTES], why, {
    store: file,
    display: `openat2(<${proc.name}>, ${JSON.stringify(shownPath(name))}, {flags=${openFlags.display}, resolve=${resolve.display}}, ${OPEN_HOW_BYTES})`,
  });
  script.call('write', [file, content, lengthOf(content)], why, { atLeast: 1 });
  script.call('close', [file], why);
}

function shownPath(name: string | Block): string {
  if (typeof name === 'string') return name;
  return name.parts.map(shownPart).join('').replace(/\0$/, '');
}

function shownPart(part: Part): string {
  if (part.kind === 'bytes') return new TextDecoder().decode(part.bytes);
  return part.kind === 'decimal' ? `<${part.slot.name}>` : '…';
}
