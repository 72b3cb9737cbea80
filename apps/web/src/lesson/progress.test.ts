import type { StepStatus } from '@terrarium/protocol';
import { describe, expect, it } from 'vitest';
import { isLost, progressOf } from './progress';

const STEPS = ['a', 'b', 'c'].map((id) => ({ id, once: false }));

function status(step: string, passed: boolean, firstPassedAt: number | null): StepStatus {
  return { step, passed, firstPassedAt, clauses: [], prediction: null, helpUsed: [] };
}

describe('progressOf', () => {
  it('begins at the first step, also before the daemon has spoken', () => {
    expect(progressOf(STEPS, null)).toEqual({
      states: { a: 'current', b: 'todo', c: 'todo' },
      current: 'a',
      done: 0,
      total: 3,
    });
  });

  it('counts a step as done once it has passed, though its check is red again', () => {
    const progress = progressOf(STEPS, [status('a', false, 5), status('b', true, 6)]);
    expect(progress.states).toEqual({ a: 'passed', b: 'passed', c: 'current' });
    expect(progress.done).toBe(2);
  });

  it('points at the first gap when steps were done out of order', () => {
    expect(progressOf(STEPS, [status('c', true, 1)]).current).toBe('a');
  });

  it('asks for nothing that this machine cannot do', () => {
    const unmet = [{ en: 'old', zh: '旧' }];
    const progress = progressOf(STEPS, [
      status('a', true, 1),
      { ...status('b', false, null), unmet },
      status('c', true, 2),
    ]);
    expect(progress).toEqual({
      states: { a: 'passed', b: 'unneeded', c: 'passed' },
      current: null,
      done: 2,
      total: 2,
    });
  });

  it('has no current step at the end', () => {
    expect(
      progressOf(
        STEPS,
        STEPS.map(({ id }) => status(id, true, 1)),
      ).current,
    ).toBeNull();
  });
});

describe('isLost', () => {
  it('is a check that held once and no longer does', () => {
    expect(isLost(status('a', false, 5))).toBe(true);
    expect(isLost(status('a', true, 5))).toBe(false);
    expect(isLost(status('a', false, null))).toBe(false);
    expect(isLost(undefined)).toBe(false);
  });
});
