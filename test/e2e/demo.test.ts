/**
 * Lesson 01 presented to a room: from its first slide to its last with Space alone, followed by the
 * window with the notes; jumps, the way back, what is drawn over the page, the recording, and axe.
 */
import { describe, expect, test } from 'vitest';
import type { Browser, Page } from '../../apps/cli/src/walk/browser.js';
import { slidesOf } from '../../apps/web/src/demo/actions.js';
import { serious } from './support/axe.js';
import { missing, type RunningLab } from './support/lab.js';
import { LESSON, type Learner, newLearner } from './support/learner.js';
import { startWorld } from './support/world.js';

const lacks = missing();
const SLIDES = slidesOf(LESSON);
/** A bound for what never comes, not a measure. */
const PATIENCE_MS = 60_000;

describe.skipIf(lacks !== null)(`demo mode${lacks === null ? '' : ` (missing: ${lacks})`}`, () => {
  const world = startWorld();

  test('presents lesson 01 from first to last with Space alone, and the notes follow', async () => {
    const learner = await newLearner(world.browser, world.lab.url);
    const { page, context } = learner;
    await page.getByRole('link', { name: 'Present', exact: true }).click();
    await page
      .locator('html[data-terrarium-ready]')
      .waitFor({ state: 'attached', timeout: PATIENCE_MS });
    expect(await page.title()).toContain('Presentation');
    const opened = context.waitForEvent('page');
    await page.keyboard.press('n');
    const notes = await opened;
    await now(notes, 'Introduction');

    let presses = 0;
    for (const [slide, { step, actions }] of SLIDES.entries()) {
      if (step !== null) await now(notes, `${slide}. ${step.title.en}`);
      for (const action of actions) {
        await press(page);
        presses += 1;
        if (action.kind !== 'check') continue;
        await page.locator('.demo-slide .agreed').waitFor({ timeout: PATIENCE_MS });
      }
      if (slide < SLIDES.length - 1) {
        await press(page);
        presses += 1;
      }
    }
    await now(notes, 'The end');
    expect(presses).toBe(SLIDES.flatMap(({ actions }) => actions).length + SLIDES.length - 1);
    await page.getByRole('heading', { level: 1, name: 'The end' }).waitFor();
    await learner.context.close();
  });

  test('goes to a step with its state, and back without undoing anything', async () => {
    const learner = await present(world.browser, world.lab);
    const { page } = learner;
    const slide = 1 + LESSON.steps.findIndex(({ id }) => id === 'whose-proc');
    const step = LESSON.steps[slide - 1];
    await page.keyboard.press('j');
    await page
      .getByRole('dialog')
      .getByRole('button', { name: `${slide}. ` })
      .click();
    await page.locator(`.demo-slide[data-place="${slide}.0"]`).waitFor();
    await ready(page);
    // The step's setup has typed it.
    await (await learner.process('unshare --fork')).waitFor({ timeout: PATIENCE_MS });

    const actions = SLIDES[slide]?.actions ?? [];
    for (const _ of actions) await press(page);
    await page.locator('.demo-slide .agreed').waitFor({ timeout: PATIENCE_MS });
    await page.getByText(step?.predict?.explain.en.slice(0, 30) ?? '').waitFor();
    await page.keyboard.press('PageUp');
    await page.locator(`.demo-slide[data-place="${slide}.${actions.length - 1}"]`).waitFor();
    expect(await page.getByText(step?.predict?.explain.en.slice(0, 30) ?? '').count()).toBe(0);

    learner.forgetOutput();
    for (let at = actions.length - 1; at > 0; at -= 1) await page.keyboard.press('PageUp');
    await page.locator(`.demo-slide[data-place="${slide}.0"]`).waitFor();
    for (const _ of actions) await press(page);
    await page.locator('.demo-slide .agreed').waitFor();
    expect(learner.output).not.toContain('sleep 2000');
    await learner.context.close();
  });

  test('takes keys in the notes, a clicker in the terminal, and letters nowhere else', async () => {
    const learner = await present(world.browser, world.lab);
    const { page, context } = learner;
    const notes = await context.newPage();
    await notes.goto(`${page.url()}?notes`);
    await now(notes, 'Introduction');
    await notes.keyboard.press('Space');
    await page.locator('.demo-slide[data-place="0.1"]').waitFor();
    await page.locator('.terminal-screen').first().click();
    await page.keyboard.press('PageDown');
    await page.locator('.demo-slide[data-place="0.2"]').waitFor();
    await learner.reads(/[#$] /);
    learner.forgetOutput();
    await page.keyboard.type('echo say-$((40 + 2))\n');
    await learner.reads('say-42');
    await page.locator('.demo-slide[data-place="0.2"]').waitFor();
    expect(await page.getByRole('dialog').count()).toBe(0);
    await learner.context.close();
  });

  test('draws laser and spotlight over the page without moving it, and saves a recording', async () => {
    const learner = await present(world.browser, world.lab);
    const { page } = learner;
    const row = page.getByRole('treeitem').first();
    await row.waitFor({ timeout: PATIENCE_MS });
    const before = await row.boundingBox();
    await page.keyboard.press('s');
    await row.hover();
    await page.locator('.demo-spotlight').waitFor({ state: 'visible' });
    await page.keyboard.down('l');
    await page.locator('.demo-laser[data-on]').waitFor({ state: 'visible' });
    expect(await row.boundingBox()).toEqual(before);
    await page.keyboard.up('l');
    await page.locator('.demo-laser[data-on]').waitFor({ state: 'detached' });
    await page.keyboard.press('s');
    await page.locator('.demo-spotlight').waitFor({ state: 'detached' });

    await page.keyboard.press('?');
    await page.getByRole('button', { name: /^(Export|Save)/ }).click();
    const saved = page.waitForEvent('download');
    await page.getByRole('dialog').last().locator('.button-primary').click();
    expect((await saved).suggestedFilename()).toMatch(/^containers-01-.*\.terrarium$/);
    await learner.context.close();
  });

  for (const language of ['en', 'zh'] as const) {
    for (const theme of ['light', 'dark'] as const) {
      test(`axe finds nothing serious: ${theme}, ${language}`, async () => {
        const learner = await present(world.browser, world.lab, language, theme);
        const { page, context } = learner;
        expect(await serious(page), 'opening').toEqual([]);
        const slide = 1 + LESSON.steps.findIndex(({ predict }) => predict?.kind === 'choice');
        const asked = SLIDES[slide]?.actions.findIndex(({ kind }) => kind === 'question') ?? -1;
        await page.keyboard.press('j');
        await page.getByRole('dialog').waitFor();
        expect(await serious(page), 'steps').toEqual([]);
        await page
          .getByRole('listitem')
          .nth(slide - 1)
          .getByRole('button')
          .last()
          .click();
        await page.locator(`.demo-slide[data-place="${slide}.0"]`).waitFor();
        for (let at = 0; at <= asked; at += 1) await press(page);
        await page.keyboard.press('c');
        await page.locator('html[data-contrast]').waitFor();
        expect(await serious(page), 'a question in high contrast').toEqual([]);
        await page.keyboard.press('?');
        await page.getByRole('dialog').waitFor();
        expect(await serious(page), 'keys').toEqual([]);
        const notes = await context.newPage();
        await notes.goto(`${page.url()}?notes`);
        await notes.locator('.demo-notes-own').waitFor();
        expect(await serious(notes), 'notes').toEqual([]);
        await learner.context.close();
      });
    }
  }
});

/** A learner of their own whose page presents. */
async function present(
  browser: Browser,
  lab: RunningLab,
  language: 'en' | 'zh' = 'en',
  theme: 'light' | 'dark' = 'light',
): Promise<Learner> {
  const learner = await newLearner(browser, lab.url, language, theme);
  await learner.page.goto(`${lab.origin}/${language}/${LESSON.id}/demo`);
  await learner.page
    .locator('html[data-terrarium-ready]')
    .waitFor({ state: 'attached', timeout: PATIENCE_MS });
  return learner;
}

/** Until nothing is being typed or made, and no check is waited for. */
async function ready(page: Page): Promise<void> {
  const settled = page.locator('.demo-bar:not([data-busy]) .demo-next:not([data-waiting])');
  await settled.waitFor({ timeout: PATIENCE_MS });
}

/** Space, once it may be pressed; and until it has done something. */
async function press(page: Page): Promise<void> {
  await ready(page);
  const slide = page.locator('.demo-slide');
  const before = await slide.getAttribute('data-place');
  await page.keyboard.press('Space');
  await expect
    .poll(() => slide.getAttribute('data-place'), { timeout: PATIENCE_MS })
    .not.toBe(before);
}

/** Waits until the notes say that this is on. */
async function now(notes: Page, title: string): Promise<void> {
  await notes
    .locator('.demo-notes-now')
    .filter({ hasText: title })
    .waitFor({ timeout: PATIENCE_MS });
}
