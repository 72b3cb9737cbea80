/**
 * The network of a container: a veth pair whose one end is a port of a bridge and whose other end
 * is the container's eth0; NAT, and ports of the host that lead to ports of the container. Pure:
 * appends to plans.
 *
 *   runtime namespace (the host's, or a sandbox's)             container namespace
 *     tr0 (bridge, 10.88.0.1/16) ── veth-ID ═══════════════════ eth0 (10.88.0.2/16)
 *     table inet terrarium_ID: NAT of this container alone      default route by 10.88.0.1
 *
 * Two sides, two functions:
 *   connectContainer     by a process in the runtime namespace, once the container's namespace exists
 *   configureContainer   by a process in the container's namespace: best its init itself, before
 *                        it gives up CAP_NET_ADMIN. Another one needs ptrace access to join it
 *                        (inNetworkNamespace), which in a sandbox nobody has before init's execve
 * Both need CAP_NET_ADMIN there. What is the container's own can be found by its id: removal needs
 * no memory (networkRemovalPlan). The bridge, its address and the forwarding switch belong to all
 * containers, and stay.
 */
import { createHash } from 'node:crypto';
import {
  bytes,
  formatMac,
  INTERFACE_NAME_LENGTH,
  type Plan,
  PlanBuilder,
  parsePrefix,
  type Slot,
} from '@terrarium/syscall';
import { openHostProc, writeProcFile } from '../plan/private-proc.js';
import { purpose, Script } from '../plan/script.js';
import { addAddress } from './addresses.js';
import { addBridgePort, ensureBridge, setHairpin } from './bridges.js';
import { type ContainerNetwork, placements } from './container-network-config.js';
import { containerTable, hasLoopbackForwards, tableName } from './container-rules.js';
import { addVeth, deleteLink, setLinkUp } from './links.js';
import { closeNetlink, interfaceIndex, type NetlinkSocket, openNetlink } from './netlink-calls.js';
import {
  describeNetworkNamespace,
  enterNetworkNamespace,
  type NetworkNamespace,
} from './network-namespace.js';
import { addTable, deleteTable } from './nftables.js';
import { addRoute, setForwarding } from './routes.js';

/** Names of what a container has in the runtime namespace. */
export interface NetworkNames {
  /** the bridge's end of the veth pair */
  readonly link: string;
  /** the nftables table of family inet */
  readonly table: string;
}

/**
 * The names follow from the id, so that removal works after any crash. A long or odd id becomes a
 * hash: `veth` and 11 hex digits, which no short id can look like (it has a dash there).
 */
export function networkNames(id: string): NetworkNames {
  const plain = `veth-${id}`;
  const isPlain = plain.length <= INTERFACE_NAME_LENGTH && /^[\w.-]+$/.test(plain);
  const hash = createHash('sha256').update(id).digest('hex').slice(0, 11);
  return { link: isPlain ? plain : `veth${hash}`, table: tableName(id) };
}

/**
 * The runtime's side. Its process is in the runtime's network namespace; `init` is a process in the
 * container's, as the first one's pid namespace numbers it.
 *
 * `proc` is an fd of a procfs that can be trusted: openHostProc on the host, openPrivateProc in a
 * sandbox, whose learner may have put anything at /proc.
 *
 * What can be refused for reasons outside comes first, so that a failure leaves as little as
 * possible: the bridge alone, if it was missing. The veth pair dies with the container's namespace.
 */
export function connectContainer(
  script: Script,
  id: string,
  network: ContainerNetwork,
  init: Slot | number,
  proc: Slot,
): void {
  const names = networkNames(id);
  const route = openNetlink(script, 'NETLINK_ROUTE', 'route');
  const bridge = prepareBridge(script, route, network);
  const { mtu, mac } = network;
  addVeth(script, route, {
    name: names.link,
    ...(mtu === undefined ? {} : { mtu }),
    peer: {
      name: network.interfaceName,
      namespace: { kind: 'pid', value: init },
      ...(mtu === undefined ? {} : { mtu }),
      ...(mac === undefined ? {} : { mac }),
    },
  });
  plugIn(script, route, names.link, network, bridge);
  closeNetlink(script, route);
  forwardPackets(script, network, proc);
  installRules(script, id, network);
}

/** The container's side. Its process is in the container's network namespace. */
export function configureContainer(script: Script, network: ContainerNetwork): void {
  const route = openNetlink(script, 'NETLINK_ROUTE', 'containerRoute');
  const name = network.interfaceName;
  setLinkUp(script, route, 'lo');
  const index = interfaceIndex(script, route, name);
  for (const { address } of placements(network))
    addAddress(script, route, { name, index }, address);
  setLinkUp(script, route, name);
  for (const { gateway } of placements(network))
    addRoute(script, route, { to: 'default', gateway, link: { name, index } });
  closeNetlink(script, route);
}

/**
 * Removes what a container has in the runtime namespace, whatever is left of it: its rules, its end
 * of the veth pair, and with it the other one. Harmless when nothing is there.
 */
