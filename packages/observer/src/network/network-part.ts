/**
 * The networks of a watched sandbox. Each of its network namespaces has sockets of its own that
 * hear of changes; a change is a hint, upon which the kernel is asked anew what there is, a moment
 * later and once for all changes of that moment. So what is told is always what a fresh look would
 * find. Runs in the observer process (host namespaces, root); changes nothing.
 *
 * Sockets keep a namespace alive, so they are closed as soon as neither member nor holder is left.
 * The host's own namespace is not watched, even where a sandbox shares it.
 */
import type { EventBody, LinkState, NetworkState, NsInode, ProcessKey } from '@terrarium/timeline';
import type { WatchedSandbox, WatchPart } from '../part.js';
import { Actors } from './actors.js';
import { Listeners } from './listeners.js';
import { type Heard, NamespaceNetwork } from './namespace-network.js';
import { linkStates, routeStates, tableStates } from './network-state.js';
import { openNetworkNamespace } from './open-namespace.js';
import { PeerFinder } from './peers.js';
import { Traffic } from './traffic.js';

/** Changes within this are told together: one `ip link add` causes four messages and more. */
const BATCH_MS = 12;
/** The trace says who ran what; where it is later than the change, this is waited for it. */
const WITNESS_MS = 30;
/** Reading may take up this part of the time at most, where changes do not end. */
const READING_SHARE = 0.2;
/** A socket that was bound just now may yet be listened to. */
const LISTENERS_DELAY_MS = 8;
/** Before another attempt to open a namespace that could not be opened. */
const RETRY_MS = 200;
/** Namespaces that are compared with the kernel in one scan. */
const COMPARED_AT_ONCE = 16;
/** Sandboxes with more namespaces than this are not shown whole. */
const MAX_NAMESPACES = 512;

type Change = Omit<Extract<EventBody, { type: 'network.change' }>, 'type' | 'netNs' | 'actor'>;

/** One namespace as it was last told. */
export interface Watched {
  readonly network: NamespaceNetwork;
  state: NetworkState;
  /** when to read again, milliseconds since the epoch; null while there is no reason to */
  linksDue: number | null;
  rulesDue: number | null;
  listenersDue: number | null;
  /** links are not read before: reading took its share of the time */
  restUntil: number;
  /** of the messages since the last reading */
  heardAt: number | null;
  readonly portIds: Set<number>;
  readonly hostPids: Set<number>;
  readonly listening: Set<number>;
}

export class NetworkPart implements WatchPart {
  private readonly sandbox: WatchedSandbox;
  private readonly watched = new Map<NsInode, Watched>();
  private readonly retryAt = new Map<NsInode, number>();
  private readonly actors: Actors;
  private readonly listeners: Listeners;
  private readonly peers: PeerFinder;
  private readonly traffic: Traffic;
  private compared = 0;

  constructor(sandbox: WatchedSandbox) {
    this.sandbox = sandbox;
    this.actors = new Actors(sandbox);
    this.listeners = new Listeners(sandbox);
    this.peers = new PeerFinder(this.watched);
    this.traffic = new Traffic(sandbox, this.watched);
  }

  onExec(process: Parameters<Actors['onExec']>[0]): void {
    this.actors.onExec(process);
  }

  onExiting(pid: number): void {
    this.actors.onExiting(pid);
  }

  /** Who listened there does so no more. */
  onProcess({ type }: Parameters<NonNullable<WatchPart['onProcess']>>[0]): void {
    if (type !== 'process.exit') return;
    for (const { state } of this.watched.values()) {
      if (this.listeners.hasLost(state.listeners)) this.sandbox.wake();
    }
  }

  onCall(pid: number, name: string): void {
    if (name === 'setns' || name === 'unshare') this.actors.onMoved(pid);
    if (name !== 'bind' && name !== 'listen') return;
    const watched = this.watched.get(this.sandbox.process(pid)?.namespaces.net ?? 0);
    if (watched === undefined) return;
    watched.listening.add(pid);
    watched.listenersDue ??= this.sandbox.machine.now() + LISTENERS_DELAY_MS;
  }

  tick(now: number): number | null {
    this.actors.tick(now);
    const retry = this.follow(now);
    for (const watched of this.watched.values()) {
      if (this.listeners.hasLost(watched.state.listeners)) watched.listenersDue ??= now;
      this.readDue(watched, now);
    }
    // One reading may have asked for another, of a namespace before it.
    let next = Math.min(retry, this.traffic.tick(now));
    for (const watched of this.watched.values()) next = Math.min(next, nextDue(watched));
    return next === Number.POSITIVE_INFINITY ? null : next;
  }

