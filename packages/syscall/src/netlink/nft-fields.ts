/**
 * What rules can look at, by nf_tables' numbers: meta and connection tracking keys, fields of
 * headers; each with the way in which nft(8) writes its values. Pure data and formatting.
 */
import { formatIp, formatMac } from './ip.js';

/** Something that was loaded into a register. */
export interface Selector {
  /** `tcp dport`, `ct state` */
  readonly text: string;
  readonly format: (bytes: Uint8Array) => string;
  /** the value is a set of flags: `established,related` */
  readonly flags?: true;
  /** only the first so many bits of an address were loaded */
  readonly prefix?: number;
  /** bytes of the whole field */
  readonly length: number;
}

type Names = Readonly<Record<number, string>>;

const PROTOCOLS: Names = { 1: 'icmp', 6: 'tcp', 17: 'udp', 58: 'ipv6-icmp', 132: 'sctp' };
const FAMILIES: Names = { 2: 'ipv4', 10: 'ipv6' };
const ETHER_TYPES: Names = { 2048: 'ip', 2054: 'arp', 34525: 'ip6', 33024: 'vlan' };
const ICMP_TYPES: Names = {
  0: 'echo-reply',
  3: 'destination-unreachable',
  5: 'redirect',
  8: 'echo-request',
  11: 'time-exceeded',
};
const ICMPV6_TYPES: Names = {
  1: 'destination-unreachable',
  2: 'packet-too-big',
  128: 'echo-request',
  129: 'echo-reply',
  133: 'nd-router-solicit',
  134: 'nd-router-advert',
  135: 'nd-neighbor-solicit',
  136: 'nd-neighbor-advert',
};
const PACKET_TYPES: Names = { 0: 'host', 1: 'broadcast', 2: 'multicast', 3: 'other' };
const ADDRESS_TYPES: Names = {
  1: 'unicast',
  2: 'local',
  3: 'broadcast',
  4: 'anycast',
  5: 'multicast',
  6: 'blackhole',
};
const CT_STATES: Names = {
  1: 'invalid',
  2: 'established',
  4: 'related',
  8: 'new',
  64: 'untracked',
};
const CT_STATUS: Names = {
  1: 'expected',
  2: 'seen-reply',
  4: 'assured',
  8: 'confirmed',
  16: 'snat',
  32: 'dnat',
  512: 'dying',
};
const TCP_FLAGS: Names = {
  1: 'fin',
  2: 'syn',
  4: 'rst',
  8: 'psh',
  16: 'ack',
  32: 'urg',
  64: 'ecn',
  128: 'cwr',
};

/** A number in network order, as headers have it. */
export function bigEndian(bytes: Uint8Array): number {
  return bytes.reduce((sum, byte) => sum * 256 + byte, 0);
}

/** A number in the machine's order, as the kernel's own variables have it. */
export function littleEndian(bytes: Uint8Array): number {
  return bigEndian(Uint8Array.from(bytes).reverse());
}

const named =
  (names: Names, read = bigEndian) =>
  (bytes: Uint8Array): string =>
    names[read(bytes)] ?? String(read(bytes));
const flagged =
  (names: Names, read = bigEndian) =>
  (bytes: Uint8Array): string => {
    const value = read(bytes);
    const found = Object.entries(names).filter(([bit]) => (value & Number(bit)) !== 0);
    const sum = found.reduce((all, [bit]) => all + Number(bit), 0);
    if (sum !== value || value === 0) return String(value);
    return found.map(([, name]) => name).join(',');
  };
const decimal = (bytes: Uint8Array): string => String(bigEndian(bytes));
const number = (bytes: Uint8Array): string => String(littleEndian(bytes));
const mark = (bytes: Uint8Array): string =>
  `0x${littleEndian(bytes).toString(16).padStart(8, '0')}`;
const quoted = (bytes: Uint8Array): string =>
  `"${new TextDecoder().decode(bytes).replace(/\0.*$/s, '')}"`;
/** By index; only that of lo is the same everywhere. */
const link = (bytes: Uint8Array): string => (littleEndian(bytes) === 1 ? '"lo"' : number(bytes));

/** nft_meta_keys */
const META: Readonly<Record<number, Omit<Selector, 'length'>>> = {
  0: { text: 'meta length', format: number },
  1: { text: 'meta protocol', format: named(ETHER_TYPES) },
  2: { text: 'meta priority', format: mark },
  3: { text: 'meta mark', format: mark },
  4: { text: 'iif', format: link },
  5: { text: 'oif', format: link },
  6: { text: 'iifname', format: quoted },
  7: { text: 'oifname', format: quoted },
  10: { text: 'meta skuid', format: number },
  11: { text: 'meta skgid', format: number },
  12: { text: 'meta nftrace', format: number },
  15: { text: 'meta nfproto', format: named(FAMILIES) },
  16: { text: 'meta l4proto', format: named(PROTOCOLS) },
  17: { text: 'meta ibrname', format: quoted },
  18: { text: 'meta obrname', format: quoted },
  19: { text: 'meta pkttype', format: named(PACKET_TYPES) },
  20: { text: 'meta cpu', format: number },
  23: { text: 'meta cgroup', format: number },
};

