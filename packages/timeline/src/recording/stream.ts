/**
 * Reads a recording as a stream, from its first byte on: a file, a download, or one that is still
 * being written. Chunk by chunk: what is yielded is whole.
 */
import { decodeHead, HEAD_BYTES, MAGIC, verifyChunk } from './chunk.js';
import { joined } from './platform.js';
import { RecordingError } from './recording-error.js';
import { unpacked } from './recording-index.js';
import {
  headerOf,
  type RecordingHeader,
  type RecordingRecord,
  type RecordingSnapshot,
  recordsOf,
  snapshotOf,
} from './records.js';

/** What comes out of a stream, in order. The header is first, `end` last unless it was cut off. */
export type StreamedRecord =
  | { readonly type: 'header'; readonly header: RecordingHeader }
  | { readonly type: 'snapshot'; readonly snapshot: RecordingSnapshot }
  | { readonly type: 'end' }
  | RecordingRecord;

/**
 * Reads a recording as it comes: of a file from its start, or of one that is being written.
 *
 * @throws RecordingError at the first thing that is not whole; everything before it was yielded
 */
export async function* readRecording(
  input: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<StreamedRecord> {
  const bytes = new ByteQueue(input);
  const magic = await bytes.take(MAGIC.length);
  if (magic === null || MAGIC.some((byte, i) => magic[i] !== byte)) {
    throw new RecordingError('does not begin as a .terrarium file does');
  }
  for (let chunk = 0; ; chunk++) {
    try {
      if (await bytes.isAtEnd()) return;
      const headBytes = await bytes.take(HEAD_BYTES);
      if (headBytes === null) throw new RecordingError('is cut off in its head');
      const head = decodeHead(headBytes);
      if ((chunk === 0) !== (head.kind === 'H')) {
        throw new RecordingError(chunk === 0 ? 'is no header' : 'is a second header');
      }
      const payload = await bytes.take(head.bytes);
      if (payload === null) throw new RecordingError('is cut off');
      verifyChunk(head, headBytes, payload);
      const text = await unpacked(head, payload);
      if (head.kind === 'H') yield { type: 'header', header: headerOf(text) };
      else if (head.kind === 'S') yield { type: 'snapshot', snapshot: snapshotOf(text) };
      else if (head.kind === 'D') yield* recordsOf(text, head.records, head.fromSeq);
      else {
        yield { type: 'end' };
        return;
      }
    } catch (error) {
      throw error instanceof RecordingError ? error.in(chunk) : error;
    }
  }
}

/** Bytes of an iterable, in the portions that one asks for. */
class ByteQueue {
  private readonly input: AsyncIterator<Uint8Array> | Iterator<Uint8Array>;
  private parts: Uint8Array[] = [];
  private size = 0;

  constructor(input: AsyncIterable<Uint8Array> | Iterable<Uint8Array>) {
    this.input =
      Symbol.asyncIterator in input ? input[Symbol.asyncIterator]() : input[Symbol.iterator]();
  }

  async isAtEnd(): Promise<boolean> {
    return !(await this.fill(1));
  }

  /** @returns null when there are fewer */
  async take(length: number): Promise<Uint8Array | null> {
    if (!(await this.fill(length))) return null;
    const all = joined(this.parts, this.size);
    this.parts = [all.subarray(length)];
    this.size = all.length - length;
    return all.subarray(0, length);
  }

  private async fill(length: number): Promise<boolean> {
    while (this.size < length) {
      const { done, value } = await this.input.next();
      if (done === true) return false;
      this.parts.push(value);
      this.size += value.length;
    }
    return true;
  }
}
