/**
 * What the terminal benchmarks and tests share: a terminal host of their own in a temporary RUN
 * directory, shells of the host (no sandbox), and clients over its WebSocket.
 */

import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureTerminalHost } from '../../../apps/daemon/dist/terminal-host/index.js';
import { startTimeOf } from '../../../packages/engine/dist/index.js';
import { TerminalConnection } from '../../../packages/protocol/dist/index.js';
import { WebSocket } from './ws.mjs';

/** The session that owns every terminal of the kit. */
export const TOKEN = 'kit-token';
export const TOKEN_HASH = createHash('sha256').update(TOKEN).digest('hex');
export const DAEMON_DIST = fileURLToPath(new URL('../../../apps/daemon/dist/', import.meta.url));

/** A shell without rc files, so that every machine and every peer runs the same one. */
export const BASH = ['bash', '--noprofile', '--norc', '-i'];
export const SHELL_ENV = {
  PATH: process.env['PATH'] ?? '/usr/bin:/bin',
  TERM: 'xterm-256color',
  LANG: 'C.UTF-8',
  PS1: '$ ',
  HOME: '/',
};

const ESC = String.fromCharCode(0x1b);
const BEL = String.fromCharCode(0x07);
const SHIFT_IN = String.fromCharCode(0x0f);
const SEQUENCES = [`${ESC}\\[[0-9;? ]*[A-Za-z]`, `${ESC}\\].*?${BEL}`, `${ESC}[()*+]B`, `${ESC}7`];
/** A prompt, and behind it nothing but what a restored screen ends with. */
export const PROMPT_LAST = new RegExp(`\\$ (?:${[...SEQUENCES, SHIFT_IN].join('|')})*$`);

/**
 * Starts a terminal host with one sandbox that is the host itself.
 *
 * @param {{ maxTerminals?: number, launcher?: "host" | "sandbox" }} [options]
 */
export async function startHost(options = {}) {
  const run = mkdtempSync(join(tmpdir(), 'terrarium-terminals-'));
  const { client, status } = await ensureTerminalHost({ run, launcher: 'host', ...options });
  await client.registerSandbox('host', {
    initPid: process.pid,
    initStartTime: startTimeOf(process.pid),
    exec: null,
  });
  // It is detached on purpose: a bench or test that fails half-way must end it too.
  const endIt = () => end(status.pid);
  process.on('exit', endIt);
  return {
    run,
    client,
    pid: status.pid,
    socketPath: join(run, 'terminals.sock'),
    /** @param {string} id @param {Partial<import('../../../apps/daemon/dist/terminal-host/index.js').TerminalOpening>} [more] */
    open: (id, more = {}) =>
      client.openTerminal(id, {
        sandbox: 'host',
        sessionTokenHash: TOKEN_HASH,
        cols: 80,
        rows: 24,
        args: BASH,
        env: SHELL_ENV,
        cwd: '/',
        ...more,
      }),
    stop: async () => {
      await client.shutdown().catch(() => {});
      client.close();
      await gone(status.pid);
      process.off('exit', endIt);
      rmSync(run, { recursive: true, force: true });
    },
  };
}

function end(pid) {
  try {
    process.kill(pid, 'SIGTERM');
  } catch {
    // ESRCH: stopped as it should be
  }
}

async function gone(pid) {
  for (let i = 0; i < 300; i++) {
    try {
      process.kill(pid, 0);
    } catch {
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Opens a bare WebSocket to a terminal over the unix socket. */
export function openSocket(socketPath, id, token = TOKEN) {
  return new WebSocket(`ws+unix:${socketPath}:/api/terminals/${encodeURIComponent(id)}`, {
    headers: { cookie: `terrarium_session=${token}` },
    perMessageDeflate: false,
    skipUTF8Validation: true,
  });
}

/**
 * A connection whose sink is given: what the page has with xterm.js.
 *
 * @param {() => unknown} connect makes a WebSocket
 * @param {Partial<import('../../../packages/protocol/dist/index.js').TerminalConnectionOptions>} options
 */
export function connection(connect, options) {
  return new TerminalConnection({ connect, ...options });
}

/** A sink that draws at once and keeps the text of the last 64 KB. */
export function textSink() {
  const decoder = new TextDecoder();
  const waiting = new Set();
  const sink = {
    text: '',
    bytes: 0,
    write(bytes, drawn) {
      sink.bytes += bytes.length;
      sink.text = (sink.text + decoder.decode(bytes, { stream: true })).slice(-65_536);
      drawn();
      for (const check of waiting) check();
    },
    resize() {},
    /** Resolves when `pattern` is in the text that came since the last wait. */
    until(pattern, ms = 10_000) {
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          waiting.delete(check);
          reject(
            new Error(`no ${pattern} within ${ms} ms in ${JSON.stringify(sink.text.slice(-300))}`),
          );
        }, ms);
        function check() {
          const at =
            typeof pattern === 'string' ? sink.text.indexOf(pattern) : sink.text.search(pattern);
          if (at < 0) return;
          sink.text = sink.text.slice(at + (typeof pattern === 'string' ? pattern.length : 1));
          clearTimeout(timer);
          waiting.delete(check);
          resolve(undefined);
        }
        waiting.add(check);
        check();
      });
    },
  };
  return sink;
}

/** GET over a unix socket or TCP; for peers. */
export function get(options) {
  return new Promise((resolve, reject) => {
    request(options, (response) => {
      let text = '';
      response.on('data', (chunk) => {
        text += chunk;
      });
      response.on('end', () =>
        resolve({ status: response.statusCode, headers: response.headers, text }),
      );
    })
      .on('error', reject)
      .end();
  });
}

/** Percentiles of samples; one number for each name. */
export function summary(samples) {
  const sorted = [...samples].sort((a, b) => a - b);
  const at = (q) => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? 0;
  return { samples: sorted.length, p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}

export const delay = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
