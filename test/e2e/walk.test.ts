/**
 * The walkthrough of every lesson in a real Chromium, in both languages: in one by the keyboard with
 * every wrong answer, in the other by the Run buttons. What `npx terrarium lesson walk` does, against
 * a lab of its own. A lesson that is added needs no line here.
 */
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Language } from '../../apps/cli/src/walk/names.js';
import { type Route, walkLesson } from '../../apps/cli/src/walk/walk.js';
import type { Lesson } from '../../packages/lesson/src/index.js';
import { lessonDirs, loadLesson } from '../../packages/lesson/src/load/index.js';
import { missing, type RunningLab, startLab } from './support/lab.js';

const lacks = missing();
/** Typing, 15 wrong answers and twenty fresh sandboxes take 1 to 2 minutes, on a busy machine 12. */
const WALK_MS = 1_200_000;

const lessons = lessonDirs(fileURLToPath(new URL('../../lessons', import.meta.url))).map(
  loadLesson,
);

test('there are lessons to walk', () => expect(lessons.length).toBeGreaterThan(0));

describe.skipIf(lacks !== null)(`walk${lacks === null ? '' : ` (missing: ${lacks})`}`, () => {
  let lab: RunningLab;
  beforeAll(async () => {
    lab = await startLab();
  });
  afterAll(async () => await lab?.stop());

  async function walk(lesson: Lesson, route: Route, language: Language): Promise<string[]> {
    const begin = performance.now();
    const name = `${lesson.id} ${language} ${route}`;
    const report = await walkLesson({
      lesson,
      url: lab.url,
      language,
      route,
      headed: false,
      wrongAnswers: route === 'typing',
      output: null,
      from: null,
      stepTimeoutMs: 180_000, // a step may boot a machine in QEMU, on shared processors
      say: (line) => console.log(`${name}: ${line}`),
    });
    console.log(`${name}: ${((performance.now() - begin) / 1000).toFixed(0)} s`);
    const least = 2 * lesson.steps.length;
    const few = report.passed > least ? [] : [`only ${report.passed} things were shown`];
    const failures = [...report.failures, ...few].map((failure) => `${name}: ${failure}`);
    if (failures.length > 0) console.log(`${name} failed:\n${report.transcript}`);
    return failures;
  }

  // Both at once, each with a sandbox of its own: most of a walk is waiting. Each language gets
  // both routes from lesson to lesson.
  for (const [index, lesson] of lessons.entries()) {
    const [typed, pressed]: Language[] = index % 2 === 0 ? ['en', 'zh'] : ['zh', 'en'];
    test(`${lesson.id} by typing (${typed}) and by buttons (${pressed})`, {
      timeout: WALK_MS,
    }, async () => {
      const failures = await Promise.all([
        walk(lesson, 'typing', typed ?? 'en'),
        walk(lesson, 'buttons', pressed ?? 'zh'),
      ]);
      expect(failures.flat().join('\n')).toBe(''); // a list would be cut in the message
    });
  }
});
