/**
 * What a scrubber shows on its track: commands as spans; checks that turned green or red, kills for
 * want of memory, programs that faulted and new sandboxes as points.
 * All times are milliseconds since the epoch, all lists in order of time.
 */
import { attributionOf } from './attribution/command-diff.js';
import type { CommandSpan } from './attribution/spans.js';
import type { TimelineEvent } from './events.js';
import type { History } from './history.js';
import type { ProcessKey } from './state.js';

/** Something to see on the track, and to jump to. */
export type Mark =
  | {
      readonly kind: 'command';
      readonly t: number;
      /** number of the event: the state at it is the one just before the command did anything */
      readonly seq: number;
      /** null while it runs */
      readonly until: number | null;
      readonly command: string;
      readonly line: string | null;
      readonly failed: boolean;
    }
  | {
      readonly kind: 'check';
      readonly t: number;
      readonly seq: number;
      readonly lesson: string;
      readonly step: string;
      readonly passed: boolean;
    }
  /** the OOM killer chose a process */
  | {
      readonly kind: 'oom';
      readonly t: number;
      readonly seq: number;
      readonly cgroup: string;
      readonly comm: string | null;
    }
  /** a process was ended by a signal that it raised itself: SIGSEGV, SIGSYS … */
  | {
      readonly kind: 'fault';
      readonly t: number;
      readonly seq: number;
      readonly process: ProcessKey;
      readonly signal: number;
    }
  /** a sandbox begins: what was before is another one */
  | { readonly kind: 'start'; readonly t: number; readonly seq: number };

/** SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV, SIGSYS (a seccomp filter that kills). */
const FAULTS = new Set([4, 5, 6, 7, 8, 11, 31]);

/** All marks of what a history remembers. */
export function marksOf(history: History): readonly Mark[] {
  const oldest = history.oldest.seq;
  const commands = attributionOf(history)
    .spans()
    .filter(({ startSeq }) => startSeq > oldest)
    .map(commandMark);
  const points = history.between(oldest).flatMap((event) => pointMark(event) ?? []);
  return [...commands, ...points].sort((a, b) => a.seq - b.seq);
}

/** A command as a mark. */
export function commandMark(span: CommandSpan): Mark {
  const { id, line, startSeq, startedAt, endedAt, exitCode } = span;
  const failed = exitCode !== null && exitCode !== 0;
  return {
    kind: 'command',
    t: startedAt,
    seq: startSeq,
    until: endedAt,
    command: id,
    line,
    failed,
  };
}

/** The mark that one event makes; null for those that make none, and for commands. */
export function pointMark(event: TimelineEvent): Mark | null {
  const { t, seq } = event;
  switch (event.type) {
    case 'check': {
      const { lesson, step, passed } = event;
      return { kind: 'check', t, seq, lesson, step, passed };
    }
    case 'cgroup.oom':
      return { kind: 'oom', t, seq, cgroup: event.key, comm: event.comm };
    case 'process.exit': {
      const signal = (event.waitStatus ?? 0) & 0x7f;
      return FAULTS.has(signal) ? { kind: 'fault', t, seq, process: event.key, signal } : null;
    }
    case 'sandbox.start':
      return { kind: 'start', t, seq };
    default:
      return null;
  }
}

/** The first mark after an event's number; null at the end. For a key that jumps forward. */
export function markAfter(marks: readonly Mark[], seq: number): Mark | null {
  return marks.find((mark) => mark.seq > seq) ?? null;
}

/** The last mark before an event's number; null at the beginning. */
export function markBefore(marks: readonly Mark[], seq: number): Mark | null {
  return marks.findLast((mark) => mark.seq < seq) ?? null;
}
