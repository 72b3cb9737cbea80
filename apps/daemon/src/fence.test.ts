/** GET /api/fence with fakes: whose fence is told, and whose is not. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseFenceQuery } from './fence.js';
import { TestDaemon } from './testing/test-daemon.js';

let lab: TestDaemon;

beforeEach(async () => {
  lab = await new TestDaemon().start();
});
afterEach(() => lab.dispose());

describe('GET /api/fence', () => {
  it('needs a session', async () => {
    expect(await lab.http('GET', '/api/fence?pid=sandbox')).toMatchObject({ status: 401 });
  });

  it('needs a sandbox that runs', async () => {
    const cookie = await lab.enter();
    expect(await lab.http('GET', '/api/fence', { cookie })).toMatchObject({ status: 409 });
  });

  it('tells of the session’s own processes, and nothing of others', async () => {
    const cookie = await lab.enter();
    await lab.greetedPage(cookie);
    const ask = (query: string) => lab.http('GET', `/api/fence${query}`, { cookie });
    await expect.poll(async () => (await ask('')).status, { timeout: 30_000 }).toBe(200);
    const init = [...lab.sandboxes.alive.values()][0]?.initPid ?? 0;
    expect(await ask('')).toMatchObject({ status: 200, body: { pid: init } });
    expect(await ask('?pid=sandbox')).toMatchObject({ status: 200, body: { pid: init } });
    lab.sandboxes.members.add(4242);
    expect(await ask('?pid=4242')).toMatchObject({ status: 200, body: { pid: 4242 } });
    const refused = {
      status: 404,
      body: { error: { message: 'no such process in your sandbox' } },
    };
    expect(await ask('?pid=1')).toEqual(refused);
    expect(await ask('?pid=4194999')).toEqual(refused);
    expect(await ask('?pid=../1')).toMatchObject({ status: 400 });
  });
});

describe('parseFenceQuery', () => {
  it.each([
    ['/api/fence', { pid: null, refusal: null }],
    ['/api/fence?pid=sandbox', { pid: null, refusal: null }],
    ['/api/fence?pid=12', { pid: 12, refusal: null }],
    [
      '/api/fence?syscall=mount&errno=EPERM&path=%2Fmnt',
      { pid: null, refusal: { syscall: 'mount', errno: 1, path: '/mnt' } },
    ],
  ])('%s', (url, query) => expect(parseFenceQuery(url)).toEqual(query));

  it.each([
    '?pid=0',
    '?pid=-1',
    '?pid=1e3',
    '?syscall=mount',
    '?errno=EPERM',
    '?syscall=Mount&errno=EPERM',
    '?syscall=mount&errno=constructor',
    '?syscall=mount&errno=EPERM&path=relative',
  ])('refuses %s', (query) => expect(() => parseFenceQuery(`/api/fence${query}`)).toThrow());
});
