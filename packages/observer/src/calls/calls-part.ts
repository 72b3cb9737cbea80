/**
 * The tape of one sandbox's system calls, while somebody wants it: follows its processes, and
 * emits each call once it has returned. Runs in the observer; the learner's processes are never
 * stopped and cannot tell.
 */
import type { EventBody, ProcessKey } from '@terrarium/timeline';
import type { Machine } from '../context.js';
import type { WatchedSandbox, WatchPart } from '../part.js';
import { CallAllowance } from './call-allowance.js';
import { CallQueue } from './call-queue.js';
import { CallTape, type TapeSeat } from './call-tape.js';
import { decodeCall } from './decode.js';
import type { CallRecord } from './record.js';

/** A process's calls may come this long after its end. */
const REMEMBER_MS = 2000;
/** The tape ends when nobody has looked for so long. */
const UNSEEN_FOR_MS = 60_000;
/** Between two notes on calls that were left out. */
const LOST_NOTE_MS = 1000;
/** A list of processes is read again until it has nothing new: they fork meanwhile. */
const FOLLOW_ROUNDS = 5;

/** One tape in the kernel for each observer. */
const tapes = new WeakMap<Machine, CallTape>();

export class CallsPart implements WatchPart {
  private readonly sandbox: WatchedSandbox;
  private seat: TapeSeat | null = null;
  private readonly keys = new Map<number, { key: ProcessKey; endedAt: number | null }>();
  private readonly queue: CallQueue;
  private lost = 0;
  private lostNotedAt = 0;
  private readonly allowance = new CallAllowance();
  private seenAt = 0;
  /** the epoch, in milliseconds of CLOCK_MONOTONIC before zero */
  private epoch = 0;

  constructor(sandbox: WatchedSandbox) {
    this.sandbox = sandbox;
    this.queue = new CallQueue(sandbox, (pid) => this.keyOf(pid));
  }

  onTracing(on: boolean): void {
    if (on === (this.seat !== null)) return;
    if (on) this.begin();
    else this.end({});
  }

  onProcess(body: Extract<EventBody, { type: 'process.fork' | 'process.exit' }>): void {
    if (this.seat === null) return;
    if (body.type === 'process.exit') {
      const known = this.keys.get(Number.parseInt(body.key, 10));
      if (known?.key === body.key) known.endedAt = this.sandbox.machine.now();
      return;
    }
    const { key, hostPid } = body.process;
    this.keys.set(hostPid, { key, endedAt: null });
    // The kernel follows children of those that are followed already. Whoever joined from outside is
    // not, nor is a child that was born before its parent was: a shell, by the helper that enters.
    this.follow(hostPid);
  }

  tick(now: number): number | null {
    this.release(now);
    if (this.lost > 0 && this.seat !== null && now - this.lostNotedAt >= LOST_NOTE_MS) {
      this.sandbox.emit({ type: 'syscall.tracing', on: true, lost: this.lost });
      this.lost = 0;
      this.lostNotedAt = now;
    }
    return this.queue.due;
  }

  scan(): void {
    if (this.seat === null) return;
    const now = this.sandbox.machine.now();
    if (this.sandbox.viewers() > 0) this.seenAt = now;
    else if (now - this.seenAt >= UNSEEN_FOR_MS) this.end({ reason: 'nobody looked at it' });
    for (const [pid, { endedAt }] of this.keys) {
      if (endedAt !== null && now - endedAt > REMEMBER_MS) this.keys.delete(pid);
    }
    this.allowance.forgetFull(now);
  }

  close(): void {
    this.seat?.close();
    this.seat = null;
    this.queue.clear();
  }

  private begin(): void {
    const { machine, emit, wake } = this.sandbox;
    const tape = tapes.get(machine) ?? new CallTape();
    tapes.set(machine, tape);
    try {
      this.seat = tape.open({
        onCalls: (records) => {
          this.queue.push(records);
          wake();
        },
        onLost: (count) => {
          this.lost += count;
        },
      });
    } catch (error) {
      emit({ type: 'syscall.tracing', on: false, reason: (error as Error).message });
      return;
    }
    this.epoch = Date.now() - Number(process.hrtime.bigint() / 1000n) / 1000;
    this.seenAt = machine.now();
    this.keys.clear();
    this.followAll();
    emit({ type: 'syscall.tracing', on: true });
  }

  private end(note: { readonly reason?: string }): void {
    this.seat?.close();
    this.seat = null;
    this.release(Number.POSITIVE_INFINITY);
    const lost = this.lost > 0 ? { lost: this.lost } : {};
    this.lost = 0;
    this.sandbox.emit({ type: 'syscall.tracing', on: false, ...note, ...lost });
  }

  private followAll(): void {
    const { machine, processes } = this.sandbox;
    const pids = new Set<number>();
    for (const { key, hostPid } of processes()) {
      this.keys.set(hostPid, { key, endedAt: null });
      pids.add(hostPid);
    }
    let news = [...pids];
    for (let round = 0; round < FOLLOW_ROUNDS && news.length > 0; round++) {
      for (const pid of news) this.follow(pid);
      // A child that was born before its parent was followed.
      news = news.flatMap((pid) => machine.proc.children(pid)).filter((pid) => !pids.has(pid));
      for (const pid of news) pids.add(pid);
    }
  }

  /** Follows all threads of a process, unless its number is somebody else's by now. */
  private follow(pid: number): void {
    const { seat } = this;
    if (seat === null) return;
    const { proc } = this.sandbox.machine;
    const threads = proc.threads(pid);
    try {
      seat.follow(threads);
    } catch {
      return; // more threads than the tape has room for: these are not on it
    }
    const known = this.keys.get(pid);
    if (known === undefined) return;
    const stat = proc.stat(pid);
    if (stat !== null && known.key === `${pid}:${stat.startTime}`) return;
    for (const thread of threads) seat.forget(thread);
  }

  // ---- calls --------------------------------------------------------------------------------

  /** Emits, in their order, the calls whose process is known; counts those that stay nobody's. */
  private release(now: number): void {
    for (const { record, key } of this.queue.take(now)) {
      const at = this.sandbox.machine.now();
      if (key === null || !this.allowance.take(key, record.number, at)) this.lost += 1;
      else this.tell(record, key);
    }
  }

  private tell(record: CallRecord, process: ProcessKey): void {
    const call = decodeCall(record);
    if (call === null) return;
    const at = microseconds(this.epoch + Number(record.began / 1000n) / 1000);
    const took = record.returns ? Number(record.ended - record.began) / 1e6 : null;
    this.sandbox.emit({ type: 'syscall', call: { process, ...call, at, took } });
  }

  private keyOf(pid: number): ProcessKey | null {
    return this.keys.get(pid)?.key ?? this.sandbox.process(pid)?.key ?? null;
  }
}

/** Milliseconds with no more than three decimals. */
function microseconds(value: number): number {
  return Math.round(value * 1000) / 1000;
}
