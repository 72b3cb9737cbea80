/**
 * A program for the network tests: it is started in a network namespace (by nsenter) and does there
 * what it is told, one JSON object a line: serve a port, or call one. A server answers a caller
 * with the address that it sees, so NAT can be seen from both ends.
 */
import dgram from 'node:dgram';
import net from 'node:net';
import readline from 'node:readline';

/** of one call, in milliseconds: what gets no answer is blocked */
const PATIENCE = 1500;

const operations = {
  serve: ({ protocol, port }) => (protocol === 'tcp' ? serveTcp(port) : serveUdp(port)),
  call: ({ protocol, host, port }) =>
    protocol === 'tcp' ? callTcp(host, port) : callUdp(host, port),
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

function callTcp(host, port) {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ host, port });
    let text = '';
    socket.setTimeout(PATIENCE, () => {
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

function callUdp(host, port) {
  const socket = dgram.createSocket({ type: host.includes(':') ? 'udp6' : 'udp4' });
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      socket.close();
      resolve('no answer');
    }, PATIENCE);
    socket.on('error', reject);
    socket.on('message', (message) => {
      clearTimeout(timer);
      socket.close();
      resolve(String(message));
    });
    socket.send('hello', port, host);
  });
}
