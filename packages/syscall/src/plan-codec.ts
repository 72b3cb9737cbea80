/**
 * Writes plans and control messages in the player's binary format, and reads its records. Runs in
 * the daemon; the other side is native/player.c, whose header describes the same format.
 *
 * All integers are little-endian and unaligned; `NONE` is 0xffffffff.
 *   message:  u32 length of what follows, u32 type, u32 run, body
 *     1 RUN:  u32 flags (1 = stepped, 2 = reports batched), plan
 *     2 STEP: u32 process;      3 ABORT: no body
 *   plan:     u32 slot count, u32 first process, u32 process count, processes
 *   process:  u32 step count, steps
 *   step:     u32 kind: 1 = call; 2 = become-init (nothing follows); 3 = detach: u32 slot with
 *             the fd for last words | NONE
 *   call:     u32 number, u32 store slot | NONE, u32 child process | NONE, u32 report block | NONE,
 *             u32 ack block | NONE, u32 ack offset, u64 at least (0 = no bound), then four lists, each a u32 count and its items:
 *             tolerated u32 errnos, blocks, arguments, loads
 *   block:    u32 size, u32 part count, parts; points to earlier blocks of the same call only
 *   part:     u32 kind, then 1 bytes: u32 length, bytes; 2 int: u32 slot, u32 width;
 *             3 decimal: u32 slot; 4 pointer: u32 block
 *   argument: u32 kind (1 number, 2 slot, 3 block, 4 length of a block's parts), u64 value
 *   load:     u32 block, u32 offset, u32 width, u32 slot
 *   record:   u32 length of the bytes behind it, u32 kind, u32 run, u32 process, u32 index,
 *             u32 error, i64 result, u64 nanoseconds, u64 reserved, bytes
 */
import type {
  Ack,
  Argument,
  Block,
  Call,
  Load,
  Part,
  Plan,
  PlanStep,
  ProcessName,
} from './plan.js';
import { type Architecture, hostArchitecture, syscallNumber } from './syscall-numbers.js';

/** What the player accepts; native/player.c has the same numbers. */
export const PLAYER_LIMITS = {
  /** of a whole message */
  messageBytes: 1024 * 1024,
  slots: 256,
  processes: 16,
  /** of one process */
  steps: 4096,
  /** of one call: argv and envp take one for each string */
  blocks: 1024,
  /** of one call: all its blocks, each rounded up to 16 */
  callBytes: 256 * 1024,
  tolerated: 16,
  loads: 16,
  /** of a report block: a record is one write, which the kernel keeps whole up to 32 KiB */
  reportBytes: 16 * 1024,
  args: 6,
} as const;

/** Where a process of a run holds what is the player's; native/player.c has the same numbers. */
export const PLAYER_FDS = {
  /** the run's socket to the zygote: hung up when that has died */
  run: 61,
  /** records go out here */
  report: 63,
} as const;

/** What RECORD_READY must say: daemon and player come from the same build. */
export const PROTOCOL_VERSION = 3;

const NONE = 0xffff_ffff;
const MESSAGE = { run: 1, step: 2, abort: 3 } as const;
const RUN_STEPPED = 1;
const RUN_BATCHED = 2;
const STEP = { call: 1, 'become-init': 2, detach: 3 } as const;
const PART = { bytes: 1, int: 2, decimal: 3, pointer: 4 } as const;
const ARGUMENT = { number: 1, slot: 2, block: 3, length: 4 } as const;
const DECIMAL_BYTES = 20; // digits and sign of an i64
const RECORD_BYTES = 48;
const ACK_BYTES = 4;
const LAST_WORDS_BYTES = 8;

/** A plan that the player would refuse; the message names plan, process and step. */
export class PlanEncodeError extends Error {
  override readonly name = 'PlanEncodeError';
}

/** One record of the player. */
export type PlayerRecord =
  | { readonly kind: 'ready'; readonly version: number }
  | {
      readonly kind: 'call';
      readonly run: number;
      readonly process: number;
      readonly index: number;
      readonly errno: number;
      readonly result: bigint;
      readonly nanoseconds: number;
      readonly bytes: Uint8Array;
    }
  /** the call does not return if it succeeds: execve, exit_group */
  | {
      readonly kind: 'entering';
      readonly run: number;
      readonly process: number;
      readonly index: number;
    }
  | {
      readonly kind: 'started';
      readonly run: number;
      readonly process: number;
      readonly hostPid: number;
    }
  /** stepped runs: the process stands before this step until it is let go on */
  | {
      readonly kind: 'waiting';
      readonly run: number;
      readonly process: number;
      readonly index: number;
    }
  | { readonly kind: 'done'; readonly run: number }
  | { readonly kind: 'exit'; readonly hostPid: number; readonly waitStatus: number }
  /** nothing was run (or, with a process, its next call was not) */
  | { readonly kind: 'refused'; readonly run: number; readonly reason: string };