  scan(depth: 'stat' | 'full'): void {
    const now = this.sandbox.machine.now();
    this.follow(now);
    for (const watched of this.watched.values()) watched.listenersDue ??= now;
    if (depth === 'full') this.compareSome(now);
    this.tick(now);
  }

  close(): void {
    for (const { network } of this.watched.values()) network.close();
    this.watched.clear();
  }

  /** Every namespace in turn, a few at a time. */
  private compareSome(now: number): void {
    const all = [...this.watched.values()];
    for (let count = 0; count < Math.min(all.length, COMPARED_AT_ONCE); count++) {
      const watched = all[this.compared++ % all.length];
      if (watched === undefined) continue;
      watched.linksDue ??= now;
      watched.rulesDue ??= now;
    }
  }

  // ---- which namespaces there are -------------------------------------------------------------

  /** @returns when to look again for those that could not be opened */
  private follow(now: number): number {
    const listed = this.sandbox.namespaces('net');
    if (listed.length !== this.watched.size || !listed.every((one) => this.watched.has(one))) {
      for (const inode of [...this.watched.keys()]) if (!listed.includes(inode)) this.leave(inode);
      for (const inode of this.retryAt.keys())
        if (!listed.includes(inode)) this.retryAt.delete(inode);
      for (const inode of listed) if (!this.watched.has(inode)) this.enter(inode, now);
    }
    return Math.min(Number.POSITIVE_INFINITY, ...this.retryAt.values());
  }

  private enter(inode: NsInode, now: number): void {
    if (inode === this.sandbox.machine.host.net || this.watched.size >= MAX_NAMESPACES) return;
    if ((this.retryAt.get(inode) ?? 0) > now) return;
    const network = this.open(inode);
    if (network === null) {
      this.retryAt.set(inode, now + RETRY_MS);
      return;
    }
    this.retryAt.delete(inode);
    const watched = newlyWatched(network);
    this.watched.set(inode, watched);
    this.peers.arrived();
    if (!this.readWhole(watched)) {
      this.watched.delete(inode);
      network.close();
      this.retryAt.set(inode, now + RETRY_MS);
      return;
    }
    this.sandbox.emit({ type: 'network.appear', network: watched.state });
    this.askPeers(watched, Object.values(watched.state.links), now);
  }

  private open(inode: NsInode): NamespaceNetwork | null {
    const fd = openNetworkNamespace(this.sandbox, inode);
    if (fd === null) return null;
    try {
      return new NamespaceNetwork(inode, fd, (heard) => this.hear(inode, heard));
    } catch {
      return null; // out of fds, or the namespace may not be entered: tried again
    }
  }

  private leave(inode: NsInode): void {
    this.watched.get(inode)?.network.close();
    this.watched.delete(inode);
    this.peers.left(inode);
    this.traffic.forget(inode);
    this.sandbox.emit({ type: 'network.vanish', netNs: inode });
  }

  // ---- what they hold -------------------------------------------------------------------------

  private hear(inode: NsInode, heard: Heard): void {
    const watched = this.watched.get(inode);
    if (watched === undefined) return;
    const now = this.sandbox.machine.now();
    if (heard.portId !== undefined) watched.portIds.add(heard.portId);
    if (heard.hostPid !== undefined) watched.hostPids.add(heard.hostPid);
    const due = heard.what === 'links' ? 'linksDue' : 'rulesDue';
    if (heard.what === 'links') watched.heardAt ??= now;
    if (watched[due] !== null) return;
    watched[due] = Math.max(now + BATCH_MS, watched.restUntil);
    this.sandbox.wake();
  }

  private readWhole(watched: Watched): boolean {
    try {
      const wiring = watched.network.readWiring();
      watched.state = {
        netNs: watched.network.inode,
        links: linkStates(wiring, this.peers.of(watched.network)),
        routes: routeStates(wiring.routes),
        listeners: this.listeners.read(watched.network),
        tables: tableStates(watched.network.readRules()),
        ...(wiring.forwards !== null && { forwards: wiring.forwards }),
      };
      return true;
    } catch {
      return false; // it may not be read at this moment: tried again
    }
  }

  private readDue(watched: Watched, now: number): void {
    try {
      if (isDue(watched.linksDue, now)) this.readLinks(watched, now);
      if (isDue(watched.rulesDue, now)) this.readRules(watched);
      if (isDue(watched.listenersDue, now)) this.readListeners(watched);
    } catch {
      // The kernel refused to answer; the comparison every few seconds asks again.
      Object.assign(watched, { linksDue: null, rulesDue: null, listenersDue: null });
    }
  }

