/**
 * What the player's tests share: one-line calls for plans that nobody reads, and questions about
 * processes. Needs root where a plan is run.
 */
import { closeSync, constants, existsSync, openSync, readFileSync, writeSync } from 'node:fs';
import { expect } from 'vitest';
import {
  type Block,
  bytes,
  type CallReport,
  CLONE,
  CLONE_ARGS_BYTES,
  flagged,
  mkfifo,
  O,
  type PlanBuilder,
  type ProcessName,
  type ResidentPlayer,
  SIGNALS,
  type Slot,
  scratch,
  stringArray,
  struct,
} from '../../packages/syscall/src/index.js';

/** of calls whose purpose is the test */
export const purpose = { id: 'test', en: 'test', zh: '测试' };
/** Whether the tests can run; otherwise they say so in their names. */
export const root = process.getuid?.() === 0;
export const missing = root ? '' : ' (missing: root)';

/** Appends a call: the tests do not care for purposes. */
export function call(
  builder: PlanBuilder,
  process: ProcessName,
  syscall: string,
  args: Parameters<PlanBuilder['call']>[1]['args'],
  more: Partial<Parameters<PlanBuilder['call']>[1]> = {},
): void {
  builder.call(process, { syscall, args, purpose, ...more });
}

export type CloneFlag = keyof typeof CLONE;

/** clone3 with the given flags; the child goes on as `child`. */
export function fork(
  builder: PlanBuilder,
  process: ProcessName,
  child: ProcessName,
  flags: CloneFlag[] = [],
): Slot {
  const pid = builder.slot(`${child} pid`);
  const signal = flags.includes('CLONE_PARENT') ? 0 : SIGNALS.SIGCHLD;
  const args = struct(
    [
      [flagged(CLONE, ...flags), 8],
      [0, 8],
      [0, 8],
      [0, 8],
      [signal, 8],
    ],
    CLONE_ARGS_BYTES,
  );
  call(builder, process, 'clone3', [args, CLONE_ARGS_BYTES], { store: pid, child });
  return pid;
}

/** pipe2 in `process`; returns the slots of its two ends. */
export function pipe(builder: PlanBuilder, process: ProcessName): { read: Slot; write: Slot } {
  const ends = scratch(8);
  const read = builder.slot('read end');
  const write = builder.slot('write end');
  const loads = [
    { from: ends, offset: 0, width: 4 as const, to: read },
    { from: ends, offset: 4, width: 4 as const, to: write },
  ];
  call(builder, process, 'pipe2', [ends, O.O_CLOEXEC], { loads });
  return { read, write };
}

/** read(2) whose bytes come back in the report. */
export function readBack(builder: PlanBuilder, process: ProcessName, fd: Slot, size = 4096): void {
  const buffer: Block = scratch(size);
  call(builder, process, 'read', [fd, buffer, size], { reportBlock: buffer, atLeast: 1 });
}

/** execve with standard output on `out`. */
export function exec(builder: PlanBuilder, process: ProcessName, argv: string[], out?: Slot): void {
  if (out !== undefined) call(builder, process, 'dup3', [out, 1, 0]);
  call(builder, process, 'execve', [
    argv[0] ?? '',
    stringArray(argv),
    stringArray(['PATH=/usr/bin:/bin']),
  ]);
}

/** What the last report with bytes read. */
export function output(reports: readonly CallReport[]): string {
  const report = reports.findLast((one) => one.bytes !== undefined);
  return new TextDecoder().decode(report?.bytes?.subarray(0, Number(report.result)));
}

/** The wait status of a process of the player, when it ends. */
export function exitOf(player: ResidentPlayer, hostPid: number | undefined): Promise<number> {
  return new Promise((resolve) => player.onExit(hostPid ?? 0, resolve));
}

/** Whether a process runs; a zombie does not. */
export function alive(pid: number | undefined): boolean {
  try {
    return !/\nState:\tZ/.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

/** The pids of a process's children. */
export function childrenOf(pid: number): number[] {
  const pids = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return pids === '' ? [] : pids.split(' ').map(Number);
}

/** Waits for the bytes of a file that another process is about to write. */
export async function contentOf(file: string): Promise<string> {
  const read = () => (existsSync(file) ? readFileSync(file, 'utf8') : '');
  await expect.poll(read, { timeout: 30_000 }).not.toBe('');
  return read();
}

/** Makes a FIFO. @returns `release`, which lets its reader go on */
export function makeFifo(path: string): { release: () => void } {
  mkfifo(path, 0o600);
  const release = () => {
    const fd = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
    writeSync(fd, '.');
    closeSync(fd);
  };
  return { release };
}

/** Opens the FIFO at `path` and waits for its byte, as a created container does for its start. */
export function waitAt(builder: PlanBuilder, process: ProcessName, path: string): () => void {
  const fd = builder.slot('fifo');
  call(builder, process, 'openat', [-100, path, O.O_RDWR | O.O_CLOEXEC], { store: fd });
  return () => call(builder, process, 'read', [fd, scratch(1), 1], { atLeast: 1 });
}

/** Writes `content` to a new file. */
export function leave(builder: PlanBuilder, process: ProcessName, path: string, content: string) {
  const fd = builder.slot('file');
  const flags = O.O_WRONLY | O.O_CREAT | O.O_CLOEXEC;
  call(builder, process, 'openat', [-100, path, flags, 0o600], { store: fd });
  call(builder, process, 'write', [fd, bytes(content), content.length]);
}
