/**
 * The frame of a recording: the file's first bytes, and chunks with a head of fixed size. A head
 * says what numbers and times a chunk covers, so that an index can be made by hopping from head to
 * head, and a CRC covers head and payload, so that damage is found before anything is believed.
 */
import { crc32 } from './crc32.js';
import { RecordingError } from './recording-error.js';

/** As PNG does: no text, and found broken when a transfer changed line ends or cut the 8th bit. */
export const MAGIC: Uint8Array = Uint8Array.of(0x89, 0x54, 0x52, 0x4d, 0x0d, 0x0a, 0x1a, 0x0a);

/** The last bytes of a complete file: u64 offset of the end chunk, then these. */
export const TRAILER_MAGIC: Uint8Array = Uint8Array.of(
  ...[0x89, 0x54, 0x52, 0x4d, 0x45, 0x4e, 0x44, 0x0a],
);
export const TRAILER_BYTES = 16;

export const HEAD_BYTES = 48;
/** Of one chunk as stored; a reader refuses more instead of asking for the memory. */
export const MAX_CHUNK_BYTES: number = 16 * 1024 * 1024;
/** Of one chunk when unpacked. */
export const MAX_UNPACKED_BYTES: number = 64 * 1024 * 1024;

/** H header, S snapshot, D data (records), E end with the index. */
export type ChunkKind = 'H' | 'S' | 'D' | 'E';

/** A chunk's head, and its place in the file. */
export interface ChunkHead {
  readonly kind: ChunkKind;
  readonly gzipped: boolean;
  /** of the payload, as stored */
  readonly bytes: number;
  /** lines in a data chunk, else 1 */
  readonly records: number;
  readonly crc: number;
  /** of its records, ms since the epoch */
  readonly firstT: number;
  readonly lastT: number;
  /** number of the last event before its first record, and of the last one in it */
  readonly fromSeq: number;
  readonly toSeq: number;
}

/** Writes a chunk: head and payload in one array. */
export function encodeChunk(
  head: Omit<ChunkHead, 'crc' | 'bytes'>,
  payload: Uint8Array,
): Uint8Array {
  const chunk = new Uint8Array(HEAD_BYTES + payload.length);
  const view = new DataView(chunk.buffer);
  view.setUint8(0, head.kind.charCodeAt(0));
  view.setUint8(1, head.gzipped ? 1 : 0);
  view.setUint32(4, payload.length, true);
  view.setUint32(8, head.records, true);
  view.setFloat64(16, head.firstT, true);
  view.setFloat64(24, head.lastT, true);
  view.setBigUint64(32, BigInt(head.fromSeq), true);
  view.setBigUint64(40, BigInt(head.toSeq), true);
  chunk.set(payload, HEAD_BYTES);
  view.setUint32(12, crc32(chunk), true); // over the whole, its own field being zero
  return chunk;
}

/** Reads a head and refuses what cannot be one. @throws RecordingError */
export function decodeHead(bytes: Uint8Array): ChunkHead {
  const view = new DataView(bytes.buffer, bytes.byteOffset, HEAD_BYTES);
  const kind = String.fromCharCode(view.getUint8(0));
  if (!isKind(kind)) throw new RecordingError(`has the unknown kind 0x${hex(view.getUint8(0))}`);
  const packing = view.getUint8(1);
  if (packing > 1 || view.getUint16(2) !== 0) throw new RecordingError('has an unknown packing');
  const head: ChunkHead = {
    ...{ kind, gzipped: packing === 1 },
    ...{ bytes: view.getUint32(4, true), records: view.getUint32(8, true) },
    ...{ crc: view.getUint32(12, true) },
    ...{ firstT: view.getFloat64(16, true), lastT: view.getFloat64(24, true) },
    fromSeq: Number(view.getBigUint64(32, true)),
    toSeq: Number(view.getBigUint64(40, true)),
  };
  if (head.bytes > MAX_CHUNK_BYTES) {
    throw new RecordingError(`says it has ${head.bytes} bytes; ${MAX_CHUNK_BYTES} are allowed`);
  }
  if (!Number.isSafeInteger(head.fromSeq) || !(head.toSeq >= head.fromSeq)) {
    throw new RecordingError('covers an impossible range of events');
  }
  if (!Number.isFinite(head.firstT) || !(head.lastT >= head.firstT)) {
    throw new RecordingError('covers an impossible range of time');
  }
  return head;
}

/** Compares the CRC of head and payload. @throws RecordingError */
export function verifyChunk(head: ChunkHead, headBytes: Uint8Array, payload: Uint8Array): void {
  // A copy: `slice` of a Buffer, which Node's files are read into, is not one.
  const zeroed = new Uint8Array(HEAD_BYTES);
  zeroed.set(headBytes.subarray(0, HEAD_BYTES));
  zeroed.fill(0, 12, 16);
  if (crc32(payload, crc32(zeroed)) !== head.crc) throw new RecordingError('is damaged (CRC)');
}

function isKind(text: string): text is ChunkKind {
  return text === 'H' || text === 'S' || text === 'D' || text === 'E';
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, '0');
}
