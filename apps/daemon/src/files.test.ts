import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FileBounds, parseFilePath } from './files.js';
import { TestDaemon } from './testing/test-daemon.js';

let lab: TestDaemon;
beforeEach(async () => {
  lab = await new TestDaemon().start();
});
afterEach(() => lab.dispose());

const at = (path: string): string => `/api/files?path=${encodeURIComponent(path)}`;

/** A learner with a running sandbox. */
async function learner(): Promise<{ cookie: string; sandbox: string }> {
  const cookie = await lab.enter();
  await lab.greetedPage(cookie);
  const sandbox = [...lab.sandboxes.alive.keys()].at(-1) ?? '';
  return { cookie, sandbox };
}

describe('GET and PUT /api/files', () => {
  it('reads what the session’s own sandbox has, and writes there', async () => {
    const [mine, other] = [await learner(), await learner()];
    lab.sandboxes.texts.set(`${mine.sandbox} /root/a`, 'hello');
    const read = await lab.http('GET', at('/root/a'), { cookie: mine.cookie });
    expect(read).toMatchObject({ status: 200, body: { kind: 'file', text: 'hello', mtime: '5' } });
    const put = await lab.http('PUT', at('/root/a'), {
      ...{ body: { text: 'you there', expected: { mtime: '5' } }, cookie: mine.cookie },
    });
    expect(put).toMatchObject({ status: 200, body: { path: '/root/a', mtime: '9' } });
    expect(lab.sandboxes.texts.get(`${mine.sandbox} /root/a`)).toBe('you there');
    const foreign = await lab.http('GET', at('/root/a'), { cookie: other.cookie });
    expect(foreign).toMatchObject({ status: 404, body: { error: { code: 'ENOENT' } } });
  });

  it('says when the file is another than was opened', async () => {
    const { cookie, sandbox } = await learner();
    lab.sandboxes.texts.set(`${sandbox} /root/a`, 'theirs!');
    const body = { text: 'mine', expected: { mtime: '5' } };
    const put = await lab.http('PUT', at('/root/a'), { body, cookie });
    expect(put).toMatchObject({ status: 409, body: { error: { code: 'changed' } } });
    expect(lab.sandboxes.texts.get(`${sandbox} /root/a`)).toBe('theirs!');
  });

  it('takes nothing without a session, a sandbox, an absolute path or a body', async () => {
    expect((await lab.http('GET', at('/x'))).status).toBe(401);
    expect((await lab.http('PUT', at('/x'), { raw: 'x'.repeat(100) })).status).toBe(401);
    const outsider = await lab.enter();
    expect(await lab.http('GET', at('/x'), { cookie: outsider })).toMatchObject({
      ...{ status: 409, body: { error: { code: 'sandbox' } } },
    });
    const { cookie } = await learner();
    for (const path of ['', 'x', '../x', 'a\0b', `/${'x'.repeat(5000)}`]) {
      expect((await lab.http('GET', at(path), { cookie })).status, path).toBe(400);
    }
    for (const body of [{}, { text: 1, expected: 'any' }, { text: '', expected: 'now' }]) {
      expect((await lab.http('PUT', at('/x'), { body, cookie })).status).toBe(400);
    }
    const large = { body: { text: 'x'.repeat(3 * 1024 * 1024), expected: 'any' }, cookie };
    expect((await lab.http('PUT', at('/x'), large)).status).toBe(413);
    const form = await lab.http('PUT', at('/x'), { raw: 'x', type: 'text/plain', cookie });
    expect(form.status).toBe(415);
  });

  it('answers few at a time', async () => {
    const { cookie } = await learner();
    let go = (): void => {};
    lab.sandboxes.filesWait = new Promise((resolve) => {
      go = resolve;
    });
    const answers = [...Array(5)].map(() => lab.http('GET', at('/x'), { cookie }));
    const first = await Promise.race(answers);
    expect(first).toMatchObject({ status: 429, body: { error: { code: 'busy' } } });
    go();
    const statuses = (await Promise.all(answers)).map(({ status }) => status);
    expect(statuses.sort()).toEqual([404, 404, 404, 404, 429]);
  });
});

describe('GET /api/files/archive', () => {
  it('gives the session’s own sandbox, once at a time', async () => {
    const { cookie, sandbox } = await learner();
    let go = (): void => {};
    lab.sandboxes.filesWait = new Promise((resolve) => {
      go = resolve;
    });
    const path = '/api/files/archive';
    const answers = [lab.http('GET', path, { cookie }), lab.http('GET', path, { cookie })];
    expect(await Promise.race(answers)).toMatchObject({
      ...{ status: 429, body: { error: { code: 'busy' } } },
    });
    go();
    const all = await Promise.all(answers);
    expect(all.find(({ status }) => status === 200)?.body).toEqual({ archiveOf: sandbox });
    expect((await lab.http('GET', path)).status).toBe(401);
  });
});

describe('FileBounds', () => {
  it('counts each session for itself, and forgets what failed', async () => {
    const bounds = new FileBounds();
    const fails = () => bounds.run('a', () => Promise.reject(new Error('no')));
    for (let i = 0; i < 6; i++) await expect(fails()).rejects.toThrow('no');
    expect(await bounds.run('b', async () => 1)).toBe(1);
    const many = await Promise.all([...Array(60)].map(() => bounds.run('c', async () => 1)));
    expect(many.filter((one) => one === null).length).toBeGreaterThan(0);
  });
});

it('parseFilePath takes the path as it is, letter by letter', () => {
  expect(parseFilePath(at('/a b/%41/中/+'))).toBe('/a b/%41/中/+');
});
