/**
 * Keeps daemon and web process running until SIGINT or SIGTERM, then stops them in order.
 * A part that dies is started again, sooner the longer it had lived. Runs as root in the
 * foreground; learners' shells do not depend on it.
 */
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import path from 'node:path';
import { logPath, startDaemon, startWeb } from './children.mjs';

const READY_MS = 30_000; // daemon and web process take about 2 s together
const STOP_MS = 20_000; // longest clean stop before SIGKILL: 40 sandboxes are deleted meanwhile
const STOP_ATTEMPTS = 2; // a daemon that is dead, or dies on its way, is started once more to clean up
const STEADY_MS = 2_000; // a part that lived this long did start: it is restarted at once
const BACK_OFF_MS = [100, 200, 500, 1_000, 2_000];

/**
 * Takes the instance's name, so that a second start on the same RUN says so instead of fighting.
 * An abstract unix socket: the kernel frees it when this process ends, however it ends.
 */
export function claimInstance(run) {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.once('error', (error) => {
      const url = readIfThere(path.join(run, 'url'));
      reject(
        new Error(
          error.code === 'EADDRINUSE'
            ? `already running on ${run}${url ? `: ${url}` : ''}; stop it first, or give another --run, --state and --port`
            : error.message,
        ),
      );
    });
    server.listen(`\0terrarium:${run}`, () => {
      server.unref();
      resolve(server);
    });
  });
}

/**
 * Makes sure that the page can have its port: the web process itself could only fail again and again.
 *
 * @throws one sentence when something else listens there
 */
export function checkPort(host, port) {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.once('error', (error) => {
      const what = `cannot listen on ${host}:${port}`;
      reject(
        new Error(
          error.code === 'EADDRINUSE'
            ? `${what}: something else does already; give another --port`
            : `${what}: ${error.message}`,
        ),
      );
    });
    server.listen(Number(port), host, () => server.close(resolve));
  });
}

/** A child with its restarts. */
class Part {
  /**
   * @param socket where it answers once it can be stopped, if something is left behind when it
   *   does not stop by itself; null for a part that may end anyhow
   */
  constructor(name, start, log, socket = null) {
    this.name = name;
    this.start = start;
    this.log = log;
    this.socket = socket;
    this.stopping = false;
    this.failures = 0;
  }

  get hasEnded() {
    const { pid, exitCode, signalCode } = this.child;
    return pid === undefined || exitCode !== null || signalCode !== null;
  }

  run() {
    const born = Date.now();
    this.child = this.start();
    this.ended = new Promise((resolve) => {
      this.child.once('error', (error) => {
        console.error(`terrarium: ${this.name}: ${error.message}`);
        resolve();
      });
      this.child.once('exit', (code, signal) => {
        resolve();
        if (this.stopping) return;
        this.failures = Date.now() - born > STEADY_MS ? 0 : this.failures + 1;
        const wait =
          this.failures === 0 ? 0 : BACK_OFF_MS[Math.min(this.failures, BACK_OFF_MS.length) - 1];
        console.error(
          `terrarium: ${this.name} ended (${signal ?? `status ${code}`}); starting it again in ${wait} ms (log: ${this.log})`,
        );
        this.timer = setTimeout(() => this.run(), wait);
      });
    });
  }

  /** @returns whether nothing of it is left */
  async stop() {
    this.stopping = true;
    clearTimeout(this.timer);
    if (this.socket === null) return this.hasEnded || this.end();
    for (let attempt = 1; attempt <= STOP_ATTEMPTS; attempt += 1) {
      if (this.hasEnded) this.run();
      if (await this.end()) return true;
    }
    console.error(
      `terrarium: ${this.name} did not end cleanly: the next start removes what is left (log: ${this.log})`,
    );
    return false;
  }

