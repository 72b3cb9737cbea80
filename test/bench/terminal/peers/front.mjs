/**
 * Stands for the web process in front of the terminal host, as in production: TCP in, and the
 * connection handed over (or, to compare, piped byte for byte). Prints its port.
 *
 *   node front.mjs RUN/terminals.sock handover|pipe
 */

import { createServer } from 'node:http';
import { connect } from 'node:net';
import { handOver } from '../../../../apps/web/dist/server/hand-over.js';

const [socketPath, mode] = process.argv.slice(2);
const server = createServer((_request, response) => response.end());

server.on('upgrade', async (request, client, head) => {
  client.setNoDelay(true);
  if (mode === 'handover' && (await handOver(socketPath, request, client, head))) return;
  const upstream = connect(socketPath);
  let text = `GET ${request.url} HTTP/1.1\r\n`;
  for (let i = 0; i < request.rawHeaders.length; i += 2) {
    text += `${request.rawHeaders[i]}: ${request.rawHeaders[i + 1]}\r\n`;
  }
  upstream.write(`${text}\r\n`);
  upstream.write(head);
  upstream.pipe(client);
  client.pipe(upstream);
  for (const [one, other] of [
    [upstream, client],
    [client, upstream],
  ]) {
    one.on('error', () => other.destroy());
    one.on('close', () => other.destroy());
  }
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
