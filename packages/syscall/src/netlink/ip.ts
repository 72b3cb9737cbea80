/**
 * IP addresses, subnets and MAC addresses as text and as bytes, and the small allocator of
 * addresses. Pure. Texts are what people write: `10.88.0.2/16`, `fd00::2/64`.
 */
import { isIPv4, isIPv6 } from 'node:net';
import { AF } from './constants.js';

/** An address as messages carry it. */
export interface IpAddress {
  readonly family: 4 | 6;
  /** 4 or 16, in network order */
  readonly bytes: Uint8Array;
}

/** An address with the length of its network's prefix in bits. */
export interface IpPrefix extends IpAddress {
  readonly prefix: number;
}

/** Reads an address. @throws Error when it is none */
export function parseIp(text: string): IpAddress {
  if (isIPv4(text)) return { family: 4, bytes: Uint8Array.from(text.split('.').map(Number)) };
  // A zone (fe80::1%eth0) is no part of an address, and isIPv6 lets it pass.
  if (isIPv6(text) && !text.includes('%')) return { family: 6, bytes: parseIpv6(text) };
  throw new Error(`not an IP address: ${JSON.stringify(text)}`);
}

/** Reads an address with a prefix length. @throws Error when it is none */
export function parsePrefix(text: string): IpPrefix {
  const [address = '', bits = '', ...rest] = text.split('/');
  const ip = parseIp(address);
  const prefix = Number(bits);
  if (rest.length > 0 || !/^\d{1,3}$/.test(bits) || prefix > ip.bytes.length * 8)
    throw new Error(`not an IP address with a prefix length: ${JSON.stringify(text)}`);
  return { ...ip, prefix };
}

/** Writes an address; IPv6 in the short form of RFC 5952. */
export function formatIp(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.');
  const groups = Array.from({ length: 8 }, (_, index) =>
    (((bytes[2 * index] ?? 0) << 8) | (bytes[2 * index + 1] ?? 0)).toString(16),
  );
  const zeros = longestZeros(groups);
  if (zeros.length < 2) return groups.join(':');
  const head = groups.slice(0, zeros.start).join(':');
  const tail = groups.slice(zeros.start + zeros.length).join(':');
  return `${head}::${tail}`;
}

/** AF_INET or AF_INET6. */
export function addressFamily(family: 4 | 6): number {
  return family === 4 ? AF.AF_INET : AF.AF_INET6;
}

/** The subnet of an address: host bits are zero. */
export function networkOf({ family, bytes, prefix }: IpPrefix): IpPrefix {
  return { family, prefix, bytes: bytes.map((byte, index) => byte & maskByte(prefix, index)) };
}

/** The mask of a prefix as bytes: 16 bits of IPv4 are 255.255.0.0. */
export function maskOf({ bytes, prefix }: IpPrefix): Uint8Array {
  return bytes.map((_, index) => maskByte(prefix, index));
}

/** True when the address lies in the subnet. */
export function contains(subnet: IpPrefix, address: IpAddress): boolean {
  if (subnet.family !== address.family) return false;
  const mask = maskOf(subnet);
  return mask.every(
    (bits, index) => ((subnet.bytes[index] ?? 0) & bits) === ((address.bytes[index] ?? 0) & bits),
  );
}

/**
 * The lowest address of a subnet that nobody has: not the network's own, not IPv4's broadcast
 * address, not the first one (a gateway's by custom) and none of `taken`.
 *
 * @param taken with or without a prefix length
 * @returns with the subnet's prefix length: `10.88.0.2/16`
 * @throws Error when the subnet is full
 */
export function nextAddress(subnet: string, taken: Iterable<string>): string {
  const parsed = networkOf(parsePrefix(subnet));
  const used = new Set([...taken].map((one) => formatIp(parseIp(one.split('/')[0] ?? '').bytes)));
  const hostBits = BigInt(parsed.bytes.length * 8 - parsed.prefix);
  const last = (1n << hostBits) - (parsed.family === 4 ? 2n : 1n);
  for (let host = 2n; host <= last; host++) {
    const address = formatIp(plus(parsed.bytes, host));
    if (!used.has(address)) return `${address}/${parsed.prefix}`;
  }
  throw new Error(`no free address in ${subnet}: ${used.size} are taken`);
}

/** The first address of a subnet, a gateway's by custom: `10.88.0.1`. */
export function firstAddress(subnet: IpPrefix): string {
  return formatIp(plus(networkOf(subnet).bytes, 1n));
}

/** Reads a MAC address of one interface (not of a group). @throws Error when it is none */
export function parseMac(text: string): Uint8Array {
  if (!/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(text))
    throw new Error(`not a MAC address: ${JSON.stringify(text)}`);
  const bytes = Uint8Array.from(text.split(':').map((byte) => Number.parseInt(byte, 16)));
  if (((bytes[0] ?? 0) & 1) !== 0 || bytes.every((byte) => byte === 0))
    throw new Error(`not the MAC address of one interface: ${text} (of a group, or all zeros)`);
  return bytes;
}

/** Writes a MAC address. */
export function formatMac(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(':');
}

/** `fd00::2` and `::ffff:10.0.0.1`: the groups before `::`, zeros, the groups after it. */
function parseIpv6(text: string): Uint8Array {
  const dotted = /[^:]+\.[^:]+$/.exec(text)?.[0];
  const plain = dotted === undefined ? text : text.slice(0, -dotted.length) + groupsOfIpv4(dotted);
  const [head = '', tail] = plain.split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => '0');
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  [...before, ...zeros, ...after].forEach((group, index) => {
    view.setUint16(2 * index, Number.parseInt(group, 16));
  });
  return bytes;
}

function groupsOfIpv4(text: string): string {
  const [a = 0, b = 0, c = 0, d = 0] = text.split('.').map(Number);
  return `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
}

function longestZeros(groups: readonly string[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  let start = 0;
  groups.forEach((group, index) => {
    if (group !== '0') start = index + 1;
    else if (index + 1 - start > best.length) best = { start, length: index + 1 - start };
  });
  return best;
}

function maskByte(prefix: number, index: number): number {
  const bits = Math.min(8, Math.max(0, prefix - 8 * index));
  return (0xff00 >> bits) & 0xff;
}

function plus(bytes: Uint8Array, addend: bigint): Uint8Array {
  const result = Uint8Array.from(bytes);
  let rest = addend;
  for (let index = result.length - 1; index >= 0 && rest > 0n; index--) {
    rest += BigInt(result[index] ?? 0);
    result[index] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  return result;
}
