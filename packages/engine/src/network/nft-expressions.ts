/**
 * Expressions of nf_tables rules. A rule is a small program for a machine with registers: load a
 * field of the packet, compare, load an address, translate. Each expression is a name and
 * attributes; integers are in network byte order, and what goes into a register stays in the
 * order that the packet (or the kernel's variable) has. Pure.
 *
 *   [ meta load l4proto => reg 1 ] [ cmp eq reg 1 0x06 ] [ payload load 2b @ transport header + 2 => reg 1 ] …
 */
import {
  type Attribute,
  attribute,
  be16,
  be32,
  cString,
  formatIp,
  type IpAddress,
  type IpPrefix,
  le32,
  maskOf,
  NF_VERDICT,
  NFPROTO,
  NFTA_DATA,
  NFTA_EXPR,
  NFTA_VERDICT_CODE,
  nested,
  networkOf,
} from '@terrarium/syscall';

/** One expression, and how `nft` would write it (several expressions may make up one phrase). */
export interface Expression {
  readonly name: string;
  readonly attributes: readonly Attribute[];
}

/** A phrase of a rule: what `nft` writes, and the expressions that it stands for. */
export interface Phrase {
  /** `tcp dport 8080`, `masquerade` */
  readonly text: string;
  readonly expressions: readonly Expression[];
}

/** Registers of 16 bytes; 0 holds the verdict */
const REGISTER_1 = 1;
const REGISTER_2 = 2;
const VERDICT_REGISTER = 0;

const META = { META_DREG: 1, META_KEY: 2 } as const;
const META_KEY = { iifname: 6, oifname: 7, nfproto: 15, l4proto: 16 } as const;
const PAYLOAD = { DREG: 1, BASE: 2, OFFSET: 3, LENGTH: 4 } as const;
const NETWORK_HEADER = 1;
const TRANSPORT_HEADER = 2;
const CMP = { SREG: 1, OP: 2, DATA: 3 } as const;
const CMP_OP = { '==': 0, '!=': 1 } as const;
const IMMEDIATE = { DREG: 1, DATA: 2 } as const;
const BITWISE = { SREG: 1, DREG: 2, LENGTH: 3, MASK: 4, XOR: 5 } as const;
const NAT = { TYPE: 1, FAMILY: 2, ADDRESS_MIN: 3, PORT_MIN: 5, FLAGS: 7 } as const;
const NAT_DESTINATION = 1;
const NF_NAT_RANGE_PROTO_SPECIFIED = 2;
const FIB = { DREG: 1, RESULT: 2, FLAGS: 3 } as const;
const FIB_RESULT_ADDRESS_TYPE = 3;
const FIB_DESTINATION = 2;
const CT = { DREG: 1, KEY: 2 } as const;
const CT_KEY_STATUS = 2;
const IPS_DST_NAT = 0x20;
const RTN_LOCAL = 2;
const INTERFACE_NAME_BYTES = 16;

/** Where an address stands in its header, in bytes. */
const ADDRESS_OFFSET = { 4: { saddr: 12, daddr: 16 }, 6: { saddr: 8, daddr: 24 } } as const;
const PORT_OFFSET = { sport: 0, dport: 2 } as const;
const IP_PROTOCOL = { tcp: 6, udp: 17 } as const;

/** `ip saddr 10.88.0.2`, `ip6 daddr fd00::/64`, `ip daddr != 10.88.0.0/16`; includes the family. */
export function matchAddress(
  field: 'saddr' | 'daddr',
  subnet: IpPrefix | IpAddress,
  operator: '==' | '!=' = '==',
): Phrase {
  const { family, bytes } = subnet;
  const prefix = 'prefix' in subnet ? subnet.prefix : bytes.length * 8;
  const whole = prefix === bytes.length * 8;
  const network = networkOf({ family, bytes, prefix });
  const mask = whole ? [] : [bitwise(maskOf(network))];
  const shown = whole ? formatIp(bytes) : `${formatIp(network.bytes)}/${prefix}`;
  const negation = operator === '!=' ? '!= ' : '';
  return {
    text: `${family === 4 ? 'ip' : 'ip6'} ${field} ${negation}${shown}`,
    expressions: [
      ...matchFamily(family).expressions,
      payload(NETWORK_HEADER, ADDRESS_OFFSET[family][field], bytes.length),
      ...mask,
      compare(operator, network.bytes),
    ],
  };
}

/** `meta nfproto ipv4`: in a table of both families, only packets of one. */
export function matchFamily(family: 4 | 6): Phrase {
  const protocol = family === 4 ? NFPROTO.NFPROTO_IPV4 : NFPROTO.NFPROTO_IPV6;
  return {
    text: `meta nfproto ipv${family}`,
    expressions: [meta(META_KEY.nfproto), compare('==', Uint8Array.of(protocol))],
  };
}

/** `tcp dport 8080`. */
export function matchPort(protocol: 'tcp' | 'udp', field: 'sport' | 'dport', port: number): Phrase {
  return {
    text: `${protocol} ${field} ${port}`,
    expressions: [
      meta(META_KEY.l4proto),
      compare('==', Uint8Array.of(IP_PROTOCOL[protocol])),
      payload(TRANSPORT_HEADER, PORT_OFFSET[field], 2),
      compare('==', be16(port)),
    ],
  };
}

