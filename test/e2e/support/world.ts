/** What every test in a browser needs: a lab of its own, and Chromium. */
import { afterAll, beforeAll } from 'vitest';
import { type Browser, launchBrowser } from '../../../apps/cli/src/walk/browser.js';
import { type RunningLab, startLab } from './lab.js';

/** There once the tests run; not while they are being collected. */
export interface World {
  readonly lab: RunningLab;
  readonly browser: Browser;
}

/**
 * A lab and a browser for all tests of the `describe` in which this is called; both end with it.
 *
 * @param environment options of the daemon
 */
export function startWorld(environment: Record<string, string> = {}): World {
  const world: { lab?: RunningLab; browser?: Browser } = {};
  beforeAll(async () => {
    world.lab = await startLab(environment);
    world.browser = await launchBrowser();
  });
  afterAll(async () => {
    await world.browser?.close();
    await world.lab?.stop();
  });
  return world as World;
}
