/** The web server against pretended unix sockets: who gets in, who does not, and what passes. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, request, type Server } from 'node:http';
import { type AddressInfo, connect, createServer as createNetServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { WebConfig } from './config.js';
import { createWebServer } from './server.js';

const SESSION = 'a'.repeat(43);
const COOKIE = `terrarium_session=${SESSION}`;

let directory: string;
let config: WebConfig;
let web: Server;
let host: string;
let pageRequests: IncomingMessage[];
let closers: (() => void)[];

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'terrarium-web-'));
  closers = [];
  pageRequests = [];
  const port = await freePort();
  config = {
    host: '127.0.0.1',
    port,
    daemonSocket: join(directory, 'daemon.sock'),
    terminalsSocket: join(directory, 'terminals.sock'),
    allowRoot: true,
  };
  host = `127.0.0.1:${port}`;
  web = createWebServer(
    config,
    async (incoming, response) => {
      pageRequests.push(incoming);
      response.end('a page');
    },
    () => {},
  );
  await new Promise<void>((resolve) => web.listen(port, '127.0.0.1', resolve));
});

afterEach(() => {
  web.closeAllConnections();
  web.close();
  for (const close of closers) close();
  rmSync(directory, { recursive: true });
});

describe('entering', () => {
  it('exchanges the token of the link for a strict cookie and drops it from the address', async () => {
    const seen = daemon((body) => ({ status: 201, body: { session: SESSION, was: body } }));
    const answer = await get('/?token=invitation');
    expect(answer.status).toBe(303);
    expect(answer.headers['location']).toBe('/');
    expect(answer.headers['set-cookie']).toEqual([
      expect.stringMatching(
        `^terrarium_session_${host.split(':')[1]}=${SESSION}; HttpOnly; SameSite=Strict; Path=/`,
      ),
    ]);
    expect(seen).toEqual([{ url: '/sessions', body: '{"token":"invitation"}' }]);
  });

  it('says what to do when the token is wrong, and sets no cookie', async () => {
    daemon(() => ({ status: 401, body: {} }));
    const answer = await get('/?token=old', { 'accept-language': 'zh-CN,zh;q=0.9' });
    expect(answer.status).toBe(403);
    expect(answer.headers['set-cookie']).toBeUndefined();
    expect(answer.text).toContain('npm start');
    expect(answer.text).toContain('lang="zh-Hans"');
  });

  it('waits on a page that tries again while the daemon is down', async () => {
    const answer = await get('/?token=invitation');
    expect(answer.status).toBe(503);
    expect(answer.text).toContain('http-equiv="refresh"');
  });

  it('does not let an answer of the daemon without a session pass for one', async () => {
    daemon(() => ({ status: 201, body: { session: 'x; Domain=evil' } }));
    const answer = await get('/?token=invitation');
    expect(answer.status).toBe(503);
    expect(answer.headers['set-cookie']).toBeUndefined();
  });

  it('shows where the link is to whoever has no cookie', async () => {
    const answer = await get('/en/containers/01');
    expect(answer.status).toBe(401);
    expect(answer.text).toContain('terrarium ready:');
    expect(pageRequests).toEqual([]);
  });

  it('asks once more after a navigation that another site began: then the cookie travels', async () => {
    const answer = await get('/', { 'sec-fetch-site': 'cross-site' });
    expect(answer.status).toBe(200);
    expect(answer.text).toContain('<meta http-equiv="refresh" content="0">');
  });

  it('goes on to the language of the learner', async () => {
    const cookie = COOKIE;
    expect((await get('/', { cookie })).headers['location']).toBe('/en');
    const chinese = { cookie, 'accept-language': 'zh-TW' };
    expect((await get('/', chinese)).headers['location']).toBe('/zh');
    const chosen = { cookie: `${cookie}; terrarium_lang=en`, 'accept-language': 'zh' };
    expect((await get('/', chosen)).headers['location']).toBe('/en');
  });
});

describe('headers', () => {
  it('gives every page a policy with a nonce of its own that Next sees too', async () => {
    const first = await get('/en', { cookie: COOKIE });
    const second = await get('/en', { cookie: COOKIE });
    const policy = String(first.headers['content-security-policy']);
    expect(policy).toMatch(/script-src 'self' 'nonce-[A-Za-z0-9+/=]{24}'(;|$)/);
    expect(policy).not.toContain('unsafe-eval');
    expect(policy).toContain(`default-src 'none'`);
    expect(policy).toContain(`frame-ancestors 'none'`);
    expect(policy).not.toBe(second.headers['content-security-policy']);
    expect(pageRequests[0]?.headers['content-security-policy']).toBe(policy);
  });

  it('forbids sniffing and framing, and keeps addresses from other sites', async () => {
    const { headers } = await get('/en', { cookie: COOKIE });
    expect(headers['x-content-type-options']).toBe('nosniff');
    expect(headers['x-frame-options']).toBe('DENY');
    expect(headers['referrer-policy']).toBe('same-origin');
    expect(headers['cross-origin-opener-policy']).toBe('same-origin');
  });
});

describe('host and origin', () => {
  it.each(['evil.example', 'evil.example:80', '127.0.0.1.nip.io'])(
    'answers 421 to the host %j, whatever the path',
    async (name) => {
      for (const path of ['/', '/api/session', '/_next/static/x.js']) {
        const answer = await get(path, { host: name, cookie: COOKIE });
        expect([answer.status, name]).toEqual([421, name]);
      }
    },
  );

  it('answers to localhost and to ::1 with its port, and with no other', async () => {
    const { port } = config;
    const statusOf = async (name: string) =>
      (await get('/en', { host: name, cookie: COOKIE })).status;
    expect(await statusOf(`localhost:${port}`)).toBe(200);
    expect(await statusOf(`[::1]:${port}`)).toBe(200);
    expect(await statusOf(`localhost:${port + 1}`)).toBe(421);
    expect(await statusOf('localhost')).toBe(421);
  });

  it('refuses what another site sends, and what says nothing of its origin', async () => {
    daemon(() => ({ status: 200, body: {} }));
    const statusOf = async (origin?: string) => {
      const headers = { cookie: COOKIE, ...(origin === undefined ? {} : { origin }) };
      return (await send('PUT', '/api/settings', headers, '{}')).status;
    };
    expect(await statusOf(`http://${host}`)).toBe(200);
    expect(await statusOf('http://evil.example')).toBe(403);
    expect(await statusOf(`http://127.0.0.1:${config.port + 1}`)).toBe(403);
    expect(await statusOf('null')).toBe(403);
    expect(await statusOf(undefined)).toBe(403);
  });
});

describe('proxy', () => {
  it('passes /api on with cookies and body, and the answer back', async () => {
    const seen = daemon((body) => ({ status: 201, body: { got: body } }));
    const headers = { cookie: COOKIE, origin: `http://${host}`, 'content-type': 'text/plain' };
    const answer = await send('POST', '/api/thing?x=1', headers, 'body');
    expect(answer.status).toBe(201);
    expect(JSON.parse(answer.text)).toEqual({ got: 'body' });
    expect(seen).toEqual([{ url: '/api/thing?x=1', body: 'body' }]);
  });

  it('does not let a page make sessions or reach anything of the daemon but /api', async () => {
    const seen = daemon(() => ({ status: 201, body: { session: SESSION } }));
    const headers = { cookie: COOKIE, origin: `http://${host}` };
    expect((await send('POST', '/sessions', headers, '{}')).status).toBe(405);
    expect((await send('POST', '/api/../sessions', headers, '{}')).status).toBe(405);
    expect(seen).toEqual([]);
  });

  it('answers 503 while the daemon is down', async () => {
    expect((await get('/api/session', { cookie: COOKIE })).status).toBe(503);
  });
});

describe('upgrades', () => {
  it('are refused without our Host, our Origin and a session', async () => {
    const seen = bytes(config.daemonSocket);
    const origin = `http://${host}`;
    expect(await upgrade('/api/live', { host: 'evil.example', origin, cookie: COOKIE })).toMatch(
      /^HTTP\/1.1 421 /,
    );
    expect(await upgrade('/api/live', { origin: 'http://evil.example', cookie: COOKIE })).toMatch(
      /^HTTP\/1.1 403 /,
    );
    expect(await upgrade('/api/live', { cookie: COOKIE })).toMatch(/^HTTP\/1.1 403 /);
    expect(await upgrade('/api/live', { origin })).toMatch(/^HTTP\/1.1 401 /);
    expect(await upgrade('/other', { origin, cookie: COOKIE })).toMatch(/^HTTP\/1.1 404 /);
    expect(seen.text()).toBe('');
  });

  it('are answered with 502 while nobody listens behind', async () => {
    const answer = await upgrade('/api/live', { origin: `http://${host}`, cookie: COOKIE });
    expect(answer).toMatch(/^HTTP\/1.1 502 /);
  });

  it.each([
    ['/api/live', 'daemonSocket'],
    ['/api/terminals/t1', 'terminalsSocket'],
  ] as const)('pipe %s to the %s, bytes and all', async (path, socketName) => {
    const seen = bytes(config[socketName], 'HTTP/1.1 101 Switching Protocols\r\n\r\nhello');
    const { socket, received } = rawUpgrade(path, {
      origin: `http://${host}`,
      cookie: COOKIE,
      'sec-websocket-key': 'key',
    });
    await until(() => received().includes('hello'));
    socket.write(Buffer.from([0, 255, 10]));
    await until(() =>
      seen
        .bytes()
        .subarray(-3)
        .equals(Buffer.from([0, 255, 10])),
    );
    expect(seen.text()).toContain(`GET ${path} HTTP/1.1\r\n`);
    expect(seen.text()).toContain(`cookie: ${COOKIE}\r\n`);
    expect(seen.text()).toContain('sec-websocket-key: key\r\n');
    const closed = new Promise((resolve) => socket.once('close', resolve));
    seen.end();
    await closed;
  });
});

// ---- pretended peers ----------------------------------------------------------------------

type Answer = (body: string) => { status: number; body: object };

/** A daemon that answers every request so, and remembers what it was asked. */
function daemon(answer: Answer): { url: string; body: string }[] {
  const seen: { url: string; body: string }[] = [];
  const server = createServer((incoming, response) => {
    let body = '';
    incoming.on('data', (chunk: Buffer) => {
      body += chunk.toString();
    });
    incoming.on('end', () => {
      seen.push({ url: incoming.url ?? '', body });
      const { status, body: json } = answer(body);
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(json));
    });
  });
  server.listen(config.daemonSocket);
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return seen;
}

