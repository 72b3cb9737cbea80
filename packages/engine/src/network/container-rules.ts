/**
 * The nftables table of one container: what hides its address (masquerade) and what leads ports
 * here to ports there (DNAT). A table of its own, so that removal is one message. Pure.
 *
 *   prerouting   what comes from outside to a forwarded port: another target
 *   output       the same for what the namespace itself sends
 *   postrouting  what leaves gets another sender, where the answer would not find the way back
 *   guard        what may not be sent to 127.0.0.1, once route_localnet lets that in
 */

import {
  formatIp,
  type IpAddress,
  type IpPrefix,
  networkOf,
  parseIp,
  parsePrefix,
} from '@terrarium/syscall';
import type { ContainerNetwork, HostPort } from './container-network-config.js';
import {
  counter,
  masquerade,
  matchAddress,
  matchFamily,
  matchInterface,
  matchLocalDestination,
  matchPort,
  matchTranslatedDestination,
  type Phrase,
  translateDestination,
  verdict,
} from './nft-expressions.js';
import type { NftChain, NftRule, NftTable } from './nftables.js';

/** Priorities as nft(8) names them */
const PRIORITY = { raw: -300, dstnat: -100, srcnat: 100 } as const;

const LOOPBACK = parsePrefix('127.0.0.0/8');

/** The name of a container's table. The kernel takes any id; nft(8) prints it without quotes. */
export function tableName(id: string): string {
  return `terrarium_${id}`;
}

/** The table; null when the container has neither NAT nor forwarded ports. */
export function containerTable(id: string, network: ContainerNetwork): NftTable | null {
  const forwards = network.hostPorts.flatMap((one) => forwardRules(one, network));
  const translations = [
    ...(network.masquerade ? addressesOf(network).map((one) => hideRule(one, network)) : []),
    ...(forwards.length > 0 ? returnRules(network) : []),
  ];
  if (translations.length === 0) return null;
  const chains = [
    ...entryChains(forwards),
    exitChain(translations),
    {
      name: 'guard',
      type: 'filter',
      hook: 'prerouting',
      priority: PRIORITY.raw,
      rules: guardRules(network),
    } as const,
  ];
  return { name: tableName(id), chains: chains.filter(({ rules }) => rules.length > 0) };
}

/** A table that only hides the senders of a subnet: a primitive alone. */
export function masqueradeTable(name: string, source: IpPrefix, notBy: string): NftTable {
  const phrases = [
    matchAddress('saddr', source),
    matchInterface('oifname', notBy, '!='),
    counter(),
    masquerade(),
  ];
  return { name, chains: [exitChain([{ phrases }])] };
}

/** A table that only forwards one port: a primitive alone. */
export function forwardTable(name: string, to: IpAddress, forward: HostPort): NftTable {
  return { name, chains: entryChains([forwardRule(forward, to)]) };
}

/** Packets that come in, and packets of this namespace itself. */
function entryChains(rules: readonly NftRule[]): NftChain[] {
  const type = 'nat';
  const priority = PRIORITY.dstnat;
  return [
    { name: 'prerouting', type, hook: 'prerouting', priority, rules },
    { name: 'output', type, hook: 'output', priority, rules },
  ];
}

function exitChain(rules: readonly NftRule[]): NftChain {
  const priority = PRIORITY.srcnat;
  return { name: 'postrouting', type: 'nat', hook: 'postrouting', priority, rules };
}

/** True when a connection to 127.0.0.1 of this namespace may have to leave it by the bridge. */
export function hasLoopbackForwards({ hostPorts, ...network }: ContainerNetwork): boolean {
  const hasIpv4 = addressesOf({ hostPorts, ...network }).some(({ family }) => family === 4);
  return (
    hasIpv4 && hostPorts.some(({ hostAddress = '127.0.0.1' }) => hostAddress.startsWith('127.'))
  );
}

function addressesOf({ address, address6 }: ContainerNetwork): IpPrefix[] {
  return [address, ...(address6 === undefined ? [] : [address6])].map(parsePrefix);
}

/** One for each family of the container, but for a host address only that address's. */
function forwardRules(forward: HostPort, network: ContainerNetwork): NftRule[] {
  const { hostAddress } = forward;
  const only = hostAddress === undefined ? null : parseIp(hostAddress);
  return addressesOf(network)
    .filter(({ family }) => only === null || only.family === family)
    .map((target) => forwardRule(forward, alone(target)));
}

function forwardRule(forward: HostPort, target: IpAddress): NftRule {
  const { protocol, hostPort, containerPort, hostAddress } = forward;
  const here =
    hostAddress === undefined
      ? [matchFamily(target.family), matchLocalDestination()]
      : [matchAddress('daddr', parseIp(hostAddress))];
  return {
    phrases: [
      ...here,
      matchPort(protocol, 'dport', hostPort),
      counter(),
      translateDestination(target, containerPort),
    ],
    comment: `port ${hostPort} here is port ${containerPort} of ${formatIp(target.bytes)}`,
  };
}

/** What leaves the subnet: the world outside knows no way back to the container's address. */
function hideRule(address: IpPrefix, network: ContainerNetwork): NftRule {
  return {
    phrases: [
      matchAddress('saddr', alone(address)),
      matchInterface('oifname', network.bridge, '!='),
      counter(),
      masquerade(),
    ],
    comment: 'outside, the container looks like this namespace',
  };
}

/**
 * A neighbour that called a forwarded port would get the answer from the container itself, over the
 * bridge and with an address that it did not call; a sender 127.0.0.1 has no way back at all.
 */
function returnRules(network: ContainerNetwork): NftRule[] {
  const answerToNeighbour = (address: IpPrefix): NftRule => ({
    phrases: [
      matchAddress('saddr', networkOf(address)),
      matchAddress('daddr', alone(address)),
      matchTranslatedDestination(),
      counter(),
      masquerade(),
    ],
    comment: 'a neighbour that calls a forwarded port',
  });
  const fromLoopback = (address: IpPrefix): NftRule => ({
    phrases: [
      matchAddress('saddr', LOOPBACK),
      matchAddress('daddr', alone(address)),
      counter(),
      masquerade(),
    ],
    comment: 'a caller at 127.0.0.1',
  });
  const addresses = addressesOf(network);
  const loopback = hasLoopbackForwards(network)
    ? addresses.filter(({ family }) => family === 4)
    : [];
  return [...addresses.map(answerToNeighbour), ...loopback.map(fromLoopback)];
}

/** route_localnet lets in from the bridge what is addressed to 127.0.0.1: services that trust it. */
function guardRules(network: ContainerNetwork): NftRule[] {
  if (!hasLoopbackForwards(network)) return [];
  const phrases: Phrase[] = [
    matchInterface('iifname', network.bridge),
    matchAddress('daddr', LOOPBACK),
    counter(),
    verdict('drop'),
  ];
  return [{ phrases, comment: 'no container reaches 127.0.0.1 of this namespace' }];
}

/** The address itself, without its subnet. */
function alone({ family, bytes }: IpPrefix): IpAddress {
  return { family, bytes };
}
