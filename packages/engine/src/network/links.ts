/**
 * Links: veth pairs, bridges, ports of a bridge, up and down, names, MTU, MAC, and the move to
 * another network namespace. Each function appends a request and the reading of its answer to a
 * plan; the process that runs it needs CAP_NET_ADMIN over the socket's network namespace (and over
 * the one that a link moves to).
 */
import { ERRNO, type Purpose, type Slot } from '@terrarium/syscall';
import { purpose, type Script } from '../plan/script.js';
import { AF, IFF, IFLA, IFLA_BRPORT, IFLA_INFO, NLM_F, RTM, VETH_INFO_PEER } from './constants.js';
import { formatMac, parseMac } from './ip.js';
import {
  type Attribute,
  attribute,
  holding,
  le16,
  le32,
  type Message,
  nested,
  type Piece,
  text,
  u8,
  u32,
} from './netlink.js';
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

/** A veth pair: what goes in at one end comes out at the other. */
export interface VethInput extends LinkSettings {
  /** the end in the socket's namespace */
  readonly name: string;
  readonly peer: LinkSettings & {
    readonly name: string;
    /** where the other end appears; in the socket's own namespace when not given */
    readonly namespace?: NamespaceReference;
  };
}

/** Makes a veth pair, the other end directly in its namespace: it is never seen in this one. */
export function addVeth(script: Script, socket: NetlinkSocket, input: VethInput): void {
  const { name, peer } = input;
  const where = peer.namespace === undefined ? '' : 'in the other namespace ';
  const zhWhere = peer.namespace === undefined ? '' : '在另一个命名空间里';
  const why = purpose(
    'veth',
    `a cable with two ends: ${name} here, ${peer.name} ${where}at its other end`,
    `一根两端的网线：这边是 ${name}，另一端 ${peer.name} ${zhWhere}`.trimEnd(),
  );
  request(script, socket, [vethMessage(input)], why);
}

/** The message alone. */
export function vethMessage({ name, peer, ...own }: VethInput): Message {
  const { namespace } = peer;
  const peerLink = {
    type: VETH_INFO_PEER,
    // A whole link message again: its fixed struct, then attributes.
    payload: [
      ...linkHeader({}),
      ...holding(VETH_INFO_PEER, [
        ...settingsOf(peer),
        ...(namespace === undefined ? [] : [namespaceAttribute(namespace)]),
        text(IFLA.IFLA_IFNAME, checkedInterfaceName(peer.name)),
      ]).payload,
    ],
  };
  const at = namespace === undefined ? '' : `@netns ${displayReference(namespace)}`;
  return {
    type: RTM.RTM_NEWLINK,
    flags: NLM_F.NLM_F_REQUEST | NLM_F.NLM_F_ACK | NLM_F.NLM_F_CREATE | NLM_F.NLM_F_EXCL,
    header: linkHeader({}),
    attributes: [
      ...settingsOf(own),
      text(IFLA.IFLA_IFNAME, checkedInterfaceName(name)),
      holding(IFLA.IFLA_LINKINFO, [
        kindAttribute('veth'),
        holding(IFLA_INFO.IFLA_INFO_DATA, [peerLink]),
      ]),
    ],
    display: `{RTM_NEWLINK, ifname="${name}", kind="veth", peer="${peer.name}"${at}${displaySettings(own)}}`,
  };
}

/**
 * Makes a bridge if there is none of that name, then brings it up and makes sure that it is one:
 * when the name belongs to another kind of link, the answer is EOPNOTSUPP and nothing is changed.
 *
 * @param settings of a bridge that is made; one that is there keeps its own. With a MAC address of
 *   its own a bridge keeps it; without one it takes the lowest of its ports', which come and go,
 *   and its neighbours would have to ask for it again and again
 */
export function ensureBridge(
  script: Script,
  socket: NetlinkSocket,
  name: string,
  settings: LinkSettings = {},
): void {
  const why = purpose(
    'bridge',
    `a switch in software, ${name}: what comes in at one port goes out where its target is`,
    `软件交换机 ${name}：从一个端口进来的，从目标所在的端口出去`,
  );
  request(script, socket, [bridgeMessage('new', name, settings)], why, {
    tolerate: [ERRNO.EEXIST],
  });
  const upPurpose = purpose(
    'bridge-up',
    `make sure that ${name} is a bridge, and bring it up`,
    `确认 ${name} 是网桥，并启用它`,
  );
  request(script, socket, [bridgeMessage('existing', name)], upPurpose);
}