/** A unix socket that greets and collects. */
function bytes(path: string, greeting = '') {
  let collected = Buffer.alloc(0);
  const sockets: Socket[] = [];
  const server = createNetServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      collected = Buffer.concat([collected, chunk]);
    });
    if (greeting !== '') socket.write(greeting);
  });
  server.listen(path);
  const end = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  closers.push(() => {
    end();
    server.close();
  });
  return { bytes: () => collected, text: () => collected.toString('latin1'), end };
}

interface Response {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
}

function get(path: string, headers: Record<string, string> = {}): Promise<Response> {
  return send('GET', path, headers);
}

function send(
  method: string,
  path: string,
  headers: Record<string, string>,
  body = '',
): Promise<Response> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      { host: '127.0.0.1', port: config.port, path, method, headers: { host, ...headers } },
      (answer) => {
        let text = '';
        answer.on('data', (chunk: Buffer) => {
          text += chunk.toString();
        });
        answer.on('end', () =>
          resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text }),
        );
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

function rawUpgrade(path: string, headers: Record<string, string>) {
  const socket = connect(config.port, '127.0.0.1');
  let text = '';
  socket.on('error', () => {});
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1');
  });
  const all = { host, connection: 'Upgrade', upgrade: 'websocket', ...headers };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`GET ${path} HTTP/1.1\r\n${lines.join('')}\r\n`);
  closers.push(() => socket.destroy());
  return { socket, received: () => text };
}

/** Sends an upgrade and resolves with everything that came back until the end. */
function upgrade(path: string, headers: Record<string, string>): Promise<string> {
  const { socket, received } = rawUpgrade(path, headers);
  return new Promise((resolve) => socket.once('close', () => resolve(received())));
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createNetServer();
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });
}
