import { defineConfig } from 'vitest/config';

const exclude = ['**/node_modules/**', '**/dist/**', '**/.next/**'];

/** More than 1 in an emulated machine, see test/integration/patience.ts. */
const slowness = Math.max(1, Number(process.env['TERRARIUM_SLOW'] ?? 1));

/** Suites that share one kernel run one file at a time, with room for slow machines. */
const kernel = {
  exclude,
  fileParallelism: false,
  testTimeout: 60_000 * slowness,
  hookTimeout: 180_000 * slowness,
};

/** One project per kind of suite: `unit` needs no root, the others need the real kernel. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: [
            'packages/*/src/**/*.test.{ts,tsx}',
            'apps/*/{src,server,app,lib}/**/*.test.{ts,tsx}',
            'test/architecture.test.ts',
            'scripts/**/*.test.ts',
          ],
          exclude,
          testTimeout: 30_000, // a bound for hangs, not a measure: machines are noisy
        },
      },
      { test: { name: 'integration', include: ['test/integration/**/*.test.ts'], ...kernel } },
      // Inside the guest alone, beside most of integration: scripts/guest/suite.mjs.
      { test: { name: 'guest', include: ['test/guest/**/*.test.ts'], ...kernel } },
      // One lab; its learners do lessons side by side, most of which is waiting: one of them keeps
      // an eighth of two processors busy.
      {
        test: {
          name: 'lessons',
          include: ['test/lessons/**/*.test.ts'],
          ...kernel,
          maxConcurrency: 4,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          exclude,
          // Two files at once take a third less time, and more than the lessons' two processors:
          // what is to be seen within a second then sometimes is not.
          fileParallelism: false,
          testTimeout: 240_000,
          hookTimeout: 180_000,
        },
      },
    ],
  },
});
