/**
 * The daemon's HTTP on its unix socket. Its only peer is the web process (file mode 0660 sees to
 * that), which has checked Host and Origin and passes cookies on; who a cookie belongs to is
 * decided here.
 */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { LocalText } from '@terrarium/protocol';
import { z } from 'zod';
import { answerOf, type FenceQuery, type FenceReader, parseFenceQuery } from './fence.js';
import type { Lessons } from './lessons.js';
import type { Log } from './log.js';
import type { Sessions } from './sessions.js';
import type { Store } from './store/index.js';
import type { SessionRow } from './store/sessions.js';

export interface HttpDeps {
  readonly sessions: Sessions;
  readonly store: Store;
  readonly lessons: Lessons;
  readonly limits: object;
  /** whether this machine offers a kernel feature that a lesson requires */
  readonly requirement: (feature: string) => Requirement;
  readonly health: () => object;
  readonly fence: FenceReader;
  readonly log: Log;
}

/** A lesson's `requires` entry with its verdict. */
export interface Requirement {
  readonly feature: string;
  readonly met: boolean;
  /** what is missing, when it is */
  readonly message?: LocalText;
}

/** Largest body: settings of a page, bytes. */
const MAX_BODY_BYTES = 64 * 1024;

const newSession = z.union([
  z.object({ accessToken: z.string().max(200) }),
  z.object({ token: z.string().max(200) }),
]);
const settingsBody = z.record(z.string().regex(/^[a-zA-Z0-9.-]{1,64}$/), z.string().max(4096));

/** An answer that is not 2xx. */
class HttpError extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

type Route = (request: IncomingMessage) => Promise<{ status: number; body: object }>;

/** The request listener. */
export function createHttpListener(deps: HttpDeps): RequestListener {
  const routes: Record<string, Route> = {
    'POST /sessions': async (request) => makeSession(deps, request),
    'GET /api/health': async () => ({ status: 200, body: deps.health() }),
    'GET /api/session': async (request) => ({
      status: 200,
      body: describe(deps, who(deps, request)),
    }),
    'PUT /api/settings': async (request) => putSettings(deps, request),
    'GET /api/lessons': async (request) => ({
      status: 200,
      body: listLessons(deps, who(deps, request)),
    }),
    'GET /api/fence': async (request) => getFence(deps, request),
  };
  return (request, response) => {
    const path = (request.url ?? '/').split('?', 1)[0];
    const route = routes[`${request.method} ${path}`];
    answer(route, request, response, deps.log).catch((error: unknown) => {
      deps.log.error({ step: 'http', path, err: error }, 'request failed');
      response.destroy();
    });
  };
}

/** A socket of a unix listener has no remote address; anything else does not belong here. */
export function isUnixPeer(request: IncomingMessage): boolean {
  return request.socket instanceof Socket && request.socket.remoteAddress === undefined;
}

async function answer(
  route: Route | undefined,
  request: IncomingMessage,
  response: ServerResponse,
  log: Log,
): Promise<void> {
  const began = performance.now();
  let result: { status: number; body: object };
  try {
    if (route === undefined) throw new HttpError(404, 'no such address');
    if (!isUnixPeer(request)) throw new HttpError(403, 'only through the unix socket');
    result = await route(request);
  } catch (error) {
    if (!(error instanceof HttpError)) log.error({ step: 'http', err: error }, 'request failed');
    const status = error instanceof HttpError ? error.status : 500;
    const message = error instanceof HttpError ? error.message : 'internal error';
    result = { status, body: { error: { message } } };
  }
  const text = JSON.stringify(result.body);
  response.writeHead(result.status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
  });
  response.end(text);
  const ms = Math.round(performance.now() - began);
  log.debug({ step: 'http', method: request.method, url: request.url, status: result.status, ms });
}

async function makeSession(deps: HttpDeps, request: IncomingMessage) {
  const body = parse(newSession, await readJson(request));
  const accessToken = 'accessToken' in body ? body.accessToken : body.token;
  const token = deps.sessions.enter(accessToken, request.headers.cookie);
  if (token === null) throw new HttpError(401, 'the access token is wrong');
  return { status: 201, body: { sessionToken: token, session: token } };
}

function describe(deps: HttpDeps, row: SessionRow): object {
  const passed = deps.store.progress.passed(row.id);
  return {
    session: { id: row.id, createdAt: row.createdAt },
    limits: deps.limits,
    settings: deps.store.settings.all(row.id),
    progress: {
      finished: deps.lessons.finished(passed),
      passed: Object.fromEntries(
        [...passed].map(([lesson, steps]) => [lesson, Object.fromEntries(steps)]),
      ),
    },
  };
}

async function putSettings(deps: HttpDeps, request: IncomingMessage) {
  const row = who(deps, request);
  const settings = parse(settingsBody, await readJson(request));
  for (const [key, value] of Object.entries(settings)) {
    if (!deps.store.settings.set(row.id, key, value)) {
      throw new HttpError(409, 'this session has too many settings');
    }
  }
  return { status: 200, body: { settings: deps.store.settings.all(row.id) } };
}

function listLessons(deps: HttpDeps, row: SessionRow): object {
  const passed = deps.store.progress.passed(row.id);
  const finished = deps.lessons.finished(passed);
  return {
    lessons: deps.lessons.all().map((lesson) => ({
      id: lesson.id,
      course: lesson.course,
      number: lesson.number,
      slug: lesson.slug,
      title: lesson.title,
      summary: lesson.summary,
      minutes: lesson.minutes,
      steps: lesson.steps.map((step) => ({
        id: step.id,
        title: step.title,
        firstPassedAt: passed.get(lesson.id)?.get(step.id) ?? null,
      })),
      finishedAt: finished[lesson.id] ?? null,
      requires: lesson.requires.map((feature) => deps.requirement(feature)),
    })),
  };
}

/** Sessions whose fence is being read: a reading takes tens of files and a plan. */
const reading = new Set<string>();

async function getFence(deps: HttpDeps, request: IncomingMessage) {
  const row = who(deps, request);
  const query = fenceQuery(request);
  const sandbox = deps.sessions.open(row).runtime.running;
  if (sandbox === null) throw new HttpError(409, 'the sandbox does not run');
  if (reading.has(row.id)) throw new HttpError(429, 'one at a time');
  reading.add(row.id);
  try {
    const fence = await deps.fence(sandbox, query.pid);
    if (fence === null) throw new HttpError(404, 'no such process in your sandbox');
    return { status: 200, body: answerOf(fence, query) };
  } finally {
    reading.delete(row.id);
  }
}

function fenceQuery(request: IncomingMessage): FenceQuery {
  try {
    return parseFenceQuery(request.url);
  } catch (error) {
    if (error instanceof z.ZodError) throw new HttpError(400, z.prettifyError(error));
    throw error;
  }
}

function who(deps: HttpDeps, request: IncomingMessage): SessionRow {
  const row = deps.sessions.identify(request.headers.cookie);
  if (row === null) throw new HttpError(401, 'no session: open the link that terrarium printed');
  return row;
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  // A form of another site can't send this type without asking first (CORS preflight).
  if (!/^application\/json\b/.test(request.headers['content-type'] ?? '')) {
    throw new HttpError(415, 'content-type must be application/json');
  }
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += (chunk as Buffer).length;
    if (size > MAX_BODY_BYTES) throw new HttpError(413, `body over ${MAX_BODY_BYTES} bytes`);
    chunks.push(chunk as Buffer);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    throw new HttpError(400, 'the body is not JSON');
  }
}

function parse<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new HttpError(400, z.prettifyError(result.error));
}
