/**
 * The wire format, byte for byte: native/player.c reads what stands here. A change of these
 * literals is a new PROTOCOL_VERSION.
 */
import { expect, test } from 'vitest';
import type { Block, Call, Plan } from './plan.js';
import {
  lengthOf,
  PlanBuilder,
  path,
  pointers,
  scratch,
  stringArray,
  struct,
} from './plan-builder.js';
import {
  decodeLastWords,
  encodeAbort,
  encodeRun,
  encodeStep,
  PLAYER_LIMITS,
  RecordReader,
} from './plan-codec.js';

const purpose = { id: 'test', en: 'test', zh: '测试' };
const NONE = 'ff ff ff ff';

function hex(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
}

/** `7` as u32, `7n` as u64, strings as hex: one line of the expected message. */
function wire(...fields: (number | bigint | string)[]): string {
  return fields
    .map((field) => {
      if (typeof field === 'string') return field;
      const bytes = new Uint8Array(typeof field === 'number' ? 4 : 8);
      const view = new DataView(bytes.buffer);
      if (typeof field === 'number') view.setUint32(0, field, true);
      else view.setBigUint64(0, field, true);
      return hex(bytes);
    })
    .join(' ');
}

function unhex(text: string): Uint8Array {
  return Uint8Array.from(text.split(' '), (byte) => Number.parseInt(byte, 16));
}

function planOf(call: Partial<Call>, slotCount = 4): Plan {
  const step: Call = {
    kind: 'call',
    syscall: 'getpid',
    args: [],
    display: 'getpid()',
    purpose,
    ...call,
  };
  return { name: 'p', first: 'outside', processes: { outside: [step] }, slotCount };
}

test('encodeRun › writes an empty plan', () => {
  expect(hex(encodeRun(new PlanBuilder('empty').build(), 7))).toBe(wire(28, 1, 7, 0, 0, 0, 1, 0));
});

test('encodeRun › marks a stepped run', () => {
  const message = encodeRun(new PlanBuilder('empty').build(), 7, { stepped: true });
  expect(hex(message.subarray(12, 16))).toBe('01 00 00 00');
});

test('encodeRun › writes a call with every kind of part, argument and load', () => {
  const builder = new PlanBuilder('all');
  const fd = builder.slot('fd');
  const pid = builder.slot('pid');
  const name = path`/p/${pid}`;
  const out: Block = struct([[fd, 4]], 16);
  builder.call('outside', {
    syscall: 'read',
    args: [-1, fd, pointers([name]), out, lengthOf(out)],
    purpose,
    store: pid,
    loads: [{ from: out, offset: 8, width: 8, to: fd }],
    tolerate: [2, 17],
    atLeast: 1,
    ack: { from: out, offset: 12 },
    reportBlock: out,
  });
  const call = [
    wire(1, 0, 1, NONE, 2, 2, 12, 1n), // read is 0 on x86_64; store, child, report, ack, at least
    wire(2, 2, 17),
    wire(3), // blocks: name, its pointer array, out
    wire(24, 3, 1, 3, '2f 70 2f', 3, 1, 1, 1, '00'),
    wire(16, 2, 4, 0, 1, 8, 0n),
    wire(16, 1, 2, 0, 4),
    wire(5, 1, 0xffff_ffff_ffff_ffffn, 2, 0n, 3, 1n, 3, 2n, 4, 2n),
    wire(1, 2, 8, 8, 0),
  ].join(' ');
  const body = `${wire(1, 9, 0, 2, 0, 1, 1)} ${call}`;
  const message = encodeRun(builder.build(), 9, { architecture: 'x64' });
  expect(hex(message)).toBe(`${wire(body.split(' ').length)} ${body}`);
});

test('encodeRun › looks the number up for the player’s architecture', () => {
  const number = (architecture: 'x64' | 'arm64') =>
    hex(encodeRun(planOf({}), 1, { architecture }).subarray(36, 40));
  expect(number('x64')).toBe(wire(39));
  expect(number('arm64')).toBe(wire(172));
});

