/** PlanBuilder: what it makes of what a plan's author writes. Needs no kernel. */
import { expect, test } from 'vitest';
import { flagged, MS } from './constants.js';
import type { Call } from './plan.js';
import {
  cstring,
  lengthOf,
  PlanBuilder,
  path,
  pointers,
  scratch,
  shown,
  stringArray,
  struct,
  text,
} from './plan-builder.js';

const purpose = { id: 'test', en: 'test', zh: '测试' };

function onlyCall(builder: PlanBuilder): Call {
  const step = builder.build().processes['outside']?.[0];
  if (step?.kind !== 'call') throw new Error('no call');
  return step;
}

test('PlanBuilder › writes the display as strace would', () => {
  const builder = new PlanBuilder('mounts');
  const fd = builder.slot('fd');
  builder.call('outside', {
    syscall: 'mount',
    args: [
      'proc',
      path`/proc/self/fd/${fd}`,
      cstring('é'),
      flagged(MS, 'MS_NOSUID', 'MS_NODEV'),
      0,
    ],
    purpose,
  });
  expect(onlyCall(builder).display).toBe(
    'mount("proc", "/proc/self/fd/<fd>", "é", MS_NOSUID|MS_NODEV, 0)',
  );
});

test('PlanBuilder › shows argv, structs, output memory and lengths', () => {
  const builder = new PlanBuilder('displays');
  const pid = builder.slot('pid');
  const message = text`${pid}`;
  builder.call('outside', {
    syscall: 'nothing',
    args: [
      stringArray(['sh', '-c', 'ls']),
      struct([[1, 8]]),
      scratch(16),
      message,
      lengthOf(message),
      pid,
    ],
    purpose,
  });
  expect(onlyCall(builder).display).toBe(
    'nothing(["sh", "-c", "ls"], {…}, …, "<pid>", <length>, <pid>)',
  );
});

test('PlanBuilder › keeps an own display and all options', () => {
  const builder = new PlanBuilder('own');
  const slot = builder.slot('n');
  const buffer = scratch(8);
  const input = {
    syscall: 'read',
    args: [3, buffer, 8],
    display: 'read(3, …, 8)',
    purpose,
    store: slot,
    loads: [{ from: buffer, offset: 0, width: 8 as const, to: slot }],
    tolerate: [11],
    atLeast: 1,
    reportBlock: buffer,
  };
  const { args, ...rest } = input;
  builder.call('outside', input);
  expect(onlyCall(builder)).toMatchObject(rest);
  expect(onlyCall(builder).args[1]).toEqual({ kind: 'block', block: buffer });
  expect(args).toHaveLength(3);
});

test('struct › writes little-endian fields, negative numbers as two’s complement', () => {
  const block = struct([[1, 2], [-1, 4], [shown(0x4000, 'MS_REC'), 8], Uint8Array.of(9)]);
  const bytes = block.parts.flatMap((part) => (part.kind === 'bytes' ? [...part.bytes] : []));
  expect(bytes).toEqual([1, 0, 255, 255, 255, 255, 0, 0x40, 0, 0, 0, 0, 0, 0, 9]);
});

test('struct › refuses a slot of 2 bytes', () => {
  const slot = new PlanBuilder('x').slot('port');
  expect(() => struct([[slot, 2 as 4]])).toThrow('slot port has 4 or 8 bytes in a struct');
});

test('pointers › ends with NULL', () => {
  expect(pointers([]).parts).toEqual([{ kind: 'bytes', bytes: new Uint8Array(8) }]);
});

test('cstring › refuses a NUL', () => {
  expect(() => cstring('a\0b')).toThrow('a C string cannot contain NUL');
});

test('build › refuses a process that no clone3 starts', () => {
  const builder = new PlanBuilder('p').call('child', { syscall: 'getpid', args: [], purpose });
  expect(() => builder.build()).toThrow('plan p: no clone3 starts process child');
});

test('build › refuses a process started twice', () => {
  const builder = new PlanBuilder('p');
  builder.call('outside', { syscall: 'clone3', args: [], child: 'child', purpose });
  builder.call('outside', { syscall: 'clone3', args: [], child: 'child', purpose });
  expect(() => builder.build()).toThrow('plan p: process child is started twice');
});

test('build › refuses steps after become-init', () => {
  const builder = new PlanBuilder('p').becomeInit('outside', purpose);
  builder.call('outside', { syscall: 'getpid', args: [], purpose });
  expect(() => builder.build()).toThrow('process outside has steps after become-init');
});
