/**
 * axe-core over course, lesson and every view of a sandbox in which much has happened, now and in the past,
 * in both themes and languages: no serious or critical finding.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Browser, launchBrowser, type Page } from '../../apps/cli/src/walk/browser.js';
import { makeTelling, rowsOf, tabOf, VIEWS } from '../bench/telling.mjs';
import { serious } from './support/axe.js';
import { missing, type RunningLab, startLab } from './support/lab.js';
import { Learner, newLearner, stepOf } from './support/learner.js';

const lacks = missing();

describe.skipIf(lacks !== null)(`axe${lacks === null ? '' : ` (missing: ${lacks})`}`, () => {
  let lab: RunningLab;
  let browser: Browser;
  let told: Learner;
  beforeAll(async () => {
    lab = await startLab();
    browser = await launchBrowser();
    told = await newLearner(browser, lab.url);
    await makeTelling(told.page, (line) => told.type(line));
  });
  afterAll(async () => {
    await browser?.close();
    await lab?.stop();
  });

  for (const theme of ['light', 'dark'] as const) {
    for (const language of ['en', 'zh'] as const) {
      test(`finds nothing serious in the ${theme} theme, ${language}`, async () => {
        const learner = await newLearner(browser, lab.url, language, theme);
        const { page, on } = learner;
        await learner.type('unshare --fork --pid sh');
        await on.openStep(stepOf('pid-one'));
        await on.waitForGreen(stepOf('pid-one'), 30_000);
        await on.button(stepOf('pid-one'), on.names.hint).click();
        await on.button(stepOf('pid-one'), on.names.solution).click();
        await page.getByRole('tab', { name: on.names.processes, exact: true }).click();
        expect(await serious(page)).toEqual([]);
        await page.getByRole('tab', { name: on.names.namespaces, exact: true }).click();
        expect(await serious(page)).toEqual([]);
        await page.goto(`${lab.origin}/${language}`);
        await page.getByRole('heading', { level: 1 }).waitFor();
        expect(await serious(page)).toEqual([]);
        await page.goto(`${lab.origin}/${language}/glossary`);
        await page.getByRole('heading', { level: 1 }).waitFor();
        expect(await serious(page)).toEqual([]);
        await page.getByRole('button', { name: /Ctrl\+K/ }).click();
        await page.getByRole('combobox').fill('mount');
        await page.getByRole('option').first().waitFor();
        expect(await serious(page)).toEqual([]);
        await learner.context.close();
      });

      test(`finds nothing serious in any view, now and in the past: ${theme}, ${language}`, async () => {
        const { page, context } = await another(told, browser, language, theme);
        for (const view of VIEWS) {
          await tabOf(page, view).click();
          await pinCard(page);
          expect(await serious(page), view).toEqual([]);
        }
        await lookBack(page);
        for (const view of VIEWS) {
          await tabOf(page, view).click();
          expect(await serious(page), `${view}, in the past`).toEqual([]);
        }
        await context.close();
      });
    }
  }
});

/** One more window of a learner, in another language and theme. */
async function another(
  learner: Learner,
  browser: Browser,
  language: 'en' | 'zh',
  colorScheme: 'light' | 'dark',
): Promise<Learner> {
  const context = await browser.newContext({
    viewport: { width: 1440, height: 900 },
    storageState: await learner.context.storageState(),
    colorScheme,
  });
  const other = await Learner.in(context, language);
  await other.on.open(new URL('/', learner.page.url()).href);
  await rowsOf(other.page).first().waitFor();
  return other;
}

const stageOf = (page: Page) => page.locator('section.stage');

/** Looks at the view's last row and pins its card, in views that have rows and cards. */
async function pinCard(page: Page): Promise<void> {
  const rows = rowsOf(page);
  if ((await rows.count()) === 0) return;
  await rows.last().click();
  const pin = stageOf(page).locator('.tr-pin[aria-pressed=false]');
  if ((await pin.count()) > 0) await pin.first().click();
}

/** Goes some events back from the present. */
async function lookBack(page: Page): Promise<void> {
  await page.getByRole('slider').focus();
  await page.keyboard.press('ArrowLeft');
  await page.locator('.past-banner').waitFor();
}
