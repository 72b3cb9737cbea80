/**
 * The way of a packet through the networks of a sandbox, from the folded state alone: which hops
 * it would take, the fact that each follows from, and where and why it ends. It asks what the
 * kernel asks, in the kernel's order: is the address mine? which route? who on that wire has the
 * next hop? do the rules let it pass? Nothing is sent.
 */
import { type IpAddress, isSameIp, isWithin, parseIp, parsePrefix } from './ip-address.js';
import { type Packet, type PacketProtocol, passHook, type RuleHit } from './packet-rules.js';
import { type LinkRef, linkAt, linksOf, type SegmentFact, segmentTo } from './packet-segment.js';
import type {
  LinkState,
  ListenerState,
  NetworkState,
  NsInode,
  RouteState,
  State,
} from './state.js';

export interface PacketQuestion {
  readonly from: NsInode;
  /** an IP address */
  readonly to: string;
  /** destination port; null asks for an echo (ping) */
  readonly port: number | null;
  /** what carries the port; tcp when left out */
  readonly protocol?: 'tcp' | 'udp';
}

/** Why the packet goes the way it goes. */
export type PathFact =
  | SegmentFact
  /** the destination is an address of this interface of this namespace */
  | { readonly kind: 'local'; readonly link: LinkState; readonly address: string }
  | { readonly kind: 'route'; readonly route: RouteState; readonly source: string | null }
  /** it is for somebody else and is passed on; null where ip_forward is not known */
  | { readonly kind: 'forward'; readonly known: boolean }
  | { readonly kind: 'rule'; readonly hit: RuleHit };

/** One step, in one namespace; `links` are those that it uses. */
export interface PathHop {
  readonly netNs: NsInode;
  readonly links: readonly LinkRef[];
  readonly fact: PathFact;
}

export type PathEnd =
  | { readonly kind: 'delivered'; readonly netNs: NsInode; readonly listener: ListenerState | null }
  | { readonly kind: 'nothing-listens'; readonly netNs: NsInode; readonly port: number }
  /** `down`: an interface that would have the route, were it up */
  | { readonly kind: 'no-route'; readonly netNs: NsInode; readonly down: LinkState | null }
  | { readonly kind: 'link-down'; readonly netNs: NsInode; readonly link: LinkState }
  | { readonly kind: 'no-carrier'; readonly netNs: NsInode; readonly link: LinkState }
  /** nobody on the wire has the next hop's address: ARP gets no answer */
  | { readonly kind: 'no-answer'; readonly netNs: NsInode; readonly address: string }
  | { readonly kind: 'not-forwarded'; readonly netNs: NsInode }
  | { readonly kind: 'dropped'; readonly netNs: NsInode; readonly hit: RuleHit }
  /** an interface without another end (dummy) */
  | { readonly kind: 'swallowed'; readonly netNs: NsInode; readonly link: LinkState }
  | { readonly kind: 'outside'; readonly netNs: NsInode; readonly link: LinkState }
  | { readonly kind: 'loop'; readonly netNs: NsInode }
  | { readonly kind: 'not-an-address'; readonly text: string }
  | { readonly kind: 'unknown-namespace'; readonly netNs: NsInode };

export interface PacketPath {
  readonly hops: readonly PathHop[];
  readonly end: PathEnd;
}

/** Namespaces that a packet may cross; more than a lesson builds, less than its TTL. */
const MAX_NAMESPACES = 16;

/** The way of one packet. The answer's way back is a question of its own. */
export function packetPath(state: State, question: PacketQuestion): PacketPath {
  const text = question.to.trim();
  if (parseIp(text) === null) return { hops: [], end: { kind: 'not-an-address', text } };
  return new Walk(state, { ...question, to: text }).run();
}

/** One packet on its way: where it is, and its header as rules have rewritten it. */
class Walk {
  private readonly hops: PathHop[] = [];
  private readonly state: State;
  private readonly protocol: PacketProtocol;
  private port: number | null;
  private netNs: NsInode;
  private destination: string;
  private source: string | null = null;
  /** the interface by which it came into this namespace; null where it begins */
  private came: LinkState | null = null;

  constructor(state: State, question: PacketQuestion) {
    this.state = state;
    this.netNs = question.from;
    this.destination = question.to;
    this.port = question.port;
    this.protocol = question.port === null ? 'icmp' : (question.protocol ?? 'tcp');
  }

