/** Serves control-protocol.ts on a unix socket. Whoever can open that socket is root. */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { ZodType } from 'zod';
import {
  type ControlError,
  controlId,
  type HostEvent,
  sandboxRegistration,
  terminalOpening,
} from './control-protocol.js';
import { HostError, reportOf, type TerminalHost } from './terminal-host.js';

/** The longest request body: a Run of a few lines, an environment; bytes. */
const MAX_BODY = 2 * 1024 * 1024;

const HTTP_STATUS: Record<ControlError['code'], number> = {
  'request.malformed': 400,
  'not-found': 404,
  'sandbox.not-found': 404,
  'sandbox.refused': 409,
  'terminal.not-found': 404,
  'terminal.exists': 409,
  'terminal.limit': 409,
  'terminal.failed': 500,
  internal: 500,
};

/** One request: the path's kind, its id and what is to be done with it. */
interface Ask {
  readonly method: string;
  readonly kind: string;
  readonly id: string | null;
  readonly action: string | null;
}

/** Makes the server; the caller listens and closes. `onShutdown` is called once it was asked for. */
export function createControlServer(host: TerminalHost, onShutdown: () => void): Server {
  return createServer((request, response) => {
    handle(host, request, response, onShutdown).catch((error: unknown) => refuse(response, error));
  });
}

async function handle(
  host: TerminalHost,
  request: IncomingMessage,
  response: ServerResponse,
  onShutdown: () => void,
): Promise<void> {
  const ask = askOf(request);
  const route = `${ask.method} /${ask.kind}${ask.id === null ? '' : '/ID'}${ask.action === null ? '' : `/${ask.action}`}`;
  const id = ask.id ?? '';
  switch (route) {
    case 'GET /status':
      return answer(response, host.status());
    case 'GET /terminals':
      return answer(response, { terminals: host.terminals().map(reportOf) });
    case 'GET /events':
      return streamEvents(host, response);
    case 'PUT /sandboxes/ID':
      host.registerSandbox(id, await jsonBody(request, sandboxRegistration));
      return answer(response, {});
    case 'DELETE /sandboxes/ID':
      host.dropSandbox(id);
      return answer(response, {});
    case 'PUT /terminals/ID':
      return answer(
        response,
        await host.openTerminal(id, await jsonBody(request, terminalOpening)),
      );
    case 'POST /terminals/ID/input':
      await host.terminal(id).type(await body(request));
      return answer(response, {});
    case 'POST /terminals/ID/restart':
      return answer(response, await host.restartTerminal(id));
    case 'DELETE /terminals/ID':
      host.closeTerminal(id);
      return answer(response, {});
    case 'POST /shutdown':
      answer(response, {});
      response.on('close', onShutdown);
      return;
    default:
      throw new HostError('not-found', `no ${request.method} ${request.url}`);
  }
}

function askOf(request: IncomingMessage): Ask {
  const [kind = '', rawId, action, ...rest] = (request.url ?? '/').slice(1).split('/');
  if (rest.length > 0) throw new HostError('not-found', `no ${request.url}`);
  const id = rawId === undefined ? null : checkedId(rawId);
  return { method: request.method ?? '', kind, id, action: action ?? null };
}

function checkedId(raw: string): string {
  const result = controlId.safeParse(safeDecode(raw));
  if (!result.success) throw new HostError('request.malformed', `not an id: ${raw}`);
  return result.data;
}

function safeDecode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return '';
  }
}

async function body(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MAX_BODY) throw new HostError('request.malformed', 'body too long');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

async function jsonBody<T>(request: IncomingMessage, schema: ZodType<T>): Promise<T> {
  const text = (await body(request)).toString('utf8');
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new HostError('request.malformed', 'body is not JSON');
  }
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  const issue = result.error.issues[0]!;
  throw new HostError('request.malformed', `${issue.path.join('.')}: ${issue.message}`);
}

function answer(response: ServerResponse, value: unknown): void {
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(value));
}

function refuse(response: ServerResponse, error: unknown): void {
  const code = error instanceof HostError ? error.code : 'internal';
  const message = error instanceof Error ? error.message : String(error);
  response.statusCode = HTTP_STATUS[code];
  answer(response, { code, message } satisfies ControlError);
}

function streamEvents(host: TerminalHost, response: ServerResponse): void {
  const write = (event: HostEvent): void => {
    response.write(`${JSON.stringify(event)}\n`);
  };
  response.setHeader('content-type', 'application/x-ndjson');
  const stop = host.onEvent(write);
  write({ type: 'hello', pid: process.pid });
  response.on('close', stop);
}
