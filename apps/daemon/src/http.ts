/**
 * The daemon's HTTP on its unix socket. Its only peer is the web process (file mode 0660 sees to
 * that), which has checked Host and Origin and passes cookies on; who a cookie belongs to is
 * decided here.
 */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { Lesson } from '@terrarium/lesson';
import { fileWriteBody, HISTORY_EPOCH } from '@terrarium/protocol';
import { z } from 'zod';
import { answerOf, type FenceQuery, type FenceReader, parseFenceQuery } from './fence.js';
import { FileBounds, parseFilePath, refusalOf, type SandboxFiles } from './files.js';
import type { Lessons } from './lessons.js';
import type { Log } from './log.js';
import type { SandboxInfo } from './ports.js';
import type { Requirement } from './requirements.js';
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
  /** reads the lessons' files again; null where nobody can */
  readonly readLessons: (() => readonly Lesson[]) | null;
  readonly fence: FenceReader;
  readonly files: SandboxFiles;
  readonly log: Log;
}

/** Largest body: settings of a page, bytes. */
const MAX_BODY_BYTES = 64 * 1024;
/** Of a file: 512 KiB as JSON, where a control character takes six bytes, and a line's end two. */
const MAX_FILE_BODY_BYTES = 2 * 1024 * 1024;

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

interface Answer {
  readonly status: number;
  /** JSON, or bytes as they are */
  readonly body: object | Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
}

type Route = (request: IncomingMessage) => Promise<Answer>;

/** The request listener. */
export function createHttpListener(deps: HttpDeps): RequestListener {
  const routes: Record<string, Route> = {
    'POST /sessions': async (request) => makeSession(deps, request),
    // Not below /api/: the web process hands nothing of it on.
    'POST /lessons': async () => renewLessons(deps),
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
    'GET /api/history': async (request) => getHistory(deps, request),
    'GET /api/files': async (request) => getFile(deps, request),
    'PUT /api/files': async (request) => putFile(deps, request),
    'GET /api/files/archive': async (request) => getArchive(deps, request),
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
  let result: Answer;
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
  const isBytes = result.body instanceof Uint8Array;
  const bytes = isBytes ? (result.body as Uint8Array) : Buffer.from(JSON.stringify(result.body));
  response.writeHead(result.status, {
    'content-type': isBytes ? 'application/octet-stream' : 'application/json; charset=utf-8',
    'content-length': bytes.length,
    'cache-control': 'no-store',
    ...result.headers,
  });
  response.end(bytes);
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

/** `terrarium lesson watch` saw a change. */
function renewLessons(deps: HttpDeps): Answer {
  if (deps.readLessons === null) throw new HttpError(404, 'no such address');
  const changed = deps.lessons.renew(deps.readLessons());
  for (const session of deps.sessions.live) {
    for (const lesson of changed) session.lessonRenewed(lesson);
  }
  return { status: 200, body: { changed } };
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
        required: deps.lessons.unmet(step).length === 0,
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

/**
 * The past of the session's timeline as a recording, see history.ts. Its numbers count within the
 * epoch that the header names, as those of `since` do.
 */
async function getHistory(deps: HttpDeps, request: IncomingMessage): Promise<Answer> {
  const row = who(deps, request);
  const session = deps.sessions.open(row);
  if (reading.has(`history ${row.id}`)) throw new HttpError(429, 'one at a time');
  reading.add(`history ${row.id}`);
  try {
    const body = await session.past.read();
    return { status: 200, body, headers: { [HISTORY_EPOCH]: session.epoch } };
  } finally {
    reading.delete(`history ${row.id}`);
  }
}

const fileBounds = new FileBounds();

async function getFile(deps: HttpDeps, request: IncomingMessage): Promise<Answer> {
  const path = queried(() => parseFilePath(request.url));
  return withFiles(deps, request, ({ files }, sandbox) => files.read(sandbox, path));
}

async function putFile(deps: HttpDeps, request: IncomingMessage): Promise<Answer> {
  who(deps, request); // before a body is read
  const path = queried(() => parseFilePath(request.url));
  const { text, expected } = parse(fileWriteBody, await readJson(request, MAX_FILE_BODY_BYTES));
  return withFiles(deps, request, ({ files }, sandbox) =>
    files.write(sandbox, path, text, expected),
  );
}

/** What the learner made, to keep it before the sandbox goes. */
async function getArchive(deps: HttpDeps, request: IncomingMessage): Promise<Answer> {
  const row = who(deps, request);
  const key = `archive ${row.id}`;
  if (reading.has(key)) return refuse(429, 'busy', 'one at a time');
  reading.add(key);
  try {
    return await withFiles(deps, request, ({ files }, sandbox) => files.archive(sandbox));
  } finally {
    reading.delete(key);
  }
}

/** Asks something about a file of the session's own sandbox; a refusal has a code for the page. */
async function withFiles(
  deps: HttpDeps,
  request: IncomingMessage,
  ask: (deps: HttpDeps, sandbox: SandboxInfo) => Promise<object>,
): Promise<Answer> {
  const row = who(deps, request);
  const sandbox = deps.sessions.open(row).runtime.running;
  if (sandbox === null) return refuse(409, 'sandbox', 'the sandbox does not run');
  try {
    const body = await fileBounds.run(row.id, () => ask(deps, sandbox));
    return body === null ? refuse(429, 'busy', 'too many at once') : { status: 200, body };
  } catch (error) {
    const refusal = refusalOf(error);
    if (refusal === null) throw error;
    return refusal;
  }
}

function refuse(status: number, code: string, message: string): Answer {
  return { status, body: { error: { code, message } } };
}

function queried<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof z.ZodError) throw new HttpError(400, z.prettifyError(error));
    throw error;
  }
}

function fenceQuery(request: IncomingMessage): FenceQuery {
  return queried(() => parseFenceQuery(request.url));
}

function who(deps: HttpDeps, request: IncomingMessage): SessionRow {
  const row = deps.sessions.identify(request.headers.cookie);
  if (row === null) throw new HttpError(401, 'no session: open the link that terrarium printed');
  return row;
}

async function readJson(request: IncomingMessage, most = MAX_BODY_BYTES): Promise<unknown> {
  // A form of another site can't send this type without asking first (CORS preflight).
  if (!/^application\/json\b/.test(request.headers['content-type'] ?? '')) {
    throw new HttpError(415, 'content-type must be application/json');
  }
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += (chunk as Buffer).length;
    if (size > most) throw new HttpError(413, `body over ${most} bytes`);
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
