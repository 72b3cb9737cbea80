/** The store against a pretended socket: what it makes of the daemon's messages, and when. */
import type { ServerMessage, SocketLike } from '@terrarium/protocol';
import { type EventBody, History, type ProcessState } from '@terrarium/timeline';
import { describe, expect, it } from 'vitest';
import type { FetchedPast } from '../past/fetch-past';
import { LabStore } from './lab-store';

class FakeSocket implements SocketLike {
  readyState = 1;
  onopen: ((event: never) => void) | null = null;
  onmessage: ((event: never) => void) | null = null;
  onclose: ((event: never) => void) | null = null;
  onerror: ((event: never) => void) | null = null;
  readonly sent: { type: string; request?: number }[] = [];
  send(data: string): void {
    this.sent.push(JSON.parse(data) as { type: string });
  }
  close(): void {}
  receive(message: ServerMessage): void {
    this.onmessage?.({ data: JSON.stringify(message) } as never);
  }
}

function setUp(fetchPast?: () => Promise<FetchedPast>) {
  const sockets: FakeSocket[] = [];
  const frames: (() => void)[] = [];
  const store = new LabStore({
    connect: () => {
      const socket = new FakeSocket();
      sockets.push(socket);
      return socket;
    },
    lesson: 'containers/01',
    ...(fetchPast !== undefined && { fetchPast }),
    schedule: (action) => frames.push(action),
    now: () => 1000,
  });
  let changes = 0;
  store.subscribe(() => {
    changes += 1;
  });
  store.start();
  const socket = sockets[0]!;
  socket.onopen?.({} as never);
  const frame = (): void => {
    for (const action of frames.splice(0)) action();
  };
  return { store, socket, frame, frames, changes: () => changes };
}

const WELCOME: ServerMessage = {
  type: 'welcome',
  version: 1,
  epoch: 'e',
  session: 's',
  limits: { memoryBytes: 1, pids: 1, cpuPercent: 100, diskBytes: 1, terminals: 4 },
  terminals: [{ id: 't1', pts: 0, state: 'running', exitCode: null }],
  settings: {},
  finished: {},
  reduced: [],
};
const EMPTY = { seq: 7, t: 0, sandbox: null, processes: {}, namespaces: {}, mounts: {} };

function fork(key: string, seq: number, t = 0): EventBody & { seq: number; t: number } {
  const process = { key, hostPid: 1, comm: 'sh', pids: [1] } as unknown as ProcessState;
  return { type: 'process.fork', process, seq, t };
}

