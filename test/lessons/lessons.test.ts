/**
 * Every lesson on the real kernel, without a browser: what it says is right turns its step green,
 * what it says is wrong keeps it red. Goes through the web process's sockets as the page does.
 */
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CLAUSE_MS, STAYS_RED_MS } from '../../apps/cli/src/walk/patience.js';
import type { Command, Step } from '../../packages/lesson/src/index.js';
import { lessonDirs, loadLesson, machineLacks } from '../../packages/lesson/src/load/index.js';
import { missing, type RunningLab, startLab } from '../e2e/support/lab.js';
import { LessonLearner } from './lesson-learner.js';

const lacks = missing(false);
/** A bound for hangs: some solutions boot a machine, which QEMU translates on shared processors. */
const GREEN_MS = 120_000;
/** Several of those, one after the other. */
const LESSON_MS = 480_000;

const lessons = lessonDirs(fileURLToPath(new URL('../../lessons', import.meta.url))).map(
  loadLesson,
);

test('there are lessons', () => expect(lessons.length).toBeGreaterThan(0));

// Lessons side by side, what belongs to one of them in its order.
describe.skipIf(lacks !== null)(
  `on the kernel${lacks === null ? '' : ` (missing: ${lacks})`}`,
  () => {
    let lab: RunningLab;
    beforeAll(async () => {
      lab = await startLab();
    });
    afterAll(async () => await lab?.stop());

    for (const lesson of lessons) {
      describe.concurrent(lesson.id, () => {
        let learner: LessonLearner;
        beforeAll(async () => {
          learner = await LessonLearner.join(lab, lesson);
        });
        afterAll(() => learner?.stop());

        for (const step of lesson.steps) {
          const unmet = missingFor(step);
          if (unmet !== null) {
            test.sequential
              .skip(`${step.id} (missing: ${unmet})`, () => {});
            continue;
          }
          for (const { name, commands, clause } of step.wrong) {
            test.sequential(`${step.id}: stays red for ${name}`, async () => {
              await learner.reset(step);
              await stayRed(learner, step, commands);
              if (clause !== undefined) await learner.lacks(step, clause, CLAUSE_MS);
            });
          }
          test.sequential(
            `${step.id}: is red before its solution and green after it`,
            async () => {
              await learner.reset(step);
              await stayRed(learner, step, []);
              await learner.type(step.solution);
              await learner.green(step, GREEN_MS);
            },
            2 * GREEN_MS,
          );
        }

        test.sequential(
          'can be done from its beginning to its end without a reset',
          async () => {
            const fresh = await LessonLearner.join(lab, lesson);
            for (const step of lesson.steps) {
              if (missingFor(step) !== null) continue;
              expect(`${step.id} ${fresh.passed(step)}`).toBe(`${step.id} false`);
              await fresh.type(step.solution);
              await fresh.green(step, GREEN_MS);
            }
            fresh.stop();
          },
          LESSON_MS,
        );
      });
    }
  },
);

/** What this machine lacks for a step; what doctor finds is there wherever a lab can start. */
function missingFor(step: Step): string | null {
  const lacking = (step.requires ?? []).map((feature) => machineLacks(feature));
  return lacking.find((text) => text !== null)?.en ?? null;
}

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
