/**
 * Runs the set-up under two locks (the checkout's and the state folder's), so that two starts at
 * once build everything once. Called by start.mjs and test.mjs as a child: `flock` holds a lock
 * for exactly as long as its command lives, even when that is killed.
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { START_PACKAGES, TEST_PACKAGES } from './debian.mjs';
import { ROOT } from './paths.mjs';
import { runSteps } from './progress.mjs';
import { setupSteps } from './steps.mjs';

const self = fileURLToPath(import.meta.url);

/** Runs the set-up to its end in a child process. @throws Error when a step failed */
export function setUp(settings, forTests = false) {
  fs.mkdirSync(settings.TERRARIUM_STATE, { recursive: true, mode: 0o755 });
  fs.mkdirSync(settings.TERRARIUM_IMAGES, { recursive: true, mode: 0o755 });
  const locks = [
    path.join(ROOT, '.setup.lock'),
    path.join(settings.TERRARIUM_IMAGES, '.setup.lock'),
  ];
  const inner = [process.execPath, self, JSON.stringify(settings), forTests ? 'tests' : 'start'];
  const command = [...locks.flatMap((lock) => ['flock', '--exclusive', lock]), ...inner];
  const busy = spawnSync('flock', ['--exclusive', '--nonblock', locks[0], 'true']);
  if (busy.error) throw new Error('flock: not found; it is part of the Debian package util-linux');
  if (busy.status !== 0)
    console.log('Another set-up is running in this checkout: waiting for it to end');
  const ended = spawnSync(command[0], command.slice(1), { stdio: 'inherit' });
  if (ended.status !== 0)
    throw new Error(
      'set-up did not finish; what is done stays done, so run it again when the cause is gone',
    );
}

if (process.argv[1] === self) {
  const settings = JSON.parse(process.argv[2]);
  const packages =
    process.argv[3] === 'tests' ? [...START_PACKAGES, ...TEST_PACKAGES] : START_PACKAGES;
  try {
    await runSteps(
      setupSteps(settings, packages),
      path.join(settings.TERRARIUM_STATE, 'setup.log'),
    );
  } catch (error) {
    console.error(`terrarium: ${error.message}`);
    process.exit(1);
  }
}
