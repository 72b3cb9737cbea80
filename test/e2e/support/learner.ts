/** A learner with a browser of their own, on lesson 01; and what they see. */
import { fileURLToPath } from 'node:url';
import type { Browser, BrowserContext, Locator, Page } from '../../../apps/cli/src/walk/browser.js';
import { LessonPage } from '../../../apps/cli/src/walk/lesson-page.js';
import type { Language } from '../../../apps/cli/src/walk/names.js';
import type { Lesson, Step } from '../../../packages/lesson/src/index.js';
import { loadLesson } from '../../../packages/lesson/src/load/index.js';

export const LESSON: Lesson = loadLesson(
  fileURLToPath(
    new URL('../../../lessons/containers/01-a-container-is-a-process', import.meta.url),
  ),
);

/** A step of lesson 01 by its id. */
export function stepOf(id: string): Step {
  const step = LESSON.steps.find((one) => one.id === id);
  if (step === undefined) throw new Error(`lesson 01 has no step ${id}`);
  return step;
}

/** A new session: a browser that has never been here opens the invitation. */
export async function newLearner(
  browser: Browser,
  url: string,
  language: Language = 'en',
  colorScheme: 'light' | 'dark' = 'light',
): Promise<Learner> {
  const locale = language === 'zh' ? 'zh-CN' : 'en-US';
  const context = await browser.newContext({
    viewport: { width: 1280, height: 720 },
    locale,
    colorScheme,
  });
  const learner = await Learner.in(context, language);
  await learner.on.open(url);
  return learner;
}

export class Learner {
  readonly context: BrowserContext;
  readonly page: Page;
  readonly on: LessonPage;
  #output = '';
  /** addresses of the terminals' WebSockets */
  readonly terminals: string[] = [];

  private constructor(context: BrowserContext, page: Page, language: Language) {
    this.context = context;
    this.page = page;
    this.on = new LessonPage(page, LESSON, language);
    page.on('websocket', (socket) => {
      if (!socket.url().includes('/api/terminals/')) return;
      this.terminals.push(socket.url());
      socket.on('framereceived', ({ payload }) => {
        // The first byte says what a frame is; all that is looked for here is plain text.
        this.#output += Buffer.from(payload).subarray(1).toString('utf8');
      });
    });
  }

  /** One more page in a browser. */
  static async in(context: BrowserContext, language: Language = 'en'): Promise<Learner> {
    return new Learner(context, await context.newPage(), language);
  }

  /** Types one line into a terminal. */
  async type(line: string, terminal: 1 | 2 = 1): Promise<void> {
    await this.on.type([{ line, terminal }]);
  }

  /** A row of the tree Processes, by `sleep 1000` or another comm with arguments. */
  async process(command: string): Promise<Locator> {
    const { names } = this.on;
    await this.page.getByRole('tab', { name: names.processes, exact: true }).click();
    const text = new RegExp(command.split(' ').join('\\s*'));
    return this.page
      .getByRole('tree', { name: names.processes, exact: true })
      .getByRole('treeitem')
      .filter({ hasText: text });
  }

  /** What the terminals were sent since the page was loaded, escape sequences included. */
  get output(): string {
    return this.#output;
  }

  forgetOutput(): void {
    this.#output = '';
  }

  /** Waits until a terminal was sent this text. */
  async reads(text: string | RegExp, timeout = 15_000): Promise<void> {
    const deadline = Date.now() + timeout;
    const found = (): boolean =>
      typeof text === 'string' ? this.#output.includes(text) : text.test(this.#output);
    while (!found()) {
      if (Date.now() > deadline) throw new Error(`the terminal did not show ${text}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}
