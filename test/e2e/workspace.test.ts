/**
 * The learner's workspace around the lesson: what the last command did in sentences, two terminals
 * side by side, and the editor for files in the sandbox, by pointer and by keyboard.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Locator, Page } from '../../apps/cli/src/walk/browser.js';
import { missing } from './support/lab.js';
import { LESSON, type Learner, newLearner } from './support/learner.js';
import { startWorld } from './support/world.js';

const lacks = missing();
const suffix = lacks === null ? '' : ` (missing: ${lacks})`;
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
/** A bound for what never comes, not a measure. */
const PATIENCE_MS = 60_000;
const patience = { timeout: PATIENCE_MS };

describe.skipIf(lacks !== null)(`workspace${suffix}`, { timeout: 300_000 }, () => {
  const world = startWorld();
  let learner: Learner;
  let page: Page;
  beforeEach(async () => {
    learner = await newLearner(world.browser, world.lab.url);
    page = learner.page;
  });
  afterEach(async () => await learner?.context.close());

  const button = (name: string): Locator => page.getByRole('button', { name, exact: true });
  const editor = (): Locator => page.getByRole('textbox', { name: /^Text of / });
  const row = (name: string): Locator =>
    page.getByRole('tree', { name: 'Files', exact: true }).getByRole('treeitem', {
      name,
      exact: true,
    });

  /** Opens a file by its path, as the sandbox has it. */
  async function open(path: string): Promise<void> {
    await page.getByRole('tab', { name: 'Files', exact: true }).click();
    const field = page.getByRole('textbox', { name: 'Path of a file in the sandbox' });
    await field.fill(path);
    await field.press('Enter');
  }

  /** Makes a file from the terminal, and waits until it is there. */
  async function inTerminal(line: string): Promise<void> {
    const word = `done-${Math.random().toString(36).slice(2)}`;
    // In two parts: the typed line itself must not look like its answer.
    await learner.type(`${line}; echo ${word.slice(0, 6)}""${word.slice(6)}`);
    await learner.reads(word, PATIENCE_MS);
  }

  /** Waits until the text in the editor is this. */
  async function shows(text: string): Promise<void> {
    const lines = editor().locator('.cm-line');
    await expect.poll(async () => (await lines.allTextContents()).join('\n'), patience).toBe(text);
  }

  test('What just happened? tells the last command in sentences, and is remembered', async () => {
    const toggle = button('What just happened?');
    expect(await toggle.getAttribute('aria-expanded')).toBe('false');
    await toggle.focus();
    await page.keyboard.press('Enter');
    const card = page.getByRole('region', { name: 'What just happened?', exact: true });
    await card.waitFor(patience);
    await learner.type('unshare --uts sleep 1000 &');
    const told = card.getByRole('log');
    await told.getByText('There is a new uts namespace: a host name of its own.').waitFor(patience);
    expect(await told.getAttribute('aria-live')).toBe('polite');
    await learner.type('no-such-program');
    await told.getByText(/found no program of that name/).waitFor(patience);
    expect(await serious(page)).toEqual([]);
    await card.getByRole('button', { name: 'All of it', exact: true }).click();
    await page.getByRole('tab', { name: 'Commands', exact: true, selected: true }).waitFor();
    await page.reload({ waitUntil: 'domcontentloaded' });
    await card.waitFor(patience);
    await toggle.click();
    await card.waitFor({ state: 'detached', ...patience });
  });

  test('two terminals stand side by side, are resized by keyboard and pointer, and are remembered', async () => {
    await button('Side by side').focus();
    await page.keyboard.press('Enter');
    const line = page.getByRole('separator', { name: 'Width of the left terminal' });
    await line.waitFor(patience);
    const left = async (): Promise<number> =>
      (await page.locator('.terminal-screen').first().boundingBox())?.width ?? 0;
    const atFirst = await left();
    await line.focus();
    await page.keyboard.press('ArrowLeft');
    await expect.poll(left, patience).toBeLessThan(atFirst);
    const byKeys = await left();
    const box = await line.boundingBox();
    if (box === null) throw new Error('the line between the terminals is not there');
    await page.mouse.move(box.x, box.y + box.height / 2);
    await page.mouse.down();
    await page.mouse.move(box.x + 120, box.y + box.height / 2, { steps: 4 });
    await page.mouse.up();
    await expect.poll(left, patience).toBeGreaterThan(byKeys + 60);
    const byPointer = await left();
    await page.reload({ waitUntil: 'domcontentloaded' });
    await line.waitFor(patience);
    await expect.poll(left, patience).toBeGreaterThan(byPointer - 5);
    await page.setViewportSize({ width: 390, height: 800 });
    await page.getByRole('tab', { name: 'Terminal', exact: true }).click();
    await line.waitFor({ state: 'detached', ...patience });
    expect(await page.locator('.terminal-screen').count()).toBe(1);
  });

  test('a file of the sandbox is opened, changed and saved, and the shell has it', async () => {
    await inTerminal("mkdir -p /root/t; printf 'one\\r\\ntwo\\n' > /root/t/f; chmod 751 /root/t/f");
    await open('/root/t/f');
    await editor().waitFor(patience);
    expect(await serious(page)).toEqual([]);
    await page.keyboard.press('Control+End');
    await page.keyboard.type('three');
    await page.keyboard.press('Control+s');
    await page.getByText('/root/t/f is saved.').waitFor({ state: 'attached', ...patience });
    learner.forgetOutput();
    await inTerminal('stat -c %a /root/t/f; od -An -c /root/t/f | tr -d " \\n"');
    expect(learner.output).toContain('751');
    expect(learner.output).toContain('one\\r\\ntwo\\nthree');
  });

  test('a file that changed meanwhile is not overwritten unasked', async () => {
    await inTerminal('echo first > /root/f');
    await open('/root/f');
    await editor().waitFor(patience);
    await page.keyboard.type('mine ');
    await inTerminal('echo theirs > /root/f');
    await button('Save').click();
    const question = page.getByRole('alert').filter({ hasText: 'was changed in the sandbox' });
    await question.waitFor(patience);
    expect(await serious(page)).toEqual([]);
    await question.getByRole('button', { name: 'Drop mine and read it again' }).click();
    await shows('theirs\n');
    await editor().focus();
    await page.keyboard.press('Control+Home');
    await page.keyboard.type('mine ');
    await inTerminal('echo again > /root/f');
    await button('Save').click();
    await question.getByRole('button', { name: 'Overwrite it with mine' }).click();
    await page.getByText('/root/f is saved.').waitFor({ state: 'attached', ...patience });
    learner.forgetOutput();
    await inTerminal('cat /root/f');
    expect(learner.output).toContain('mine theirs');
  });

  test('a new file is made; what cannot be opened is said in a sentence', async () => {
    await open('/root/new.sh');
    await button('Create it').click();
    await editor().waitFor(patience);
    await page.keyboard.type('echo made in the editor');
    await button('Save').click();
    await row('new.sh').waitFor(patience);
    await inTerminal('sh /root/new.sh; mkfifo /root/pipe; ln -s /dev/zero /root/zero');
    expect(learner.output).toContain('made in the editor');
    for (const [path, sentence] of [
      ['/root/pipe', /what it gives has no end/],
      ['/root/zero', /what it gives has no end/],
      ['/usr/bin/env', /no text in UTF-8/],
      ['/root/new.sh/x', /ENOTDIR/],
    ] as const) {
      await open(path);
      await page.getByRole('alert').filter({ hasText: sentence }).waitFor(patience);
    }
    await open('/proc/sys/kernel/hostname');
    await page.getByText(/a file of proc is the kernel’s answer/).waitFor(patience);
  });

  test('what was typed survives other tabs, and is not lost without a question', async () => {
    await inTerminal('echo text > /root/f');
    await open('/root/f');
    await editor().waitFor(patience);
    await page.keyboard.type('mine ');
    await page.getByRole('tab', { name: 'Processes', exact: true }).click();
    await page.getByRole('tab', { name: 'Files', exact: true }).click();
    await shows('mine text\n');
    await button('Close /root/f').click();
    await page.getByRole('button', { name: 'Go on editing' }).click();
    await shows('mine text\n');
    await page.getByRole('tab', { name: 'Processes', exact: true }).click();
    const asked = new Promise<string>((resolve) => {
      page.once('dialog', (dialog) => {
        resolve(dialog.type());
        void dialog.dismiss();
      });
    });
    void page.close({ runBeforeUnload: true });
    expect(await asked).toBe('beforeunload');
    await page.getByRole('tab', { name: 'Files', exact: true }).click();
    await button('Close /root/f').click();
    await page.getByRole('button', { name: 'Close without saving' }).click();
    await editor().waitFor({ state: 'detached', ...patience });
  });

  test('before a step is begun anew, the learner’s files can be kept', async () => {
    await inTerminal('echo to keep > /root/kept');
    const step = LESSON.steps[0];
    if (step === undefined) throw new Error('lesson 01 has no step');
    await learner.on.openStep(step);
    await learner.on.button(step, learner.on.names.reset).click();
    const dialog = page.getByRole('alertdialog');
    await dialog.waitFor(patience);
    expect(await serious(page)).toEqual([]);
    const download = page.waitForEvent('download', patience);
    await dialog.getByRole('button', { name: 'Save my files first', exact: true }).click();
    const file = await (await download).path();
    await dialog.getByText('Your files are saved on your computer.').waitFor(patience);
    const text = execFileSync('tar', ['-xzOf', file, 'root/kept'], { encoding: 'utf8' });
    expect(text).toBe('to keep\n');
    await dialog.getByRole('button', { name: 'Keep it', exact: true }).click();
  });

  test('the files are reached and left with the keyboard alone', async () => {
    await page.getByRole('tab', { name: 'Files', exact: true }).focus();
    await page.keyboard.press('Enter');
    await row('root').waitFor(patience);
    await row('/').focus();
    await page.keyboard.press('ArrowRight');
    for (const key of ['End', 'Home', 'ArrowDown']) await page.keyboard.press(key);
    const focused = (): Promise<string | null> =>
      page.evaluate(() => document.activeElement?.getAttribute('data-path') ?? null);
    expect(await focused()).toMatch(/^\/./);
    await row('etc').focus();
    await page.keyboard.press('ArrowRight');
    await row('hostname').waitFor(patience);
    await row('hostname').focus();
    await page.keyboard.press('Enter');
    await editor().waitFor(patience);
    await expect.poll(() => inEditor(page), patience).toBe(true);
    await page.keyboard.press('Escape');
    await page.keyboard.press('Tab');
    expect(await inEditor(page)).toBe(false);
  });
});

function inEditor(page: Page): Promise<boolean> {
  return page.evaluate(() => document.activeElement?.classList.contains('cm-content') ?? false);
}

/** Ids of axe's rules that are broken, serious ones and worse. */
async function serious(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  return await page.evaluate(async () => {
    const { axe } = globalThis as unknown as {
      axe: {
        run(): Promise<{ violations: { id: string; impact: string; nodes: { html: string }[] }[] }>;
      };
    };
    const { violations } = await axe.run();
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, nodes }) => `${id}: ${nodes[0]?.html.slice(0, 160)}`);
  });
}
