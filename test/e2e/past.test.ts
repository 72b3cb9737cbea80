/**
 * Looking back: views and terminal show a moment of the past while the present goes on; also one from
 * before the page was opened; a link leads to it; and a recording of it plays without a lab.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Browser, Locator, Page } from '../../apps/cli/src/walk/browser.js';
import { launchBrowser } from '../../apps/cli/src/walk/browser.js';
import { missing, type RunningLab, startLab } from './support/lab.js';
import { Learner, newLearner } from './support/learner.js';

const lacks = missing();
const PATIENCE_MS = 30_000;

describe.skipIf(lacks !== null)(
  `looking back${lacks === null ? '' : ` (missing: ${lacks})`}`,
  () => {
    let lab: RunningLab;
    let browser: Browser;
    let learner: Learner;
    let folder: string;
    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), 'terrarium-past-'));
      lab = await startLab();
      browser = await launchBrowser();
      learner = await newLearner(browser, lab.url);
      // Two processes, one after the other, and words between: three moments to tell apart.
      await learner.type('sleep 4711 & echo "first"-words');
      await learner.reads('first-words');
      await (await learner.process('sleep 4711')).waitFor();
      await learner.type('kill %1; wait; sleep 4712 & echo "second"-words');
      await learner.reads('second-words');
      await (await learner.process('sleep 4712')).waitFor();
    });
    afterAll(async () => {
      await browser?.close();
      await lab?.stop();
      rmSync(folder, { recursive: true, force: true });
    });

    test('the tree and the terminal show the moment, and nothing of the present is lost', async () => {
      const { page } = learner;
      await backTo(page, /before `kill %1/);
      await seen(rows(page), ['sleep 4711'], ['sleep 4712']);
      const screen = page.getByRole('region', { name: 'Terminal 1 as it was then' });
      await expect.poll(() => textOf(screen), patient).toContain('first-words');
      expect(await textOf(screen)).not.toContain('second-words');
      await expect(banner(page).textContent()).resolves.toContain('You are looking back');

      // Keys go nowhere while looking back, and it says so.
      await screen.focus();
      await page.keyboard.type('echo "lost"-keys');
      await screen.getByText('keys go nowhere').waitFor();

      // The present goes on meanwhile: another page of the same learner types.
      const other = await openOther(learner);
      await other.type('sleep 4713 & echo "third"-words');
      await learner.reads('third-words');
      await seen(rows(page), ['sleep 4711'], ['sleep 4712', 'sleep 4713']);
      await other.page.close();

      await page.getByRole('button', { name: 'Back to live' }).click();
      await seen(rows(page), ['sleep 4712', 'sleep 4713'], ['sleep 4711']);
      await banner(page).waitFor({ state: 'detached' });
      await learner.type('echo "still"-here');
      await learner.reads('still-here');
      expect(learner.output).not.toContain('lost-keys');
    });

    test('dragging the track seeks, and Escape returns', async () => {
      const { page } = learner;
      const box = await slider(page).locator('canvas').boundingBox();
      if (box === null) throw new Error('the track has no place on the page');
      const y = box.y + box.height - 8; // a lane below the commands
      await page.mouse.move(box.x + box.width - 60, y);
      await page.mouse.down();
      await page.mouse.move(box.x + box.width / 2, y, { steps: 8 });
      await page.mouse.up();
      await banner(page).waitFor();
      await slider(page).focus();
      await page.keyboard.press('Escape');
      await banner(page).waitFor({ state: 'detached' });
    });

    test('a page that was opened later looks back to before it, and a link leads there', async () => {
      const { page } = learner;
      await page.reload({ waitUntil: 'domcontentloaded' });
      await learner.on.ready();
      await learner.process('sleep 4712'); // the tab of the processes
      await backTo(page, /before `kill %1/);
      await seen(rows(page), ['sleep 4711'], ['sleep 4712']);
      await page.getByText('This page was not open then').waitFor();

      const seq = await slider(page).getAttribute('aria-valuenow');
      await page.evaluate(() => {
        // What is copied is asked for where it is put; a clipboard needs a permission.
        Object.assign(navigator.clipboard, {
          writeText: async (text: string) => {
            document.body.dataset['copied'] = text;
          },
        });
      });
      await page.getByRole('button', { name: 'Copy link to this moment' }).click();
      const link = (await page.locator('body').getAttribute('data-copied')) ?? '';
      expect(link).toMatch(new RegExp(`[#&]t=[a-z0-9-]+\\.${seq}$`));
      const other = await learner.context.newPage();
      await other.goto(link);
      await banner(other).waitFor();
      await other.getByRole('tab', { name: 'Processes', exact: true }).click();
      await seen(rows(other), ['sleep 4711'], ['sleep 4712']);

      await other.goto(link.replace(/t=[^.]+\./, 't=another-epoch.'));
      await other.getByText('does not remember that moment').waitFor();
      await other.close();
      await page.getByRole('button', { name: 'Back to live' }).click();
    });

    test('starting again from a moment makes a new sandbox, and the old one can be looked back to', async () => {
      const { page } = learner;
      await backTo(page, /before `kill %1/);
      await page.getByRole('button', { name: 'Start again from here' }).click();
      const question = page.getByRole('alertdialog');
      await question.getByText('A sandbox cannot be wound back').waitFor();
      await question.getByRole('button', { name: 'Make a new sandbox' }).click();
      await banner(page).waitFor({ state: 'detached' });
      await seen(rows(page), ['bash'], ['sleep 4712']);
      await backTo(page, /before `kill %1/);
      await seen(rows(page), ['sleep 4711'], ['sleep 4712']);
      await page.getByRole('button', { name: 'Back to live' }).click();
      await learner.on.ready();
      await learner.type('sleep 4714 & echo "again"-here');
      await learner.reads('again-here');
    });

    test('an exported page plays without the lab, with the same rows', async () => {
      const { page } = learner;
      await backTo(page, /before `kill %1/);
      const then = await rowTexts(page);
      await page.getByRole('button', { name: 'Export recording' }).click();
      const file = join(folder, 'recording.html');
      const download = page.waitForEvent('download');
      await page.getByRole('button', { name: 'Save as a page' }).click();
      await (await download).saveAs(file);
      await page.getByRole('button', { name: 'Close' }).click();

      const player = await learner.context.newPage();
      const asked: string[] = [];
      player.on('request', (request) => asked.push(request.url()));
      await player.goto(pathToFileURL(file).href);
      await seen(rows(player), ['sleep 4714'], ['sleep 4711']);
      const terminals = player.getByRole('region', { name: 'Terminals' });
      await expect.poll(() => textOf(terminals), patient).toContain('again-here');
      await backTo(player, /before `kill %1/);
      await expect.poll(() => rowTexts(player), patient).toEqual(then);
      expect(asked.filter((address) => !/^(file|data):/.test(address))).toEqual([]);
      await player.close();
    });
  },
);

const patient = { timeout: PATIENCE_MS };

function slider(page: Page): Locator {
  return page.getByRole('slider', { name: 'Timeline' });
}

function banner(page: Page): Locator {
  return page.getByRole('region', { name: 'You are looking back' });
}

function rows(page: Page): Locator {
  return page.getByRole('tree', { name: 'Processes', exact: true }).getByRole('treeitem');
}

/** Presses the left arrow until the slider says the moment: from mark to mark. */
async function backTo(page: Page, moment: RegExp): Promise<void> {
  await slider(page).focus();
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const text = (await slider(page).getAttribute('aria-valuetext')) ?? '';
    if (moment.test(text)) return;
    if (Date.now() > deadline) throw new Error(`never came to ${moment}; at the end: ${text}`);
    await page.keyboard.press('ArrowLeft');
    // Before the whole past is fetched, the first press stops at the page's own beginning.
    await page.waitForTimeout(50);
  }
}

