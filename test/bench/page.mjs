/**
 * What a learner waits for, measured in a real Chromium: the page, a kernel change in the DOM, a
 * green check, a reset step. The cause's time is taken in the sandbox itself (bash's
 * EPOCHREALTIME just before the fork), the effect's in the page (a MutationObserver), on one clock.
 */
import { spawnSync } from 'node:child_process';
import { chromium } from 'playwright-core';
import { startLab } from './lab.mjs';
import { Learner } from './learner.mjs';
import { row } from './statistics.mjs';

const LESSON = 'containers/01';
const CHANGES = 60;

/** A page on the lesson with its first snapshot, and a second connection to the same session that types. */
async function openLesson(lab) {
  const executablePath = spawnSync('which', ['chromium'], { encoding: 'utf8' }).stdout.trim();
  const browser = await chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
  });
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  const page = await context.newPage();
  await page.goto(lab.url);
  await page.goto(`${lab.origin}/en/${LESSON}`);
  await page.waitForSelector('html[data-terrarium-ready]', { state: 'attached' });
  const cookie = (await context.cookies()).find((one) => one.name.startsWith('terrarium_session'));
  const learner = new Learner(lab, `${cookie.name}=${cookie.value}`, LESSON).start();
  await learner.until((l) => l.terminals.some((t) => t.state === 'running'), 'the terminal');
  const terminal = learner.terminal(learner.terminals[0].id);
  await terminal.until(/[#$] /);
  const close = async () => {
    terminal.connection.close();
    learner.stop();
    await browser.close();
  };
  return { browser, context, page, learner, terminal, close };
}

/** In the page: notes each time that a text which matches appears below the named tree (inodes come again). */
function watchTree({ name, pattern }) {
  const seen = {};
  let present = new Set();
  const expression = new RegExp(pattern, 'g');
  const tree = document.querySelector(`[role=tree][aria-label="${name}"]`);
  const look = () => {
    const now = Date.now(); // the kernel's clock too; performance.timeOrigin drifts away from it
    const found = new Set();
    for (const item of tree.querySelectorAll('[role=treeitem]')) {
      for (const match of item.textContent.matchAll(expression)) found.add(match[1]);
    }
    for (const key of found) {
      if (!present.has(key)) seen[key] = [...(seen[key] ?? []), now];
    }
    present = found;
  };
  look();
  new MutationObserver(look).observe(tree, { childList: true, subtree: true, characterData: true });
  window.terrariumSeen = seen;
}

/**
 * Types one change after the other; each prints `@ seconds key`.
 *
 * @param command bash that sets T just before the change and K after it
 * @param pattern regular expression source whose first group is the key, in the tree's text
 */
async function kernelToDom(lab, name, { tab, tree, pattern, command }) {
  const lesson = await openLesson(lab);
  try {
    await lesson.page.getByRole('tab', { name: tab }).click();
    await lesson.page.getByRole('tree', { name: tree }).waitFor();
    await lesson.page.evaluate(watchTree, { name: tree, pattern });
    lesson.terminal.type(
      `clear; set +m; for i in $(seq ${CHANGES}); do ${command}; echo "@ $T $K"; sleep 0.1; done; echo all-"done"\n`,
    );
    await lesson.terminal.until(/all-done/, 60_000);
    const causes = [...lesson.terminal.text.matchAll(/@ (\d+\.\d+) (\d+)/g)].map(
      ([, seconds, key]) => ({ at: Number(seconds) * 1000, key }),
    );
    await lesson.page.waitForFunction(
      ({ at, key }) => window.terrariumSeen[key]?.some((time) => time >= at - 1),
      causes.at(-1),
    );
    const seen = await lesson.page.evaluate(() => window.terrariumSeen);
    const delays = causes.map(({ at, key }) => seen[key]?.find((time) => time >= at - 1) - at);
    const samples = delays.filter((delay) => delay >= -1);
    const missed = causes.length - samples.length;
    return row(
      name,
      'ms',
      samples,
      {},
      `${causes.length} changes, ${missed} never seen; the fork itself and Chromium's software rendering are in it`,
    );
  } finally {
    await lesson.close();
  }
}

const KINDS = {
  'kernel-to-dom.process': {
    tab: 'Processes',
    tree: 'Processes',
    pattern: '→ (\\d+)',
    command: 'T=$EPOCHREALTIME; sleep 2 & K=$!',
  },
  // Alive until the end: an inode that is free again is given to the next namespace at once.
  'kernel-to-dom.namespace': {
    tab: 'Namespaces',
    tree: 'Namespaces',
    pattern: 'uts:\\[(\\d+)\\]',
    command:
      'S=$(readlink /proc/$$/ns/uts | tr -dc 0-9); K=$S; T=$EPOCHREALTIME; unshare --uts sleep 60 & while [ $K = $S ]; do K=$(readlink /proc/$!/ns/uts | tr -dc 0-9); done',
  },
};

async function pageReady(lab) {
  const lesson = await openLesson(lab);
  const samples = [];
  try {
    for (let i = 0; i < 12; i += 1) {
      const started = performance.now();
      await lesson.page.goto(`${lab.origin}/en/${LESSON}`, { waitUntil: 'commit' });
      await lesson.page.waitForSelector('html[data-terrarium-ready]', { state: 'attached' });
      samples.push(performance.now() - started);
    }
  } finally {
    await lesson.close();
  }
  return row(
    'page-ready',
    'ms',
    samples,
    {},
    'navigation to the lesson → first snapshot on screen, sandbox already running',
  );
}

/** The sandbox keeps its id through a reset; its first process is another one. */
function isFresh(state, oldInit) {
  if (state.sandbox === null || state.sandbox.init === oldInit) return false;
  return Object.values(state.processes).some((process) => process.comm === 'bash');
}

async function resetStep(lab) {
  const lesson = await openLesson(lab);
  const samples = [];
  try {
    for (let i = 0; i < 15; i += 1) {
      const old = lesson.learner.state.sandbox?.init;
      const started = performance.now();
      lesson.learner.live.send({ type: 'step.reset', lesson: LESSON, step: 'ordinary-process' });
      await lesson.learner.until((l) => isFresh(l.state, old), 'the new sandbox');
      samples.push(performance.now() - started);
    }
  } finally {
    await lesson.close();
  }
  return row(
    'reset-step',
    'ms',
    samples,
    {},
    'message → new sandbox with its shell in the folded state',
  );
}

async function checkGreen(lab) {
  const lesson = await openLesson(lab);
  const samples = [];
  const passed = (l) => l.steps.find((step) => step.step === 'ordinary-process')?.passed === true;
  try {
    for (let i = 0; i < 20; i += 1) {
      lesson.terminal.text = '';
      lesson.terminal.type('echo "@ $EPOCHREALTIME"; sleep 1000 &\n');
      await lesson.learner.until(passed, 'a green check');
      samples.push(Date.now() - Number(/@ (\d+\.\d+)/.exec(lesson.terminal.text)[1]) * 1000);
      lesson.terminal.type('kill %%; wait\n');
      await lesson.learner.until((l) => !passed(l), 'a red check');
    }
  } finally {
    await lesson.close();
  }
  return row(
    'check-green',
    'ms',
    samples,
    {},
    'fork in the sandbox → `steps` message with the green check',
  );
}

async function withLab(names) {
  const lab = await startLab();
  const rows = [];
  try {
    for (const name of names) {
      if (name in KINDS) rows.push(await kernelToDom(lab, name, KINDS[name]));
      if (name === 'page-ready') rows.push(await pageReady(lab));
      if (name === 'reset-step') rows.push(await resetStep(lab));
      if (name === 'check-green') rows.push(await checkGreen(lab));
    }
  } finally {
    await lab.stop();
  }
  return rows;
}

export const PAGE_BENCHES = [
  { names: [...Object.keys(KINDS), 'page-ready', 'reset-step', 'check-green'], run: withLab },
];
