/**
 * `terminal-interrupt`: from Ctrl-C in a flood (`yes`) to the prompt on the screen of a client
 * whose emulator draws 10 MB/s (a fast laptop) or 3 MB/s (a slow one), with everything that the
 * client has queued by then drawn or dropped as its protocol has it.
 */

import { encodeInput, TerminalConnection } from '../../../packages/protocol/dist/index.js';
import { delay, openSocket, PROMPT_LAST, startHost, summary } from './kit.mjs';
import { startPeers } from './servers.mjs';

const ROUNDS = 8;
const FLOOD_MS = 1200;
const RATES = [10, 3];

/** xterm.js parses for so long before it lets the page do something else, ms. */
const SLICE_MS = 12;

/** An emulator that draws so many MB/s, in slices as xterm.js does; it drops nothing by itself. */
function slowEmulator(megabytesPerSecond) {
  const bytesPerMs = megabytesPerSecond * 1000;
  const queue = [];
  let busy = false;
  const emulator = {
    queued: 0,
    peak: 0,
    onDrawn: (_bytes) => {},
    write(bytes, drawn) {
      queue.push({ bytes, drawn });
      emulator.queued += bytes.length;
      emulator.peak = Math.max(emulator.peak, emulator.queued);
      if (!busy) slice();
    },
  };
  function slice() {
    const parts = [];
    let length = 0;
    while (queue.length > 0 && length < SLICE_MS * bytesPerMs) {
      parts.push(queue.shift());
      length += parts.at(-1).bytes.length;
    }
    busy = parts.length > 0;
    if (!busy) return;
    setTimeout(() => {
      for (const { bytes, drawn } of parts) {
        emulator.queued -= bytes.length;
        emulator.onDrawn(bytes);
        drawn?.();
      }
      slice();
    }, length / bytesPerMs);
  }
  return emulator;
}

/** @returns {Promise<import('../types.js').BenchResult>} */
export async function terminalInterrupt() {
  const host = await startHost();
  const peers = await startPeers();
  const times = Object.fromEntries(RATES.map((rate) => [rate, [[], ...peers.map(() => [])]]));
  let peak = 0;
  try {
    for (let round = 0; round < ROUNDS; round++) {
      for (const rate of RATES) {
        const ours = await oursOnce(host, `i${round}-${rate}`, rate);
        times[rate][0].push(ours.ms);
        peak = Math.max(peak, ours.peak);
        if (round > 1) continue; // peers take seconds each; two rounds tell enough
        for (const [i, peer] of peers.entries()) {
          times[rate][i + 1].push(await peerOnce(peer, rate));
        }
      }
    }
  } finally {
    await host.stop();
    await Promise.all(peers.map((peer) => peer.stop()));
  }
  const [fast, slow] = RATES.map((rate) => times[rate].map(summary));
  return {
    name: 'terminal-interrupt',
    unit: 'ms',
    ...fast[0],
    peers: peers.map((peer, i) => ({
      name: peer.name,
      p50: fast[i + 1].p50,
      ratio: fast[0].p50 / fast[i + 1].p50,
    })),
    note: `emulator draws ${RATES[0]} MB/s; at ${RATES[1]} MB/s p50 ${slow[0].p50.toFixed(0)}, p99 ${slow[0].p99.toFixed(0)}; at most ${(peak / 1024).toFixed(0)} KB wait in the client's emulator`,
  };
}

export async function oursOnce(host, id, rate) {
  await host.open(id);
  const emulator = slowEmulator(rate);
  const socket = openSocket(host.socketPath, id);
  const connection = new TerminalConnection({
    connect: () => socket,
    sink: { write: emulator.write, resize: () => {} },
    size: { cols: 80, rows: 24 },
  });
  connection.start();
  const ms = await interrupt(
    emulator,
    (text) => connection.input(text),
    () => socket.send(encodeInput(Buffer.of(3))),
  );
  connection.close();
  await host.client.closeTerminal(id);
  return { ms, peak: emulator.peak };
}

async function peerOnce(peer, rate) {
  const session = await peer.open();
  const emulator = slowEmulator(rate);
  session.onBytes = (data) => emulator.write(Buffer.from(data));
  const ms = await interrupt(emulator, session.send, () => session.send('\x03'));
  await session.close();
  await delay(300);
  return ms;
}

/** Floods, presses Ctrl-C, and waits until a prompt is the last thing on the screen. */
async function interrupt(emulator, send, pressCtrlC) {
  let tail = '';
  let resolveDone = () => {};
  emulator.onDrawn = (bytes) => {
    tail = (tail + Buffer.from(bytes.subarray(-256)).toString('latin1')).slice(-256);
    if (PROMPT_LAST.test(tail)) resolveDone();
  };
  await delay(200);
  send('yes\r');
  await delay(FLOOD_MS);
  const start = performance.now();
  const done = new Promise((resolve, reject) => {
    resolveDone = () => resolve(undefined);
    setTimeout(
      () => reject(new Error(`no prompt within 40 s: ${JSON.stringify(tail)}`)),
      40_000,
    ).unref();
  });
  pressCtrlC();
  await done;
  return performance.now() - start;
}
