/**
 * RUN/terminals.sock: takes upgrades of /api/terminals/ID and makes each a client of that
 * terminal. Everything that comes here is from outside: the web process has checked Origin and
 * Host, the session is checked here.
 */

import { createHash, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { CLOSE, MAX_CLIENT_FRAME } from '@terrarium/protocol';
import { type WebSocket, WebSocketServer } from 'ws';
import { handleHandover } from './handover.js';
import { TerminalClient } from './terminal-client.js';
import type { TerminalHost } from './terminal-host.js';

/** Pages that look at one terminal at once; more are told to come back later. */
export const MAX_CLIENTS = 16;
/** A connection without a sign of life for two of these is ended, ms. */
export const HEARTBEAT_MS = 30_000;
const PATH = /^\/api\/terminals\/([^/?]+)(?:\?|$)/;
const COOKIE = 'terrarium_session';
/** RFC 6455 registry: the server asks to come back later */
const CLOSE_TRY_AGAIN = 1013;

/** The server and its WebSockets. */
export interface TerminalServer {
  readonly http: Server;
  close(): void;
}

/** Makes the server; the caller listens. */
export function createTerminalServer(host: TerminalHost): TerminalServer {
  const sockets = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    maxPayload: MAX_CLIENT_FRAME,
    perMessageDeflate: false, // keystrokes do not compress; output would cost more CPU than it saves
  });
  const clients = new Set<TerminalClient>();
  const heartbeat = setInterval(() => {
    for (const client of clients) client.heartbeat();
  }, HEARTBEAT_MS);
  const upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    socket.on('error', () => {}); // ws listens later; a reset before that is nobody's fault
    (socket as Socket).setNoDelay?.(true);
    sockets.handleUpgrade(request, socket, head, (webSocket) => {
      const client = welcome(host, request, webSocket, socket);
      if (client === null) return;
      clients.add(client);
      webSocket.on('close', () => clients.delete(client));
    });
  };
  const http = createServer((request, response) => {
    if (request.method === 'POST' && request.url === '/handover') {
      void handleHandover(request, response, upgrade);
      return;
    }
    response.statusCode = 426;
    response.end('this socket speaks WebSocket only\n');
  });
  http.on('upgrade', upgrade);
  return {
    http,
    close: () => {
      clearInterval(heartbeat);
      http.close();
      http.closeAllConnections();
    },
  };
}

/** Close codes can be read by the page only after the upgrade; so it is accepted first. */
function welcome(
  host: TerminalHost,
  request: IncomingMessage,
  webSocket: WebSocket,
  stream: Duplex,
): TerminalClient | null {
  const terminal = host.findTerminal(terminalIdOf(request.url ?? ''));
  const presented = hashOfSession(request.headers.cookie);
  if (terminal === undefined) {
    // Without a session nobody learns which terminals there are.
    const [code, reason] =
      presented === null
        ? ([CLOSE.unauthorized, 'no session'] as const)
        : ([CLOSE.terminalGone, 'terminal gone'] as const);
    webSocket.close(code, reason);
    return null;
  }
  if (presented === null || !sameHash(presented, terminal.spec.sessionTokenHash)) {
    webSocket.close(CLOSE.unauthorized, 'not your terminal');
    return null;
  }
  if (terminal.clientCount >= MAX_CLIENTS) {
    webSocket.close(CLOSE_TRY_AGAIN, 'too many pages look at this terminal');
    return null;
  }
  return new TerminalClient(webSocket, stream, terminal);
}

function terminalIdOf(url: string): string {
  const raw = PATH.exec(url)?.[1] ?? '';
  try {
    return decodeURIComponent(raw);
  } catch {
    return '';
  }
}

/** sha256 of the session cookie's value; null when there is none. */
function hashOfSession(cookies: string | undefined): Buffer | null {
  for (const pair of (cookies ?? '').split(';')) {
    const at = pair.indexOf('=');
    if (at < 0 || pair.slice(0, at).trim() !== COOKIE) continue;
    return createHash('sha256')
      .update(pair.slice(at + 1).trim())
      .digest();
  }
  return null;
}

function sameHash(presented: Buffer, expectedHex: string): boolean {
  return timingSafeEqual(presented, Buffer.from(expectedHex, 'hex'));
}
