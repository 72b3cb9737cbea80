/**
 * The wires alone: every network call as a plan of its own, for lessons that take a container's
 * network apart and put it together by hand. A table, so that a page can list it and a message can
 * name a row. Pure: each row makes a plan, whoever runs it has CAP_NET_ADMIN over the namespace.
 */
import { type Plan, PlanBuilder, parseIp, parseMac, parsePrefix } from '@terrarium/syscall';
import * as z from 'zod';
import { openHostProc } from '../plan/private-proc.js';
import { purpose, Script } from '../plan/script.js';
import { addAddress, deleteAddress } from './addresses.js';
import { addBridgePort, ensureBridge, removeBridgePort } from './bridges.js';
import { hostPortSchema } from './container-network-config.js';
import { forwardTable, masqueradeTable } from './container-rules.js';
import type { NamespaceReference } from './link-message.js';
import {
  addVeth,
  deleteLink,
  moveLink,
  renameLink,
  setLinkDown,
  setLinkUp,
  setMac,
  setMtu,
} from './links.js';
import {
  closeNetlink,
  interfaceIndex,
  isInterfaceName,
  type NetlinkSocket,
  openNetlink,
} from './netlink-calls.js';
import {
  describeNetworkNamespace,
  enterNetworkNamespace,
  type NetworkNamespace,
  openNetworkNamespace,
} from './network-namespace.js';
import { addTable, deleteTable } from './nftables.js';
import { addRoute, deleteRoute, setForwarding } from './routes.js';

/** One call that can be made alone. */
export interface NetworkPrimitive<Params = unknown> {
  /** stable: messages and lessons name it */
  readonly name: string;
  readonly en: string;
  readonly zh: string;
  readonly params: z.ZodType<Params>;
  /** @throws ZodError that names the parameter */
  plan(netns: NetworkNamespace, params: unknown): Plan;
}

const link = z.string().refine(isInterfaceName, 'a name of an interface, at most 15 bytes');
const address = z.string().refine(isValid(parsePrefix), 'an address with prefix: 10.88.0.2/16');
const ip = z.string().refine(isValid(parseIp), 'an IP address');
const mac = z.string().refine(isValid(parseMac), 'a MAC address of one interface');
const table = z.string().regex(/^[A-Za-z_][\w./-]{0,99}$/, 'a name of a table');
const mtu = z.int().min(68).max(65_535).describe('bytes');
const target = z
  .union([
    z.strictObject({ pid: z.int().positive().describe('a process that is in it') }),
    z.strictObject({ path: z.string().startsWith('/').describe('a file of the namespace') }),
  ])
  .describe('a network namespace');
const route = z
  .strictObject({
    to: z.union([z.literal('default'), address]),
    gateway: ip.optional(),
    link: link.optional(),
  })
  .refine((one) => one.gateway !== undefined || one.link !== undefined, 'a gateway or a link');

