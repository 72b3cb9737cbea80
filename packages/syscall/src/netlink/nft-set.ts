/**
 * Anonymous sets and maps: `tcp dport { 22, 80-88 }` is a set without a name of its own, listed
 * apart from the rule that uses it. Pure.
 */
import {
  NFGENMSG_BYTES,
  NFT_SET_ELEM_INTERVAL_END,
  NFT_SET_FLAG,
  NFTA_DATA,
  NFTA_LIST_ELEM,
  NFTA_SET,
  NFTA_SET_ELEM,
  NFTA_SET_ELEM_LIST,
} from './constants.js';
import { Attributes } from './decode.js';
import { formatIp } from './ip.js';
import { hex, type Selector } from './nft-fields.js';

/** A set by which its elements are asked for. */
export interface SetName {
  /** NFPROTO_… */
  readonly family: number;
  readonly table: string;
  readonly name: string;
  /** its elements are the ends of ranges */
  readonly ranges: boolean;
}

/** A set with the bodies of NFT_MSG_NEWSETELEM. */
export interface SetElements extends SetName {
  readonly elements: readonly Uint8Array[];
}

interface Element {
  readonly key: Uint8Array;
  /** inclusive; null for a single value */
  readonly last: Uint8Array | null;
  readonly ends: boolean;
  readonly data: Attributes | null;
}

/** Elements of one set that are written out. */
const MAX_SHOWN = 64;

/** From bodies of NFT_MSG_NEWSET: those that a rule's text needs. */
export function setsToList(bodies: readonly Uint8Array[]): SetName[] {
  return bodies.flatMap((body) => {
    const set = new Attributes(body, NFGENMSG_BYTES);
    const flags = set.be32(NFTA_SET.NFTA_SET_FLAGS) ?? 0;
    if ((flags & NFT_SET_FLAG.NFT_SET_ANONYMOUS) === 0) return [];
    return {
      family: body[0] ?? 0,
      table: set.text(NFTA_SET.NFTA_SET_TABLE) ?? '',
      name: set.text(NFTA_SET.NFTA_SET_NAME) ?? '',
      ranges: (flags & NFT_SET_FLAG.NFT_SET_INTERVAL) !== 0,
    };
  });
}

/** `{ 22, 80-88 }`, or `{ 22 : accept }` of a map; selectors say how a key is written. */
export function setText(
  set: SetElements,
  selectors: readonly Selector[],
  verdictText: (verdict: Attributes) => string,
): string {
  const all = elementsOf(set);
  const shown = all.slice(0, MAX_SHOWN).map(({ key, last, data }) => {
    const text = last === null ? keyText(key, selectors) : rangeText(key, last, selectors);
    if (data === null) return text;
    const verdict = data.bytes(NFTA_DATA.NFTA_DATA_VERDICT);
    const value = data.bytes(NFTA_DATA.NFTA_DATA_VALUE) ?? new Uint8Array();
    return `${text} : ${verdict === undefined ? dataText(value) : verdictText(new Attributes(verdict))}`;
  });
  return `{ ${shown.join(', ')}${all.length > MAX_SHOWN ? ', …' : ''} }`;
}

function elementsOf({ elements, ranges }: SetElements): Element[] {
  const read = elements
    .flatMap((body) =>
      new Attributes(body, NFGENMSG_BYTES)
        .nested(NFTA_SET_ELEM_LIST.NFTA_SET_ELEM_LIST_ELEMENTS)
        .each(NFTA_LIST_ELEM),
    )
    .map(elementFrom)
    .sort((a, b) => Buffer.compare(a.key, b.key) || Number(b.ends) - Number(a.ends));
  return ranges ? joined(read) : read;
}

function elementFrom(element: Attributes): Element {
  const value = (type: number): Uint8Array | undefined =>
    element.nested(type).bytes(NFTA_DATA.NFTA_DATA_VALUE);
  const flags = element.be32(NFTA_SET_ELEM.NFTA_SET_ELEM_FLAGS) ?? 0;
  const data = element.bytes(NFTA_SET_ELEM.NFTA_SET_ELEM_DATA);
  return {
    key: value(NFTA_SET_ELEM.NFTA_SET_ELEM_KEY) ?? new Uint8Array(),
    last: value(NFTA_SET_ELEM.NFTA_SET_ELEM_KEY_END) ?? null,
    ends: (flags & NFT_SET_ELEM_INTERVAL_END) !== 0,
    data: data === undefined ? null : new Attributes(data),
  };
}

/** The kernel lists where ranges begin, and the first value behind each end. */
function joined(elements: readonly Element[]): Element[] {
  return elements.flatMap((element, index) => {
    if (element.ends) return [];
    if (element.last !== null) return [element];
    const next = elements[index + 1];
    const last = next === undefined ? element.key.map(() => 0xff) : before(next.key);
    return [{ ...element, last: Buffer.compare(last, element.key) === 0 ? null : last }];
  });
}

function before(key: Uint8Array): Uint8Array {
  const result = Uint8Array.from(key);
  for (let at = result.length - 1; at >= 0; at--) {
    const byte = result[at] ?? 0;
    result[at] = (byte - 1) & 0xff;
    if (byte !== 0) break;
  }
  return result;
}

/** Parts of a concatenated key fill whole registers of four bytes. */
function keyText(key: Uint8Array, selectors: readonly Selector[]): string {
  if (selectors.length === 0) return hex(key);
  let at = 0;
  const parts = selectors.map(({ length, format }, index) => {
    const own = selectors.length === 1 ? key : key.subarray(at, at + length);
    at += (length + 3) & ~3;
    return index < selectors.length ? format(own) : '';
  });
  return parts.join(' . ');
}

function rangeText(key: Uint8Array, last: Uint8Array, selectors: readonly Selector[]): string {
  const prefix = /addr$/.test(selectors[0]?.text ?? '') ? commonPrefix(key, last) : null;
  if (prefix !== null && selectors.length === 1) return `${keyText(key, selectors)}/${prefix}`;
  return `${keyText(key, selectors)}-${keyText(last, selectors)}`;
}

/** Of a range that is a whole network; null for any other. */
function commonPrefix(first: Uint8Array, last: Uint8Array): number | null {
  const bits = (bytes: Uint8Array): string =>
    Array.from(bytes, (byte) => byte.toString(2).padStart(8, '0')).join('');
  const [low, high] = [bits(first), bits(last)];
  let length = 0;
  while (length < low.length && low[length] === high[length]) length++;
  return /^0*$/.test(low.slice(length)) && /^1*$/.test(high.slice(length)) ? length : null;
}

/** What a map leads to: addresses by their length, ports, anything else as a number. */
function dataText(value: Uint8Array): string {
  if (value.length === 4 || value.length === 16) return formatIp(value);
  return value.length === 2 ? String((value[0] ?? 0) * 256 + (value[1] ?? 0)) : hex(value);
}
