/** A real Chromium on a lesson, and a second connection to the same session that types. */
import { spawnSync } from 'node:child_process';
import { chromium } from 'playwright-core';
import { Learner } from './learner.mjs';

export const LESSON = 'containers/01';

/** The machine's own Chromium. */
export function launchBrowser() {
  const executablePath = spawnSync('which', ['chromium'], { encoding: 'utf8' }).stdout.trim();
  return chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
  });
}

/** A page on the lesson with its first snapshot on screen, and a prompt in its first terminal. */
export async function openLesson(lab) {
  const browser = await launchBrowser();
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  const page = await context.newPage();
  await page.goto(lab.url);
  await page.goto(`${lab.origin}/en/${LESSON}`);
  await page.waitForSelector('html[data-terrarium-ready]', { state: 'attached' });
  const cookie = (await context.cookies()).find((one) => one.name.startsWith('terrarium_session'));
  const learner = new Learner(lab, `${cookie.name}=${cookie.value}`, LESSON).start();
  await learner.until((l) => l.terminals.some((t) => t.state === 'running'), 'the terminal');
  const terminal = learner.terminal(learner.terminals[0].id);
  await terminal.until(/[#$] /);
  const close = async () => {
    terminal.connection.close();
    learner.stop();
    await browser.close();
  };
  return { browser, context, page, learner, terminal, close };
}
