/** Step through a container, in the browser: from the first call to a container that runs, and back. */
import { describe, expect, test } from 'vitest';
import type { Page } from '../../apps/cli/src/walk/browser.js';
import { missing } from './support/lab.js';
import { newLearner } from './support/learner.js';
import { startWorld } from './support/world.js';

const lacks = missing();
/** A loaded machine makes four hundred calls with two readings each in this time, ms. */
const PLAN_MS = 120_000;

describe.skipIf(lacks !== null)(
  `the stepper${lacks === null ? '' : ` (missing: ${lacks})`}`,
  () => {
    const world = startWorld();

    test('a container, call by call: steps, keeps them over a reload, runs, ends', async () => {
      const learner = await newLearner(world.browser, world.lab.url);
      const { page } = learner;
      await openExample(page);
      for (let done = 1; done <= 3; done++) {
        await page.keyboard.press('s');
        await waitForCalls(page, (made) => made === done);
      }
      const calls = page.getByRole('list', { name: 'System calls' });
      await calls.getByRole('button', { name: /hold the sandbox/ }).waitFor();
      // The third call opened a pidfd: the kernel says so, in the list of open files.
      await page.getByText(/^fd \d+ opened: anon_inode:\[pidfd\]$/).waitFor();

      await page.reload({ waitUntil: 'domcontentloaded' });
      await learner.on.ready();
      await page.getByRole('tab', { name: 'Step through' }).click();
      await waitForCalls(page, (made) => made === 3);
      await page.getByText(/^fd \d+ opened: anon_inode:\[pidfd\]$/).waitFor();

      await page.getByRole('button', { name: 'Skip the way in' }).click();
      await waitForCalls(page, (made) => made > 50);
      await page.getByRole('button', { name: 'Run all' }).click();
      await page.getByRole('heading', { name: 'The container runs' }).waitFor({ timeout: PLAN_MS });
      await page.getByRole('button', { name: 'Show it among the processes' }).click();
      await (await learner.process('sh -c while')).waitFor();

      await page.getByRole('tab', { name: 'Step through' }).click();
      await page.getByRole('button', { name: 'End it' }).first().click();
      await page.getByRole('button', { name: 'Open the example container' }).waitFor();
      await (await learner.process('sh -c while')).waitFor({ state: 'detached' });
      await learner.context.close();
    });

    test('abort takes everything back, and says so', async () => {
      const learner = await newLearner(world.browser, world.lab.url);
      const { page } = learner;
      await openExample(page);
      await page.getByRole('button', { name: 'Skip the way in' }).click();
      await waitForCalls(page, (made) => made > 50);
      await page.keyboard.press('n'); // the next purpose
      await page.keyboard.press('s');
      await page.getByRole('button', { name: 'Abort', exact: true }).click();
      await page.getByRole('heading', { name: 'Aborted' }).waitFor();
      await page.getByText(/no process, no cgroup, no mount/).waitFor();
      await learner.type('ls -d /sys/fs/cgroup/*/stepped* /sys/fs/cgroup/stepped*; echo looked-$?');
      await learner.reads(/looked-[12]/);
      expect(learner.output).not.toMatch(/^\/sys\/fs\/cgroup\/\S*stepped-\d/m);

      await page.getByRole('button', { name: 'Start over' }).click();
      await waitForCalls(page, (made) => made === 0);
      await learner.context.close();
    });

    test('a learner’s own bundle that the kernel refuses: which call, and why', async () => {
      const learner = await newLearner(world.browser, world.lab.url);
      const { page } = learner;
      const config = {
        ociVersion: '1.2.0',
        root: { path: 'no-such-rootfs' },
        process: { args: ['/bin/true'], cwd: '/', user: { uid: 0, gid: 0 } },
        linux: { namespaces: [{ type: 'pid' }, { type: 'mount' }] },
      };
      await learner.type(
        `mkdir -p /lab/mine; echo '${JSON.stringify(config)}' > /lab/mine/config.json`,
      );
      await learner.type('echo "made"-it');
      await learner.reads('made-it');
      await page.getByRole('tab', { name: 'Step through' }).click();
      await page.getByRole('textbox', { name: /a folder in the sandbox/ }).fill('/lab/mine');
      await page.getByRole('button', { name: 'Open the bundle' }).click();
      await page.getByRole('button', { name: 'Run all' }).click();
      await page
        .getByRole('heading', { name: 'The kernel refused a call' })
        .waitFor({ timeout: PLAN_MS });
      await page
        .getByText(/no-such-rootfs.*ENOENT/)
        .first()
        .waitFor();
      await page.getByText('The plan ends here.').waitFor();
      await learner.context.close();
    });
  },
);

async function openExample(page: Page): Promise<void> {
  await page.getByRole('tab', { name: 'Step through' }).click();
  await page.getByRole('button', { name: 'Open the example container' }).click();
  await waitForCalls(page, (made) => made === 0);
}

/** Waits until so many calls were made, as the progress bar tells. */
async function waitForCalls(page: Page, enough: (made: number) => boolean): Promise<void> {
  const bar = page.locator('.stepper-progress');
  await bar.waitFor({ state: 'attached' });
  await expect
    .poll(async () => enough(Number(await bar.getAttribute('value'))), { timeout: PLAN_MS })
    .toBe(true);
}
