/**
 * bpf(2) for programs that watch: maps, loading, attaching to tracepoints. Run in the observer,
 * host namespaces, as root. What is made here lives as long as its fd: a dead observer leaves
 * nothing in the kernel.
 *
 * `union bpf_attr` holds addresses, so its memory and what it points to are ArrayBuffers of our
 * own: those V8 never moves.
 */
import { closeSync } from 'node:fs';
import koffi from 'koffi';
import { BPF } from '../constants/bpf.js';
import { bindSyscall } from './invoke.js';

const callBpf = bindSyscall('bpf', 'int', 'void *', 'int');
const callPerfEventOpen = bindSyscall('perf_event_open', 'void *', 'int', 'int', 'int', 'long');
const callIoctl = bindSyscall('ioctl', 'int', 'long', 'long');

/** Room for what the verifier says about a program that it refuses. */
const LOG_BYTES = 64 * 1024;
/** Of the verifier's last words, this many characters go into the error. */
const LOG_TAIL = 400;
const ATTR_BYTES = 128;
const PERF_ATTR_BYTES = 128;
const PERF_TYPE_TRACEPOINT = 2;
const PERF_FLAG_FD_CLOEXEC = 8;
const PERF_EVENT_IOC_SET_BPF = 0x40042408;
const PERF_EVENT_IOC_ENABLE = 0x2400;

/** Shape of a map; sizes in bytes. */
export interface BpfMapShape {
  /** BPF_MAP_TYPE_… */
  readonly type: number;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
}

/** A map that a program and this process share. */
export class BpfMap {
  readonly fd: number;
  private readonly key: Uint8Array<ArrayBuffer>;
  private readonly value: Uint8Array<ArrayBuffer>;
  private readonly attr = new DataView(new ArrayBuffer(ATTR_BYTES));

  /** @throws SyscallError EPERM without CAP_BPF or CAP_SYS_ADMIN */
  constructor(shape: BpfMapShape) {
    this.key = memory(Math.max(8, shape.keySize));
    this.value = memory(shape.valueSize);
    for (const [index, word] of [
      ...[shape.type, shape.keySize, shape.valueSize, shape.maxEntries],
    ].entries()) {
      this.attr.setUint32(index * 4, word, true);
    }
    this.fd = bpf(BPF.BPF_MAP_CREATE, this.attr, `a map of type ${shape.type}`);
    // BPF_MAP_…_ELEM: u32 map_fd; u64 key; u64 value; u64 flags
    this.attr.setBigUint64(0, BigInt(this.fd), true);
    this.attr.setBigUint64(8, addressOf(this.key), true);
    this.attr.setBigUint64(16, addressOf(this.value), true);
    this.attr.setBigUint64(24, 0n, true);
  }

  /** Puts a value under a key of at most 32 bits. @throws SyscallError E2BIG when the map is full */
  set(key: number, value: Uint8Array): void {
    new DataView(this.key.buffer).setUint32(0, key, true);
    this.value.set(value);
    bpf(BPF.BPF_MAP_UPDATE_ELEM, this.attr, `entry ${key} of map fd ${this.fd}`);
  }

  /** The value under a key, in memory that the next call of this map overwrites; null for none. */
  get(key: number): Uint8Array | null {
    new DataView(this.key.buffer).setUint32(0, key, true);
    return this.try(BPF.BPF_MAP_LOOKUP_ELEM) ? this.value : null;
  }

  /** Takes a key out; nothing happens when it is not there. */
  delete(key: number): void {
    new DataView(this.key.buffer).setUint32(0, key, true);
    this.try(BPF.BPF_MAP_DELETE_ELEM);
  }

  /** The next value of a queue, in memory that the next call overwrites; null when it is empty. */
  pop(): Uint8Array | null {
    this.attr.setBigUint64(8, 0n, true); // a queue has no keys
    return this.try(BPF.BPF_MAP_LOOKUP_AND_DELETE_ELEM) ? this.value : null;
  }

  close(): void {
    closeSync(this.fd);
  }