/** Everything that can be done to a network namespace, by itself. */
export const networkPrimitives: readonly NetworkPrimitive[] = [
  onRoute(
    'bridge-add',
    'make a bridge, a switch in software, and bring it up',
    '创建并启用网桥（软件交换机）',
    z.strictObject({ name: link }),
    (script, socket, { name }) => ensureBridge(script, socket, name),
  ),
  onRoute(
    'veth-add',
    'make a veth pair: a cable with two ends, the other one in another namespace if wanted',
    '创建 veth 对：一根两端的网线，另一端可以直接放进另一个命名空间',
    z.strictObject({
      name: link,
      peer: z.strictObject({ name: link, namespace: target.optional() }),
    }),
    (script, socket, { name, peer }) => {
      const namespace = peer.namespace && referenceTo(script, peer.namespace);
      addVeth(script, socket, {
        name,
        peer: { name: peer.name, ...(namespace === undefined ? {} : { namespace }) },
      });
    },
  ),
  onRoute(
    'link-delete',
    'remove a link; with one end of a veth pair goes the other',
    '删除网卡；删除 veth 的一端，另一端也随之消失',
    z.strictObject({ name: link }),
    (script, socket, { name }) => deleteLink(script, socket, name),
  ),
  onRoute(
    'link-up',
    'bring a link up',
    '启用网卡',
    z.strictObject({ name: link }),
    (script, socket, { name }) => setLinkUp(script, socket, name),
  ),
  onRoute(
    'link-down',
    'take a link down; its routes go',
    '关闭网卡；它的路由随之消失',
    z.strictObject({ name: link }),
    (script, socket, { name }) => setLinkDown(script, socket, name),
  ),
  onRoute(
    'link-rename',
    'give a link another name',
    '给网卡改名',
    z.strictObject({ name: link, newName: link }),
    (script, socket, { name, newName }) => {
      const index = interfaceIndex(script, socket, name);
      renameLink(script, socket, { name, index }, newName);
    },
  ),
  onRoute(
    'link-move',
    'move a link to another network namespace; it arrives down and without addresses',
    '把网卡移到另一个网络命名空间；到达时是关闭的，没有地址',
    z.strictObject({ name: link, to: target }),
    (script, socket, { name, to }) => moveLink(script, socket, name, referenceTo(script, to)),
  ),
  onRoute(
    'link-mtu',
    'set the largest packet of a link',
    '设置网卡的最大数据包',
    z.strictObject({ name: link, mtu }),
    (script, socket, params) => setMtu(script, socket, params.name, params.mtu),
  ),
  onRoute(
    'link-mac',
    'set the MAC address of a link',
    '设置网卡的 MAC 地址',
    z.strictObject({ name: link, mac }),
    (script, socket, params) => setMac(script, socket, params.name, params.mac),
  ),
  onRoute(
    'bridge-port-add',
    'plug a link into a bridge',
    '把网卡插到网桥上',
    z.strictObject({ name: link, bridge: link }),
    (script, socket, { name, bridge }) => {
      const index = interfaceIndex(script, socket, bridge);
      addBridgePort(script, socket, name, { name: bridge, index });
    },
  ),
  onRoute(
    'bridge-port-remove',
    'unplug a link from its bridge',
    '把网卡从网桥拔下',
    z.strictObject({ name: link }),
    (script, socket, { name }) => removeBridgePort(script, socket, name),
  ),
  onRoute(
    'address-add',
    'give a link an address',
    '给网卡一个地址',
    z.strictObject({ name: link, address }),
    (script, socket, params) => {
      const index = interfaceIndex(script, socket, params.name);
      addAddress(script, socket, { name: params.name, index }, params.address);
    },
  ),
  onRoute(
    'address-delete',
    'take an address from a link',
    '去掉网卡的一个地址',
    z.strictObject({ name: link, address }),
    (script, socket, params) => {
      const index = interfaceIndex(script, socket, params.name);
      deleteAddress(script, socket, { name: params.name, index }, params.address);
    },
  ),
  onRoute(
    'route-add',
    'say which way packets for a network go; "default" is all the rest',
    '说明去某个网络的数据包走哪条路；default 是其余一切',
    route,
    (script, socket, params) => addRoute(script, socket, routeInput(script, socket, params)),
  ),
  onRoute('route-delete', 'forget a route', '删除一条路由', route, (script, socket, params) =>
    deleteRoute(script, socket, routeInput(script, socket, params)),
  ),
  primitive(
    'forwarding-set',
    'pass packets on between links, or do not: what makes a namespace a router',
    '是否在网卡之间转发数据包：这使命名空间成为路由器',
    z.strictObject({ family: z.literal([4, 6]).default(4), on: z.boolean().default(true) }),
    (script, { family, on }) => setForwarding(script, openHostProc(script), family, on),
  ),
  onNetfilter(
    'masquerade-add',
    'let what leaves a subnet by any link but one look as if this namespace had sent it',
    '让从子网经其他网卡出去的数据包看起来由本命名空间发出',
    z.strictObject({ table, source: address, notBy: link }),
    (script, socket, { table: name, source, notBy }) =>
      addTable(script, socket, masqueradeTable(name, parsePrefix(source), notBy), MASQUERADE),
  ),
  onNetfilter(
    'port-forward-add',
    'let a port here lead to a port elsewhere',
    '让这里的一个端口通向别处的端口',
    z.strictObject({ table, to: ip, ...hostPortSchema.shape }),
    (script, socket, { table: name, to, ...forward }) =>
      addTable(script, socket, forwardTable(name, parseIp(to), forward), PORT_FORWARD),
  ),
  onNetfilter(
    'table-delete',
    'remove a table with all its rules',
    '删除一张表及其所有规则',
    z.strictObject({ table }),
    (script, socket, { table: name }) => deleteTable(script, socket, name, TABLE_DELETE),
  ),
];

