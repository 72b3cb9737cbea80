/** How one system call is put into words: tokens of its arguments, its result, what it touched. */
import {
  childrenOf,
  mountAt,
  type NamespaceKind,
  type ProcessState,
  type State,
  type SyscallState,
} from '@terrarium/timeline';
import { KIND_FACTS, KINDS, namespaceName } from '../kinds.js';
import { shortName } from '../process-text.js';
import type { Lang } from '../strings.js';
import { errnoWords } from './errno-words.js';
import { callsStrings } from './strings.js';

/** A piece of an argument. Flags of a namespace kind wear its hue. */
export interface Token {
  readonly text: string;
  readonly type: 'flag' | 'string' | 'plain';
  readonly kind?: NamespaceKind;
}

/** `CLONE_NEWPID` → pid. */
const KIND_OF_FLAG: ReadonlyMap<string, NamespaceKind> = new Map(
  KINDS.map((kind) => [KIND_FACTS[kind].flag, kind]),
);
/** A string (with escapes), a constant in capitals, or anything up to the next of them. */
const PIECES = /"(?:[^"\\]|\\.)*"(?:\.\.\.)?|\b[A-Z][A-Z0-9_]{2,}\b|[^"A-Z]+|./g;

/** An argument as strings, flags and what stands between them. */
export function tokensOf(argument: string): readonly Token[] {
  return (argument.match(PIECES) ?? []).map((text) => {
    if (text.startsWith('"')) return { text, type: 'string' };
    if (text === 'NULL' || !/^[A-Z][A-Z0-9_]{2,}$/.test(text)) return { text, type: 'plain' };
    const kind = KIND_OF_FLAG.get(text);
    return kind === undefined ? { text, type: 'flag' } : { text, type: 'flag', kind };
  });
}

/** Calls that return a process. */
const MAKES_PROCESS = new Set(['clone', 'clone3', 'fork', 'vfork']);
/** Calls that return a file descriptor. */
const MAKES_FD = new Set([
  'open',
  'openat',
  'openat2',
  'open_tree',
  'fsopen',
  'fsmount',
  'fspick',
  'socket',
  'pidfd_open',
  'memfd_create',
]);
/** Calls that have nobody to return to when they succeed. */
const NEVER_RETURNS = new Set(['exit', 'exit_group']);

export interface ResultText {
  /** `0`, `7`, `-1 EPERM` */
  readonly value: string;
  /** `operation not permitted`, `pid 7` */
  readonly words: string;
}

/** What the kernel answered. A failure is -1 and errno, as a C program sees it. */
export function resultText(call: SyscallState, lang: Lang): ResultText {
  const words = callsStrings(lang);
  const { result, errno, name } = call;
  if (errno !== null) return { value: `-1 ${errno}`, words: errnoWords(errno, lang) };
  if (result === null) {
    return { value: '?', words: NEVER_RETURNS.has(name) ? words.noReturn : words.running };
  }
  if (result < 0) return { value: '-1', words: '' };
  if (MAKES_PROCESS.has(name) && result > 0) {
    return { value: `${result}`, words: words.newPid(result) };
  }
  if (MAKES_FD.has(name)) return { value: `${result}`, words: words.newFd(result) };
  return { value: `${result}`, words: '' };
}

/** `12:03:04.567`, in the reader's own time zone. */
export function timeText(at: number): string {
  const date = new Date(at);
  const two = (n: number): string => `${n}`.padStart(2, '0');
  const ms = `${date.getMilliseconds()}`.padStart(3, '0');
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${ms}`;
}

/** `461 ns`, `35 µs`, `1.2 ms`. */
export function tookText(ms: number): string {
  if (ms < 0.001) return `${Math.round(ms * 1e6)} ns`;
  if (ms < 1) return `${Math.round(ms * 1000)} µs`;
  return ms < 1000 ? `${ms.toFixed(1)} ms` : `${(ms / 1000).toFixed(2)} s`;
}

/** What the state now has of what the call did: in words, best effort, nothing for a failure. */
export function touchedText(state: State, call: SyscallState, lang: Lang): readonly string[] {
  if (call.errno !== null || (call.result ?? -1) < 0) return [];
  const words = callsStrings(lang);
  const caller = state.processes[call.process];
  if (caller === undefined) return [];
  if (call.name === 'unshare' || call.name === 'setns') {
    const moved = namedKinds(call).map((kind) => namespaceName(kind, caller.namespaces[kind]));
    return moved.length === 0 ? [] : [words.movedInto(moved.join(', '))];
  }
  if (MAKES_PROCESS.has(call.name)) {
    // The result counts in the caller's pid namespace, where its child may have deeper numbers, too.
    const depth = caller.pids.length - 1;
    const child = childrenOf(state, caller.key).find(({ pids }) => pids[depth] === call.result);
    return child === undefined ? [] : [words.made(shortName(state, child))];
  }
  if (call.name === 'mount' || call.name === 'move_mount')
    return mountedText(state, call, caller, lang);
  return [];
}

function namedKinds(call: SyscallState): readonly NamespaceKind[] {
  const flags = call.args
    .flatMap(tokensOf)
    .flatMap(({ kind }) => (kind === undefined ? [] : [kind]));
  return KINDS.filter((kind) => flags.includes(kind));
}

function mountedText(
  state: State,
  call: SyscallState,
  caller: ProcessState,
  lang: Lang,
): readonly string[] {
  const target = /^"(.*)"$/.exec(call.args[call.name === 'mount' ? 1 : 3] ?? '')?.[1];
  const mount = target === undefined ? undefined : mountAt(state, caller.namespaces.mnt, target);
  return mount === undefined ? [] : [callsStrings(lang).mountAt(mount.mountPoint, mount.fsType)];
}

/** `mount(2)`: the section of all system calls. */
export function manualOf({ name }: SyscallState): string {
  return `${name}(2)`;
}