test('encodeRun › writes become-init and a child’s process', () => {
  const builder = new PlanBuilder('init');
  builder.call('outside', { syscall: 'clone3', args: [], child: 'init', purpose });
  builder.becomeInit('init', purpose);
  const message = encodeRun(builder.build(), 1, { architecture: 'x64' });
  const call = wire(1, 435, NONE, 1, NONE, NONE, 0, 0n, 0, 0, 0, 0);
  const body = `${wire(1, 1, 0, 0, 0, 2, 1)} ${call} ${wire(1, 2)}`;
  expect(hex(message.subarray(4))).toBe(body);
});

test('encodeRun › writes a detach, which steps may follow', () => {
  const builder = new PlanBuilder('detach').detach('outside', purpose);
  builder.becomeInit('outside', purpose);
  const message = encodeRun(builder.build(), 1);
  expect(hex(message.subarray(4))).toBe(wire(1, 1, 0, 0, 0, 1, 2, 3, NONE, 2));
});

test('encodeRun › writes where a detached process leaves its last words', () => {
  const builder = new PlanBuilder('detach');
  builder.slot('other');
  builder.detach('outside', purpose, builder.slot('words'));
  const message = encodeRun(builder.build(), 1);
  expect(hex(message.subarray(4))).toBe(wire(1, 1, 0, 2, 0, 1, 1, 3, 1));
});

test('decodeLastWords › none, a step with its errno', () => {
  expect(decodeLastWords(new Uint8Array(0))).toBeUndefined();
  const words = new Uint8Array(Uint32Array.of(7, 2).buffer);
  expect(decodeLastWords(words)).toEqual({ index: 7, errno: 2 });
});

test('encodeStep names its process, encodeAbort only the run', () => {
  expect(hex(encodeStep(5, 2))).toBe(wire(12, 2, 5, 2));
  expect(hex(encodeAbort(5))).toBe(wire(8, 3, 5));
});

test.each<[string, Partial<Call>, string]>([
  ['an unknown call', { syscall: 'umount' }, 'there is no system call umount'],
  ['a seventh argument', { args: Array(7).fill({ kind: 'number', value: 0n }) }, '7 args'],
  [
    'a slot that was not allocated',
    { store: { kind: 'slot', index: 4, name: 'x' } },
    'slot 4 is not',
  ],
  ['a child without clone3', { child: 'outside' }, 'getpid starts no child'],
  ['an unknown child', { syscall: 'clone3', child: 'ghost' }, 'there is no process ghost'],
  [
    'a report block that is no argument',
    { reportBlock: scratch(8) },
    'the report block is no argument',
  ],
  [
    'an ack in a block that is no argument',
    { ack: { from: scratch(8), offset: 0 } },
    'the ack is read from a block that is no argument',
  ],
  ['too many tolerated errnos', { tolerate: Array(17).fill(1) }, '17 tolerated'],
])('encodeRun › refuses %s and names the step', (_what, call, message) => {
  expect(() => encodeRun(planOf(call), 1)).toThrow(`plan p, outside step 0, getpid(): `);
  expect(() => encodeRun(planOf(call), 1)).toThrow(message);
});

