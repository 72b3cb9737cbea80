/**
 * Which objects one event touches, with what each was before and is after: `null` is "not there".
 * An event of a network or an overlay is about many objects at once, a file of a cgroup is a field.
 */
import type {
  CgroupState,
  LayerEntry,
  LinkState,
  ListenerState,
  MountState,
  NamespaceState,
  NetworkState,
  NftTableState,
  NsInode,
  OverlayState,
  ProcessKey,
  ProcessState,
  RouteState,
} from '../state.js';
import { type CreditedEvent, livingPart } from './credited-event.js';

/** One kernel object, as it was last seen by what the command did to it. */
export type DiffObject =
  | { readonly kind: 'process'; readonly process: ProcessState }
  | { readonly kind: 'namespace'; readonly namespace: NamespaceState }
  | {
      readonly kind: 'mount';
      readonly mountNs: NsInode;
      readonly mount: MountState;
      /** not mounted by anyone: a new mount namespace begins as a copy of its maker's */
      readonly copied: boolean;
    }
  | { readonly kind: 'cgroup'; readonly cgroup: CgroupState }
  | { readonly kind: 'overlay'; readonly overlay: OverlayState }
  | {
      readonly kind: 'entry';
      /** `OverlayState.key`, and the layer's place in it */
      readonly overlay: string;
      readonly layer: number;
      readonly role: 'upper' | 'lower';
      /** in the layer, without a leading slash */
      readonly path: string;
      readonly entry: LayerEntry;
    }
  | { readonly kind: 'link'; readonly netNs: NsInode; readonly link: LinkState }
  | {
      readonly kind: 'address';
      readonly netNs: NsInode;
      /** name of the interface */
      readonly link: string;
      readonly address: string;
    }
  | { readonly kind: 'route'; readonly netNs: NsInode; readonly route: RouteState }
  | { readonly kind: 'listener'; readonly netNs: NsInode; readonly listener: ListenerState }
  | { readonly kind: 'table'; readonly netNs: NsInode; readonly table: NftTableState };

type Fields = object;

/** What one event did to one object. */
export interface Touch {
  readonly id: string;
  /** its fields, those that a diff compares */
  readonly before: Fields | null;
  readonly after: Fields | null;
  readonly object: DiffObject;
}

/** Every object that an event touches. */
export function touches({ event, before, mounts, copied, copies }: CreditedEvent): Touch[] {
  switch (event.type) {
    case 'process.fork':
      return [processTouch(event.process.key, before, event.process)];
    case 'process.exec': {
      const { key, comm, args } = event;
      return before === null ? [] : [processTouch(key, before, { ...before, comm, args })];
    }
    case 'process.change': {
      const change = livingPart(event.change);
      return before === null ? [] : [processTouch(event.key, before, { ...before, ...change })];
    }
    case 'process.exit':
      return before === null ? [] : [processTouch(event.key, before, null)];
    case 'namespace.appear':
      return [namespaceTouch(event.namespace.inode, before, event.namespace)];
    case 'namespace.change': {
      const { inode, change } = event;
      return before === null ? [] : [namespaceTouch(inode, before, { ...before, ...change })];
    }
    case 'namespace.vanish':
      return before === null ? [] : [namespaceTouch(event.inode, before, null)];
    case 'mount.attach':
    case 'mount.change':
      return [mountTouch(event.mountNs, before, event.mount, copied)];
    case 'mount.detach':
      return before === null ? [] : [mountTouch(event.mountNs, before, null, copied)];
    case 'mount.forget':
      return (mounts ?? []).map((mount) =>
        mountTouch(event.mountNs, mount, null, copies?.has(mount.mountId)),
      );
    case 'cgroup.appear':
      return [cgroupTouch(before as CgroupState | null, event.cgroup)];
    case 'cgroup.change': {
      const cgroup = before as CgroupState | null;
      if (cgroup === null) return [];
      const files = withRows(cgroup.files, event.files);
      return [cgroupTouch(cgroup, { ...cgroup, files })];
    }
    case 'cgroup.vanish':
      return before === null ? [] : [cgroupTouch(before as CgroupState, null)];
    case 'overlay.appear':
      return [overlayTouch(before as OverlayState | null, event.overlay)];
    case 'overlay.change':
      return before === null ? [] : entryTouches(before as OverlayState, event);
    case 'overlay.vanish':
      return before === null ? [] : [overlayTouch(before as OverlayState, null)];
    case 'network.appear':
      return networkTouches(event.network.netNs, null, event.network);
    case 'network.change': {
      if (before === null) return [];
      const network = before as NetworkState;
      const { netNs, routes, listeners, tables } = event;
      return networkTouches(netNs, network, {
        ...network,
        links: withRows(network.links, event.links ?? {}),
        ...(routes && { routes }),
        ...(listeners && { listeners }),
        ...(tables && { tables }),
      });
    }
    case 'network.vanish':
      return networkTouches(event.netNs, before as NetworkState | null, null);
    default:
      return [];
  }
}

