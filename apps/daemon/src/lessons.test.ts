/** Which lessons count as finished, where a machine lacks what a step needs. */
import { describe, expect, it } from 'vitest';
import { Lessons } from './lessons.js';
import { requirementsOf } from './requirements.js';
import { fakeLesson, fakeStep } from './testing/fakes.js';

const lesson = fakeLesson([
  fakeStep('one', 'a'),
  fakeStep('two', 'b', { requires: ['cgroup.memory', 'kernel.6.6'] }),
]);
const findings = [
  { id: 'cgroup.memory', level: 'reduced', found: { en: 'no memory controller', zh: '没有' } },
] as const;
const machine = { kernelRelease: '6.12.1', cgroup: 'v2' } as const;

describe('Lessons', () => {
  it('names what is missing by doctor’s finding', () => {
    const lessons = new Lessons([lesson], requirementsOf(findings, machine));
    expect(lessons.unmet(lesson.steps[1]!)).toEqual([{ en: 'no memory controller', zh: '没有' }]);
  });

  it('do not require a step that cannot be done here', () => {
    const passed = new Map([['containers/01', new Map([['one', 7]])]]);
    const lacking = new Lessons([lesson], requirementsOf(findings, machine));
    expect(lacking.finished(passed)).toEqual({ 'containers/01': 7 });
    const able = new Lessons([lesson], requirementsOf([], machine));
    expect(able.finished(passed)).toEqual({});
  });
});
