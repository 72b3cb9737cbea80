/** pause and resume: the freezer of the container's cgroup. Host root. */
import { Cgroup } from '../cgroups/index.js';
import { ContainerError } from './container-error.js';
import { orEnded } from './ended-meanwhile.js';
import { type EngineContext, exclusively } from './engine-context.js';
import { liveStatus } from './live-status.js';

/** Stops every process where it is; resolves when all have stopped. @throws ContainerError */
export async function pauseContainer(context: EngineContext, id: string): Promise<void> {
  await change(context, id, 'pause', 'running');
}

/** Lets them go on. @throws ContainerError `wrong-state` for one that is not paused */
export async function resumeContainer(context: EngineContext, id: string): Promise<void> {
  await change(context, id, 'resume', 'paused');
}

async function change(
  context: EngineContext,
  id: string,
  verb: 'pause' | 'resume',
  needed: 'running' | 'paused',
): Promise<void> {
  const what = `${verb} container ${id}`;
  await exclusively(context, id, what, async () => {
    const record = context.store.read(id, what);
    const status = liveStatus(context, record);
    if (status !== needed) {
      throw new ContainerError({ code: 'wrong-state', what, reason: `it is ${status}` });
    }
    const group = new Cgroup({ layout: context.facts.cgroups, group: record.group });
    await orEnded(context, record, what, () => (verb === 'pause' ? group.freeze() : group.thaw()));
    context.store.write({ ...record, status: 'running', paused: verb === 'pause' });
  });
}
