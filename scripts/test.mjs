/**
 * `npm test`: sets up what is missing (Chromium included), runs every suite, and closes with the
 * one line `N passed, N failed, N skipped`. `-- --only NAME,NAME` runs some suites.
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { runGuestSuite } from './guest/suite.mjs';
import { becomeRoot } from './setup/become-root.mjs';
import { setUp } from './setup/main.mjs';
import { ROOT, readSettings } from './setup/paths.mjs';
import { kernelObjects, leftovers } from './test/leftovers.mjs';

const VITEST_SUITES = ['unit', 'integration', 'lessons', 'e2e'];
const WHY_LINES = 15;
const WHY_WIDTH = 400;
const BRIEF_WIDTH = 160; // of the test's name, and of what it said: the line before the totals
const LEFTOVER_WAIT_MS = 5_000; // processes of the last test may still be ending

/** Totals of one suite. */
const count = (passed, failed, skipped, failures = []) => ({ passed, failed, skipped, failures });

/** Formatting, lint and the lessons' own lint: each is one test. */
function runChecks() {
  const checks = [
    ['format and lint', 'npx', ['biome', 'check', '--error-on-warnings', '.']],
    ['lesson lint', process.execPath, ['apps/cli/dist/main.js', 'lesson', 'lint']],
  ];
  return checks.map(([name, command, args]) => {
    const ended = spawnSync(command, args, { cwd: ROOT, stdio: ['ignore', 'inherit', 'inherit'] });
    return ended.status === 0 ? count(1, 0, 0) : count(0, 1, 0, [name]);
  });
}

/** What the assertions said, without their stacks: the end of a log is the part that people keep. */
const why = (messages) =>
  messages
    .flatMap((message) => message.split('\n').filter((line) => !/^\s+at /.test(line)))
    .slice(0, WHY_LINES)
    .map((line) => `    ${line.slice(0, WHY_WIDTH)}`)
    .join('\n');

/** A failure in two lines at most: where only the very end of a log is kept, all of them fit. */
const inBrief = (failure) =>
  `failed: ${failure
    .split('\n')
    .slice(0, 2)
    .map((line) => line.trim().slice(0, BRIEF_WIDTH))
    .join(' · ')}`;

/** Runs one vitest project; a suite that crashed without a report counts as one failure. */
function runVitest(project, env) {
  const report = path.join(
    fs.mkdtempSync(path.join(os.tmpdir(), 'terrarium-test-')),
    'report.json',
  );
  spawnSync(
    'npx',
    [
      'vitest',
      'run',
      '--project',
      project,
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${report}`,
      '--passWithNoTests=false',
    ],
    { cwd: ROOT, stdio: ['ignore', 'inherit', 'inherit'], env: { ...process.env, ...env } },
  );
  if (!fs.existsSync(report)) return count(0, 1, 0, [`${project}: no report`]);
  const result = JSON.parse(fs.readFileSync(report, 'utf8'));
  fs.rmSync(path.dirname(report), { recursive: true });
  return countReport(result);
}

/** Totals of vitest's report. @param where put before the names of what failed or was skipped */
function countReport(result, where = '') {
  const failures = [];
  let [passed, failed, skipped] = [0, 0, 0];
  for (const file of result.testResults) {
    if (file.assertionResults.length === 0) {
      failed += 1;
      failures.push(`${where}${file.name}: ${file.message || 'ran no test'}`);
    }
    for (const test of file.assertionResults) {
      if (test.status === 'passed') passed += 1;
      else if (test.status === 'failed') {
        failed += 1;
        failures.push(
          `${where}${path.relative(ROOT, file.name)}: ${test.fullName}\n${why(test.failureMessages)}`,
        );
      } else if (/missing: \S/.test(test.fullName)) {
        skipped += 1;
        console.log(`skipped: ${where}${test.fullName}`);
      } else {
        failed += 1; // a skip must name what is missing
        failures.push(
          `${where}${path.relative(ROOT, file.name)}: ${test.fullName}: skipped without naming what is missing`,
        );
      }
    }
  }
  return count(passed, failed, skipped, failures);
}

/** The kernel suites in the guest (scripts/guest): cgroup v2 alone, Debian's kernel. */
async function runGuest(settings) {
  const { lack, report, left = [] } = await runGuestSuite(settings);
  if (lack !== undefined) {
    console.log(`skipped: guest (missing: ${lack})`);
    return [count(0, 0, 1)];
  }
  if (report === null) return [count(0, 1, 0, ['guest: no report'])];
  const remains = left.map((thing) => `guest: left behind: ${thing}`);
  return [
    countReport(report, 'guest: '),
    remains.length === 0 ? count(1, 0, 0) : count(0, 1, 0, remains),
  ];
}

/** The run itself is a test: the kernel holds what it held before. */
async function runLeftovers(before) {
  const deadline = Date.now() + LEFTOVER_WAIT_MS;
  let left = leftovers(before);
  while (left.length > 0 && Date.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    left = leftovers(before);
  }
  return left.length === 0
    ? count(1, 0, 0)
    : count(
        0,
        1,
        0,
        left.map((thing) => `left behind: ${thing}`),
      );
}

async function main() {
  const { settings, values } = readSettings(process.argv.slice(2), { only: { type: 'string' } });
  becomeRoot(fileURLToPath(import.meta.url), process.argv.slice(2));
  setUp(settings, true);
  const only = values.only?.split(',');
  const wanted = (name) => only === undefined || only.includes(name);
  const before = kernelObjects();
  const results = [];
  if (wanted('checks')) results.push(...runChecks());
  for (const project of VITEST_SUITES)
    if (wanted(project)) results.push(runVitest(project, settings));
  if (wanted('guest')) results.push(...(await runGuest(settings)));
  results.push(await runLeftovers(before));
  const sum = (key) => results.reduce((total, result) => total + result[key], 0);
  const failures = results.flatMap((result) => result.failures);
  for (const failure of failures) console.log(`failed: ${failure}`);
  if (failures.length > 0) console.log(`\n${failures.map(inBrief).join('\n')}`);
  console.log(`${sum('passed')} passed, ${sum('failed')} failed, ${sum('skipped')} skipped`);
  process.exit(sum('failed') === 0 ? 0 : 1);
}

main().catch((error) => {
  console.error(`terrarium: ${error.message}`);
  console.log('0 passed, 1 failed, 0 skipped');
  process.exit(1);
});
