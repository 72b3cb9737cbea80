/** Cgroups, layers and networks as checks see them: flat fields with units. Pure. */
import {
  type CgroupFactId,
  type CgroupFacts,
  type CgroupState,
  cgroupFacts,
  cgroupMembers,
  cgroupQuota,
  cpuOffQuota,
  cpuSharePercent,
  type LinkState,
  type ListenerState,
  mountsOf,
  type State,
} from '@terrarium/timeline';

/** One group, in all hierarchies that have it; undefined where none has. */
export function cgroupFields(path: string, state: State): object | undefined {
  const groups = Object.values(state.cgroups ?? {}).filter((group) => group.path === path);
  if (groups.length === 0) return undefined;
  const members = new Set(groups.flatMap((group) => cgroupMembers(state, group)));
  return {
    path,
    name: path.slice(path.lastIndexOf('/') + 1),
    hierarchies: groups.map(({ hierarchy }) => hierarchy),
    members: members.size,
    oomKilled: groups.some(({ lastOom }) => lastOom !== undefined),
    ...controlFields(groups, state),
    cpuSharePercent: cpuSharePercent(state, path) ?? undefined,
    cpuOffQuotaPoints: cpuOffQuota(state, path) ?? undefined,
  };
}

/** What its files say, whichever version's: null is "no limit", undefined "not known (yet)". */
function controlFields(groups: readonly CgroupState[], state: State): object {
  const facts = cgroupFacts(groups, state.meters);
  const value = (id: CgroupFactId): number | string | null | undefined => facts.get(id)?.value;
  const quota = cgroupQuota(facts);
  return {
    memoryLimitBytes: value('memory.limit'),
    memoryUsageBytes: value('memory.current'),
    memoryPeakBytes: value('memory.peak'),
    memoryLimitHits: value('memory.limitHits'),
    oomKills: value('memory.oomKills'),
    pidsMax: value('pids.limit'),
    pidsCurrent: value('pids.current'),
    pidsRefused: value('pids.refused'),
    cpuQuotaPercent: facts.has('cpu.quota') ? quota && quota * 100 : undefined,
    cpuPeriods: value('cpu.periods'),
    throttledPeriods: value('cpu.throttledPeriods'),
    frozen: facts.has('freezer') ? value('freezer') === 1 : undefined,
    frozenMembers: value('freezer') === 1 ? membersWhere(groups, facts, state) : 0,
  };
}

/** Processes in the directory that freezes: on v1 a group may be empty in that hierarchy alone. */
function membersWhere(groups: readonly CgroupState[], facts: CgroupFacts, state: State): number {
  const group = groups.find(({ key }) => key === facts.get('freezer')?.key);
  return group === undefined ? 0 : cgroupMembers(state, group).length;
}

export function overlayFields(key: string, state: State): object | undefined {
  const overlay = state.overlays?.[key];
  if (overlay === undefined) return undefined;
  const places = Object.keys(state.mounts).flatMap((mountNs) =>
    mountsOf(state, Number(mountNs)).filter(({ device }) => device === key),
  );
  return {
    key,
    ofSandbox: overlay.ofSandbox,
    layers: overlay.layers.length,
    lowerLayers: overlay.layers.filter(({ role }) => role === 'lower').length,
    upperDir: overlay.layers.find(({ role }) => role === 'upper')?.dir ?? null,
    mountPoints: [...new Set(places.map(({ mountPoint }) => mountPoint))],
  };
}

export function entryFields(
  { overlay, layer, path }: { overlay: string; layer: number; path: string },
  state: State,
): object | undefined {
  const found = state.overlays?.[overlay]?.layers[layer];
  const entry = found?.entries?.[path];
  if (found === undefined || entry === undefined) return undefined;
  return {
    path,
    name: path.slice(path.lastIndexOf('/') + 1),
    layer,
    role: found.role,
    dir: found.dir,
    kind: entry.kind,
    size: entry.size,
    opaque: entry.opaque === true,
    came: entry.came ?? null,
  };
}

export function linkFields(link: LinkState | undefined): object | undefined {
  if (link === undefined) return undefined;
  return {
    ...link,
    up: link.flags.includes('UP'),
    hasPeer: link.peer !== null,
    peerNetNs: link.peer?.netNs ?? null,
  };
}

export function listenerOf(
  listener: { netNs: number; protocol: string; address: string; port: number },
  state: State,
): ListenerState | undefined {
  return state.networks?.[listener.netNs]?.listeners.find(
    ({ protocol, address, port }) =>
      protocol === listener.protocol && address === listener.address && port === listener.port,
  );
}
