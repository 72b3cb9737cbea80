/**
 * The walkthrough: does every step of a lesson in a real browser and holds the lesson to its word.
 * Red before, green after, red for every wrong answer, predictions graded, help given.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Figure, Lesson, Step } from '@terrarium/lesson';
import { machineLacks } from '@terrarium/lesson/load';
import type { Browser } from 'playwright-core';
import { launchBrowser } from './browser.js';
import { recordFigure } from './figures.js';
import { LessonPage } from './lesson-page.js';
import type { Language } from './names.js';
import { CLAUSE_MS, STAYS_RED_MS } from './patience.js';
import { Recorder, VIDEO_SIZE } from './recorder.js';
import { plain, Transcript } from './transcript.js';

/** By the keyboard, or by the Run buttons. */
export type Route = 'typing' | 'buttons';

export interface WalkOptions {
  readonly lesson: Lesson;
  /** the invitation that npm start printed, with its token */
  readonly url: string;
  readonly language: Language;
  readonly route: Route;
  readonly headed: boolean;
  readonly wrongAnswers: boolean;
  /** folder for screenshots, film, recording and transcript, or null */
  readonly output: string | null;
  readonly stepTimeoutMs: number;
  /** id of the step to begin with, after a reset to its beginning; null: the first */
  readonly from: string | null;
  /** the step whose state is recorded as the lesson's figure, and what takes it */
  readonly figure?: { readonly step: string; readonly take: (figure: Figure) => void } | null;
  /** one line of progress */
  readonly say: (line: string) => void;
}

export interface WalkReport {
  readonly passed: number;
  readonly failed: number;
  /** one sentence each */
  readonly failures: readonly string[];
  /** all that was said and printed, see Transcript */
  readonly transcript: string;
}

/** A number that is never right; the first row of the view. */
const FIRST_ANSWER = { number: '999', choice: '999', pick: '1' } as const;

/** Lines of Playwright's log that say why something never came. */
const LOG_LINES = 6;

/** Walks through a lesson with a new learner of its own. */
export async function walkLesson(options: WalkOptions): Promise<WalkReport> {
  const browser = await launchBrowser(options.headed);
  try {
    return await new Walk(options).go(browser);
  } finally {
    await browser.close();
  }
}

class Walk {
  readonly #options: WalkOptions;
  readonly #failures: string[] = [];
  readonly #transcript = new Transcript();
  #passed = 0;

  constructor(options: WalkOptions) {
    this.#options = options;
  }

