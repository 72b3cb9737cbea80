/** The whole lab for a test file, and what this machine must have for it. */
import { findChromium } from '../../../apps/cli/src/walk/browser.js';
import { startLab as start } from '../../bench/lab.mjs';

export interface RunningLab {
  /** the invitation, with its token */
  readonly url: string;
  /** the page's origin, without the token */
  readonly origin: string;
  /** SIGTERM; @throws when it does not end with status 0 */
  stop(): Promise<void>;
}

/** Why the lab, or with `browser` its page, cannot be tested here; null when it can. */
export function missing(browser = true): string | null {
  if (process.getuid?.() !== 0) return 'root';
  if (browser && findChromium() === null) return 'chromium';
  return null;
}

/**
 * Starts a lab with sockets, state folder and port of its own.
 *
 * @param environment limits and other options of the daemon
 */
export async function startLab(environment: Record<string, string> = {}): Promise<RunningLab> {
  const lab = await start(environment);
  return {
    url: lab.url,
    origin: lab.origin,
    stop: async () => {
      const status = await lab.stop();
      if (status !== 0) throw new Error(`the lab ended with status ${status}`);
    },
  };
}
