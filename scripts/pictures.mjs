/**
 * `node scripts/pictures.mjs`: takes the README's pictures of a real lab: lesson 01 in the middle, and each view
 * of a sandbox in which much has happened.
 * Chinese needs a Chinese font on this machine (Debian: fonts-noto-cjk).
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { chromium } from 'playwright-core';
import { startLab } from '../test/bench/lab.mjs';
import { makeTelling, rowsOf, tabOf } from '../test/bench/telling.mjs';
import { ROOT } from './setup/paths.mjs';

const OUT = path.join(ROOT, 'docs/pictures');
const LAPTOP = { width: 1440, height: 900 };
const STEP = 'fresh-proc';

/** Opens the step, presses its Run button and points at the process that has two numbers. */
async function middleOfStep(page, lang) {
  const run = page
    .locator(`li[data-step="${STEP}"]`)
    .getByRole('button', { name: lang === 'zh' ? '运行' : 'Run', exact: true });
  await run.scrollIntoViewIfNeeded();
  await run.click();
  await page.locator(`li[data-step="${STEP}"][data-passed="true"]`).waitFor({ timeout: 30_000 });
  const sleep = page.getByRole('treeitem', { name: /sleep/ }).last();
  await sleep.click();
  await page.locator(`li[data-step="${STEP}"]`).evaluate((step) => step.scrollIntoView());
  await page.waitForTimeout(800); // the views' last motion
}

/** Opens the example container and goes on to the call that makes its namespaces. */
async function middleOfContainer(page) {
  const stage = page.locator('section.stage');
  await page.getByRole('tab', { name: 'Step through' }).click();
  await stage.getByRole('button', { name: /Open the example/ }).click();
  const next = stage.getByRole('button', { name: /^Next purpose/ });
  await next.waitFor({ timeout: 30_000 });
  const skip = stage.getByRole('button', { name: /^Skip/ });
  if (await skip.isVisible()) await skip.click();
  await stage
    .getByText('clone-init')
    .or(stage.getByText(/first process/))
    .first()
    .waitFor();
  const made = stage.getByText(/^Make the container’s first process/);
  for (let purposes = 0; purposes < 60 && !(await made.first().isVisible()); purposes += 1) {
    await next.click();
    await page.waitForTimeout(150); // one purpose; the picture need not be of an exact moment
  }
  await next.click();
  await page.waitForTimeout(1_000);
}

/** Which row of a view is pointed at: the one that the picture is about. */
const POINTED = [
  ['processes', /httpd/],
  ['namespaces', /net:\[/],
  ['mounts', /demo/],
  ['cgroups', /web.*0\.2/],
  ['layers', /bread/],
  ['network', /10\.0\.0\.1/],
  ['calls', /nowhere.*ENOENT/],
  ['commands', null],
];
/** The stage alone, at the width of a laptop: the views are what these pictures are about. */
const VIEW_SIZE = { width: 1180, height: 560 };

/** Pictures of all views in light and dark, with one sandbox, from one window that saw it happen. */
async function pictureViews(browser, lab) {
  const context = await browser.newContext({ viewport: LAPTOP });
  const page = await context.newPage();
  await page.goto(lab.url);
  await page.goto(`${lab.origin}/en/containers/01`);
  await page.waitForSelector('html[data-terrarium-ready]', { state: 'attached' });
  await page.waitForTimeout(1_200); // fonts, and the terminal's first fit
  await makeTelling(page, async (line) => {
    await page.locator('.xterm-helper-textarea').first().focus();
    await page.keyboard.type(`${line}\n`);
    await page.waitForTimeout(900); // until the shell has run it; what matters is waited for on the page
  });
  await page.locator('section.stage .pane-tools button').click();
  await page.setViewportSize(VIEW_SIZE);
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme });
    for (const [view, row] of POINTED) {
      await tabOf(page, view).click();
      const found = rowsOf(page).filter({ hasText: row ?? '' });
      if (row !== null)
        await found
          .first()
          .click({ timeout: 5_000 })
          .catch(() => console.warn(view));
      await page.waitForTimeout(900); // the card, and one beat of the meters
      await page.screenshot({ path: path.join(OUT, `${view}-${colorScheme}.png`) });
    }
  }
  await tabOf(page, 'processes').click();
  await page.getByRole('slider').focus();
  for (let steps = 0; steps < 8; steps += 1) await page.keyboard.press('ArrowLeft');
  await page.locator('.past-banner').waitFor();
  await page.waitForTimeout(800);
  await page.screenshot({ path: path.join(OUT, 'past-dark.png') });
  await page.emulateMedia({ colorScheme: 'light' });
  await page.waitForTimeout(800);
  await page.screenshot({ path: path.join(OUT, 'past-light.png') });
  await context.close();
}

async function picture(browser, lab, name, { lang, colorScheme, where, act }) {
  const context = await browser.newContext({ viewport: LAPTOP, colorScheme });
  const page = await context.newPage();
  await page.goto(lab.url);
  await page.goto(`${lab.origin}/${lang}${where}`);
  if (where !== '') await page.waitForSelector('html[data-terrarium-ready]', { state: 'attached' });
  await page.waitForTimeout(1_200); // fonts, and the terminal's first fit
  await act?.(page, lang);
  await page.screenshot({ path: path.join(OUT, `${name}.png`) });
  await context.close();
}

fs.mkdirSync(OUT, { recursive: true });
const lab = await startLab();
const executablePath = spawnSync('which', ['chromium'], { encoding: 'utf8' }).stdout.trim();
const browser = await chromium.launch({
  executablePath,
  args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
});
try {
  await pictureViews(browser, lab);
  const lesson = { where: `/containers/01#${STEP}`, act: middleOfStep };
  await picture(browser, lab, 'lesson-light', { lang: 'en', colorScheme: 'light', ...lesson });
  await picture(browser, lab, 'lesson-dark', { lang: 'en', colorScheme: 'dark', ...lesson });
  await picture(browser, lab, 'lesson-zh', { lang: 'zh', colorScheme: 'light', ...lesson });
  const open = { lang: 'en', where: '/containers/01' };
  await picture(browser, lab, 'stepper-light', {
    ...open,
    colorScheme: 'light',
    act: middleOfContainer,
  });
  await picture(browser, lab, 'stepper-dark', {
    ...open,
    colorScheme: 'dark',
    act: middleOfContainer,
  });
  await picture(browser, lab, 'course-light', { lang: 'en', colorScheme: 'light', where: '' });
} finally {
  await browser.close();
  await lab.stop();
}
