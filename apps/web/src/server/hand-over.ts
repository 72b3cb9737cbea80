/**
 * Gives an upgraded connection to the terminal host, which takes it with pidfd_getfd (the other
 * side is apps/daemon/src/terminal-host/handover.ts). Node alone, no privilege.
 */

import { request as httpRequest, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';

/** What libuv's handle has and Node's types do not: the fd, and how to stop reading it. */
interface Handle {
  readonly fd: number;
  reading: boolean;
  readStop(): number;
  readStart(): number;
}

/**
 * Gives the connection of an upgrade request away, after Origin, Host and path were checked.
 *
 * @param socketPath RUN/terminals.sock
 * @returns true when the terminal host has it: `client` is destroyed here, which does not end the
 *   connection; false when it could not be taken: `client` is as it was, to be piped instead
 */
export function handOver(
  socketPath: string,
  request: IncomingMessage,
  client: Socket,
  head: Buffer,
): Promise<boolean> {
  const handle = (client as unknown as { _handle: Handle | null })._handle;
  if (handle === null || typeof handle.fd !== 'number' || handle.fd < 0) {
    return Promise.resolve(false);
  }
  // From here on nobody reads here: the next bytes of the page are the terminal host's.
  handle.reading = false;
  handle.readStop();
  const early = client.read() as Buffer | null;
  const whole = early === null ? head : Buffer.concat([head, early]);
  const body = JSON.stringify({
    fd: handle.fd,
    url: request.url,
    headers: request.headers,
    head: whole.toString('base64'),
  });
  return new Promise((resolve) => {
    const giveBack = (): void => {
      if (early !== null) client.unshift(early);
      if (!client.destroyed) {
        handle.reading = true;
        handle.readStart();
      }
      resolve(false);
    };
    const asked = httpRequest(
      { socketPath, method: 'POST', path: '/handover', agent: false },
      (response) => {
        response.resume();
        if (response.statusCode !== 200) {
          giveBack();
          return;
        }
        client.destroy(); // closes this copy only: no shutdown(2), the terminal host has another
        resolve(true);
      },
    );
    asked.on('error', giveBack);
    asked.end(body);
  });
}
