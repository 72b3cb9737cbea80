import type { Lesson, Step } from '@terrarium/lesson';
import type { StepStatus } from '@terrarium/protocol';
import { Timeline } from '@terrarium/timeline';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DEBOUNCE_MS, LessonProgress, UnknownStep } from './lesson-progress.js';
import { Lessons } from './lessons.js';
import { requirementsOf } from './requirements.js';
import { openStore, type Store } from './store/index.js';
import { fakeLesson, fakeProcess, fakeSandbox, fakeStep, firstWords } from './testing/fakes.js';

let store: Store;
let timeline: Timeline;
let shown: (readonly StepStatus[])[];
let failures: [string, unknown][];
const open: LessonProgress[] = [];

beforeEach(() => {
  vi.useFakeTimers();
  store = openStore(':memory:');
  store.sessions.add('s1', 'hash', 0);
  timeline = new Timeline();
  timeline.append(firstWords(fakeSandbox('sb', 5000)));
  shown = [];
  failures = [];
});

afterEach(() => {
  for (const progress of open.splice(0)) progress.stop();
  store.close();
  vi.useRealTimers();
});

function progressOf(lesson: Lesson, now = 1000): LessonProgress {
  const progress = new LessonProgress({
    session: 's1',
    lesson,
    timeline,
    store: store.progress,
    onChange: (steps) => shown.push(steps),
    unmet: (step) => new Lessons([], requirement).unmet(step),
    onFailure: (step, error) => failures.push([step, error]),
    now: () => now,
  });
  open.push(progress);
  return progress;
}

const requirement = requirementsOf([], { kernelRelease: '6.1.0', cgroup: 'v2' });
const lessonOf = (...steps: Step[]) => fakeLesson(steps);
const fork = (pid: number, comm: string) =>
  timeline.append([{ type: 'process.fork', process: fakeProcess(pid, comm, null) }]);
const exit = (pid: number) =>
  timeline.append([{ type: 'process.exit', key: `${pid}:1`, waitStatus: 0 }]);
const settle = () => vi.advanceTimersByTimeAsync(DEBOUNCE_MS);

const asksPid: Partial<Step> = {
  predict: {
    question: { en: '', zh: '' },
    kind: 'number',
    actual: { of: 'p', field: 'hostPid' },
    explain: { en: '', zh: '' },
  },
};

