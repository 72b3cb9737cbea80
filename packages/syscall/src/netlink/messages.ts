/**
 * Netlink messages as data: a header, a fixed struct, then attributes (length, type, payload, padded
 * to 4 bytes), which may hold attributes. Pure. A value known only at run time (a pid, the fd of a
 * namespace, an interface's index) is a slot: four bytes that the player fills in, so every length
 * is known before.
 *
 *   nlmsg_len u32 | nlmsg_type u16 | nlmsg_flags u16 | nlmsg_seq u32 | nlmsg_pid u32   then the family's struct
 *   nla_len u16   | nla_type u16   | payload, padded with zeros to a multiple of 4     again and again
 */
import type { Block, Part, Slot } from '../plan.js';
import { NLA_F_NESTED, NLMSG_HEADER_BYTES } from './constants.js';

/** One piece of a payload: literal bytes, or a slot as a 32-bit integer in the machine's order. */
export type Piece = Uint8Array | Slot;

/** One attribute; what it holds is made by u32, text, nested, … */
export interface Attribute {
  readonly type: number;
  readonly payload: readonly Piece[];
}

/** One message; sequence number and length are added when the block is made. */
export interface Message {
  readonly type: number;
  /** NLM_F_… */
  readonly flags: number;
  /** the family's fixed struct: ifinfomsg, ifaddrmsg, rtmsg, nfgenmsg */
  readonly header: readonly Piece[];
  readonly attributes: readonly Attribute[];
  /** what strace would say, in braces: `{RTM_DELLINK, ifname="veth0"}` */
  readonly display: string;
}

const SLOT_BYTES = 4;
const ALIGNMENT = 4; // NLA_ALIGNTO and NLMSG_ALIGNTO
const ATTRIBUTE_HEADER_BYTES = 4;
const UTF8 = new TextEncoder();

/** Makes an attribute from pieces as they are. */
export function attribute(type: number, ...payload: Piece[]): Attribute {
  return { type, payload };
}

/** An attribute that holds attributes, with NLA_F_NESTED set, as nf_tables demands. */
export function nested(type: number, attributes: readonly Attribute[]): Attribute {
  return holding(type | NLA_F_NESTED, attributes);
}

/** The same without the flag, which rtnetlink is older than: as ip(8) sends links. */
export function holding(type: number, attributes: readonly Attribute[]): Attribute {
  // Joined at each level: the levels above then copy one run of bytes instead of many.
  return { type, payload: joined(attributes.flatMap(attributePieces)) };
}

/** A string with its NUL. @throws Error on a NUL inside, which would cut it short */
export function cString(type: number, value: string): Attribute {
  if (value.includes('\0')) throw new Error(`a name with NUL inside: ${JSON.stringify(value)}`);
  return attribute(type, UTF8.encode(`${value}\0`));
}

export function u8(type: number, value: number): Attribute {
  return attribute(type, Uint8Array.of(value));
}

/** 32 bits in the machine's byte order: rtnetlink's integers. */
export function u32(type: number, value: number | Slot): Attribute {
  return attribute(type, typeof value === 'number' ? le32(value) : value);
}

/** 32 bits in network byte order: nf_tables' integers. */
export function be32(type: number, value: number): Attribute {
  return attribute(type, integer(value, 4, false));
}

/** Two bytes in the machine's order. */
export function le16(value: number): Uint8Array {
  return integer(value, 2, true);
}

/** Four bytes in the machine's order; negative numbers in two's complement. */
export function le32(value: number): Uint8Array {
  return integer(value, 4, true);
}

/** Two bytes in network order: a port. */
export function be16(value: number): Uint8Array {
  return integer(value, 2, false);
}

/** A block of messages that remembers them, so that an error can say which one it is about. */
export interface MessageBlock extends Block {
  /** the first has sequence number 1, the next 2, … */
  readonly messages: readonly Message[];
  /** bytes of the longest one */
  readonly longest: number;
}

/**
 * Puts messages one behind the other into a block for sendto. They are numbered from 1, and an
 * error's answer names the number.
 */
export function messageBlock(messages: readonly Message[]): MessageBlock {
  const pieces = messages.map((message, index) => messagePieces(message, index + 1));
  const longest = Math.max(...pieces.map(lengthOf));
  return { parts: joined(pieces.flat()).map(toPart), messages, longest };
}

/** The length that a block of messages has, for sendto's third argument. */
export function byteLength(block: Block): number {
  return block.parts.reduce(
    (sum, part) => sum + (part.kind === 'bytes' ? part.bytes.length : SLOT_BYTES),
    0,
  );
}

function messagePieces({ type, flags, header, attributes }: Message, sequence: number): Piece[] {
  const body = [...padded(header), ...attributes.flatMap(attributePieces)];
  const length = NLMSG_HEADER_BYTES + lengthOf(body);
  return [le32(length), le16(type), le16(flags), le32(sequence), le32(0), ...body];
}

function attributePieces({ type, payload }: Attribute): Piece[] {
  const length = ATTRIBUTE_HEADER_BYTES + lengthOf(payload);
  return [Uint8Array.of(length, length >> 8, type, type >> 8), ...padded(payload)];
}

function padded(pieces: readonly Piece[]): Piece[] {
  const missing = -lengthOf(pieces) & (ALIGNMENT - 1);
  return missing === 0 ? [...pieces] : [...pieces, new Uint8Array(missing)];
}

function lengthOf(pieces: readonly Piece[]): number {
  return pieces.reduce((sum, piece) => sum + pieceLength(piece), 0);
}

function pieceLength(piece: Piece): number {
  return piece instanceof Uint8Array ? piece.length : SLOT_BYTES;
}

/** Neighbouring bytes become one part: a message without slots is a single literal. */
function joined(pieces: readonly Piece[]): Piece[] {
  const result: Piece[] = [];
  let run: Uint8Array[] = [];
  const flush = () => {
    if (run.length > 0) result.push(Buffer.concat(run));
    run = [];
  };
  for (const piece of pieces) {
    if (piece instanceof Uint8Array) {
      run.push(piece);
    } else {
      flush();
      result.push(piece);
    }
  }
  flush();
  return result;
}

function toPart(piece: Piece): Part {
  return piece instanceof Uint8Array
    ? { kind: 'bytes', bytes: piece }
    : { kind: 'int', slot: piece, width: SLOT_BYTES };
}

function integer(value: number, width: 2 | 4, littleEndian: boolean): Uint8Array {
  const bytes = Uint8Array.of(value, value >> 8, value >> 16, value >> 24).subarray(0, width);
  return littleEndian ? bytes : bytes.reverse();
}
