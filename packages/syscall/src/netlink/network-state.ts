/**
 * Links, addresses and routes as the kernel lists them: from the bodies of RTM_NEWLINK, RTM_NEWADDR
 * and RTM_NEWROUTE messages to plain values. Pure.
 */
import type { ConstantTable } from '../constants.js';
import {
  AF,
  IF_STATS_MSG_BYTES,
  IFA,
  IFA_F,
  IFADDRMSG_BYTES,
  IFF,
  IFINFOMSG_BYTES,
  IFLA,
  IFLA_BRPORT,
  IFLA_INFO,
  IFLA_STATS_LINK_64,
  NETCONFA,
  NETNSA,
  RT_SCOPE,
  RT_TABLE,
  RTA,
  RTM_F_CLONED,
  RTMSG_BYTES,
  RTN,
  RTPROT,
} from './constants.js';
import { Attributes, viewOf } from './decode.js';
import { formatIp, formatMac } from './ip.js';

/** struct rtnexthop */
const RTNEXTHOP_BYTES = 8;
/** struct netconfmsg and struct rtgenmsg, one byte each, padded */
const NETCONFMSG_BYTES = 4;
const RTGENMSG_BYTES = 4;

/** A link: a network interface. */
export interface NetworkLink {
  readonly index: number;
  readonly name: string;
  /** `veth`, `bridge`, …; null for lo and real hardware */
  readonly kind: string | null;
  /** wanted up (IFF_UP) */
  readonly up: boolean;
  /** really carries packets (IFF_LOWER_UP): the other end of a veth is up, too */
  readonly carrier: boolean;
  /** IFF_… without the prefix, lowest bit first: UP, BROADCAST, LOWER_UP */
  readonly flags: readonly string[];
  readonly mtu: number;
  readonly mac: string | null;
  /** index of the bridge that it is a port of */
  readonly master: number | null;
  /** index of a veth's other end, in the namespace where that is */
  readonly peer: number | null;
  /** this namespace's number for the one where the peer is; null: the same namespace */
  readonly peerNetnsId: number | null;
  /** of a bridge's port: frames may go back out of it */
  readonly hairpin: boolean;
}

/** An address of an interface. */
export interface InterfaceAddress {
  readonly link: string;
  /** with its prefix length */
  readonly address: string;
  /** how far it means anything: `global`, `link`, `host` */
  readonly scope: string;
  /** no end to its validity */
  readonly permanent: boolean;
  /** IPv6 still asks whether somebody else has it, and it cannot be used yet */
  readonly tentative: boolean;
}

/** A route of the main table. */
export interface NetworkRoute {
  readonly family: 4 | 6;
  /** `default` or a prefix */
  readonly to: string;
  readonly gateway: string | null;
  readonly link: string | null;
  /** the address that packets of ours get, where the route says one */
  readonly source: string | null;
  /** `unicast`; `blackhole`, `unreachable`, `prohibit` and `throw` lead nowhere */
  readonly type: string;
  /** who made it: `kernel` from an address, `static` from us, `boot` from ip(8) by default */
  readonly protocol: string;
  readonly metric: number;
}

/** From bodies of RTM_NEWLINK: struct ifinfomsg, attributes. */
export function linksFrom(bodies: readonly Uint8Array[]): NetworkLink[] {
  return bodies.map(linkFrom);
}

/** The names of a bridge's ports. */
export function bridgePorts(links: readonly NetworkLink[], bridge: string): string[] {
  const index = links.find(({ name }) => name === bridge)?.index;
  return links.filter(({ master }) => master !== null && master === index).map(({ name }) => name);
}

const SCOPES: Readonly<Record<number, string>> = {
  [RT_SCOPE.RT_SCOPE_UNIVERSE]: 'global',
  [RT_SCOPE.RT_SCOPE_LINK]: 'link',
  [RT_SCOPE.RT_SCOPE_HOST]: 'host',
};

