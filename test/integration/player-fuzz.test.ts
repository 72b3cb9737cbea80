/**
 * The player's sanitized build (ASan, UBSan) with messages that no encoder writes: refused with the
 * place or run dry, never a crash. Needs root; the plans are not executed (--dry-run), but for one.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildPlayer } from '../../packages/syscall/native/build.mjs';
import {
  encodeAbort,
  encodeRun,
  encodeStep,
  lengthOf,
  PlanBuilder,
  type PlayerRecord,
  RecordReader,
  ResidentPlayer,
  scratch,
  struct,
  text,
} from '../../packages/syscall/src/index.js';
import { call, exec, fork, missing, output, pipe, purpose, readBack, root } from './player-lab.js';

/** The raw socket of a player, for messages that no encoder writes. */
class RawPlayer {
  readonly records: PlayerRecord[] = [];
  readonly child: ChildProcess;
  readonly #socket: Socket;
  readonly #reader = new RecordReader();
  #wake: () => void = () => {};

  constructor(binary: string, args: string[], env: Record<string, string>) {
    this.child = spawn(binary, args, { env, stdio: ['ignore', 'ignore', 'inherit', 'pipe'] });
    this.#socket = this.child.stdio[3] as Socket;
    this.#socket.on('error', () => {}); // a player that ended: the tests look at its exit
    this.#socket.on('data', (chunk: Buffer) => {
      this.records.push(...this.#reader.push(chunk));
      this.#wake();
    });
    this.child.on('exit', () => this.#wake());
  }

  send(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }

