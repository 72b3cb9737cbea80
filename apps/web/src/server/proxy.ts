/**
 * Passes requests and WebSocket upgrades on to the unix sockets of the daemon and the terminal
 * host. After the checks of the upgrade, bytes are piped as they are: a keystroke is parsed once,
 * by the process that owns the pty.
 */
import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/** Headers that belong to one connection only, RFC 9110 section 7.6.1. */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/**
 * Sends one request on and its answer back.
 *
 * @param onDown called instead of an answer when the other side can't be reached
 */
export function proxyRequest(
  socketPath: string,
  request: IncomingMessage,
  response: ServerResponse,
  onDown: (error: Error) => void,
): void {
  const onward = httpRequest(
    { socketPath, path: request.url, method: request.method, headers: endToEnd(request.headers) },
    (answer) => {
      response.statusCode = answer.statusCode ?? 502;
      for (const [name, value] of Object.entries(answer.headers)) {
        if (value !== undefined && !HOP_BY_HOP.has(name)) response.setHeader(name, value);
      }
      answer.pipe(response);
      answer.on('error', () => response.destroy());
    },
  );
  onward.on('error', (error) => {
    if (response.headersSent) response.destroy();
    else onDown(error);
  });
  response.on('close', () => onward.destroy());
  request.pipe(onward);
}

function endToEnd(headers: IncomingMessage['headers']): Record<string, string | string[]> {
  const kept: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined && !HOP_BY_HOP.has(name)) kept[name] = value;
  }
  return kept;
}

/**
 * Joins an upgrade to the process behind `socketPath`, byte for byte in both directions, with the
 * streams' own backpressure. Either end's close ends the other.
 */
export function pipeUpgrade(
  socketPath: string,
  request: IncomingMessage,
  client: Duplex,
  head: Buffer,
): void {
  const upstream = connect(socketPath);
  let joined = false;
  upstream.once('connect', () => {
    joined = true;
    upstream.write(serializeRequest(request));
    if (head.length > 0) upstream.write(head);
    // Nagle would hold a lone keystroke back until the last one is acknowledged.
    if ('setNoDelay' in client) (client as Socket).setNoDelay(true);
    upstream.pipe(client);
    client.pipe(upstream);
  });
  upstream.once('error', () => {
    if (joined) client.destroy();
    else refuseUpgrade(client, 502, 'Bad Gateway', 'the lab is not running behind this page');
  });
  upstream.once('close', () => client.destroy());
  client.once('error', () => upstream.destroy());
  client.once('close', () => upstream.destroy());
}

/** Answers an upgrade with a plain HTTP error and closes. */
export function refuseUpgrade(client: Duplex, status: number, reason: string, body: string): void {
  client.on('error', () => client.destroy());
  client.end(
    `HTTP/1.1 ${status} ${reason}\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

/** The request as it came, header names and order kept. */
function serializeRequest(request: IncomingMessage): string {
  let text = `${request.method} ${request.url} HTTP/1.1\r\n`;
  const raw = request.rawHeaders;
  for (let i = 0; i + 1 < raw.length; i += 2) text += `${raw[i]}: ${raw[i + 1]}\r\n`;
  return `${text}\r\n`;
}