  private try(command: number): boolean {
    try {
      bpf(command, this.attr, `map fd ${this.fd}`);
      return true;
    } catch {
      return false; // ENOENT: not there
    }
  }
}

/**
 * Loads a program that may read and not change.
 *
 * @param type BPF_PROG_TYPE_…
 * @param instructions of 8 bytes each
 * @returns its fd, close-on-exec
 * @throws Error with the verifier's last words when it refuses; SyscallError EPERM without rights
 */
export function loadTracingProgram(type: number, instructions: Uint8Array<ArrayBuffer>): number {
  const attr = new DataView(new ArrayBuffer(ATTR_BYTES));
  const license = memory(8);
  license.set(Buffer.from('GPL\0')); // the helpers that read a process's memory ask for it
  attr.setUint32(0, type, true);
  attr.setUint32(4, instructions.length / 8, true);
  attr.setBigUint64(8, addressOf(instructions), true);
  attr.setBigUint64(16, addressOf(license), true);
  try {
    return bpf(BPF.BPF_PROG_LOAD, attr, `a program of ${instructions.length / 8} instructions`);
  } catch (error) {
    throw withVerifierLog(attr, error as Error);
  }
}

/** Loads once more, with a log: the verifier is slower when it has to write one. */
function withVerifierLog(attr: DataView<ArrayBuffer>, error: Error): Error {
  const log = memory(LOG_BYTES);
  attr.setUint32(24, 1, true);
  attr.setUint32(28, LOG_BYTES, true);
  attr.setBigUint64(32, addressOf(log), true);
  try {
    closeSync(bpf(BPF.BPF_PROG_LOAD, attr, 'a program, with a log'));
  } catch {
    // refused again, as expected
  }
  const words = Buffer.from(log).toString('latin1').replace(/\0.*$/s, '').trim();
  return new Error(`${error.message}: ${words.slice(-LOG_TAIL)}`, { cause: error });
}

/** Runs a BPF_PROG_TYPE_RAW_TRACEPOINT program at a tracepoint. @returns what detaches when closed */
export function attachRawTracepoint(name: string, programFd: number): number {
  const attr = new DataView(new ArrayBuffer(ATTR_BYTES));
  const text = memory(64);
  text.set(Buffer.from(`${name}\0`));
  attr.setBigUint64(0, addressOf(text), true);
  attr.setUint32(8, programFd, true);
  return bpf(BPF.BPF_RAW_TRACEPOINT_OPEN, attr, `raw tracepoint ${name}`);
}

/**
 * Runs a BPF_PROG_TYPE_TRACEPOINT program at a tracepoint, on every CPU.
 *
 * @param id from events/…/id of tracefs
 * @returns what detaches when closed
 */
export function attachTracepoint(id: number, programFd: number): number {
  const attr = new DataView(new ArrayBuffer(PERF_ATTR_BYTES));
  attr.setUint32(0, PERF_TYPE_TRACEPOINT, true);
  attr.setUint32(4, PERF_ATTR_BYTES, true);
  attr.setBigUint64(8, BigInt(id), true);
  attr.setBigUint64(16, 1n, true); // sample_period
  const bytes = new Uint8Array(attr.buffer);
  const fd = callPerfEventOpen([bytes, -1, 0, -1, PERF_FLAG_FD_CLOEXEC], () => `tracepoint ${id}`);
  try {
    callIoctl([fd, PERF_EVENT_IOC_SET_BPF, programFd], () => `${fd}, PERF_EVENT_IOC_SET_BPF`);
    callIoctl([fd, PERF_EVENT_IOC_ENABLE, 0], () => `${fd}, PERF_EVENT_IOC_ENABLE`);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return fd;
}

function bpf(command: number, attr: DataView<ArrayBuffer>, what: string): number {
  return callBpf([command, new Uint8Array(attr.buffer), ATTR_BYTES], () => what);
}

function memory(bytes: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new ArrayBuffer(bytes));
}

function addressOf(bytes: Uint8Array<ArrayBuffer>): bigint {
  return BigInt(koffi.address(bytes));
}