/** What an encoder may be told. */
export interface EncodeOptions {
  readonly stepped?: boolean;
  readonly batched?: boolean;
  /** the player's, for its system call numbers; this machine's by default */
  readonly architecture?: Architecture;
}

/**
 * Encodes the message that runs a plan.
 *
 * @param run number that the player's records about this run will carry
 * @throws PlanEncodeError when the plan names an unknown call or process or exceeds a limit
 */
export function encodeRun(plan: Plan, run: number, options: EncodeOptions = {}): Uint8Array {
  const architecture = options.architecture ?? hostArchitecture();
  const names = Object.keys(plan.processes);
  const writer = new Writer();
  try {
    limit('slots', plan.slotCount);
    limit('processes', names.length);
    writer.u32(MESSAGE.run, run, flagsOf(options));
    writer.u32(plan.slotCount, processIndex(names, plan.first), names.length);
  } catch (error) {
    throw inContext(error, plan.name);
  }
  for (const [name, steps] of Object.entries(plan.processes)) {
    encodeProcess(writer, plan, name, steps, names, architecture);
  }
  const message = writer.message();
  if (message.length - 4 > PLAYER_LIMITS.messageBytes) {
    throw new PlanEncodeError(
      `plan ${plan.name}: ${message.length} bytes, more than ${PLAYER_LIMITS.messageBytes}`,
    );
  }
  return message;
}

/**
 * Gives a message that was encoded before to a run of its own.
 *
 * @param message is written to
 */
export function addressRun(
  message: Uint8Array,
  run: number,
  options: Pick<EncodeOptions, 'stepped' | 'batched'>,
): Uint8Array {
  const view = new DataView(message.buffer, message.byteOffset);
  view.setUint32(RUN_AT, run, true);
  view.setUint32(FLAGS_AT, flagsOf(options), true);
  return message;
}

/** Behind the message's length and type. */
const RUN_AT = 8;
const FLAGS_AT = 12;

function flagsOf({ stepped, batched }: Pick<EncodeOptions, 'stepped' | 'batched'>): number {
  return (stepped ? RUN_STEPPED : 0) | (batched ? RUN_BATCHED : 0);
}

/**
 * Encodes the message that lets the next step of one process of a stepped run happen.
 *
 * @param process its place among the names of `plan.processes`
 */
export function encodeStep(run: number, process: number): Uint8Array {
  return new Writer().u32(MESSAGE.step, run, process).message();
}

/** Encodes the message that kills the processes of a run. */
export function encodeAbort(run: number): Uint8Array {
  return new Writer().u32(MESSAGE.abort, run).message();
}

/** What a detached process of a plan says in the fd of `Detach.lastWords` when it cannot go on. */
export interface LastWords {
  /** of the step that failed */
  readonly index: number;
  /** 0 when its result was below its bound */
  readonly errno: number;
}

