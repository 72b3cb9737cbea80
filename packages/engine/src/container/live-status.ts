/**
 * The status of a container now: what its record says, corrected by what the kernel says. A
 * process of ours may have been killed between an act and the record of it, so whatever can be
 * asked (does init live, does it still wait for start, is the group frozen) is asked.
 */
import { closeSync } from 'node:fs';
import type { ContainerState, ContainerStatus } from '@terrarium/spec';
import { AT, O, openat, SyscallError } from '@terrarium/syscall';
import { freezerState } from '../cgroups/index.js';
import type { ContainerRecord } from './container-record.js';
import type { EngineContext } from './engine-context.js';

/** Files of a container, below ROOT/ID. */
export const START_FIFO = 'start.fifo';
export const RESULT_FIFO = 'result.fifo';
export const HOOKS_FIFO = 'hooks.fifo';

/** @see the file's header */
export function liveStatus(context: EngineContext, record: ContainerRecord): ContainerStatus {
  if (record.status === 'creating' || record.status === 'stopped') return record.status;
  if (context.inits.of(record) === undefined) return 'stopped';
  // Whoever started it may have been killed before it wrote that down, and so may who paused it then.
  const waits = record.status === 'created' && hasReader(context.store.path(record.id, START_FIFO));
  if (waits) return 'created';
  return freezerState(context.facts.cgroups, record.group) === 'thawed' ? 'running' : 'paused';
}

/** What `state` prints and hooks get. */
export function stateOf(record: ContainerRecord, status: ContainerStatus): ContainerState {
  const { ociVersion, annotations } = record.config;
  const pid = status === 'stopped' ? undefined : record.init?.pid;
  return {
    ociVersion,
    id: record.id,
    status,
    ...(pid === undefined ? {} : { pid }),
    bundle: record.bundle,
    ...(annotations === undefined ? {} : { annotations }),
  };
}

/** True while some process holds the FIFO open for reading: fifo(7), ENXIO otherwise. */
function hasReader(fifo: string): boolean {
  try {
    closeSync(openat(AT.AT_FDCWD, fifo, O.O_WRONLY | O.O_NONBLOCK));
    return true;
  } catch (error) {
    if (error instanceof SyscallError) return false;
    throw error;
  }
}
