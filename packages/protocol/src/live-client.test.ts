import { beforeEach, describe, expect, it } from 'vitest';
import {
  BACKOFF_FIRST_MS,
  BACKOFF_LAST_MS,
  backoffMs,
  LiveClient,
  type LiveClientOptions,
  type SocketLike,
} from './live-client.js';
import { CLOSE, type ServerMessage } from './messages.js';

/** A socket whose other end is the test. */
class FakeSocket implements SocketLike {
  readyState = 0;
  onopen: ((event: never) => void) | null = null;
  onmessage: ((event: never) => void) | null = null;
  onclose: ((event: never) => void) | null = null;
  onerror: ((event: never) => void) | null = null;
  readonly sent: unknown[] = [];
  closedWith: number | undefined | null = null;

  send(data: string): void {
    this.sent.push(JSON.parse(data));
  }
  close(code?: number): void {
    this.closedWith = code;
    this.readyState = 3;
  }
  open(): void {
    this.readyState = 1;
    this.onopen?.({} as never);
  }
  say(message: unknown): void {
    const data = typeof message === 'string' ? message : JSON.stringify(message);
    this.onmessage?.({ data } as never);
  }
  end(code: number): void {
    this.readyState = 3;
    this.onclose?.({ code } as never);
  }
}

let sockets: FakeSocket[];
let timers: Map<number, { action: () => void; ms: number }>;
let received: ServerMessage[];
let invalid: string[];

beforeEach(() => {
  sockets = [];
  timers = new Map();
  received = [];
  invalid = [];
});

let nextTimer = 0;

function makeClient(more: Partial<LiveClientOptions> = {}): LiveClient {
  return new LiveClient({
    connect: () => {
      const socket = new FakeSocket();
      sockets.push(socket);
      return socket;
    },
    lesson: 'containers/01',
    onMessage: (message) => received.push(message),
    onInvalid: (problem) => invalid.push(problem),
    timers: {
      set: (action, ms) => {
        timers.set(++nextTimer, { action, ms });
        return nextTimer;
      },
      clear: (timer) => {
        timers.delete(timer as number);
      },
    },
    random: () => 1,
    ...more,
  });
}

/** Lets the one timer that is set run off. @returns its length */
function elapse(): number {
  const [entry] = [...timers];
  if (entry === undefined) throw new Error('no timer is set');
  timers.delete(entry[0]);
  entry[1].action();
  return entry[1].ms;
}

const last = () => sockets.at(-1) as FakeSocket;

const welcome = {
  type: 'welcome',
  version: 1,
  epoch: 'e1',
  session: 's1',
  limits: { memoryBytes: 1, pids: 1, cpuPercent: 1, diskBytes: 1, terminals: 1 },
  terminals: [],
  settings: {},
  finished: {},
  reduced: [],
};
const state = (seq: number) => ({
  seq,
  t: 0,
  sandbox: null,
  processes: {},
  namespaces: {},
  mounts: {},
});

describe('LiveClient', () => {
  it('says hello once open, and hands on checked messages', () => {
    const client = makeClient();
    client.start();
    expect(client.status).toEqual({ state: 'connecting' });
    last().open();
    expect(client.status).toEqual({ state: 'open' });
    expect(last().sent).toEqual([{ type: 'hello', version: 1, lesson: 'containers/01' }]);
    last().say(welcome);
    last().say({ type: 'snapshot', state: state(7) });
    expect(received.map(({ type }) => type)).toEqual(['welcome', 'snapshot']);
    expect(client.since).toEqual({ epoch: 'e1', seq: 7 });
  });

  it('leaves out what does not fit the protocol, and goes on', () => {
    const client = makeClient();
    client.start();
    last().open();
    last().say('{');
    last().say({ type: 'nonsense' });
    last().say({ type: 'snapshot', state: { seq: 'x' } });
    last().say(welcome);
    expect(invalid).toHaveLength(3);
    expect(invalid[2]).toBe('state: not a state');
    expect(received).toHaveLength(1);
  });

  it('comes back with the last event that was handed on', () => {
    const client = makeClient();
    client.start();
    last().open();
    last().say(welcome);
    last().say({ type: 'snapshot', state: state(7) });
    last().say({
      type: 'events',
      events: [
        { type: 'terminal.close', terminal: 't', seq: 8, t: 1 },
        { type: 'terminal.close', terminal: 't', seq: 9, t: 1 },
      ],
    });
    last().end(1012);
    expect(client.status).toMatchObject({ state: 'reconnecting', attempt: 1, code: 1012 });
    elapse();
    last().open();
    expect(last().sent).toEqual([
      { type: 'hello', version: 1, lesson: 'containers/01', since: { epoch: 'e1', seq: 9 } },
    ]);
  });

  it('waits longer from attempt to attempt, up to a limit', () => {
    const client = makeClient();
    client.start();
    const waits = Array.from({ length: 8 }, () => {
      last().end(1006);
      return elapse();
    });
    expect(waits.slice(0, 4)).toEqual([250, 500, 1000, 2000]);
    expect(waits.at(-1)).toBe(BACKOFF_LAST_MS);
    expect(client.status).toEqual({ state: 'connecting' });
  });

  it.each([
    [CLOSE.unauthorized, 'unauthorized'],
    [CLOSE.versionMismatch, 'version-mismatch'],
    [1008, 'policy'],
  ])('gives up after close code %i', (code, reason) => {
    const client = makeClient();
    client.start();
    last().open();
    last().end(code);
    expect(client.status).toEqual({ state: 'closed', reason, code });
    expect(timers.size).toBe(0);
  });

  it('sends nothing, and keeps nothing for later, while it is not open', () => {
    const client = makeClient();
    client.start();
    expect(client.send({ type: 'terminal.close', terminal: 't' })).toBe(false);
    last().open();
    expect(last().sent).toHaveLength(1);
    expect(client.send({ type: 'terminal.close', terminal: 't' })).toBe(true);
  });

  it('replaces a socket that answers no ping', () => {
    const client = makeClient();
    client.start();
    last().open();
    elapse();
    expect(last().sent.at(-1)).toMatchObject({ type: 'ping' });
    last().say({ type: 'pong', sent: 1, t: 2 });
    elapse();
    expect(client.status.state).toBe('open');
    elapse();
    expect(client.status.state).toBe('reconnecting');
    expect(last().readyState).toBe(3);
  });

  it('tells of another lesson at once', () => {
    const client = makeClient();
    client.start();
    last().open();
    client.setLesson(null);
    client.setLesson(null);
    expect(last().sent.slice(1)).toEqual([{ type: 'hello', version: 1, lesson: null }]);
  });

  it('stays closed when closed by its caller, until started again', () => {
    const client = makeClient();
    client.start();
    last().open();
    const first = last();
    client.close();
    first.end(1000);
    expect(client.status).toMatchObject({ state: 'closed', reason: 'by-caller' });
    expect(timers.size).toBe(0);
    client.start();
    expect(sockets).toHaveLength(2);
  });
});

describe('backoffMs', () => {
  it('jitters within the upper half', () => {
    expect(backoffMs(1, 0)).toBe(BACKOFF_FIRST_MS / 2);
    expect(backoffMs(1, 1)).toBe(BACKOFF_FIRST_MS);
    expect(backoffMs(99, 0.5)).toBe(BACKOFF_LAST_MS * 0.75);
  });
});
