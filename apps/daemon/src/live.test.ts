/** The daemon seen from its pages: hello, state, limits, terminals, resets, deaths. */
import type { Step } from '@terrarium/lesson';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { SandboxInfo } from './ports.js';
import { fakeLesson, fakeProcess, fakeSandbox, fakeStep, firstWords } from './testing/fakes.js';
import { TestDaemon } from './testing/test-daemon.js';

let lab: TestDaemon;

async function start(options: ConstructorParameters<typeof TestDaemon>[0] = {}): Promise<void> {
  lab = await new TestDaemon(options).start();
}

afterEach(() => lab.dispose());

const LESSON_WITH_SETUP = fakeLesson([
  fakeStep('one', 'sleep', { once: true }),
  fakeStep('two', 'sh', {
    once: true,
    setup: [
      { line: 'sleep 99', terminal: 2 },
      { key: 'C-c', terminal: 1 },
    ],
  }),
]);

const onlySandbox = (): string => {
  const ids = [...lab.sandboxes.alive.keys()];
  expect(ids).toHaveLength(1);
  return ids[0] as string;
};

const fork = (pid: number, comm = 'sleep') =>
  ({ type: 'process.fork', process: fakeProcess(pid, comm, null) }) as const;

describe('hello', () => {
  beforeEach(() => start());

  it('is answered by welcome, then a sandbox, a terminal and a snapshot', async () => {
    const page = await lab.page();
    page.hello();
    const welcome = await page.next('welcome');
    expect(welcome).toMatchObject({ version: 1, terminals: [], finished: {}, settings: {} });
    await page.next('sandbox', ({ status }) => status === 'starting');
    const { state } = await page.next('snapshot');
    expect(state.sandbox?.id).toBe(onlySandbox());
    const { terminals } = await page.next('terminals');
    expect(terminals).toEqual([
      { id: `${onlySandbox()}-1`, pts: 0, state: 'running', exitCode: null },
    ]);
  });

  it('registers the sandbox with the terminal host before the first shell', async () => {
    const page = await lab.greetedPage();
    await page.next('terminals');
    const id = onlySandbox();
    expect(lab.terminals.calls).toEqual([`register ${id}`, `open ${id}-1 80x24`]);
  });

  it('makes one sandbox for two pages of one session', async () => {
    const cookie = await lab.enter();
    await Promise.all([lab.greetedPage(cookie), lab.greetedPage(cookie)]);
    expect(lab.sandboxes.alive.size).toBe(1);
  });

  it('makes one sandbox each for two sessions, and tells neither of the other', async () => {
    const [a, b] = await Promise.all([lab.greetedPage(), lab.greetedPage()]);
    const idOf = async (page: typeof a) => {
      page.hello();
      return (await page.next('snapshot')).state.sandbox?.id as string;
    };
    const [idA, idB] = [await idOf(a), await idOf(b)];
    expect(idA).not.toBe(idB);
    lab.observer.emit(idA, [fork(7001)]);
    await a.next('events', ({ events }) => JSON.stringify(events).includes('7001:1'));
    expect(JSON.stringify(b.received)).not.toContain('7001:1');
    expect(JSON.stringify(b.received)).not.toContain(idA);
  });

  it('closes with 4000 without a session and 4001 for another version', async () => {
    const stranger = await lab.page('terrarium_session=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA');
    expect(await stranger.closed).toMatchObject({ code: 4000 });
    const old = await lab.page();
    old.hello({ version: 99 });
    expect(await old.closed).toMatchObject({ code: 4001 });
  });

  it('says which lesson is unknown and goes on', async () => {
    const page = await lab.page();
    page.hello({ lesson: 'containers/99' });
    expect(await page.next('error')).toMatchObject({ code: 'lesson.not-found' });
    await page.next('snapshot');
  });
});

