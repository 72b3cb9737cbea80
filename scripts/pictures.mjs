/**
 * `node scripts/pictures.mjs`: takes the README's pictures of a real lab, in the middle of lesson 01.
 * Chinese needs a Chinese font on this machine (Debian: fonts-noto-cjk).
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { chromium } from 'playwright-core';
import { startLab } from '../test/bench/lab.mjs';
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
  const lesson = { where: `/containers/01#${STEP}`, act: middleOfStep };
  await picture(browser, lab, 'lesson-light', { lang: 'en', colorScheme: 'light', ...lesson });
  await picture(browser, lab, 'lesson-dark', { lang: 'en', colorScheme: 'dark', ...lesson });
  await picture(browser, lab, 'lesson-zh', { lang: 'zh', colorScheme: 'light', ...lesson });
  await picture(browser, lab, 'course-light', { lang: 'en', colorScheme: 'light', where: '' });
} finally {
  await browser.close();
  await lab.stop();
}
