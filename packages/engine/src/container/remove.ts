/** Takes away what is left of a container, in the kernel and on disk. Host root. */
import { rmdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  type CgroupLayout,
  groupPath,
  killGroup,
  livingProcesses,
  removeGroup,
} from '../cgroups/index.js';
import { disconnectNetwork } from '../network/index.js';
import { startTimeOf } from '../process-facts.js';
import type { ContainerRecord } from './container-record.js';
import type { EngineContext } from './engine-context.js';
import { tryHooks } from './hooks.js';
import { stateOf } from './live-status.js';

/** Ends all processes of a container and removes its groups; quiet about what is gone. */
export async function removeKernelObjects(
  { facts, inits }: EngineContext,
  record: Pick<ContainerRecord, 'group'> & Partial<ContainerRecord>,
): Promise<void> {
  const { cgroups } = facts;
  const { group } = record;
  if (record.init) inits.kill(record as ContainerRecord);
  if (removeEmpty(cgroups, group)) {
    if (record.madeParents !== undefined) removeParents({ madeParents: record.madeParents });
    return;
  }
  if (livingProcesses(cgroups, group).length > 0) await killGroup(cgroups, group);
  await removeGroup(cgroups, group);
  if (record.madeParents !== undefined) removeParents({ madeParents: record.madeParents });
}

/** The usual case, quickly: nobody is left, and no group below. @returns false: look closer */
function removeEmpty({ hierarchies }: CgroupLayout, group: string): boolean {
  let isGone = true;
  for (const hierarchy of hierarchies) {
    try {
      rmdirSync(groupPath(hierarchy, group));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') isGone = false;
    }
  }
  return isGone;
}

/**
 * Removes what a container has in the runtime's network namespace, and the bridge after its last
 * port. What was in a sandbox that is gone went with it.
 */
export async function removeNetwork(
  { player }: EngineContext,
  { id, network, sandbox }: ContainerRecord,
): Promise<void> {
  if (network === null) return;
  if (sandbox !== null && startTimeOf(sandbox.initPid) !== sandbox.initStartTime) return;
  const netns =
    sandbox === null
      ? ({ kind: 'own' } as const)
      : ({ kind: 'pid', pid: sandbox.initPid } as const);
  await disconnectNetwork(player, { id, netns, bridge: network.bridge });
}

/** Removes the groups above a container that were made for it, unless they hold others by now. */
export function removeParents({ madeParents }: Pick<ContainerRecord, 'madeParents'>): void {
  for (const directory of [...madeParents].reverse()) {
    try {
      rmdirSync(directory);
    } catch {
      // EBUSY: another container is there; ENOENT: gone already
    }
  }
}

/**
 * What a process that was killed in the middle of create or delete left. Called with the lock,
 * which the processes of a create hold too: nothing of it is under way.
 *
 * @param record undefined when there is none to be read
 */
export async function clearLeftover(
  context: EngineContext,
  id: string,
  record: ContainerRecord | undefined,
): Promise<void> {
  await removeKernelObjects(context, record ?? { group: join(context.parentGroup, id) });
  if (record !== undefined) await removeNetwork(context, record);
  context.inits.forget(id);
  context.store.remove(id);
  if (record?.hooksBegun === true) {
    await tryHooks(context, record, 'poststop', stateOf(record, 'stopped'));
  }
}