describe('reconnecting', () => {
  beforeEach(() => start());

  it('continues after the number that the page had', async () => {
    const cookie = await lab.enter();
    const page = await lab.page(cookie);
    page.hello();
    const { epoch } = await page.next('welcome');
    const { state } = await page.next('snapshot');
    page.close();
    lab.observer.emit(onlySandbox(), [fork(7001), fork(7002)]);
    const again = await lab.page(cookie);
    again.hello({ since: { epoch, seq: state.seq } });
    const { events } = await again.next('events');
    expect(events[0]?.seq).toBe(state.seq + 1);
    expect(JSON.stringify(again.received)).toContain('7002:1');
    expect(again.received.some(({ type }) => type === 'snapshot')).toBe(false);
  });

  it('starts from a snapshot when the numbering is another one', async () => {
    const cookie = await lab.enter();
    const page = await lab.greetedPage(cookie);
    page.close();
    const again = await lab.page(cookie);
    again.hello({ since: { epoch: 'an-earlier-daemon', seq: 1 } });
    await again.next('snapshot');
  });

  it('starts from a snapshot when the number is from the future', async () => {
    const cookie = await lab.enter();
    const page = await lab.page(cookie);
    page.hello();
    const { epoch } = await page.next('welcome');
    await page.next('snapshot');
    const again = await lab.page(cookie);
    again.hello({ since: { epoch, seq: 1_000_000 } });
    await again.next('snapshot');
  });

  it('gives every event exactly once, in order, across snapshot and deltas', async () => {
    const cookie = await lab.enter();
    const first = await lab.greetedPage(cookie);
    const id = onlySandbox();
    let pid = 8000;
    const storm = setInterval(() => lab.observer.emit(id, [fork(pid++), fork(pid++)]), 1);
    try {
      for (let i = 0; i < 5; i++) {
        const page = await lab.greetedPage(cookie);
        let seq = -1;
        for (const message of page.received) {
          if (message.type === 'snapshot') seq = message.state.seq;
        }
        for (let n = 0; n < 5; n++) {
          const { events } = await page.next('events');
          for (const event of events) expect(event.seq).toBe(++seq);
        }
        page.close();
      }
    } finally {
      clearInterval(storm);
    }
    const seqs = first.received.flatMap((message) =>
      message.type === 'events' ? message.events.map((event) => event.seq) : [],
    );
    expect(seqs).toEqual(seqs.map((_, i) => (seqs[0] as number) + i));
  });
});

describe('limits of the socket', () => {
  beforeEach(() => start());

  it('answers garbage with message.malformed and closes with 1008 after twenty', async () => {
    const page = await lab.page();
    for (let i = 0; i < 21; i++) page.raw.send('{"type":"nonsense"}');
    expect(await page.closed).toMatchObject({ code: 1008 });
    const errors = page.received.filter(
      (message) => message.type === 'error' && message.code === 'message.malformed',
    );
    expect(errors).toHaveLength(21);
  });

  it('takes binary frames and anything before hello for malformed', async () => {
    const page = await lab.page();
    page.raw.send(Buffer.from([1, 2, 3]));
    expect(await page.next('error')).toMatchObject({ code: 'message.malformed' });
    page.send({ type: 'terminal.close', terminal: 't1' });
    expect(await page.next('error')).toMatchObject({ message: 'terminal.close: say hello first' });
  });

  it('closes with 4002 after message.too-many, and stays well for others', async () => {
    const page = await lab.greetedPage();
    for (let i = 0; i < 10_000; i++) page.raw.send('{"type":"ping","sent":1}');
    expect(await page.closed).toMatchObject({ code: 4002 });
    expect(page.received.at(-1)).toMatchObject({ code: 'message.too-many' });
    await lab.greetedPage();
  });

  it('counts what is much work ten times', async () => {
    const page = await lab.page();
    for (let i = 0; i < 30; i++) page.hello();
    expect(await page.closed).toMatchObject({ code: 4002 });
    expect(page.received.filter(({ type }) => type === 'welcome').length).toBeLessThan(25);
  });

  it('closes with 1009 for a message over 64 KiB', async () => {
    const page = await lab.page();
    page.raw.send('x'.repeat(65 * 1024));
    expect(await page.closed).toMatchObject({ code: 1009 });
  });
});

