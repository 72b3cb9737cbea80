import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { TerminalHostClient } from './control-client.js';

let folder: string;
let server: Server;
let client: TerminalHostClient;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'terrarium-control-'));
  client = new TerminalHostClient(join(folder, 'socket'));
});

afterEach(async () => {
  client.close();
  await new Promise((resolve) => server.close(resolve));
  rmSync(folder, { recursive: true });
});

it('gives up no question because the host has closed an idle connection', async () => {
  server = createServer((socket) => {
    let questions = 0;
    socket.on('error', () => {});
    socket.on('data', () => {
      questions += 1;
      // What a client meets that writes to a connection which is being closed.
      if (questions > 1) socket.destroy();
      else socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}');
    });
  });
  await new Promise<void>((resolve) => server.listen(join(folder, 'socket'), resolve));
  for (let i = 0; i < 3; i++) {
    await expect(client.closeTerminal('t1')).resolves.toBeUndefined();
  }
});
