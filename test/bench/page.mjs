/**
 * What a learner waits for, measured in a real Chromium: the page, a kernel change in the DOM, a
 * green check, a reset step. The cause's time is taken in the sandbox itself (bash's
 * EPOCHREALTIME just before the fork), the effect's in the page (a MutationObserver), on one clock.
 */
import { LESSON, launchBrowser, openLesson } from './browser.mjs';
import { startLab } from './lab.mjs';
import { join } from './learner.mjs';
import { row } from './statistics.mjs';

const CHANGES = 60;

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
 * @param prepare typed before the first change; `prepared` is what the tree then shows
 */
async function kernelToDom(lab, name, { tab, tree, pattern, command, prepare, prepared }) {
  const lesson = await openLesson(lab);
  try {
    await lesson.page.getByRole('tab', { name: tab }).click();
    await lesson.page.getByRole('tree', { name: tree }).waitFor();
    if (prepare !== undefined) {
      lesson.terminal.type(`${prepare}\n`);
      await lesson.page.getByRole('tree', { name: tree }).getByText(prepared).first().waitFor();
    }
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
  // Alive until the end: an inode that is free again is given to the next namespace at once. Its name
  // is read when all is over: a loop that asks would be a storm of forks beside the one change.
  'kernel-to-dom.namespace': {
    tab: 'Namespaces',
    tree: 'Namespaces',
    pattern: 'uts:\\[(\\d+)\\]',
    command:
      'T=$EPOCHREALTIME; unshare --uts sleep 60 & sleep 0.3; K=$(readlink /proc/$!/ns/uts | tr -dc 0-9)',
  },
  // A mount with a number in its name, over and over.
  'kernel-to-dom.mount': {
    tab: 'Mounts',
    tree: 'Mounts',
    pattern: 'm(\\d+)new',
    prepare: 'mkdir -p /lab; for i in $(seq 100); do mkdir -p /lab/m"$i"new; done',
    prepared: '/',
    command: 'K=$i; T=$EPOCHREALTIME; mount -t tmpfs bench /lab/m"$i"new',
  },
  // A file written into the merged directory, in the upper layer's part of the stack.
  'kernel-to-dom.layer': {
    tab: 'Layers',
    tree: 'Layers',
    pattern: '\\bf(\\d+)new',
    prepare:
      'mkdir -p /lab/l /lab/u /lab/w /lab/m; mount -t overlay bench -o lowerdir=/lab/l,upperdir=/lab/u,workdir=/lab/w /lab/m',
    prepared: '/lab/u',
    command: 'K=$i; T=$EPOCHREALTIME; : > /lab/m/f$i',
  },
  // A process that is there already is moved into a group: its row in that group.
  'kernel-to-dom.cgroup': {
    tab: 'Cgroups',
    tree: 'Cgroups',
    pattern: 'sleep(\\d+)60, in /bench',
    prepare: 'D=/sys/fs/cgroup/pids; [ -d $D ] || D=/sys/fs/cgroup; mkdir $D/bench',
    prepared: 'bench',
    command: 'sleep 60 & K=$!; sleep 0.1; T=$EPOCHREALTIME; echo $K > $D/bench/cgroup.procs',
  },
  // A bridge with a number in its name; ip(8)'s own start and end are in it.
  'kernel-to-dom.network': {
    tab: 'Network',
    tree: 'Network',
    pattern: '\\bn(\\d+)new',
    command: 'K=$i; T=$EPOCHREALTIME; ip link add "n"$i"new" type bridge',
  },
};

/** Fresh browsers, each with an empty cache and a session whose sandbox is yet to be made. */
const FIRST_LOADS = 10;
/** Ends every prompt of the sandbox's bash: from here on it can be typed into. */
const PROMPT = '\x1b]133;B\x07';

/**
 * Navigation → a prompt that was drawn and a first view with rows in it, as a newcomer waits for it.
 * The bytes of JavaScript are what went over the wire until then, compressed.
 */
async function firstLoad(lab, browser) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  try {
    const [name, ...value] = (await join(lab)).split('=');
    await context.addCookies([{ name, value: value.join('='), url: lab.origin }]);
    const page = await context.newPage();
    const script = await countScripts(page);
    let prompted;
    const prompt = new Promise((resolve) => {
      prompted = resolve;
    });
    page.on('websocket', (socket) => {
      if (!socket.url().includes('/api/terminals/')) return;
      socket.on('framereceived', ({ payload }) => {
        if (payload.includes(PROMPT)) prompted();
      });
    });
    const started = performance.now();
    await page.goto(`${lab.origin}/en/${LESSON}`, { waitUntil: 'commit' });
    await Promise.all([
      prompt,
      page.waitForSelector('html[data-terrarium-ready]', { state: 'attached' }),
      page.waitForSelector('.stage [role=treeitem]', { state: 'attached' }),
    ]);
    return { ms: performance.now() - started, kilobytes: script.bytes() / 1000 };
  } finally {
    await context.close();
  }
}

