/**
 * The second layer of a packet's way: over veth wires and through bridges to whoever has an
 * address. A bridge hands a frame to all its ports, so the search does the same; the way that is
 * found is the one on which the answer comes back.
 */
import type { LinkState, NetworkState, NsInode, State } from './state.js';

/** One end of a wire: an interface in its namespace. */
export interface LinkRef {
  readonly netNs: NsInode;
  readonly index: number;
}

/** Why a frame goes on. */
export type SegmentFact =
  | { readonly kind: 'wire'; readonly from: LinkState; readonly to: LinkState }
  | { readonly kind: 'bridge-in'; readonly bridge: LinkState; readonly port: LinkState }
  | { readonly kind: 'bridge-out'; readonly bridge: LinkState; readonly port: LinkState }
  /** here is who has the address */
  | { readonly kind: 'answers'; readonly link: LinkState; readonly address: string };

export interface SegmentStep {
  readonly links: readonly LinkRef[];
  readonly fact: SegmentFact;
}

export interface Segment {
  readonly steps: readonly SegmentStep[];
  readonly end: {
    readonly kind: 'arrived' | 'down' | 'outside' | 'swallowed' | 'nobody';
    /** where: for `nobody` the interface by which it left */
    readonly link: LinkRef;
  };
}

/** Interfaces of one namespace in the order of their indices. */
export function linksOf(network: NetworkState): readonly LinkState[] {
  return Object.values(network.links).sort((a, b) => a.index - b.index);
}

export function linkAt(state: State, { netNs, index }: LinkRef): LinkState | null {
  return state.networks?.[netNs]?.links[index] ?? null;
}

/**
 * The way of a frame from an interface to the namespace that answers.
 *
 * @param answers the address by which that namespace answers; null when it does not
 */
export function segmentTo(
  state: State,
  from: LinkRef,
  answers: (network: NetworkState) => string | null,
): Segment {
  const living = new Search(state, answers, true);
  const found = living.transmit(from, []);
  if (found !== null) return found;
  // What is down would explain it better than "nobody answers".
  const broken = new Search(state, answers, false).transmit(from, []);
  if (broken !== null) return cutAtDown(state, broken);
  return living.deadEnd ?? { steps: [], end: { kind: 'nobody', link: from } };
}

class Search {
  /** where the frame leaves what is known: the answer may come from there */
  deadEnd: Segment | null = null;
  private readonly state: State;
  private readonly answers: (network: NetworkState) => string | null;
  private readonly onlyUp: boolean;
  private readonly seen = new Set<string>();

  constructor(state: State, answers: (network: NetworkState) => string | null, onlyUp: boolean) {
    this.state = state;
    this.answers = answers;
    this.onlyUp = onlyUp;
  }

  /** Out of an interface: over its wire, or, for a bridge, out of its ports. */
  transmit(from: LinkRef, steps: readonly SegmentStep[]): Segment | null {
    const link = linkAt(this.state, from);
    if (link === null || this.isBarred(link) || this.isSeen('out', from)) return null;
    if (link.kind === 'bridge') return this.flood(from.netNs, link, null, steps);
    if (link.kind !== 'veth') return this.dead(link.kind === 'dummy', from, steps);
    const { peer } = link;
    if (peer === null || peer.netNs === null) return this.dead(false, from, steps);
    const to: LinkRef = { netNs: peer.netNs, index: peer.index };
    const other = linkAt(this.state, to);
    if (other === null) return this.dead(false, from, steps);
    const wire: SegmentStep = { links: [from, to], fact: { kind: 'wire', from: link, to: other } };
    return this.receive(to, other, [...steps, wire]);
  }

  private receive(at: LinkRef, link: LinkState, steps: readonly SegmentStep[]): Segment | null {
    if (this.isBarred(link) || this.isSeen('in', at)) return null;
    const network = this.state.networks?.[at.netNs];
    if (network === undefined) return null;
    const bridge = link.master === null ? undefined : network.links[link.master];
    if (bridge === undefined) return this.ask(network, at, link, steps);
    const bar: LinkRef = { netNs: at.netNs, index: bridge.index };
    const inside: SegmentStep = {
      links: [at, bar],
      fact: { kind: 'bridge-in', bridge, port: link },
    };
    if (this.isBarred(bridge)) return null;
    const through = [...steps, inside];
    return this.ask(network, bar, bridge, through) ?? this.flood(at.netNs, bridge, link, through);
  }

  private ask(
    network: NetworkState,
    at: LinkRef,
    link: LinkState,
    steps: readonly SegmentStep[],
  ): Segment | null {
    const address = this.answers(network);
    if (address === null) return null;
    const answer: SegmentStep = { links: [at], fact: { kind: 'answers', link, address } };
    return { steps: [...steps, answer], end: { kind: 'arrived', link: at } };
  }

  private flood(
    netNs: NsInode,
    bridge: LinkState,
    came: LinkState | null,
    steps: readonly SegmentStep[],
  ): Segment | null {
    const network = this.state.networks?.[netNs];
    if (network === undefined) return null;
    for (const port of linksOf(network)) {
      if (port.master !== bridge.index || port.index === came?.index) continue;
      const at: LinkRef = { netNs, index: port.index };
      const bar: LinkRef = { netNs, index: bridge.index };
      const out: SegmentStep = { links: [bar, at], fact: { kind: 'bridge-out', bridge, port } };
      const found = this.transmit(at, [...steps, out]);
      if (found !== null) return found;
    }
    return null;
  }

  private dead(isDummy: boolean, link: LinkRef, steps: readonly SegmentStep[]): null {
    this.deadEnd ??= { steps, end: { kind: isDummy ? 'swallowed' : 'outside', link } };
    return null;
  }

  private isBarred(link: LinkState): boolean {
    return this.onlyUp && !link.flags.includes('UP');
  }

  private isSeen(way: 'in' | 'out', { netNs, index }: LinkRef): boolean {
    const id = `${way} ${netNs} ${index}`;
    if (this.seen.has(id)) return true;
    this.seen.add(id);
    return false;
  }
}

/** Up to the first interface that is down: there the frame ends. */
function cutAtDown(state: State, found: Segment): Segment {
  for (const [i, { links }] of found.steps.entries()) {
    const down = links.find((link) => linkAt(state, link)?.flags.includes('UP') === false);
    if (down === undefined) continue;
    return { steps: found.steps.slice(0, i + 1), end: { kind: 'down', link: down } };
  }
  return found;
}
