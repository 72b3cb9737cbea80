/** axe-core over a page, with its serious findings as lines that say where. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { expect } from 'vitest';
import type { Page } from '../../../apps/cli/src/walk/browser.js';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

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
export async function serious(page: Page): Promise<string[]> {
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
