import { describe, expect, it } from 'vitest';
import {
  type BinarySocketLike,
  TerminalConnection,
  type TerminalStatus,
} from './terminal-connection.js';
import {
  decodeClientFrame,
  encodeExit,
  encodeOutput,
  encodeRestore,
  encodeResume,
  encodeSize,
} from './terminal-frames.js';

class FakeSocket implements BinarySocketLike {
  readyState = 0;
  binaryType = '';
  onopen: ((event: never) => void) | null = null;
  onmessage: ((event: never) => void) | null = null;
  onclose: ((event: never) => void) | null = null;
  onerror: ((event: never) => void) | null = null;
  readonly sent: Uint8Array[] = [];
  closedWith: number | undefined;

  send(data: Uint8Array): void {
    this.sent.push(data);
  }
  close(code?: number): void {
    this.readyState = 3;
    this.closedWith = code;
  }
  open(): void {
    this.readyState = 1;
    this.onopen?.({} as never);
  }
  receive(frame: Uint8Array): void {
    this.onmessage?.({ data: frame.slice().buffer } as never);
  }
  end(code: number): void {
    this.readyState = 3;
    this.onclose?.({ code } as never);
  }
  frames(): ReturnType<typeof decodeClientFrame>[] {
    return this.sent.map((frame) => decodeClientFrame(frame));
  }
}

interface TextCodec {
  encode(text: string): Uint8Array;
  decode(bytes: Uint8Array): string;
}
/** Browser and Node both have these; this package is compiled with the types of neither. */
const codecs = globalThis as unknown as Record<'TextEncoder' | 'TextDecoder', new () => TextCodec>;
const bytes = (text: string): Uint8Array => new codecs.TextEncoder().encode(text);
const textOf = (data: Uint8Array): string => new codecs.TextDecoder().decode(data);

/** A connection whose sockets, clock and emulator are in the test's hands. */
function setUp() {
  const sockets: FakeSocket[] = [];
  const statuses: TerminalStatus[] = [];
  const exits: (number | null)[] = [];
  const written: string[] = [];
  const waiting: (() => void)[] = [];
  const timers = new Set<{ action: () => void; ms: number }>();
  const connection = new TerminalConnection({
    connect: () => {
      const socket = new FakeSocket();
      sockets.push(socket);
      return socket;
    },
    sink: {
      write: (data, drawn) => {
        written.push(textOf(data));
        waiting.push(drawn);
      },
      resize: (cols, rows) => written.push(`[${cols}x${rows}]`),
    },
    onStatus: (status) => statuses.push(status),
    onExit: (code) => exits.push(code),
    size: { cols: 80, rows: 24 },
    timers: {
      set: (action, ms) => {
        const timer = { action, ms };
        timers.add(timer);
        return timer;
      },
      clear: (timer) => timers.delete(timer as { action: () => void; ms: number }),
    },
    random: () => 0,
  });
  connection.start();
  return {
    connection,
    sockets,
    statuses,
    exits,
    written,
    /** draws all that the emulator holds, and what comes to it thereby */
    draw: () => {
      for (let drawn = waiting.shift(); drawn !== undefined; drawn = waiting.shift()) drawn();
    },
    runTimers: () => {
      for (const timer of [...timers]) {
        timers.delete(timer);
        timer.action();
      }
    },
    timers,
  };
}

