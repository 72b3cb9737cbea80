/**
 * How a process gets into a new user namespace: three processes, as no single one may do it all.
 *
 *   scribe   joined, unconfined, the host's root by its user id: files of /proc that belong to
 *            processes in the make are its to write. It stays behind and ends.
 *   maker    confined, root of the sandbox: a user namespace belongs to whoever makes it, and that
 *            must be somebody of the sandbox.
 *   born     in the new namespaces; waits until its ids are mapped.
 *
 *   scribe ── clone3 ──▶ maker ── clone3 ──▶ born
 *     │ ◀── born's pid ─── ▼ exits             │
 *     │ setgroups, uid_map, gid_map            │
 *     │ ─── mapped ──────────────────────────▶ │
 *
 * On the host scribe and maker are both simply root.
 */
import { bytes, flagged, O, type Slot, scratch, struct } from '@terrarium/syscall';
import { cloneChild, type NamespaceKind } from '../plan/namespace-calls.js';
import { purpose, type Script } from '../plan/script.js';
import type { Room } from './room.js';

/** An int: a pid, or an fd. */
const INT_BYTES = 4;

/** Registers with the ends of a pipe. */
export interface Pipe {
  readonly read: Slot;
  readonly write: Slot;
}

const waitPurpose = purpose(
  'namespace-handshake',
  'parent and child wait for each other: maps must be written before anything depends on them',
  '父子进程互相等待：必须先写好映射，之后的一切才有依据',
);

/** The process that was born, and the register of the scribe with its pid. */
export interface Born {
  readonly script: Script;
  readonly pid: Slot;
}

/** Makes the maker, and through it a process in new namespaces. First phase only. */
export function bear(
  room: Room,
  name: string,
  kinds: readonly NamespaceKind[],
  { shareFiles = false } = {},
): Born {
  const scribe = room.script;
  const told = openPipe(scribe, `${name}Pid`);
  const { child: maker } = cloneChild(scribe, `${name} maker`, [], { shareFiles });
  room.confine(maker);
  const { child, pid } = cloneChild(maker, name, kinds, { shareFiles });
  sendInt(maker, told, pid);
  return { script: child, pid: receiveInt(scribe, told, `${name} pid`, { close: !shareFiles }) };
}

/** @param script the process that makes it; its children inherit both ends */
export function openPipe(script: Script, name: string): Pipe {
  const pipe = {
    read: script.builder.slot(`${name}Read`),
    write: script.builder.slot(`${name}Write`),
  };
  const ends = scratch(8);
  script.call('pipe2', [ends, flagged(O, 'O_CLOEXEC')], waitPurpose, {
    display: `pipe2([<${name}Read>, <${name}Write>], O_CLOEXEC)`,
    loads: [
      { from: ends, offset: 0, width: 4, to: pipe.read },
      { from: ends, offset: 4, width: 4, to: pipe.write },
    ],
  });
  return pipe;
}

export function sendByte(script: Script, { write }: Pipe): void {
  script.call('write', [write, bytes('1'), 1], waitPurpose, { atLeast: 1 });
}

/** Our own copy of the write end goes first: then the other's death ends the wait. */
export function awaitByte(script: Script, pipe: Pipe): void {
  script.call('close', [pipe.write], waitPurpose);
  receiveByte(script, pipe);
}

/** Where the fd table is shared, closing would close the other's end, too. */
export function receiveByte(script: Script, { read }: Pipe): void {
  script.call('read', [read, scratch(1), 1], waitPurpose, { atLeast: 1 });
}

/** Tells what a register holds, to a process that has another copy of the registers. */
export function sendInt(script: Script, { write }: Pipe, value: Slot): void {
  script.call('write', [write, struct([[value, INT_BYTES]]), INT_BYTES], waitPurpose, {
    atLeast: INT_BYTES,
    display: `write(<${write.name}>, {<${value.name}>}, ${INT_BYTES})`,
  });
}

/** @param close our own copy of the write end first; not where the fd table is shared */
export function receiveInt(
  script: Script,
  { read, write }: Pipe,
  name: string,
  { close = true } = {},
): Slot {
  const value = script.builder.slot(name);
  const memory = scratch(INT_BYTES);
  if (close) script.call('close', [write], waitPurpose);
  script.call('read', [read, memory, INT_BYTES], waitPurpose, {
    atLeast: INT_BYTES,
    loads: [{ from: memory, offset: 0, width: INT_BYTES, to: value }],
  });
  return value;
}
