/** Finds the terminal host of a RUN directory or starts it, detached from this process. */

import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { TerminalHostClient } from './control-client.js';
import { CONTROL_VERSION, type HostStatus } from './control-protocol.js';
import { CONTROL_SOCKET, LOG_FILE } from './paths.js';

/** A Node process with its worker starts in 150 ms when idle; a busy, emulated machine may take this. */
const START_TIMEOUT_MS = 60_000;
const POLL_MS = 15;

export interface EnsureOptions {
  /** RUN directory */
  readonly run: string;
  /** group that may connect to terminals.sock: the web process's */
  readonly group?: number;
  /** open terminals per sandbox */
  readonly maxTerminals?: number;
  readonly launcher?: 'sandbox' | 'host';
}

export interface FoundHost {
  readonly client: TerminalHostClient;
  readonly status: HostStatus;
  /** false when it was there already: then `status` says which shells live */
  readonly started: boolean;
}

/**
 * Connects to the running terminal host; starts one when there is none.
 *
 * @throws Error when none answers in time, or when the running one speaks another version: ending
 * it ends shells, so that is the caller's decision
 */
export async function ensureTerminalHost(options: EnsureOptions): Promise<FoundHost> {
  const client = new TerminalHostClient(join(options.run, CONTROL_SOCKET));
  const running = await statusOf(client);
  if (running !== null) return { client, status: checked(running), started: false };
  start(options);
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (Date.now() < deadline) {
    await delay(POLL_MS);
    const status = await statusOf(client);
    if (status !== null) return { client, status: checked(status), started: true };
  }
  client.close();
  throw new Error(`terminal host did not start: see ${join(options.run, LOG_FILE)}`);
}

async function statusOf(client: TerminalHostClient): Promise<HostStatus | null> {
  try {
    return await client.status();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ECONNREFUSED' || code === 'ECONNRESET') return null;
    throw error;
  }
}

function checked(status: HostStatus): HostStatus {
  if (status.version === CONTROL_VERSION) return status;
  throw new Error(`terminal host ${status.pid} speaks version ${status.version}`);
}

function start(options: EnsureOptions): void {
  mkdirSync(options.run, { recursive: true });
  const log = openSync(join(options.run, LOG_FILE), 'a', 0o640);
  const main = fileURLToPath(new URL('./main.js', import.meta.url));
  const flags = ['--run', options.run, '--launcher', options.launcher ?? 'sandbox'];
  if (options.group !== undefined) flags.push('--group', String(options.group));
  if (options.maxTerminals !== undefined) {
    flags.push('--max-terminals', String(options.maxTerminals));
  }
  // detached = setsid: no signal of the daemon's terminal or process group reaches it.
  const child = spawn(process.execPath, [main, ...flags], {
    detached: true,
    stdio: ['ignore', log, log],
    cwd: '/',
  });
  child.unref();
  closeSync(log);
}