  run(): PacketPath {
    for (let i = 0; i < MAX_NAMESPACES; i++) {
      const end = this.crossNamespace();
      if (end !== null) return { hops: this.hops, end };
    }
    return { hops: this.hops, end: { kind: 'loop', netNs: this.netNs } };
  }

  /** From one namespace to the next; an end where there is none. */
  private crossNamespace(): PathEnd | null {
    const { netNs } = this;
    const network = this.state.networks?.[netNs];
    if (network === undefined) return { kind: 'unknown-namespace', netNs };
    if (this.came !== null) {
      const dropped = this.pass(network, 'prerouting', null);
      if (dropped !== null) return dropped;
    }
    const own = ownerOf(network, this.destination);
    if (own !== null) return this.deliver(network, own);
    return this.sendOn(network);
  }

  /** The destination is here: loopback where it also began here. */
  private deliver(network: NetworkState, own: LinkState): PathEnd {
    const { netNs } = this;
    const loopback = linksOf(network).find((link) => link.flags.includes('LOOPBACK'));
    const goesBy = this.came ?? loopback ?? own;
    const links = [...new Set([goesBy.index, own.index])].map((index) => ({ netNs, index }));
    this.hop(links, { kind: 'local', link: own, address: this.destination });
    if (!goesBy.flags.includes('UP')) return { kind: 'link-down', netNs, link: goesBy };
    const began = this.came === null;
    this.came = goesBy;
    const dropped =
      (began ? this.pass(network, 'output', goesBy) : null) ?? this.pass(network, 'input', null);
    if (dropped !== null) return dropped;
    if (this.port === null) return { kind: 'delivered', netNs, listener: null };
    const listener = listenerFor(network, this.protocol, this.destination, this.port);
    if (listener === null) return { kind: 'nothing-listens', netNs, port: this.port };
    return { kind: 'delivered', netNs, listener };
  }

  private sendOn(network: NetworkState): PathEnd | null {
    const { netNs } = this;
    if (this.came !== null) {
      this.hop([], { kind: 'forward', known: network.forwards !== undefined });
      if (network.forwards === false) return { kind: 'not-forwarded', netNs };
    }
    const route = routeFor(network, this.destination);
    const leaves = linksOf(network).find(({ name }) => name === route?.dev);
    if (route === null || leaves === undefined) {
      return { kind: 'no-route', netNs, down: downLinkFor(network, this.destination) };
    }
    this.source ??= route.source ?? addressOf(leaves, this.destination);
    this.hop([{ netNs, index: leaves.index }], { kind: 'route', route, source: this.source });
    const hook = this.came === null ? 'output' : 'forward';
    const dropped = this.pass(network, hook, leaves) ?? this.pass(network, 'postrouting', leaves);
    if (dropped !== null) return dropped;
    if (!leaves.flags.includes('UP')) return { kind: 'link-down', netNs, link: leaves };
    return this.crossWire(leaves, route.via ?? this.destination);
  }

  private crossWire(leaves: LinkState, nextHop: string): PathEnd | null {
    const { netNs } = this;
    const found = segmentTo(this.state, { netNs, index: leaves.index }, (network) =>
      ownerOf(network, nextHop) === null ? null : nextHop,
    );
    for (const { fact, links } of found.steps) {
      this.hop(links, fact, links[links.length - 1]?.netNs);
    }
    switch (found.end.kind) {
      case 'arrived': {
        const { link } = found.end;
        this.netNs = link.netNs;
        this.came = linkAt(this.state, link);
        return null;
      }
      case 'down':
        return this.stuckAt(found.end.link, leaves);
      case 'outside':
      case 'swallowed': {
        const link = linkAt(this.state, found.end.link) ?? leaves;
        return { kind: found.end.kind, netNs: found.end.link.netNs, link };
      }
      case 'nobody':
        if (!leaves.flags.includes('LOWER_UP')) return { kind: 'no-carrier', netNs, link: leaves };
        return { kind: 'no-answer', netNs, address: nextHop };
    }
  }

  private stuckAt(at: LinkRef, leaves: LinkState): PathEnd {
    return { kind: 'link-down', netNs: at.netNs, link: linkAt(this.state, at) ?? leaves };
  }

