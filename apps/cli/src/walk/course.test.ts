/** Which walks a course is, and how its results are summed up. */
import type { Lesson } from '@terrarium/lesson';
import { describe, expect, it } from 'vitest';
import { type CourseOptions, courseWalks, flakeRate, summary, type WalkResult } from './course.js';

const lesson = (id: string): Lesson => ({ id }) as Lesson;
const OPTIONS: CourseOptions = {
  lessons: [lesson('containers/01'), lesson('containers/02')],
  languages: ['en', 'zh'],
  routes: ['typing', 'buttons'],
  wrongAnswers: true,
  repeat: 2,
  abreast: 2,
  url: '',
  headed: false,
  from: null,
  stepTimeoutMs: 1,
  output: null,
  say: () => {},
};

function results(failed: (index: number) => boolean): WalkResult[] {
  return courseWalks(OPTIONS).map((walk, index) => ({
    walk,
    passed: 3,
    failures: failed(index) ? ['it is green already'] : [],
    seconds: 2,
  }));
}

describe('a course', () => {
  it('is every lesson in every language by every route, as often as asked', () => {
    const walks = courseWalks(OPTIONS);
    expect(walks.length).toBe(2 * 2 * 2 * 2);
    expect(new Set(walks.map((walk) => JSON.stringify(walk))).size).toBe(walks.length);
  });

  it('tries the wrong answers by one route of each language', () => {
    const thorough = courseWalks(OPTIONS).filter(({ wrongAnswers }) => wrongAnswers);
    expect(thorough.map(({ route }) => route)).toEqual(Array(8).fill('typing'));
  });

  it('calls a walk a flake that fails in one round alone', () => {
    expect(flakeRate(results(() => false))).toBe(0);
    expect(flakeRate(results((index) => index === 0))).toBe(1 / 16);
    const broken = results((index) => index % 8 === 0); // in both rounds
    expect(flakeRate(broken)).toBe(0);
  });

  it('ends with each lesson, each failure and the rate', () => {
    expect(summary(results((index) => index === 1))).toEqual([
      'containers/01: 7 of 8 walks green, 16 s',
      'containers/02: 8 of 8 walks green, 16 s',
      'failed: containers/01 en buttons 1: it is green already',
      'flake rate 6.3 % of 16 walks',
    ]);
  });
});
