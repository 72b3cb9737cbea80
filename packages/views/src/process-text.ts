/** How a process is put into words and numbers: the same in a row, a card, a feed and a test. */
import {
  type NamespaceKind,
  type ProcessKey,
  type ProcessState,
  pidIn,
  type State,
} from '@terrarium/timeline';
import { KINDS } from './kinds.js';

/** `4711 → 7 → 1`: its pid in every namespace it is visible in, from the host's to its own. */
export function pidsText(process: ProcessState): string {
  return process.pids.join(' → ');
}

/** `100000 → 0`, or one number when both are the same. */
export function uidText(process: ProcessState): string {
  const { outside, inside } = process.uid;
  return outside === inside ? `${outside}` : `${outside} → ${inside}`;
}

/** Its command without the program itself, on one line. */
export function argsText(process: ProcessState): string {
  const [program, ...rest] = process.args;
  // A program that renamed itself, or a path, says more than comm; else the name is enough.
  const path = program !== undefined && basename(program) !== process.comm ? [program] : [];
  return [...path, ...rest].join(' ').replaceAll(/\s+/g, ' ');
}

/** True for PID 1 of a pid namespace. */
export function isPidOne(process: ProcessState): boolean {
  return process.pids.at(-1) === 1;
}

/** The pid that the sandbox's own `ps` shows: what a command typed there must say. */
export function sandboxPid(state: State, process: ProcessState): number {
  const root = state.sandbox?.namespaces.pid;
  const placed = root === undefined ? null : pidIn(state, process, root);
  // A namespace whose parent is not known yet: the second number is the sandbox's by construction.
  return placed ?? process.pids[1] ?? process.pids[0] ?? process.hostPid;
}

/** `sh 7`, with the pid of the sandbox. */
export function shortName(state: State, process: ProcessState): string {
  return `${process.comm} ${sandboxPid(state, process)}`;
}

/** The kinds in which a process is not in the sandbox's own namespace. */
export function ownKinds(
  state: Pick<State, 'sandbox'>,
  process: ProcessState,
): readonly NamespaceKind[] {
  const sandbox = state.sandbox?.namespaces;
  if (sandbox === undefined) return [];
  return KINDS.filter((kind) => process.namespaces[kind] !== sandbox[kind]);
}

/** Commands that show in a terminal of the sandbox what the card says. */
export function processCommands(state: State, process: ProcessState): readonly string[] {
  const pid = sandboxPid(state, process);
  const commands = [`grep NSpid /proc/${pid}/status`, `ls -l /proc/${pid}/ns`];
  if (process.state === 'Z') commands.unshift(`grep -E '^(State|PPid)' /proc/${pid}/status`);
  else commands.push(`tr '\\0' ' ' < /proc/${pid}/cmdline; echo`);
  commands.push(`cat /proc/${pid}/cgroup`);
  return commands;
}

/** True when `key` is the sandbox's own init. */
export function isSandboxInit(state: State, key: ProcessKey): boolean {
  return state.sandbox?.init === key;
}

function basename(path: string): string {
  // A login shell calls itself `-bash`.
  return path.slice(path.lastIndexOf('/') + 1).replace(/^-/, '');
}