export function disconnectContainer(script: Script, id: string): void {
  const names = networkNames(id);
  const netfilter = openNetlink(script, 'NETLINK_NETFILTER', 'netfilter');
  const why = purpose(
    'network-rules-remove',
    `remove the table ${names.table}: all rules of this container at once`,
    `删除表 ${names.table}：一次去掉这个容器的所有规则`,
  );
  deleteTable(script, netfilter, names.table, why, { ifExists: true });
  closeNetlink(script, netfilter);
  const route = openNetlink(script, 'NETLINK_ROUTE', 'route');
  deleteLink(script, route, names.link, { ifExists: true });
  closeNetlink(script, route);
}

/**
 * Gives a network to a namespace that is there already, both sides in one plan: for a lesson's
 * namespace, or a pod's. `containerPid` is a process in it.
 */
export function networkSetupPlan(input: {
  readonly id: string;
  readonly network: ContainerNetwork;
  /** the runtime's */
  readonly netns: NetworkNamespace;
  readonly containerPid: number;
}): Plan {
  const builder = new PlanBuilder(`connect container ${input.id}`);
  const script = new Script(builder, 'outside', builder.slot('fd'));
  const proc = openHostProc(script);
  enterNetworkNamespace(script, input.netns);
  connectContainer(script, input.id, input.network, input.containerPid, proc);
  enterNetworkNamespace(script, { kind: 'pid', pid: input.containerPid });
  configureContainer(script, input.network);
  return builder.build();
}

/** disconnectContainer as a plan of its own. */
export function networkRemovalPlan(input: {
  readonly id: string;
  readonly netns: NetworkNamespace;
}): Plan {
  const builder = new PlanBuilder(`remove the network of container ${input.id}`);
  const script = new Script(builder, 'outside', builder.slot('fd'));
  enterNetworkNamespace(script, input.netns);
  disconnectContainer(script, input.id);
  return builder.build();
}

/**
 * Removes a bridge. Ask `readNetwork` first whether it has ports: the kernel removes it all the
 * same and leaves them unplugged.
 */
export function bridgeRemovalPlan(bridge: string, netns: NetworkNamespace): Plan {
  const builder = new PlanBuilder(`remove ${bridge} of ${describeNetworkNamespace(netns)}`);
  const script = new Script(builder, 'outside', builder.slot('fd'));
  enterNetworkNamespace(script, netns);
  const route = openNetlink(script, 'NETLINK_ROUTE', 'route');
  deleteLink(script, route, bridge, { ifExists: true });
  closeNetlink(script, route);
  return builder.build();
}

/** @returns the bridge's index */
function prepareBridge(script: Script, route: NetlinkSocket, network: ContainerNetwork): Slot {
  const name = network.bridge;
  ensureBridge(script, route, name, { mac: bridgeMac(network) });
  const index = interfaceIndex(script, route, name);
  for (const { address, gateway } of placements(network)) {
    const { prefix } = parsePrefix(address);
    addAddress(script, route, { name, index }, `${gateway}/${prefix}`, { ifMissing: true });
  }
  return index;
}

/** Of one's own choice (the second bit of the first byte), and the same each time. */
function bridgeMac(network: ContainerNetwork): string {
  const [first] = placements(network);
  const digest = createHash('sha256').update(`${network.bridge} ${first?.gateway}`).digest();
  return formatMac(Uint8Array.of(0x02, ...digest.subarray(0, 5)));
}

function plugIn(
  script: Script,
  route: NetlinkSocket,
  link: string,
  network: ContainerNetwork,
  bridge: Slot,
): void {
  addBridgePort(script, route, link, { name: network.bridge, index: bridge });
  if (network.hostPorts.length > 0)
    setHairpin(script, route, { name: link, index: interfaceIndex(script, route, link) });
  setLinkUp(script, route, link);
}

/**
 * Without any way out or in, the namespace need not be a router. IPv6 forwarding makes a host
 * ignore router advertisements, so it is switched on only for containers that have IPv6.
 */
function forwardPackets(script: Script, network: ContainerNetwork, proc: Slot): void {
  if (!network.masquerade && network.hostPorts.length === 0) return;
  const families = new Set(placements(network).map(({ address }) => parsePrefix(address).family));
  for (const family of families) setForwarding(script, proc, family);
  if (!hasLoopbackForwards(network)) return;
  writeProcFile(
    script,
    proc,
    `sys/net/ipv4/conf/${network.bridge}/route_localnet`,
    bytes('1'),
    purpose(
      'route-localnet',
      'let a connection to 127.0.0.1 leave by the bridge, after its target was translated',
      '允许发往 127.0.0.1 的连接在改写目标之后从网桥出去',
    ),
  );
}

function installRules(script: Script, id: string, network: ContainerNetwork): void {
  const table = containerTable(id, network);
  if (table === null) return;
  const netfilter = openNetlink(script, 'NETLINK_NETFILTER', 'netfilter');
  addTable(
    script,
    netfilter,
    table,
    purpose(
      'network-rules',
      `the table ${table.name}: rules for the packets of this container, all at once or none`,
      `表 ${table.name}：这个容器的数据包规则，要么全部生效，要么都不生效`,
    ),
  );
  closeNetlink(script, netfilter);
}
