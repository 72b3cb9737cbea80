/** delete: takes away all that is left of a container; by force a running one, too. */
import { ContainerError } from './container-error.js';
import { type EngineContext, exclusively } from './engine-context.js';
import { liveStatus } from './live-status.js';
import { removeKernelObjects } from './remove.js';

/** What `delete` may be told. */
export interface DeleteOptions {
  /** kill it first, if it runs; quiet about one that is gone */
  readonly force?: boolean;
}

/** @throws ContainerError `not-found`, `wrong-state` for a running one without force, `busy` */
export async function deleteContainer(
  context: EngineContext,
  id: string,
  { force = false }: DeleteOptions = {},
): Promise<void> {
  const what = `delete container ${id}`;
  await exclusively(context, id, what, async () => {
    const { store, inits } = context;
    const record = store.read(id, what);
    const status = liveStatus(context, record);
    if (!force && status !== 'stopped' && status !== 'creating') {
      const reason = `it is ${status}: kill it first, or use force`;
      throw new ContainerError({ code: 'wrong-state', what, reason });
    }
    await removeKernelObjects(context, record);
    inits.forget(id);
    store.remove(id);
  });
}
