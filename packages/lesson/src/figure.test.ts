/** Figures: what is kept of a state, and when one no longer belongs to its lesson. */
import { EMPTY_STATE, type State } from '@terrarium/timeline';
import { describe, expect, it } from 'vitest';
import { type Figure, figureStep, staleFigure, stateForView } from './figure.js';
import type { Lesson, Step, ViewName } from './types.js';

function step(id: string, view: ViewName, line = 'true'): Step {
  return { id, view, solution: [{ line, terminal: 1 }] } as unknown as Step;
}

function lesson(...steps: Step[]): Lesson {
  return { steps } as unknown as Lesson;
}

const FIGURE: Figure = {
  ...{ step: 'one', view: 'mounts', typed: ['true'], recordedAt: 1, kernel: '6.1', cgroup: 'v2' },
  state: EMPTY_STATE,
};

describe('figureStep', () => {
  it('is the last step that a state alone can draw', () => {
    expect(figureStep(lesson(step('a', 'mounts'), step('b', 'diff')))?.id).toBe('a');
    expect(figureStep(lesson(step('b', 'diff')))).toBeNull();
  });

  it('is the wanted one, if it can be drawn', () => {
    const both = lesson(step('a', 'mounts'), step('b', 'diff'), step('c', 'layers'));
    expect(figureStep(both, 'a')?.id).toBe('a');
    expect(figureStep(both, 'b')).toBeNull();
    expect(figureStep(both, 'gone')).toBeNull();
  });
});

describe('staleFigure', () => {
  it('is silent about a figure of the step as it is', () => {
    expect(staleFigure(lesson(step('one', 'mounts')), FIGURE, 'v2')).toBeNull();
  });

  it('names a step that was renamed, or has another view', () => {
    expect(staleFigure(lesson(step('two', 'mounts')), FIGURE, 'v2')).toMatch(/not there/);
    expect(staleFigure(lesson(step('one', 'layers')), FIGURE, 'v2')).toMatch(/shows mounts/);
  });

  it('names another solution, but not the words of the other version of cgroups', () => {
    const changed = lesson(step('one', 'mounts', 'false'));
    expect(staleFigure(changed, FIGURE, 'v2')).toMatch(/has changed/);
    expect(staleFigure(changed, FIGURE, 'v1')).toBeNull();
  });
});

describe('stateForView', () => {
  it('keeps what the view draws, and leaves the rest out', () => {
    const call = { name: 'mount' } as unknown as NonNullable<State['calls']>[number];
    const state: State = {
      ...EMPTY_STATE,
      mounts: { 1: {} },
      overlays: {},
      calls: Array.from({ length: 50 }, () => call),
    };
    expect(stateForView(state, 'layers')).toEqual({
      ...EMPTY_STATE,
      mounts: { 1: {} },
      overlays: {},
    });
    expect(stateForView(state, 'calls').calls).toHaveLength(24);
    expect(stateForView(state, 'calls').mounts).toEqual({});
  });
});