/** From bodies of RTM_NEWADDR: struct ifaddrmsg, attributes. */
export function addressesFrom(
  bodies: readonly Uint8Array[],
  links: readonly NetworkLink[],
): InterfaceAddress[] {
  return bodies.flatMap((body) => {
    const [, prefix = 0, shortFlags = 0, scope = 0] = body;
    const index = viewOf(body).getUint32(4, true);
    const attributes = new Attributes(body, IFADDRMSG_BYTES);
    // Of a link from end to end, IFA_ADDRESS is the other end's.
    const bytes = attributes.bytes(IFA.IFA_LOCAL) ?? attributes.bytes(IFA.IFA_ADDRESS);
    if (bytes === undefined) return [];
    const flags = attributes.u32(IFA.IFA_FLAGS) ?? shortFlags;
    return {
      link: nameOf(links, index),
      address: `${formatIp(bytes)}/${prefix}`,
      scope: SCOPES[scope] ?? String(scope),
      permanent: (flags & IFA_F.IFA_F_PERMANENT) !== 0,
      tentative: (flags & IFA_F.IFA_F_TENTATIVE) !== 0,
    };
  });
}

/**
 * From bodies of RTM_NEWROUTE: struct rtmsg, attributes; other tables than main are left out. A
 * route over several gateways becomes one for each.
 */
export function routesFrom(
  bodies: readonly Uint8Array[],
  links: readonly NetworkLink[],
): NetworkRoute[] {
  return bodies.flatMap((body) => {
    const [family = 0, prefix = 0, , , shortTable = 0, protocol = 0, , type = 0] = body;
    const attributes = new Attributes(body, RTMSG_BYTES);
    const table = attributes.u32(RTA.RTA_TABLE) ?? shortTable;
    if (table !== RT_TABLE.RT_TABLE_MAIN || (family !== AF.AF_INET && family !== AF.AF_INET6))
      return [];
    if ((viewOf(body).getUint32(8, true) & RTM_F_CLONED) !== 0) return [];
    const target = attributes.bytes(RTA.RTA_DST);
    const source = attributes.bytes(RTA.RTA_PREFSRC);
    const route = {
      family: family === AF.AF_INET ? (4 as const) : (6 as const),
      to: target === undefined ? 'default' : `${formatIp(target)}/${prefix}`,
      source: source === undefined ? null : formatIp(source),
      type: nameOfValue(RTN, type),
      protocol: nameOfValue(RTPROT, protocol),
      metric: attributes.u32(RTA.RTA_PRIORITY) ?? 0,
    };
    return nextHops(attributes).map(({ gateway, link }) => ({
      ...route,
      gateway,
      link: link === null ? null : nameOf(links, link),
    }));
  });
}

interface NextHop {
  readonly gateway: string | null;
  readonly link: number | null;
}

/** struct rtnexthop: length u16, flags u8, hops u8, index s32; then attributes; again and again */
function nextHops(attributes: Attributes): NextHop[] {
  const several = attributes.bytes(RTA.RTA_MULTIPATH);
  if (several === undefined) {
    return [{ gateway: gatewayOf(attributes), link: attributes.u32(RTA.RTA_OIF) ?? null }];
  }
  const hops: NextHop[] = [];
  for (let at = 0; at + RTNEXTHOP_BYTES <= several.length; ) {
    const view = viewOf(several.subarray(at));
    const length = view.getUint16(0, true);
    if (length < RTNEXTHOP_BYTES) break;
    const own = new Attributes(several.subarray(at, at + length), RTNEXTHOP_BYTES);
    hops.push({ gateway: gatewayOf(own), link: view.getInt32(4, true) });
    at += (length + 3) & ~3;
  }
  return hops;
}

/** RTA_VIA is a gateway of the other family: its number (2 bytes), then the address. */
function gatewayOf(attributes: Attributes): string | null {
  const gateway =
    attributes.bytes(RTA.RTA_GATEWAY) ?? attributes.bytes(RTA.RTA_VIA)?.subarray(2) ?? null;
  return gateway === null ? null : formatIp(gateway);
}

