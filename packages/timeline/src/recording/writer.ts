/**
 * Writes a recording as things happen. What has been handed to the sink can be read at any time,
 * also when no more comes: whole chunks play. No timers: whoever owns the writer flushes it.
 */
import type { TimelineEvent } from '../events.js';
import { EMPTY_STATE, type State } from '../state.js';
import {
  type ChunkHead,
  encodeChunk,
  HEAD_BYTES,
  MAGIC,
  TRAILER_BYTES,
  TRAILER_MAGIC,
} from './chunk.js';
import { gzip, joined, utf8 } from './platform.js';
import { RecordingError } from './recording-error.js';
import type { IndexedChunk } from './recording-index.js';
import {
  type LessonRecord,
  lineOf,
  type RecordingEnd,
  type RecordingHeader,
  type RecordingRecord,
  type TerminalRecord,
  type TerminalScreen,
} from './records.js';

/** Where the bytes go, in order; a rejected promise ends the recording. */
export type RecordingSink = (bytes: Uint8Array) => Promise<void> | void;

export interface RecordingOptions {
  /** the state at the beginning; default: nothing has happened yet */
  readonly start?: State;
  /** of the whole file; default 64 MiB. At the cap the recording ends, and says so in its last chunk */
  readonly maxBytes?: number;
  /** from the first record to the last; default 4 hours */
  readonly maxDurationMs?: number;
  /** events between two snapshots, the most that a seek folds; default 1,000 */
  readonly snapshotEvents?: number;
  /** what the terminals show, for snapshots; without it, their bytes are played from the start */
  readonly screens?: () => readonly TerminalScreen[];
}

export const DEFAULT_RECORDING_BYTES: number = 64 * 1024 * 1024;
export const DEFAULT_RECORDING_MS: number = 4 * 60 * 60 * 1000;
/** Characters of lines in one chunk: large enough to pack well, small enough to lose little. */
const CHUNK_CHARS = 64 * 1024;
/** Characters of lines between two snapshots, events or not: a seek reads no more. */
const SNAPSHOT_CHARS = 1024 * 1024;

type Facts = Omit<RecordingHeader, 'format' | 'version'>;

/** One recording in the making. */
export class RecordingWriter {
  private readonly sink: RecordingSink;
  private readonly options: Required<Omit<RecordingOptions, 'screens' | 'start'>>;
  private readonly screens: (() => readonly TerminalScreen[]) | undefined;
  private readonly chunks: IndexedChunk[] = [];
  private lines: string[] = [];
  private chars = 0;
  private charsSinceSnapshot = 0;
  private state: State;
  /** seq of the last event before the open chunk */
  private openSeq: number;
  /** number of the newest event that has a line */
  private lineSeq: number;
  private snapshotSeq: number;
  private firstT: number;
  private openT: number;
  private lastT: number;
  private written = 0;
  private held = 0;
  /** chunks are packed and written one after the other */
  private queue: Promise<void> = Promise.resolve();
  private end: RecordingEnd | null = null;
  private failure: unknown = null;
  private finished = false;

  constructor(sink: RecordingSink, facts: Facts, options: RecordingOptions = {}) {
    this.sink = sink;
    this.screens = options.screens;
    this.options = {
      maxBytes: options.maxBytes ?? DEFAULT_RECORDING_BYTES,
      maxDurationMs: options.maxDurationMs ?? DEFAULT_RECORDING_MS,
      snapshotEvents: options.snapshotEvents ?? 1_000,
    };
    this.state = options.start ?? EMPTY_STATE;
    this.openSeq = this.state.seq;
    this.lineSeq = this.state.seq;
    this.snapshotSeq = this.state.seq;
    this.firstT = Math.max(facts.created, this.state.t);
    this.openT = this.firstT;
    this.lastT = this.firstT;
    const header: RecordingHeader = { format: 'terrarium-recording', version: 1, ...facts };
    this.enqueue('H', [JSON.stringify(header)], MAGIC);
    this.snapshot();
  }

  /** Why it ended, once it has: whatever is added afterwards is dropped. */
  get ended(): RecordingEnd | null {
    return this.end;
  }

  /** Bytes handed to the sink so far. */
  get bytes(): number {
    return this.written;
  }

  /** Bytes, before packing, that a slow sink has not taken yet: whoever records may stop at some amount. */
  get waiting(): number {
    return this.held;
  }

  /**
   * Adds events that follow those before.
   *
   * @param state their fold
   * @param texts the same events as JSON, where the caller has them
   * @throws RangeError when they do not follow: a new numbering is a new recording
   */
  events(events: readonly TimelineEvent[], state: State, texts: readonly string[] = []): void {
    const first = events[0];
    if (first === undefined || this.end !== null) return;
    if (first.seq !== this.state.seq + 1 || events.at(-1)!.seq !== state.seq) {
      throw new RangeError(`recording: event ${first.seq} does not follow ${this.state.seq}`);
    }
    for (const [i, event] of events.entries()) if (!this.add(event, texts[i])) return;
    this.state = state;
    if (state.seq - this.snapshotSeq >= this.options.snapshotEvents) this.snapshot();
  }

  /** Adds bytes or a new size of a terminal, or a happening in the lesson. */
  record(record: TerminalRecord | LessonRecord): void {
    if (this.end === null) this.add(record);
  }

  /** Writes what is still held back. @throws what the sink threw */
  async flush(): Promise<void> {
    if (this.end === null) this.closeChunk();
    await this.queue;
    if (this.failure !== null) throw this.failure;
  }