function processTouch(key: ProcessKey, before: Fields | null, after: Fields | null): Touch {
  const process = (after ?? before) as ProcessState;
  const object: DiffObject = { kind: 'process', process };
  const [was, is] = [before, after] as (ProcessState | null)[];
  // Read a moment after its birth: that they are known now is no change.
  const known = was?.facts !== undefined && is?.facts !== undefined;
  const fields = (one: ProcessState | null | undefined): Fields | null => {
    if (one == null) return null;
    const { facts, ...rest } = one;
    return known ? { ...rest, ...facts } : rest;
  };
  return { id: `process ${key}`, before: fields(was), after: fields(is), object };
}

function namespaceTouch(inode: NsInode, before: Fields | null, after: Fields | null): Touch {
  const namespace = (after ?? before) as NamespaceState;
  return { id: `namespace ${inode}`, before, after, object: { kind: 'namespace', namespace } };
}

function mountTouch(
  mountNs: NsInode,
  before: Fields | null,
  after: Fields | null,
  copied = false,
): Touch {
  const mount = (after ?? before) as MountState;
  const id = `mount ${mountNs} ${mount.mountId}`;
  return { id, before, after, object: { kind: 'mount', mountNs, mount, copied } };
}

/** Each of its files is a field. */
function cgroupTouch(before: CgroupState | null, after: CgroupState | null): Touch {
  const cgroup = (after ?? before) as CgroupState;
  const object: DiffObject = { kind: 'cgroup', cgroup };
  const files = (one: CgroupState | null): Fields | null => one?.files ?? null;
  return { id: `cgroup ${cgroup.key}`, before: files(before), after: files(after), object };
}

function overlayTouch(before: OverlayState | null, after: OverlayState | null): Touch {
  const overlay = (after ?? before) as OverlayState;
  // Its entries are objects of their own.
  const bare = (one: OverlayState | null): Fields | null => one && { key: one.key };
  const object: DiffObject = { kind: 'overlay', overlay };
  return { id: `overlay ${overlay.key}`, before: bare(before), after: bare(after), object };
}

function entryTouches(
  overlay: OverlayState,
  event: { readonly layer: number; readonly entries: Readonly<Record<string, LayerEntry | null>> },
): Touch[] {
  const { layer } = event;
  const was = overlay.layers[layer];
  if (was === undefined) return [];
  return Object.entries(event.entries).flatMap(([path, after]) => {
    const before = was.entries?.[path] ?? null;
    const entry = after ?? before;
    if (entry === null) return [];
    const object: DiffObject = {
      ...{ kind: 'entry', overlay: overlay.key, layer, role: was.role },
      ...{ path, entry },
    };
    return [{ id: `entry ${overlay.key} ${layer} ${path}`, before, after, object }];
  });
}

/**
 * A network's objects one by one. What comes with every network namespace (its loopback interface),
 * and what the kernel adds in its own time (IPv6 link-local addresses, multicast routes, whether a
 * cable is in), is nobody's doing and in no diff.
 */
