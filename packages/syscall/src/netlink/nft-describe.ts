/**
 * One expression of a rule in words, as `nft --debug=netlink` prints it. What is not known here is
 * named and no more: other people's rules are listed, not interpreted. Pure.
 */
import { NFTA_DATA, NFTA_EXPR } from './constants.js';
import type { Attributes } from './decode.js';
import { viewOf } from './decode.js';

const META_KEYS: Readonly<Record<number, string>> = {
  1: 'protocol',
  3: 'mark',
  4: 'iif',
  5: 'oif',
  6: 'iifname',
  7: 'oifname',
  15: 'nfproto',
  16: 'l4proto',
};
const CT_KEYS: Readonly<Record<number, string>> = { 0: 'state', 1: 'direction', 2: 'status' };
const HEADERS: Readonly<Record<number, string>> = { 0: 'link', 1: 'network', 2: 'transport' };
const OPERATORS: Readonly<Record<number, string>> = {
  0: 'eq',
  1: 'neq',
  2: 'lt',
  3: 'lte',
  4: 'gt',
  5: 'gte',
};
const VERDICTS: Readonly<Record<number, string>> = { 0: 'drop', 1: 'accept' };

/** From one element of NFTA_RULE_EXPRESSIONS. */
export function describeExpression(element: Attributes): string {
  const name = element.text(NFTA_EXPR.NFTA_EXPR_NAME) ?? '?';
  const data = element.nested(NFTA_EXPR.NFTA_EXPR_DATA);
  return WORDS[name]?.(data) ?? name;
}

/** Attribute numbers as in linux/netfilter/nf_tables.h, NFTA_META_DREG and so on. */
const WORDS: Readonly<Record<string, (data: Attributes) => string>> = {
  meta: (data) => `meta load ${keyOf(META_KEYS, data.be32(2))} => reg ${data.be32(1)}`,
  ct: (data) => `ct load ${keyOf(CT_KEYS, data.be32(2))} => reg ${data.be32(1)}`,
  fib: (data) => `fib daddr type => reg ${data.be32(1)}`,
  payload: (data) =>
    `payload load ${data.be32(4)}b @ ${keyOf(HEADERS, data.be32(2))} header + ${data.be32(3)} => reg ${data.be32(1)}`,
  bitwise: (data) => `bitwise reg ${data.be32(2)} = reg ${data.be32(1)} & ${hexOf(data, 4)}`,
  cmp: (data) => `cmp ${keyOf(OPERATORS, data.be32(2))} reg ${data.be32(1)} ${hexOf(data, 3)}`,
  immediate: (data) => {
    const verdict = data.nested(2).nested(NFTA_DATA.NFTA_DATA_VERDICT).be32(1);
    return verdict === undefined
      ? `immediate reg ${data.be32(1)} ${hexOf(data, 2)}`
      : `immediate ${keyOf(VERDICTS, verdict)}`;
  },
  nat: (data) =>
    `nat ${data.be32(1) === 1 ? 'dnat' : 'snat'} addr_min reg ${data.be32(3)} proto_min reg ${data.be32(5)}`,
  masq: () => 'masq',
  counter: (data) => `counter pkts ${data.be64(2)} bytes ${data.be64(1)}`,
};

function keyOf(names: Readonly<Record<number, string>>, value: number | undefined): string {
  return names[value ?? -1] ?? String(value);
}

/** In the order in which the bytes stand in the packet. */
function hexOf(data: Attributes, type: number): string {
  const bytes = data.nested(type).bytes(NFTA_DATA.NFTA_DATA_VALUE) ?? new Uint8Array();
  const view = viewOf(bytes);
  const digits = Array.from(bytes, (_, at) => view.getUint8(at).toString(16).padStart(2, '0'));
  return `0x${digits.join('')}`;
}
