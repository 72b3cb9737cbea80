/**
 * Runs other people's runtimes and times them, in a mount namespace of its own without the v2
 * hierarchy: crun refuses a machine where controllers of v1 and v2 are mixed, and sees only v1 here.
 * Asked line by line: `COUNT COMMAND [ARGUMENT…]` as JSON; answers milliseconds as JSON.
 */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import readline from 'node:readline';
import { openPtyPeer, unlockPty } from '../../../packages/syscall/dist/index.js';

const master = fs.openSync('/dev/ptmx', fs.constants.O_RDWR | fs.constants.O_NOCTTY);
unlockPty(master);
const slave = openPtyPeer(master); // a console needs a terminal to be copied to

function once([command, ...args], terminal) {
  return new Promise((resolve) => {
    const started = performance.now();
    const stdio = terminal ? [slave, slave, slave] : ['ignore', 'ignore', 'pipe'];
    const child = spawn(command, args, { stdio });
    let said = '';
    child.stderr?.on('data', (chunk) => {
      said += chunk;
    });
    child.once('error', (error) => resolve({ ms: 0, status: 127, said: error.message }));
    child.once('exit', (status) => resolve({ ms: performance.now() - started, status, said }));
  });
}

for await (const line of readline.createInterface({ input: process.stdin })) {
  const { commands, terminal } = JSON.parse(line);
  const started = performance.now();
  const results = await Promise.all(commands.map((command) => once(command, terminal)));
  const failed = results.find(({ status }) => status !== 0);
  process.stdout.write(
    `${JSON.stringify({ ms: performance.now() - started, each: results.map(({ ms }) => ms), failed })}\n`,
  );
}
process.exit(0);
