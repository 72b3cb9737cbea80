/**
 * The first hint, in a real browser: by the difference between what the kernel shows and what the step
 * asks, which object is there and which one lacks what; and that object marked in the view.
 */
import { describe, expect, test } from 'vitest';
import { missing } from './support/lab.js';
import { newLearner, stepOf } from './support/learner.js';
import { startWorld } from './support/world.js';

const lacks = missing();

describe.skipIf(lacks !== null)(`hints${lacks === null ? '' : ` (missing: ${lacks})`}`, () => {
  const world = startWorld();

  test('you made the pid namespace, but /proc still shows the old one', async () => {
    const learner = await newLearner(world.browser, world.lab.url);
    const { page, on, context } = learner;
    const type = (line: string): Promise<void> => learner.type(line);
    const step = stepOf('fresh-proc');
    await on.openStep(step);
    await type('unshare --fork --pid sh');
    await type('sleep 3000 &');
    const item = on.item(step);
    await item.getByRole('button', { name: 'Hint', exact: true }).click();

    // What is there, by the numbers that the learner sees.
    const have = item.getByRole('list', { name: 'Already there' });
    await have.getByText(/It is sh \(PID \d+, 1 inside\)/).waitFor();
    // What is missing, with what it is beside what it should be.
    const help = item.locator('.help-panel');
    await help.getByText(/mount namespace: mnt:\[\d+\] \(the sandbox’s own\); wanted:/).waitFor();
    const marked = page.locator('.stage [data-missing="self"]');
    await marked.filter({ hasText: /^sh/ }).waitFor();
    expect(await marked.count()).toBe(1);

    // The next attempt comes nearer: now it is /proc that is the old one.
    await type('exit');
    await type('unshare --fork --pid --mount sh');
    await type('sleep 3000 &');
    await help
      .getByText(/PID namespace that it shows: pid:\[\d+\] \(the sandbox’s own\)/)
      .waitFor();
    // The view shows no mounts: the process that the mount is of stands for it.
    await page.locator('.stage [data-missing="near"]').filter({ hasText: /^sh/ }).waitFor();

    await type('exit');
    await type('unshare --fork --pid --mount-proc sh');
    await type('sleep 3000 &');
    await help.getByText('Nothing is missing').waitFor();
    expect(await page.locator('.stage [data-missing]').count()).toBe(0);
    await context.close();
  });
});
