/** IP addresses and prefixes as numbers, so that routes and rules can be compared with them. */

export interface IpAddress {
  readonly family: 4 | 6;
  readonly value: bigint;
}

/** An address with the number of its leading bits that count. */
export interface IpPrefix extends IpAddress {
  readonly bits: number;
}

/** `10.0.0.2` or `fd00::2`; null for anything else. */
export function parseIp(text: string): IpAddress | null {
  return text.includes(':') ? parseV6(text) : parseV4(text);
}

/** `10.0.0.0/24`; an address alone is a prefix of all its bits. */
export function parsePrefix(text: string): IpPrefix | null {
  const [head = '', length, ...rest] = text.split('/');
  const address = parseIp(head);
  if (address === null || rest.length > 0) return null;
  const bits = length === undefined ? bitsOf(address.family) : decimal(length);
  return bits === null || bits > bitsOf(address.family) ? null : { ...address, bits };
}

/** Whether the prefix covers the address. */
export function isWithin(address: IpAddress, prefix: IpPrefix): boolean {
  const rest = BigInt(bitsOf(prefix.family) - prefix.bits);
  return address.family === prefix.family && address.value >> rest === prefix.value >> rest;
}

export function isSameIp(a: IpAddress, b: IpAddress): boolean {
  return a.family === b.family && a.value === b.value;
}

function bitsOf(family: 4 | 6): number {
  return family === 4 ? 32 : 128;
}

function parseV4(text: string): IpAddress | null {
  const parts = text.split('.').map(decimal);
  if (parts.length !== 4 || parts.some((part) => part === null || part > 255)) return null;
  const value = parts.reduce((sum: bigint, part) => sum * 256n + BigInt(part ?? 0), 0n);
  return { family: 4, value };
}

function parseV6(text: string): IpAddress | null {
  const halves = text.split('::');
  if (halves.length > 2) return null;
  const [left, right] = halves.map((half) => (half === '' ? [] : half.split(':')));
  const missing = 8 - (left?.length ?? 0) - (right?.length ?? 0);
  if (right === undefined ? missing !== 0 : missing < 1) return null;
  const groups = [...(left ?? []), ...Array<string>(missing).fill('0'), ...(right ?? [])];
  if (groups.some((group) => !/^[0-9a-f]{1,4}$/i.test(group))) return null;
  const value = groups.reduce((sum, group) => sum * 65_536n + BigInt(`0x${group}`), 0n);
  return { family: 6, value };
}

function decimal(text: string): number | null {
  return /^\d{1,3}$/.test(text) ? Number(text) : null;
}
