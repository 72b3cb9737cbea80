/**
 * Links, addresses and routes as the kernel lists them: from the bodies of RTM_NEWLINK, RTM_NEWADDR
 * and RTM_NEWROUTE messages to plain values. Pure.
 */
import {
  AF,
  IFA,
  IFA_F,
  IFADDRMSG_BYTES,
  IFF,
  IFINFOMSG_BYTES,
  IFLA,
  IFLA_BRPORT,
  IFLA_INFO,
  RT_SCOPE,
  RT_TABLE,
  RTA,
  RTMSG_BYTES,
  RTPROT,
} from './constants.js';
import { formatIp, formatMac } from './ip.js';
import { Attributes, viewOf } from './netlink-decode.js';

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

/** From bodies of RTM_NEWROUTE: struct rtmsg, attributes; other tables than main are left out. */
export function routesFrom(
  bodies: readonly Uint8Array[],
  links: readonly NetworkLink[],
): NetworkRoute[] {
  return bodies.flatMap((body) => {
    const [family = 0, prefix = 0, , , shortTable = 0, protocol = 0] = body;
    const attributes = new Attributes(body, RTMSG_BYTES);
    const table = attributes.u32(RTA.RTA_TABLE) ?? shortTable;
    if (table !== RT_TABLE.RT_TABLE_MAIN || (family !== AF.AF_INET && family !== AF.AF_INET6))
      return [];
    const target = attributes.bytes(RTA.RTA_DST);
    const gateway = attributes.bytes(RTA.RTA_GATEWAY);
    const link = attributes.u32(RTA.RTA_OIF);
    return {
      family: family === AF.AF_INET ? 4 : 6,
      to: target === undefined ? 'default' : `${formatIp(target)}/${prefix}`,
      gateway: gateway === undefined ? null : formatIp(gateway),
      link: link === undefined ? null : nameOf(links, link),
      protocol: protocolName(protocol),
      metric: attributes.u32(RTA.RTA_PRIORITY) ?? 0,
    };
  });
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
function protocolName(value: number): string {
  const found = Object.entries(RTPROT).find(([, number]) => number === value);
  return found === undefined ? String(value) : found[0].slice('RTPROT_'.length).toLowerCase();
}
