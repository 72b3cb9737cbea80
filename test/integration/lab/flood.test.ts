/**
 * Floods of output: a gigabyte, a client that stops reading, Ctrl-C in the middle. The lab's
 * memory stays flat, and other shells go on answering.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import {
  decodeHostFrame,
  encodeAck,
  encodeAttach,
  encodeInput,
  HIGH_WATER,
} from '../../../packages/protocol/src/index.js';
import { LACK, Lab, named, residentMiB, until } from './lab.js';
import { type Learner, Pulse } from './learner.js';

const GIGABYTE = 2 ** 30;
/**
 * What rings, sockets and an unhurried garbage collector may add once a flood runs, MiB. Seen: 40
 * alone, 69 beside another test run; a queue that follows a gigabyte would be many times this.
 */
const FLAT_MIB = 128;
/** By then buffers and heaps have the size that a flood needs, bytes. */
const WARM = 64 * 2 ** 20;
/** The other learner's longest wait for an answer, ms. */
const RESPONSIVE_MS = 2_000;
/** Long lines cost the emulators least. */
const FLOOD = 'base64 /dev/zero';

let lab: Lab;
let learner: Learner;
let neighbour: Learner;

describe.skipIf(LACK !== null)(named('a flood of output'), () => {
  beforeAll(async () => {
    lab = await Lab.start();
    [neighbour, learner] = [await lab.learner(), await lab.learner()];
  });
  afterAll(async () => {
    await lab?.dispose();
  });

  test('of one gigabyte leaves memory flat and the neighbour’s shell quick', async () => {
    const pulse = new Pulse(neighbour.shell);
    const reader = await Reader.open(lab, learner);
    const began = performance.now();
    // The mark is put together by the shell: its echo must not look like it.
    reader.type(`${FLOOD} | head -c 1073741824; echo "THE-""END"\r`);
    await until('the first of it has come', () => reader.received > WARM, 100_000, 50);
    const memory = new Memory(lab);
    await until('the gigabyte has come', () => reader.tail.includes('THE-END\r\n'), 500_000, 50);
    const seconds = (performance.now() - began) / 1000;
    reader.close();
    const growth = memory.stop();
    const { beats, median, worst } = await pulse.stop();
    console.log(
      `${(reader.received / 2 ** 20).toFixed(0)} MiB and ${reader.screens} screens in ${seconds.toFixed(1)} s (${(reader.received / 2 ** 20 / seconds).toFixed(1)} MiB/s); ` +
        `growth ${memory}; neighbour: ${beats} answers, median ${median} ms, worst ${worst} ms`,
    );
    // A reader that is late is given the present screen instead of what it missed.
    expect(reader.received + reader.screens * HIGH_WATER).toBeGreaterThan(GIGABYTE / 4);
    expect(growth, `MiB: ${memory}`).toBeLessThan(FLAT_MIB);
    expect(worst).toBeLessThan(RESPONSIVE_MS);
  }, 520_000);

  test('is ended by Ctrl-C at once', async () => {
    const times: number[] = [];
    for (let round = 0; round < 5; round += 1) {
      const reader = await Reader.open(lab, learner);
      reader.type(`${FLOOD}\r`);
      await until('the flood runs', () => reader.received > 4 * 2 ** 20, 60_000);
      const began = performance.now();
      reader.type('\x03');
      // Only a shell at its prompt answers this; the flood would drown it.
      reader.type(`echo "AT-PR""OMPT${round}"\r`);
      await until(
        'the prompt is back',
        () => reader.tail.includes(`AT-PROMPT${round}\r\n`),
        10_000,
        1,
      );
      times.push(performance.now() - began);
      reader.close();
    }
    console.log(`Ctrl-C in a flood: ${times.map((ms) => Math.round(ms)).join(', ')} ms`);
    expect(Math.min(...times)).toBeLessThan(500);
    expect(Math.max(...times)).toBeLessThan(RESPONSIVE_MS);
  }, 120_000);

  test('to a client that stops reading for 4 s leaves memory flat, and the client then sees the present screen', async () => {
    const pulse = new Pulse(neighbour.shell);
    const reader = await Reader.open(lab, learner);
    reader.type(`${FLOOD}\r`);
    await until('the flood runs', () => reader.received > 2 ** 20, 60_000);
    const memory = new Memory(lab);
    reader.pause();
    const before = reader.received;
    await new Promise((resolve) => setTimeout(resolve, 4_000)); // the thing itself, not a wait for something
    const growth = memory.stop();
    expect(reader.received).toBe(before);
    reader.resume();
    await until('the flood goes on', () => reader.received > before + 2 ** 20, 60_000);
    reader.type('\x03');
    reader.type('echo "STILL-""HERE"\r');
    await until('the shell answers', () => reader.tail.includes('STILL-HERE\r\n'), 20_000);
    reader.close();
    const { worst } = await pulse.stop();
    console.log(`4 s without reading: growth ${memory}; neighbour: worst ${worst} ms`);
    expect(growth, `MiB: ${memory}`).toBeLessThan(FLAT_MIB);
    expect(worst).toBeLessThan(RESPONSIVE_MS);
  }, 120_000);

  test('of processes, to a page that stops reading for 4 s, leaves the daemon’s memory flat', async () => {
    const cookie = learner.page.cookie;
    const socket = new WebSocket(`${lab.origin.replace('http', 'ws')}/api/live`, {
      headers: { cookie, origin: lab.origin },
    });
    await until('the socket is open', () => socket.readyState === WebSocket.OPEN);
    socket.send(JSON.stringify({ type: 'hello', version: 1, lesson: null }));
    const types: string[] = [];
    socket.on('message', (data: Buffer) => types.push(JSON.parse(String(data)).type));
    await until('it has a snapshot', () => types.includes('snapshot'));
    const memory = new Memory(lab);
    socket.pause();
    // One job: an interactive bash would put each child into a group of its own, and Ctrl-C could
    // meet one that has just ended.
    learner.shell.terminal.type("sh -c 'while :; do /bin/true; done'\r");
    await new Promise((resolve) => setTimeout(resolve, 4_000)); // the thing itself
    const growth = memory.stop();
    const before = types.length;
    socket.resume();
    await until('news come again', () => types.length > before);
    socket.terminate();
    learner.shell.terminal.type('\x03');
    await learner.shell.prompt(30_000);
    console.log(`4 s of forks unread: growth ${memory}`);
    expect(growth, `MiB: ${memory}`).toBeLessThan(FLAT_MIB);
  }, 60_000);
});

