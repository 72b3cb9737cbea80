/**
 * Takes the pictures by which the page is judged, into /tmp/shots (or the first argument): course
 * and lesson at three sizes, light and dark, English and Chinese. Needs dev/fake-lab.mjs and the
 * web process on TERRARIUM_PORT; with BASE and TOKEN set, any other lab. Prints what the browser
 * complains about, and every request that leaves the server.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const BASE = process.env['BASE'] ?? `http://127.0.0.1:${process.env['TERRARIUM_PORT'] ?? 3000}`;
const TOKEN = process.env['TOKEN'] ?? 'fake-token-of-the-fake-lab';
const OUT = process.argv[2] ?? '/tmp/shots';
const LAPTOP = { width: 1280, height: 720 };
const WIDE = { width: 1920, height: 1080 };
const PHONE = { width: 390, height: 844 };
const LESSON = 'containers/01';

mkdirSync(OUT, { recursive: true });
const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
});

async function shot(name, { viewport, colorScheme = 'light', path, act }) {
  const context = await browser.newContext({ viewport, colorScheme });
  const page = await context.newPage();
  page.on('pageerror', (error) => console.log(`${name}: ${error.stack}`));
  page.on('console', (message) => {
    if (message.type() === 'error') console.log(`${name}: ${message.text()}`);
  });
  page.on('request', (request) => {
    const local = request.url().startsWith(BASE) || request.url().startsWith('data:');
    if (!local) console.log(`${name}: request to ${request.url()}`);
  });
  await page.goto(`${BASE}/?token=${TOKEN}`);
  await page.goto(`${BASE}${path}`);
  if (path.includes(LESSON)) await page.waitForSelector('html[data-terrarium-ready]');
  await page.waitForTimeout(900); // fonts, first fit of the terminal, the views' first motion
  await act?.(page);
  await page.screenshot({ path: join(OUT, `${name}.png`) });
  await context.close();
}

async function openSecondStep(page) {
  await page.locator('.step-head button').nth(1).click();
  await page
    .locator('.step')
    .nth(1)
    .evaluate((step) => step.scrollIntoView());
  await page.waitForTimeout(300);
}

for (const lang of ['en', 'zh']) {
  for (const colorScheme of ['light', 'dark']) {
    const kind = `${lang}-${colorScheme}`;
    const path = `/${lang}/${LESSON}`;
    await shot(`course-${kind}-1280`, { viewport: LAPTOP, colorScheme, path: `/${lang}` });
    await shot(`lesson-${kind}-1280`, { viewport: LAPTOP, colorScheme, path });
    await shot(`step-${kind}-1920`, { viewport: WIDE, colorScheme, path, act: openSecondStep });
    await shot(`lesson-${kind}-390`, { viewport: PHONE, colorScheme, path });
  }
}
await browser.close();
