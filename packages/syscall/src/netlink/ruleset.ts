/**
 * The nftables rules of a namespace as the kernel lists them: from the bodies of NFT_MSG_NEWTABLE,
 * NFT_MSG_NEWCHAIN and NFT_MSG_NEWRULE messages to plain values. Every table is listed, whoever
 * made it. Pure.
 */
import {
  NF_INET,
  NF_VERDICT,
  NFGENMSG_BYTES,
  NFTA_CHAIN,
  NFTA_COUNTER,
  NFTA_EXPR,
  NFTA_HOOK,
  NFTA_LIST_ELEM,
  NFTA_RULE,
  NFTA_TABLE,
} from './constants.js';
import { Attributes } from './decode.js';
import { describeExpression } from './nft-describe.js';
import type { SetElements } from './nft-set.js';
import { type RuleContext, ruleText } from './nft-text.js';

/** A table with its chains, in the kernel's order. */
export interface RulesetTable {
  /** `inet`, `ip`, `ip6`, `bridge`, … */
  readonly family: string;
  readonly name: string;
  readonly chains: readonly RulesetChain[];
}

/** A chain; what hangs at no hook is only jumped to. */
export interface RulesetChain {
  readonly name: string;
  readonly base: {
    readonly type: string;
    readonly hook: string;
    readonly priority: number;
  } | null;
  /** of a base chain: what becomes of packets that no rule has decided upon */
  readonly policy: 'accept' | 'drop' | null;
  readonly rules: readonly RulesetRule[];
}

/** A rule of a chain. */
export interface RulesetRule {
  readonly handle: number;
  /** as `nft --debug=netlink` prints them: `meta load oifname => reg 1` */
  readonly expressions: readonly string[];
  /** as `nft list ruleset` writes it, without the counts of its counter */
  readonly text: string;
  readonly comment: string | null;
  /** null for a rule without a counter; exact up to 2^53 */
  readonly counter: { readonly packets: number; readonly bytes: number } | null;
}

const FAMILIES: Readonly<Record<number, string>> = {
  1: 'inet',
  2: 'ip',
  3: 'arp',
  5: 'netdev',
  7: 'bridge',
  10: 'ip6',
};

/**
 * Puts the three dumps together.
 *
 * @param sets the elements of anonymous sets; without them a rule's text has their names
 */
export function rulesetFrom(
  tables: readonly Uint8Array[],
  chains: readonly Uint8Array[],
  rules: readonly Uint8Array[],
  sets: readonly SetElements[] = [],
): RulesetTable[] {
  const read = (body: Uint8Array) => ({
    family: FAMILIES[body[0] ?? 0] ?? `family ${body[0]}`,
    attributes: new Attributes(body, NFGENMSG_BYTES),
  });
  const allRules = rules.map(read);
  const allChains = chains.map(read);
  return tables.map(read).map(({ family, attributes }) => {
    const table = attributes.text(NFTA_TABLE.NFTA_TABLE_NAME) ?? '';
    const own = allChains.filter(
      (one) => one.family === family && one.attributes.text(NFTA_CHAIN.NFTA_CHAIN_TABLE) === table,
    );
    const set = (name: string) =>
      sets.find(
        (one) => one.table === table && one.name === name && FAMILIES[one.family] === family,
      );
    return {
      family,
      name: table,
      chains: own.map((chain) => {
        const name = chain.attributes.text(NFTA_CHAIN.NFTA_CHAIN_NAME) ?? '';
        const ownRules = allRules.filter(
          (one) =>
            one.family === family &&
            one.attributes.text(NFTA_RULE.NFTA_RULE_TABLE) === table &&
            one.attributes.text(NFTA_RULE.NFTA_RULE_CHAIN) === name,
        );
        return {
          name,
          base: baseFrom(chain.attributes),
          policy: policyFrom(chain.attributes),
          rules: ownRules.map((rule) => ruleFrom(rule.attributes, { family, set })),
        };
      }),
    };
  });
}

function baseFrom(chain: Attributes): RulesetChain['base'] {
  if (chain.bytes(NFTA_CHAIN.NFTA_CHAIN_HOOK) === undefined) return null;
  const hook = chain.nested(NFTA_CHAIN.NFTA_CHAIN_HOOK);
  const number = hook.be32(NFTA_HOOK.NFTA_HOOK_HOOKNUM);
  const found = Object.entries(NF_INET).find(([, value]) => value === number);
  return {
    type: chain.text(NFTA_CHAIN.NFTA_CHAIN_TYPE) ?? '',
    hook: found?.[0] ?? `hook ${number}`,
    priority: (hook.be32(NFTA_HOOK.NFTA_HOOK_PRIORITY) ?? 0) | 0, // signed
  };
}

function policyFrom(chain: Attributes): RulesetChain['policy'] {
  const policy = chain.be32(NFTA_CHAIN.NFTA_CHAIN_POLICY);
  if (policy === undefined) return null;
  return policy === NF_VERDICT.accept ? 'accept' : 'drop';
}

function ruleFrom(rule: Attributes, context: RuleContext): RulesetRule {
  const expressions = rule.nested(NFTA_RULE.NFTA_RULE_EXPRESSIONS).each(NFTA_LIST_ELEM);
  const comment = commentFrom(rule.bytes(NFTA_RULE.NFTA_RULE_USERDATA));
  const counter = expressions
    .find((one) => one.text(NFTA_EXPR.NFTA_EXPR_NAME) === 'counter')
    ?.nested(NFTA_EXPR.NFTA_EXPR_DATA);
  return {
    handle: Number(rule.be64(NFTA_RULE.NFTA_RULE_HANDLE) ?? 0),
    expressions: expressions.map(describeExpression),
    text: `${ruleText(expressions, context)}${comment === null ? '' : ` comment "${comment}"`}`,
    comment,
    counter:
      counter === undefined
        ? null
        : {
            packets: Number(counter.be64(NFTA_COUNTER.NFTA_COUNTER_PACKETS) ?? 0),
            bytes: Number(counter.be64(NFTA_COUNTER.NFTA_COUNTER_BYTES) ?? 0),
          },
  };
}

/** The user's data: type 0 is the comment; type, length and value in turn. */
function commentFrom(userdata: Uint8Array | undefined): string | null {
  for (let at = 0; userdata !== undefined && at + 2 <= userdata.length; ) {
    const [type, length = 0] = userdata.subarray(at);
    const value = userdata.subarray(at + 2, at + 2 + length);
    if (type === 0) return new TextDecoder().decode(value).replace(/\0.*$/s, '');
    at += 2 + length;
  }
  return null;
}