/** The message alone. The empty IFLA_INFO_DATA makes the kernel compare kinds. */
export function bridgeMessage(
  which: 'new' | 'existing',
  name: string,
  settings: LinkSettings = {},
): Message {
  const isNew = which === 'new';
  const created = isNew ? NLM_F.NLM_F_CREATE | NLM_F.NLM_F_EXCL : 0;
  const up = isNew ? '' : 'flags=IFF_UP, ';
  return {
    type: RTM.RTM_NEWLINK,
    flags: NLM_F.NLM_F_REQUEST | NLM_F.NLM_F_ACK | created,
    header: linkHeader(isNew ? {} : { up: true }),
    attributes: [
      ...settingsOf(settings),
      text(IFLA.IFLA_IFNAME, checkedInterfaceName(name)),
      holding(IFLA.IFLA_LINKINFO, [
        kindAttribute('bridge'),
        ...(isNew ? [] : [holding(IFLA_INFO.IFLA_INFO_DATA, [])]),
      ]),
    ],
    display: `{RTM_NEWLINK, ${up}ifname="${name}", kind="bridge"${displaySettings(settings)}}`,
  };
}

/** Plugs a link into a bridge; `bridge` is the bridge's index. */
export function addBridgePort(
  script: Script,
  socket: NetlinkSocket,
  name: string,
  bridge: { readonly name: string; readonly index: Slot | number },
): void {
  const why = purpose(
    'bridge-port',
    `plug ${name} into the bridge ${bridge.name}`,
    `把 ${name} 插到网桥 ${bridge.name} 上`,
  );
  setLink(script, socket, name, why, [u32(IFLA.IFLA_MASTER, bridge.index)], {
    display: `master=${displayIndex(bridge.index)}`,
  });
}

/** Unplugs a link from its bridge. */
export function removeBridgePort(script: Script, socket: NetlinkSocket, name: string): void {
  const why = purpose(
    'bridge-port-remove',
    `unplug ${name} from its bridge`,
    `把 ${name} 从网桥拔下`,
  );
  setLink(script, socket, name, why, [u32(IFLA.IFLA_MASTER, 0)], { display: 'master=0' });
}

/**
 * Lets a bridge send a frame back out of the port it came in by: a container that calls its own
 * forwarded port needs that. `index` is the port's.
 */
export function setHairpin(
  script: Script,
  socket: NetlinkSocket,
  port: { readonly name: string; readonly index: Slot },
): void {
  const why = purpose(
    'hairpin',
    `let ${port.name} get back what it sent: a container may call its own forwarded port`,
    `允许 ${port.name} 收回自己发出的帧：容器可以访问自己被转发的端口`,
  );
  const message: Message = {
    type: RTM.RTM_SETLINK,
    flags: NLM_F.NLM_F_REQUEST | NLM_F.NLM_F_ACK,
    header: linkHeader({ family: AF_BRIDGE, index: port.index }),
    attributes: [nested(IFLA.IFLA_PROTINFO, [u8(IFLA_BRPORT.IFLA_BRPORT_MODE, 1)])],
    display: `{RTM_SETLINK, family=AF_BRIDGE, index=${displayIndex(port.index)}, brport={mode=1}}`,
  };
  request(script, socket, [message], why);
}

/** Brings a link up. */
export function setLinkUp(script: Script, socket: NetlinkSocket, name: string): void {
  const why = purpose(
    'link-up',
    `bring ${name} up: a new link is down`,
    `启用 ${name}：新网卡是关闭的`,
  );
  setLink(script, socket, name, why, [], { up: true, display: 'flags=IFF_UP' });
}

/** Takes a link down. */
export function setLinkDown(script: Script, socket: NetlinkSocket, name: string): void {
  const why = purpose('link-down', `take ${name} down`, `关闭 ${name}`);
  setLink(script, socket, name, why, [], { up: false, display: 'flags=0' });
}

/** Renames a link; `index` because the message's name is the new one. It must be down. */
export function renameLink(
  script: Script,
  socket: NetlinkSocket,
  link: { readonly name: string; readonly index: Slot },
  newName: string,
): void {
  const why = purpose(
    'link-rename',
    `call ${link.name} ${newName} from now on`,
    `从现在起把 ${link.name} 叫作 ${newName}`,
  );
  const message: Message = {
    type: RTM.RTM_SETLINK,
    flags: NLM_F.NLM_F_REQUEST | NLM_F.NLM_F_ACK,
    header: linkHeader({ index: link.index }),
    attributes: [text(IFLA.IFLA_IFNAME, checkedInterfaceName(newName))],
    display: `{RTM_SETLINK, index=${displayIndex(link.index)}, ifname="${newName}"}`,
  };
  request(script, socket, [message], why);
}

