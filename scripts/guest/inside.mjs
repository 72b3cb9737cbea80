/**
 * Runs in the guest, as root, in the checkout: the kernel suites there, then what they left behind.
 * Writes /job/results/report.json (vitest's) and /job/results/leftovers.json (a list of sentences).
 * Arguments go to vitest: files, and options such as -t.
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { kernelObjects, leftovers } from '../test/leftovers.mjs';

const RESULTS = '/job/results';
const LEFTOVER_WAIT_MS = 5_000 * Number(process.env.TERRARIUM_SLOW ?? 1);

const before = kernelObjects();
const ended = spawnSync(
  process.execPath,
  [
    'node_modules/vitest/vitest.mjs',
    'run',
    ...['--project', 'guest', '--project', 'integration', '--no-isolate'],
    ...['--reporter=default', '--reporter=json', `--outputFile.json=${RESULTS}/report.json`],
    ...process.argv.slice(2),
  ],
  { stdio: 'inherit', env: { ...process.env, CI: '1', NO_COLOR: '1' } },
);
const deadline = Date.now() + LEFTOVER_WAIT_MS;
let left = leftovers(before);
while (left.length > 0 && Date.now() < deadline) {
  await delay(100);
  left = leftovers(before);
}
fs.writeFileSync(`${RESULTS}/leftovers.json`, JSON.stringify(left));
for (const thing of left) console.log(`left behind: ${thing}`);
process.exit(ended.status ?? 1);
