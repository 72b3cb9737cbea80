/**
 * Routes, and whether a namespace forwards packets between its links. Appends to a plan; the
 * process that runs it needs CAP_NET_ADMIN over the network namespace.
 */
import {
  addressFamily,
  attribute,
  bytes,
  ERRNO,
  formatIp,
  type Message,
  NLM_F,
  networkOf,
  type Piece,
  parseIp,
  parsePrefix,
  RT_SCOPE,
  RT_TABLE,
  RTA,
  RTM,
  RTN,
  RTPROT,
  type Slot,
  u32,
} from '@terrarium/syscall';
import { writeProcFile } from '../plan/private-proc.js';
import { purpose, type Script } from '../plan/script.js';
import { displayIndex } from './link-message.js';
import { type NetlinkSocket, request } from './netlink-calls.js';

/** A route of the main table; at least one of gateway and link says where packets go. */
export interface RouteInput {
  /** `10.1.0.0/16`; `default` is everything that no other route is for */
  readonly to: string;
  /** the neighbour who takes them */
  readonly gateway?: string;
  /** the link they leave by; the kernel finds it from the gateway when not given */
  readonly link?: { readonly name: string; readonly index: Slot | number };
}

/** Adds a route. */
export function addRoute(script: Script, socket: NetlinkSocket, route: RouteInput): void {
  const why = purpose(
    'route',
    `the way to ${describe(route)}`,
    `通往${describeInChinese(route)}的路`,
  );
  request(script, socket, [routeMessage('RTM_NEWROUTE', route)], why);
}

/** Removes a route. */
export function deleteRoute(
  script: Script,
  socket: NetlinkSocket,
  route: RouteInput,
  options: { readonly ifExists?: boolean } = {},
): void {
  const why = purpose(
    'route-delete',
    `forget the way to ${describe(route)}`,
    `删除通往${describeInChinese(route)}的路`,
  );
  const extras = options.ifExists === true ? { tolerate: [ERRNO.ESRCH] } : {};
  request(script, socket, [routeMessage('RTM_DELROUTE', route)], why, extras);
}

/** The message alone. @throws Error when it leads nowhere, or families are mixed */
export function routeMessage(type: 'RTM_NEWROUTE' | 'RTM_DELROUTE', route: RouteInput): Message {
  const gateway = route.gateway === undefined ? undefined : parseIp(route.gateway);
  const target = route.to === 'default' ? undefined : networkOf(parsePrefix(route.to));
  const family = target?.family ?? gateway?.family ?? 4;
  if (gateway === undefined && route.link === undefined)
    throw new Error(`a route to ${route.to} needs a gateway or a link`);
  if (gateway !== undefined && gateway.family !== family)
    throw new Error(`a route to ${route.to} cannot go by ${route.gateway}: two families`);
  const created = type === 'RTM_NEWROUTE' ? NLM_F.NLM_F_CREATE | NLM_F.NLM_F_EXCL : 0;
  return {
    type: RTM[type],
    flags: NLM_F.NLM_F_REQUEST | NLM_F.NLM_F_ACK | created,
    header: routeHeader(addressFamily(family), target?.prefix ?? 0, gateway !== undefined, type),
    attributes: [
      ...(target === undefined ? [] : [attribute(RTA.RTA_DST, target.bytes)]),
      ...(gateway === undefined ? [] : [attribute(RTA.RTA_GATEWAY, gateway.bytes)]),
      ...(route.link === undefined ? [] : [u32(RTA.RTA_OIF, route.link.index)]),
    ],
    display: `{${type}, ${displayRoute(route)}}`,
  };
}

/**
 * Lets a namespace pass on packets that are not its own, as a router does.
 *
 * @param proc fd of a procfs that can be trusted (plan/private-proc.ts); its sys/net is that of
 *   the network namespace that the process is in
 */
export function setForwarding(script: Script, proc: Slot, family: 4 | 6, on = true): void {
  const file = family === 4 ? 'sys/net/ipv4/ip_forward' : 'sys/net/ipv6/conf/all/forwarding';
  const why = purpose(
    'forwarding',
    on
      ? 'pass packets on from link to link: this namespace is a router now'
      : 'pass no packets on from link to link',
    on ? '在网卡之间转发数据包：这个命名空间现在是路由器' : '不在网卡之间转发数据包',
  );
  writeProcFile(script, proc, file, bytes(on ? '1' : '0'), why);
}

/** struct rtmsg: family, bits of target and source, tos, table, protocol, scope, type, flags */
function routeHeader(
  family: number,
  prefix: number,
  viaGateway: boolean,
  type: 'RTM_NEWROUTE' | 'RTM_DELROUTE',
): Piece[] {
  const scope = viaGateway ? RT_SCOPE.RT_SCOPE_UNIVERSE : RT_SCOPE.RT_SCOPE_LINK;
  // A removal that names neither protocol nor scope matches any.
  const details =
    type === 'RTM_NEWROUTE'
      ? [RTPROT.RTPROT_STATIC, scope, RTN.RTN_UNICAST]
      : [0, RT_SCOPE_NOWHERE, 0];
  return [
    Uint8Array.of(family, prefix, 0, 0, RT_TABLE.RT_TABLE_MAIN, ...details),
    new Uint8Array(4),
  ];
}

const RT_SCOPE_NOWHERE = 255;

function describe({ to, gateway, link }: RouteInput): string {
  const target = to === 'default' ? 'everything else' : to;
  const by = gateway === undefined ? '' : `, by ${gateway}`;
  return `${target}${by}${link === undefined ? '' : `, out of ${link.name}`}`;
}

function describeInChinese({ to, gateway, link }: RouteInput): string {
  const target = to === 'default' ? '其余一切' : ` ${to} `;
  const by = gateway === undefined ? '' : `（经由 ${gateway}）`;
  return `${target}${by}${link === undefined ? '' : `，从 ${link.name} 出去`}`;
}

function displayRoute({ to, gateway, link }: RouteInput): string {
  const fields = [`dst=${to}`];
  if (gateway !== undefined) fields.push(`gateway=${formatIp(parseIp(gateway).bytes)}`);
  if (link !== undefined) fields.push(`oif=${displayIndex(link.index)}`);
  return fields.join(', ');
}
