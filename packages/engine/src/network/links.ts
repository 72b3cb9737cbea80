/**
 * Links: veth pairs, up and down, names, MTU, MAC, and the move to another network namespace. Each function appends a request and the reading of its answer to a
 * plan; the process that runs it needs CAP_NET_ADMIN over the socket's network namespace (and over
 * the one that a link moves to).
 */
import {
  cString,
  ERRNO,
  holding,
  IFLA,
  IFLA_INFO,
  type Message,
  NLM_F,
  type Purpose,
  RTM,
  type Slot,
  VETH_INFO_PEER,
} from '@terrarium/syscall';
import { purpose, type Script } from '../plan/script.js';
import {
  displayIndex,
  displayReference,
  displaySettings,
  kindAttribute,
  type LinkSettings,
  linkHeader,
  type NamespaceReference,
  namespaceAttribute,
  setLink,
  settingsOf,
} from './link-message.js';
import { checkedInterfaceName, type NetlinkSocket, request } from './netlink-calls.js';

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
        cString(IFLA.IFLA_IFNAME, checkedInterfaceName(peer.name)),
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
      cString(IFLA.IFLA_IFNAME, checkedInterfaceName(name)),
      holding(IFLA.IFLA_LINKINFO, [
        kindAttribute('veth'),
        holding(IFLA_INFO.IFLA_INFO_DATA, [peerLink]),
      ]),
    ],
    display: `{RTM_NEWLINK, ifname="${name}", kind="veth", peer="${peer.name}"${at}${displaySettings(own)}}`,
  };
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
    attributes: [cString(IFLA.IFLA_IFNAME, checkedInterfaceName(newName))],
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
    attributes: [namespaceAttribute(to), cString(IFLA.IFLA_IFNAME, checkedInterfaceName(newName))],
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
    attributes: [cString(IFLA.IFLA_IFNAME, checkedInterfaceName(name))],
    display: `{RTM_DELLINK, ifname="${name}"}`,
  };
}
