/** The fold of cgroups, overlay layers and networks: what one event does to a draft. */
import { withCpuWait } from './cpu-quota.js';
import { withCpuReading } from './cpu-share.js';
import type { Draft } from './draft.js';
import type { EventBody } from './events.js';
import type { CgroupState, NetworkState, OverlayState } from './state.js';

type Sampled = Extract<EventBody, { type: 'cgroup.sample' }>['meters'];
type Of<Prefix extends string> = Extract<EventBody, { type: `${Prefix}.${string}` }>;

export function foldCgroup(draft: Draft, event: Of<'cgroup'>, t: number): void {
  switch (event.type) {
    case 'cgroup.appear':
      draft.set('cgroups', event.cgroup.key, event.cgroup);
      return;
    case 'cgroup.change': {
      const cgroup = draft.get('cgroups', event.key);
      if (cgroup === undefined) return;
      const files = withChanges(cgroup.files, event.files);
      draft.set('cgroups', event.key, { ...cgroup, files });
      return;
    }
    case 'cgroup.vanish':
      draft.remove('cgroups', event.key);
      draft.remove('meters', event.key);
      draft.remove('cpuReadings', event.key);
      draft.remove('cpuWaits', event.key);
      return;
    case 'cgroup.sample':
      // On a busy machine an event is late by what would be points of a share.
      foldMeters(draft, event, event.at ?? t);
      return;
    case 'cgroup.oom': {
      const cgroup = draft.get('cgroups', event.key);
      if (cgroup === undefined) return;
      const oomed: CgroupState = { ...cgroup, lastOom: { t, victim: event.comm } };
      draft.set('cgroups', event.key, oomed);
      return;
    }
  }
}

function foldMeters(draft: Draft, { meters }: { meters: Sampled }, t: number): void {
  for (const [key, files] of Object.entries(meters)) {
    const cgroup = draft.get('cgroups', key);
    if (cgroup === undefined) continue;
    Object.assign(draft.inner('meters', key), files);
    const before = draft.get('cpuReadings', key) ?? [];
    const readings = withCpuReading(before, cgroup, files, t);
    if (readings !== before) draft.set('cpuReadings', key, readings);
    const waited = draft.get('cpuWaits', key) ?? [];
    const waits = withCpuWait(waited, cgroup, files, t);
    if (waits !== waited) draft.set('cpuWaits', key, waits);
  }
}

export function foldOverlay(draft: Draft, event: Of<'overlay'>): void {
  if (event.type === 'overlay.appear') {
    draft.set('overlays', event.overlay.key, event.overlay);
    return;
  }
  if (event.type === 'overlay.vanish') {
    draft.remove('overlays', event.key);
    return;
  }
  const overlay = draft.get('overlays', event.key);
  if (overlay === undefined) return;
  if (event.type === 'overlay.copying') {
    const { copying: _, ...rest } = overlay;
    const busy = Object.keys(event.copying).length > 0;
    draft.set('overlays', event.key, busy ? { ...rest, copying: event.copying } : rest);
    return;
  }
  const layers = overlay.layers.map((layer, i) =>
    i !== event.layer
      ? layer
      : {
          ...layer,
          entries: withChanges(layer.entries ?? {}, event.entries),
          more: event.more ?? layer.more,
        },
  );
  const changed: OverlayState = { ...overlay, layers };
  draft.set('overlays', event.key, changed);
}

export function foldNetwork(draft: Draft, event: Of<'network'>): void {
  switch (event.type) {
    case 'network.appear':
      draft.set('networks', String(event.network.netNs), event.network);
      return;
    case 'network.change': {
      const network = draft.get('networks', String(event.netNs));
      if (network === undefined) return;
      const { links, routes, listeners, tables, forwards } = event;
      const changed: NetworkState = {
        ...network,
        ...(links !== undefined && { links: withChanges(network.links, links) }),
        ...(routes !== undefined && { routes }),
        ...(listeners !== undefined && { listeners }),
        ...(tables !== undefined && { tables }),
        ...(forwards !== undefined && { forwards }),
      };
      draft.set('networks', String(event.netNs), changed);
      for (const [index, link] of Object.entries(links ?? {})) {
        const known = draft.get('traffic', String(event.netNs));
        if (link === null && known?.[index] !== undefined) {
          delete draft.inner('traffic', event.netNs)[index];
        }
      }
      return;
    }
    case 'network.sample':
      for (const [netNs, links] of Object.entries(event.traffic)) {
        if (draft.get('networks', netNs) !== undefined) {
          Object.assign(draft.inner('traffic', netNs), links);
        }
      }
      return;
    case 'network.vanish':
      draft.remove('networks', String(event.netNs));
      draft.remove('traffic', String(event.netNs));
      return;
  }
}

/** A copy with rows set, and those that are null removed. */
function withChanges<T>(
  rows: Readonly<Record<string, T>>,
  changes: Readonly<Record<string, T | null>>,
): Record<string, T> {
  const changed = { ...rows };
  for (const [id, row] of Object.entries(changes)) {
    if (row === null) delete changed[id];
    else changed[id] = row;
  }
  return changed;
}
