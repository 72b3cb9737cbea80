import { statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hashToken, SESSION_COOKIE } from './secrets.js';
import { TestDaemon } from './testing/test-daemon.js';

let lab: TestDaemon;

beforeEach(async () => {
  lab = await new TestDaemon().start();
});
afterEach(() => lab.dispose());

describe('POST /sessions', () => {
  it('gives whoever has the access token a session token', async () => {
    const { status, body } = await lab.http('POST', '/sessions', {
      body: { accessToken: lab.accessToken },
    });
    expect(status).toBe(201);
    expect(body['sessionToken']).toMatch(/^[A-Za-z0-9_-]{43}$/);
  });

  it('gives a browser with a living session the same one', async () => {
    const cookie = await lab.enter();
    const { body } = await lab.http('POST', '/sessions', {
      body: { accessToken: lab.accessToken },
      cookie,
    });
    expect(`${SESSION_COOKIE}=${body['sessionToken']}`).toBe(cookie);
  });

  it.each(['', 'wrong', 'x'.repeat(43)])('refuses the access token "%s"', async (accessToken) => {
    const cookie = await lab.enter();
    const answer = await lab.http('POST', '/sessions', { body: { accessToken }, cookie });
    expect(answer).toEqual({
      status: 401,
      body: { error: { message: 'the access token is wrong' } },
    });
  });

  it('refuses what is not JSON, too large, or a form', async () => {
    expect(await lab.http('POST', '/sessions', { raw: '{' })).toMatchObject({ status: 400 });
    expect(await lab.http('POST', '/sessions', { body: {} })).toMatchObject({ status: 400 });
    const large = await lab.http('POST', '/sessions', { raw: `"${'x'.repeat(70_000)}"` });
    expect(large.status).toBe(413);
    const form = await lab.http('POST', '/sessions', { raw: 'a=b', type: 'text/plain' });
    expect(form.status).toBe(415);
  });
});

describe('POST /lessons', () => {
  it('reads the lessons again, and says which differ', async () => {
    expect(await lab.http('POST', '/lessons')).toMatchObject({
      status: 200,
      body: { changed: [] },
    });
    const [lesson] = lab.lessons;
    lab.lessons = [{ ...lesson!, minutes: 99 }];
    const { body } = await lab.http('POST', '/lessons');
    expect(body).toEqual({ changed: ['containers/01'] });
    expect(await lab.http('POST', '/lessons')).toMatchObject({ body: { changed: [] } });
  });

  it('is nothing that a browser reaches', async () => {
    expect((await lab.http('POST', '/api/lessons')).status).toBe(404);
  });
});

describe('with a session', () => {
  it('GET /api/session tells who that is, with progress and settings', async () => {
    const cookie = await lab.enter();
    const { status, body } = await lab.http('GET', '/api/session', { cookie });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      session: { id: expect.stringMatching(/^s-/) },
      limits: { terminals: 2 },
      settings: {},
      progress: { finished: {}, passed: {} },
    });
  });

  it('PUT /api/settings keeps them, for that session alone', async () => {
    const [mine, other] = [await lab.enter(), await lab.enter()];
    const put = await lab.http('PUT', '/api/settings', { body: { theme: 'dark' }, cookie: mine });
    expect(put).toEqual({ status: 200, body: { settings: { theme: 'dark' } } });
    const { body } = await lab.http('GET', '/api/session', { cookie: other });
    expect(body['settings']).toEqual({});
    const bad = await lab.http('PUT', '/api/settings', { body: { 'a b': 'x' }, cookie: mine });
    expect(bad.status).toBe(400);
  });

  it('GET /api/lessons lists them with progress and what they require', async () => {
    const cookie = await lab.enter();
    const { body } = await lab.http('GET', '/api/lessons', { cookie });
    expect(body).toMatchObject({
      lessons: [
        {
          id: 'containers/01',
          finishedAt: null,
          requires: [],
          steps: [{ id: 'one' }, { id: 'two' }],
        },
      ],
    });
  });
});

describe('without a session', () => {
  it.each([
    ['GET', '/api/session'],
    ['GET', '/api/lessons'],
    ['PUT', '/api/settings'],
  ])('%s %s is 401', async (method, path) => {
    const body = method === 'GET' ? undefined : {};
    expect(await lab.http(method, path, { body })).toMatchObject({ status: 401 });
    const cookie = `${SESSION_COOKIE}=${'A'.repeat(43)}`;
    expect(await lab.http(method, path, { body, cookie })).toMatchObject({ status: 401 });
  });

  it('GET /api/health answers without a secret', async () => {
    expect(await lab.http('GET', '/api/health')).toMatchObject({
      status: 200,
      body: { status: 'ok', sandboxes: 0, sandboxLimit: 3 },
    });
  });

  it('other addresses are 404', async () => {
    expect(await lab.http('GET', '/api/nothing')).toMatchObject({ status: 404 });
    expect(await lab.http('GET', '/sessions')).toMatchObject({ status: 404 });
  });
});

describe('secrets', () => {
  it('are on disk as hashes, and the access token for root alone', async () => {
    const { stateDir } = lab.options;
    const token = (await lab.enter()).split('=')[1] as string;
    const { openStore } = await import('./store/index.js');
    const store = openStore(join(stateDir, 'terrarium.db'));
    const row = store.sessions.byTokenHash(hashToken(token));
    store.close();
    expect(row).not.toBeNull();
    expect(JSON.stringify(row)).not.toContain(token);
    expect(statSync(join(stateDir, 'access-token')).mode & 0o777).toBe(0o600);
    expect(statSync(join(lab.options.runDir, 'daemon.sock')).mode & 0o777).toBe(0o600);
  });
});
