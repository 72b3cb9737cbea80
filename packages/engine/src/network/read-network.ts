/**
 * Reads the network of a namespace: links, addresses, routes, nftables rules with their counters.
 * By a plan that steps into the namespace and asks for dumps, so that neither Node nor the daemon
 * ever leaves its own. Changes nothing.
 *
 * A dump is an unknown number of datagrams, and a plan is a fixed list: it has room for some, and
 * when they do not end with NLMSG_DONE the plan is run again with more.
 */
import {
  addressesFrom,
  byteLength,
  type CallReport,
  type DecodedMessage,
  DUMP,
  decodeAnswer,
  decodeMessages,
  ERRNO,
  type InterfaceAddress,
  linksFrom,
  type Message,
  MSG,
  messageBlock,
  type NETLINK,
  type NetworkLink,
  type NetworkRoute,
  NLMSG,
  type Plan,
  PlanBuilder,
  PlanError,
  type Player,
  type RulesetTable,
  routesFrom,
  rulesetFrom,
  SyscallError,
  scratch,
  shown,
} from '@terrarium/syscall';
import { purpose, Script } from '../plan/script.js';
import { openNetlink } from './netlink-calls.js';
import { isPlanError } from './network-error.js';
import {
  describeNetworkNamespace,
  enterNetworkNamespace,
  type NetworkNamespace,
} from './network-namespace.js';

/** All of it, as it was at about one time. */
export interface NetworkDump {
  readonly links: readonly NetworkLink[];
  readonly addresses: readonly InterfaceAddress[];
  /** of the main table: what `ip route` and `ip -6 route` show */
  readonly routes: readonly NetworkRoute[];
  /** null where the kernel has no nf_tables */
  readonly tables: readonly RulesetTable[] | null;
}

/** Bytes of one datagram; the player reports no larger block. */
const DATAGRAM_BYTES = 16 * 1024;
/** Datagrams of each dump at first, and at most; 40 links and more fit the first time. */
const FIRST_ROOM = 3;
const MOST_ROOM = 200;

/** Reads everything. @throws PlanError when the namespace cannot be entered or read */
export async function readNetwork(player: Player, netns: NetworkNamespace): Promise<NetworkDump> {
  const [linkBodies = [], addressBodies = [], routeBodies = []] = await dump(
    player,
    netns,
    'NETLINK_ROUTE',
    [DUMP.links, DUMP.addresses, DUMP.routes],
  );
  const links = linksFrom(linkBodies);
  return {
    links,
    addresses: addressesFrom(addressBodies, links),
    routes: routesFrom(routeBodies, links),
    tables: await readRuleset(player, netns),
  };
}

/** Reads the links alone; `bridgePorts` finds those of a bridge among them. */
export async function readLinks(player: Player, netns: NetworkNamespace): Promise<NetworkLink[]> {
  const [bodies = []] = await dump(player, netns, 'NETLINK_ROUTE', [DUMP.links]);
  return linksFrom(bodies);
}

/** Reads the nftables rules; null where the kernel has no nf_tables. */
export async function readRuleset(
  player: Player,
  netns: NetworkNamespace,
): Promise<RulesetTable[] | null> {
  try {
    const answers = await dump(player, netns, 'NETLINK_NETFILTER', [
      DUMP.tables,
      DUMP.chains,
      DUMP.rules,
    ]);
    const [tables = [], chains = [], rules = []] = answers;
    return rulesetFrom(tables, chains, rules);
  } catch (error) {
    if (isMissingNftables(error)) return null;
    throw error;
  }
}

