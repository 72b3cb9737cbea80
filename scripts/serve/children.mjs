/**
 * The two processes that the supervisor keeps alive: the daemon (root) and the web process
 * (an unprivileged uid in a mount namespace of its own, where the checkout is read-only).
 */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { ROOT } from '../setup/paths.mjs';

/** The web process's uid and gid: unprivileged and used by nothing else; needs no account. */
export const WEB_ID = 61_310;
const LOG_BYTES = 16 * 1024 * 1024; // a log larger than this at start becomes NAME.old

/** Starts the daemon; see apps/daemon/src/options.ts for what it reads. */
export function startDaemon(settings, image, reduced) {
  const main = path.join(ROOT, 'apps/daemon/dist/main.js');
  // Without the supervisor nobody could stop it: it dies too, and the next start goes on from there.
  return spawn('setpriv', ['--pdeathsig', 'KILL', '--', process.execPath, main], {
    env: {
      ...process.env,
      ...settings,
      TERRARIUM_WEB_GID: String(WEB_ID),
      TERRARIUM_BASE_IMAGE: image.path,
      TERRARIUM_REDUCED: JSON.stringify(reduced),
    },
    stdio: ['ignore', 'ignore', logFile(settings, 'daemon')],
    detached: true, // Ctrl-C reaches the supervisor alone, which stops the parts in order
  });
}

/**
 * The checkout may lie where the web process's uid can't go (/root, a private home), and must
 * not be written by it: so it is bound read-only to RUN/web/app in a mount namespace that only
 * the web process has, together with the node binary.
 */
const ENTER = `set -e
mount --bind "$ROOT" "$RUN/web/app"; mount -o remount,bind,ro "$RUN/web/app"
touch "$RUN/web/node"; mount --bind "$NODE" "$RUN/web/node"
cd "$RUN/web/app"
exec setpriv --reuid=$ID --regid=$ID --clear-groups --no-new-privs --inh-caps=-all --bounding-set=-all \\
  --pdeathsig KILL "$RUN/web/node" apps/web/dist/server/main.js`;

/** Starts the web process. */
export function startWeb(settings) {
  const run = settings.TERRARIUM_RUN;
  fs.mkdirSync(path.join(run, 'web/app'), { recursive: true, mode: 0o755 });
  return spawn('unshare', ['--mount', '--propagation', 'private', '--', 'sh', '-c', ENTER], {
    env: {
      PATH: process.env.PATH,
      HOME: '/nonexistent',
      NODE_ENV: 'production',
      NEXT_TELEMETRY_DISABLED: '1',
      TERRARIUM_PORT: settings.TERRARIUM_PORT,
      TERRARIUM_HOST: settings.TERRARIUM_HOST,
      TERRARIUM_RUN: run,
      ROOT,
      RUN: run,
      NODE: process.execPath,
      ID: String(WEB_ID),
    },
    stdio: ['ignore', 'ignore', logFile(settings, 'web')],
    detached: true,
  });
}

/** Where a part's log is. */
export function logPath(settings, name) {
  return path.join(settings.TERRARIUM_STATE, 'logs', `${name}.log`);
}

function logFile(settings, name) {
  const file = logPath(settings, name);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  if ((fs.statSync(file, { throwIfNoEntry: false })?.size ?? 0) > LOG_BYTES)
    fs.renameSync(file, `${file}.old`);
  return fs.openSync(file, 'a');
}
