/**
 * Every lesson on the real kernel, without a browser: what it says is right turns its step green,
 * what it says is wrong keeps it red. Goes through the web process's sockets as the page does.
 */
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Command, Step } from '../../packages/lesson/src/index.js';
import { lessonDirs, loadLesson } from '../../packages/lesson/src/load/index.js';
import { missing, type RunningLab, startLab } from '../e2e/support/lab.js';
import { LessonLearner } from './lesson-learner.js';

const lacks = missing(false);
/** A check has 30 ms of debounce and up to a second until a scan sees what no event tells, ms. */
const STAYS_RED_MS = 1500;
const GREEN_MS = 20_000;

const lessons = lessonDirs(fileURLToPath(new URL('../../lessons', import.meta.url))).map(
  loadLesson,
);

test('there are lessons', () => expect(lessons.length).toBeGreaterThan(0));

describe.skipIf(lacks !== null)(
  `on the kernel${lacks === null ? '' : ` (missing: ${lacks})`}`,
  () => {
    let lab: RunningLab;
    beforeAll(async () => {
      lab = await startLab();
    });
    afterAll(async () => await lab?.stop());

    for (const lesson of lessons) {
      describe(lesson.id, () => {
        let learner: LessonLearner;
        beforeAll(async () => {
          learner = await LessonLearner.join(lab, lesson);
        });
        afterAll(() => learner?.stop());

        for (const step of lesson.steps) {
          for (const { name, commands } of step.wrong) {
            test(`${step.id}: stays red for ${name}`, async () => {
              await learner.reset(step);
              await stayRed(learner, step, commands);
            });
          }
          test(`${step.id}: is red before its solution and green after it`, async () => {
            await learner.reset(step);
            await stayRed(learner, step, []);
            await learner.type(step.solution);
            await learner.green(step, GREEN_MS);
          });
        }

        test('can be done from its beginning to its end without a reset', async () => {
          const fresh = await LessonLearner.join(lab, lesson);
          for (const step of lesson.steps) {
            expect(`${step.id} ${fresh.passed(step)}`).toBe(`${step.id} false`);
            await fresh.type(step.solution);
            await fresh.green(step, GREEN_MS);
          }
          fresh.stop();
        });
      });
    }
  },
);

/** A check that is red now may be about to turn: it is watched for a while. */
async function stayRed(
  learner: LessonLearner,
  step: Step,
  commands: readonly Command[],
): Promise<void> {
  expect(learner.passed(step)).toBe(false);
  await learner.type(commands);
  const turned = await learner.green(step, STAYS_RED_MS).then(
    () => true,
    () => false,
  );
  expect(turned ? learner.clauses(step) : 'red').toBe('red');
}
