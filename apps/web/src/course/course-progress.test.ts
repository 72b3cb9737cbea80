/** How a learner stands in all lessons, and where the one button leads. */
import { describe, expect, it } from 'vitest';
import { courseStanding, resumeOf, sessionAnswer, standingOf } from './course-progress';

const LESSONS = ['containers/01', 'containers/02', 'containers/03'].map((id) => ({
  id,
  minutes: 20,
  steps: [{ id: 'a' }, { id: 'b' }, { id: 'c' }],
}));
const [ONE, TWO, THREE] = LESSONS as [
  (typeof LESSONS)[0],
  (typeof LESSONS)[0],
  (typeof LESSONS)[0],
];
const ALL = { a: 1, b: 2, c: 3 };

describe('standingOf', () => {
  it('counts the steps that the lesson has, not those that it once had', () => {
    expect(standingOf(ONE, { [ONE.id]: { a: 1, gone: 2 } })).toEqual({
      done: 1,
      total: 3,
      state: 'begun',
      minutesLeft: 14,
    });
  });

  it('tells new from finished', () => {
    expect(standingOf(ONE, {}).state).toBe('new');
    expect(standingOf(ONE, { [ONE.id]: ALL })).toMatchObject({ state: 'finished', minutesLeft: 0 });
  });
});

describe('resumeOf', () => {
  it('starts with the first lesson', () => {
    expect(resumeOf(LESSONS, {}, undefined)).toEqual({ lesson: ONE, kind: 'start' });
  });

  it('goes on where the learner left off', () => {
    const passed = { [TWO.id]: { a: 1 } };
    expect(resumeOf(LESSONS, passed, TWO.id)).toEqual({ lesson: TWO, kind: 'continue' });
  });

  it('goes to the next lesson after a finished one, and around to those left out', () => {
    expect(resumeOf(LESSONS, { [ONE.id]: ALL }, ONE.id)).toEqual({ lesson: TWO, kind: 'next' });
    const later = { [TWO.id]: ALL, [THREE.id]: ALL };
    expect(resumeOf(LESSONS, later, THREE.id)).toEqual({ lesson: ONE, kind: 'next' });
  });

  it('offers the last one again when all are finished', () => {
    const passed = Object.fromEntries(LESSONS.map(({ id }) => [id, ALL]));
    expect(resumeOf(LESSONS, passed, TWO.id)).toEqual({ lesson: TWO, kind: 'again' });
  });

  it('goes on in a begun lesson when the browser has forgotten the last one', () => {
    expect(resumeOf(LESSONS, { [THREE.id]: { a: 1 } }, undefined)?.lesson).toBe(THREE);
  });

  it('has nothing to offer without lessons', () => {
    expect(resumeOf([], {}, undefined)).toBeNull();
  });
});

describe('courseStanding', () => {
  it('sums up', () => {
    expect(courseStanding(LESSONS, { [ONE.id]: ALL, [TWO.id]: { a: 1 } })).toEqual({
      finished: 1,
      minutes: 60,
      minutesLeft: 34,
    });
  });
});

describe('sessionAnswer', () => {
  it('reads what the daemon says and refuses anything else', () => {
    const answer = { session: {}, progress: { finished: {}, passed: { [ONE.id]: ALL } } };
    expect(sessionAnswer.parse(answer).progress.passed).toEqual({ [ONE.id]: ALL });
    expect(sessionAnswer.safeParse({ progress: { passed: [1] } }).success).toBe(false);
  });
});
