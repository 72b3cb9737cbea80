/**
 * Watches the terminals' WebSockets of one page, so that typing can wait until a command has
 * printed what it prints: the next line must not arrive while the shell still changes the tty.
 */
import type { Page } from 'playwright-core';

/** Output that has been quiet for so long has ended, as far as one can tell from outside, ms. */
const QUIET_MS = 250;
/** A command that prints for ever is not waited for any longer, ms. */
const LONGEST_MS = 5000;

export class OutputWatch {
  #last = 0;

  constructor(page: Page) {
    page.on('websocket', (socket) => {
      if (!socket.url().includes('/api/terminals/')) return;
      this.#last = performance.now();
      socket.on('framereceived', () => {
        this.#last = performance.now();
      });
    });
  }

  /** Resolves once no terminal has printed anything for a while. */
  async quiet(): Promise<void> {
    const begin = performance.now();
    for (;;) {
      const now = performance.now();
      const since = Math.max(this.#last, begin);
      if (now - since >= QUIET_MS || now - begin >= LONGEST_MS) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
