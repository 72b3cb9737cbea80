/** What the kernel lists, as the timeline carries it. Pure. */
import type { NetworkLink, NetworkRoute, RulesetTable } from '@terrarium/syscall';
import type { LinkState, NftTableState, RouteState } from '@terrarium/timeline';
import type { Wiring } from './namespace-network.js';

/** More than these of one namespace are left out: a learner may make 100,000. */
const MAX_LINKS = 1000;
const MAX_ADDRESSES = 64;
const MAX_ROUTES = 1000;
const MAX_RULES = 1000;

/** Where the other end of a veth is. */
export type PeerOf = (link: NetworkLink) => LinkState['peer'];

/** By interface index. */
export function linkStates(
  { links, addresses }: Wiring,
  peerOf: PeerOf,
): Record<string, LinkState> {
  const byName = new Map<string, string[]>();
  for (const { link, address } of addresses) {
    const known = byName.get(link) ?? [];
    if (known.length < MAX_ADDRESSES) known.push(address);
    byName.set(link, known);
  }
  const states: Record<string, LinkState> = {};
  for (const link of links.slice(0, MAX_LINKS)) {
    states[link.index] = {
      index: link.index,
      name: link.name,
      kind: link.kind ?? '',
      flags: link.flags,
      mtu: link.mtu,
      mac: link.mac ?? '',
      master: link.master,
      peer: peerOf(link),
      addresses: byName.get(link.name) ?? [],
    };
  }
  return states;
}

/** `to` is spelled as ip(8) does: `blackhole 10.0.0.0/8` leads nowhere. */
export function routeStates(routes: readonly NetworkRoute[]): RouteState[] {
  return routes.slice(0, MAX_ROUTES).map(({ to, type, gateway, link, source }) => ({
    to: type === 'unicast' ? to : `${type} ${to}`,
    via: gateway,
    dev: link,
    source,
  }));
}

export function tableStates(tables: readonly RulesetTable[]): NftTableState[] {
  let left = MAX_RULES;
  return tables.map(({ family, name, chains }) => ({
    family,
    name,
    chains: chains.map((chain) => ({
      name: chain.name,
      hook: chain.base?.hook ?? null,
      type: chain.base?.type ?? null,
      priority: chain.base?.priority ?? null,
      policy: chain.policy,
      rules: chain.rules
        .filter(() => left-- > 0)
        .map(({ handle, text, counter }) => ({ handle, text, ...counter })),
    })),
  }));
}
