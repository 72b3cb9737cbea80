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

/** A mount namespace of one's own, set beside the sandbox's. */
async function twoMountNamespaces(page) {
  await page.locator('.xterm-helper-textarea').first().focus();
  await page.keyboard.type(
    "unshare -m sh -c 'mount -t tmpfs data /mnt; mount --make-shared /tmp; sleep 1000' &\n",
  );
  await page.getByRole('tab', { name: 'Mounts' }).click();
  const other = page.getByLabel('Compare with');
  await other.waitFor({ timeout: 30_000 });
  await other.selectOption({ index: 1 });
  await page.waitForTimeout(800);
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
  const open = { lang: 'en', where: '/containers/01' };
  await picture(browser, lab, 'stepper-light', {
    ...open,
    colorScheme: 'light',
    act: middleOfContainer,
  });
  await picture(browser, lab, 'mounts-dark', {
    ...open,
    colorScheme: 'dark',
    act: twoMountNamespaces,
  });
  await picture(browser, lab, 'course-light', { lang: 'en', colorScheme: 'light', where: '' });
} finally {
  await browser.close();
  await lab.stop();
}
