/**
 * What the messages about links have in common: struct ifinfomsg, MTU and MAC, the namespace that a
 * link belongs to, and the change of one link that is found by its name. Pure.
 */
import type { Purpose, Slot } from '@terrarium/syscall';
import {
  AF,
  type Attribute,
  attribute,
  cString,
  formatMac,
  IFF,
  IFLA,
  IFLA_INFO,
  le16,
  le32,
  type Message,
  NLM_F,
  type Piece,
  parseMac,
  RTM,
  u32,
} from '@terrarium/syscall';
import type { Script } from '../plan/script.js';
import {
  checkedInterfaceName,
  type NetlinkSocket,
  type RequestExtras,
  request,
} from './netlink-calls.js';

/** A network namespace as a message names it; `value` may be known only at run time. */
export type NamespaceReference =
  | { readonly kind: 'pid'; readonly value: number | Slot }
  | { readonly kind: 'fd'; readonly value: number | Slot };

/** What both ends of a veth pair may have from birth. */
export interface LinkSettings {
  readonly mtu?: number;
  /** `02:00:0a:58:00:02` */
  readonly mac?: string;
}

/** An interface's index in displays: `<index of tr0>`. */
export function displayIndex(index: Slot | number): string {
  return typeof index === 'number' ? String(index) : `<${index.name}>`;
}

/** What a change of a link is, besides its attributes. */
export interface SetExtras extends RequestExtras {
  readonly up?: boolean;
  readonly display: string;
}

/** One change of one link, which the message finds by its name. */
export function setLink(
  script: Script,
  socket: NetlinkSocket,
  name: string,
  why: Purpose,
  attributes: readonly Attribute[],
  { up, display, ...extras }: SetExtras,
): void {
  const message: Message = {
    type: RTM.RTM_SETLINK,
    flags: NLM_F.NLM_F_REQUEST | NLM_F.NLM_F_ACK,
    header: linkHeader(up === undefined ? {} : { up }),
    attributes: [cString(IFLA.IFLA_IFNAME, checkedInterfaceName(name)), ...attributes],
    display: `{RTM_SETLINK, ifname="${name}", ${display}}`,
  };
  request(script, socket, [message], why, extras);
}

/** struct ifinfomsg: family, pad, type, index, flags, which flags are meant */
export function linkHeader(input: {
  readonly family?: number;
  readonly index?: Slot | number;
  readonly up?: boolean;
}): Piece[] {
  const { family = AF.AF_UNSPEC, index = 0, up } = input;
  return [
    Uint8Array.of(family, 0),
    le16(0),
    typeof index === 'number' ? le32(index) : index,
    le32(up === true ? IFF.IFF_UP : 0),
    le32(up === undefined ? 0 : IFF.IFF_UP),
  ];
}

/** MTU and MAC as attributes. */
export function settingsOf({ mtu, mac }: LinkSettings): Attribute[] {
  return [
    ...(mtu === undefined ? [] : [u32(IFLA.IFLA_MTU, mtu)]),
    ...(mac === undefined ? [] : [attribute(IFLA.IFLA_ADDRESS, parseMac(mac))]),
  ];
}

/** The same in a display. */
export function displaySettings({ mtu, mac }: LinkSettings): string {
  const address = mac === undefined ? '' : `, address=${formatMac(parseMac(mac))}`;
  return address + (mtu === undefined ? '' : `, mtu=${mtu}`);
}

/** Without the NUL, as ip(8) sends it. */
export function kindAttribute(kind: string): Attribute {
  return attribute(IFLA_INFO.IFLA_INFO_KIND, new TextEncoder().encode(kind));
}

/** IFLA_NET_NS_PID or IFLA_NET_NS_FD. */
export function namespaceAttribute({ kind, value }: NamespaceReference): Attribute {
  return u32(kind === 'pid' ? IFLA.IFLA_NET_NS_PID : IFLA.IFLA_NET_NS_FD, value);
}

/** A namespace in a display: `<init>`. */
export function displayReference({ value }: NamespaceReference): string {
  return typeof value === 'number' ? String(value) : `<${value.name}>`;
}