describe('a slow page', () => {
  it('gets a snapshot instead of the deltas it could not take, and slows nobody', async () => {
    await start();
    const cookie = await lab.enter();
    const slow = await lab.greetedPage(cookie);
    const fast = await lab.greetedPage(cookie);
    const id = onlySandbox();
    slow.raw.pause();
    const args = ['x'.repeat(500)];
    const count = 3000;
    for (let i = 0; i < count; i++) {
      const process = { ...fakeProcess(10_000 + i, 'sleep', null), args };
      lab.observer.emit(id, [{ type: 'process.fork', process }]);
      lab.observer.emit(id, [{ type: 'process.exit', key: process.key, waitStatus: 0 }]);
      if (i % 20 === 0) await new Promise((resolve) => setTimeout(resolve, 4));
    }
    await fast.next('events', ({ events }) =>
      events.some((event) => event.type === 'process.exit' && event.key === '12999:1'),
    );
    expect(fast.received.filter(({ type }) => type === 'snapshot')).toHaveLength(1);
    slow.raw.resume();
    const { state } = await slow.next('snapshot', ({ state }) => state.seq > 2 * count);
    expect(Object.keys(state.processes)).toHaveLength(1);
    const bytes = slow.received.map((message) => JSON.stringify(message).length);
    // 2.7 MB were said meanwhile; the kernel's buffers and ours took a part of it, then no more.
    expect(bytes.reduce((a, b) => a + b, 0)).toBeLessThan(1.2 * 1024 * 1024);
    lab.observer.emit(id, [fork(99_999)]);
    await slow.next('events', ({ events }) => events.at(-1)?.seq === state.seq + 1);
  });
});

describe('terminals', () => {
  beforeEach(() => start());

  it('open, up to the limit, and close', async () => {
    const page = await lab.greetedPage();
    await page.next('terminals');
    const id = onlySandbox();
    page.send({ type: 'terminal.open', request: 5, cols: 100, rows: 30 });
    expect(await page.next('terminal.opened')).toEqual({
      type: 'terminal.opened',
      request: 5,
      terminal: `${id}-2`,
    });
    page.send({ type: 'terminal.open', request: 6, cols: 100, rows: 30 });
    expect(await page.next('error')).toMatchObject({ code: 'terminal.limit', request: 6 });
    page.send({ type: 'terminal.close', terminal: `${id}-1` });
    const { terminals } = await page.next('terminals');
    expect(terminals.map((terminal) => terminal.id)).toEqual([`${id}-2`]);
    page.send({ type: 'terminal.close', terminal: `${id}-1` });
    expect(await page.next('error')).toMatchObject({ code: 'terminal.not-found' });
  });

  it('run again when a page is opened after every shell was left', async () => {
    const page = await lab.greetedPage();
    await page.next('terminals');
    const id = onlySandbox();
    lab.terminals.end(id, `${id}-1`, 0);
    await page.next('terminals', ({ terminals }) => terminals[0]?.state === 'ended');
    page.hello();
    await page.next('terminals', ({ terminals }) => terminals[0]?.state === 'running');
    expect(lab.terminals.calls.at(-1)).toBe(`restart ${id}-1`);
  });

  it('are shown as ended with the exit code', async () => {
    const page = await lab.greetedPage();
    await page.next('terminals');
    lab.terminals.end(onlySandbox(), `${onlySandbox()}-1`, 3);
    const { terminals } = await page.next('terminals');
    expect(terminals[0]).toMatchObject({ state: 'ended', exitCode: 3 });
  });
});