/** @returns undefined for no bytes: it became its program, or was killed */
export function decodeLastWords(bytes: Uint8Array): LastWords | undefined {
  if (bytes.length < LAST_WORDS_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return { index: view.getUint32(0, true), errno: view.getUint32(4, true) };
}

/** Most records carry none: there are hundreds for each container. */
const NO_BYTES = new Uint8Array(0);

/** Cuts the player's byte stream into records; chunks may end anywhere. */
export class RecordReader {
  #rest: Uint8Array = NO_BYTES;

  /** @throws Error on a record that no player of this version sends */
  push(chunk: Uint8Array): PlayerRecord[] {
    const bytes = this.#rest.length === 0 ? chunk : concat(this.#rest, chunk);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const records: PlayerRecord[] = [];
    let at = 0;
    while (at + RECORD_BYTES <= bytes.length) {
      const start = at + RECORD_BYTES;
      const end = start + view.getUint32(at, true);
      if (bytes.length < end) break;
      records.push(decodeRecord(view, at, end === start ? NO_BYTES : bytes.slice(start, end)));
      at = end;
    }
    this.#rest = at === bytes.length ? NO_BYTES : bytes.slice(at);
    return records;
  }
}

function encodeProcess(
  writer: Writer,
  plan: Plan,
  name: ProcessName,
  steps: readonly PlanStep[],
  names: readonly ProcessName[],
  architecture: Architecture,
): void {
  if (steps.length > PLAYER_LIMITS.steps) {
    throw new PlanEncodeError(`plan ${plan.name}, ${name}: more than ${PLAYER_LIMITS.steps} steps`);
  }
  writer.u32(steps.length);
  let index = 0;
  try {
    for (; index < steps.length; index++)
      encodeProcessStep(writer, plan, steps, index, names, architecture);
  } catch (error) {
    const step = steps[index];
    const what = step?.kind === 'call' ? step.display : step?.kind;
    throw inContext(error, `${plan.name}, ${name} step ${index}, ${what}`);
  }
}

function encodeProcessStep(
  writer: Writer,
  plan: Plan,
  steps: readonly PlanStep[],
  index: number,
  names: readonly ProcessName[],
  architecture: Architecture,
): void {
  const step = steps[index];
  if (step === undefined) return;
  writer.u32(STEP[step.kind]);
  if (step.kind === 'call') encodeCall(writer, step, plan, names, architecture);
  else if (step.kind === 'detach')
    writer.u32(step.lastWords === undefined ? NONE : slotOf(plan, step.lastWords.index));
  else if (step.kind === 'become-init' && index !== steps.length - 1)
    throw new PlanEncodeError('become-init is not the last step');
}

function encodeCall(
  writer: Writer,
  call: Call,
  plan: Plan,
  names: readonly ProcessName[],
  architecture: Architecture,
): void {
  const blocks = orderBlocks(call);
  const blockIndex = new Map(blocks.map((block, index) => [block, index]));
  const slot = (index: number): number => slotOf(plan, index);
  if (call.child !== undefined && call.syscall !== 'clone3' && call.syscall !== 'clone') {
    throw new PlanEncodeError(`${call.syscall} starts no child`);
  }
  limit('blocks', blocks.length);
  limit('args', call.args.length);
  limit('tolerated', call.tolerate?.length ?? 0);
  limit('loads', call.loads?.length ?? 0);
  limit(
    'callBytes',
    blocks.reduce((sum, block) => sum + Math.ceil(blockSize(block) / 16) * 16, 0),
  );
  if (call.reportBlock !== undefined) limit('reportBytes', blockSize(call.reportBlock));
  if (call.ack !== undefined) checkAck(call.ack);

  writer.u32(syscallNumber(call.syscall, architecture));
  writer.u32(call.store === undefined ? NONE : slot(call.store.index));
  writer.u32(call.child === undefined ? NONE : processIndex(names, call.child));
  writer.u32(call.reportBlock === undefined ? NONE : (blockIndex.get(call.reportBlock) ?? NONE));
  writer.u32(call.ack === undefined ? NONE : (blockIndex.get(call.ack.from) ?? NONE));
  writer.u32(call.ack?.offset ?? 0);
  writer.u64(BigInt(call.atLeast ?? 0));
  writer.u32(call.tolerate?.length ?? 0, ...(call.tolerate ?? []));
  writer.u32(blocks.length);
  for (const block of blocks) encodeBlock(writer, block, blockIndex, slot);
  writer.u32(call.args.length);
  for (const argument of call.args) encodeArgument(writer, argument, blockIndex, slot);
  writer.u32(call.loads?.length ?? 0);
  for (const load of call.loads ?? []) encodeLoad(writer, load, blockIndex, slot);
}

function slotOf(plan: Plan, index: number): number {
  if (Number.isInteger(index) && index >= 0 && index < plan.slotCount) return index;
  throw new PlanEncodeError(`slot ${index} is not one of the plan's ${plan.slotCount}`);
}

/** Every block that a call reaches, each behind those that it points to. */
function orderBlocks(call: Call): Block[] {
  const ordered = new Set<Block>();
  const open = new Set<Block>();
  const visit = (block: Block): void => {
    if (ordered.has(block)) return;
    if (open.has(block)) throw new PlanEncodeError('blocks point to each other in a circle');
    open.add(block);
    for (const part of block.parts) if (part.kind === 'pointer') visit(part.to);
    ordered.add(block);
  };
  for (const argument of call.args) if ('block' in argument) visit(argument.block);
  for (const load of call.loads ?? []) {
    if (!ordered.has(load.from))
      throw new PlanEncodeError('a load reads a block that is no argument');
  }
  if (call.ack !== undefined && !ordered.has(call.ack.from)) {
    throw new PlanEncodeError('the ack is read from a block that is no argument');
  }
  if (call.reportBlock !== undefined && !ordered.has(call.reportBlock)) {
    throw new PlanEncodeError('the report block is no argument');
  }
  return [...ordered];
}

/** Bytes that the block takes: its own size, or what its parts can come to. */
function blockSize(block: Block): number {
  const needed = block.parts.reduce((sum, part) => sum + partSize(part), 0);
  const size = block.size ?? needed;
  if (size < needed) throw new PlanEncodeError(`a block of ${size} bytes has parts for ${needed}`);
  return size;
}

function partSize(part: Part): number {
  if (part.kind === 'bytes') return part.bytes.length;
  if (part.kind === 'int') return part.width;
  return part.kind === 'decimal' ? DECIMAL_BYTES : 8;
}

function encodeBlock(
  writer: Writer,
  block: Block,
  blockIndex: ReadonlyMap<Block, number>,
  slot: (index: number) => number,
): void {
  writer.u32(blockSize(block), block.parts.length);
  for (const part of block.parts) {
    writer.u32(PART[part.kind]);
    if (part.kind === 'bytes') writer.u32(part.bytes.length).bytes(part.bytes);
    else if (part.kind === 'int') writer.u32(slot(part.slot.index), part.width);
    else if (part.kind === 'decimal') writer.u32(slot(part.slot.index));
    else writer.u32(blockIndex.get(part.to) ?? NONE);
  }
}

function encodeArgument(
  writer: Writer,
  argument: Argument,
  blockIndex: ReadonlyMap<Block, number>,
  slot: (index: number) => number,
): void {
  writer.u32(ARGUMENT[argument.kind]);
  if (argument.kind === 'number') writer.u64(argument.value);
  else if (argument.kind === 'slot') writer.u64(BigInt(slot(argument.slot.index)));
  else writer.u64(BigInt(blockIndex.get(argument.block) ?? NONE));
}

function encodeLoad(
  writer: Writer,
  load: Load,
  blockIndex: ReadonlyMap<Block, number>,
  slot: (index: number) => number,
): void {
  if (load.offset < 0 || load.offset + load.width > blockSize(load.from)) {
    throw new PlanEncodeError(`a load at ${load.offset} is outside its block`);
  }
  writer.u32(blockIndex.get(load.from) ?? NONE, load.offset, load.width, slot(load.to.index));
}

function checkAck({ from, offset }: Ack): void {
  if (!Number.isInteger(offset) || offset < 0 || offset + ACK_BYTES > blockSize(from)) {
    throw new PlanEncodeError(`an ack at ${offset} is outside its block`);
  }
}

function processIndex(names: readonly ProcessName[], name: ProcessName): number {
  const index = names.indexOf(name);
  if (index === -1) throw new PlanEncodeError(`there is no process ${name}`);
  return index;
}

function limit(what: keyof typeof PLAYER_LIMITS, value: number): void {
  if (value > PLAYER_LIMITS[what]) {
    throw new PlanEncodeError(`${value} ${what}, more than the player's ${PLAYER_LIMITS[what]}`);
  }
}

function inContext(error: unknown, where: string): PlanEncodeError {
  const message = error instanceof Error ? error.message : String(error);
  return new PlanEncodeError(`plan ${where}: ${message}`, { cause: error });
}

function decodeRecord(view: DataView, at: number, bytes: Uint8Array): PlayerRecord {
  const kind = view.getUint32(at + 4, true);
  const run = view.getUint32(at + 8, true);
  const process = view.getUint32(at + 12, true);
  const index = view.getUint32(at + 16, true);
  const error = view.getUint32(at + 20, true);
  const result = view.getBigInt64(at + 24, true);
  switch (kind) {
    case 1:
      return { kind: 'ready', version: Number(result) };
    case 2: {
      const nanoseconds = Number(view.getBigUint64(at + 32, true));
      return { kind: 'call', run, process, index, errno: error, result, nanoseconds, bytes };
    }
    case 3:
      return { kind: 'entering', run, process, index };
    case 4:
      return { kind: 'started', run, process, hostPid: Number(result) };
    case 5:
      return { kind: 'done', run };
    case 6:
      return { kind: 'exit', hostPid: Number(result), waitStatus: error };
    case 7:
      return { kind: 'refused', run, reason: new TextDecoder().decode(bytes) };
    case 8:
      return { kind: 'waiting', run, process, index };
    default:
      throw new Error(`the player sent a record of unknown kind ${kind}`);
  }
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

/** A growing little-endian buffer that starts with its own length. */
class Writer {
  #buffer: Uint8Array<ArrayBuffer> = new Uint8Array(4096);
  #view = new DataView(this.#buffer.buffer);
  #length = 4;

  u32(...values: number[]): this {
    this.#reserve(values.length * 4);
    for (const value of values) {
      this.#view.setUint32(this.#length, value, true);
      this.#length += 4;
    }
    return this;
  }

  /** negative numbers as the kernel sees them: two's complement */
  u64(value: bigint): this {
    this.#reserve(8);
    this.#view.setBigUint64(this.#length, BigInt.asUintN(64, value), true);
    this.#length += 8;
    return this;
  }

  bytes(bytes: Uint8Array): this {
    this.#reserve(bytes.length);
    this.#buffer.set(bytes, this.#length);
    this.#length += bytes.length;
    return this;
  }

  message(): Uint8Array {
    this.#view.setUint32(0, this.#length - 4, true);
    return this.#buffer.slice(0, this.#length);
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#buffer.length) return;
    const larger = new Uint8Array(Math.max(this.#buffer.length * 2, this.#length + more));
    larger.set(this.#buffer);
    this.#buffer = larger;
    this.#view = new DataView(larger.buffer);
  }
}