/** Counts what each script took on the wire, headers included. */
async function countScripts(page) {
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('Network.enable');
  const scripts = new Map();
  devtools.on('Network.responseReceived', ({ requestId, type }) => {
    if (type === 'Script') scripts.set(requestId, 0);
  });
  devtools.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
    if (scripts.has(requestId)) scripts.set(requestId, encodedDataLength);
  });
  return { bytes: () => [...scripts.values()].reduce((sum, bytes) => sum + bytes, 0) };
}

async function pageReady(lab, names) {
  const browser = await launchBrowser();
  const loads = [];
  try {
    for (let i = 0; i < FIRST_LOADS; i += 1) loads.push(await firstLoad(lab, browser));
  } finally {
    await browser.close();
  }
  const times = loads.map(({ ms }) => ms);
  const sizes = loads.map(({ kilobytes }) => kilobytes);
  const rows = {
    'page-ready': () =>
      row(
        'page-ready',
        'ms',
        times,
        {},
        'first load, empty cache, sandbox yet to be made → prompt and first view',
      ),
    'page-js': () =>
      row('page-js', 'kB', sizes, {}, 'compressed JavaScript of a lesson page; the bar is 450'),
  };
  return names.filter((name) => name in rows).map((name) => rows[name]());
}

/** What the step's setup leads to: a shell in a PID namespace of its own. */
const RESET_STEP = 'fresh-proc';

/** The sandbox keeps its id through a reset; its first process is another one. */
function isSetUp({ sandbox, processes }, oldInit) {
  if (sandbox === null || sandbox.init === oldInit) return false;
  return Object.values(processes).some(
    ({ comm, namespaces }) => comm === 'sh' && namespaces.pid !== sandbox.namespaces.pid,
  );
}

async function resetStep(lab) {
  const lesson = await openLesson(lab);
  const samples = [];
  try {
    for (let i = 0; i < 20; i += 1) {
      const old = lesson.learner.state.sandbox?.init;
      const started = performance.now();
      lesson.learner.live.send({ type: 'step.reset', lesson: LESSON, step: RESET_STEP });
      await lesson.learner.until((l) => isSetUp(l.state, old), 'the new sandbox, set up');
      samples.push(performance.now() - started);
      await lesson.learner.until((l) => l.sandbox === 'running', 'the end of the reset');
    }
  } finally {
    await lesson.close();
  }
  return row(
    'reset-step',
    'ms',
    samples,
    {},
    'message → new sandbox, shells open, what `setup` types done and seen',
  );
}

/** In the page: notes when the step's row turns green. */
function watchStep(step) {
  const item = document.querySelector(`.step[data-step="${step}"]`);
  window.terrariumGreen = [];
  let green = item.dataset.passed === 'true';
  new MutationObserver(() => {
    const now = item.dataset.passed === 'true';
    if (now && !green) window.terrariumGreen.push(Date.now());
    green = now;
  }).observe(item, { attributes: true, attributeFilter: ['data-passed'] });
}

async function checkGreen(lab) {
  const lesson = await openLesson(lab);
  const samples = [];
  const step = 'ordinary-process';
  const isGreen = (wanted) =>
    lesson.page.waitForSelector(`.step[data-step="${step}"][data-passed="${wanted}"]`, {
      state: 'attached',
    });
  try {
    await lesson.page.evaluate(watchStep, step);
    for (let i = 0; i < 30; i += 1) {
      lesson.terminal.text = '';
      lesson.terminal.type('echo "@ $EPOCHREALTIME"; sleep 1000 &\n');
      await isGreen(true);
      await lesson.terminal.until(/@ \d+\.\d+/);
      const cause = Number(/@ (\d+\.\d+)/.exec(lesson.terminal.text)[1]) * 1000;
      const green = await lesson.page.evaluate(() => window.terrariumGreen.at(-1));
      samples.push(green - cause);
      lesson.terminal.type('kill %%; wait\n');
      await isGreen(false);
    }
  } finally {
    await lesson.close();
  }
  return row(
    'check-green',
    'ms',
    samples,
    {},
    'fork in the sandbox → the step is green on the page',
  );
}

async function withLab(names) {
  const lab = await startLab();
  const rows = [];
  try {
    const loading = names.filter((name) => name === 'page-ready' || name === 'page-js');
    if (loading.length > 0) rows.push(...(await pageReady(lab, loading)));
    for (const name of names) {
      if (name in KINDS) rows.push(await kernelToDom(lab, name, KINDS[name]));
      if (name === 'reset-step') rows.push(await resetStep(lab));
      if (name === 'check-green') rows.push(await checkGreen(lab));
    }
  } finally {
    await lab.stop();
  }
  return rows;
}

export const PAGE_BENCHES = [
  {
    names: [...Object.keys(KINDS), 'page-ready', 'page-js', 'reset-step', 'check-green'],
    run: withLab,
  },
];
