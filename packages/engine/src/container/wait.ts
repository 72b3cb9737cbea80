/** wait: until init has ended. Its status is its parent's to hear, so others read what that wrote. */
import { waitForEnd } from '@terrarium/syscall';
import type { ContainerRecord } from './container-record.js';
import type { EngineContext } from './engine-context.js';

/** How a program ended. */
export interface ContainerExit {
  /** 128 + signal for a killed one; null when nobody of ours was its parent */
  readonly exitCode: number | null;
  /** the signal that ended it */
  readonly signal: number | null;
}

/** Decodes a status of wait(2). */
export function exitOf(waitStatus: number | null): ContainerExit {
  if (waitStatus === null) return { exitCode: null, signal: null };
  const signal = waitStatus & 0x7f;
  if (signal === 0) return { exitCode: (waitStatus >> 8) & 0xff, signal: null };
  return { exitCode: 128 + signal, signal };
}

export async function waitContainer(context: EngineContext, id: string): Promise<ContainerExit> {
  const record: ContainerRecord = context.store.read(id, `wait for container ${id}`);
  if (record.exit !== null) return exitOf(record.exit.waitStatus);
  const { init } = record;
  const held =
    init === null ? undefined : (context.inits.known(id, init) ?? context.inits.of(record));
  if (held === undefined) return exitOf(null);
  if (held.exited !== null) return exitOf(await held.exited);
  await waitForEnd(held.pidfd);
  return exitOf(context.store.find(id)?.exit?.waitStatus ?? null);
}
