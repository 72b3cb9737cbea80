'use client';
/**
 * Who made a call. Makers of containers are short-lived: many come and go between two states that
 * the page draws, and most have ended when a person reads the tape. So the view remembers every
 * process that it has seen, and takes the name of the others from the programs that the tape says
 * they executed.
 */
import type { ProcessKey, ProcessState, State, TapedCall } from '@terrarium/timeline';
import { useRef } from 'react';

/** A process as the tape names it. */
export interface Caller {
  readonly key: ProcessKey;
  /** null where nothing but its key was ever seen */
  readonly process: ProcessState | null;
  readonly pids: readonly number[];
  readonly comm: string | null;
  readonly lives: boolean;
}

/** Beyond these, the oldest are forgotten: a tape holds fewer calls. */
const REMEMBERED = 2000;

interface Memory {
  readonly sandbox: string | undefined;
  processes: State['processes'] | null;
  calls: readonly TapedCall[] | undefined;
  readonly seen: Map<ProcessKey, ProcessState>;
  readonly executed: Map<ProcessKey, string>;
}

function emptyMemory(sandbox: string | undefined): Memory {
  const nothing = { processes: null, calls: undefined };
  return { sandbox, ...nothing, seen: new Map(), executed: new Map() };
}

/** Names callers by their key. */
export function useCallers(state: State): (key: ProcessKey) => Caller {
  const memory = useRef<Memory>(emptyMemory(state.sandbox?.id));
  if (memory.current.sandbox !== state.sandbox?.id) {
    memory.current = emptyMemory(state.sandbox?.id);
  }
  // Written while rendering on purpose: learning the same twice changes nothing.
  learn(memory.current, state);
  const { seen, executed } = memory.current;
  return (key) => {
    const process = seen.get(key) ?? null;
    // A key is `hostPid:startTime`: the number on the host is always known.
    const pids = process?.pids ?? [Number(key.split(':')[0])];
    const comm = process?.comm ?? executed.get(key) ?? null;
    return { key, process, pids, comm, lives: key in state.processes };
  };
}

function learn(memory: Memory, { processes, calls }: State): void {
  const { seen, executed } = memory;
  if (memory.processes !== processes) {
    memory.processes = processes;
    for (const process of Object.values(processes)) seen.set(process.key, process);
    forgetOldest(seen, processes);
  }
  if (memory.calls !== calls) {
    memory.calls = calls;
    for (const call of calls ?? []) {
      const program = programOf(call);
      if (program !== null) executed.set(call.process, program);
    }
    forgetOldest(executed, processes);
  }
}

/** The name of the program that a call of execve(2) has started; null for any other call. */
function programOf({ name, args, errno }: TapedCall): string | null {
  if (errno !== null || !name.startsWith('execve')) return null;
  const path = args.find((argument) => argument.startsWith('"'));
  return /([^/"]+)"$/.exec(path ?? '')?.[1] ?? null;
}

function forgetOldest<T>(map: Map<ProcessKey, T>, living: State['processes']): void {
  for (const key of map.keys()) {
    if (map.size <= REMEMBERED) break;
    if (!(key in living)) map.delete(key);
  }
}

/** `sh 4715 → 15 → 1`. */
export function callerText({ comm, pids }: Caller): string {
  return [comm ?? '', pids.join(' → ')].filter((part) => part !== '').join(' ');
}