  /** Sends an empty plan and waits for its end: what was sent before has been handled then. */
  async settle(run: number): Promise<void> {
    this.send(encodeRun(new PlanBuilder('ping').build(), run));
    const seen = () => this.records.some((record) => record.kind === 'done' && record.run === run);
    while (!seen() && this.#running()) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async close(): Promise<number | null> {
    this.#socket.end();
    if (this.#running()) await once(this.child, 'exit');
    return this.child.exitCode;
  }

  #running(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }
}

describe.skipIf(!root)(`player, sanitized, with malformed messages${missing}`, () => {
  const logs = mkdtempSync('/tmp/player-asan-');
  const SANITIZER_EXIT = 99;
  const env = {
    ASAN_OPTIONS: `exitcode=${SANITIZER_EXIT}:detect_leaks=0:log_path=${join(logs, 'asan')}`,
    UBSAN_OPTIONS: `exitcode=${SANITIZER_EXIT}:print_stacktrace=1:log_path=${join(logs, 'ubsan')}`,
  };
  let binary: string;

  beforeAll(() => {
    binary = buildPlayer({ sanitize: true });
  });
  afterAll(() => rmSync(logs, { recursive: true, force: true }));

  function sanitizerLogs(): string {
    return readdirSync(logs)
      .map((name) => readFileSync(join(logs, name), 'utf8'))
      .join('\n');
  }

  /** A plan with every kind of part, argument and list in it. */
  function sample(): Uint8Array {
    const builder = new PlanBuilder('sample');
    const { read, write } = pipe(builder, 'outside');
    fork(builder, 'outside', 'child', ['CLONE_NEWPID']);
    const message = text`slot ${read}`;
    call(builder, 'child', 'write', [write, message, lengthOf(message)], {
      tolerate: [1, 2],
      atLeast: 1,
    });
    call(builder, 'child', 'mount', [
      'proc',
      '/proc',
      struct(
        [
          [read, 4],
          [write, 8],
        ],
        64,
      ),
      0,
      -1,
    ]);
    exec(builder, 'child', ['/bin/sh', '-c', 'true'], write);
    readBack(builder, 'outside', read);
    const answer = scratch(64);
    call(builder, 'outside', 'recvfrom', [read, answer, 64, 0, 0, 0], {
      ack: { from: answer, offset: 16 },
      atLeast: 20,
    });
    builder.detach('outside', purpose);
    builder.becomeInit('outside', purpose);
    return encodeRun(builder.build(), 1);
  }

  test('a real plan runs without a finding', async () => {
    const player = await ResidentPlayer.start({ binary, env });
    const builder = new PlanBuilder('real');
    const { read, write } = pipe(builder, 'outside');
    fork(builder, 'outside', 'child', ['CLONE_NEWPID']);
    exec(builder, 'child', ['/bin/echo', 'hello'], write);
    readBack(builder, 'outside', read);
    const { reports } = await player.run(builder.build()).done;
    expect(output(reports)).toBe('hello\n');
    await player.close();
    expect(sanitizerLogs()).toBe('');
  });

  test('2,000 mutated plans: refused or run dry, never a crash', async () => {
    const player = new RawPlayer(binary, ['--dry-run'], env);
    const random = generator(20261122);
    const original = sample();
    const PING = 1_000_000;
    for (let i = 0; i < 2000; i++) {
      player.send(withRun(mutate(original, random), i));
      if (i % 50 === 49) await player.settle(PING + i);
    }
    expect(await player.close()).toBe(0);
    expect(sanitizerLogs()).toBe('');
    const exits = player.records.flatMap((record) =>
      record.kind === 'exit' ? [record.waitStatus] : [],
    );
    expect(new Set(exits)).toEqual(new Set([0]));
    const refusals = player.records.filter((record) => record.kind === 'refused');
    const done = player.records.filter((record) => record.kind === 'done' && record.run < PING);
    expect(refusals.length).toBeGreaterThan(500);
    expect(done.length).toBeGreaterThan(200);
    for (const refusal of refusals) {
      if (refusal.kind === 'refused')
        expect(refusal.reason).toMatch(/^byte \d+: |^unknown message type$/);
    }
  });

  test('every truncation of a plan is refused with the place', async () => {
    const player = new RawPlayer(binary, ['--dry-run'], env);
    const original = sample();
    for (let length = 8; length < original.length - 4; length++) {
      player.send(framed(original.subarray(4, 4 + length)));
      if (length % 50 === 0) await player.settle(1_000_000 + length);
    }
    await player.settle(2_000_000);
    expect(await player.close()).toBe(0);
    const refused = player.records.filter((record) => record.kind === 'refused');
    expect(refused).toHaveLength(original.length - 12);
    expect(sanitizerLogs()).toBe('');
  });

  test('steps and aborts with any body, for any run: refused, ignored or obeyed', async () => {
    const player = new RawPlayer(binary, [], env);
    const random = generator(20261123);
    const builder = new PlanBuilder('stepped');
    fork(builder, 'outside', 'child');
    for (const process of ['outside', 'child'])
      for (let i = 0; i < 3; i++) call(builder, process, 'getpid', []);
    const RUNS = 8;
    for (let run = 0; run < RUNS; run++)
      player.send(encodeRun(builder.build(), run, { stepped: true }));
    for (let i = 0; i < 2000; i++) {
      const known = random(2) === 0 ? encodeStep(random(RUNS + 2), random(20)) : undefined;
      const body = new Uint8Array(8 + random(12)).map(() => random(256));
      const type = random(4) === 0 ? 2 + random(200) : 2; // STEP, ABORT or unknown
      new DataView(body.buffer).setUint32(0, type, true);
      player.send(known ?? framed(body));
      if (i % 200 === 199) await player.settle(1_000_000 + i);
    }
    for (let run = 0; run < RUNS; run++) player.send(encodeAbort(run));
    const count = (kind: string) =>
      player.records.filter(
        (record) => record.kind === kind && 'run' in record && record.run < RUNS,
      ).length;
    await expect.poll(() => count('done'), { timeout: 30_000 }).toBe(RUNS);
    expect(count('waiting')).toBeGreaterThan(RUNS);
    expect(await player.close()).toBe(0);
    expect(sanitizerLogs()).toBe('');
  });

  test.each([0, 7, 1024 * 1024 + 1, 0xffff_ffff])(
    'a message length of %i ends the player with a clear record',
    async (length) => {
      const player = new RawPlayer(binary, ['--dry-run'], env);
      const prefix = new Uint8Array(4);
      new DataView(prefix.buffer).setUint32(0, length, true);
      player.send(prefix);
      await once(player.child, 'exit');
      expect(player.child.exitCode).toBe(2);
      expect(player.records.at(-1)).toMatchObject({
        kind: 'refused',
        reason: 'message length out of bounds',
      });
    },
  );
});

/** A small deterministic generator (xorshift32): a failure can be repeated. */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

/** Changes one place, sometimes up to four: a bit, an integer to a telling value, a cut or a repetition. */
function mutate(message: Uint8Array, random: (below: number) => number): Uint8Array {
  const telling = [
    0, 1, 2, 4, 8, 16, 17, 255, 256, 257, 1024, 1025, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff,
  ];
  let body = Buffer.from(message.subarray(4));
  for (let count = random(3) === 0 ? 1 + random(4) : 1; count > 0; count--) {
    const at = 8 + random(body.length - 12);
    const kind = random(8);
    if (kind < 3) body[at] = (body[at] ?? 0) ^ (1 << random(8));
    else if (kind < 6) body.writeUInt32LE(telling[random(telling.length)] ?? 0, at & ~3);
    else if (kind === 6)
      body = Buffer.concat([body.subarray(0, at), body.subarray(at + random(12))]);
    else
      body = Buffer.concat([
        body.subarray(0, at),
        body.subarray(at - random(8)),
        body.subarray(at),
      ]);
  }
  return framed(body);
}

/** Gives a message its own run number, so that it does not collide with one under way. */
function withRun(message: Uint8Array, run: number): Uint8Array {
  new DataView(message.buffer).setUint32(8, run, true);
  return message;
}

/** Puts the true length in front, so that the message after it is understood too. */
function framed(body: Uint8Array): Uint8Array {
  const message = new Uint8Array(body.length + 4);
  new DataView(message.buffer).setUint32(0, body.length, true);
  message.set(body, 4);
  return message;
}
