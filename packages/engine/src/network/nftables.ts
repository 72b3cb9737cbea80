/**
 * nf_tables: tables, chains and rules as a batch of messages that takes effect whole or not at all.
 * Appends to a plan; the process that runs it needs CAP_NET_ADMIN over the socket's network
 * namespace (NETLINK_NETFILTER).
 */
import {
  AF,
  type Attribute,
  attribute,
  be16,
  be32,
  cString,
  ERRNO,
  type Message,
  NF_INET,
  NFNL_MSG_BATCH_BEGIN,
  NFNL_MSG_BATCH_END,
  NFNL_SUBSYS_NFTABLES,
  NFPROTO,
  NFT_MSG,
  NFTA_CHAIN,
  NFTA_HOOK,
  NFTA_LIST_ELEM,
  NFTA_RULE,
  NFTA_TABLE,
  NLM_F,
  nested,
  type Purpose,
} from '@terrarium/syscall';
import type { Script } from '../plan/script.js';
import { type NetlinkSocket, type RequestExtras, request } from './netlink-calls.js';
import { expressionAttribute, type Phrase } from './nft-expressions.js';

/** A chain that packets pass at one point of their way. */
export interface NftChain {
  readonly name: string;
  readonly type: 'nat' | 'filter';
  readonly hook: keyof typeof NF_INET;
  /** lower comes first: -100 is `dstnat`, 100 `srcnat`, -300 `raw`, 0 `filter` */
  readonly priority: number;
  readonly rules: readonly NftRule[];
}

/** A rule: phrases from left to right, each a condition or an action. */
export interface NftRule {
  readonly phrases: readonly Phrase[];
  /** shown by `nft list ruleset` */
  readonly comment?: string;
}

/** A table of family inet: both IPv4 and IPv6. */
export interface NftTable {
  readonly name: string;
  readonly chains: readonly NftChain[];
}

/** The longest comment that nft(8) shows, NUL included. */
const COMMENT_BYTES = 128;
const COMMENT_TYPE = 0;

/**
 * Makes a table with all that is in it, in one batch, so that no packet meets half of it. EEXIST
 * when there is one of that name: it is somebody's, and not to be replaced in silence (deleting one
 * also makes the kernel wait until no CPU can be using it).
 */
export function addTable(
  script: Script,
  socket: NetlinkSocket,
  { name, chains }: NftTable,
  why: Purpose,
): void {
  batch(script, socket, [newTable(name), ...chains.flatMap(chainMessages(name))], why);
}

/** Removes a table with all that is in it. */
export function deleteTable(
  script: Script,
  socket: NetlinkSocket,
  name: string,
  why: Purpose,
  options: { readonly ifExists?: boolean } = {},
): void {
  const extras = options.ifExists === true ? { tolerate: [ERRNO.ENOENT] } : {};
  batch(script, socket, [deleteTableMessage(name)], why, extras);
}

/**
 * Sends a batch. Only its last message asks for an answer; a message that fails answers unasked,
 * and earlier, so the first answer read is the outcome of all.
 */
export function batch(
  script: Script,
  socket: NetlinkSocket,
  messages: readonly Message[],
  why: Purpose,
  extras: RequestExtras = {},
): void {
  const asked = messages.map((message, index) =>
    index === messages.length - 1
      ? { ...message, flags: message.flags | NLM_F.NLM_F_ACK }
      : message,
  );
  request(
    script,
    socket,
    [edge('NFNL_MSG_BATCH_BEGIN'), ...asked, edge('NFNL_MSG_BATCH_END')],
    why,
    extras,
  );
}

/** `add table inet NAME` */
export function newTable(name: string): Message {
  return nftMessage('NFT_MSG_NEWTABLE', NLM_F.NLM_F_CREATE | NLM_F.NLM_F_EXCL, name, [
    cString(NFTA_TABLE.NFTA_TABLE_NAME, name),
  ]);
}

