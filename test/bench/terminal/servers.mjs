/**
 * The servers under comparison, each as processes of its own, and one way to talk to all of them:
 * `open()` gives a session { send(text), onBytes, close() } with a shell at its prompt.
 */

import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { encodeAck, encodeAttach, encodeInput } from '../../../packages/protocol/dist/index.js';
import { delay, SHELL_ENV, startHost, TOKEN } from './kit.mjs';
import { WebSocket } from './ws.mjs';

const ACK_BYTES = 64 * 1024;
const PEERS = ['wetty@3.2.0', 'node-pty@1.1.0', 'ws@8'];
const here = (name) => fileURLToPath(new URL(name, import.meta.url));

/**
 * Installs the peers outside of the repository, once.
 *
 * @returns {string | null} their directory; null when they cannot be had
 */
export function peersDirectory() {
  const dir = process.env.TERRARIUM_BENCH_PEERS ?? join(tmpdir(), 'terrarium-bench-peers');
  if (existsSync(join(dir, 'node_modules/wetty')) && existsSync(join(dir, 'node_modules/ws'))) {
    return dir;
  }
  mkdirSync(dir, { recursive: true });
  const args = ['install', '--no-audit', '--no-fund', '--prefix', dir, ...PEERS];
  const { status } = spawnSync('npm', args, { stdio: ['ignore', 'ignore', 'inherit'] });
  return status === 0 ? dir : null;
}

/** Ours behind a front process: `handover` as in production, `pipe` byte by byte, or `direct`. */
export async function startOurs(mode = 'handover') {
  const host = await startHost({ maxTerminals: 64 });
  const front =
    mode === 'direct' ? null : await startProcess([here('peers/front.mjs'), host.socketPath, mode]);
  let count = 0;
  return {
    name: `terrarium (${mode})`,
    pid: host.pid,
    open: async () => {
      const id = `b${++count}`;
      await host.open(id);
      const address =
        front === null
          ? `ws+unix:${host.socketPath}:/api/terminals/${id}`
          : `ws://127.0.0.1:${front.line}/api/terminals/${id}`;
      const socket = new WebSocket(address, {
        headers: { cookie: `terrarium_session=${TOKEN}` },
        perMessageDeflate: false,
      });
      await opened(socket);
      const session = sessionOf(socket, (text) => encodeInput(Buffer.from(text)));
      // The smallest client: counts offsets, acknowledges every 64 KB, draws in no time.
      let offset = 0;
      let acked = 0;
      const ready = new Promise((resolve) => {
        socket.on('message', (frame) => {
          if (frame[0] === 1) {
            offset = frame.readDoubleBE(1);
            resolve(undefined);
          }
          if (frame[0] !== 0) return;
          offset += frame.length - 1;
          session.onBytes(frame.subarray(1));
          if (offset - acked < ACK_BYTES) return;
          acked = offset;
          if (!session.silent) socket.send(encodeAck(offset));
        });
      });
      socket.send(encodeAttach(null, { cols: 80, rows: 24 }));
      await ready;
      await delay(150); // the prompt
      return {
        ...session,
        set onBytes(listener) {
          session.onBytes = listener;
        },
        close: async () => {
          socket.terminate();
          await host.client.closeTerminal(id);
        },
      };
    },
    stop: async () => {
      front?.child.kill();
      await host.stop();
    },
  };
}

/** node-pty and ws as tutorials put them together. */
export async function startTutorial(dir) {
  const { child, line } = await startProcess([here('peers/tutorial-server.mjs'), dir]);
  return {
    name: 'node-pty + ws tutorial',
    pid: child.pid,
    open: async () => {
      const socket = new WebSocket(`ws://127.0.0.1:${line}`, { perMessageDeflate: false });
      await opened(socket);
      const session = sessionOf(socket, (text) => text);
      socket.on('message', (data) => session.onBytes(data));
      await delay(150);
      return session;
    },
    stop: async () => child.kill(),
  };
}

/** wetty with its own client library. */
export async function startWetty(dir) {
  const port = 20_000 + Math.floor(Math.random() * 20_000);
  const command = 'bash --noprofile --norc -i';
  const main = join(dir, 'node_modules/wetty/build/main.js');
  const flags = ['--host', 'localhost', '--port', port, '--base', '/wetty', '--command', command];
  const child = spawn(process.execPath, [main, ...flags.map(String), '--log-level', 'error'], {
    env: { ...process.env, ...SHELL_ENV },
    stdio: ['ignore', 'ignore', 'ignore'],
  });
  const { io } = createRequire(join(dir, 'package.json'))('socket.io-client');
  const open = async () => {
    const socket = io(`http://localhost:${port}`, {
      path: '/wetty/socket.io',
      transports: ['websocket'],
      forceNew: true,
    });
    await new Promise((resolve, reject) => {
      socket.on('login', resolve);
      setTimeout(() => reject(new Error('wetty did not answer')), 10_000).unref();
    });
    const session = {
      onBytes: (_bytes) => {},
      send: (text) => socket.emit('input', text),
      close: async () => void socket.close(),
    };
    let counted = 0;
    socket.on('data', (data) => {
      session.onBytes(data);
      // As its own page does: commits what is drawn in steps.
      counted += data.length;
      if (counted >= 131_072) {
        socket.emit('commit', counted);
        counted = 0;
      }
    });
    await delay(150);
    return session;
  };
  return { name: 'wetty 3.2.0', pid: child.pid, open, stop: async () => child.kill() };
}

/** All peers that can be had; `null` stands for one that cannot. */
export async function startPeers() {
  const dir = peersDirectory();
  if (dir === null) return [];
  return [await startTutorial(dir), await startWetty(dir)];
}

function sessionOf(socket, encode) {
  return {
    onBytes: (_bytes) => {},
    silent: false,
    socket,
    send: (text) => socket.send(encode(text)),
    close: async () => socket.terminate(),
  };
}

function opened(socket) {
  socket.on('error', () => {});
  return new Promise((resolve, reject) => {
    socket.on('open', resolve);
    socket.on('close', (code) => reject(new Error(`closed with ${code}`)));
  });
}

/** Starts a Node script and waits for its first line, a port. */
function startProcess(args) {
  const child = spawn(process.execPath, args.map(String), {
    env: { ...process.env, ...SHELL_ENV },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return new Promise((resolve, reject) => {
    child.stdout.once('data', (chunk) => resolve({ child, line: String(chunk).trim() }));
    child.once('exit', (code) => reject(new Error(`${args[0]} ended with ${code}`)));
  });
}
