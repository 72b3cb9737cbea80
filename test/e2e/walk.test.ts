/**
 * The walkthrough of lesson 01 in a real Chromium: by the keyboard with every wrong answer, by the
 * Run buttons, and in Chinese. What `npx terrarium lesson walk` does, against a lab of its own.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Language } from '../../apps/cli/src/walk/names.js';
import { type Route, walkLesson } from '../../apps/cli/src/walk/walk.js';
import { missing, type RunningLab, startLab } from './support/lab.js';
import { LESSON } from './support/learner.js';

const lacks = missing();
/** Typing, 15 wrong answers and twenty fresh sandboxes take 2 minutes, on a busy machine 8. */
const WALK_MS = 900_000;

describe.skipIf(lacks !== null)(`lesson 01${lacks === null ? '' : ` (missing: ${lacks})`}`, () => {
  let lab: RunningLab;
  beforeAll(async () => {
    lab = await startLab();
  });
  afterAll(async () => await lab?.stop());

  async function walk(route: Route, language: Language, wrongAnswers: boolean): Promise<void> {
    const report = await walkLesson({
      lesson: LESSON,
      url: lab.url,
      language,
      route,
      headed: false,
      wrongAnswers,
      output: null,
      from: null,
      stepTimeoutMs: 60_000,
      say: (line) => console.log(line),
    });
    expect(report.failures).toEqual([]);
    expect(report.passed).toBeGreaterThan(2 * LESSON.steps.length);
  }

  test('can be done by typing; every wrong answer stays red', { timeout: WALK_MS }, async () => {
    await walk('typing', 'en', true);
  });

  test('can be done by the Run buttons', { timeout: WALK_MS }, async () => {
    await walk('buttons', 'en', false);
  });

  test('can be done in Chinese', { timeout: WALK_MS }, async () => {
    await walk('buttons', 'zh', false);
  });
});
