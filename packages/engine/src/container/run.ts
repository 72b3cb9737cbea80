/** run: create, start, wait, delete in one call: the program's whole life. */
import type { ContainerError } from './container-error.js';
import { type CreateContainerInput, type CreatedContainer, createContainer } from './create.js';
import { deleteContainer } from './delete.js';
import type { EngineContext } from './engine-context.js';
import { startContainer } from './start.js';
import { type ContainerExit, waitContainer } from './wait.js';

/** What `run` is told. */
export interface RunContainerInput extends CreateContainerInput {
  /** gets console and streams, before the program starts */
  readonly onCreated?: (created: CreatedContainer) => void;
  /** leave the stopped container there; by default nothing is left, whatever happens */
  readonly keep?: boolean;
}

/** How it ended, and what hooks had to say. */
export interface RanContainer extends ContainerExit {
  /** failures of poststart and poststop hooks, to be logged */
  readonly hookFailures: readonly ContainerError[];
}

/** @throws ContainerError as create and start do; the container is gone then, unless it is kept */
export async function runContainer(
  context: EngineContext,
  { onCreated, keep = false, ...input }: RunContainerInput,
): Promise<RanContainer> {
  const { id } = input;
  const created = await createContainer(context, input);
  const hookFailures: ContainerError[] = [];
  try {
    onCreated?.(created);
    hookFailures.push(...(await startContainer(context, id)));
    const exit = await waitContainer(context, id);
    if (!keep) hookFailures.push(...(await deleteContainer(context, id, { force: true })));
    return { ...exit, hookFailures };
  } catch (error) {
    if (!keep) await deleteContainer(context, id, { force: true });
    throw error;
  }
}