/** Waits until the tree has these rows and not those. */
async function seen(
  tree: Locator,
  there: readonly string[],
  gone: readonly string[],
): Promise<void> {
  const pattern = (text: string): RegExp => new RegExp(text.split(' ').join('\\s*'));
  for (const text of there)
    await tree
      .filter({ hasText: pattern(text) })
      .first()
      .waitFor();
  for (const text of gone) {
    await expect.poll(() => tree.filter({ hasText: pattern(text) }).count(), patient).toBe(0);
  }
}

async function rowTexts(page: Page): Promise<string[]> {
  // What vanished in the step from another moment stays as a tombstone for a moment.
  await expect.poll(() => page.locator('[role=treeitem][data-gone]').count(), patient).toBe(0);
  return (await rows(page).allTextContents()).map((text) => text.replace(/\s+/g, ' ').trim());
}

/** Text of emulators drawn by elements: non-breaking spaces are spaces there. */
async function textOf(screen: Locator): Promise<string> {
  const parts = await screen.locator('.xterm-rows').allTextContents();
  return parts.join('\n').replaceAll('\u00a0', ' ');
}

/** One more page of the same learner. */
async function openOther(learner: Learner): Promise<Learner> {
  const other = await Learner.in(learner.context);
  await other.page.goto(learner.page.url());
  await other.on.ready();
  return other;
}
