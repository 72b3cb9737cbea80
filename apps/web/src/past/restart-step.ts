/**
 * From which step of the lesson one can start again, seen from a moment of the past: the last one
 * that had begun by then. A step begins when the one before it turned green.
 */
import type { Step } from '@terrarium/lesson';
import type { StepStatus } from '@terrarium/protocol';
import type { History } from '@terrarium/timeline';

/** @returns null before the lesson's first step could begin: there was no sandbox yet */
export function restartStep(
  lesson: { readonly id: string; readonly steps: readonly Step[] },
  statuses: readonly StepStatus[] | null,
  history: History,
  seq: number,
): Step | null {
  const at = history.stateAtSeq(seq);
  if (at === null || at.sandbox === null) return null;
  const passedBy = passedSteps(lesson.id, statuses, history, seq, at.t);
  let found = lesson.steps[0] ?? null;
  for (const [i, step] of lesson.steps.entries()) {
    const before = lesson.steps[i - 1];
    if (before !== undefined && passedBy.has(before.id)) found = step;
  }
  return found;
}

/** Steps that were green, then or before: by the timeline, else by what the daemon keeps for ever. */
function passedSteps(
  lesson: string,
  statuses: readonly StepStatus[] | null,
  history: History,
  seq: number,
  t: number,
): ReadonlySet<string> {
  const passed = new Set<string>();
  for (const { step, firstPassedAt } of statuses ?? []) {
    if (firstPassedAt !== null && firstPassedAt <= t) passed.add(step);
  }
  for (const event of history.between(history.oldest.seq, seq)) {
    if (event.type === 'check' && event.lesson === lesson && event.passed) passed.add(event.step);
  }
  return passed;
}