describe('TerminalConnection', () => {
  it('attaches with nothing drawn, then with the next offset it wants', () => {
    const { sockets, runTimers, draw } = setUp();
    sockets[0]!.open();
    expect(sockets[0]!.frames()).toEqual([
      { type: 'attach', offset: null, size: { cols: 80, rows: 24 } },
    ]);
    sockets[0]!.receive(encodeRestore(1000, bytes('screen')));
    sockets[0]!.receive(encodeOutput(bytes('12345')));
    draw();
    sockets[0]!.end(1006);
    runTimers();
    sockets[1]!.open();
    expect(sockets[1]!.frames()).toMatchObject([{ type: 'attach', offset: 1005 }]);
    sockets[1]!.receive(encodeResume(1005));
    expect(sockets[1]!.closedWith).toBeUndefined();
  });

  it('draws a screen behind a full reset, in the order of sizes and output', () => {
    const { sockets, written, draw } = setUp();
    sockets[0]!.open();
    sockets[0]!.receive(encodeSize(100, 30));
    sockets[0]!.receive(encodeRestore(5, bytes('screen')));
    sockets[0]!.receive(encodeOutput(bytes('a')));
    sockets[0]!.receive(encodeSize(90, 30));
    sockets[0]!.receive(encodeOutput(bytes('b')));
    draw();
    expect(written).toEqual(['[100x30]', '\x1bcscreen', 'a', '[90x30]', 'b']);
  });

  it('acknowledges a screen at once and output every 64 KB', () => {
    const { sockets, draw } = setUp();
    sockets[0]!.open();
    sockets[0]!.receive(encodeRestore(0, bytes('')));
    draw();
    const part = encodeOutput(new Uint8Array(30_000));
    for (let i = 0; i < 5; i++) {
      sockets[0]!.receive(part);
      draw();
    }
    expect(sockets[0]!.frames().slice(1)).toEqual([
      { type: 'ack', offset: 0 },
      { type: 'ack', offset: 90_000 },
    ]);
  });

  it('holds back what the emulator has no time for, and drops it when a screen comes', () => {
    const { sockets, written, draw } = setUp();
    sockets[0]!.open();
    sockets[0]!.receive(encodeRestore(0, bytes('')));
    draw();
    for (let i = 0; i < 10; i++) sockets[0]!.receive(encodeOutput(new Uint8Array(40_000)));
    expect(written.length).toBe(3); // the screen and two times 40 KB
    sockets[0]!.receive(encodeRestore(400_000, bytes('^C')));
    draw();
    expect(written.length).toBe(4);
    expect(written.at(-1)).toBe('\x1bc^C');
  });

  it('tells the exit when all before it is drawn, and when a new shell begins', () => {
    const { sockets, exits, draw } = setUp();
    sockets[0]!.open();
    sockets[0]!.receive(encodeRestore(0, bytes('x')));
    sockets[0]!.receive(encodeExit(3));
    expect(exits).toEqual([]);
    draw();
    expect(exits).toEqual([3]);
    sockets[0]!.receive(encodeRestore(0, bytes('')));
    expect(exits).toEqual([3, null]);
  });

  it('sends what was typed while it was away, but not an essay', () => {
    const { connection, sockets } = setUp();
    connection.input('ls\r');
    connection.input('x'.repeat(5000));
    sockets[0]!.open();
    expect(sockets[0]!.frames().slice(1)).toEqual([{ type: 'input', bytes: bytes('ls\r') }]);
  });

  it('splits a paste, and keeps its order', () => {
    const { connection, sockets } = setUp();
    sockets[0]!.open();
    const paste = '0123456789'.repeat(10_000);
    connection.input(paste);
    const frames = sockets[0]!.frames().slice(1);
    expect(frames.length).toBe(4);
    const text = frames.map((one) => (one.type === 'input' ? textOf(one.bytes) : '')).join('');
    expect(text).toBe(paste);
  });

  it('sends the last of many sizes, and none for a hidden panel', () => {
    const { connection, sockets, runTimers } = setUp();
    sockets[0]!.open();
    connection.resize(81, 24);
    connection.resize(82, 24);
    connection.resize(0, 0);
    runTimers();
    expect(sockets[0]!.frames().slice(1)).toEqual([{ type: 'resize', cols: 82, rows: 24 }]);
  });

  it('comes back with growing pauses, at once when asked, and not at all when told why', () => {
    const { connection, sockets, statuses, runTimers } = setUp();
    sockets[0]!.end(1006);
    runTimers();
    sockets[1]!.end(1006);
    expect(statuses.filter((one) => one.state === 'reconnecting')).toMatchObject([
      { attempt: 1, delayMs: 125 },
      { attempt: 2, delayMs: 250 },
    ]);
    connection.retryNow();
    expect(sockets.length).toBe(3);
    sockets[2]!.end(4004);
    expect(connection.status).toEqual({ state: 'closed', reason: 'gone' });
  });

  it('starts anew when the host does not continue where it should', () => {
    const { sockets } = setUp();
    sockets[0]!.open();
    sockets[0]!.receive(encodeResume(77));
    expect(sockets[0]!.readyState).toBe(3);
  });
});
