/**
 * Lesson 01 from its first to its last step without a mouse and without looking: everything is
 * found by role and name, reached by keys, and read as a screen reader would.
 */
import { describe, expect, test } from 'vitest';
import type { Locator, Page } from '../../apps/cli/src/walk/browser.js';
import { NAMES } from '../../apps/cli/src/walk/names.js';
import type { Step } from '../../packages/lesson/src/index.js';
import { missing } from './support/lab.js';
import { LESSON } from './support/learner.js';
import { startWorld } from './support/world.js';

const lacks = missing();
const names = NAMES.en;
/** Stops of the keyboard that one page may have between two places. */
const MAX_STOPS = 120;
const PATIENCE_MS = 60_000;

describe.skipIf(lacks !== null)(
  `by keyboard alone${lacks === null ? '' : ` (missing: ${lacks})`}`,
  () => {
    const world = startWorld();

    test('lesson 01 can be done to its end', { timeout: 600_000 }, async () => {
      const context = await world.browser.newContext({
        viewport: { width: 1280, height: 720 },
        locale: 'en-US',
      });
      const page = await context.newPage();
      await page.goto(world.lab.url, { waitUntil: 'domcontentloaded' });
      await page.goto(`${world.lab.origin}/en/${LESSON.id}`, { waitUntil: 'domcontentloaded' });
      const keys = new Keys(page);
      await keys.terminal(1).waitFor({ timeout: PATIENCE_MS });
      for (const [index, step] of LESSON.steps.entries()) {
        const item = keys.step(step);
        await keys.goTo(
          item.getByRole('button', { name: new RegExp(`^${names.step(index + 1)}`) }),
        );
        if (step.predict !== undefined) await predict(keys, item, step);
        if (index === 0) await typeBlind(keys, step);
        else await keys.press(item.getByRole('button', { name: names.run, exact: true }));
        await item.getByText(names.agrees, { exact: true }).waitFor({ timeout: PATIENCE_MS });
        if (step.predict !== undefined) {
          const graded = item.getByText(names.predictionRight, { exact: true });
          await graded.or(item.getByText(names.predictionWrong, { exact: true })).waitFor();
        }
        await keys.leaveTerminal(item);
        const next = item.getByRole('button', { name: names.next, exact: true });
        if (index + 1 < LESSON.steps.length) await keys.press(next);
      }
      for (const step of LESSON.steps) {
        expect(await keys.step(step).getAttribute('aria-label')).toContain(names.done);
      }
      await context.close();
    });
  },
);

/** Answers the question of a step, whatever its kind. */
async function predict(keys: Keys, item: Locator, step: Step): Promise<void> {
  const send = item.getByRole('button', { name: names.predict, exact: true });
  if (step.predict?.kind === 'number') {
    await keys.goTo(item.getByRole('textbox'));
    await keys.page.keyboard.type('2');
  } else if (step.predict?.kind === 'choice') {
    await keys.goTo(item.getByRole('radio').first());
    await keys.page.keyboard.press('Space');
  }
  await keys.press(send);
  if (step.predict?.kind === 'pick') await pick(keys);
  await item.getByText(names.youPredicted, { exact: true }).waitFor({ timeout: PATIENCE_MS });
  if (step.predict?.kind === 'pick') {
    // The focus stays on the row that was picked, and that says so.
    const description = await keys.focusedDescription();
    expect(description).toMatch(/your prediction/);
    await keys.goBackTo(item.getByRole('button').first());
  }
}

/** The keyboard stands in the tree by then: the last row, then the first, which is chosen. */
async function pick(keys: Keys): Promise<void> {
  const rows = keys.page
    .getByRole('tree', { name: names.processes, exact: true })
    .getByRole('treeitem');
  await keys.waitUntilFocused(rows);
  await keys.page.keyboard.press('End');
  await keys.page.keyboard.press('Home');
  await keys.page.keyboard.press('Enter');
}

/** The first step's commands by one's own hands: into the terminal and out of it by its key. */
async function typeBlind(keys: Keys, step: Step): Promise<void> {
  await keys.page.keyboard.press('Control+Backquote');
  await keys.waitUntilFocused(keys.page.getByRole('textbox', { name: /Terminal/ }));
  for (const command of step.commands) {
    if (!('line' in command)) throw new Error('the first step has no chords');
    await keys.page.keyboard.type(command.line, { delay: 5 });
    await keys.page.keyboard.press('Enter');
  }
}

/** Somebody who has a keyboard and the accessibility tree, and nothing else. */
class Keys {
  readonly page: Page;

  constructor(page: Page) {
    this.page = page;
  }

  step(step: Step): Locator {
    const number = LESSON.steps.indexOf(step) + 1;
    const list = this.page.getByRole('list', { name: names.steps, exact: true });
    return list.getByRole('listitem', { name: new RegExp(`^${names.step(number)}`) });
  }

  terminal(number: number): Locator {
    return this.page.getByRole('button', { name: names.terminalTab(number) });
  }

  /** Tab, until it is there. */
  async goTo(target: Locator): Promise<void> {
    await this.#tabTo(target, 'Tab');
  }

  async goBackTo(target: Locator): Promise<void> {
    await this.#tabTo(target, 'Shift+Tab');
  }

  /** Goes to a button that can be pressed, and presses it. */
  async press(button: Locator): Promise<void> {
    await button.waitFor({ timeout: PATIENCE_MS });
    await this.goTo(button);
    await this.page.keyboard.press('Enter');
  }

  /** Ctrl-` where the terminal has the keys: it gives them back to the step. */
  async leaveTerminal(item: Locator): Promise<void> {
    const run = item.getByRole('button', { name: names.run, exact: true });
    await expect.poll(() => run.isEnabled(), { timeout: PATIENCE_MS }).toBe(true);
    if (await this.#holdsFocus(item.getByRole('button').first())) return;
    await this.page.keyboard.press('Control+Backquote');
    await this.waitUntilFocused(item.getByRole('button'));
  }

  async waitUntilFocused(anyOf: Locator): Promise<void> {
    await expect.poll(() => this.#holdsFocus(anyOf), { timeout: PATIENCE_MS }).toBe(true);
  }

  async focusedDescription(): Promise<string> {
    const rows = this.page.getByRole('treeitem');
    for (const row of await rows.all()) {
      if (await this.#holdsFocus(row)) return (await row.getAttribute('aria-description')) ?? '';
    }
    return '';
  }

  async #tabTo(target: Locator, key: 'Tab' | 'Shift+Tab'): Promise<void> {
    for (let stop = 0; stop < MAX_STOPS; stop += 1) {
      if (await this.#holdsFocus(target)) return;
      await this.page.keyboard.press(key);
    }
    throw new Error(`${target} is not reached by ${key}`);
  }

  /** Whether one of them has the keyboard. */
  async #holdsFocus(anyOf: Locator): Promise<boolean> {
    return await anyOf.evaluateAll((elements) =>
      elements.some((element) => element.ownerDocument?.activeElement === element),
    );
  }
}