  /** Runs one hook's rules; rewrites the header, and ends the way where they say so. */
  private pass(network: NetworkState, hook: string, leaves: LinkState | null): PathEnd | null {
    const packet: Packet = {
      ...{ source: this.source, destination: this.destination },
      ...{ protocol: this.protocol, port: this.port },
      ...{ came: hook === 'output' ? null : (this.came?.name ?? null) },
      ...{ leaves: leaves?.name ?? null },
    };
    const { hits, ended, rewrites } = passHook(network, hook, packet);
    for (const hit of hits) if (hit !== ended) this.hop([], { kind: 'rule', hit });
    if (ended !== null) return { kind: 'dropped', netNs: this.netNs, hit: ended };
    if (rewrites?.verdict === 'dnat') {
      this.destination = host(rewrites.to) ?? this.destination;
      if (this.port !== null) this.port = portOf(rewrites.to) ?? this.port;
    }
    if (rewrites?.verdict === 'snat') this.source = host(rewrites.to) ?? this.source;
    if (rewrites?.verdict === 'masquerade' && leaves !== null) {
      this.source = addressOf(leaves, this.destination) ?? this.source;
    }
    return null;
  }

  private hop(links: readonly LinkRef[], fact: PathFact, netNs: NsInode = this.netNs): void {
    this.hops.push({ netNs, links, fact });
  }
}

/** The interface that has that address; 127.0.0.0/8 and ::1 are the loopback's, up or not. */
export function ownerOf(network: NetworkState, text: string): LinkState | null {
  const address = parseIp(text);
  if (address === null) return null;
  const isLoopback = address.family === 4 ? address.value >> 24n === 127n : address.value === 1n;
  const owns = (link: LinkState): boolean => {
    if (isLoopback) return link.flags.includes('LOOPBACK');
    return link.addresses.some((own) => {
      const prefix = parsePrefix(own);
      return prefix !== null && isSameIp(prefix, address);
    });
  };
  return linksOf(network).find(owns) ?? null;
}

/** The route with the longest prefix, as the kernel chooses; the first of equals. */
export function routeFor(network: NetworkState, text: string): RouteState | null {
  const address = parseIp(text);
  if (address === null) return null;
  let best: { route: RouteState; bits: number } | null = null;
  for (const route of network.routes) {
    const bits = coveredBits(route, address);
    if (bits !== null && (best === null || bits > best.bits)) best = { route, bits };
  }
  return best?.route ?? null;
}

function coveredBits({ to, via }: RouteState, address: IpAddress): number | null {
  if (to === 'default') {
    const family = via === null ? null : (parseIp(via)?.family ?? null);
    return family === null || family === address.family ? 0 : null;
  }
  const prefix = parsePrefix(to);
  return prefix !== null && isWithin(address, prefix) ? prefix.bits : null;
}

/** An interface whose own network holds the address, but which is down, so that no route says so. */
function downLinkFor(network: NetworkState, text: string): LinkState | null {
  const address = parseIp(text);
  if (address === null) return null;
  const covers = (link: LinkState): boolean =>
    link.addresses.some((own) => {
      const prefix = parsePrefix(own);
      return prefix !== null && isWithin(address, prefix);
    });
  return linksOf(network).find((link) => !link.flags.includes('UP') && covers(link)) ?? null;
}

/** Its first address of the same family as the other one. */
function addressOf(link: LinkState, other: string): string | null {
  const family = parseIp(other)?.family;
  const own = link.addresses.find((address) => parsePrefix(address)?.family === family);
  return own?.split('/')[0] ?? null;
}

/** `10.0.0.2:80` without its port. */
function host(to: string | null): string | null {
  if (to === null) return null;
  if (parseIp(to) !== null) return to;
  const bare = to.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
  return parseIp(bare) === null ? null : bare;
}

/** The port of `10.0.0.2:80` and `[fd00::2]:80`. */
function portOf(to: string | null): number | null {
  const found = to === null || parseIp(to) !== null ? null : /:(\d+)$/.exec(to);
  return found === null ? null : Number(found[1]);
}

const ANY = new Set(['0.0.0.0', '::', '*']);

/** Who gets a packet to that port: a socket bound to the address, or to any. */
function listenerFor(
  network: NetworkState,
  protocol: PacketProtocol,
  destination: string,
  port: number,
): ListenerState | null {
  const isV4 = parseIp(destination)?.family === 4;
  const takes = (one: ListenerState): boolean => {
    if (one.port !== port || !one.protocol.startsWith(protocol)) return false;
    // A socket on :: takes IPv4, too, unless it says otherwise, which is not in the state.
    if (ANY.has(one.address)) return isV4 || one.protocol.endsWith('6');
    return one.address === destination;
  };
  return network.listeners.find(takes) ?? null;
}