describe('steps', () => {
  it('are shown at hello and turn green with the kernel', async () => {
    await start();
    const page = await lab.page();
    page.hello({ lesson: 'containers/01' });
    const { steps } = await page.next('steps');
    expect(steps.map(({ passed }) => passed)).toEqual([false, false]);
    await page.next('snapshot');
    lab.observer.emit(onlySandbox(), [fork(7001, 'sleep')]);
    const green = await page.next('steps', (message) => message.steps[0]?.passed === true);
    expect(green.steps[0]?.firstPassedAt).toBeGreaterThan(0);
    await page.next('events', ({ events }) =>
      events.some((event) => event.type === 'check' && event.passed && event.step === 'one'),
    );
    lab.observer.emit(onlySandbox(), [{ type: 'process.exit', key: '7001:1', waitStatus: 0 }]);
    const red = await page.next('steps', (message) => message.steps[0]?.passed === false);
    expect(red.steps[0]?.firstPassedAt).toBe(green.steps[0]?.firstPassedAt);
  });

  it('are reset: a fresh sandbox, the same terminals, the setup typed', async () => {
    lab = new TestDaemon();
    lab.lessons = [LESSON_WITH_SETUP];
    await lab.start();
    const page = await lab.greetedPage(undefined, { lesson: 'containers/01' });
    await page.next('terminals');
    const id = onlySandbox();
    const before = lab.sandboxes.alive.get(id);
    lab.observer.emit(id, [fork(7001, 'sleep'), fork(7002, 'sh')]);
    await page.next('steps', ({ steps }) => steps.every(({ passed }) => passed));
    page.send({ type: 'step.reset', lesson: 'containers/01', step: 'two' });
    await page.next('sandbox', ({ status }) => status === 'resetting');
    await page.next('sandbox', ({ status }) => status === 'running');
    expect(onlySandbox()).toBe(id);
    expect(lab.sandboxes.alive.get(id)?.initPid).not.toBe(before?.initPid);
    expect(lab.terminals.typed).toEqual([`${id}-2 sleep 99\r`, `${id}-1 \x03`]);
    expect(lab.terminals.calls.slice(2)).toEqual([
      `register ${id}`,
      `restart ${id}-1`,
      `open ${id}-2 80x24`,
    ]);
    page.hello({ lesson: 'containers/01' });
    const { steps } = await page.next('steps');
    // The first step's latch stays, the reset one begins anew.
    expect(steps.map(({ passed }) => passed)).toEqual([true, false]);
    expect(steps[1]?.firstPassedAt).not.toBeNull();
    const { state } = await page.next('snapshot');
    expect(Object.values(state.processes).map(({ comm }) => comm)).toEqual(['init']);
  });

  it('ignore what the observer still says of the sandbox before the reset', async () => {
    await start();
    const page = await lab.greetedPage(undefined, { lesson: 'containers/01' });
    await page.next('terminals');
    const id = onlySandbox();
    lab.observer.silent = true;
    page.send({ type: 'step.reset', lesson: 'containers/01', step: 'one' });
    await page.next(
      'sandbox',
      (news) => news.status === 'running' && lab.sandboxes.calls.length > 2,
    );
    lab.observer.emit(id, [fork(7001, 'sleep')]);
    const info = lab.sandboxes.alive.get(id) as SandboxInfo;
    lab.observer.emit(id, [...firstWords(info), fork(7002, 'sh')]);
    const { steps } = await page.next('steps', (message) => message.steps[1]?.passed === true);
    expect(steps[0]?.passed).toBe(false);
  });

  it('whose reset fails are told so, and the page can go on', async () => {
    await start();
    const page = await lab.greetedPage(undefined, { lesson: 'containers/01' });
    await page.next('terminals');
    lab.sandboxes.failure = new Error('no memory');
    page.send({ type: 'step.reset', lesson: 'containers/01', step: 'one' });
    expect(await page.next('error')).toMatchObject({
      code: 'sandbox.failed',
      message: 'no memory',
    });
    expect(lab.sandboxes.alive.size).toBe(0);
    lab.sandboxes.failure = null;
    page.hello({ lesson: 'containers/01' });
    expect((await page.next('terminals')).terminals).toHaveLength(1);
    await page.next('sandbox', ({ status }) => status === 'running');
  });

  it('are ready, and set up, once the observer misses nothing and the shells wait for a line', async () => {
    lab = new TestDaemon();
    lab.lessons = [LESSON_WITH_SETUP];
    await lab.start();
    const page = await lab.greetedPage(undefined, { lesson: 'containers/01' });
    await page.next('sandbox', ({ status }) => status === 'running');
    let settled = (): void => {};
    let started = (): void => {};
    lab.observer.settling = new Promise((resolve) => {
      settled = resolve;
    });
    lab.terminals.starting = new Promise((resolve) => {
      started = resolve;
    });
    page.send({ type: 'step.reset', lesson: 'containers/01', step: 'two' });
    await page.next('sandbox', ({ status }) => status === 'resetting');
    await page.next('terminals', ({ terminals }) => terminals.length === 2);
    expect(lab.terminals.typed).toEqual([]);
    settled();
    await new Promise((resolve) => setImmediate(resolve));
    expect(lab.terminals.typed).toEqual([]);
    started();
    const news = await page.next('sandbox');
    expect(news.status).toBe('running');
    expect(lab.terminals.typed).toHaveLength(2);
  });

  it('are not reset more often than they can be', async () => {
    await start();
    const page = await lab.greetedPage(undefined, { lesson: 'containers/01' });
    await page.next('terminals');
    lab.sandboxes.slow = 20;
    for (let i = 0; i < 12; i++) {
      page.send({ type: 'step.reset', lesson: 'containers/01', step: 'one' });
    }
    expect(await page.next('error')).toMatchObject({ code: 'message.too-many' });
  });

  it('that are unknown are refused without touching the sandbox', async () => {
    await start();
    const page = await lab.greetedPage(undefined, { lesson: 'containers/01' });
    const id = onlySandbox();
    page.send({ type: 'step.reset', lesson: 'containers/01', step: 'nine' });
    expect(await page.next('error')).toMatchObject({ code: 'step.not-found' });
    page.send({ type: 'step.predict', lesson: 'containers/07', step: 'one', answer: '1' });
    expect(await page.next('error')).toMatchObject({ code: 'lesson.not-found' });
    expect(onlySandbox()).toBe(id);
  });
});

