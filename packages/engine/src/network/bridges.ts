/**
 * Bridges and their ports. Appends to a plan; the process that runs it needs CAP_NET_ADMIN over the
 * socket's network namespace.
 */
import {
  cString,
  ERRNO,
  holding,
  IFLA,
  IFLA_BRPORT,
  IFLA_INFO,
  type Message,
  NLM_F,
  nested,
  RTM,
  type Slot,
  u8,
  u32,
} from '@terrarium/syscall';
import { purpose, type Script } from '../plan/script.js';
import {
  displayIndex,
  displaySettings,
  kindAttribute,
  type LinkSettings,
  linkHeader,
  setLink,
  settingsOf,
} from './link-message.js';
import { checkedInterfaceName, type NetlinkSocket, request } from './netlink-calls.js';

/** socket(2): the family of messages about a link as a port of a bridge */
const AF_BRIDGE = 7;

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
      cString(IFLA.IFLA_IFNAME, checkedInterfaceName(name)),
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
