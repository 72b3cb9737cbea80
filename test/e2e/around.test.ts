/**
 * The pages around the lessons: the container that is made on the opening page, and that no lesson
 * sees it; the map's progress; palette and search; a term's definition by keyboard; the handout.
 */
import { describe, expect, test } from 'vitest';
import { serious } from './support/axe.js';
import { missing } from './support/lab.js';
import { LESSON, Learner, newLearner, stepOf } from './support/learner.js';
import { startWorld } from './support/world.js';

const lacks = missing();
/** Markdown of one line as it is read. */
const plain = (text: string): string => text.replaceAll('`', '');
/** A bound for what never comes, not a measure. */
const PATIENCE_MS = 90_000;

describe.skipIf(lacks !== null)(
  `around the lessons${lacks === null ? '' : ` (missing: ${lacks})`}`,
  () => {
    const world = startWorld();

    test('a container is made on the opening page, and no lesson takes it for the learner’s', async () => {
      const context = await world.browser.newContext({ viewport: { width: 1280, height: 720 } });
      const learner = await Learner.in(context);
      const { page, on } = learner;
      await page.goto(world.lab.url, { waitUntil: 'domcontentloaded' });
      const show = page.getByRole('region', { name: 'A container, made now' });
      await show.getByText('It runs: process').waitFor({ timeout: PATIENCE_MS });
      await show.getByText('8 of 8').waitFor({ timeout: PATIENCE_MS });
      await page.getByRole('link', { name: 'Start the first lesson' }).click();
      await page.waitForURL('**/en/containers/01', { timeout: PATIENCE_MS });
      await on.ready();
      await on.openStep(stepOf('ordinary-process'));
      await learner.type('sleep 1000 &');
      await on.waitForGreen(stepOf('ordinary-process'), PATIENCE_MS);
      expect(await on.isDone(stepOf('pid-one'))).toBe(false);
      // The map knows it, and the one button leads back.
      await page.goto(`${world.lab.origin}/en`);
      const map = page.getByRole('region', { name: 'Containers' });
      await map.getByText(/^1 of \d+ steps$/).waitFor({ timeout: PATIENCE_MS });
      await page.getByRole('link', { name: 'Continue' }).click();
      await page.waitForURL('**/en/containers/01', { timeout: PATIENCE_MS });
      await context.close();
    });

    test('the palette finds and does things by keyboard alone', async () => {
      const { page, on, context } = await newLearner(world.browser, world.lab.url);
      const palette = page.getByRole('dialog', { name: 'Search and commands' });
      const field = palette.getByRole('combobox');
      const open = async (query: string): Promise<void> => {
        await page.getByRole('button', { name: 'Search and commands (Ctrl+K)' }).focus();
        await page.keyboard.press('Control+k');
        await field.fill(query);
      };
      await open('show mounts');
      await palette.getByRole('option', { name: /Show Mounts/ }).waitFor({ timeout: PATIENCE_MS });
      await page.keyboard.press('Enter');
      await page.getByRole('tab', { name: 'Mounts', exact: true, selected: true }).waitFor();
      const { title } = stepOf('pid-one');
      await open(title.en);
      await palette
        .getByRole('option', { name: title.en })
        .first()
        .waitFor({ timeout: PATIENCE_MS });
      await page.keyboard.press('Enter');
      await on.button(stepOf('pid-one'), on.names.reset).waitFor({ timeout: PATIENCE_MS });
      await open('reset this step');
      await page.keyboard.press('Enter');
      await page.getByRole('alertdialog').waitFor({ timeout: PATIENCE_MS });
      await page.keyboard.press('Escape');
      await open('whiteout');
      await palette
        .getByRole('option', { name: /Term\s*whiteout/ })
        .waitFor({ timeout: PATIENCE_MS });
      await page.keyboard.press('Enter');
      await page.waitForURL('**/en/glossary#whiteout', { timeout: PATIENCE_MS });
      await context.close();
    });

    test('a term in the prose says what it means, by keyboard, in both languages', async () => {
      for (const [language, term, text] of [
        ['en', 'namespace', 'Linux has eight kinds.'],
        ['zh', '命名空间', 'Linux 共有八种。'],
      ] as const) {
        const { page, on, context } = await newLearner(world.browser, world.lab.url, language);
        await on.openStep(stepOf('ordinary-process'));
        const word = on.item(stepOf('ordinary-process')).locator('button.term', { hasText: term });
        await word.first().focus();
        await page.keyboard.press('Enter');
        await page.getByRole('dialog').getByText(text).waitFor({ timeout: PATIENCE_MS });
        await page.keyboard.press('Escape');
        await page.getByRole('dialog').waitFor({ state: 'detached', timeout: PATIENCE_MS });
        await context.close();
      }
    });

    test('a step whose turn has not come is reached in a fresh sandbox, by a yes', async () => {
      const learner = await newLearner(world.browser, world.lab.url);
      const { page, on, context } = learner;
      const step = stepOf('fresh-proc');
      await on.openStep(step);
      await learner.type('touch /root/mine');
      const ask = on.item(step).getByRole('button', { name: 'Go to step 4', exact: true });
      await ask.click();
      const dialog = page.getByRole('alertdialog');
      await dialog.getByRole('button', { name: /Save my files/ }).waitFor();
      await dialog.getByRole('button', { name: 'Keep it', exact: true }).click();
      await dialog.waitFor({ state: 'hidden' });
      learner.forgetOutput();
      await learner.type('ls /root/mine && echo still-"here"');
      await learner.reads('still-here', PATIENCE_MS);

      await ask.click();
      learner.forgetOutput();
      await dialog.getByRole('button', { name: 'Start here', exact: true }).click();
      await dialog.waitFor({ state: 'hidden' });
      // The step begins in the shell that the step before has made.
      await learner.reads('unshare --fork --pid sh', PATIENCE_MS);
      const reset = on.item(step).getByRole('button', { name: 'Reset step', exact: true });
      await expect.poll(() => reset.isEnabled(), { timeout: PATIENCE_MS }).toBe(true);
      await learner.type('[ $$ = 1 ] && [ ! -e /root/mine ] && echo begins-"here"');
      await learner.reads('begins-here', PATIENCE_MS);
      await on.run(step);
      await on.waitForGreen(step, PATIENCE_MS);
      expect(await on.isDone(stepOf('ordinary-process'))).toBe(false);
      await context.close();
    });

    test('who comes from another lesson is offered a fresh sandbox, once', async () => {
      const learner = await newLearner(world.browser, world.lab.url);
      const { page, on, context } = learner;
      const offer = page.getByRole('button', { name: 'Begin in a fresh sandbox', exact: true });
      await learner.type('touch /root/mine; unshare --fork --pid sh');
      expect(await offer.count()).toBe(0);

      await page.goto(`${world.lab.origin}/en/containers/02`);
      await on.ready();
      await offer.click();
      const dialog = page.getByRole('alertdialog');
      await dialog.getByRole('button', { name: 'Begin in a fresh sandbox', exact: true }).click();
      await dialog.waitFor({ state: 'hidden' });
      await offer.waitFor({ state: 'detached' });
      const fresh = async (): Promise<boolean> => {
        learner.forgetOutput();
        await learner.type('[ -n "$BASH_VERSION" ] && [ ! -e /root/mine ] && echo fresh-"here"');
        return learner.output.includes('fresh-here');
      };
      await expect.poll(fresh, { timeout: PATIENCE_MS, interval: 500 }).toBe(true);
      await page.reload();
      await on.ready();
      await page.locator('.stage [role=treeitem], .stage [role=row]').first().waitFor();
      expect(await offer.count()).toBe(0);
      await context.close();
    });

    test('a question at the end says of each answer whether it holds and why, and keeps it', async () => {
      const { page, on, context } = await newLearner(world.browser, world.lab.url);
      const [question] = LESSON.quiz ?? [];
      if (question === undefined) throw new Error('lesson 01 has no question');
      const wrong = question.answers.find(({ correct }) => !correct);
      const right = question.answers.filter(({ correct }) => correct);
      const open = async (): Promise<void> => {
        await page.getByText(/^Check yourself: \d questions$/).click();
      };
      await open();
      const group = page.getByRole('group', { name: plain(question.question.en) });
      const choice = (text = ''): ReturnType<typeof group.getByLabel> =>
        group.getByLabel(plain(text), { exact: true });
      const card = page.locator('.quiz-question').filter({ has: group });
      const check = card.getByRole('button', { name: 'Check', exact: true });
      await choice(wrong?.text.en).check();
      await check.click();
      await card.getByRole('status').getByText('Not so.').waitFor();
      await card.locator('[data-remark="wrong"]').waitFor();
      expect(await card.locator('[data-remark]').count()).toBe(1);
      expect(await serious(page)).toEqual([]);

      if (right.length > 1) await choice(wrong?.text.en).uncheck();
      for (const { text } of right) await choice(text.en).check();
      await check.click();
      await card.getByRole('status').getByText('Right.').waitFor();
      await page.reload();
      await on.ready();
      await open();
      await card.getByRole('status').getByText('Right.').waitFor();
      expect(await choice(right[0]?.text.en).isChecked()).toBe(true);
      await context.close();
    });

    test('a handout has every step, the recorded figure, and solutions when they are wanted', async () => {
      const { page, context } = await newLearner(world.browser, world.lab.url);
      await page.goto(`${world.lab.origin}/en/containers/01/print`);
      const sheet = page.getByRole('article');
      for (const { title } of LESSON.steps) {
        await sheet.getByRole('heading', { name: title.en }).waitFor({ timeout: PATIENCE_MS });
      }
      // Drawn by the view itself, from the file beside the lesson.
      await sheet.locator('figure .tr-view').waitFor({ timeout: PATIENCE_MS });
      await sheet.getByText(/recorded \d{4}-\d\d-\d\d from a real kernel/).waitFor();
      const explained = sheet.getByRole('heading', { name: 'Afterwards', exact: true });
      expect(await explained.count()).toBe(0);
      await page.getByRole('checkbox', { name: 'Solutions and answers' }).check();
      expect(await explained.count()).toBeGreaterThan(0);
      expect(await serious(page)).toEqual([]);
      // On paper there is the sheet alone.
      await page.emulateMedia({ media: 'print' });
      await page.getByRole('button', { name: 'Print' }).waitFor({ state: 'hidden' });
      expect(await sheet.isVisible()).toBe(true);
      await context.close();
    });
  },
);
