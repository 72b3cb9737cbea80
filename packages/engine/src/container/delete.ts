/** delete: takes away all that is left of a container; by force a running one, too. */
import { ContainerError } from './container-error.js';
import type { ContainerRecord } from './container-record.js';
import { type EngineContext, exclusively } from './engine-context.js';
import { tryHooks } from './hooks.js';
import { liveStatus, stateOf } from './live-status.js';
import { clearLeftover, removeKernelObjects, removeNetwork } from './remove.js';

/** What `delete` may be told. */
export interface DeleteOptions {
  /** kill it first, if it runs; quiet about one that is gone; removes an unreadable one, too */
  readonly force?: boolean;
}

/**
 * @returns failures of poststop hooks, which the standard wants logged and nothing else
 * @throws ContainerError `not-found`, `wrong-state` for a running one without force, `busy`
 */
export async function deleteContainer(
  context: EngineContext,
  id: string,
  options: DeleteOptions = {},
): Promise<readonly ContainerError[]> {
  const what = `delete container ${id}`;
  const record = await exclusively(context, id, what, () =>
    remove(context, id, what, options),
  ).catch((error: unknown) => {
    const isGone = error instanceof ContainerError && error.code === 'not-found';
    if (options.force === true && isGone && context.store.isId(id)) return undefined;
    throw error;
  });
  if (record === undefined) return [];
  return tryHooks(context, record, 'poststop', stateOf(record, 'stopped'));
}

/** @returns the record of a container that has gone; undefined where there was none to go */
async function remove(
  context: EngineContext,
  id: string,
  what: string,
  { force = false }: DeleteOptions,
): Promise<ContainerRecord | undefined> {
  const { store, inits } = context;
  const record = readable(context, id, what, force);
  if (record === undefined || record.status === 'creating') {
    if (store.exists(id)) await clearLeftover(context, id, record);
    return undefined;
  }
  const status = liveStatus(context, record);
  if (!force && status !== 'stopped') {
    const reason = `it is ${status}: kill it first, or delete it with force`;
    throw new ContainerError({ code: 'wrong-state', what, reason });
  }
  await removeKernelObjects(context, record);
  await removeNetwork(context, record);
  inits.forget(id);
  store.remove(id);
  return record;
}

function readable(
  { store }: EngineContext,
  id: string,
  what: string,
  force: boolean,
): ContainerRecord | undefined {
  try {
    return force ? store.find(id) : store.read(id, what);
  } catch (error) {
    if (force && error instanceof ContainerError && error.code === 'unreadable') return undefined;
    throw error;
  }
}
