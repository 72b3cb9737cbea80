/** What every operation of the engine works with, and how an operation takes its turn. */
import type { Player } from '@terrarium/syscall';
import type { HostFacts } from '../host-facts.js';
import { startTimeOf } from '../process-facts.js';
import { asContainerError, ContainerError } from './container-error.js';
import { containerId, type ProcessIdentity } from './container-record.js';
import type { ContainerStore, HeldLock } from './container-store.js';
import type { LiveInits } from './live-inits.js';
import type { ContainerMolds } from './molds.js';

/** @see the file's header */
export interface EngineContext {
  readonly player: Player;
  readonly facts: HostFacts;
  readonly store: ContainerStore;
  readonly inits: LiveInits;
  /** group that holds all containers without a cgroupsPath of their own */
  readonly parentGroup: string;
  /** sets of v2 controllers that parentGroup was made with: it is not looked at again */
  readonly prepared: Set<string>;
  /** plans of configs that were used before */
  readonly molds: ContainerMolds;
  /** this process */
  readonly self: ProcessIdentity;
  /** the last thing begun for each id; the next one waits for it, which is quicker than the lock */
  readonly turns: Map<string, Promise<unknown>>;
  /** true once the engine was closed: nothing is written any more on its own account */
  closed: boolean;
}

/** This process, as records name it. */
export function ownIdentity(): ProcessIdentity {
  return { pid: process.pid, startTime: startTimeOf(process.pid) ?? 0 };
}

/** Tells whether a process of a record still runs. */
export function isRunning({ pid, startTime }: ProcessIdentity): boolean {
  return startTimeOf(pid) === startTime;
}

/**
 * Runs an operation alone: one at a time for each id, in this process in the order of the calls,
 * and among all processes that use ROOT.
 *
 * @param what names the operation in errors: `start container web-1`
 * @param creates the container need not exist; of one that does not there is otherwise no lock
 * @throws ContainerError `not-found`, and whatever the action throws
 */
export async function exclusively<T>(
  context: EngineContext,
  id: string,
  what: string,
  action: (lock: HeldLock) => Promise<T>,
  creates = false,
): Promise<T> {
  const checked = containerId.safeParse(id);
  if (!checked.success) {
    const reason = `${JSON.stringify(id)} is no id: ${checked.error.issues[0]?.message}`;
    throw new ContainerError({ code: 'not-found', what, reason });
  }
  const { turns } = context;
  const turn = async () => {
    if (creates || context.store.exists(id)) return withLock(context, id, what, action);
    throw new ContainerError({ code: 'not-found', what, reason: 'there is no such container' });
  };
  const mine = (turns.get(id) ?? Promise.resolve()).then(turn, turn);
  turns.set(id, mine);
  try {
    return await mine;
  } finally {
    if (turns.get(id) === mine) turns.delete(id);
  }
}

async function withLock<T>(
  { store }: EngineContext,
  id: string,
  what: string,
  action: (lock: HeldLock) => Promise<T>,
): Promise<T> {
  const lock = await store.lock(id);
  try {
    return await action(lock);
  } catch (error) {
    throw asContainerError(what, error);
  } finally {
    lock.release(!store.exists(id));
  }
}