/** A page on a learner's first terminal that counts instead of drawing: quick enough for a gigabyte. */
class Reader {
  received = 0;
  /** how often it was given a whole screen */
  screens = 0;
  /** the last few hundred bytes */
  tail = '';
  readonly #socket: WebSocket;
  #offset = 0;
  #acked = 0;

  static async open(lab: Lab, learner: Learner): Promise<Reader> {
    const { id } = learner.page.terminals[0];
    const socket = new WebSocket(`${lab.origin.replace('http', 'ws')}/api/terminals/${id}`, {
      headers: { cookie: learner.page.cookie, origin: lab.origin },
      perMessageDeflate: false,
    });
    const reader = new Reader(socket);
    await until('the terminal is open', () => socket.readyState === WebSocket.OPEN);
    socket.send(encodeAttach(null, { cols: 100, rows: 30 }));
    await until('the first screen is there', () => reader.#offset > 0);
    return reader;
  }

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (data: Buffer) => this.#take(data));
  }

  type(text: string): void {
    this.#socket.send(encodeInput(Buffer.from(text)));
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  close(): void {
    this.#socket.terminate();
  }

  #take(data: Buffer): void {
    const frame = decodeHostFrame(data);
    if (frame.type === 'restore') this.screens += 1;
    if (frame.type === 'resume' || frame.type === 'restore') this.#offset = frame.offset;
    if (frame.type === 'output') {
      this.#offset += frame.bytes.length;
      this.received += frame.bytes.length;
    }
    if (frame.type === 'output' || frame.type === 'restore') {
      this.tail = (this.tail + Buffer.from(frame.bytes.subarray(-4096)).toString('latin1')).slice(
        -8192,
      );
    }
    if (frame.type === 'restore' || this.#offset - this.#acked >= 64 * 1024) {
      this.#acked = this.#offset;
      this.#socket.send(encodeAck(this.#offset));
    }
  }
}

/** Follows how much the lab's processes grow. */
class Memory {
  readonly #parts: readonly { name: string; pid: number | null; before: number; most: number }[];
  readonly #timer: NodeJS.Timeout;

  constructor(lab: Lab) {
    this.#parts = (['terminal host', 'web', 'daemon', 'observer'] as const).map((name) => {
      const pid = lab.pid(name);
      const before = residentMiB(pid);
      return { name, pid, before, most: before };
    });
    this.#timer = setInterval(() => this.#look(), 100);
  }

  /** @returns growth of the process that grew most, MiB */
  stop(): number {
    clearInterval(this.#timer);
    this.#look();
    return Math.max(...this.#parts.map(({ before, most }) => most - before));
  }

  toString(): string {
    return this.#parts
      .map(({ name, before, most }) => `${name} ${before.toFixed(0)} → ${most.toFixed(0)} MiB`)
      .join(', ');
  }

  #look(): void {
    for (const part of this.#parts) part.most = Math.max(part.most, residentMiB(part.pid));
  }
}
