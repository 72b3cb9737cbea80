/**
 * Progress of the set-up: one line a step, with the elapsed seconds; the commands' own output
 * goes to a log, of which the end is shown when a step fails.
 */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const TTY = process.stdout.isTTY === true;

/** Runs the steps that are not done yet; each is {name, why, done(): boolean|Promise, run(tools)}. */
export async function runSteps(steps, logFile) {
  fs.mkdirSync(path.dirname(logFile), { recursive: true });
  const todo = [];
  for (const step of steps) if (!(await step.done())) todo.push(step);
  if (todo.length === 0) return;
  console.log(
    `Setting up what is missing (${todo.length} of ${steps.length} steps; log: ${logFile})`,
  );
  for (const [index, step] of todo.entries())
    await runStep(step, `${index + 1}/${todo.length}`, logFile);
}

async function runStep(step, place, logFile) {
  const started = Date.now();
  const line = (mark, rest = '') => `  ${mark} ${place} ${step.name}${rest}`;
  const seconds = () => ((Date.now() - started) / 1000).toFixed(0);
  let last = '';
  const draw = () =>
    process.stdout.write(
      `\r\x1b[K${line('·', ` … ${seconds()} s  \x1b[2m${last.slice(0, 60)}\x1b[0m`)}`,
    );
  const timer = TTY
    ? setInterval(draw, 200)
    : setInterval(() => console.log(line('·', ` … ${seconds()} s`)), 15_000);
  if (!TTY) console.log(line('·', ` (${step.why})`));
  const offset = fs.existsSync(logFile) ? fs.statSync(logFile).size : 0;
  try {
    const note = await step.run({
      run: (command, args, options) =>
        run(command, args, {
          ...options,
          logFile,
          onLine: (text) => {
            last = text;
          },
        }),
    });
    clearInterval(timer);
    if (TTY) process.stdout.write('\r\x1b[K');
    console.log(line('✓', ` (${seconds()} s)${note ? `: ${note}` : ''}`));
  } catch (error) {
    clearInterval(timer);
    if (TTY) process.stdout.write('\r\x1b[K');
    console.error(line('✗', ` after ${seconds()} s`));
    const log = fs.existsSync(logFile) ? fs.readFileSync(logFile).subarray(offset).toString() : '';
    console.error(
      log
        .trimEnd()
        .split('\n')
        .slice(-15)
        .map((text) => `      ${text}`)
        .join('\n'),
    );
    throw new Error(`${step.name}: ${error.message}`, { cause: error });
  }
}

/**
 * Runs one command to its end, output to the log.
 *
 * @param options.asOwner {uid, gid} to run as; HOME is set to a writable folder then
 * @param options.name what errors call it, where the command is only a wrapper
 * @throws Error naming the command and its status
 */
export function run(command, args, { logFile, cwd, env, asOwner, onLine, name } = {}) {
  return new Promise((resolve, reject) => {
    const log = fs.openSync(logFile, 'a');
    fs.writeSync(log, `\n$ ${command} ${args.join(' ')}\n`);
    const identity =
      asOwner && asOwner.uid !== process.getuid() ? { uid: asOwner.uid, gid: asOwner.gid } : {};
    const home = identity.uid === undefined ? {} : { HOME: homeOf(identity.uid) };
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...home, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      ...identity,
    });
    const take = (chunk) => {
      fs.writeSync(log, chunk);
      const text = chunk.toString().trim().split('\n').at(-1)?.trim();
      if (text) onLine?.(text);
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    child.on('error', (error) => {
      fs.closeSync(log);
      reject(new Error(`${command}: ${error.code === 'ENOENT' ? 'not found' : error.message}`));
    });
    child.on('close', (code, signal) => {
      fs.closeSync(log);
      if (code === 0) resolve();
      else
        reject(
          new Error(
            `${name ?? `${command} ${args.slice(0, 3).join(' ')}`} ended with ${signal ?? `status ${code}`}`,
          ),
        );
    });
  });
}

/** The home folder that /etc/passwd names, or the temporary folder. */
function homeOf(uid) {
  const row = fs
    .readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((text) => text.split(':'))
    .find((fields) => Number(fields[2]) === uid);
  return row?.[5] && fs.existsSync(row[5]) ? row[5] : os.tmpdir();
}
