/**
 * The whole lab for a test file: `npm start`'s own script, with a state folder, sockets and a port
 * of its own, so that nothing of a running Terrarium is touched. Stopped by SIGTERM, which must
 * end it with status 0.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { findChromium } from '../../../apps/cli/src/walk/browser.js';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
/** Set-up has been done by npm test; this is the start of two processes on a busy machine, ms. */
const START_MS = 120_000;

export interface RunningLab {
  /** the invitation, with its token */
  readonly url: string;
  /** RUN and STATE of this lab */
  readonly run: string;
  readonly state: string;
  /** the page's origin, without the token */
  readonly origin: string;
  /** what the daemon has logged */
  log(): string;
  stop(): Promise<void>;
}

/** Why the page cannot be tested here; null when it can. */
export function missing(): string | null {
  if (process.getuid?.() !== 0) return 'root';
  if (findChromium() === null) return 'chromium';
  return null;
}

/** Starts a lab. @throws with its output when it does not become ready */
export async function startLab(): Promise<RunningLab> {
  const dir = mkdtempSync(join(tmpdir(), 'terrarium-e2e-'));
  chmodSync(dir, 0o755); // the web process is nobody in particular and must reach RUN
  const [run, state] = [join(dir, 'run'), join(dir, 'state')];
  const images = process.env['TERRARIUM_IMAGES'] ?? '/var/lib/terrarium/images';
  const child = spawn(process.execPath, [join(ROOT, 'scripts/start.mjs')], {
    cwd: ROOT,
    env: {
      ...process.env,
      TERRARIUM_RUN: run,
      TERRARIUM_STATE: state,
      TERRARIUM_IMAGES: images,
      TERRARIUM_PORT: String(await freePort()),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const url = await ready(child);
  const log = join(state, 'logs', 'daemon.log');
  return {
    url,
    run,
    state,
    origin: new URL(url).origin,
    log: () => readFileSync(log, 'utf8'),
    stop: async () => {
      child.kill('SIGTERM');
      const [code] = child.exitCode === null ? await once(child, 'exit') : [child.exitCode];
      rmSync(dir, { recursive: true, force: true });
      if (code !== 0) throw new Error(`the lab ended with status ${code}`);
    },
  };
}

function ready(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    const said: string[] = [];
    const late = setTimeout(() => {
      child.kill('SIGTERM');
      reject(new Error(`the lab was not ready in ${START_MS / 1000} s:\n${said.join('\n')}`));
    }, START_MS);
    for (const stream of [child.stdout, child.stderr]) {
      if (stream === null) continue;
      createInterface({ input: stream }).on('line', (line) => {
        said.push(line);
        const url = /^terrarium ready: (\S+)$/.exec(line)?.[1];
        if (url === undefined) return;
        clearTimeout(late);
        resolve(url);
      });
    }
    child.once('exit', (code) => {
      clearTimeout(late);
      reject(new Error(`the lab ended with status ${code}:\n${said.join('\n')}`));
    });
  });
}

/** A port that nobody listens on at the moment. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no TCP address');
  return address.port;
}
