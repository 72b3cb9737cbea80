/** Takes away what the kernel holds of a container: processes and groups. Host root. */
import { killGroup, livingProcesses, removeGroup } from '../cgroups/index.js';
import type { ContainerRecord } from './container-record.js';
import type { EngineContext } from './engine-context.js';

/** Ends all processes of a container and removes its groups; quiet about what is gone. */
export async function removeKernelObjects(
  { facts }: EngineContext,
  { group }: Pick<ContainerRecord, 'group'>,
): Promise<void> {
  const { cgroups } = facts;
  if (livingProcesses(cgroups, group).length > 0) await killGroup(cgroups, group);
  await removeGroup(cgroups, group);
}
