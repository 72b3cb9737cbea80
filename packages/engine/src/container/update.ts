/** update: new limits while processes run, all or none; the config on disk follows. Host root. */
import type { LinuxResources } from '@terrarium/spec';
import { Cgroup } from '../cgroups/index.js';
import { ContainerError } from './container-error.js';
import { orEnded } from './ended-meanwhile.js';
import { type EngineContext, exclusively } from './engine-context.js';
import { liveStatus } from './live-status.js';

/** @throws ContainerError `wrong-state`; `config` when a limit cannot be applied: the old ones hold */
export async function updateContainer(
  context: EngineContext,
  id: string,
  resources: LinuxResources,
): Promise<void> {
  const what = `update container ${id}`;
  await exclusively(context, id, what, async () => {
    const record = context.store.read(id, what);
    const status = liveStatus(context, record);
    if (status === 'stopped' || status === 'creating') {
      throw new ContainerError({ code: 'wrong-state', what, reason: `it is ${status}` });
    }
    const { config } = record;
    const group = new Cgroup({ layout: context.facts.cgroups, group: record.group });
    await orEnded(context, record, what, () =>
      group.update(context.player, resources, config.linux?.devices ?? []),
    );
    const merged = mergeResources(config.linux?.resources ?? {}, resources);
    context.store.write({
      ...record,
      config: { ...config, linux: { ...config.linux, resources: merged } },
    });
  });
}

/** Later values over earlier ones, one level down: `memory.limit` leaves `memory.swap`. */
function mergeResources(old: LinuxResources, changed: LinuxResources): LinuxResources {
  const merged: Record<string, unknown> = { ...old };
  for (const [name, value] of Object.entries(changed)) {
    const before = merged[name];
    merged[name] = isObject(before) && isObject(value) ? { ...before, ...value } : value;
  }
  return merged;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