/** `oifname != "tr0"`: by name, so that the link need not exist yet. */
export function matchInterface(
  field: 'iifname' | 'oifname',
  name: string,
  operator: '==' | '!=' = '==',
): Phrase {
  const padded = new Uint8Array(INTERFACE_NAME_BYTES);
  padded.set(new TextEncoder().encode(name));
  const negation = operator === '!=' ? '!= ' : '';
  return {
    text: `${field} ${negation}"${name}"`,
    expressions: [meta(META_KEY[field]), compare(operator, padded)],
  };
}

/** `fib daddr type local`: the packet is addressed to this namespace itself. */
export function matchLocalDestination(): Phrase {
  return {
    text: 'fib daddr type local',
    expressions: [
      {
        name: 'fib',
        attributes: [
          be32(FIB.DREG, REGISTER_1),
          be32(FIB.RESULT, FIB_RESULT_ADDRESS_TYPE),
          be32(FIB.FLAGS, FIB_DESTINATION),
        ],
      },
      compare('==', le32(RTN_LOCAL)),
    ],
  };
}

/** `ct status dnat`: the connection's destination has been translated. */
export function matchTranslatedDestination(): Phrase {
  return {
    text: 'ct status dnat',
    expressions: [
      { name: 'ct', attributes: [be32(CT.DREG, REGISTER_1), be32(CT.KEY, CT_KEY_STATUS)] },
      bitwise(le32(IPS_DST_NAT)),
      compare('!=', le32(0)),
    ],
  };
}

/** `counter`: packets and bytes that came this far in the rule. */
export function counter(): Phrase {
  return { text: 'counter', expressions: [{ name: 'counter', attributes: [] }] };
}

/** `dnat ip to 10.88.0.2:80`: send it there instead. */
export function translateDestination(to: IpAddress, port: number): Phrase {
  const ip = to.family === 4 ? 'ip' : 'ip6';
  const address = to.family === 4 ? formatIp(to.bytes) : `[${formatIp(to.bytes)}]`;
  const family = to.family === 4 ? NFPROTO.NFPROTO_IPV4 : NFPROTO.NFPROTO_IPV6;
  return {
    text: `dnat ${ip} to ${address}:${port}`,
    expressions: [
      immediate(REGISTER_1, to.bytes),
      immediate(REGISTER_2, be16(port)),
      {
        name: 'nat',
        attributes: [
          be32(NAT.TYPE, NAT_DESTINATION),
          be32(NAT.FAMILY, family),
          be32(NAT.ADDRESS_MIN, REGISTER_1),
          be32(NAT.PORT_MIN, REGISTER_2),
          be32(NAT.FLAGS, NF_NAT_RANGE_PROTO_SPECIFIED),
        ],
      },
    ],
  };
}

/** `masquerade`: let it look as if this namespace had sent it. */
export function masquerade(): Phrase {
  return { text: 'masquerade', expressions: [{ name: 'masq', attributes: [] }] };
}

/** `accept` or `drop`. */
export function verdict(name: keyof typeof NF_VERDICT): Phrase {
  const code = nested(NFTA_DATA.NFTA_DATA_VERDICT, [be32(NFTA_VERDICT_CODE, NF_VERDICT[name])]);
  return {
    text: name,
    expressions: [
      {
        name: 'immediate',
        attributes: [be32(IMMEDIATE.DREG, VERDICT_REGISTER), nested(IMMEDIATE.DATA, [code])],
      },
    ],
  };
}

/** An expression as the element of a rule's list. */
export function expressionAttribute(type: number, { name, attributes }: Expression): Attribute {
  return nested(type, [
    cString(NFTA_EXPR.NFTA_EXPR_NAME, name),
    nested(NFTA_EXPR.NFTA_EXPR_DATA, attributes),
  ]);
}

function meta(key: number): Expression {
  return { name: 'meta', attributes: [be32(META.META_KEY, key), be32(META.META_DREG, REGISTER_1)] };
}

function payload(base: number, offset: number, length: number): Expression {
  return {
    name: 'payload',
    attributes: [
      be32(PAYLOAD.DREG, REGISTER_1),
      be32(PAYLOAD.BASE, base),
      be32(PAYLOAD.OFFSET, offset),
      be32(PAYLOAD.LENGTH, length),
    ],
  };
}

function compare(operator: keyof typeof CMP_OP, bytes: Uint8Array): Expression {
  return {
    name: 'cmp',
    attributes: [
      be32(CMP.SREG, REGISTER_1),
      be32(CMP.OP, CMP_OP[operator]),
      value(CMP.DATA, bytes),
    ],
  };
}

/** Keeps only the bits of the mask. */
function bitwise(mask: Uint8Array): Expression {
  return {
    name: 'bitwise',
    attributes: [
      be32(BITWISE.SREG, REGISTER_1),
      be32(BITWISE.DREG, REGISTER_1),
      be32(BITWISE.LENGTH, mask.length),
      value(BITWISE.MASK, mask),
      value(BITWISE.XOR, new Uint8Array(mask.length)),
    ],
  };
}

function immediate(register: number, bytes: Uint8Array): Expression {
  return {
    name: 'immediate',
    attributes: [be32(IMMEDIATE.DREG, register), value(IMMEDIATE.DATA, bytes)],
  };
}

function value(type: number, bytes: Uint8Array): Attribute {
  return nested(type, [attribute(NFTA_DATA.NFTA_DATA_VALUE, bytes)]);
}