/** Finds a row. @throws Error that lists the names */
export function networkPrimitive(name: string): NetworkPrimitive {
  const found = networkPrimitives.find((one) => one.name === name);
  if (found !== undefined) return found;
  const names = networkPrimitives.map((one) => one.name).join(', ');
  throw new Error(`no network primitive ${JSON.stringify(name)}; there are ${names}`);
}

const MASQUERADE = purpose('masquerade', 'hide the senders of a subnet', '隐藏一个子网的发送者');
const PORT_FORWARD = purpose('port-forward', 'lead a port elsewhere', '把端口引向别处');
const TABLE_DELETE = purpose('table-delete', 'remove a table of rules', '删除一张规则表');

type SocketWriter<Params> = (script: Script, socket: NetlinkSocket, params: Params) => void;

function onRoute<Params>(
  name: string,
  en: string,
  zh: string,
  params: z.ZodType<Params>,
  write: SocketWriter<Params>,
): NetworkPrimitive {
  return primitive(name, en, zh, params, (script, parsed) => {
    const socket = openNetlink(script, 'NETLINK_ROUTE', 'route');
    write(script, socket, parsed);
    closeNetlink(script, socket);
  });
}

function onNetfilter<Params>(
  name: string,
  en: string,
  zh: string,
  params: z.ZodType<Params>,
  write: SocketWriter<Params>,
): NetworkPrimitive {
  return primitive(name, en, zh, params, (script, parsed) => {
    const socket = openNetlink(script, 'NETLINK_NETFILTER', 'netfilter');
    write(script, socket, parsed);
    closeNetlink(script, socket);
  });
}

function primitive<Params>(
  name: string,
  en: string,
  zh: string,
  params: z.ZodType<Params>,
  write: (script: Script, params: Params) => void,
): NetworkPrimitive {
  return {
    name,
    en,
    zh,
    params,
    plan: (netns, input) => {
      const parsed = params.parse(input);
      const builder = new PlanBuilder(`${name} in ${describeNetworkNamespace(netns)}`);
      const script = new Script(builder, 'outside', builder.slot('fd'));
      enterNetworkNamespace(script, netns);
      write(script, parsed);
      return builder.build();
    },
  };
}

/** A namespace given by a path becomes an fd, which only the running plan knows. */
function referenceTo(script: Script, where: z.output<typeof target>): NamespaceReference {
  if ('pid' in where) return { kind: 'pid', value: where.pid };
  return { kind: 'fd', value: openNetworkNamespace(script, where.path, 'targetNetns') };
}

function routeInput(script: Script, socket: NetlinkSocket, params: z.output<typeof route>) {
  const { to, gateway, link: name } = params;
  return {
    to,
    ...(gateway === undefined ? {} : { gateway }),
    ...(name === undefined ? {} : { link: { name, index: interfaceIndex(script, socket, name) } }),
  };
}

function isValid(parse: (text: string) => unknown): (text: string) => boolean {
  return (value) => {
    try {
      parse(value);
      return true;
    } catch {
      return false; // zod reports it, with the parameter's name
    }
  };
}
