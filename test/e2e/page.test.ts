/** What the page promises besides the lesson: nothing is lost, nobody sees another, it keeps its place. */
import { describe, expect, test } from 'vitest';
import { LessonPage } from '../../apps/cli/src/walk/lesson-page.js';
import { missing } from './support/lab.js';
import { LESSON, Learner, newLearner, stepOf } from './support/learner.js';
import { startWorld } from './support/world.js';

const lacks = missing();

describe.skipIf(lacks !== null)(`the page${lacks === null ? '' : ` (missing: ${lacks})`}`, () => {
  const world = startWorld();

  test('keeps shell, screen and step over a reload in mid-step', async () => {
    const learner = await newLearner(world.browser, world.lab.url);
    const step = stepOf('pid-one');
    await learner.on.openStep(step);
    await learner.type('NUMBER=41; echo "kept"-$((NUMBER + 1))');
    await learner.reads('kept-42');
    await learner.type('unshare --fork --pid sh');
    await learner.on.waitForGreen(step, 30_000);

    learner.forgetOutput();
    await learner.page.reload({ waitUntil: 'domcontentloaded' });
    await learner.on.ready();
    await learner.reads('kept-42');
    await learner.on.openStep(step);
    await learner.on.waitForGreen(step, 30_000);
    await learner.type('echo I-am-still-$$');
    await learner.reads('I-am-still-1');
    await learner.type('exit');
    await learner.type('sleep 9$NUMBER &');
    await (await learner.process('sleep 941')).waitFor();
    await learner.context.close();
  });

  test('shows the same sandbox and the same shells in two tabs', async () => {
    const one = await newLearner(world.browser, world.lab.url);
    const two = await Learner.in(one.context);
    await two.page.goto(world.lab.origin);
    await two.on.goto();
    await one.type('sleep 7771 & echo "one"-says-hello');
    await two.reads('one-says-hello');
    await (await two.process('sleep 7771')).waitFor();
    await two.type('sleep 7772 &');
    await (await one.process('sleep 7772')).waitFor();
    await one.context.close();
  });

  test('hides two learners from each other who work at the same time', async () => {
    const [one, two] = await Promise.all([
      newLearner(world.browser, world.lab.url),
      newLearner(world.browser, world.lab.url),
    ]);
    await one.type('echo secret > /root/mine; hostname changed; sleep 5551 &');
    await two.type('sleep 5552 &');
    await (await one.process('sleep 5551')).waitFor();
    await (await two.process('sleep 5552')).waitFor();
    expect(await (await one.process('sleep 5552')).count()).toBe(0);
    expect(await (await two.process('sleep 5551')).count()).toBe(0);
    await two.type('pgrep -fc "sleep 555[1]"; cat /root/mine; echo host-$(hostname)');
    await two.reads('host-terrarium');
    expect(two.output).toContain('No such file');
    expect(two.output).not.toContain('secret');

    const closed = await two.page.evaluate(openSocket, one.terminals[0] ?? '');
    expect(closed).not.toBe('open');
    await one.context.close();
    await two.context.close();
  });

  test('keeps its place when the language is switched', async () => {
    const learner = await newLearner(world.browser, world.lab.url);
    const step = stepOf('pid-one');
    await learner.on.openStep(stepOf('ordinary-process'));
    await learner.type('sleep 1000 & echo "still"-the-same');
    await learner.on.waitForGreen(stepOf('ordinary-process'), 30_000);
    await learner.on.button(stepOf('ordinary-process'), learner.on.names.next).click();
    await learner.on.button(step, learner.on.names.reset).waitFor();

    learner.forgetOutput();
    await learner.page.getByRole('link', { name: learner.on.names.otherLanguage }).click();
    await learner.page.waitForURL(/\/zh\/containers\/01(#|$)/);
    const chinese = new LessonPage(learner.page, LESSON, 'zh');
    await chinese.ready();
    expect(await learner.page.locator('html').getAttribute('lang')).toMatch(/^zh/);
    await chinese.button(step, chinese.names.reset).waitFor();
    expect(await chinese.isDone(stepOf('ordinary-process'))).toBe(true);
    await learner.reads('still-the-same');

    await learner.page.goto(world.lab.origin);
    await learner.page.waitForURL(/\/zh$/); // the choice is remembered
    await learner.context.close();
  });

  test('can be used by the keyboard alone, in and out of the terminal', async () => {
    const learner = await newLearner(world.browser, world.lab.url);
    const { page, on } = learner;
    const step = stepOf('ordinary-process');
    const { keyboard } = page;
    await keyboard.press('Control+Backquote');
    await page.getByRole('textbox').and(page.locator(':focus')).waitFor({ state: 'attached' });
    await keyboard.type('sleep 1000 &');
    await keyboard.press('Enter');
    await on.waitForGreen(step, 30_000);
    await keyboard.press('Control+Backquote');
    await tabTo(learner, on.names.next);
    await keyboard.press('Enter');
    await on.button(stepOf('pid-one'), on.names.reset).waitFor();

    await tabTo(learner, on.names.run);
    await keyboard.press('Enter');
    await on.waitForGreen(stepOf('pid-one'), 30_000);
    await learner.context.close();
  });

  test('loads little at first; the search of a terminal comes when it is asked for', async () => {
    const learner = await newLearner(world.browser, world.lab.url);
    const { page, context } = learner;
    const bytes = await page.evaluate(scriptBytes);
    expect(bytes).toBeGreaterThan(100_000);
    expect(bytes).toBeLessThanOrEqual(MOST_SCRIPT_BYTES);
    await learner.type('echo "look"-for-me');
    await learner.reads('look-for-me');
    await page.keyboard.press('Control+Shift+F');
    const search = page.getByRole('textbox', { name: 'Find in the terminal', exact: true });
    const none = page.getByRole('status').filter({ hasText: 'Not found' });
    await search.fill('nobody-wrote-this');
    await none.waitFor({ timeout: 30_000 });
    await search.fill('look-for-me');
    await none.waitFor({ state: 'detached', timeout: 30_000 });
    await context.close();
  });

  test('lets nobody in without the invitation, or by another name', async () => {
    const stranger = await fetch(`${world.lab.origin}/en/containers/01`, { redirect: 'manual' });
    expect(stranger.status).not.toBe(200);
    expect(await stranger.text()).not.toContain('terminals.sock');
    const guess = await fetch(`${world.lab.origin}/?token=guess`, { redirect: 'manual' });
    expect(guess.status).toBeGreaterThanOrEqual(400);
    expect(guess.headers.get('set-cookie')).toBeNull();
  });
});

/** JavaScript of a lesson page, compressed; the benchmark `page-js` counts headers as well. */
const MOST_SCRIPT_BYTES = 450_000;

/** Runs in the page: what it has fetched of JavaScript, in compressed bytes. */
function scriptBytes(): number {
  const entries = performance.getEntriesByType('resource') as unknown as readonly {
    readonly name: string;
    readonly encodedBodySize: number;
  }[];
  const scripts = entries.filter(({ name }) => new URL(name).pathname.endsWith('.js'));
  const sizes = new Map(scripts.map(({ name, encodedBodySize }) => [name, encodedBodySize]));
  return [...sizes.values()].reduce((sum, bytes) => sum + bytes, 0);
}

/** Presses Tab until the button of that name has the focus. */
async function tabTo(learner: Learner, name: string): Promise<void> {
  const wanted = learner.page
    .getByRole('button', { name, exact: true })
    .and(learner.page.locator(':focus'));
  for (let presses = 0; presses < 80; presses += 1) {
    if ((await wanted.count()) > 0) return;
    await learner.page.keyboard.press('Tab');
  }
  throw new Error(`80 times Tab did not reach the button ${name}`);
}

/** Runs in the page: what happens to a WebSocket that is not for this learner. */
function openSocket(url: string): Promise<string> {
  const { WebSocket } = globalThis as unknown as { WebSocket: typeof globalThis.WebSocket };
  return new Promise((resolve) => {
    const socket = new WebSocket(url);
    socket.onmessage = () => resolve('open');
    socket.onclose = (event) => resolve(`closed ${event.code}`);
  });
}
