/**
 * A program for the network tests: it is started in a network namespace (by nsenter) and does there
 * what it is told, one JSON object a line: serve a port, or call one. A server answers a caller
 * with the address that it sees, so NAT can be seen from both ends.
 */
import dgram from 'node:dgram';
import net from 'node:net';
import readline from 'node:readline';

/** UDP may lose the first datagram while a neighbour is looked for: asked again after this, in ms. */
const AGAIN = 200;

const operations = {
  serve: ({ protocol, port }) => (protocol === 'tcp' ? serveTcp(port) : serveUdp(port)),
  call: ({ protocol, host, port, patience }) =>
    protocol === 'tcp' ? callTcp(host, port, patience) : callUdp(host, port, patience),
};

readline.createInterface({ input: process.stdin }).on('line', async (line) => {
  const { id, operation, ...rest } = JSON.parse(line);
  const result = await operations[operation](rest).catch((error) => error.code ?? String(error));
  process.stdout.write(`${JSON.stringify({ id, result })}\n`);
});
process.stdin.on('end', () => process.exit(0));

function serveTcp(port) {
  const server = net.createServer((socket) => {
    socket.on('error', () => {});
    socket.end(socket.remoteAddress.replace('::ffff:', ''));
  });
  return new Promise((resolve, reject) => {
    server.on('error', reject);
    server.listen(port, '::', () => resolve('serving'));
  });
}

function serveUdp(port) {
  const socket = dgram.createSocket({ type: 'udp6' });
  socket.on('message', (_message, from) => {
    socket.send(from.address.replace('::ffff:', ''), from.port, from.address);
  });
  return new Promise((resolve, reject) => {
    socket.on('error', reject);
    socket.bind(port, '::', () => resolve('serving'));
  });
}

function callTcp(host, port, patience) {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ host, port });
    let text = '';
    socket.setTimeout(patience, () => {
      socket.destroy();
      resolve('no answer');
    });
    socket.on('error', reject);
    socket.on('data', (chunk) => {
      text += chunk;
    });
    socket.on('end', () => resolve(text));
  });
}

function callUdp(host, port, patience) {
  const socket = dgram.createSocket({ type: host.includes(':') ? 'udp6' : 'udp4' });
  return new Promise((resolve, reject) => {
    const end = (result) => {
      clearTimeout(timer);
      clearInterval(repeated);
      socket.close();
      resolve(result);
    };
    const ask = () => socket.send('hello', port, host);
    const timer = setTimeout(() => end('no answer'), patience);
    const repeated = setInterval(ask, AGAIN);
    socket.on('error', reject);
    socket.once('message', (message) => end(String(message)));
    ask();
  });
}
