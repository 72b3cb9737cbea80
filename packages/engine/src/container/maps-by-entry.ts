/**
 * Id maps of a container with a user namespace of its own inside a sandbox. Nobody in the sandbox
 * can write them while init keeps itself out of the reach of ptrace: then its /proc files belong
 * to the host's root (task_dump_owner in fs/proc/base.c). `entry` still is that user, and has
 * joined the sandbox's user namespace, which the writer of a map must be in. So outside tells it
 * init's pid through one pipe, and hears by another that the maps are there.
 */
import type { LinuxIdMapping } from '@terrarium/spec';
import {
  type Block,
  bytes,
  flagged,
  lengthOf,
  MAGIC,
  O,
  path,
  RESOLVE,
  type Shown,
  type Slot,
  scratch,
  struct,
} from '@terrarium/syscall';
import { expectRegister } from '../plan/registers.js';
import { FDCWD, purpose, type Script } from '../plan/script.js';

/** A pipe of the plan. */
interface Pipe {
  readonly read: Slot;
  readonly write: Slot;
}

/** The two pipes between entry and outside. */
export interface MapRequest {
  readonly ask: Pipe;
  readonly done: Pipe;
}

const why = purpose(
  'ask-for-maps',
  'let the process that came with us from the host write the id maps',
  '请从宿主机同来的进程写入 ID 映射',
);

/** Written to entry, before it clones outside. */
export function openMapRequest(script: Script): MapRequest {
  return { ask: openPipe(script, 'ask'), done: openPipe(script, 'done') };
}

function openPipe(script: Script, name: string): Pipe {
  const pipe = {
    read: script.builder.slot(`${name}Read`),
    write: script.builder.slot(`${name}Write`),
  };
  const ends = scratch(8);
  script.call('pipe2', [ends, flagged(O, 'O_CLOEXEC')], why, {
    display: `pipe2([<${pipe.read.name}>, <${pipe.write.name}>], O_CLOEXEC)`,
    loads: [
      { from: ends, offset: 0, width: 4, to: pipe.read },
      { from: ends, offset: 4, width: 4, to: pipe.write },
    ],
  });
  return pipe;
}

/** Written to entry, after it cloned outside. */
export function serveMapRequest(
  script: Script,
  { ask, done }: MapRequest,
  uids: readonly LinuxIdMapping[],
  gids: readonly LinuxIdMapping[],
): void {
  const pid = script.builder.slot('mappedPid');
  const answer = scratch(4);
  // Without our own copies of the other ends, the death of outside ends the wait.
  for (const end of [ask.write, done.read]) script.call('close', [end], why);
  script.call('read', [ask.read, answer, 4], why, {
    atLeast: 4,
    loads: [{ from: answer, offset: 0, width: 4, to: pid }],
  });
  const proc = openProc(script);
  writeMap(script, proc, path`${pid}/uid_map`, uids);
  writeMap(script, proc, path`${pid}/gid_map`, gids);
  script.call('write', [done.write, bytes('1'), 1], why, { atLeast: 1 });
}

/**
 * What is mounted at the sandbox's /proc is the learner's choice, and we are still the host's
 * root: a file of ours written through a symlink or a bind mount could be a sysctl of the machine.
 * So: a procfs, checked, and from there neither links nor mounts are followed.
 */
function openProc(script: Script): Slot {
  const proc = script.builder.slot('proc');
  const type = script.builder.slot('f_type');
  openStrictly(
    script,
    FDCWD,
    '/proc',
    flagged(O, 'O_PATH', 'O_DIRECTORY', 'O_CLOEXEC'),
    proc,
    false,
  );
  const status = scratch(STATFS_BYTES);
  script.call('fstatfs', [proc, status], why, {
    loads: [{ from: status, offset: 0, width: 4, to: type }],
  });
  expectRegister(script, type, MAGIC.PROC_SUPER_MAGIC, why);
  return proc;
}

function writeMap(
  script: Script,
  proc: Slot,
  file: Block,
  mappings: readonly LinuxIdMapping[],
): void {
  const map = script.builder.slot('map');
  openStrictly(script, proc, file, flagged(O, 'O_WRONLY', 'O_CLOEXEC'), map, true);
  const rows = bytes(
    mappings.map(({ containerID, hostID, size }) => `${containerID} ${hostID} ${size}\n`).join(''),
  );
  script.call('write', [map, rows, lengthOf(rows)], why, { atLeast: 1 });
  script.call('close', [map], why);
}

/** openat2(2) that follows no link, and with `below` no mount and no `..` either. */
function openStrictly(
  script: Script,
  from: Slot | Shown,
  file: string | Block,
  flags: Shown,
  to: Slot,
  below: boolean,
): void {
  const resolve = below
    ? flagged(
        RESOLVE,
        'RESOLVE_NO_XDEV',
        'RESOLVE_NO_MAGICLINKS',
        'RESOLVE_NO_SYMLINKS',
        'RESOLVE_BENEATH',
      )
    : flagged(RESOLVE, 'RESOLVE_NO_MAGICLINKS', 'RESOLVE_NO_SYMLINKS');
  const how = struct([
    [flags, 8],
    [0, 8],
    [resolve, 8],
  ]);
  script.call('openat2', [from, file, how, OPEN_HOW_BYTES], why, { store: to });
}

/** struct statfs begins with f_type; it has 120 bytes on 64-bit machines */
const STATFS_BYTES = 120;
/** struct open_how: flags, mode, resolve */
const OPEN_HOW_BYTES = 24;

/** Written to outside, after it cloned init. */
export function askForMaps(script: Script, { ask, done }: MapRequest, init: Slot): void {
  for (const end of [ask.read, done.write]) script.call('close', [end], why);
  script.call('write', [ask.write, struct([[init, 4]]), 4], why, { atLeast: 4 });
  script.call('read', [done.read, scratch(1), 1], why, { atLeast: 1 });
  for (const end of [ask.write, done.read]) script.call('close', [end], why);
}