/** nft_ct_keys */
const CT: Readonly<Record<number, Omit<Selector, 'length'>>> = {
  0: { text: 'ct state', format: flagged(CT_STATES, littleEndian), flags: true },
  1: { text: 'ct direction', format: named({ 0: 'original', 1: 'reply' }) },
  2: { text: 'ct status', format: flagged(CT_STATUS, littleEndian), flags: true },
  3: { text: 'ct mark', format: mark },
  7: { text: 'ct l3proto', format: named(FAMILIES) },
  10: { text: 'ct protocol', format: named(PROTOCOLS) },
  11: { text: 'ct proto-src', format: decimal },
  12: { text: 'ct proto-dst', format: decimal },
  14: { text: 'ct packets', format: number },
  15: { text: 'ct bytes', format: number },
  17: { text: 'ct zone', format: number },
};

/** One field of a header: where it is, and how it is written. */
interface Field extends Omit<Selector, 'length'> {
  readonly offset: number;
  readonly length: number;
}

function field(offset: number, length: number, text: string, format = decimal): Field {
  return { offset, length, text, format };
}

function ports(protocol: string): Field[] {
  return [field(0, 2, `${protocol} sport`), field(2, 2, `${protocol} dport`)];
}

const LINK_FIELDS: readonly Field[] = [
  field(0, 6, 'ether daddr', formatMac),
  field(6, 6, 'ether saddr', formatMac),
  field(12, 2, 'ether type', named(ETHER_TYPES)),
];
const NETWORK_FIELDS: Readonly<Record<'4' | '6', readonly Field[]>> = {
  4: [
    field(2, 2, 'ip length'),
    field(4, 2, 'ip id'),
    field(8, 1, 'ip ttl'),
    field(9, 1, 'ip protocol', named(PROTOCOLS)),
    field(12, 4, 'ip saddr', formatIp),
    field(16, 4, 'ip daddr', formatIp),
  ],
  6: [
    field(4, 2, 'ip6 length'),
    field(6, 1, 'ip6 nexthdr', named(PROTOCOLS)),
    field(7, 1, 'ip6 hoplimit'),
    field(8, 16, 'ip6 saddr', formatIp),
    field(24, 16, 'ip6 daddr', formatIp),
  ],
};
const TRANSPORT_FIELDS: Readonly<Record<number, readonly Field[]>> = {
  1: [field(0, 1, 'icmp type', named(ICMP_TYPES)), field(1, 1, 'icmp code')],
  6: [
    ...ports('tcp'),
    field(4, 4, 'tcp sequence'),
    field(8, 4, 'tcp ackseq'),
    { ...field(13, 1, 'tcp flags', flagged(TCP_FLAGS)), flags: true },
    field(14, 2, 'tcp window'),
  ],
  17: [...ports('udp'), field(4, 2, 'udp length')],
  58: [field(0, 1, 'icmpv6 type', named(ICMPV6_TYPES)), field(1, 1, 'icmpv6 code')],
  132: ports('sctp'),
};

/** What is known of the packet from the conditions before. */
export interface PacketContext {
  readonly family: 4 | 6 | null;
  readonly protocol: number | null;
}

export function metaSelector(key: number): Selector {
  return { length: 4, ...(META[key] ?? { text: `meta key-${key}`, format: mark }) };
}

export function ctSelector(key: number): Selector {
  return { length: 4, ...(CT[key] ?? { text: `ct key-${key}`, format: mark }) };
}

/** nft_fib_result and NFTA_FIB_F_… */
export function fibSelector(result: number, flags: number): Selector {
  const over = ['saddr', 'daddr', 'mark', 'iif', 'oif'].filter((_, bit) => (flags >> bit) & 1);
  const what = ({ 1: 'oif', 2: 'oifname', 3: 'type' } as Names)[result] ?? `result-${result}`;
  const format = result === 3 ? named(ADDRESS_TYPES, littleEndian) : result === 2 ? quoted : link;
  return { text: `fib ${over.join(' . ')} ${what}`, format, length: 4 };
}

/** A part of a header: 0 link, 1 network, 2 transport. */
export function payloadSelector(
  base: number,
  offset: number,
  length: number,
  { family, protocol }: PacketContext,
): Selector {
  const fields =
    base === 0
      ? LINK_FIELDS
      : base === 1
        ? family === null
          ? []
          : NETWORK_FIELDS[family]
        : (TRANSPORT_FIELDS[protocol ?? -1] ?? ports('th'));
  const found = fields.find((one) => one.offset === offset && length <= one.length);
  if (found === undefined) {
    const header = ['ll', 'nh', 'th'][base] ?? `base-${base}`;
    return { text: `@${header},${offset * 8},${length * 8}`, format: hex, length };
  }
  // Of 10.0.0.0/8 only the first byte is compared.
  return length === found.length ? found : { ...found, prefix: length * 8 };
}

/** As nft writes bytes of which it knows nothing. */
export function hex(bytes: Uint8Array): string {
  return `0x${Buffer.from(bytes).toString('hex')}`;
}
