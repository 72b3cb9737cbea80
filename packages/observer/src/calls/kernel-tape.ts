/**
 * The tape in the kernel: maps and programs loaded, attached, fed with the threads to follow, and
 * emptied. Runs in the observer, host namespaces, as root (CAP_BPF and CAP_PERFMON would do). All
 * of it hangs on this process's fds: when it dies, the kernel takes everything down.
 *
 * Why programs and not tracefs: that prints a text's address, and when a reader of /proc/PID/mem
 * has the line, 79 % of the texts are gone (729 of 927 in a loop of mkdir, unshare and mount) and
 * of the rest nobody knows whether they are still the same. The programs read all of them.
 *
 * Costs nothing while closed. While open, every system call of the machine passes the kernel's
 * slow path and one table look-up (dd bs=1: 1.5 times as long); only followed threads pay for more
 * (fork and exec of /bin/true: 1.13 times as long).
 */
import { closeSync, readdirSync, readFileSync } from 'node:fs';
import {
  attachRawTracepoint,
  attachTracepoint,
  BPF_MAP_TYPE,
  BPF_PROG_TYPE,
  BpfMap,
  hostArchitecture,
  loadTracingProgram,
  SYSCALL_NUMBERS,
} from '@terrarium/syscall';
import { bornProgram, diedProgram, enterProgram, leaveProgram, type TapeMaps } from './programs.js';
import { type CallRecord, RECORD_BYTES, readRecord } from './record.js';
import { kernelEntry, TAPED_CALLS } from './table.js';

/** Numbers of system calls that there may be. */
const CALL_NUMBERS = 512;
/** Threads that are followed at most, and inside a taped call at once (a shell in wait4 is one). */
const MAX_THREADS = 16_384;
const MAX_INSIDE = 512;
/** Calls between two looks: 40,000 a second, 2 MB. */
const MAX_QUEUED = 1024;

/** An open tape. */
export class KernelTape {
  private readonly maps: Record<keyof TapeMaps, BpfMap>;
  private readonly fds: number[] = [];

  /**
   * @param tracefs where it is mounted
   * @throws Error saying what this kernel or this process lacks; nothing is left then
   */
  constructor(tracefs: string) {
    const maps: Partial<Record<keyof TapeMaps, BpfMap>> = {};
    this.maps = maps as Record<keyof TapeMaps, BpfMap>;
    const make = (name: keyof TapeMaps, type: number, value: number, entries: number): void => {
      const keySize = type === BPF_MAP_TYPE.BPF_MAP_TYPE_QUEUE ? 0 : 4;
      maps[name] = new BpfMap({ type, keySize, valueSize: value, maxEntries: entries });
    };
    try {
      make('calls', BPF_MAP_TYPE.BPF_MAP_TYPE_ARRAY, 16, CALL_NUMBERS);
      make('followed', BPF_MAP_TYPE.BPF_MAP_TYPE_HASH, 4, MAX_THREADS);
      make('scratch', BPF_MAP_TYPE.BPF_MAP_TYPE_PERCPU_ARRAY, RECORD_BYTES, 1);
      make('inside', BPF_MAP_TYPE.BPF_MAP_TYPE_HASH, RECORD_BYTES, MAX_INSIDE);
      make('queue', BPF_MAP_TYPE.BPF_MAP_TYPE_QUEUE, RECORD_BYTES, MAX_QUEUED);
      make('lost', BPF_MAP_TYPE.BPF_MAP_TYPE_ARRAY, 8, 1);
      this.list();
      this.attach(tracefs);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Tapes these threads, and all that they and their children make, for a sandbox's number. */
  follow(threads: readonly number[], sandbox: number): void {
    const value = new Uint8Array(new Uint32Array([sandbox]).buffer);
    for (const thread of threads) this.maps.followed.set(thread, value);
  }

  forget(thread: number): void {
    this.maps.followed.delete(thread);
  }

  /** Calls that ended since the last time, as they ended. */
  *take(): Generator<CallRecord> {
    for (;;) {
      const bytes = this.maps.queue.pop();
      if (bytes === null) return;
      yield readRecord(bytes);
    }
  }

  /** Calls, of whichever sandbox, for which there was no room so far. */
  lost(): number {
    const bytes = this.maps.lost.get(0);
    return bytes === null ? 0 : Number(new DataView(bytes.buffer).getBigUint64(0, true));
  }

  /** Detaches and removes everything. */
  close(): void {
    for (const fd of this.fds.splice(0).reverse()) closeSync(fd);
    for (const map of Object.values(this.maps)) map.close();
  }

  private list(): void {
    const numbers = SYSCALL_NUMBERS[hostArchitecture()];
    for (const call of TAPED_CALLS) {
      const number = numbers[call.name];
      if (number !== undefined) this.maps.calls.set(number, kernelEntry(call));
    }
  }

  private attach(tracefs: string): void {
    const maps = Object.fromEntries(
      Object.entries(this.maps).map(([name, map]) => [name, map.fd]),
    ) as Record<keyof TapeMaps, number>;
    const raw = (point: string, program: Uint8Array<ArrayBuffer>): void =>
      this.hold(BPF_PROG_TYPE.BPF_PROG_TYPE_RAW_TRACEPOINT, program, (fd) =>
        attachRawTracepoint(point, fd),
      );
    const { id, childAt } = newTaskEvent(tracefs);
    raw('sched_process_exit', diedProgram(maps));
    this.hold(BPF_PROG_TYPE.BPF_PROG_TYPE_TRACEPOINT, bornProgram(maps, childAt), (fd) =>
      attachTracepoint(id, fd),
    );
    raw('sys_exit', leaveProgram(maps));
    raw('sys_enter', enterProgram(maps, hostArchitecture()));
  }

  private hold(
    type: number,
    program: Uint8Array<ArrayBuffer>,
    attach: (programFd: number) => number,
  ): void {
    const fd = loadTracingProgram(type, program);
    this.fds.push(fd);
    this.fds.push(attach(fd));
  }
}

/** Number of the tracepoint and where it has the child, from `field:pid_t pid; offset:8; size:4;`. */
function newTaskEvent(tracefs: string): { id: number; childAt: number } {
  const event = `${tracefs}/events/task/task_newtask`;
  const offset = /field:pid_t pid;\s+offset:(\d+);/.exec(readFileSync(`${event}/format`, 'utf8'));
  if (offset === null) throw new Error(`${event}/format names no pid`);
  return { id: Number(readFileSync(`${event}/id`, 'utf8')), childAt: Number(offset[1]) };
}

/** Where tracefs is mounted; null where it is not. */
export function tracefsDir(): string | null {
  for (const line of readFileSync('/proc/self/mountinfo', 'utf8').split('\n')) {
    const [left = '', right = ''] = line.split(' - ');
    const mountPoint = left.split(' ')[4] ?? '';
    if (right.startsWith('tracefs ') && isReadable(mountPoint)) return mountPoint;
  }
  return null;
}

function isReadable(dir: string): boolean {
  try {
    return readdirSync(dir).length > 0;
  } catch {
    return false; // hidden by another mount, or its name has an escaped character
  }
}
