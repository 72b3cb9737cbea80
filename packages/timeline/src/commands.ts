/**
 * Commands in a folded state: command lines of the learner's shells as spans. The fold keeps the
 * running ones and the newest ended ones, so that a state stays small however long a session is;
 * `History` knows all of them.
 */
import type { EventBody } from './events.js';
import type { CommandState, ProcessKey, State } from './state.js';

/** Ended commands that a state remembers: more than a list on the page shows at once. */
export const KEPT_COMMANDS = 32;

/** All commands of a state in the order in which they were started. */
export function commandsOf(state: State): readonly CommandState[] {
  return Object.values(state.commands ?? {}).sort((a, b) => a.startSeq - b.startSeq);
}

/** What that shell runs now; null at its prompt. */
export function runningCommand(state: State, shell: ProcessKey): CommandState | null {
  return (
    commandsOf(state).findLast(({ process, endedAt }) => process === shell && endedAt === null) ??
    null
  );
}

type Start = Extract<EventBody, { type: 'command.start' }>;
type End = Pick<Extract<EventBody, { type: 'command.end' }>, 'id' | 'exitCode'>;

/** For the fold: adds one. A shell runs one at a time, so an older one whose end was lost ends. */
export function startCommand(
  commands: Record<string, CommandState>,
  { id, terminal, line, process, processGroup }: Start,
  seq: number,
  t: number,
): void {
  for (const other of Object.values(commands)) {
    if (other.process === process && other.endedAt === null) {
      commands[other.id] = { ...other, endedAt: t };
    }
  }
  commands[id] = {
    ...{ id, terminal, line, process, processGroup },
    ...{ startSeq: seq, startedAt: t, endedAt: null, exitCode: null },
  };
  forgetOldest(commands);
}

/** For the fold: ends one that is there. */
export function endCommand(commands: Record<string, CommandState>, event: End, t: number): void {
  const command = commands[event.id];
  if (command === undefined) return;
  commands[event.id] = { ...command, endedAt: t, exitCode: event.exitCode };
  forgetOldest(commands);
}

function forgetOldest(commands: Record<string, CommandState>): void {
  const ended = Object.values(commands).filter(({ endedAt }) => endedAt !== null);
  if (ended.length <= KEPT_COMMANDS) return;
  ended.sort((a, b) => a.startSeq - b.startSeq);
  for (const { id } of ended.slice(0, ended.length - KEPT_COMMANDS)) delete commands[id];
}
