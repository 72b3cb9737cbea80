/**
 * What went wrong when the kernel refused a netlink message: the message, the errno, the kernel's
 * own words and a hint. From the report of a failed plan. Pure.
 */

import type { MessageBlock } from '@terrarium/syscall';
import {
  type Block,
  type Call,
  decodeAnswer,
  ERRNO,
  errnoMeaning,
  errnoName,
  type Plan,
  type PlanError,
} from '@terrarium/syscall';

/** The parts of a refusal. */
export interface NetworkRefusal {
  /** the refused message as displays write it: `{RTM_NEWLINK, ifname="tr0", kind="bridge"}` */
  readonly request: string;
  readonly errno: number;
  /** errno's name */
  readonly code: string;
  /** NLMSGERR_ATTR_MSG, where the kernel has words for it */
  readonly words: string | null;
  readonly hint: string | null;
  /** all of it as one sentence */
  readonly message: string;
}

/**
 * Explains why a plan failed at the answer to a netlink message.
 *
 * @returns null when it failed at something else
 */
export function explainNetworkError(plan: Plan, error: PlanError): NetworkRefusal | null {
  const { failed } = error;
  if (failed?.bytes === undefined) return null;
  const steps = plan.processes[failed.process] ?? [];
  const answering = steps[failed.index];
  const asking = steps[failed.index - 1];
  if (answering?.kind !== 'call' || answering.ack === undefined) return null;
  if (asking?.kind !== 'call' || asking.syscall !== 'sendto') return null;
  const answer = decodeAnswer(failed.bytes.subarray(0, lengthOf(failed.bytes)));
  const message = messagesOf(asking)[(answer?.sequence ?? 0) - 1];
  if (answer === null || message === undefined) return null;
  const { errno, message: words } = answer;
  const code = errnoName(errno);
  const hint = hintFor(message.display, errno);
  const said = words === null ? '' : `: ${words}`;
  const advice = hint === null ? '' : `; ${hint}`;
  return {
    request: message.display,
    errno,
    code,
    words,
    hint,
    message: `${answering.purpose.en.replace("the kernel's answer to: ", '')}: ${message.display}: ${code} (${errnoMeaning(errno)})${said}${advice}`,
  };
}

/** By name: a player of another copy of the package throws another class. */
export function isPlanError(error: unknown): error is PlanError {
  return error instanceof Error && error.name === 'PlanError';
}

/** Errnos that say something else than a reader would think; first match wins. */
const HINTS: readonly {
  readonly request: RegExp;
  readonly errno: number;
  readonly hint: string;
}[] = [
  {
    request: /RTM_NEWLINK.*kind="bridge"/,
    errno: ERRNO.EOPNOTSUPP,
    hint: 'the name belongs to a link of another kind, or the kernel has no bridges (CONFIG_BRIDGE)',
  },
  {
    request: /RTM_NEWLINK.*kind="veth"/,
    errno: ERRNO.EOPNOTSUPP,
    hint: 'the kernel has no veth pairs (CONFIG_VETH)',
  },
  {
    request: /RTM_NEWLINK/,
    errno: ERRNO.EEXIST,
    hint: 'a link of that name is there already, here or in the namespace of the other end',
  },
  {
    request: /RTM_(NEW|SET)LINK/,
    errno: ERRNO.ESRCH,
    hint: 'the process whose namespace is meant has gone',
  },
  {
    request: /RTM_NEWADDR/,
    errno: ERRNO.EACCES,
    hint: 'IPv6 is switched off there: see /proc/sys/net/ipv6/conf/*/disable_ipv6',
  },
  {
    request: /RTM_NEWROUTE/,
    errno: ERRNO.ENETUNREACH,
    hint: 'the gateway is no neighbour: its link is down, or no address has it in its subnet',
  },
  {
    request: /NFT_MSG_NEWRULE/,
    errno: ERRNO.ENOENT,
    hint: 'the kernel lacks an expression of the rule (CONFIG_NFT_NAT, CONFIG_NFT_MASQ, CONFIG_NFT_FIB_INET, CONFIG_NFT_CT)',
  },
  {
    request: /NFT_MSG_NEWCHAIN/,
    errno: ERRNO.ENOENT,
    hint: 'the kernel lacks this type of chain (CONFIG_NFT_NAT, CONFIG_NF_TABLES_INET)',
  },
  {
    request: /./,
    errno: ERRNO.EPERM,
    hint: 'it needs CAP_NET_ADMIN in the user namespace that owns the network namespace',
  },
];

function hintFor(request: string, errno: number): string | null {
  return HINTS.find((row) => row.errno === errno && row.request.test(request))?.hint ?? null;
}

function messagesOf(call: Call): MessageBlock['messages'] {
  for (const argument of call.args)
    if (argument.kind === 'block' && isMessageBlock(argument.block)) return argument.block.messages;
  return [];
}

function isMessageBlock(block: Block): block is MessageBlock {
  return 'messages' in block;
}

/** A failed call's report has the whole block; the message says how much of it is the answer. */
function lengthOf(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
}