function linkFrom(body: Uint8Array): NetworkLink {
  const view = viewOf(body);
  const flags = view.getUint32(8, true);
  const attributes = new Attributes(body, IFINFOMSG_BYTES);
  const info = attributes.nested(IFLA.IFLA_LINKINFO);
  const kind = info.text(IFLA_INFO.IFLA_INFO_KIND) ?? null;
  const mac = attributes.bytes(IFLA.IFLA_ADDRESS);
  const port = info.nested(IFLA_INFO.IFLA_INFO_SLAVE_DATA);
  return {
    index: view.getInt32(4, true),
    name: attributes.text(IFLA.IFLA_IFNAME) ?? '',
    kind,
    up: (flags & IFF.IFF_UP) !== 0,
    carrier: (flags & IFF.IFF_LOWER_UP) !== 0,
    flags: flagNames(flags),
    mtu: attributes.u32(IFLA.IFLA_MTU) ?? 0,
    mac: mac?.length === 6 ? formatMac(mac) : null,
    master: attributes.u32(IFLA.IFLA_MASTER) ?? null,
    peer: kind === 'veth' ? (attributes.u32(IFLA.IFLA_LINK) ?? null) : null,
    peerNetnsId: attributes.u32(IFLA.IFLA_LINK_NETNSID) ?? null,
    hairpin: port.u8(IFLA_BRPORT.IFLA_BRPORT_MODE) === 1,
  };
}

function nameOf(links: readonly NetworkLink[], index: number): string {
  return links.find((link) => link.index === index)?.name ?? `#${index}`;
}

/** RTPROT_KERNEL → kernel */
function nameOfValue(table: ConstantTable, value: number): string {
  const found = Object.entries(table).find(([, number]) => number === value);
  return found === undefined ? String(value) : found[0].replace(/^[A-Z]+_/, '').toLowerCase();
}

function flagNames(flags: number): string[] {
  return Object.entries(IFF)
    .filter(([, bit]) => (flags & bit) !== 0)
    .map(([name]) => name.slice('IFF_'.length));
}

/** Counters of a link since it was made; exact up to 2^53. */
export interface LinkStatistics {
  readonly rxBytes: number;
  readonly rxPackets: number;
  readonly txBytes: number;
  readonly txPackets: number;
  readonly dropped: number;
}

/** From bodies of RTM_NEWSTATS, by index of the link. */
export function statisticsFrom(bodies: readonly Uint8Array[]): Map<number, LinkStatistics> {
  const found = new Map<number, LinkStatistics>();
  for (const body of bodies) {
    const bytes = new Attributes(body, IF_STATS_MSG_BYTES).bytes(IFLA_STATS_LINK_64);
    if (bytes === undefined) continue;
    // rx_packets, tx_packets, rx_bytes, tx_bytes, rx_errors, tx_errors, rx_dropped, tx_dropped, …
    const counter = (at: number): number => Number(viewOf(bytes).getBigUint64(at * 8, true));
    found.set(viewOf(body).getUint32(4, true), {
      rxBytes: counter(2),
      rxPackets: counter(0),
      txBytes: counter(3),
      txPackets: counter(1),
      dropped: counter(6) + counter(7),
    });
  }
  return found;
}

/** From the answer to `FORWARDING_REQUEST`; null where it says nothing. */
export function forwardingFrom(bodies: readonly Uint8Array[]): boolean | null {
  const [body] = bodies;
  if (body === undefined) return null;
  const value = new Attributes(body, NETCONFMSG_BYTES).u32(NETCONFA.NETCONFA_FORWARDING);
  return value === undefined ? null : value !== 0;
}

/** From the answer to `namespaceIdRequest`; -1 where the namespace has no number here. */
export function namespaceIdFrom(bodies: readonly Uint8Array[]): number {
  const [body] = bodies;
  if (body === undefined) return -1;
  return (new Attributes(body, RTGENMSG_BYTES).u32(NETNSA.NETNSA_NSID) ?? -1) | 0; // signed
}