/** `delete table inet NAME` */
export function deleteTableMessage(name: string): Message {
  return nftMessage('NFT_MSG_DELTABLE', 0, name, [cString(NFTA_TABLE.NFTA_TABLE_NAME, name)]);
}

/** A chain and its rules, in order. */
export function chainMessages(table: string): (chain: NftChain) => Message[] {
  return (chain) => [
    newChain(table, chain),
    ...chain.rules.map((rule) => newRule(table, chain, rule)),
  ];
}

/** A rule as `nft` writes it: `ip saddr 10.88.0.2 oifname != "tr0" counter masquerade`. */
export function displayRule({ phrases }: NftRule): string {
  return phrases.map((phrase) => phrase.text).join(' ');
}

function newChain(table: string, { name, type, hook, priority }: NftChain): Message {
  return nftMessage(
    'NFT_MSG_NEWCHAIN',
    NLM_F.NLM_F_CREATE,
    `${name}: type ${type} hook ${hook} priority ${priority}`,
    [
      cString(NFTA_CHAIN.NFTA_CHAIN_TABLE, table),
      cString(NFTA_CHAIN.NFTA_CHAIN_NAME, name),
      nested(NFTA_CHAIN.NFTA_CHAIN_HOOK, [
        be32(NFTA_HOOK.NFTA_HOOK_HOOKNUM, NF_INET[hook]),
        be32(NFTA_HOOK.NFTA_HOOK_PRIORITY, priority),
      ]),
      cString(NFTA_CHAIN.NFTA_CHAIN_TYPE, type),
    ],
  );
}

function newRule(table: string, chain: NftChain, rule: NftRule): Message {
  const expressions = rule.phrases
    .flatMap((phrase) => phrase.expressions)
    .map((expression) => expressionAttribute(NFTA_LIST_ELEM, expression));
  return nftMessage(
    'NFT_MSG_NEWRULE',
    NLM_F.NLM_F_CREATE | NLM_F.NLM_F_APPEND,
    `${chain.name}: ${displayRule(rule)}`,
    [
      cString(NFTA_RULE.NFTA_RULE_TABLE, table),
      cString(NFTA_RULE.NFTA_RULE_CHAIN, chain.name),
      nested(NFTA_RULE.NFTA_RULE_EXPRESSIONS, expressions),
      ...(rule.comment === undefined ? [] : [commentAttribute(rule.comment)]),
    ],
  );
}

/** The user's data of a rule is a list of type, length, value in one byte each. */
function commentAttribute(comment: string): Attribute {
  const bytes = new TextEncoder().encode(`${comment}\0`);
  if (bytes.length > COMMENT_BYTES)
    throw new Error(`a rule's comment has at most ${COMMENT_BYTES - 1} bytes: ${comment}`);
  return attribute(NFTA_RULE.NFTA_RULE_USERDATA, Uint8Array.of(COMMENT_TYPE, bytes.length), bytes);
}

function nftMessage(
  type: keyof typeof NFT_MSG,
  flags: number,
  display: string,
  attributes: readonly Attribute[],
): Message {
  return {
    type: (NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG[type],
    flags: NLM_F.NLM_F_REQUEST | flags,
    // struct nfgenmsg: family, version 0, resource id
    header: [Uint8Array.of(NFPROTO.NFPROTO_INET, 0), be16(0)],
    attributes,
    display: `{${type}, inet ${display}}`,
  };
}

function edge(type: 'NFNL_MSG_BATCH_BEGIN' | 'NFNL_MSG_BATCH_END'): Message {
  return {
    type: type === 'NFNL_MSG_BATCH_BEGIN' ? NFNL_MSG_BATCH_BEGIN : NFNL_MSG_BATCH_END,
    flags: NLM_F.NLM_F_REQUEST,
    header: [Uint8Array.of(AF.AF_UNSPEC, 0), be16(NFNL_SUBSYS_NFTABLES)],
    attributes: [],
    display: `{${type}}`,
  };
}