  async go(browser: Browser): Promise<WalkReport> {
    const { lesson, language, url, output } = this.#options;
    const locale = language === 'zh' ? 'zh-CN' : 'en-US';
    const context = await browser.newContext({ viewport: VIDEO_SIZE, locale });
    const page = await context.newPage();
    const on = new LessonPage(page, lesson, language, (text) => this.#transcript.printed(text));
    if (output !== null) await mkdir(output, { recursive: true });
    const film = output === null ? null : await Recorder.start(browser, page);
    try {
      await on.open(url);
      const steps = await this.#steps(on);
      for (const step of steps) {
        await this.#step(on, step, lesson.steps.indexOf(step));
      }
      await this.#expect('the lesson is done to its end', async () => {
        for (const step of steps) {
          if (!(await on.isDone(step))) throw new Error(`step ${step.id} is not done`);
        }
      });
    } catch (error) {
      // Whatever was not expected ends the walk: the steps build on each other.
      this.#fail(`the walk goes on: ${inOneLine(error)}`);
      await this.#picture(on, 'failed');
    } finally {
      await film?.finish(join(output ?? '', `${this.#name()}.webm`));
      if (output !== null) await this.#keep(on, join(output, this.#name()));
      await context.close();
    }
    return {
      passed: this.#passed,
      failed: this.#failures.length,
      failures: this.#failures,
      transcript: this.#transcript.text(),
    };
  }

  /** The steps to do. The first of them is reset when it is not the lesson's first. */
  async #steps(on: LessonPage): Promise<readonly Step[]> {
    const { lesson, from } = this.#options;
    const steps = lesson.steps;
    const begin = from === null ? 0 : steps.findIndex((step) => step.id === from);
    const first = steps[begin];
    if (first === undefined) throw new Error(`lesson ${lesson.id} has no step "${from}"`);
    if (begin > 0) {
      await on.openStep(first);
      await on.reset(first);
    }
    return steps.slice(begin).filter((step) => this.#canBeDone(step));
  }

  /** False for a step that needs more than this machine has; the page lets a learner pass it by, too. */
  #canBeDone(step: Step): boolean {
    const lacking = (step.requires ?? []).map((feature) => machineLacks(feature));
    const lack = lacking.find((text) => text !== null);
    if (lack === undefined) return true;
    this.#say(`${step.id} is left out (missing: ${lack?.en})`);
    return false;
  }

  async #step(on: LessonPage, step: Step, index: number): Promise<void> {
    const begin = performance.now();
    await on.openStep(step);
    await this.#expect(`${step.id} is red before`, async () => {
      if (await on.isGreen(step)) throw new Error('it is green already');
    });
    await this.#picture(on, `${two(index + 1)}-before`);
    const thorough = this.#options.wrongAnswers;
    if (thorough) await this.#wrongAnswers(on, step);
    if (index === 0) await this.#help(on, step);
    if (step.predict !== undefined) await this.#predictions(on, step, thorough);
    if (!(await on.isGreen(step))) await this.#solve(on, step);
    await this.#expect(`${step.id} is green after`, async () => {
      await on.waitForGreen(step, this.#options.stepTimeoutMs);
      if (!(await on.isDone(step))) throw new Error('the list does not say so');
    });
    await this.#picture(on, `${two(index + 1)}-after`);
    await this.#figure(on, step);
    const seconds = ((performance.now() - begin) / 1000).toFixed(1);
    this.#say(`  ${this.#name()}: step ${index + 1} ${step.id}: ${seconds} s`);
    if (index + 1 < this.#options.lesson.steps.length) {
      await on.button(step, on.names.next).click();
    }
  }

  /** The state that the step's view shows now, by the daemon's own recording. */
  async #figure(on: LessonPage, step: Step): Promise<void> {
    const { figure } = this.#options;
    if (figure?.step !== step.id) return;
    await this.#expect(`${step.id} is recorded as the figure`, async () => {
      figure.take(await recordFigure(on.page, step));
    });
  }

  async #solve(on: LessonPage, step: Step): Promise<void> {
    if (this.#options.route === 'typing') await on.type(step.solution);
    else await on.run(step);
  }

  /** Each in a fresh sandbox at the step's beginning; a fresh one again afterwards. */
  async #wrongAnswers(on: LessonPage, step: Step): Promise<void> {
    for (const { name, commands, clause } of step.wrong) {
      await on.reset(step);
      await this.#expect(`${step.id} stays red for ${name}`, async () => {
        await on.type(commands);
        if (await on.turnsGreen(step, STAYS_RED_MS)) throw new Error('it turned green');
        const missing = await on.missingClause(step, clause ?? null, CLAUSE_MS);
        if (missing === null) throw new Error('no clause is named as missing');
        if (clause !== undefined && missing !== clause) {
          throw new Error(`it names ${missing} as missing, not ${clause}`);
        }
        return `${missing} is missing`;
      });
    }
    if (step.wrong.length > 0) await on.reset(step);
  }

  async #help(on: LessonPage, step: Step): Promise<void> {
    const item = on.item(step);
    const text = (markdown: string): string => markdown.replace(/`([^`]*)`/g, '$1').slice(0, 30);
    await this.#expect(`${step.id} offers two hints and a solution`, async () => {
      await on.button(step, on.names.hint).click();
      await on.button(step, on.names.hint).click();
      await item.getByText(text(step.hint[on.language])).first().waitFor({ timeout: 5000 });
      await on.button(step, on.names.solution).click();
      const line = step.solution.find((command) => 'line' in command);
      const shown = item.getByText(line !== undefined && 'line' in line ? line.line : '');
      await shown.nth(1).waitFor({ timeout: 5000 });
    });
  }

  /** A first answer; with time, then also the other way round: one right and one wrong. */
  async #predictions(on: LessonPage, step: Step, both: boolean): Promise<void> {
    const first = step.predict?.choices?.[0]?.id ?? FIRST_ANSWER[step.predict?.kind ?? 'number'];
    const right = await this.#predict(on, step, first);
    if (!both) return;
    const pick = step.predict?.kind === 'pick';
    const other =
      right || pick ? this.#anotherAnswer(step, first) : await this.#kernelAnswer(on, step);
    await on.reset(step);
    const second = await this.#predict(on, step, other);
    await this.#expect(`${step.id} grades a right and a wrong prediction`, async () => {
      if (second === right) throw new Error(`both "${first}" and "${other}" got the same grade`);
    });
  }

  async #predict(on: LessonPage, step: Step, answer: string): Promise<boolean> {
    let right = false;
    await this.#expect(`${step.id} is graded by the kernel for "${answer}"`, async () => {
      await on.predict(step, answer);
      await this.#solve(on, step);
      right = await on.graded(step, this.#options.stepTimeoutMs);
    });
    return right;
  }

  #anotherAnswer(step: Step, answer: string): string {
    if (step.predict?.kind === 'pick') return '2';
    return step.predict?.choices?.find(({ id }) => id !== answer)?.id ?? '998';
  }

  async #kernelAnswer(on: LessonPage, step: Step): Promise<string> {
    const shown = await on.kernelAnswer(step);
    const choices = step.predict?.choices ?? [];
    return choices.find(({ text }) => text[on.language] === shown)?.id ?? shown;
  }

  async #picture(on: LessonPage, name: string): Promise<void> {
    const { output } = this.#options;
    if (output === null) return;
    await on.page.screenshot({ path: join(output, `${this.#name()}-${name}.png`) });
  }

  /** What remains of the walk: all that was said and printed, and the kernel's side of it. */
  async #keep(on: LessonPage, place: string): Promise<void> {
    await writeFile(`${place}.txt`, this.#transcript.text());
    const history = new URL('/api/history', on.page.url()).href;
    const past = await on.page.request.get(history).catch(() => null); // the lab may be gone
    if (past?.ok() === true) await writeFile(`${place}.terrarium`, await past.body());
  }

  #name(): string {
    const { lesson, language, route } = this.#options;
    return `${lesson.id.replace('/', '-')}-${language}-${route}`;
  }

  #say(line: string): void {
    this.#transcript.said(line);
    this.#options.say(line);
  }

  /**
   * One thing that the lesson promises. A broken promise is counted; the walk goes on.
   *
   * @param prove resolves with more to say about it, or with nothing
   */
  async #expect(claim: string, prove: () => Promise<unknown>): Promise<void> {
    try {
      const more = await prove();
      this.#passed += 1;
      this.#say(`ok ${claim}${typeof more !== 'string' ? '' : `: ${more}`}`);
    } catch (error) {
      this.#fail(`${claim}: ${inOneLine(error)}`);
    }
  }

  #fail(sentence: string): void {
    this.#failures.push(sentence);
    this.#say(`NOT ok ${sentence}`);
  }
}

/** One line: what failed, and of Playwright's log the last that it waited for. */
function inOneLine(error: unknown): string {
  const lines = (error instanceof Error ? error.message : String(error))
    .split('\n')
    .map((line) => plain(line).trim())
    .filter((line) => line !== '');
  const [first = '', ...log] = lines;
  return log.length === 0 ? first : `${first} (${log.slice(-LOG_LINES).join(' ')})`;
}

function two(number: number): string {
  return String(number).padStart(2, '0');
}