  /** @returns whether it ended with status 0 */
  async end() {
    if (this.socket !== null) await this.answers();
    this.child.kill('SIGTERM');
    const late = setTimeout(() => {
      console.error(`terrarium: ${this.name} did not stop in ${STOP_MS / 1000} s: killed`);
      this.child.kill('SIGKILL');
    }, STOP_MS);
    await this.ended;
    clearTimeout(late);
    return this.child.exitCode === 0;
  }

  /** Just started, it would die of the signal instead of cleaning up. */
  async answers() {
    const deadline = Date.now() + READY_MS;
    while (!this.hasEnded && Date.now() < deadline && !(await accepts(this.socket)))
      await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Whether somebody listens on a unix socket. */
function accepts(socket) {
  return new Promise((resolve) => {
    const connection = net.connect(socket, () => {
      connection.destroy();
      resolve(true);
    });
    connection.once('error', () => resolve(false));
  });
}

/**
 * Starts both parts.
 *
 * @returns {{ready: Promise<string>, stop(): Promise<boolean>}} `ready` gives the link once the
 *   page answers, and fails when it does not within READY_MS; `stop` tells whether nothing is left
 */
export function serve(settings, image, reduced) {
  const run = settings.TERRARIUM_RUN;
  fs.mkdirSync(run, { recursive: true, mode: 0o755 });
  const daemon = new Part(
    'daemon',
    () => startDaemon(settings, image, reduced),
    logPath(settings, 'daemon'),
    path.join(run, 'daemon.sock'),
  );
  const web = new Part('web process', () => startWeb(settings), logPath(settings, 'web'));
  daemon.run();
  web.run();
  let stopping = false;
  const stop = async () => {
    stopping = true;
    daemon.stopping = true; // no restart while the web process ends
    await web.stop();
    const isClean = await daemon.stop();
    for (const name of ['url', 'web/node']) fs.rmSync(path.join(run, name), { force: true });
    for (const name of ['web/app', 'web', '.']) tryRmdir(path.join(run, name));
    return isClean;
  };
  const ready = answers(settings).then(() => (stopping ? '' : writeLink(settings)));
  return { ready, stop };
}

/** The link that lets a browser in, also kept in RUN/url for who starts a second time. */
function writeLink(settings) {
  const token = fs.readFileSync(path.join(settings.TERRARIUM_STATE, 'access-token'), 'utf8').trim();
  const host = ['0.0.0.0', '::'].includes(settings.TERRARIUM_HOST)
    ? '127.0.0.1'
    : settings.TERRARIUM_HOST;
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${settings.TERRARIUM_PORT}/?token=${token}`;
  fs.writeFileSync(path.join(settings.TERRARIUM_RUN, 'url'), `${url}\n`, { mode: 0o600 });
  return url;
}

/** Polls the page's health until it answers 200: both processes stand then. */
async function answers(settings) {
  const host = settings.TERRARIUM_HOST === '0.0.0.0' ? '127.0.0.1' : settings.TERRARIUM_HOST;
  const deadline = Date.now() + READY_MS;
  let last = 'no answer';
  while (Date.now() < deadline) {
    const status = await get(host, settings.TERRARIUM_PORT, '/api/health').catch((error) => {
      last = error.message;
      return 0;
    });
    if (status === 200) return;
    if (status !== 0) last = `status ${status}`;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(
    `the page did not answer on ${host}:${settings.TERRARIUM_PORT} within ${READY_MS / 1000} s (${last}); see ${logPath(settings, 'daemon')} and ${logPath(settings, 'web')}`,
  );
}

function get(host, port, where) {
  return new Promise((resolve, reject) => {
    const request = http.get({ host, port, path: where, timeout: 2_000 }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    request.on('error', reject);
    request.on('timeout', () => request.destroy(new Error('timed out')));
  });
}

function readIfThere(file) {
  return fs.existsSync(file) ? fs.readFileSync(file, 'utf8').trim() : '';
}

function tryRmdir(place) {
  try {
    fs.rmdirSync(place);
  } catch {
    // not empty (a part's file is still read) or already gone: the next start reuses it
  }
}