  private readLinks(watched: Watched, now: number): void {
    const { network, state } = watched;
    const actor = this.actorOf(watched, now);
    watched.linksDue = actor === null ? now + BATCH_MS : null;
    if (actor === null) return;
    const began = performance.now();
    const wiring = network.readWiring();
    const links = changedLinks(state.links, linkStates(wiring, this.peers.of(network)));
    const routes = routeStates(wiring.routes);
    const { forwards } = wiring;
    const change: Change = {
      ...(links !== null && { links }),
      ...(!isSame(routes, state.routes) && { routes }),
      ...(forwards !== null && forwards !== state.forwards && { forwards }),
    };
    this.tell(watched, change, actor);
    watched.restUntil = now + (performance.now() - began) / READING_SHARE;
    if (links === null) return;
    this.askPeers(watched, Object.values(links), now);
  }

  private readRules(watched: Watched): void {
    const [hostPid, ...others] = watched.hostPids;
    const named = hostPid !== undefined && others.length === 0;
    const actor = named ? this.actors.byHostPid(hostPid) : undefined;
    watched.rulesDue = null;
    watched.hostPids.clear();
    const tables = tableStates(watched.network.readRules());
    if (!isSame(tables, watched.state.tables)) this.tell(watched, { tables }, actor);
  }

  private readListeners(watched: Watched): void {
    const { listening, network, state } = watched;
    const [pid, ...others] = listening;
    const actor =
      pid !== undefined && others.length === 0 ? this.sandbox.process(pid)?.key : undefined;
    const listeners = this.listeners.read(network, listening);
    watched.listenersDue = null;
    listening.clear();
    if (!isSame(listeners, state.listeners)) this.tell(watched, { listeners }, actor);
  }

  /** Whoever is behind the messages since the last reading; null where it is too soon to say. */
  private actorOf(watched: Watched, now: number): ProcessKey | undefined | null {
    const { network, heardAt, portIds } = watched;
    if (heardAt === null) return undefined;
    const testimony = { netNs: network.inode, since: heardAt, portIds };
    const [only, ...others] = this.actors.suspects(testimony);
    if (only === undefined && now < heardAt + WITNESS_MS) return null;
    watched.heardAt = null;
    portIds.clear();
    return others.length === 0 ? only : undefined;
  }

  private tell(watched: Watched, change: Change, actor: ProcessKey | undefined): void {
    if (Object.keys(change).length === 0) return;
    const { links, ...rest } = change;
    const merged =
      links === undefined ? watched.state.links : withChanges(watched.state.links, links);
    watched.state = { ...watched.state, ...rest, links: merged };
    this.sandbox.emit({
      type: 'network.change',
      netNs: watched.network.inode,
      ...change,
      ...(actor !== undefined && { actor }),
    });
  }

  /** A veth that came or went says something about its other end, which may not have been told so. */
  private askPeers(watched: Watched, links: readonly (LinkState | null)[], now: number): void {
    const netNs = watched.network.inode;
    for (const link of links) {
      if (link?.peer == null || link.peer.netNs === null || link.peer.netNs === netNs) continue;
      const other = this.watched.get(link.peer.netNs);
      const back = other?.state.links[link.peer.index]?.peer;
      if (other === undefined || (back?.netNs === netNs && back.index === link.index)) continue;
      other.linksDue ??= Math.max(now + BATCH_MS, other.restUntil);
    }
  }
}

function newlyWatched(network: NamespaceNetwork): Watched {
  const netNs = network.inode;
  return {
    network,
    state: { netNs, links: {}, routes: [], listeners: [], tables: [] },
    ...{ linksDue: null, rulesDue: null, listenersDue: null, heardAt: null, restUntil: 0 },
    ...{ portIds: new Set(), hostPids: new Set(), listening: new Set() },
  };
}

/** When its next reading is due. */
function nextDue({ linksDue, rulesDue, listenersDue }: Watched): number {
  const far = Number.POSITIVE_INFINITY;
  return Math.min(linksDue ?? far, rulesDue ?? far, listenersDue ?? far);
}

function isDue(at: number | null, now: number): boolean {
  return at !== null && at <= now;
}

/** Links that came, changed or (null) went; null when there are none. */
function changedLinks(
  before: NetworkState['links'],
  after: NetworkState['links'],
): Record<string, LinkState | null> | null {
  const changed: Record<string, LinkState | null> = {};
  for (const [index, link] of Object.entries(after)) {
    if (!isSame(link, before[index])) changed[index] = link;
  }
  for (const index of Object.keys(before)) if (!(index in after)) changed[index] = null;
  return Object.keys(changed).length === 0 ? null : changed;
}

function withChanges(
  links: NetworkState['links'],
  changes: Readonly<Record<string, LinkState | null>>,
): Record<string, LinkState> {
  const merged = { ...links };
  for (const [index, link] of Object.entries(changes)) {
    if (link === null) delete merged[index];
    else merged[index] = link;
  }
  return merged;
}

/** Both are made by the same code, so that their fields are in the same order. */
function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
