/**
 * The web server: checks who asks, then hands the request to Next, to the daemon or to the
 * terminal host. Runs as an unprivileged user and holds no secret.
 */
import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { WebConfig } from './config.js';
import { adoptCookie, readSession, sessionCookie } from './cookie.js';
import { exchangeToken } from './exchange.js';
import { handOver } from './hand-over.js';
import { contentSecurityPolicy, setSecurityHeaders } from './headers.js';
import { chooseLanguage, type Language } from './language.js';
import { allowedHosts, isAllowedHost, isSameOrigin } from './origin.js';
import { sendBounce, sendPlainPage } from './plain-page.js';
import { sendPlayer } from './player.js';
import { pipeUpgrade, proxyRequest, refuseUpgrade } from './proxy.js';

/** Draws a page or serves an asset: Next, or a double in tests. */
export type PageHandler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** One line of the log: JSON, like the daemon's. */
export type Log = (line: Readonly<Record<string, unknown>>) => void;

/** Makes the server; the caller listens. */
export function createWebServer(config: WebConfig, pages: PageHandler, log: Log): Server {
  const hosts = allowedHosts(config.host, config.port);
  const server = createServer((request, response) => {
    adoptCookie(request, config.port);
    answer(config, hosts, pages, log, request, response).catch((error: unknown) => {
      log({ level: 'error', event: 'page.failed', url: pathOf(request), error: String(error) });
      if (response.headersSent) response.destroy();
      else sendPlainPage(response, 'page-failed', languageOf(request));
    });
  });
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    adoptCookie(request, config.port);
    upgrade(config, hosts, request, socket, head);
  });
  return server;
}

async function answer(
  config: WebConfig,
  hosts: ReadonlySet<string>,
  pages: PageHandler,
  log: Log,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const nonce = randomBytes(16).toString('base64');
  const known = isAllowedHost(request.headers.host, hosts);
  const policy = contentSecurityPolicy(nonce, known ? (request.headers.host ?? '') : '127.0.0.1');
  setSecurityHeaders(response, policy);
  if (!known) return sendPlainPage(response, 'wrong-host', languageOf(request));

  const reads = request.method === 'GET' || request.method === 'HEAD';
  if (!reads && !isSameOrigin(request.headers.origin, request.headers.host)) {
    return sendText(response, 403, 'only a page of this server may do that');
  }

  const url = new URL(request.url ?? '/', 'http://terrarium.invalid');
  if (url.pathname.startsWith('/api/')) {
    return proxyRequest(config.daemonSocket, request, response, (error) => {
      log({ level: 'warn', event: 'daemon.down', error: error.message });
      sendText(response, 503, 'the lab is not running behind this page');
    });
  }
  if (!reads) return sendText(response, 405, 'only GET and HEAD here');
  if (url.pathname.startsWith('/_next/') || url.pathname === '/icon.svg') {
    return pages(request, response);
  }

  const token = url.searchParams.get('token');
  if (url.pathname === '/' && token !== null) return enter(config, log, token, request, response);
  if (readSession(request.headers.cookie) === null) {
    if (request.headers['sec-fetch-site'] === 'cross-site') return sendBounce(response);
    return sendPlainPage(response, 'no-session', languageOf(request));
  }
  if (url.pathname === '/player.html') return sendPlayer(response);
  if (url.pathname === '/') return redirect(response, `/${languageOf(request)}`);
  // Next takes the nonce for its own script elements from here.
  request.headers['content-security-policy'] = policy;
  request.headers['x-nonce'] = nonce;
  return pages(request, response);
}

/** Exchanges the link's token for a cookie and goes on without the token in the address. */
async function enter(
  config: WebConfig,
  log: Log,
  token: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const result = await exchangeToken(config.daemonSocket, token, request.headers.cookie);
  switch (result.kind) {
    case 'session':
      response.setHeader('Set-Cookie', sessionCookie(result.session, config.port));
      return redirect(response, '/');
    case 'refused':
      return sendPlainPage(response, 'bad-token', languageOf(request));
    case 'down':
      log({ level: 'warn', event: 'daemon.down', error: result.error.message });
      return sendPlainPage(response, 'daemon-down', languageOf(request));
  }
}

function upgrade(
  config: WebConfig,
  hosts: ReadonlySet<string>,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): void {
  const refused = refusal(request, hosts);
  const target = upgradeTarget(config, pathOf(request));
  if (refused !== null) {
    refuseUpgrade(socket, ...refused);
  } else if (target === null) {
    refuseUpgrade(socket, 404, 'Not Found', 'no socket here');
  } else if (target === config.terminalsSocket && socket instanceof Socket) {
    // A keystroke must not wake one process more than it needs; piping is what remains for TLS.
    void handOver(target, request, socket, head).then((taken) => {
      if (!taken) pipeUpgrade(target, request, socket, head);
    });
  } else {
    pipeUpgrade(target, request, socket, head);
  }
}

/** Why this upgrade may not pass; null when it may. The session's validity is the daemon's affair. */
function refusal(
  request: IncomingMessage,
  hosts: ReadonlySet<string>,
): [status: number, reason: string, body: string] | null {
  const { host, origin, cookie } = request.headers;
  if (!isAllowedHost(host, hosts)) {
    return [421, 'Misdirected Request', 'this server does not answer to that name'];
  }
  if (!isSameOrigin(origin, host)) {
    return [403, 'Forbidden', 'only a page of this server may do that'];
  }
  if (readSession(cookie) === null) {
    return [401, 'Unauthorized', 'open the link that npm start printed'];
  }
  return null;
}

function upgradeTarget(config: WebConfig, path: string): string | null {
  if (path === '/api/live') return config.daemonSocket;
  return path.startsWith('/api/terminals/') ? config.terminalsSocket : null;
}

function pathOf(request: IncomingMessage): string {
  return (request.url ?? '/').split('?', 1)[0] ?? '/';
}

function languageOf(request: IncomingMessage): Language {
  return chooseLanguage(request.headers.cookie, request.headers['accept-language']);
}

function redirect(response: ServerResponse, location: string): void {
  response.statusCode = 303;
  response.setHeader('Location', location);
  response.setHeader('Cache-Control', 'no-store');
  response.end();
}

function sendText(response: ServerResponse, status: number, text: string): void {
  response.statusCode = status;
  response.setHeader('Content-Type', 'text/plain; charset=utf-8');
  response.setHeader('Cache-Control', 'no-store');
  response.end(`${text}\n`);
}
