/**
 * Builds the player: packages/syscall/build/player, or build/player-asan with --sanitize.
 * Run by `npm start` and the tests, as any user; needs gcc. With musl-gcc the result is a static
 * binary of about 50 KB, with glibc of about 800 KB; both work. A stamp beside the binary holds the
 * hash of source and command, so that a second call costs a few milliseconds.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const HERE = dirname(fileURLToPath(import.meta.url));
const SOURCE = join(HERE, 'player.c');
const BUILD = join(HERE, '..', 'build');
const MAX_BYTES = 1024 * 1024; // each init of a sandbox maps it; a larger one means a wrong link

/**
 * Compiles the player when its source or command changed.
 *
 * @param {{ sanitize?: boolean }} [options] sanitize: with ASan and UBSan, for tests
 * @returns {string} absolute path of the binary
 * @throws Error with the compiler's words, or a sentence that names the missing compiler
 */
export function buildPlayer({ sanitize = false } = {}) {
  const output = join(BUILD, sanitize ? 'player-asan' : 'player');
  const [compiler, ...options] = commandFor(sanitize);
  const stamp = `${output}.stamp`;
  const hash = createHash('sha256')
    .update(readFileSync(SOURCE))
    .update([compiler, ...options, process.arch].join(' '))
    .digest('hex');
  if (existsSync(output) && existsSync(stamp) && readFileSync(stamp, 'utf8') === hash)
    return output;
  mkdirSync(BUILD, { recursive: true });
  const fresh = `${output}.${process.pid}`; // then renamed: a running player keeps its old file
  execFileSync(compiler, [...options, '-o', fresh, SOURCE], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (!sanitize && statSync(fresh).size > MAX_BYTES) {
    throw new Error(`player has ${statSync(fresh).size} bytes, more than ${MAX_BYTES}`);
  }
  renameSync(fresh, output);
  writeFileSync(stamp, hash);
  return output;
}

/** @param {boolean} sanitize */
function commandFor(sanitize) {
  const common = ['-std=c11', '-Wall', '-Wextra', '-Werror'];
  if (sanitize) {
    requireCompiler('gcc');
    return [
      'gcc',
      ...common,
      '-O1',
      '-g',
      '-fsanitize=address,undefined',
      '-fno-sanitize-recover=all',
    ];
  }
  const musl = hasCompiler('musl-gcc');
  if (!musl) requireCompiler('gcc');
  return [musl ? 'musl-gcc' : 'gcc', ...common, '-O2', '-static', '-s'];
}

/** @param {string} name */
function requireCompiler(name) {
  if (!hasCompiler(name))
    throw new Error(`building the player needs ${name}: apt-get install gcc libc6-dev`);
}

/** @param {string} name */
function hasCompiler(name) {
  return (process.env['PATH'] ?? '').split(':').some((folder) => existsSync(join(folder, name)));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  console.log(buildPlayer({ sanitize: process.argv.includes('--sanitize') }));
}
