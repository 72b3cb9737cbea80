/**
 * `terminal-throughput`: MB/s of `head -c N /dev/zero | base64` as a client receives it that draws
 * in no time. Rounds take turns between the servers.
 */

import { delay, summary } from './kit.mjs';
import { startOurs, startPeers } from './servers.mjs';

const BYTES = 24_000_000;
const ROUNDS = 5;

/** @returns {Promise<import('../types.js').BenchResult>} */
export async function terminalThroughput() {
  const servers = [await startOurs('handover'), ...(await startPeers())];
  const rates = servers.map(() => []);
  try {
    for (let round = 0; round < ROUNDS; round++) {
      for (const [at, server] of servers.entries()) rates[at].push(await rateOf(server));
    }
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
  const [ours, ...others] = rates.map(summary);
  return {
    name: 'terminal-throughput',
    unit: 'MB/s',
    ...ours,
    peers: others.map((other, i) => ({
      name: servers[i + 1].name,
      p50: other.p50,
      ratio: ours.p50 / other.p50,
    })),
    note: `more is better; ${BYTES / 1e6} MB through base64`,
  };
}

export async function rateOf(server) {
  const session = await server.open();
  let received = 0;
  let tail = '';
  let first = 0;
  const done = new Promise((resolve) => {
    session.onBytes = (bytes) => {
      if (first === 0) first = performance.now();
      received += bytes.length;
      // A string's end, or a Buffer's.
      tail = (tail + bytes.slice(-16).toString()).slice(-32);
      if (/E-N-D/.test(tail)) resolve(undefined);
    };
  });
  session.send(`head -c ${BYTES} /dev/zero | base64; printf 'E-%s-D' N\r`);
  await done;
  const seconds = (performance.now() - first) / 1000;
  await session.close();
  await delay(200);
  return received / 1e6 / seconds;
}
