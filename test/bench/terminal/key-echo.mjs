/**
 * `key-echo`: from the moment a client sends a key to the moment it has the echo, at the prompt of
 * bash (readline), over TCP on the loopback. All servers run at once and are asked in turn, so that
 * what else the machine does hits all of them alike.
 *
 * `key-echo-busy`: the same while 20 other sessions of the same server print 100 KB/s each.
 */

import { delay, summary } from './kit.mjs';
import { startOurs, startPeers } from './servers.mjs';

const SAMPLES = 300;
const BUSY_SESSIONS = 20;
const BUSY_ROUNDS = 3;
const BUSY_SAMPLES = 80;
/** Builtins only: 10 KB ten times a second. */
const PRINT_100_KB = "exec 9<> <(:); while :; do printf '%010000d\\n' 0; read -t 0.1 -u 9; done\r";

/** @returns {Promise<import('../types.js').BenchResult>} */
export async function keyEcho() {
  const servers = [await startOurs('handover'), await startOurs('pipe'), ...(await startPeers())];
  try {
    const sessions = await Promise.all(servers.map((server) => server.open()));
    const times = servers.map(() => []);
    for (let i = -20; i < SAMPLES; i++) {
      for (const at of shuffled(servers.length)) {
        const ms = await echoOnce(sessions[at], i);
        if (i >= 0) times[at].push(ms);
      }
    }
    await Promise.all(sessions.map((session) => session.close()));
    return resultOf('key-echo', servers, times);
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
}

/** @returns {Promise<import('../types.js').BenchResult>} */
export async function keyEchoBusy() {
  const servers = [await startOurs('handover'), ...(await startPeers())];
  const times = servers.map(() => []);
  try {
    for (let round = 0; round < BUSY_ROUNDS; round++) {
      for (const [at, server] of servers.entries()) {
        const busy = await Promise.all(Array.from({ length: BUSY_SESSIONS }, () => server.open()));
        for (const session of busy) session.send(PRINT_100_KB);
        const typist = await server.open();
        await delay(500);
        for (let i = 0; i < BUSY_SAMPLES; i++) times[at].push(await echoOnce(typist, i));
        await Promise.all([...busy, typist].map((session) => session.close()));
        await delay(300);
      }
    }
    return resultOf('key-echo-busy', servers, times);
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
}

/** 0 … n-1 in random order: nobody always comes after the same other. */
export function shuffled(n) {
  const order = Array.from({ length: n }, (_, i) => ({ i, key: Math.random() }));
  return order.sort((a, b) => a.key - b.key).map(({ i }) => i);
}

/** Types one letter and waits for it; empties the line now and then. */
export async function echoOnce(session, i) {
  if (Math.abs(i) % 40 === 39) {
    session.send('\x15');
    await delay(30);
  }
  await delay(3 + Math.random() * 6);
  const letter = String.fromCharCode(97 + (Math.abs(i) % 26));
  const start = performance.now();
  await new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('no echo within 5 s')), 5000);
    session.onBytes = (bytes) => {
      if (!bytes.includes(letter)) return;
      clearTimeout(timer);
      resolve(undefined);
    };
    session.send(letter);
  });
  return performance.now() - start;
}

function resultOf(name, servers, times) {
  const [ours, ...others] = times.map(summary);
  return {
    name,
    unit: 'ms',
    ...ours,
    peers: others.map((other, i) => ({
      name: servers[i + 1].name,
      p50: other.p50,
      p99: other.p99,
      ratio: ours.p50 / other.p50,
    })),
    note: others.length === 0 ? 'no peers: npm could not install them' : servers[0].name,
  };
}
