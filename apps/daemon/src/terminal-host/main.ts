/**
 * The terminal host: a process of its own that holds every pty, so that neither a page's reload
 * nor the daemon's end, by whatever signal, ends a shell.
 *
 * Started by the daemon (spawn.ts) as host root in its own session; one for each RUN directory,
 * held by a lock. Ends at SIGTERM or when the daemon asks for it.
 *
 *   node dist/terminal-host/main.js --run DIR [--group GID] [--max-terminals N] [--launcher host]
 */

import { chmodSync, chownSync, mkdirSync, openSync, unlinkSync } from 'node:fs';
import type { Server } from 'node:http';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { tryLock } from '@terrarium/syscall';
import { pino } from 'pino';
import { createControlServer } from './control-server.js';
import { HostLauncher, type ShellLauncher } from './launcher.js';
import { Mirrors } from './mirrors.js';
import { CONTROL_SOCKET, LOCK_FILE, TERMINAL_SOCKET } from './paths.js';
import { SandboxLauncher } from './sandbox-launcher.js';
import { TerminalHost } from './terminal-host.js';
import { createTerminalServer } from './terminal-server.js';

/** Exit status when another terminal host serves this RUN directory. */
const EXIT_LOCKED = 75; // EX_TEMPFAIL

const { values: flags } = parseArgs({
  options: {
    run: { type: 'string' },
    group: { type: 'string' },
    'max-terminals': { type: 'string', default: '8' },
    launcher: { type: 'string', default: 'sandbox' },
  },
});
const log = pino({ base: { process: 'terminal-host', pid: process.pid } });
const run = flags.run;
if (run === undefined) {
  process.stderr.write('terminal host: --run DIR is missing\n');
  process.exit(2);
}
await serve(run);

async function serve(runDir: string): Promise<void> {
  mkdirSync(runDir, { recursive: true });
  // The lock lives as long as this process; its fd is never closed.
  if (!tryLock(openSync(join(runDir, LOCK_FILE), 'w', 0o600))) {
    process.stderr.write(`terminal host: another one serves ${runDir}\n`);
    process.exit(EXIT_LOCKED);
  }
  const mirrors = new Mirrors();
  const launcher = await makeLauncher();
  const host = new TerminalHost({
    mirrors,
    launcher,
    maxTerminals: Number(flags['max-terminals']),
  });
  const terminals = createTerminalServer(host);
  const control = createControlServer(host, () => shutdown());
  await listen(terminals.http, join(runDir, TERMINAL_SOCKET), 0o660, groupOf());
  await listen(control, join(runDir, CONTROL_SOCKET), 0o600, null);
  log.info({ run: runDir }, 'ready');

  let ending = false;
  function shutdown(): void {
    if (ending) return;
    ending = true;
    log.info('ends');
    host.close();
    terminals.close();
    control.close();
    control.closeAllConnections();
    // Close frames and hang-ups get a moment; then nothing holds the process.
    setTimeout(() => {
      void launcher.close().finally(() => process.exit(0));
    }, 50);
  }
  process.on('SIGTERM', shutdown);
  // A terminal's Ctrl-C is for the daemon in the foreground, not for the shells behind it.
  process.on('SIGINT', () => {});
  process.on('SIGHUP', () => {});
  mirrors.onFailure((error) => {
    log.fatal({ error: error.message }, 'mirror thread failed');
    process.exit(1);
  });
}

async function makeLauncher(): Promise<ShellLauncher> {
  if (flags.launcher === 'host') return new HostLauncher();
  return SandboxLauncher.start((error) => log.error({ error: error.message }, 'player ended'));
}

function groupOf(): number | null {
  return flags.group === undefined ? null : Number(flags.group);
}

/** Listens with the mode set before anybody can connect. The lock is held: what is there is stale. */
function listen(server: Server, path: string, mode: number, group: number | null): Promise<void> {
  try {
    unlinkSync(path);
  } catch {
    // ENOENT: the usual case
  }
  const before = process.umask(0o177);
  return new Promise((resolve, reject) => {
    server.on('error', reject);
    server.listen(path, () => {
      process.umask(before);
      if (group !== null) chownSync(path, 0, group);
      chmodSync(path, mode);
      resolve();
    });
  });
}