/** Moves a link to another namespace; it arrives down and without addresses. */
export function moveLink(
  script: Script,
  socket: NetlinkSocket,
  name: string,
  to: NamespaceReference,
): void {
  const why = purpose(
    'link-move',
    `move ${name} to another network namespace: it disappears here`,
    `把 ${name} 移到另一个网络命名空间：它从这里消失`,
  );
  setLink(script, socket, name, why, [namespaceAttribute(to)], {
    display: `${to.kind === 'pid' ? 'net_ns_pid' : 'net_ns_fd'}=${displayReference(to)}`,
  });
}

/** Moves a link and gives it its name there in one message: it never has the old name there. */
export function moveAndRenameLink(
  script: Script,
  socket: NetlinkSocket,
  link: { readonly index: Slot; readonly newName: string; readonly to: NamespaceReference },
  why: Purpose,
): void {
  const { index, newName, to } = link;
  const message: Message = {
    type: RTM.RTM_SETLINK,
    flags: NLM_F.NLM_F_REQUEST | NLM_F.NLM_F_ACK,
    header: linkHeader({ index }),
    attributes: [namespaceAttribute(to), text(IFLA.IFLA_IFNAME, checkedInterfaceName(newName))],
    display: `{RTM_SETLINK, index=${displayIndex(index)}, net_ns_${to.kind}=${displayReference(to)}, ifname="${newName}"}`,
  };
  request(script, socket, [message], why);
}

/** Sets the largest packet in bytes. */
export function setMtu(script: Script, socket: NetlinkSocket, name: string, mtu: number): void {
  const why = purpose(
    'link-mtu',
    `${name} carries packets of at most ${mtu} bytes`,
    `${name} 的数据包最大 ${mtu} 字节`,
  );
  setLink(script, socket, name, why, settingsOf({ mtu }), { display: `mtu=${mtu}` });
}

/** Sets the MAC address. */
export function setMac(script: Script, socket: NetlinkSocket, name: string, mac: string): void {
  const why = purpose(
    'link-mac',
    `give ${name} the MAC address ${mac}`,
    `给 ${name} MAC 地址 ${mac}`,
  );
  setLink(script, socket, name, why, settingsOf({ mac }), { display: `address=${mac}` });
}

/** Removes a link: with one end of a veth pair the other, with a bridge only the bridge. */
export function deleteLink(
  script: Script,
  socket: NetlinkSocket,
  name: string,
  options: { readonly ifExists?: boolean } = {},
): void {
  const why = purpose('link-delete', `remove ${name}`, `删除 ${name}`);
  const extras = options.ifExists === true ? { tolerate: [ERRNO.ENODEV] } : {};
  request(script, socket, [deleteLinkMessage(name)], why, extras);
}

/** The message alone. */
export function deleteLinkMessage(name: string): Message {
  return {
    type: RTM.RTM_DELLINK,
    flags: NLM_F.NLM_F_REQUEST | NLM_F.NLM_F_ACK,
    header: linkHeader({}),
    attributes: [text(IFLA.IFLA_IFNAME, checkedInterfaceName(name))],
    display: `{RTM_DELLINK, ifname="${name}"}`,
  };
}

/** An interface's index in displays: `<index of tr0>`. */
export function displayIndex(index: Slot | number): string {
  return typeof index === 'number' ? String(index) : `<${index.name}>`;
}

interface SetExtras extends RequestExtras {
  readonly up?: boolean;
  readonly display: string;
}

const AF_BRIDGE = 7;

/** One change of one link, which the message finds by its name. */
function setLink(
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
    attributes: [text(IFLA.IFLA_IFNAME, checkedInterfaceName(name)), ...attributes],
    display: `{RTM_SETLINK, ifname="${name}", ${display}}`,
  };
  request(script, socket, [message], why, extras);
}

/** struct ifinfomsg: family, pad, type, index, flags, which flags are meant */
function linkHeader(input: {
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

function settingsOf({ mtu, mac }: LinkSettings): Attribute[] {
  return [
    ...(mtu === undefined ? [] : [u32(IFLA.IFLA_MTU, mtu)]),
    ...(mac === undefined ? [] : [attribute(IFLA.IFLA_ADDRESS, parseMac(mac))]),
  ];
}

function displaySettings({ mtu, mac }: LinkSettings): string {
  const address = mac === undefined ? '' : `, address=${formatMac(parseMac(mac))}`;
  return address + (mtu === undefined ? '' : `, mtu=${mtu}`);
}

/** Without the NUL, as ip(8) sends it. */
function kindAttribute(kind: string): Attribute {
  return attribute(IFLA_INFO.IFLA_INFO_KIND, new TextEncoder().encode(kind));
}

function namespaceAttribute({ kind, value }: NamespaceReference): Attribute {
  return u32(kind === 'pid' ? IFLA.IFLA_NET_NS_PID : IFLA.IFLA_NET_NS_FD, value);
}

function displayReference({ value }: NamespaceReference): string {
  return typeof value === 'number' ? String(value) : `<${value.name}>`;
}
