/**
 * What a scrubber shows on its track: commands as spans, checks that turned green or red as points.
 * All times are milliseconds since the epoch, all lists in order of time.
 */
import { attributionOf } from './attribution/command-diff.js';
import type { History } from './history.js';

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
    };

/** All marks of what a history remembers. */
export function marksOf(history: History): readonly Mark[] {
  const oldest = history.oldest.seq;
  const commands = attributionOf(history)
    .spans()
    .filter(({ startSeq }) => startSeq > oldest)
    .map(({ id, line, startSeq, startedAt, endedAt, exitCode }): Mark => {
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
    });
  const checks = history.between(oldest).flatMap((event): Mark[] => {
    if (event.type !== 'check') return [];
    const { t, seq, lesson, step, passed } = event;
    return [{ kind: 'check', t, seq, lesson, step, passed }];
  });
  return [...commands, ...checks].sort((a, b) => a.seq - b.seq);
}

/** The first mark after an event's number; null at the end. For a key that jumps forward. */
export function markAfter(marks: readonly Mark[], seq: number): Mark | null {
  return marks.find((mark) => mark.seq > seq) ?? null;
}

/** The last mark before an event's number; null at the beginning. */
export function markBefore(marks: readonly Mark[], seq: number): Mark | null {
  return marks.findLast((mark) => mark.seq < seq) ?? null;
}
