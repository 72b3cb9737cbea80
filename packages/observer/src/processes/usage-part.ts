/**
 * What each process uses: resident memory and processor time, twice a second while somebody looks.
 * Reads /proc/PID/stat through fds that stay open, at 2 µs each instead of 10. Host side, root.
 */
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import type { ProcessKey, ProcessState, ProcessUsage } from '@terrarium/timeline';
import type { WatchedSandbox, WatchPart } from '../part.js';
import { TICKS } from './tracked.js';

/** All sandboxes at the same moments, ms: one wake-up for all. */
const EVERY_MS = 500;
/** Open fds of one sandbox; what is beyond is opened anew each time. */
const MAX_FDS = 128;
/** Resident memory that differs by less (bytes, and this part of it) is as good as before. */
const LEAST_BYTES = 64 * 1024;
const LEAST_PART = 0.01;
/** /proc/PID/stat has 52 numbers and a name of at most 64 bytes. */
const STAT_BYTES = 1024;
/** AT_PAGESZ of getauxval(3). */
const AUX_PAGE_SIZE = 6n;

export class UsagePart implements WatchPart {
  private readonly sandbox: WatchedSandbox;
  private readonly fds = new Map<ProcessKey, number>();
  private readonly told = new Map<ProcessKey, ProcessUsage>();
  private readonly buffer = Buffer.allocUnsafe(STAT_BYTES);
  private next = 0;

  constructor(sandbox: WatchedSandbox) {
    this.sandbox = sandbox;
  }

  tick(now: number): number | null {
    if (this.sandbox.viewers() === 0) {
      this.next = 0;
      this.closeAll();
      return null;
    }
    if (now >= this.next) {
      this.next = (Math.floor(now / EVERY_MS) + 1) * EVERY_MS;
      this.sample();
    }
    return this.next;
  }

  scan(): void {}

  close(): void {
    this.closeAll();
  }

  private sample(): void {
    const usage: Record<ProcessKey, ProcessUsage> = {};
    const living = new Set<ProcessKey>();
    for (const process of this.sandbox.processes()) {
      if (process.state === 'Z') continue;
      living.add(process.key);
      const now = this.read(process);
      if (now === null || isMuchTheSame(this.told.get(process.key), now)) continue;
      usage[process.key] = now;
      this.told.set(process.key, now);
    }
    for (const key of this.told.keys()) if (!living.has(key)) this.told.delete(key);
    for (const key of this.fds.keys()) if (!living.has(key)) this.letGo(key);
    if (Object.keys(usage).length > 0) this.sandbox.emit({ type: 'process.sample', usage });
  }

  private read({ key, hostPid }: ProcessState): ProcessUsage | null {
    let fd = this.fds.get(key);
    const kept = fd !== undefined;
    try {
      fd ??= openSync(`${this.sandbox.machine.proc.root}/${hostPid}/stat`, 'r');
      const length = readSync(fd, this.buffer, 0, STAT_BYTES, 0);
      // An fd of /proc/PID is of that process for ever: it never shows the number's next owner.
      if (!kept && this.fds.size < MAX_FDS) this.fds.set(key, fd);
      return parseUsage(this.buffer.toString('latin1', 0, length));
    } catch {
      return null; // it ended: its exit event says so
    } finally {
      if (fd !== undefined && this.fds.get(key) !== fd) closeSync(fd);
    }
  }

  private letGo(key: ProcessKey): void {
    const fd = this.fds.get(key);
    this.fds.delete(key);
    if (fd !== undefined) closeSync(fd);
  }

  private closeAll(): void {
    for (const key of [...this.fds.keys()]) this.letGo(key);
  }
}

/** Fields 14 and 15 (utime, stime, in ticks) and 24 (rss, in pages) of proc_pid_stat(5). */
export function parseUsage(stat: string): ProcessUsage | null {
  const close = stat.lastIndexOf(')');
  if (close < 0) return null;
  const fields = stat.slice(close + 2).split(' ', 24 - 2);
  const field = (number: number): number => Number(fields[number - 3]);
  const cpu = ((field(14) + field(15)) * 1000) / TICKS;
  return { rss: field(24) * pageSize(), cpu };
}

function isMuchTheSame(told: ProcessUsage | undefined, now: ProcessUsage): boolean {
  if (told === undefined || told.cpu !== now.cpu) return false;
  return Math.abs(told.rss - now.rss) < Math.max(LEAST_BYTES, told.rss * LEAST_PART);
}

let knownPageSize = 0;

/** 4 KiB, but for some kernels of arm64: as the kernel told this process at its start. */
function pageSize(): number {
  if (knownPageSize > 0) return knownPageSize;
  const pairs = readFileSync('/proc/self/auxv');
  for (let at = 0; at + 16 <= pairs.length; at += 16) {
    if (pairs.readBigUInt64LE(at) === AUX_PAGE_SIZE) {
      knownPageSize = Number(pairs.readBigUInt64LE(at + 8));
    }
  }
  knownPageSize ||= 4096;
  return knownPageSize;
}