describe('a sandbox', () => {
  it('that dies is replaced, with its terminals, and the page is told why', async () => {
    await start();
    const page = await lab.greetedPage();
    await page.next('terminals');
    const id = onlySandbox();
    const before = lab.sandboxes.alive.get(id);
    lab.sandboxes.die(id);
    const starting = await page.next('sandbox', ({ status }) => status === 'starting');
    expect(starting.message?.en).toContain('process 1 was killed');
    await page.next('sandbox', ({ status }) => status === 'running');
    expect(lab.sandboxes.alive.get(onlySandbox())?.initPid).not.toBe(before?.initPid);
    expect(lab.sandboxes.calls).toContain(`remove ${id}`);
    page.hello();
    const { terminals } = await page.next('welcome');
    expect(terminals.map((terminal) => terminal.id)).toEqual([`${id}-1`]);
  });

  it('that keeps dying is not replaced until the page asks', async () => {
    await start();
    const page = await lab.greetedPage();
    for (let i = 0; i < 2; i++) {
      lab.sandboxes.die(onlySandbox());
      await page.next('sandbox', (news) => news.status === 'running' && news.message !== undefined);
    }
    lab.sandboxes.die(onlySandbox());
    await page.next('sandbox', ({ status }) => status === 'failed');
    expect(lab.sandboxes.alive.size).toBe(0);
    page.hello();
    await page.next('sandbox', ({ status }) => status === 'running');
  });

  it('is refused beyond the limit with what to do about it', async () => {
    await start({ sessions: 1 });
    await lab.greetedPage();
    const page = await lab.page();
    page.hello();
    const error = await page.next('error');
    expect(error.code).toBe('sandbox.limit');
    expect(error.message).toContain('--sessions');
    expect(lab.sandboxes.alive.size).toBe(1);
  });

  it('that cannot be made leaves nothing, and the next hello tries again', async () => {
    await start();
    lab.sandboxes.failure = Object.assign(new Error('mount overlay on /x: EINVAL'), {
      code: 'EINVAL',
    });
    const page = await lab.page();
    page.hello();
    await page.next('sandbox', ({ status }) => status === 'failed');
    expect(await page.next('error')).toMatchObject({ code: 'sandbox.failed', errno: 'EINVAL' });
    expect(lab.sandboxes.alive.size).toBe(0);
    expect(lab.observer.watched.size).toBe(0);
    lab.sandboxes.failure = null;
    page.hello();
    await page.next('snapshot');
  });

  it('is removed when no page has been there for the idle time, and comes back on hello', async () => {
    await start({ idleMs: 300 });
    const cookie = await lab.enter();
    const page = await lab.greetedPage(cookie);
    page.close();
    await expect.poll(() => lab.sandboxes.alive.size, { timeout: 3000 }).toBe(0);
    expect(lab.terminals.hosted.size).toBe(0);
    await lab.greetedPage(cookie);
    expect(lab.sandboxes.alive.size).toBe(1);
  });
});

