/** The store against a pretended socket: what it makes of the daemon's messages, and when. */
import type { ServerMessage, SocketLike } from '@terrarium/protocol';
import type { EventBody, ProcessState } from '@terrarium/timeline';
import { describe, expect, it } from 'vitest';
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

function setUp() {
  const sockets: FakeSocket[] = [];
  const frames: (() => void)[] = [];
  const store = new LabStore({
    connect: () => {
      const socket = new FakeSocket();
      sockets.push(socket);
      return socket;
    },
    lesson: 'containers/01',
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

  it('keeps the last minute of events and forgets what is older', () => {
    const { store, socket, frame } = setUp();
    socket.receive(WELCOME);
    socket.receive({ type: 'snapshot', state: EMPTY });
    socket.receive({ type: 'events', events: [fork('1:1', 8, 1000), fork('2:2', 9, 50_000)] });
    frame();
    expect(store.get().recent.map(({ seq }) => seq)).toEqual([8, 9]);
    socket.receive({ type: 'events', events: [fork('3:3', 10, 62_000)] });
    frame();
    expect(store.get().recent.map(({ seq }) => seq)).toEqual([9, 10]);
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
