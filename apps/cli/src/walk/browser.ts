/** Starts the machine's own Chromium: nothing is downloaded. */
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';

export type { Browser, BrowserContext, Locator, Page } from 'playwright-core';

const PROGRAMS = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'];

/** The first Chromium on PATH, or null. */
export function findChromium(path: string = process.env['PATH'] ?? ''): string | null {
  const candidates = path.split(':').flatMap((dir) => PROGRAMS.map((name) => join(dir, name)));
  return candidates.find(isExecutable) ?? null;
}

/** @throws a sentence with the remedy when there is no Chromium */
export async function launchBrowser(headed = false): Promise<Browser> {
  const executablePath = findChromium();
  if (executablePath === null) {
    throw new Error('no Chromium on PATH: apt install chromium');
  }
  return await chromium.launch({
    executablePath,
    headless: !headed,
    // Root has no sandbox of Chromium's own; the page is ours.
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
  });
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false; // most folders of PATH have no Chromium
  }
}
