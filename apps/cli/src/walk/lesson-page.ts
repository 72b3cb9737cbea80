/**
 * A lesson's page as a learner has it: steps, terminals, buttons, by their accessible names alone.
 */
import type { Command, Lesson, Step } from '@terrarium/lesson';
import type { Locator, Page } from 'playwright-core';
import { type Language, NAMES, type Names } from './names.js';
import { OutputWatch } from './quiet.js';

/** How long a page may take to be usable, ms. */
const READY_MS = 30_000;
/** How often the page is looked at while something is waited for, ms. */
const POLL_MS = 50;
/** A reset makes a sandbox and types the step's setup; Run types a program. On a busy machine, ms. */
const RESET_MS = 120_000;

export class LessonPage {
  readonly page: Page;
  readonly lesson: Lesson;
  readonly language: Language;
  readonly names: Names;
  readonly #output: OutputWatch;

  /** @param heard is given what the terminals print */
  constructor(page: Page, lesson: Lesson, language: Language, heard?: (text: string) => void) {
    this.page = page;
    this.lesson = lesson;
    this.language = language;
    this.names = NAMES[language];
    this.#output = new OutputWatch(page, heard);
  }

  /** Opens the invitation link, then the lesson, and waits for the kernel's state on the screen. */
  async open(url: string): Promise<void> {
    await this.page.goto(url, { waitUntil: 'domcontentloaded' });
    await this.goto();
  }

  /** Goes to the lesson with the session that this browser has already. */
  async goto(): Promise<void> {
    const path = `/${this.language}/${this.lesson.id}`;
    await this.page.goto(new URL(path, this.page.url()).href, { waitUntil: 'domcontentloaded' });
    await this.ready();
  }

  async ready(): Promise<void> {
    await this.page
      .locator('html[data-terrarium-ready]')
      .waitFor({ state: 'attached', timeout: READY_MS });
    await this.tab(1).waitFor({ timeout: READY_MS });
    await this.#output.quiet();
  }

  get steps(): Locator {
    return this.page.getByRole('list', { name: this.names.steps, exact: true });
  }

  item(step: Step): Locator {
    const number = this.lesson.steps.indexOf(step) + 1;
    const name = new RegExp(`^${this.names.step(number)}`);
    return this.steps.getByRole('listitem', { name });
  }

  button(step: Step, name: string): Locator {
    return this.item(step).getByRole('button', { name, exact: true });
  }

  tab(number: number): Locator {
    return this.page.getByRole('button', { name: this.names.terminalTab(number) });
  }

  /** Opens a step's text if it is closed. */
  async openStep(step: Step): Promise<void> {
    const head = this.item(step).getByRole('button').first();
    if ((await head.getAttribute('aria-expanded')) !== 'true') await head.click();
    await this.button(step, this.names.reset).waitFor();
  }

  /** True while the step's check holds. The step must be open. */
  async isGreen(step: Step): Promise<boolean> {
    return await this.#agreement(step).isVisible();
  }

  /** True when the list says that the step has passed. */
  async isDone(step: Step): Promise<boolean> {
    const name = await this.item(step).getAttribute('aria-label');
    return name?.endsWith(this.names.done) === true;
  }

  async waitForGreen(step: Step, timeout: number): Promise<void> {
    await this.#agreement(step).waitFor({ timeout });
  }

  /** Resolves true when the step turns green within the time, false when it stays red. */
  async turnsGreen(step: Step, within: number): Promise<boolean> {
    try {
      await this.waitForGreen(step, within);
      return true;
    } catch {
      return false; // a timeout of waitFor: red to the end
    }
  }

  /**
   * Id of the first clause that the page calls missing, null when it names none. Given a clause, it
   * waits until that one is named, so long at most; what is named then is the answer.
   */
  async missingClause(step: Step, clause: string | null, withinMs: number): Promise<string | null> {
    const deadline = performance.now() + withinMs;
    for (;;) {
      const missing = await this.#missingClause(step);
      if (clause === null || missing === clause || performance.now() > deadline) return missing;
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  async #missingClause(step: Step): Promise<string | null> {
    const { clauseHolds, clauseOpen } = this.names;
    const said = await this.item(step).getByRole('listitem').allTextContents();
    const clauses = said.filter((text) => text.endsWith(clauseHolds) || text.endsWith(clauseOpen));
    const index = clauses.findIndex((text) => text.endsWith(clauseOpen));
    return step.check.clauses[index]?.id ?? null;
  }

  #agreement(step: Step): Locator {
    return this.item(step).getByText(this.names.agrees, { exact: true });
  }