describe('LabStore', () => {
  it('folds many messages once a frame, in their order', () => {
    const { store, socket, frame, frames, changes } = setUp();
    const before = changes();
    socket.receive(WELCOME);
    socket.receive({ type: 'snapshot', state: EMPTY });
    socket.receive({ type: 'events', events: [fork('1:1', 8)] });
    socket.receive({ type: 'events', events: [fork('2:2', 9)] });
    expect(frames).toHaveLength(1);
    expect(store.get().hasState).toBe(false);
    frame();
    expect(changes() - before).toBe(1);
    expect(store.get().state.seq).toBe(9);
    expect(Object.keys(store.get().state.processes)).toEqual(['1:1', '2:2']);
    expect(store.get().terminals.map(({ id }) => id)).toEqual(['t1']);
  });

  it('keeps parts that a message does not touch the same object', () => {
    const { store, socket, frame } = setUp();
    socket.receive(WELCOME);
    socket.receive({ type: 'snapshot', state: EMPTY });
    frame();
    const { terminals, welcome, steps } = store.get();
    socket.receive({ type: 'events', events: [fork('1:1', 8)] });
    frame();
    const after = store.get();
    expect([after.terminals, after.welcome, after.steps]).toEqual([terminals, welcome, steps]);
    expect(after.terminals).toBe(terminals);
    expect(after.welcome).toBe(welcome);
  });

  it('shows a moment of the past while the present goes on, and comes back to it', () => {
    const { store, socket, frame } = setUp();
    socket.receive(WELCOME);
    socket.receive({ type: 'snapshot', state: EMPTY });
    socket.receive({ type: 'events', events: [fork('1:1', 8), fork('2:2', 9)] });
    frame();
    expect(store.seek(8)).toBe(true);
    const { past } = store.get();
    expect(Object.keys(past?.state.processes ?? {})).toEqual(['1:1']);
    socket.receive({ type: 'events', events: [fork('3:3', 10)] });
    frame();
    expect(store.get().past).toBe(past);
    expect(Object.keys(store.get().state.processes)).toEqual(['1:1', '2:2', '3:3']);
    expect(store.seek(6)).toBe(false);
    expect(store.get().past).toBe(past);
    store.seek(null);
    expect(store.get().past).toBeNull();
    expect(
      store
        .get()
        .history.between(7)
        .map(({ seq }) => seq),
    ).toEqual([8, 9, 10]);
  });

  it('reaches back to before the page with what the daemon remembers, once', async () => {
    const earlier = new History({ start: { ...EMPTY, seq: 4 } });
    earlier.append([fork('a', 5), fork('b', 6), fork('c', 7), fork('1:1', 8)]);
    let fetched = 0;
    const { store, socket, frame } = setUp(async () => {
      fetched += 1;
      return { epoch: 'e', history: earlier };
    });
    socket.receive(WELCOME);
    socket.receive({ type: 'snapshot', state: EMPTY });
    socket.receive({ type: 'events', events: [fork('1:1', 8), fork('2:2', 9)] });
    frame();
    expect(store.seek(5)).toBe(false);
    await Promise.all([store.recall(), store.recall()]);
    await store.recall();
    expect(fetched).toBe(1);
    expect(store.get().recall).toBe('whole');
    expect(store.seek(5)).toBe(true);
    expect(Object.keys(store.get().past?.state.processes ?? {})).toEqual(['a']);
    socket.receive({ type: 'events', events: [fork('3:3', 10)] });
    frame();
    expect(store.get().history.newest.seq).toBe(10);
    expect(store.get().history.newest).toBe(store.get().state);
  });

  it('takes what was fetched before it came by the socket, and not twice', async () => {
    const earlier = new History({ start: { ...EMPTY, seq: 6 } });
    earlier.append([fork('c', 7), fork('1:1', 8), fork('2:2', 9)]);
    const { store, socket, frame } = setUp(async () => ({ epoch: 'e', history: earlier }));
    socket.receive(WELCOME);
    socket.receive({ type: 'snapshot', state: EMPTY });
    frame();
    await store.recall();
    socket.receive({ type: 'events', events: [fork('1:1', 8), fork('2:2', 9), fork('3:3', 10)] });
    frame();
    expect(
      store
        .get()
        .history.between(6)
        .map(({ seq }) => seq),
    ).toEqual([7, 8, 9, 10]);
    expect(store.get().state.seq).toBe(10);
  });

  it('does not mix numberings: another epoch is no past of this page', async () => {
    const other = new History();
    const { store, socket, frame } = setUp(async () => ({ epoch: 'other', history: other }));
    socket.receive(WELCOME);
    socket.receive({ type: 'snapshot', state: EMPTY });
    socket.receive({ type: 'events', events: [fork('1:1', 8)] });
    frame();
    await store.recall();
    expect(store.get().recall).toBe('failed');
    expect(store.seek(7)).toBe(true);
    socket.receive({ ...WELCOME, epoch: 'f' });
    socket.receive({ type: 'snapshot', state: { ...EMPTY, seq: 3 } });
    frame();
    expect(store.get().past).toBeNull();
    expect(store.get().history.oldest.seq).toBe(3);
  });

  it('shows the steps of its own lesson only', () => {
    const { store, socket, frame } = setUp();
    socket.receive({ type: 'steps', lesson: 'containers/02', steps: [] });
    frame();
    expect(store.get().steps).toBeNull();
    socket.receive({ type: 'steps', lesson: 'containers/01', steps: [] });
    frame();
    expect(store.get().steps).toEqual([]);
  });

  it('takes its own lesson as someone is writing it', () => {
    const { store, socket, frame } = setUp();
    socket.receive({ type: 'lesson', lesson: { id: 'containers/02', steps: [] } });
    frame();
    expect(store.get().lesson).toBeNull();
    socket.receive({ type: 'lesson', lesson: { id: 'containers/01', steps: [] } });
    frame();
    expect(store.get().lesson).toEqual({ id: 'containers/01', steps: [] });
  });

  it('answers who opened a terminal before the frame, and with null when it was refused', async () => {
    const { store, socket } = setUp();
    const first = store.openTerminal(80, 24);
    const second = store.openTerminal(80, 24);
    const requests = socket.sent.filter(({ type }) => type === 'terminal.open');
    socket.receive({ type: 'terminal.opened', request: requests[0]!.request!, terminal: 't2' });
    socket.receive({
      type: 'error',
      code: 'terminal.limit',
      message: 'too many',
      request: requests[1]!.request!,
    });
    await expect(first).resolves.toBe('t2');
    await expect(second).resolves.toBeNull();
  });

  it('gives up waiting for a terminal when the connection ends', async () => {
    const { store, socket } = setUp();
    const opening = store.openTerminal(80, 24);
    socket.onclose?.({ code: 1006 } as never);
    await expect(opening).resolves.toBeNull();
    expect(store.get().connection.state).toBe('reconnecting');
    expect(store.get().everConnected).toBe(true);
    store.stop();
  });

  it('follows the stepper, and forgets it when a daemon that has none says welcome', () => {
    const { store, socket, frame } = setUp();
    const position = { process: 'outside', index: 1, status: 'waiting' as const };
    const progress = {
      positions: [{ ...position, hostPid: 7, pids: [7], waitsFor: null, end: null, registers: {} }],
      next: 'outside',
      running: false,
      facts: {},
      outcome: null,
    };
    const stepper = {
      id: 's1',
      what: { kind: 'container' as const },
      title: { en: 'a', zh: '一' },
      purposes: [],
      processes: [{ name: 'outside', steps: [] }],
      records: [],
      ...progress,
      positions: [],
    };
    socket.receive(WELCOME);
    socket.receive({ type: 'stepper', stepper });
    socket.receive({ type: 'stepper.news', id: 's1', records: [], progress });
    socket.receive({
      type: 'stepper.news',
      id: 's0',
      records: [],
      progress: { ...progress, next: null },
    });
    frame();
    expect(store.get().stepper).toMatchObject({ id: 's1', next: 'outside', positions: [position] });
    socket.receive(WELCOME);
    frame();
    expect(store.get().stepper).toBeNull();
  });
});
