/**
 * Everything that a stranger, a hostile page or a broken client can send to the lab's one port:
 * refused with the documented status or close code, and nobody else notices.
 */
import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import {
  CLOSE,
  encodeAck,
  encodeAttach,
  encodeInput,
  LIVE_LIMITS,
  MAX_CLIENT_FRAME,
} from '../../../packages/protocol/src/index.js';
import { LACK, Lab, named, residentMiB, until } from './lab.js';
import { type Learner, Pulse } from './learner.js';

const GARBAGE = 10_000;
/** The other learner's longest wait for an answer, ms. */
const RESPONSIVE_MS = 2_000;
/** A socket that is to be closed is closed by then, ms. */
const CLOSE_MS = 20_000;
/** Empties the line that is being typed: no shell minds. */
const CTRL_U = 0x15;
/** RFC 6455 7.4.1 */
const POLICY = 1008;
const MALFORMED = 1007;
const TOO_BIG = 1009;

let lab: Lab;
let learner: Learner;
let neighbour: Learner;

describe.skipIf(LACK !== null)(named('the lab’s port'), () => {
  beforeAll(async () => {
    lab = await Lab.start();
    [learner, neighbour] = [await lab.learner(), await lab.learner()];
  });
  afterAll(async () => {
    await lab?.dispose();
  });

  test('lets nobody in with a wrong token, an old form of it, or none', async () => {
    for (const token of [
      '',
      'x',
      lab.token.slice(0, -1),
      `${lab.token}x`,
      lab.token.toUpperCase(),
      '%00',
      '../access-token',
    ]) {
      const answer = await http({ path: `/?token=${encodeURIComponent(token)}` });
      expect([answer.status, answer.cookie], token).toEqual([expect.any(Number), undefined]);
      expect(answer.status, token).toBeGreaterThanOrEqual(400);
    }
    for (const path of ['/', '/en', '/zh/containers/01', '/en/containers/01']) {
      const answer = await http({ path });
      expect(answer.status, path).toBeGreaterThanOrEqual(400);
    }
    for (const path of ['/api/session', '/api/lessons']) {
      expect((await http({ path })).status, path).toBe(401);
      expect((await http({ path, cookie: cookieWith('a'.repeat(43)) })).status, path).toBe(401);
    }
    // The daemon's own address for making sessions is not offered to the world.
    const direct = await http({
      path: '/sessions',
      method: 'POST',
      origin: lab.origin,
      body: `{"token":"${lab.token}"}`,
    });
    expect(direct.status).toBeGreaterThanOrEqual(400);
  });

  test('gives the session’s cookie to no script and to no other site, and takes the token out of the address', async () => {
    const answer = await http({ path: `/?token=${lab.token}` });
    expect(answer.status).toBe(303);
    expect(answer.location).toBe('/');
    expect(answer.cookie).toMatch(/;\s*HttpOnly/i);
    expect(answer.cookie).toMatch(/;\s*SameSite=Strict/i);
  });

  test('answers only to its own name, whatever resolves to its address', async () => {
    for (const host of [
      'evil.example',
      `evil.example:${lab.port}`,
      '127.0.0.1',
      `127.0.0.1:${lab.port + 1}`,
      '169.254.1.1',
    ]) {
      for (const path of ['/', `/?token=${lab.token}`, '/api/health', '/api/session']) {
        const answer = await http({ path, host, cookie: learner.page.cookie });
        expect([host, path, answer.status, answer.cookie]).toEqual([
          host,
          path,
          expect.any(Number),
          undefined,
        ]);
        expect(answer.status, `${host} ${path}`).toBeGreaterThanOrEqual(400);
      }
      for (const path of ['/api/live', terminalPath(learner)]) {
        const status = await upgradeStatus({
          path,
          host,
          origin: `http://${host}`,
          cookie: learner.page.cookie,
        });
        expect(status, `${host} ${path}`).toBeGreaterThanOrEqual(400);
      }
    }
    for (const host of [`127.0.0.1:${lab.port}`, `localhost:${lab.port}`]) {
      expect((await http({ path: '/api/health', host })).status, host).toBe(200);
    }
  });

  test('takes no request that changes something, and no socket, from a page of another origin', async () => {
    const others = [
      undefined,
      'null',
      'http://evil.example',
      `http://127.0.0.1:${lab.port + 1}`,
      `http://127.0.0.1:${lab.port}.evil.example`,
    ];
    for (const origin of others) {
      for (const path of ['/api/live', terminalPath(learner)]) {
        const status = await upgradeStatus({ path, origin, cookie: learner.page.cookie });
        expect(status, `${origin} ${path}`).toBe(403);
      }
      const put = await http({
        path: '/api/settings',
        method: 'PUT',
        origin,
        cookie: learner.page.cookie,
        body: '{"theme":"evil"}',
      });
      expect(put.status, `PUT with origin ${origin}`).toBe(403);
    }
    const own = await http({
      path: '/api/settings',
      method: 'PUT',
      origin: lab.origin,
      cookie: learner.page.cookie,
      body: '{"theme":"light"}',
    });
    expect(own.status).toBe(200);
  });

  test('gives nobody another session’s terminal, and does not tell which there are', async () => {
    const theirs = terminalPath(neighbour);
    const guess = theirs.replace(/sb-\w+/, 'sb-aaaaaaaaaaaa');
    expect(await closeCode(theirs, learner.page.cookie)).toBe(CLOSE.unauthorized);
    expect(await closeCode(guess, learner.page.cookie)).toBe(CLOSE.terminalGone);
    const ofAnotherPort = learner.page.cookie.replace(`_${lab.port}=`, `_${lab.port + 1}=`);
    expect(ofAnotherPort).not.toBe(learner.page.cookie);
    const stranger = cookieWith('b'.repeat(43));
    expect(await closeCode(theirs, stranger)).toBe(CLOSE.unauthorized);
    expect(await closeCode('/api/live', stranger)).toBe(CLOSE.unauthorized);
    for (const cookie of ['', cookieWith(''), cookieWith('../../x'), 'other=1', ofAnotherPort]) {
      for (const path of ['/api/live', theirs])
        expect(await upgradeStatus({ path, origin: lab.origin, cookie })).toBe(401);
    }
    for (const path of [
      '/api/terminals/',
      '/api/terminals/..%2f..%2fdaemon',
      '/api/terminals/%00',
      '/api/terminals/a/b',
      `${theirs}/../${theirs.split('/').at(-1)}`,
    ]) {
      expect([CLOSE.terminalGone, CLOSE.unauthorized], path).toContain(
        await closeCode(path, learner.page.cookie),
      );
    }
    for (const path of [
      '/',
      '/api/other',
      '/terminals/x',
      '/status',
      '/sandboxes/x',
      '/events',
      '/handover',
    ]) {
      expect(
        await upgradeStatus({ path, origin: lab.origin, cookie: learner.page.cookie }),
        path,
      ).toBe(404);
    }
    expect(await neighbour.run('echo mine')).toEqual({ output: 'mine', status: 0 });
  });

  test(`closes a live socket that sends garbage, after ${GARBAGE} pieces over many sockets still answers others`, async () => {
    const pulse = new Pulse(neighbour.shell);
    const before = residentMiB(lab.pid('daemon'));
    const codes = await flood('/api/live', garbageForLive);
    const oversize = await closeCode('/api/live', learner.page.cookie, [
      'x'.repeat(LIVE_LIMITS.maxPayloadBytes + 1),
    ]);
    const pings = Array.from({ length: GARBAGE }, (_, sent) =>
      JSON.stringify({ type: 'ping', sent }),
    );
    const tooMany = await closeCode('/api/live', learner.page.cookie, pings);
    await report('live socket', pulse, codes, residentMiB(lab.pid('daemon')) - before);
    expect(oversize).toBe(TOO_BIG);
    expect(tooMany).toBe(CLOSE.tooManyMessages);
    // Binary and broken UTF-8 are ws's own affair: 1007, 1002.
    for (const code of Object.keys(codes))
      expect([POLICY, CLOSE.tooManyMessages, MALFORMED, 1002], code).toContain(Number(code));
    await stillWorks();
  }, 60_000);

  test(`closes a terminal socket that sends garbage, after ${GARBAGE} pieces over many sockets still answers others`, async () => {
    const pulse = new Pulse(neighbour.shell);
    const before = residentMiB(lab.pid('terminal host'));
    const path = terminalPath(learner);
    const codes = await flood(path, garbageForTerminal);
    const oversize = await closeCode(path, learner.page.cookie, [
      encodeAttach(null, null),
      Buffer.alloc(MAX_CLIENT_FRAME + 1),
    ]);
    const keys = [
      encodeAttach(null, null),
      ...Array.from({ length: GARBAGE }, () => encodeInput(Buffer.of(CTRL_U))),
    ];
    const tooMany = await closeCode(path, learner.page.cookie, keys);
    const early = await closeCode(path, learner.page.cookie, [encodeInput(Buffer.from('x'))]);
    const wrongAck = await closeCode(path, learner.page.cookie, [
      encodeAttach(null, null),
      encodeAck(2 ** 52),
    ]);
    await report('terminal socket', pulse, codes, residentMiB(lab.pid('terminal host')) - before);
    expect({ oversize, tooMany, early, wrongAck }).toEqual({
      oversize: TOO_BIG,
      tooMany: CLOSE.tooManyMessages,
      early: MALFORMED,
      wrongAck: MALFORMED,
    });
    for (const code of Object.keys(codes))
      expect([MALFORMED, TOO_BIG, CLOSE.tooManyMessages, 1002], code).toContain(Number(code));
    await stillWorks();
  }, 60_000);

  test('survives what is not even WebSocket or HTTP', async () => {
    const pulse = new Pulse(neighbour.shell);
    const { connect } = await import('node:net');
    const texts = [
      'GARBAGE\r\n\r\n',
      `GET / HTTP/1.1\r\nHost: 127.0.0.1:${lab.port}\r\n${'X: y\r\n'.repeat(5_000)}\r\n`,
      `GET /${'a'.repeat(100_000)} HTTP/1.1\r\n\r\n`,
      `GET /api/live HTTP/1.1\r\nHost: 127.0.0.1:${lab.port}\r\nOrigin: ${lab.origin}\r\nCookie: ${learner.page.cookie}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
      `GET /api/live HTTP/1.1\r\nHost: 127.0.0.1:${lab.port}\r\nOrigin: ${lab.origin}\r\nCookie: ${learner.page.cookie}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n\xff\xff\xff\xff\xff\xff\xff\xff`,
      `POST /api/settings HTTP/1.1\r\nHost: 127.0.0.1:${lab.port}\r\nOrigin: ${lab.origin}\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n`,
    ];
    await Promise.all(
      Array.from({ length: 200 }, (_, number) => {
        const socket = connect(lab.port, '127.0.0.1');
        socket.on('error', () => {});
        socket.end(Buffer.from(texts[number % texts.length] ?? '', 'latin1'));
        socket.resume();
        return until('the connection has ended', () => socket.destroyed, 20_000);
      }),
    );
    const { worst } = await pulse.stop();
    expect(worst).toBeLessThan(RESPONSIVE_MS);
    await stillWorks();
  }, 60_000);
});

/** One request as any program can make it. */
function http(ask: {
  path: string;
  method?: string;
  host?: string;
  origin?: string | undefined;
  cookie?: string;
  body?: string;
}): Promise<{ status: number; cookie: string | undefined; location: string | undefined }> {
  return new Promise((resolve, reject) => {
    const asked = request(
      {
        host: '127.0.0.1',
        port: lab.port,
        path: ask.path,
        method: ask.method ?? 'GET',
        agent: false,
        headers: headersOf(ask),
      },
      (answer) => {
        answer.resume();
        answer.on('end', () =>
          resolve({
            status: answer.statusCode ?? 0,
            cookie: answer.headers['set-cookie']?.[0],
            location: answer.headers.location,
          }),
        );
      },
    );
    asked.on('error', reject);
    asked.end(ask.body);
  });
}

function headersOf({
  host,
  origin,
  cookie,
  body,
}: {
  host?: string;
  origin?: string | undefined;
  cookie?: string;
  body?: string;
}): Record<string, string> {
  return {
    host: host ?? `127.0.0.1:${lab.port}`,
    ...(origin === undefined ? {} : { origin }),
    ...(cookie === undefined ? {} : { cookie }),
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
  };
}

/** Status of a refused upgrade; 101 for one that was accepted. */
function upgradeStatus(ask: {
  path: string;
  host?: string;
  origin?: string | undefined;
  cookie?: string;
}): Promise<number> {
  return new Promise((resolve, reject) => {
    const asked = request({
      host: '127.0.0.1',
      port: lab.port,
      path: ask.path,
      agent: false,
      headers: {
        ...headersOf(ask),
        connection: 'Upgrade',
        upgrade: 'websocket',
        'sec-websocket-version': '13',
        'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
      },
    });
    asked.on('response', (answer) => {
      answer.resume();
      resolve(answer.statusCode ?? 0);
    });
    asked.on('upgrade', (answer, socket) => {
      socket.destroy();
      resolve(answer.statusCode ?? 0);
    });
    asked.on('error', reject);
    asked.end();
  });
}

/** Opens a socket, sends all that, and waits for the other side to close it. */
function closeCode(
  path: string,
  cookie: string,
  messages: readonly (string | Uint8Array)[] = [],
): Promise<number> {
  const socket = new WebSocket(`${lab.origin.replace('http', 'ws')}${path}`, {
    headers: { cookie, origin: lab.origin },
    perMessageDeflate: false,
  });
  socket.on('error', () => {}); // a close follows
  socket.on('open', () => {
    for (const message of messages) socket.send(message, () => {});
  });
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`${path}: not closed in ${CLOSE_MS} ms`)),
      CLOSE_MS,
    );
    socket.on('close', (code) => {
      clearTimeout(timer);
      resolve(code);
    });
  });
}

/** Sends garbage over socket after socket until so much has gone. @returns how often which code came */
async function flood(
  path: string,
  piece: (number: number) => string | Uint8Array,
): Promise<Record<number, number>> {
  const codes: Record<number, number> = {};
  // All on one socket first: what comes behind the close is nobody's.
  const pieces = Array.from({ length: GARBAGE }, (_, number) => piece(number));
  const first = await closeCode(path, learner.page.cookie, pieces);
  codes[first] = 1;
  const each = LIVE_LIMITS.malformedMessages + 1;
  const batches = Array.from({ length: Math.ceil(GARBAGE / each) }, (_, batch) =>
    pieces.slice(batch * each, (batch + 1) * each),
  );
  const worker = async (): Promise<void> => {
    for (let batch = batches.pop(); batch !== undefined; batch = batches.pop()) {
      // The last piece ends the socket for certain; a piece before it may have done so.
      const code = await closeCode(path, learner.page.cookie, [...batch, 'x', 'x']);
      codes[code] = (codes[code] ?? 0) + 1;
    }
  };
  await Promise.all(Array.from({ length: 8 }, worker));
  return codes;
}

const JSON_GARBAGE: readonly string[] = [
  '',
  '{',
  'null',
  '[]',
  '{"type":"hello"}',
  '{"type":"step.reset","lesson":"containers/01","step":"pid-one"}',
  '{"type":"terminal.open","request":1,"cols":1e9,"rows":-1}',
  '{"type":"terminal.close","terminal":"../../x"}',
  '{"type":"__proto__","__proto__":{"type":"ping"}}',
  `{"type":"setting","key":"a","value":"${'v'.repeat(5000)}"}`,
  '[['.repeat(5000),
  '\\u0000',
];

function garbageForLive(number: number): string | Uint8Array {
  const text = JSON_GARBAGE[number % (JSON_GARBAGE.length + 1)];
  return text ?? noise(number, 64);
}

function garbageForTerminal(number: number): Uint8Array {
  const bytes = noise(number, 1 + (number % 40));
  // Never a whole attach, or it would be a terminal's true page.
  if (bytes[0] === 3 && bytes.length === 13) bytes[0] = 255;
  return bytes;
}

/** The same bytes for the same number. */
function noise(seed: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = seed + 1;
  for (let at = 0; at < length; at += 1) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    bytes[at] = state >>> 16;
  }
  return bytes;
}

async function report(
  what: string,
  pulse: Pulse,
  codes: Record<number, number>,
  growth: number,
): Promise<void> {
  const { beats, median, worst } = await pulse.stop();
  console.log(
    `${what}: closed with ${JSON.stringify(codes)}; grown by ${growth.toFixed(0)} MiB; neighbour: ${beats} answers, median ${median} ms, worst ${worst} ms`,
  );
  expect(worst).toBeLessThan(RESPONSIVE_MS);
  expect(growth, 'MiB').toBeLessThan(64);
}

/** The same learner, by whose session all that came, goes on as before. */
async function stillWorks(): Promise<void> {
  expect((await learner.run('echo as before')).output).toBe('as before');
  expect(await lab.health()).not.toBeNull();
  const page = lab.page(learner);
  await page.until(
    (one: { state: { sandbox: unknown } }) => one.state.sandbox !== null,
    'a snapshot',
  );
  page.stop();
}

/** A session cookie as this lab names it. */
function cookieWith(token: string): string {
  return `terrarium_session_${lab.port}=${token}`;
}

function terminalPath(of: Learner): string {
  return `/api/terminals/${of.page.terminals[0].id}`;
}
