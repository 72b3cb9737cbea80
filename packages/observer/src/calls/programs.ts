/**
 * The four BPF programs of the tape. They run in the kernel, in the context of the thread that
 * makes a call, and change nothing: what they cannot read or have no room for is left out.
 *
 * - *enter*, at every system call: is its number on the list, and the thread one of those followed?
 *   Then its arguments, and the texts that they point to, are kept under the thread's id.
 * - *leave*, when it returns: the result is added and the record queued for the observer. A text
 *   that could not be read before (its page was not in memory: a program must not wait for one) is
 *   tried once more, as the kernel itself has read it since.
 * - *born*: a child of a followed thread is followed too, for the same sandbox. So what another
 *   sandbox does can't be on a tape, whatever numbers the kernel uses again.
 * - *died*: its thread is forgotten.
 */
import { type Architecture, BPF_FUNC } from '@terrarium/syscall';
import { Assembler, type Register } from './assembler.js';
import { AT, CLONE_ARGS_BYTES, NO_RETURN, SLOT_BYTES, SLOT_MODE, SLOTS } from './record.js';

/** Fds of the maps that the programs share. */
export interface TapeMaps {
  /** by system call number: what its slots hold (u64), flags (u32); see record.ts */
  readonly calls: number;
  /** thread id → number of the sandbox */
  readonly followed: number;
  /** one record, where it is put together */
  readonly scratch: number;
  /** thread id → record of the call that it is in */
  readonly inside: number;
  /** records of ended calls */
  readonly queue: number;
  /** one u64: records for which there was no room */
  readonly lost: number;
}

/** Where struct pt_regs has the six arguments, and how it tells a 32-bit program's call. */
const REGISTERS: Readonly<
  Record<Architecture, { bytes: number; args: readonly number[]; wide: (a: Assembler) => void }>
> = {
  // rdi rsi rdx r10 r8 r9; the code segment of 32-bit programs is 0x23
  x64: {
    bytes: 144,
    args: [112, 104, 96, 56, 72, 64],
    wide: (a) => void a.load(8, 1, 10, -STACK_REGS + 136).jumpIf(1, 'eq', 0x23, 'out'),
  },
  // x0 … x5; bit 4 of pstate
  arm64: {
    bytes: 272,
    args: [0, 8, 16, 24, 32, 40],
    wide: (a) =>
      void a
        .load(8, 1, 10, -STACK_REGS + 264)
        .number('and', 1, 0x10)
        .jumpIf(1, 'ne', 0, 'out'),
  },
};

/** Places on the stack. */
const STACK_REGS = 320;
const [KEY, NUMBER, POINTER, WORD] = [-8, -12, -24, -32] as const;

export function enterProgram(maps: TapeMaps, architecture: Architecture): Uint8Array<ArrayBuffer> {
  const { bytes, args, wide } = REGISTERS[architecture];
  const a = new Assembler();
  // ctx: struct pt_regs *, long number
  a.register('mov', 6, 1).load(8, 1, 6, 8).store(4, 10, NUMBER, 1);
  lookUp(a, maps.calls, NUMBER).register('mov', 7, 0);
  a.load(4, 1, 7, 8).jumpIf(1, 'eq', 0, 'out');
  currentThread(a).register('mov', 8, 0);
  lookUp(a, maps.followed, KEY).load(4, 9, 0, 0);
  a.storeNumber(4, 10, WORD, 0);
  lookUp(a, maps.scratch, WORD).store(4, 0, AT.sandbox, 9).register('mov', 9, 0);
  a.store(4, 9, AT.tid, 8).number('shr', 8, 32).store(4, 9, AT.tgid, 8);
  a.load(4, 1, 10, NUMBER).store(4, 9, AT.number, 1);
  a.load(4, 1, 7, 8).store(4, 9, AT.flags, 1);
  a.load(8, 1, 7, 0).store(8, 9, AT.slots, 1);
  a.register('mov', 1, 10).number('add', 1, -STACK_REGS);
  a.number('mov', 2, bytes).load(8, 3, 6, 0).call(BPF_FUNC.probe_read_kernel);
  a.jumpIf(0, 'ne', 0, 'out');
  wide(a);
  for (const [index, offset] of args.entries()) {
    a.load(8, 1, 10, -STACK_REGS + offset).store(8, 9, AT.args + 8 * index, 1);
  }
  for (let slot = 0; slot < SLOTS; slot++) a.storeNumber(4, 9, AT.lengths + 4 * slot, 0);
  for (let slot = 0; slot < SLOTS; slot++) fillSlot(a, slot);
  a.label('filled').call(BPF_FUNC.ktime_get_ns).store(8, 9, AT.began, 0).store(8, 9, AT.ended, 0);
  a.storeNumber(8, 9, AT.result, 0);
  a.load(4, 1, 9, AT.flags).number('and', 1, NO_RETURN).jumpIf(1, 'ne', 0, 'at once');
  address(a.map(1, maps.inside), 2, KEY).register('mov', 3, 9).number('mov', 4, 0);
  a.call(BPF_FUNC.map_update_elem).jumpIf(0, 'ne', 0, 'lost').jump('out');
  a.label('at once');
  queue(a, maps, 9);
  return finish(a, maps);
}

export function leaveProgram(maps: TapeMaps): Uint8Array<ArrayBuffer> {
  const a = new Assembler();
  // ctx: struct pt_regs *, long result
  a.register('mov', 6, 1);
  currentThread(a);
  lookUp(a, maps.inside, KEY).register('mov', 9, 0);
  a.call(BPF_FUNC.ktime_get_ns).store(8, 9, AT.ended, 0);
  a.load(8, 1, 6, 8).store(8, 9, AT.result, 1);
  for (let slot = 0; slot < SLOTS; slot++) readAgain(a, slot);
  queue(a, maps, 9);
  address(a.map(1, maps.inside), 2, KEY).call(BPF_FUNC.map_delete_elem);
  return finish(a, maps);
}