/** The bodies of each dump's messages. */
async function dump(
  player: Player,
  netns: NetworkNamespace,
  protocol: keyof typeof NETLINK,
  requests: readonly Message[],
): Promise<Uint8Array[][]> {
  for (let room = FIRST_ROOM; room <= MOST_ROOM; room *= 4) {
    const plan = dumpPlan(netns, protocol, requests, room);
    const { reports } = await player.run(plan, { batched: true }).done;
    const answers = answersOf(plan, reports);
    if (answers.every(isComplete)) return answers.map(bodiesOf);
  }
  throw new Error(
    `${describeNetworkNamespace(netns)} has more than ${(MOST_ROOM * DATAGRAM_BYTES) / 1024} KiB to tell`,
  );
}

function dumpPlan(
  netns: NetworkNamespace,
  protocol: keyof typeof NETLINK,
  requests: readonly Message[],
  room: number,
): Plan {
  const builder = new PlanBuilder(`read ${describeNetworkNamespace(netns)}`);
  const script = new Script(builder, 'outside', builder.slot('fd'));
  enterNetworkNamespace(script, netns);
  for (const [index, message] of requests.entries()) {
    // One socket for each: a dump that is not read to its end keeps its socket busy.
    const socket = openNetlink(script, protocol, `dump${index}`);
    const block = messageBlock([message]);
    const length = byteLength(block);
    const name = socket.fd.name;
    script.call('sendto', [socket.fd, block, length, 0, 0, 0], ASK, {
      display: `sendto(<${name}>, ${message.display}, ${length}, 0, NULL, 0)`,
      atLeast: length,
    });
    for (let count = 0; count < room; count++) {
      const datagram = scratch(DATAGRAM_BYTES);
      script.call(
        'recvfrom',
        [socket.fd, datagram, DATAGRAM_BYTES, shown(MSG.MSG_DONTWAIT, 'MSG_DONTWAIT'), 0, 0],
        LISTEN,
        { reportBlock: datagram, tolerate: [ERRNO.EAGAIN] },
      );
    }
  }
  return builder.build();
}

const ASK = purpose('network-ask', 'ask the kernel to list them all', '请内核全部列出');
const LISTEN = purpose('network-listen', 'read some of the list', '读取列表的一部分');

/** The messages of each request: those of the recvfrom calls that follow its sendto. */
function answersOf(plan: Plan, reports: readonly CallReport[]): DecodedMessage[][] {
  const answers: DecodedMessage[][] = [];
  for (const { process, index, errno, result, bytes } of reports) {
    const step = plan.processes[process]?.[index];
    if (step?.kind !== 'call') continue;
    if (step.syscall === 'sendto') answers.push([]);
    if (step.syscall !== 'recvfrom' || errno !== 0 || bytes === undefined) continue;
    const datagram = bytes.subarray(0, Number(result));
    failOnError(plan, datagram);
    answers.at(-1)?.push(...decodeMessages(datagram));
  }
  return answers;
}

/** A dump that is refused answers with NLMSG_ERROR. */
function failOnError(plan: Plan, datagram: Uint8Array): void {
  const answer = decodeAnswer(datagram);
  if (answer === null || answer.errno === 0) return;
  const words = answer.message === null ? '' : ` (${answer.message})`;
  const cause = new SyscallError({
    syscall: 'recvfrom',
    errno: answer.errno,
    args: `the answer to message type ${answer.type}${words}`,
  });
  throw new PlanError({ plan: plan.name, message: cause.message, reports: [], cause });
}

function isComplete(messages: readonly DecodedMessage[]): boolean {
  return messages.some(({ type }) => type === NLMSG.NLMSG_DONE);
}

function bodiesOf(messages: readonly DecodedMessage[]): Uint8Array[] {
  return messages.filter(({ type }) => type > NLMSG.NLMSG_DONE).map(({ body }) => body);
}

/** No NETLINK_NETFILTER at all, or none with nf_tables. */
function isMissingNftables(error: unknown): boolean {
  const cause = isPlanError(error) ? (error.cause as Partial<SyscallError> | undefined) : undefined;
  return (
    cause?.errno === ERRNO.EPROTONOSUPPORT ||
    (cause?.syscall === 'recvfrom' && cause.errno === ERRNO.EINVAL)
  );
}
