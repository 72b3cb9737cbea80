/**
 * kill: a signal to init, or to every process of the container. Host root; by pidfd, so that no
 * later process with the same pid can be meant.
 *
 * Init is PID 1 of its pid namespace: the kernel gives it only signals that it has a handler for,
 * whoever sends them, but for SIGKILL and SIGSTOP from outside. SIGKILL to init ends all of the
 * pid namespace.
 */
import { closeSync } from 'node:fs';
import { pidfdOpen, pidfdSendSignal, SIGNALS, SyscallError } from '@terrarium/syscall';
import { Cgroup } from '../cgroups/index.js';
import { ContainerError } from './container-error.js';
import type { ContainerRecord } from './container-record.js';
import { orEnded } from './ended-meanwhile.js';
import { type EngineContext, exclusively } from './engine-context.js';
import { liveStatus } from './live-status.js';
import { signalNumber } from './signals.js';

/** What `kill` may be told. */
export interface KillOptions {
  /** every process of the container's cgroup, not init alone */
  readonly all?: boolean;
}

/** @throws ContainerError `wrong-state` for a container that does not run */
export async function killContainer(
  context: EngineContext,
  id: string,
  signal: string | number = 'SIGTERM',
  { all = false }: KillOptions = {},
): Promise<void> {
  const what = `kill container ${id}`;
  await exclusively(context, id, what, async () => {
    const number = signalNumber(signal);
    const record = context.store.read(id, what);
    const status = liveStatus(context, record);
    const group = new Cgroup({ layout: context.facts.cgroups, group: record.group });
    const isLeft = all && group.processes().length > 0;
    if (!isLeft && (status === 'stopped' || status === 'creating')) {
      throw new ContainerError({ code: 'wrong-state', what, reason: `it is ${status}` });
    }
    if (all)
      await orEnded(context, record, what, () => killAll(group, number, status === 'paused'));
    else sendToInit(context, record, number);
    if (number === SIGNALS.SIGKILL && status === 'paused') await release(context, record, group);
  });
}

function sendToInit({ inits }: EngineContext, record: ContainerRecord, signal: number): void {
  const init = inits.of(record);
  if (init !== undefined) sendQuietly(init.pidfd, signal);
}

/** SIGKILL is the kernel's to spread; for any other the group stands still, so that none is missed. */
async function killAll(group: Cgroup, signal: number, isPaused: boolean): Promise<void> {
  if (signal === SIGNALS.SIGKILL) return group.kill();
  if (!isPaused) await group.freeze();
  try {
    const held = group.processes().flatMap((pid) => open(pid));
    try {
      // Asked again with all of them held: whoever is there now is the one who is held.
      const there = new Set(group.processes());
      for (const { pid, pidfd } of held) if (there.has(pid)) sendQuietly(pidfd, signal);
    } finally {
      for (const { pidfd } of held) closeSync(pidfd);
    }
  } finally {
    if (!isPaused) await group.thaw();
  }
}

/** A task that v1 has frozen dies only when it is thawed. */
async function release(
  { store }: EngineContext,
  record: ContainerRecord,
  group: Cgroup,
): Promise<void> {
  if (group.directories().length > 0) await group.thaw();
  store.write({ ...record, paused: false });
}

function open(pid: number): { readonly pid: number; readonly pidfd: number }[] {
  try {
    return [{ pid, pidfd: pidfdOpen(pid) }];
  } catch (error) {
    if (error instanceof SyscallError) return []; // ended meanwhile
    throw error;
  }
}

function sendQuietly(pidfd: number, signal: number): void {
  try {
    pidfdSendSignal(pidfd, signal);
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error; // ESRCH: it has ended
  }
}