describe('a daemon that starts', () => {
  /** What a killed daemon leaves: its fakes' books, and the database. */
  async function crashAndRestart(between: (before: TestDaemon) => void): Promise<string> {
    await start();
    const cookie = await lab.enter();
    const page = await lab.greetedPage(cookie);
    await page.next('terminals');
    const alive = new Map(lab.sandboxes.alive);
    const hosted = new Map(lab.terminals.hosted);
    // A stop would remove the sandbox: let it remove it from books that nobody reads any more.
    await lab.stopLikeCrash();
    for (const [id, info] of alive) lab.sandboxes.alive.set(id, info);
    for (const [id, list] of hosted) lab.terminals.hosted.set(id, list);
    between(lab);
    await lab.start();
    return cookie;
  }

  it('keeps a sandbox that lives and has an owner, with its terminals', async () => {
    const cookie = await crashAndRestart(() => {});
    const id = onlySandbox();
    const page = await lab.page(cookie);
    page.hello();
    const { terminals } = await page.next('welcome');
    expect(terminals.map((terminal) => terminal.id)).toEqual([`${id}-1`]);
    expect((await page.next('snapshot')).state.sandbox?.id).toBe(id);
    expect(lab.sandboxes.calls).toEqual([]);
    expect(lab.terminals.calls).toEqual([]);
  });

  it('removes what has no owner', async () => {
    const stray = fakeSandbox('sb-stray', 1);
    const hosted = { initPid: 1, terminals: [] };
    await crashAndRestart(({ sandboxes, terminals }) => {
      sandboxes.alive.set(stray.id, stray);
      terminals.hosted.set(stray.id, hosted);
      terminals.hosted.set('sb-gone', hosted);
    });
    expect(lab.sandboxes.calls).toEqual(['remove sb-stray']);
    expect(lab.terminals.calls.sort()).toEqual(['forget sb-gone', 'forget sb-stray']);
  });

  it('gives a session whose sandbox is gone a fresh one, and says so once', async () => {
    const cookie = await crashAndRestart(({ sandboxes, terminals }) => {
      sandboxes.alive.clear();
      terminals.hosted.clear();
    });
    const page = await lab.page(cookie);
    page.hello();
    const running = await page.next('sandbox', ({ status }) => status === 'running');
    expect(running.message?.en).toContain('your progress is kept');
    expect(lab.sandboxes.alive.size).toBe(1);
  });

  it('registers again what a restarted terminal host has forgotten', async () => {
    const cookie = await crashAndRestart(({ terminals }) => terminals.hosted.clear());
    const id = onlySandbox();
    expect(lab.terminals.calls).toEqual([`register ${id}`]);
    const page = await lab.greetedPage(cookie);
    expect((await page.next('terminals')).terminals).toHaveLength(1);
  });

  it('refuses to work with folders that another one has', async () => {
    await start();
    const second = new TestDaemon({ ...lab.options });
    await expect(second.start()).rejects.toThrow('a daemon already works with');
    await second.dispose();
  });
});

