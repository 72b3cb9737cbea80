/**
 * The terminal server that tutorials show: node-pty, ws, strings, no flow control. Prints its port.
 *
 *   node tutorial-server.mjs DIR     with node-pty and ws installed below DIR
 */

import { createRequire } from 'node:module';

const load = createRequire(`${process.argv[2]}/package.json`);
const PTY = 'node-pty';
const WS = 'ws';
const pty = load(PTY);
const { WebSocketServer } = load(WS);

const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
server.on('connection', (socket) => {
  const shell = pty.spawn('bash', ['--noprofile', '--norc', '-i'], {
    name: 'xterm-256color',
    cols: 80,
    rows: 24,
    cwd: '/',
    env: process.env,
  });
  shell.onData((data) => socket.send(data));
  socket.on('message', (data) => shell.write(data.toString()));
  socket.on('close', () => shell.kill());
  socket.on('error', () => {});
});
server.on('listening', () => console.log(server.address().port));
