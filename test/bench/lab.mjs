/**
 * A lab of its own for benchmarks and load tests: started by scripts/start.mjs on temporary
 * state, run folder and port, with the machine's built images; stopped and removed at the end.
 */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { ROOT, readSettings } from '../../scripts/setup/paths.mjs';

/**
 * @param environment limits and other options of the daemon
 * @returns {Promise<{url: string, origin: string, token: string, run: string, state: string, pid: number, stop(): Promise<void>}>}
 */
export async function startLab(environment = {}) {
  const { settings } = readSettings([]);
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'terrarium-lab-'));
  fs.chmodSync(folder, 0o755);
  const run = path.join(folder, 'run');
  const state = path.join(folder, 'state');
  const port = await freePort();
  const child = spawn(process.execPath, [path.join(ROOT, 'scripts/start.mjs')], {
    env: {
      ...process.env,
      TERRARIUM_RUN: run,
      TERRARIUM_STATE: state,
      TERRARIUM_IMAGES: settings.TERRARIUM_IMAGES,
      TERRARIUM_PORT: String(port),
      TERRARIUM_HOST: '127.0.0.1',
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const url = await readyUrl(child);
  const stop = async () => {
    const ended = new Promise((resolve) => child.once('exit', resolve));
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGTERM');
      await ended;
    }
    fs.rmSync(folder, { recursive: true, force: true });
    return child.exitCode;
  };
  return {
    url,
    origin: new URL(url).origin,
    token: new URL(url).searchParams.get('token'),
    run,
    state,
    pid: child.pid,
    stop,
  };
}

function readyUrl(child) {
  return new Promise((resolve, reject) => {
    let said = '';
    const take = (chunk) => {
      said += chunk;
      const match = /^terrarium ready: (\S+)$/m.exec(said);
      if (match) resolve(match[1]);
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    child.once('exit', (code) =>
      reject(
        new Error(`the lab ended with status ${code} before it was ready: ${said.slice(-2000)}`),
      ),
    );
  });
}

/** A TCP port that was free a moment ago. */
export function freePort() {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}
