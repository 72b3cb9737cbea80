/**
 * How the steps of a lesson stand, from what the daemon says. Pure, so that the list, the header
 * and the tests agree.
 */
import type { StepStatus } from '@terrarium/protocol';

/** unneeded: this machine lacks what the step needs */
export type StepState = 'passed' | 'current' | 'todo' | 'unneeded';

export interface Progress {
  /** by step id */
  readonly states: Readonly<Record<string, StepState>>;
  /** the first step that never passed and can; null when all have */
  readonly current: string | null;
  readonly done: number;
  readonly total: number;
}

/** Reads the progress; before the daemon has spoken, every step is yet to do. */
export function progressOf(
  steps: readonly { readonly id: string; readonly once: boolean }[],
  statuses: readonly StepStatus[] | null,
): Progress {
  const byId = new Map((statuses ?? []).map((status) => [status.step, status]));
  const everPassed = (id: string): boolean => {
    const status = byId.get(id);
    return status !== undefined && (status.passed || status.firstPassedAt !== null);
  };
  const isUnneeded = (id: string): boolean =>
    !everPassed(id) && (byId.get(id)?.unmet ?? []).length > 0;
  const needed = steps.filter(({ id }) => !isUnneeded(id));
  const current = needed.find(({ id }) => !everPassed(id))?.id ?? null;
  const states: Record<string, StepState> = {};
  for (const { id } of steps) {
    if (everPassed(id)) states[id] = 'passed';
    else if (isUnneeded(id)) states[id] = 'unneeded';
    else states[id] = id === current ? 'current' : 'todo';
  }
  return {
    states,
    current,
    done: needed.filter(({ id }) => everPassed(id)).length,
    total: needed.length,
  };
}

/** True when a finished step's check no longer holds: worth saying where it is open, not in the list. */
export function isLost(status: StepStatus | undefined): boolean {
  return status !== undefined && !status.passed && status.firstPassedAt !== null;
}