  /** Types commands with the keyboard, as a learner would. */
  async type(commands: readonly Command[]): Promise<void> {
    for (const command of commands) {
      await this.focusTerminal(command.terminal);
      if ('key' in command) {
        await this.page.keyboard.press(command.key.replace(/^C-/, 'Control+'));
      } else {
        await this.page.keyboard.type(command.line);
        await this.page.keyboard.press('Enter');
      }
      // What goes on in the background is not over when the prompt is back.
      await this.#output.quiet('key' in command || command.line.includes('&'));
    }
  }

  /** Brings a terminal to the front, opening it when it is not there yet, and focuses it. */
  async focusTerminal(number: number): Promise<void> {
    if (!(await this.tab(number).isVisible())) {
      await this.page.getByRole('button', { name: this.names.openTerminal, exact: true }).click();
      await this.tab(number).waitFor();
      await this.#output.quiet();
    }
    const tab = this.page.getByRole('button', {
      name: this.names.terminalTab(number),
      pressed: true,
    });
    await this.tab(number).click();
    await tab.waitFor();
    // One terminal is shown, or two side by side.
    const screens = this.page
      .getByRole('region', { name: this.names.terminal, exact: true })
      .getByRole('textbox');
    const index = (await screens.count()) === 1 ? 0 : number - 1;
    await screens.nth(index).focus();
  }

  /** Presses Run and waits until everything has been typed. */
  async run(step: Step): Promise<void> {
    const button = this.button(step, this.names.run);
    await button.click();
    await this.#enabled(button);
    await this.#output.quiet();
  }

  /** Reset step, confirmed, up to the moment where the learner can go on. */
  async reset(step: Step): Promise<void> {
    await this.button(step, this.names.reset).click();
    const dialog = this.page.getByRole('alertdialog');
    await dialog.getByRole('button', { name: this.names.resetConfirm, exact: true }).click();
    await dialog.waitFor({ state: 'hidden' });
    await this.#agreement(step).waitFor({ state: 'hidden', timeout: RESET_MS });
    const button = this.button(step, this.names.reset);
    await button.waitFor({ timeout: RESET_MS });
    await this.#enabled(button);
    await this.#output.quiet();
  }

  async #enabled(button: Locator): Promise<void> {
    const deadline = Date.now() + RESET_MS;
    while (!(await button.isEnabled())) {
      if (Date.now() > deadline) throw new Error('a button stayed disabled');
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  /** Answers the step's question: an id, a number, or for a pick the row, counted from 1. */
  async predict(step: Step, answer: string): Promise<void> {
    if (step.predict?.kind === 'pick') return await this.#pick(step, Number(answer));
    const choice = step.predict?.choices?.find(({ id }) => id === answer);
    const item = this.item(step);
    if (choice === undefined) await item.getByRole('textbox').fill(answer);
    else {
      const index = step.predict?.choices?.indexOf(choice) ?? 0;
      await item.getByRole('radio').nth(index).check();
    }
    await this.button(step, this.names.predict).click();
    await this.button(step, this.names.predict).waitFor({ state: 'hidden' });
  }

  /** Points at a row of the view's tree, by the keyboard. */
  async #pick(step: Step, row: number): Promise<void> {
    await this.button(step, this.names.predict).click();
    const name = this.names[step.predict?.view === 'namespaces' ? 'namespaces' : 'processes'];
    const tree = this.page.getByRole('tree', { name, exact: true });
    await tree
      .getByRole('treeitem')
      .nth(row - 1)
      .press('Enter');
    await this.button(step, this.names.predict).waitFor({ state: 'hidden' });
    await this.item(step).getByText(this.names.youPredicted, { exact: true }).waitFor();
  }

  /** How the kernel graded: whether the answer was right. Waits for it. */
  async graded(step: Step, timeout: number): Promise<boolean> {
    const item = this.item(step);
    const right = item.getByText(this.names.predictionRight, { exact: true });
    const wrong = item.getByText(this.names.predictionWrong, { exact: true });
    await right.or(wrong).waitFor({ timeout });
    return await right.isVisible();
  }

  /** The kernel's answer as the page shows it. */
  async kernelAnswer(step: Step): Promise<string> {
    const term = this.item(step).getByRole('term').filter({ hasText: this.names.kernelSays });
    const text = await term.locator('xpath=following-sibling::dd[1]').textContent();
    return text?.trim() ?? '';
  }
}
