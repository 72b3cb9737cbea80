/**
 * Takes a page's TCP connection over from the web process, so that keystrokes and output no longer
 * pass through it: POST /handover on terminals.sock. The connection is copied out of the web
 * process with pidfd_getfd(2); the web process closes its own copy once it has the answer, which
 * does not end the connection. See HANDOVER.md for the other side.
 *
 * Run by the terminal host: host root, which may look into the web process. Only that process's
 * own descriptors can be meant: its pid comes from the kernel (SO_PEERCRED), not from the request.
 */

import { closeSync, fstatSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { peerCredentials, pidfdGetfd, pidfdOpen } from '@terrarium/syscall';
import { z } from 'zod';

/** An upgrade request is 16 KiB at most (Node's own limit for headers); its head is usually empty. */
const MAX_BODY = 96 * 1024;

const handover = z.strictObject({
  fd: z.number().int().nonnegative().describe("the connection's number in the web process"),
  url: z.string().max(4096),
  headers: z.record(z.string(), z.union([z.string(), z.array(z.string())])),
  head: z
    .base64()
    .max(64 * 1024)
    .describe('what was read behind the request, base64'),
});

type Upgrade = (request: IncomingMessage, socket: Socket, head: Buffer) => void;

/** Answers one POST /handover: 200 once the connection is ours. */
export async function handleHandover(
  request: IncomingMessage,
  response: ServerResponse,
  upgrade: Upgrade,
): Promise<void> {
  try {
    const { fd, url, headers, head } = handover.parse(JSON.parse(await bodyOf(request)));
    const socket = takeSocket(request.socket, fd);
    // The web process lets go first: until then it could still read what the page sends.
    response.end('{}', () => {
      const asked = { method: 'GET', url, headers } as unknown as IncomingMessage;
      upgrade(asked, socket, Buffer.from(head, 'base64'));
    });
  } catch (error) {
    response.statusCode = 400;
    response.end(JSON.stringify({ message: error instanceof Error ? error.message : 'refused' }));
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MAX_BODY) throw new Error('too long');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Copies a connection out of the process at the other end of `connection`. */
function takeSocket(connection: Socket, fd: number): Socket {
  const { pid } = peerCredentials(fdOf(connection));
  const pidfd = pidfdOpen(pid);
  let taken: number;
  try {
    taken = pidfdGetfd(pidfd, fd);
  } finally {
    closeSync(pidfd);
  }
  if (!fstatSync(taken).isSocket()) {
    closeSync(taken);
    throw new Error(`fd ${fd} of process ${pid} is no socket`);
  }
  return new Socket({ fd: taken, readable: true, writable: true });
}

/** libuv's handle knows its fd; Node has no public name for it. */
function fdOf(socket: Socket): number {
  const { _handle: handle } = socket as unknown as { _handle: { fd: number } | null };
  if (handle === null) throw new Error('the connection has ended');
  return handle.fd;
}
