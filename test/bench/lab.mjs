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
 * @param earlier folder and port of a lab that was ended and not removed, to go on with its state
 * @returns {Promise<{url: string, origin: string, token: string, folder: string, run: string, state: string, port: number, pid: number, readyMs: number, said(): string, end(signal?: string): Promise<number | null>, remove(): void, stop(): Promise<number | null>}>}
 */
export async function startLab(environment = {}, { folder = newFolder(), port } = {}) {
  port ??= await freePort();
  const { settings } = readSettings([]);
  const run = path.join(folder, 'run');
  const state = path.join(folder, 'state');
  const began = performance.now();
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
  // A hook that runs out of time has no lab yet to stop: it goes with the test's process.
  const leave = () => child.kill('SIGTERM');
  process.once('exit', leave);
  child.once('exit', () => process.off('exit', leave));
  let said = '';
  const url = await readyUrl(child, (text) => {
    said += text;
    return said;
  });
  const readyMs = performance.now() - began;
  const end = async (signal = 'SIGTERM') => {
    const ended = new Promise((resolve) => child.once('exit', resolve));
    if (child.exitCode === null && child.signalCode === null) {
      child.kill(signal);
      await ended;
    }
    return child.exitCode;
  };
  const remove = () => fs.rmSync(folder, { recursive: true, force: true });
  const stop = async () => {
    const code = await end();
    remove();
    return code;
  };
  return {
    url,
    origin: new URL(url).origin,
    token: new URL(url).searchParams.get('token'),
    folder,
    run,
    state,
    port,
    pid: child.pid,
    readyMs,
    said: () => said,
    end,
    remove,
    stop,
  };
}

function newFolder() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'terrarium-lab-'));
  fs.chmodSync(folder, 0o755);
  return folder;
}

function readyUrl(child, add) {
  return new Promise((resolve, reject) => {
    let said = '';
    const take = (chunk) => {
      said = add(String(chunk));
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
