/**
 * Which chunk of a recording covers what: read from its end chunk, or made by hopping from head to
 * head when the file has none (it is still written, or was cut off).
 */
import { z } from 'zod';
import {
  type ChunkHead,
  type ChunkKind,
  decodeHead,
  HEAD_BYTES,
  MAGIC,
  MAX_UNPACKED_BYTES,
  TRAILER_BYTES,
  TRAILER_MAGIC,
  verifyChunk,
} from './chunk.js';
import { gunzip, textOf } from './platform.js';
import { RecordingError } from './recording-error.js';
import { checked, json, type RecordingEnd } from './records.js';

/** Random access to a recording: a file, a Blob, a URL with ranges. */
export interface RecordingSource {
  readonly size: number;
  /** may give fewer bytes than asked for at the end of the file only */
  read(offset: number, length: number): Promise<Uint8Array>;
}

/** A recording that is in memory as a whole. */
export function bytesSource(bytes: Uint8Array): RecordingSource {
  return {
    size: bytes.length,
    read: async (offset, length) => bytes.subarray(offset, offset + length),
  };
}

/** A chunk's place, and what it covers. */
export interface IndexedChunk {
  readonly kind: ChunkKind;
  readonly offset: number;
  /** head and payload */
  readonly bytes: number;
  readonly firstT: number;
  readonly lastT: number;
  readonly fromSeq: number;
  readonly toSeq: number;
}

export interface RecordingIndex {
  readonly chunks: readonly IndexedChunk[];
  /** null when the file has no end: cut off, or still being written */
  readonly end: RecordingEnd | null;
  /** what stopped the hopping before the end of the file; null when nothing did */
  readonly problem: RecordingError | null;
}

const count = z.number().int().nonnegative();
const endSchema = z.object({
  end: z.enum(['closed', 'bytes', 'duration']),
  index: z.array(
    z.tuple([z.enum(['H', 'S', 'D']), count, count, z.number(), z.number(), count, count]),
  ),
});

/** @throws RecordingError when it is no recording at all */
export async function readIndex(source: RecordingSource): Promise<RecordingIndex> {
  await checkMagic(source);
  return (await readEnd(source)) ?? (await hop(source));
}

/** @throws RecordingError */
async function checkMagic(source: RecordingSource): Promise<void> {
  const bytes = await source.read(0, MAGIC.length);
  if (bytes.length < MAGIC.length || MAGIC.some((byte, i) => bytes[i] !== byte)) {
    throw new RecordingError('does not begin as a .terrarium file does');
  }
}

/** The index from the end chunk; null when there is none that can be trusted. */
async function readEnd(source: RecordingSource): Promise<RecordingIndex | null> {
  if (source.size < MAGIC.length + HEAD_BYTES + TRAILER_BYTES) return null;
  const trailer = await source.read(source.size - TRAILER_BYTES, TRAILER_BYTES);
  if (trailer.length < TRAILER_BYTES || TRAILER_MAGIC.some((byte, i) => trailer[8 + i] !== byte)) {
    return null;
  }
  const view = new DataView(trailer.buffer, trailer.byteOffset);
  const offset = Number(view.getBigUint64(0, true));
  const room = source.size - TRAILER_BYTES - offset;
  if (!Number.isSafeInteger(offset) || offset < MAGIC.length || room < HEAD_BYTES) return null;
  try {
    const { head, payload } = await readChunk(source, { offset, bytes: room });
    if (head.kind !== 'E') return null;
    const text = await unpacked(head, payload);
    const { end, index } = checked(endSchema, json(text), 'an index');
    const chunks = index.map(([kind, at, bytes, firstT, lastT, fromSeq, toSeq]) => ({
      ...{ kind, offset: at, bytes, firstT, lastT, fromSeq, toSeq },
    }));
    return { chunks, end, problem: null };
  } catch (error) {
    if (error instanceof RecordingError) return null; // hopping finds what is whole
    throw error;
  }
}

/** Reads heads alone; whether a payload is whole is seen when it is wanted. */
async function hop(source: RecordingSource): Promise<RecordingIndex> {
  const chunks: IndexedChunk[] = [];
  let offset = MAGIC.length;
  try {
    while (offset < source.size) {
      const bytes = await source.read(offset, HEAD_BYTES);
      if (bytes.length < HEAD_BYTES) throw new RecordingError('is cut off in its head');
      const head = decodeHead(bytes);
      const size = HEAD_BYTES + head.bytes;
      if (offset + size > source.size) throw new RecordingError('is cut off');
      if (head.kind === 'E') break;
      const { kind, firstT, lastT, fromSeq, toSeq } = head;
      chunks.push({ kind, offset, bytes: size, firstT, lastT, fromSeq, toSeq });
      offset += size;
    }
    return { chunks, end: null, problem: null };
  } catch (error) {
    if (!(error instanceof RecordingError)) throw error;
    return { chunks, end: null, problem: error.in(chunks.length) };
  }
}

/** One chunk, proven whole. @throws RecordingError */
export async function readChunk(
  source: RecordingSource,
  { offset, bytes }: Pick<IndexedChunk, 'offset' | 'bytes'>,
): Promise<{ readonly head: ChunkHead; readonly payload: Uint8Array }> {
  if (offset + bytes > source.size || bytes < HEAD_BYTES) throw new RecordingError('is cut off');
  const whole = await source.read(offset, bytes);
  if (whole.length < bytes) throw new RecordingError('is cut off');
  const head = decodeHead(whole);
  if (HEAD_BYTES + head.bytes !== bytes)
    throw new RecordingError('has another length than indexed');
  const payload = whole.subarray(HEAD_BYTES);
  verifyChunk(head, whole, payload);
  return { head, payload };
}

/** The text of a chunk. @throws RecordingError */
export async function unpacked(head: ChunkHead, payload: Uint8Array): Promise<string> {
  const bytes = head.gzipped ? await gunzip(payload, MAX_UNPACKED_BYTES) : payload;
  const text = textOf(bytes);
  if (text === null) throw new RecordingError('holds no valid UTF-8');
  return text;
}