describe('LessonProgress', () => {
  it('turns green and red with the kernel, and keeps the first time', async () => {
    const progress = progressOf(lessonOf(fakeStep('one', 'sleep')));
    fork(7001, 'sleep');
    await settle();
    expect(progress.statuses()).toMatchObject([{ passed: true, firstPassedAt: 1000 }]);
    exit(7001);
    await settle();
    expect(progress.statuses()).toMatchObject([{ passed: false, firstPassedAt: 1000 }]);
    expect(shown).toHaveLength(2);
  });

  it('evaluates once for a burst, and is never starved by a steady stream', async () => {
    const progress = progressOf(lessonOf(fakeStep('one', 'sleep')));
    for (let pid = 7000; pid < 7050; pid++) {
      fork(pid, 'sleep');
      await vi.advanceTimersByTimeAsync(5);
    }
    expect(progress.statuses()[0]?.passed).toBe(true);
    expect(shown).toHaveLength(1);
  });

  it('puts changes of colour on the timeline, once each', async () => {
    progressOf(lessonOf(fakeStep('one', 'sleep')));
    fork(7001, 'sleep');
    await settle();
    exit(7001);
    await settle();
    const checks = timeline.since(0)?.filter((event) => event.type === 'check');
    expect(checks).toMatchObject([
      { step: 'one', passed: true },
      { step: 'one', passed: false },
    ]);
  });

  it('keeps a once step green, also when the lesson is opened again', async () => {
    const lesson = lessonOf(fakeStep('one', 'sleep', { once: true }));
    const progress = progressOf(lesson);
    fork(7001, 'sleep');
    await settle();
    exit(7001);
    await settle();
    expect(progress.statuses()[0]?.passed).toBe(true);
    expect(progressOf(lesson).statuses()[0]?.passed).toBe(true);
  });

  it('starts a step and those after it anew, and leaves earlier ones', async () => {
    const once = { once: true };
    const lesson = lessonOf(
      fakeStep('one', 'a', once),
      fakeStep('two', 'b', once),
      fakeStep('three', 'c', once),
    );
    const progress = progressOf(lesson);
    for (const [pid, comm] of [
      [7001, 'a'],
      [7002, 'b'],
      [7003, 'c'],
    ] as const)
      fork(pid, comm);
    await settle();
    progress.suspend();
    progress.restartFrom('two');
    for (const pid of [7001, 7002, 7003]) exit(pid);
    progress.resume();
    await settle();
    expect(progress.statuses().map(({ passed }) => passed)).toEqual([true, false, false]);
    expect(progress.statuses()[2]?.firstPassedAt).toBe(1000);
  });

  it('decides nothing while suspended', async () => {
    const progress = progressOf(lessonOf(fakeStep('one', 'sleep')));
    progress.suspend();
    fork(7001, 'sleep');
    await settle();
    expect(progress.statuses()[0]?.passed).toBe(false);
    progress.resume();
    await settle();
    expect(progress.statuses()[0]?.passed).toBe(true);
  });

  it('sees what came and went between two evaluations, where the check remembers', async () => {
    const step = fakeStep('one', 'sleep');
    const [clause] = step.check.clauses;
    const remembering = { ...step, check: { clauses: [{ ...clause!, remember: true }] } };
    const progress = progressOf(lessonOf(remembering as Step));
    fork(7001, 'sleep');
    await vi.advanceTimersByTimeAsync(DEBOUNCE_MS / 2);
    exit(7001);
    await settle();
    expect(progress.statuses()[0]?.passed).toBe(true);
    // And a daemon that is started again has not forgotten it.
    expect(progressOf(lessonOf(remembering as Step)).statuses()[0]?.passed).toBe(true);
  });

  describe('predictions', () => {
    it('are graded by the kernel when the step turns green', async () => {
      const progress = progressOf(lessonOf(fakeStep('one', 'sleep', asksPid)));
      progress.predict('one', '6');
      progress.predict('one', ' 7001 ');
      expect(progress.statuses()[0]?.prediction).toEqual({
        answer: ' 7001 ',
        actual: null,
        correct: null,
      });
      fork(7001, 'sleep');
      await settle();
      expect(progress.statuses()[0]?.prediction).toMatchObject({ actual: '7001', correct: true });
    });

    it('stand once they are graded', async () => {
      const progress = progressOf(lessonOf(fakeStep('one', 'sleep', asksPid)));
      progress.predict('one', '6');
      fork(7001, 'sleep');
      await settle();
      progress.predict('one', '7001');
      expect(progress.statuses()[0]?.prediction).toEqual({
        answer: '6',
        actual: '7001',
        correct: false,
      });
    });

    it('that come after the step is green are graded at once', async () => {
      const progress = progressOf(lessonOf(fakeStep('one', 'sleep', asksPid)));
      fork(7001, 'sleep');
      await settle();
      progress.predict('one', '7001');
      expect(progress.statuses()[0]?.prediction?.correct).toBe(true);
    });

    it('begin anew with a reset', async () => {
      const lesson = lessonOf(fakeStep('one', 'sleep', asksPid));
      const progress = progressOf(lesson);
      progress.predict('one', '6');
      progress.restartFrom('one');
      expect(progress.statuses()[0]?.prediction).toBeNull();
      expect(progressOf(lesson).statuses()[0]?.prediction).toBeNull();
    });
  });

  it('says what a step needs and this machine lacks', () => {
    const needy = fakeStep('needy', 'sleep', { requires: ['kernel.9.9'] });
    const progress = progressOf(lessonOf(needy, fakeStep('one', 'sleep')));
    expect(progress.statuses()).toMatchObject([
      { unmet: [{ en: 'it needs Linux 9.9 or newer, this is 6.1.0' }] },
      { step: 'one' },
    ]);
    expect(progress.statuses()[1]).not.toHaveProperty('unmet');
  });

  describe('a check that throws', () => {
    /** No `where`: what the loader would refuse, and what a fault of ours may look like. */
    const broken = fakeStep('broken', 'sleep', {
      check: { clauses: [{ id: 'runs', message: { en: 'm', zh: 'm' }, exists: { process: 'p' } }] },
    } as unknown as Partial<Step>);

    it('costs its step a clear error, and no other step anything', async () => {
      const progress = progressOf(lessonOf(broken, fakeStep('one', 'sleep')));
      fork(7001, 'sleep');
      await settle();
      const [first, second] = progress.statuses();
      expect(first).toMatchObject({ passed: false, clauses: [{ id: 'runs', passed: false }] });
      expect(first?.problem?.en).toMatch(/^the check of this step failed itself: TypeError/);
      expect(second).toMatchObject({ passed: true });
      expect(second?.problem).toBeUndefined();
    });

    it('is told once, not with every change of the kernel', async () => {
      progressOf(lessonOf(broken));
      for (const pid of [7001, 7002, 7003]) {
        fork(pid, 'sleep');
        await settle();
      }
      expect(failures).toMatchObject([['broken', { name: 'TypeError' }]]);
    });
  });

  it('remembers help and shows it once', () => {
    const lesson = lessonOf(fakeStep('one', 'sleep'));
    const progress = progressOf(lesson);
    progress.help('one', 'hint-1');
    progress.help('one', 'hint-1');
    expect(shown).toHaveLength(1);
    expect(progressOf(lesson).statuses()[0]?.helpUsed).toEqual(['hint-1']);
  });

  it('refuses steps that the lesson does not have', () => {
    const progress = progressOf(lessonOf(fakeStep('one', 'sleep')));
    expect(() => progress.predict('nine', '1')).toThrow(UnknownStep);
    expect(() => progress.help('nine', 'hint-1')).toThrow(UnknownStep);
    expect(() => progress.restartFrom('nine')).toThrow(UnknownStep);
  });
});
