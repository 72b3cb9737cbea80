/** wait: until init has ended. Its status is its parent's to hear, so others read what that wrote. */
import { setTimeout as sleep } from 'node:timers/promises';
import { waitForEnd } from '@terrarium/syscall';
import type { ContainerRecord } from './container-record.js';
import { type EngineContext, isRunning } from './engine-context.js';

/** How a program ended. */
export interface ContainerExit {
  /** 128 + signal for a killed one; null when nobody of ours was there to hear it */
  readonly exitCode: number | null;
  /** the signal that ended it */
  readonly signal: number | null;
}

/** Whoever hears the status writes it at once; it may be a few milliseconds behind the end. */
const RECORD_WAIT_MS = 5_000;
const RECORD_POLL_MS = 5;

/** Decodes a status of wait(2). */
export function exitOf(waitStatus: number | null): ContainerExit {
  if (waitStatus === null) return { exitCode: null, signal: null };
  const signal = waitStatus & 0x7f;
  if (signal === 0) return { exitCode: (waitStatus >> 8) & 0xff, signal: null };
  return { exitCode: 128 + signal, signal };
}

/**
 * Holds no lock. For a container that is created and not started, too: its end may be a kill.
 *
 * @throws ContainerError `not-found`, `unreadable`
 */
export async function waitContainer(
  context: EngineContext,
  id: string,
  signal?: AbortSignal,
): Promise<ContainerExit> {
  const record = context.store.read(id, `wait for container ${id}`);
  if (record.exit !== null) return exitOf(record.exit.waitStatus);
  const { init } = record;
  if (init === null) return exitOf(null);
  const held = context.inits.known(id, init) ?? context.inits.of(record);
  if (held === undefined) return recordedExit(context, record);
  if (held.exited === null) {
    await waitForEnd(held.pidfd, signal);
    return recordedExit(context, record);
  }
  const status = await aborted(held.exited, signal);
  // A failed start is written with the code of the failure, not with that of our own process.
  return exitOf(context.store.find(id)?.exit?.waitStatus ?? status);
}

/** What the one who hears the status has written, or will while it lives. */
export async function recordedExit(
  { store }: EngineContext,
  { id, owner, init }: ContainerRecord,
): Promise<ContainerExit> {
  const end = performance.now() + RECORD_WAIT_MS;
  for (;;) {
    const mayCome = isRunning(owner) && performance.now() < end; // before the look
    const now = store.find(id);
    if (now === undefined || now.init?.pid !== init?.pid) return exitOf(null);
    if (now.exit !== null) return exitOf(now.exit.waitStatus);
    if (!mayCome) return exitOf(null);
    await sleep(RECORD_POLL_MS);
  }
}

async function aborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  signal.throwIfAborted();
  return new Promise<T>((resolve, reject) => {
    const stop = () => reject(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}