function networkTouches(
  netNs: NsInode,
  before: NetworkState | null,
  after: NetworkState | null,
): Touch[] {
  const of = <T>(list: (network: NetworkState) => readonly T[]): readonly [T[], T[]] => [
    before === null ? [] : [...list(before)],
    after === null ? [] : [...list(after)],
  ];
  const isWhole = before === null || after === null;
  const links = of((network) => Object.values(network.links)).map((all) =>
    isWhole ? all.filter(({ flags }) => !flags.includes('LOOPBACK')) : all,
  ) as [LinkState[], LinkState[]];
  const names = new Set(links.flat().map(({ name }) => name));
  const routes = of(({ routes: all }) => all).map((all) =>
    all.filter(({ to, dev }) => !isAutomatic(to) && (!isWhole || dev === null || names.has(dev))),
  ) as [RouteState[], RouteState[]];
  const addresses = links.map((all) => all.flatMap(addressesOf)) as [Address[], Address[]];
  return [
    ...pairs(
      links,
      ({ index }) => `link ${netNs} ${index}`,
      linkFields,
      (link) => ({
        ...{ kind: 'link', netNs, link },
      }),
    ),
    ...pairs(addresses, idOf(`address ${netNs}`), same, (one) => ({
      ...{ kind: 'address', netNs, ...one },
    })),
    ...pairs(routes, idOf(`route ${netNs}`), same, (route) => ({
      ...{ kind: 'route', netNs, route },
    })),
    ...pairs(
      of(({ listeners }) => listeners),
      ({ protocol, address, port }) => `listener ${netNs} ${protocol} ${address} ${port}`,
      same,
      (listener) => ({ kind: 'listener', netNs, listener }),
    ),
    ...pairs(
      of(({ tables }) => tables),
      ({ family, name }) => `table ${netNs} ${family} ${name}`,
      tableFields,
      (table) => ({ kind: 'table', netNs, table }),
    ),
  ];
}

interface Address {
  readonly link: string;
  readonly address: string;
}

function addressesOf({ name, addresses }: LinkState): Address[] {
  return addresses
    .filter((address) => !isAutomatic(address))
    .map((address) => ({ link: name, address }));
}

function isAutomatic(address: string): boolean {
  return /^(fe80|ff00):/i.test(address);
}

/** Flags that say how things are, not how somebody wants them. */
const STATUS_FLAGS = new Set(['LOWER_UP', 'RUNNING', 'NO_CARRIER', 'NO-CARRIER', 'DORMANT']);

function linkFields({ addresses: _, peer: __, flags, ...link }: LinkState): Fields {
  return { ...link, flags: flags.filter((flag) => !STATUS_FLAGS.has(flag)) };
}

/** Counters of rules move by themselves. */
function tableFields({ chains }: NftTableState): Fields {
  return {
    chains: chains.map(({ rules, ...chain }) => ({
      ...chain,
      rules: rules.map(({ text }) => text),
    })),
  };
}

function same<T extends object>(one: T): Fields {
  return one;
}

function idOf(prefix: string): (one: object) => string {
  return (one) => `${prefix} ${JSON.stringify(one)}`;
}

/** Of two lists: a touch for each object that is in one of them alone, or differs. */
function pairs<T extends object>(
  [before, after]: readonly [readonly T[], readonly T[]],
  idOfOne: (one: T) => string,
  fields: (one: T) => Fields,
  objectOf: (one: T) => DiffObject,
): Touch[] {
  const was = new Map(before.map((one) => [idOfOne(one), one]));
  const is = new Map(after.map((one) => [idOfOne(one), one]));
  return [...new Set([...was.keys(), ...is.keys()])].flatMap((id) => {
    const [first, last] = [was.get(id), is.get(id)];
    const object = last ?? first;
    if (object === undefined) return [];
    const [old, now] = [first ? fields(first) : null, last ? fields(last) : null];
    if (JSON.stringify(old) === JSON.stringify(now)) return [];
    return [{ id, before: old, after: now, object: objectOf(object) }];
  });
}

/** A copy with rows set, and those that are null removed. */
function withRows<T>(
  rows: Readonly<Record<string, T>>,
  changes: Readonly<Record<string, T | null>>,
): Record<string, T> {
  const all: Record<string, T | null> = { ...rows, ...changes };
  return Object.fromEntries(
    Object.entries(all).filter((row): row is [string, T] => row[1] !== null),
  );
}