/** @param childAt where the tracepoint task_newtask has the child's thread id */
export function bornProgram(maps: TapeMaps, childAt: number): Uint8Array<ArrayBuffer> {
  const a = new Assembler();
  a.register('mov', 6, 1);
  currentThread(a);
  lookUp(a, maps.followed, KEY).load(4, 1, 0, 0).store(4, 10, WORD, 1);
  a.load(4, 1, 6, childAt).store(4, 10, NUMBER, 1);
  address(a.map(1, maps.followed), 2, NUMBER);
  address(a, 3, WORD).number('mov', 4, 0).call(BPF_FUNC.map_update_elem);
  return end(a);
}

export function diedProgram(maps: TapeMaps): Uint8Array<ArrayBuffer> {
  const a = new Assembler();
  currentThread(a);
  address(a.map(1, maps.followed), 2, KEY).call(BPF_FUNC.map_delete_elem);
  address(a.map(1, maps.inside), 2, KEY).call(BPF_FUNC.map_delete_elem);
  return end(a);
}

/** r0 = process and thread; the thread's id becomes the key. */
function currentThread(a: Assembler): Assembler {
  return a.call(BPF_FUNC.get_current_pid_tgid).store(4, 10, KEY, 0);
}

/** register = address of a place on the stack */
function address(a: Assembler, register: Register, place: number): Assembler {
  return a.register('mov', register, 10).number('add', register, place);
}

/** r0 = the entry whose key is on the stack; out when there is none. */
function lookUp(a: Assembler, map: number, key: number): Assembler {
  return address(a.map(1, map), 2, key).call(BPF_FUNC.map_lookup_elem).jumpIf(0, 'eq', 0, 'out');
}

/** Reads what the slot's byte asks for; r7 = entry of `calls`, r9 = record. */
function fillSlot(a: Assembler, slot: number): void {
  const [next, store, text] = [`next ${slot}`, `store ${slot}`, `text ${slot}`];
  a.load(1, 1, 7, slot).jumpIf(1, 'eq', 0, next);
  argumentOf(a);
  a.number('shr', 1, 3).jumpIf(1, 'eq', SLOT_MODE.text, text);
  a.jumpIf(1, 'ne', SLOT_MODE.cloneArgs, `list ${slot}`);
  memoryOf(a, slot).number('mov', 2, CLONE_ARGS_BYTES).call(BPF_FUNC.probe_read_user);
  a.jumpIf(0, 'ne', 0, store).number('mov', 0, CLONE_ARGS_BYTES).jump(store);
  a.label(`list ${slot}`);
  a.number('add', 1, -SLOT_MODE.list).number('shl', 1, 3).register('add', 3, 1);
  address(a, 1, POINTER).number('mov', 2, 8).call(BPF_FUNC.probe_read_user);
  // NULL ends a list, and what stands behind it is the environment.
  a.jumpIf(0, 'ne', 0, store).load(8, 3, 10, POINTER).jumpIf(3, 'eq', 0, 'filled');
  a.label(text);
  memoryOf(a, slot).number('mov', 2, SLOT_BYTES).call(BPF_FUNC.probe_read_user_str);
  a.label(store)
    .store(4, 9, AT.lengths + 4 * slot, 0)
    .label(next);
}

/** A text that was not there is there once the kernel itself has read it. */
function readAgain(a: Assembler, slot: number): void {
  const next = `next ${slot}`;
  a.load(4, 1, 9, AT.lengths + 4 * slot).jumpIf(1, 'ge32', 0, next);
  a.load(1, 1, 9, AT.slots + slot)
    .register('mov', 2, 1)
    .number('shr', 2, 3);
  a.jumpIf(2, 'ne', SLOT_MODE.text, next);
  argumentOf(a);
  memoryOf(a, slot).number('mov', 2, SLOT_BYTES).call(BPF_FUNC.probe_read_user_str);
  a.store(4, 9, AT.lengths + 4 * slot, 0).label(next);
}

/** r3 = the argument that the slot's byte in r1 names; destroys r2 */
function argumentOf(a: Assembler): Assembler {
  a.register('mov', 2, 1).number('and', 2, 7).number('shl', 2, 3);
  return a.register('mov', 3, 9).register('add', 3, 2).load(8, 3, 3, AT.args);
}

/** r1 = the slot's memory */
function memoryOf(a: Assembler, slot: number): Assembler {
  return a.register('mov', 1, 9).number('add', 1, AT.memory + slot * SLOT_BYTES);
}

function queue(a: Assembler, maps: TapeMaps, record: Register): Assembler {
  a.map(1, maps.queue).register('mov', 2, record).number('mov', 3, 0);
  return a.call(BPF_FUNC.map_push_elem).jumpIf(0, 'ne', 0, 'lost');
}

/** The two ends of every program: one more lost, or nothing more. */
function finish(a: Assembler, maps: TapeMaps): Uint8Array<ArrayBuffer> {
  a.jump('out').label('lost').storeNumber(4, 10, WORD, 0);
  lookUp(a, maps.lost, WORD).number('mov', 1, 1).addAtomically(0, 0, 1);
  return end(a);
}

function end(a: Assembler): Uint8Array<ArrayBuffer> {
  return a.label('out').number('mov', 0, 0).exit().assemble();
}