describe('a terminal host that died', () => {
  it('is told of the sandbox again, and shells start anew under their ids', async () => {
    await start();
    const page = await lab.greetedPage();
    await page.next('terminals');
    const id = onlySandbox();
    lab.terminals.calls.length = 0;
    lab.terminals.crash();
    await expect.poll(() => lab.terminals.calls).toEqual([`register ${id}`, `restart ${id}-1`]);
  });
});

describe('a clean stop', () => {
  it('closes pages with 1012, removes sandboxes and answers no more', async () => {
    await start();
    const page = await lab.greetedPage();
    await lab.stop();
    expect(await page.closed).toMatchObject({ code: 1012 });
    expect(lab.sandboxes.alive.size).toBe(0);
    await expect(lab.http('GET', '/api/health')).rejects.toThrow('ENOENT');
  });
});

describe('a lesson that is being written', () => {
  beforeEach(() => start());

  it('comes to its pages as it is now, with its checks, and the sandbox stays', async () => {
    const page = await lab.page();
    page.hello({ lesson: 'containers/01' });
    await page.next('snapshot');
    const sandbox = onlySandbox();
    lab.observer.emit(sandbox, [fork(7001, 'nano')]);
    lab.lessons = [fakeLesson([fakeStep('one', 'nano')])];
    await lab.http('POST', '/lessons');
    expect((await page.next('lesson')).lesson.steps).toHaveLength(1);
    await page.next('steps', ({ steps }) => steps.length === 1 && steps[0]?.passed === true);
    expect(onlySandbox()).toBe(sandbox);
  });

  it('is what a page is told that was drawn from an older reading', async () => {
    lab.lessons = [fakeLesson([fakeStep('one', 'nano')])];
    await lab.http('POST', '/lessons');
    const page = await lab.page();
    page.hello({ lesson: 'containers/01' });
    expect((await page.next('lesson')).lesson.id).toBe('containers/01');
  });
});

describe('a lesson whose checks speak of system calls', () => {
  const refused: Step = fakeStep('refused', 'sh', {
    check: {
      clauses: [{ id: 'made', message: { en: '', zh: '' }, exists: { call: 'c' }, where: [] }],
    },
  });

  it('has them taped while it is open, and again in a new sandbox', async () => {
    await start();
    lab.lessons = [fakeLesson([refused])];
    await lab.http('POST', '/lessons');
    const page = await lab.page();
    page.hello({ lesson: 'containers/01' });
    await page.next('snapshot');
    const first = onlySandbox();
    await vi.waitFor(() => expect([...lab.observer.traced]).toContain(first));
    page.send({ type: 'step.reset', lesson: 'containers/01', step: 'refused' });
    await page.next('sandbox', ({ status }) => status === 'resetting');
    await page.next('sandbox', ({ status }) => status === 'running');
    expect(lab.observer.traced.has(onlySandbox())).toBe(true);
  });

  it('leaves the tape off where no check does', async () => {
    await start();
    const page = await lab.page();
    page.hello({ lesson: 'containers/01' });
    await page.next('snapshot');
    expect(lab.observer.traced.size).toBe(0);
  });
});
