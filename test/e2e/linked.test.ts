/**
 * Linked highlighting and predicting by pointing, in a real browser: what a sentence, a row or a
 * line of the terminal is about lights up everywhere, by pointer and by keyboard.
 */
import { describe, expect, test } from 'vitest';
import type { Browser, Locator } from '../../apps/cli/src/walk/browser.js';
import { missing } from './support/lab.js';
import { type Learner, newLearner, stepOf } from './support/learner.js';
import { startWorld } from './support/world.js';

const lacks = missing();
const PATIENCE_MS = 30_000;

describe.skipIf(lacks !== null)(
  `linked highlighting${lacks === null ? '' : ` (missing: ${lacks})`}`,
  () => {
    const world = startWorld({ TERRARIUM_PIDS: '700' });

    test('a sentence lights up the process that it is about, by pointer and by keyboard', async () => {
      const learner = await newWideLearner(world.browser, world.lab.url);
      const { page, on } = learner;
      const step = stepOf('pid-one');
      await on.openStep(step);
      await learner.type('unshare --fork --pid sh');
      await on.waitForGreen(step, PATIENCE_MS);
      const sentence = on.item(step).getByRole('button', { name: 'the new shell' });
      const row = rows(learner, 'Processes').filter({ hasText: /^sh/ });
      await sentence.hover();
      await lit(row, 'self');
      expect(await page.locator('.stage [data-lit="self"]').count()).toBe(1);
      // Rows that come and change meanwhile take no light away.
      await learner.page.keyboard.type('sleep 4321 &\n');
      await rows(learner, 'Processes').filter({ hasText: '4321' }).waitFor();
      await lit(row, 'self');
      await page.mouse.move(0, 0);
      await lit(row, null);
      await sentence.focus();
      await page.keyboard.press('Shift+Tab');
      await page.keyboard.press('Tab');
      await lit(row, 'self');
      // The other way round: the row lights up the sentence.
      await page.keyboard.press('Shift+Tab');
      await point(row);
      await lit(sentence, 'self');
      await learner.context.close();
    });

    test('a process lights up its namespaces, and a namespace its members', async () => {
      const learner = await newWideLearner(world.browser, world.lab.url);
      await learner.type('unshare --fork --pid --uts sleep 5555 &');
      await (await learner.process('sleep 5555')).first().waitFor();
      await learner.page.getByRole('tab', { name: 'Namespaces', exact: true }).click();
      const tree = rows(learner, 'Namespaces');
      const member = tree.filter({ hasText: /^sleep/ }).first();
      await point(member);
      await lit(member, 'self');
      const own = tree.filter({ hasText: /^(pid|uts):\[/ });
      await expect.poll(() => litOnes(own), { timeout: PATIENCE_MS }).toBe(2);
      await point(own.filter({ hasText: /^uts/ }).nth(1));
      await lit(member, 'related');
      await learner.context.close();
    });

    test('a process lights up the line of the terminal that started it', async () => {
      const learner = await newWideLearner(world.browser, world.lab.url);
      await learner.type('sleep 6161 &');
      await learner.type('sleep 6262 &');
      const row = await learner.process('sleep 6161');
      await row.waitFor();
      const lines = learner.page.locator('.xterm-decoration');
      await point(row);
      await expect.poll(() => lines.count(), { timeout: PATIENCE_MS }).toBe(1);
      const first = await lines.first().boundingBox();
      await point(await learner.process('sleep 6262'));
      await expect
        .poll(async () => ((await lines.first().boundingBox())?.y ?? 0) > (first?.y ?? 0))
        .toBe(true);
      await learner.page.mouse.move(0, 0);
      await expect.poll(() => lines.count(), { timeout: PATIENCE_MS }).toBe(0);
      await learner.context.close();
    });

    test('keeps its light among five hundred rows that change', async () => {
      const learner = await newWideLearner(world.browser, world.lab.url);
      await learner.page.getByRole('tab', { name: 'Processes', exact: true }).click();
      await learner.type('for i in $(seq 500); do sleep 7000 & done 2>/dev/null');
      const all = rows(learner, 'Processes');
      await expect.poll(() => all.count(), { timeout: 60_000 }).toBeGreaterThan(500);
      await learner.type('while sleep 0.1; do :; done &');
      const cost = (await learner.page.evaluate(measureMoves)) as {
        moves: number;
        p50: number;
        p95: number;
      };
      console.log(`linked highlighting over ${await all.count()} rows: ${JSON.stringify(cost)} ms`);
      expect(cost.moves).toBe(100);
      await learner.page.mouse.move(0, 0);
      await point(all.first());
      await lit(all.first(), 'self');
      await learner.context.close();
    });

    test('a wrong pick is drawn dashed, and the kernel’s answer over it', async () => {
      const learner = await newWideLearner(world.browser, world.lab.url);
      const { on, page } = learner;
      const step = stepOf('helper-gone');
      await on.openStep(step);
      await on.reset(step);
      await on.button(step, on.names.predict).click();
      await page.locator('.stage[data-picking="processes"]').waitFor();
      // Escape is no answer.
      await page.keyboard.press('Escape');
      await on.button(step, on.names.predict).click();
      const clone = rows(learner, 'Processes').filter({ hasText: /sleep\s*4000/ });
      await clone.click({ position: ON_NAME });
      await answered(clone, 'yours');
      await learner.type('pkill -KILL -x clone', 2);
      await on.waitForGreen(step, PATIENCE_MS);
      expect(await on.graded(step, PATIENCE_MS)).toBe(false);
      const init = rows(learner, 'Processes').first();
      await answered(init, 'kernels');
      await answered(clone, 'yours');
      expect(await init.getAttribute('aria-description')).toBe("the kernel's answer");
      await learner.context.close();
    });
  },
);

/** With room for the card of facts beside the rows: in a small window it lies over some of them. */
async function newWideLearner(browser: Browser, url: string): Promise<Learner> {
  const learner = await newLearner(browser, url);
  await learner.page.setViewportSize({ width: 1800, height: 1000 });
  return learner;
}

/** Where a row's name is. */
const ON_NAME = { x: 60, y: 8 };

async function point(row: Locator): Promise<void> {
  await row.hover({ position: ON_NAME });
}

function rows(learner: Learner, tree: string): Locator {
  return learner.page.getByRole('tree', { name: tree, exact: true }).getByRole('treeitem');
}

async function lit(element: Locator, how: 'self' | 'related' | null): Promise<void> {
  await expect
    .poll(() => element.first().getAttribute('data-lit'), { timeout: PATIENCE_MS })
    .toBe(how);
}

async function litOnes(elements: Locator): Promise<number> {
  return await elements.evaluateAll(
    (all) => all.filter((element) => element.getAttribute('data-lit') === 'related').length,
  );
}

async function answered(element: Locator, how: string): Promise<void> {
  await expect
    .poll(() => element.first().getAttribute('data-answer'), { timeout: PATIENCE_MS })
    .toBe(how);
}

/** Runs in the page: a hundred moves of the pointer from row to row, each timed until all is lit. */
async function measureMoves(): Promise<{ moves: number; p50: number; p95: number }> {
  interface Row {
    dispatchEvent(event: unknown): void;
  }
  const page = globalThis as unknown as {
    document: { querySelectorAll(selector: string): ArrayLike<Row> };
    PointerEvent: new (type: string, options: object) => unknown;
  };
  const all = Array.from(page.document.querySelectorAll('.stage [data-subject]'));
  const times: number[] = [];
  for (let move = 0; move < 100; move += 1) {
    const begin = performance.now();
    all[(move * 37) % all.length]?.dispatchEvent(
      new page.PointerEvent('pointerover', { bubbles: true }),
    );
    times.push(performance.now() - begin);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  times.sort((a, b) => a - b);
  return { moves: times.length, p50: times[50] ?? 0, p95: times[95] ?? 0 };
}