test('encodeRun › refuses blocks that are too small, too large, circular or read outside', () => {
  const encode = (block: Block, more: Partial<Call> = {}) =>
    encodeRun(planOf({ args: [{ kind: 'block', block }], ...more }), 1);
  const to = { kind: 'slot', index: 0, name: 'x' } as const;
  expect(() => encode(struct([[1, 8]], 4))).toThrow('a block of 4 bytes has parts for 8');
  expect(() => encode(scratch(PLAYER_LIMITS.callBytes + 1))).toThrow('callBytes');
  const huge = scratch(PLAYER_LIMITS.reportBytes + 1);
  expect(() => encode(huge, { reportBlock: huge })).toThrow('reportBytes');
  const small = scratch(8);
  expect(() => encode(small, { loads: [{ from: small, offset: 4, width: 8, to }] })).toThrow(
    'a load at 4 is outside its block',
  );
  for (const offset of [5, -4, 0.5, Number.NaN]) {
    expect(() => encode(small, { ack: { from: small, offset } })).toThrow(
      `an ack at ${offset} is outside its block`,
    );
  }
  const parts: Block['parts'][number][] = [];
  const circle: Block = { parts };
  parts.push({ kind: 'pointer', to: circle });
  expect(() => encode(circle)).toThrow('in a circle');
  const strings = Array.from({ length: PLAYER_LIMITS.blocks }, (_, index) => `a${index}`);
  expect(() => encode(stringArray(strings))).toThrow('blocks');
});

test('encodeRun › refuses too many slots, processes, steps and bytes', () => {
  const many = Array(PLAYER_LIMITS.steps + 1).fill(planOf({}).processes['outside']?.[0]);
  const processes = (count: number) =>
    Object.fromEntries(
      Array.from({ length: count }, (_, i) => [i === 0 ? 'outside' : `p${i}`, []]),
    );
  expect(() => encodeRun({ ...planOf({}), slotCount: 257 }, 1)).toThrow('257 slots');
  expect(() => encodeRun({ ...planOf({}), processes: processes(17) }, 1)).toThrow('17 processes');
  expect(() => encodeRun({ ...planOf({}), processes: { outside: many } }, 1)).toThrow('4096 steps');
  const fat = planOf({
    args: [
      { kind: 'block', block: { parts: [{ kind: 'bytes', bytes: new Uint8Array(200_000) }] } },
    ],
  });
  const steps = Array(6).fill(fat.processes['outside']?.[0]);
  expect(() => encodeRun({ ...fat, processes: { outside: steps } }, 1)).toThrow(
    'bytes, more than 1048576',
  );
});

test('RecordReader › reads records from chunks that end anywhere', () => {
  const call = wire(2, 2, 7, 1, 3, 17, 0xffff_ffff_ffff_ffffn, 1500n, 0n, '68 69');
  const exit = wire(0, 6, 0, 0, 0, 9, 4242n, 0n, 0n);
  const bytes = unhex(`${call} ${exit}`);
  for (let cut = 0; cut <= bytes.length; cut++) {
    const reader = new RecordReader();
    const records = [...reader.push(bytes.subarray(0, cut)), ...reader.push(bytes.subarray(cut))];
    expect(records).toEqual([
      {
        kind: 'call',
        run: 7,
        process: 1,
        index: 3,
        errno: 17,
        result: -1n,
        nanoseconds: 1500,
        bytes: Uint8Array.of(0x68, 0x69),
      },
      { kind: 'exit', hostPid: 4242, waitStatus: 9 },
    ]);
  }
});

test('RecordReader › knows every kind and refuses others', () => {
  const read = (kind: number, text = '') =>
    new RecordReader().push(
      unhex(
        wire(
          text === '' ? 0 : text.split(' ').length,
          kind,
          7,
          1,
          3,
          0,
          1n,
          0n,
          0n,
          ...(text ? [text] : []),
        ),
      ),
    )[0];
  expect(read(1)).toEqual({ kind: 'ready', version: 1 });
  expect(read(3)).toEqual({ kind: 'entering', run: 7, process: 1, index: 3 });
  expect(read(4)).toEqual({ kind: 'started', run: 7, process: 1, hostPid: 1 });
  expect(read(5)).toEqual({ kind: 'done', run: 7 });
  expect(read(7, '6e 6f')).toEqual({ kind: 'refused', run: 7, reason: 'no' });
  expect(read(8)).toEqual({ kind: 'waiting', run: 7, process: 1, index: 3 });
  expect(() => read(9)).toThrow('unknown kind 9');
});
