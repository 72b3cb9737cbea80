/**
 * Seeing is a chain: a line typed in the terminal changes the kernel, the observer tells of it, the
 * fold holds it, the page's tree shows it. A table of changes is one test each, link by link.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Browser, Locator } from '../../../apps/cli/src/walk/browser.js';
import { launchBrowser } from '../../../apps/cli/src/walk/browser.js';
import type { ServerMessage } from '../../../packages/protocol/src/index.js';
import type { State, TimelineEvent } from '../../../packages/timeline/src/index.js';
import { Learner as Follower } from '../../bench/learner.mjs';
import { missing, type RunningLab, startLab } from './lab.js';
import { type Learner, newLearner } from './learner.js';

/** One thing that a learner does, and what must follow. */
export interface Change {
  /** the test's name: what the learner does to the kernel */
  readonly does: string;
  /** typed into the terminal, Enter follows; several are typed one after the other */
  readonly line: string | readonly string[];
  readonly terminal?: 1 | 2;
  /** one event that came after the line was typed must be so; `state` is the fold just after it */
  readonly event: (event: TimelineEvent, state: State) => boolean;
  /** what the folded state must come to */
  readonly state: (state: State) => boolean;
  /** text of a row that the page's tree must come to show, and of one that it must no longer */
  readonly row?: string | RegExp;
  readonly noRow?: string | RegExp;
  /** anything else that must come to be on the page */
  readonly page?: (tree: Locator, learner: Learner) => Promise<void>;
}

/** A table of changes of one kind of object. */
export interface Sight {
  /** the tab of the stage, and the accessible name of the tree (or table) in it */
  readonly view: string;
  readonly tree?: string;
  /** typed before the first change */
  readonly prepare?: readonly string[];
  readonly changes: readonly Change[];
}

/** How long a link may take: a bound for what never comes, not a measure. */
const PATIENCE_MS = 30_000;

/** Declares the tests of a table. All run in one sandbox, in order: each begins where the last ended. */
export function seeChanges({ view, tree = view, prepare = [], changes }: Sight): void {
  const lacks = missing();
  const suffix = lacks === null ? '' : ` (missing: ${lacks})`;
  describe.skipIf(lacks !== null)(`${view}: what is typed is seen${suffix}`, () => {
    let lab: RunningLab;
    let browser: Browser;
    let learner: Learner;
    let follower: SeeFollower;
    beforeAll(async () => {
      lab = await startLab();
      browser = await launchBrowser();
      learner = await newLearner(browser, lab.url);
      follower = await SeeFollower.of(learner, lab);
      for (const line of prepare) await learner.type(line);
      await learner.page.getByRole('tab', { name: view, exact: true }).click();
    });
    afterAll(async () => {
      follower?.stop();
      await browser?.close();
      await lab?.stop();
    });

    test.each(changes.map((change) => [change.does, change] as const))('%s', async (_, change) => {
      const mark = follower.seq;
      const lines = typeof change.line === 'string' ? [change.line] : change.line;
      for (const line of lines) await learner.type(line, change.terminal ?? 1);
      await follower.sees(change.event, mark, 'the event');
      await follower.holds(change.state);
      const rows = treeOf(learner, tree);
      if (change.row !== undefined) {
        const row = rowsOf(rows, change.row).first();
        await row.waitFor({ state: 'visible', timeout: PATIENCE_MS });
      }
      if (change.noRow !== undefined) {
        await expect
          .poll(() => rowsOf(rows, change.noRow ?? '').count(), { timeout: PATIENCE_MS })
          .toBe(0);
      }
      await change.page?.(rows, learner);
    });
  });
}

function treeOf(learner: Learner, name: string): Locator {
  const { page } = learner;
  const named = (role: 'tree' | 'treegrid' | 'table'): Locator =>
    page.getByRole(role, { name, exact: true });
  return named('tree').or(named('treegrid')).or(named('table')).first();
}

/** Living rows: what a tombstone says is already past. */
function rowsOf(tree: Locator, text: string | RegExp): Locator {
  const rows = tree.getByRole('treeitem').or(tree.getByRole('row'));
  return rows.filter({ hasText: text });
}

/** The session's timeline as the browser gets it, folded beside it. */
class SeeFollower {
  readonly #follower: Follower;
  readonly #events: { readonly event: TimelineEvent; readonly state: State }[] = [];

  private constructor(follower: Follower) {
    this.#follower = follower;
  }

  static async of(learner: Learner, lab: RunningLab): Promise<SeeFollower> {
    const cookies = await learner.context.cookies();
    const session = cookies.find(({ name }) => name.startsWith('terrarium_session'));
    if (session === undefined) throw new Error('the browser has no session cookie');
    const follower = new Follower(lab, `${session.name}=${session.value}`, null);
    const made = new SeeFollower(follower);
    follower.waiters.add((message: ServerMessage) => made.#take(message));
    follower.start();
    await follower.until(() => follower.state.seq > 0, 'the first snapshot', PATIENCE_MS);
    return made;
  }

  get seq(): number {
    return this.#follower.state.seq;
  }

  stop(): void {
    this.#follower.stop();
  }

  /** Waits for such an event after number `mark`. */
  async sees(
    wanted: (event: TimelineEvent, state: State) => boolean,
    mark: number,
    what: string,
  ): Promise<void> {
    const seen = (): boolean =>
      this.#events.some(({ event, state }) => event.seq > mark && wanted(event, state));
    await this.#until(seen, what, () => this.#lately(mark));
  }

  async holds(wanted: (state: State) => boolean): Promise<void> {
    await this.#until(
      () => wanted(this.#follower.state),
      'the folded state',
      () => '',
    );
  }

  async #until(found: () => boolean, what: string, detail: () => string): Promise<void> {
    try {
      await this.#follower.until(found, what, PATIENCE_MS);
    } catch (error) {
      throw new Error(`${what} did not come. ${detail()}`, { cause: error });
    }
  }

  /** What came instead, for a failure's message. */
  #lately(mark: number): string {
    const came = this.#events.filter(({ event }) => event.seq > mark);
    return `Since then: ${came.map(({ event }) => JSON.stringify(event).slice(0, 200)).join('\n')}`;
  }

  #take(message: ServerMessage): void {
    if (message?.type !== 'events') return;
    const { state } = this.#follower;
    for (const event of message.events) this.#events.push({ event, state });
  }
}