  /** Ends the recording with its index. @throws what the sink threw */
  async close(): Promise<void> {
    this.finish('closed');
    await this.flush();
  }

  /** @returns false when the recording has ended instead */
  private add(record: RecordingRecord, text?: string): boolean {
    // Clocks of several processes meet here; in the file time does not go back.
    const t = Math.max(record.t, this.lastT);
    if (t - this.firstT > this.options.maxDurationMs) {
      this.finish('duration');
      return false;
    }
    const line = t === record.t ? (text ?? lineOf(record)) : lineOf({ ...record, t });
    if (this.lines.length === 0) this.openT = t;
    this.lines.push(line);
    this.lastT = t;
    this.chars += line.length;
    this.charsSinceSnapshot += line.length;
    // Events move the state, which is known for the whole batch only: cut between batches.
    if ('seq' in record) this.lineSeq = record.seq;
    if (this.chars >= CHUNK_CHARS) this.closeChunk();
    if (this.charsSinceSnapshot >= SNAPSHOT_CHARS && this.lineSeq === this.state.seq)
      this.snapshot();
    return true;
  }

  private closeChunk(): void {
    if (this.lines.length === 0) return;
    const lines = this.lines;
    this.lines = [];
    this.chars = 0;
    this.enqueue('D', lines);
    this.openSeq = Math.max(this.openSeq, this.lineSeq);
  }

  private snapshot(): void {
    this.closeChunk();
    this.openSeq = this.state.seq;
    this.openT = this.lastT;
    this.snapshotSeq = this.state.seq;
    this.charsSinceSnapshot = 0;
    const terminals = this.screens?.() ?? null;
    this.enqueue('S', [JSON.stringify({ state: this.state, terminals })]);
  }

  private finish(end: RecordingEnd): void {
    if (this.end !== null) return;
    this.closeChunk();
    this.end = end;
    this.queue = this.queue.then(() => this.writeEnd()).catch((error) => this.fail(error));
  }

  private enqueue(kind: 'H' | 'S' | 'D', lines: readonly string[], before?: Uint8Array): void {
    const toSeq = kind === 'D' ? Math.max(this.openSeq, this.lineSeq) : this.openSeq;
    const head = {
      ...{ kind, gzipped: kind !== 'H', records: lines.length },
      ...{ firstT: this.openT, lastT: this.lastT, fromSeq: this.openSeq, toSeq },
    };
    const payload = utf8(lines.join('\n'));
    this.held += payload.length;
    this.queue = this.queue
      .then(() => this.write(head, payload, before))
      .catch((error) => this.fail(error))
      .then(() => {
        this.held -= payload.length;
      });
  }

  private async write(
    head: Omit<ChunkHead, 'crc' | 'bytes'>,
    payload: Uint8Array,
    before: Uint8Array = new Uint8Array(),
  ): Promise<void> {
    if (this.failure !== null || this.finished) return;
    const chunk = encodeChunk(head, head.gzipped ? await gzip(payload) : payload);
    const entry = entryOf(head, this.written + before.length, chunk.length);
    const size = before.length + chunk.length;
    const room = this.options.maxBytes - endBytes([...this.chunks, entry]);
    if (this.written + size > room && head.kind !== 'H') {
      this.end = 'bytes';
      await this.writeEnd();
      return;
    }
    this.chunks.push(entry);
    this.written += size;
    await this.sink(joined([before, chunk]));
  }

  private async writeEnd(): Promise<void> {
    if (this.failure !== null || this.finished) return;
    this.finished = true;
    const last = this.chunks.at(-1)!;
    const payload = utf8(endText(this.end ?? 'closed', this.chunks));
    const head = {
      ...{ kind: 'E' as const, gzipped: true, records: 1, firstT: last.lastT, lastT: last.lastT },
      ...{ fromSeq: last.toSeq, toSeq: last.toSeq },
    };
    const chunk = encodeChunk(head, await gzip(payload));
    const trailer = new Uint8Array(TRAILER_BYTES);
    new DataView(trailer.buffer).setBigUint64(0, BigInt(this.written), true);
    trailer.set(TRAILER_MAGIC, 8);
    this.written += chunk.length + trailer.length;
    await this.sink(joined([chunk, trailer]));
  }

  private fail(error: unknown): void {
    this.failure ??= new RecordingError('cannot be written', { cause: error });
    this.end ??= 'closed';
  }
}

function entryOf(
  head: Omit<ChunkHead, 'crc' | 'bytes'>,
  offset: number,
  bytes: number,
): IndexedChunk {
  const { kind, firstT, lastT, fromSeq, toSeq } = head;
  return { kind, offset, bytes, firstT, lastT, fromSeq, toSeq };
}

function endText(end: RecordingEnd, chunks: readonly IndexedChunk[]): string {
  const index = chunks.map(({ kind, offset, bytes, firstT, lastT, fromSeq, toSeq }) => [
    ...[kind, offset, bytes, firstT, lastT, fromSeq, toSeq],
  ]);
  return JSON.stringify({ end, index });
}

/** At most: gzip adds 18 bytes and 5 for every 32 KiB to what it cannot make smaller. */
function endBytes(chunks: readonly IndexedChunk[]): number {
  const text = 40 + chunks.length * 100;
  return HEAD_BYTES + text + 18 + 5 * Math.ceil(text / 32768) + TRAILER_BYTES;
}
