/** axe-core over course and lesson, in both themes and languages: no serious or critical finding. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Browser, launchBrowser, type Page } from '../../apps/cli/src/walk/browser.js';
import { missing, type RunningLab, startLab } from './support/lab.js';
import { newLearner, stepOf } from './support/learner.js';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const lacks = missing();

describe.skipIf(lacks !== null)(`axe${lacks === null ? '' : ` (missing: ${lacks})`}`, () => {
  let lab: RunningLab;
  let browser: Browser;
  beforeAll(async () => {
    lab = await startLab();
    browser = await launchBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await lab?.stop();
  });

  for (const theme of ['light', 'dark'] as const) {
    for (const language of ['en', 'zh'] as const) {
      test(`finds nothing serious in the ${theme} theme, ${language}`, async () => {
        const learner = await newLearner(browser, lab.url, language, theme);
        const { page, on } = learner;
        await learner.type('unshare --fork --pid sh');
        await on.openStep(stepOf('pid-one'));
        await on.waitForGreen(stepOf('pid-one'), 30_000);
        await on.button(stepOf('pid-one'), on.names.hint).click();
        await on.button(stepOf('pid-one'), on.names.solution).click();
        await page.getByRole('tab', { name: on.names.processes, exact: true }).click();
        expect(await serious(page)).toEqual([]);
        await page.getByRole('tab', { name: on.names.namespaces, exact: true }).click();
        expect(await serious(page)).toEqual([]);
        await page.goto(`${lab.origin}/${language}`);
        await page.getByRole('heading', { level: 1 }).waitFor();
        expect(await serious(page)).toEqual([]);
        await learner.context.close();
      });
    }
  }
});

interface AxeResult {
  readonly passes: readonly unknown[];
  readonly violations: readonly {
    readonly id: string;
    readonly impact: string | null;
    readonly help: string;
    readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[];
  }[];
}

/** Findings of weight, each with the elements it is about. Waits until nothing fades in any more. */
async function serious(page: Page): Promise<string[]> {
  await page.evaluate(animationsEnd);
  await page.evaluate(AXE);
  const result = (await page.evaluate('axe.run()')) as AxeResult;
  // A scan that found nothing to look at would find nothing wrong either.
  expect(result.passes.length).toBeGreaterThan(15);
  return result.violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, help, nodes }) =>
      nodes.map(({ html, failureSummary }) => {
        const reason = failureSummary?.split('\n').slice(1).join(' ').trim() ?? '';
        return `${id}: ${help}: ${html.slice(0, 120)} ${reason}`;
      }),
    );
}

/** Runs in the page: half-transparent text in mid-fade is no finding. */
async function animationsEnd(): Promise<void> {
  const { document } = globalThis as unknown as {
    document: { getAnimations(): { finished: Promise<unknown>; effect: Timed | null }[] };
  };
  interface Timed {
    getComputedTiming(): { endTime?: unknown };
  }
  const finite = document
    .getAnimations()
    .filter(({ effect }) => effect?.getComputedTiming().endTime !== Number.POSITIVE_INFINITY);
  await Promise.allSettled(finite.map(({ finished }) => finished));
}
