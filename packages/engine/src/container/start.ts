/**
 * start: one byte into the FIFO at which init waits. Whoever finds the FIFO may write it, in
 * another process than the one that created the container, too.
 *
 * Whether the program could be executed is heard from a second FIFO that init holds open for
 * writing until execve closes it: end of file without a word is success, else the last words name
 * the step that failed, with its errno.
 */
import { closeSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import {
  AT,
  decodeLastWords,
  ERRNO,
  errnoMeaning,
  errnoName,
  O,
  openat,
  SyscallError,
} from '@terrarium/syscall';
import { ContainerError, programError } from './container-error.js';
import type { ContainerRecord } from './container-record.js';
import { type EngineContext, exclusively } from './engine-context.js';
import { recordExit } from './exit-record.js';
import { runHooks, tryHooks } from './hooks.js';
import { liveStatus, RESULT_FIFO, START_FIFO, stateOf } from './live-status.js';

/** execve takes milliseconds; a container that somebody has frozen would keep start waiting. */
const EXECVE_TIMEOUT_MS = 30_000;

/**
 * @returns failures of poststart hooks, which the standard wants logged and nothing else
 * @throws ContainerError `wrong-state`; `hook` and `program`: the container is stopped then
 */
export async function startContainer(
  context: EngineContext,
  id: string,
): Promise<readonly ContainerError[]> {
  const what = `start container ${id}`;
  const record = await exclusively(context, id, what, () => start(context, id, what));
  return tryHooks(context, record, 'poststart', stateOf(record, 'running'));
}

async function start(context: EngineContext, id: string, what: string): Promise<ContainerRecord> {
  const { store } = context;
  const record = store.read(id, what);
  refuseUnlessCreated(context, record, what);
  try {
    const pid = record.init?.pid ?? 0;
    await runHooks(context, record, 'startContainer', stateOf(record, 'created'), pid);
    const words = await release(context, record, what);
    if (words !== undefined) throw failedStep(record, what, words);
  } catch (error) {
    if (!(error instanceof ContainerError) || error.code === 'wrong-state') throw error;
    // Nothing of ours goes on from here, so nothing may wait there.
    context.inits.kill(record);
    await recordExit(context, record, { exitCode: error.exitCode });
    throw error;
  }
  const running: ContainerRecord = {
    ...record,
    status: 'running',
    startedAt: Date.now(),
    consoleFd: null,
  };
  store.write(running);
  return running;
}

function refuseUnlessCreated(context: EngineContext, record: ContainerRecord, what: string): void {
  const status = liveStatus(context, record);
  if (status === 'created') return;
  const isUnstarted = record.startedAt === null && status === 'stopped';
  const reason = isUnstarted ? 'init ended before start' : `it is ${status}, not created`;
  throw new ContainerError({ code: 'wrong-state', what, reason });
}

/** @returns the last words of init; undefined when it has become its program (or was killed) */
async function release(
  { store }: EngineContext,
  { id }: ContainerRecord,
  what: string,
): Promise<ReturnType<typeof decodeLastWords>> {
  const result = openat(AT.AT_FDCWD, store.path(id, RESULT_FIFO), O.O_RDONLY | O.O_NONBLOCK);
  const answer = readToEnd(result, what);
  try {
    writeStartByte(store.path(id, START_FIFO), what);
  } catch (error) {
    answer.stop();
    throw error;
  }
  return decodeLastWords(await answer.bytes);
}

/** ENXIO: nobody has the FIFO open for reading, so init has ended. */
function writeStartByte(fifo: string, what: string): void {
  try {
    const fd = openat(AT.AT_FDCWD, fifo, O.O_WRONLY | O.O_NONBLOCK);
    try {
      writeSync(fd, 'x');
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    if (!(error instanceof SyscallError) || error.errno !== ERRNO.ENXIO) throw error;
    throw new ContainerError({ code: 'wrong-state', what, reason: 'init ended before start' });
  }
}

function readToEnd(
  fd: number,
  what: string,
): { readonly bytes: Promise<Uint8Array>; stop(): void } {
  const socket = new Socket({ fd, readable: true, writable: false });
  const bytes = new Promise<Uint8Array>((resolve, reject) => {
    const chunks: Buffer[] = [];
    const reason = `the program was not executed within ${EXECVE_TIMEOUT_MS / 1000} s: is its cgroup frozen?`;
    const timer = setTimeout(
      () => socket.destroy(new ContainerError({ code: 'busy', what, reason })),
      EXECVE_TIMEOUT_MS,
    );
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.on('error', reject);
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(Buffer.concat(chunks));
    });
  });
  return { bytes, stop: () => void socket.destroy() };
}

function failedStep(
  { tail }: ContainerRecord,
  what: string,
  { index, errno }: NonNullable<ReturnType<typeof decodeLastWords>>,
): ContainerError {
  const display = tail.displays[index - tail.first] ?? `step ${index} of init`;
  if (display.startsWith('execve(')) return programError(what, display, errno);
  const reason = `${display}: ${errnoName(errno)} (${errnoMeaning(errno)})`;
  return new ContainerError({ code: 'kernel', what, reason, errno });
}
