/**
 * Watches the terminals' WebSockets of one page, so that typing can wait until a command has
 * printed what it prints: the next line must not arrive while the shell still changes the tty.
 * Where bash says by its mark that its prompt is there, nothing has to be guessed.
 */
import type { Page } from 'playwright-core';

/** Output that has been quiet for so long has ended, as far as one can tell from outside, ms. */
const QUIET_MS = 250;
/** After a prompt: what a command's last process does to the kernel is about to be done, ms. */
const PROMPT_MS = 80;
/** A command that prints for ever is not waited for any longer, ms. */
const LONGEST_MS = 5000;

/** Ends every prompt of bash, scripts/setup/image/shell-marks.bash. It has set the tty before. */
const PROMPT = '\x1b]133;B\x07';

interface Terminal {
  /** when it printed last */
  last: number;
  /** the end of what it printed */
  tail: string;
}

export class OutputWatch {
  readonly #terminals = new Set<Terminal>();
  readonly #heard: (text: string) => void;

  /** @param heard is given what the terminals print, escape sequences included */
  constructor(page: Page, heard: (text: string) => void = () => {}) {
    this.#heard = heard;
    page.on('websocket', (socket) => {
      if (!socket.url().includes('/api/terminals/')) return;
      const terminal: Terminal = { last: performance.now(), tail: '' };
      this.#terminals.add(terminal);
      socket.on('close', () => this.#terminals.delete(terminal));
      socket.on('framereceived', ({ payload }) => this.#take(terminal, payload));
    });
  }

  #take(terminal: Terminal, payload: string | Buffer): void {
    // The first byte says what a frame is: 0 is output.
    const output = typeof payload !== 'string' && payload[0] === 0;
    const text = output ? payload.subarray(1).toString('utf8') : '';
    terminal.last = performance.now();
    terminal.tail = (terminal.tail + text).slice(-PROMPT.length);
    if (text !== '') this.#heard(text);
  }

  /**
   * Resolves once no terminal has printed anything for a while, or sooner with a prompt.
   *
   * @param guess the prompt says nothing of what was asked for: something goes on behind it
   */
  async quiet(guess = true): Promise<void> {
    const begin = performance.now();
    for (;;) {
      const now = performance.now();
      const wait = !guess && this.#promptSince(begin) ? PROMPT_MS : QUIET_MS;
      if (now - this.#last(begin) >= wait || now - begin >= LONGEST_MS) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  #last(begin: number): number {
    return Math.max(begin, ...[...this.#terminals].map(({ last }) => last));
  }

  /** Something was printed since then, and all that printed something ended with a prompt. */
  #promptSince(begin: number): boolean {
    const printed = [...this.#terminals].filter(({ last }) => last >= begin);
    return printed.length > 0 && printed.every(({ tail }) => tail === PROMPT);
  }
}
