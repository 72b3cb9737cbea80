/**
 * recover: what processes that were killed in the middle have left is removed, what is whole stays.
 * For the start of a daemon; create and delete of one id clean up after their predecessor
 * themselves. Host root.
 */
import { unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { childGroupsOf, existingGroups, removeGroup } from '../cgroups/index.js';
import { startTimeOf } from '../process-facts.js';
import { ContainerError } from './container-error.js';
import type { ContainerRecord } from './container-record.js';
import type { EngineContext } from './engine-context.js';
import { clearLeftover } from './remove.js';

/** What `recover` found. */
export interface Recovery {
  /** ids of whole containers, running or not */
  readonly kept: readonly string[];
  /** ids of half-made or half-removed ones, gone now */
  readonly removed: readonly string[];
  /** ids that another process works on at this moment */
  readonly busy: readonly string[];
  /** ids of which nothing is known, or that did not go away: why */
  readonly stuck: readonly ContainerError[];
}

/** @see the file's header */
export async function recoverContainers(context: EngineContext): Promise<Recovery> {
  removeScratches(context);
  const recovery = { kept: [], removed: [], busy: [], stuck: [] } as {
    [Key in keyof Recovery]: Recovery[Key][number][];
  };
  for (const id of context.store.traces()) {
    try {
      const found = await recoverOne(context, id);
      if (found !== undefined) recovery[found].push(id);
    } catch (error) {
      const what = `recover container ${id}`;
      const reason = (error as Error).message;
      recovery.stuck.push(
        error instanceof ContainerError
          ? error
          : new ContainerError({ code: 'busy', what, reason }),
      );
    }
  }
  return recovery;
}

async function recoverOne(
  context: EngineContext,
  id: string,
): Promise<'kept' | 'removed' | 'busy' | undefined> {
  const { store } = context;
  const lock = store.tryLock(id);
  if (lock === undefined) return 'busy';
  try {
    if (!store.exists(id)) return undefined; // a lock file alone
    const record = store.find(id);
    if (isWhole(record)) return 'kept';
    await clearLeftover(context, id, record);
    return 'removed';
  } finally {
    lock.release(!store.exists(id));
  }
}

/** With the lock in our hands, a container that is still creating has lost its maker. */
function isWhole(record: ContainerRecord | undefined): boolean {
  return record !== undefined && record.status !== 'creating';
}

function removeScratches({ store }: EngineContext): void {
  for (const { path, pid } of store.scratches()) {
    if (startTimeOf(pid) !== null) continue;
    try {
      unlinkSync(path);
    } catch {
      // another recover was quicker
    }
  }
}

/** Removes the group that holds containers, when none is in it. */
export async function removeEmptyParents({ facts, parentGroup }: EngineContext): Promise<void> {
  const directories = existingGroups(facts.cgroups, parentGroup);
  if (directories.some((directory) => childGroupsOf(directory).length > 0)) return;
  await removeGroup(facts.cgroups, join(parentGroup)).catch(() => {}); // somebody came in meanwhile
}
