/**
 * Seeks in a recording's file; for one that comes as a stream see stream.ts. What is whole before a
 * cut or a damaged chunk is played, and the damage is told; nothing of a damaged chunk is believed.
 */
import type { TimelineEvent } from '../events.js';
import { fold } from '../fold.js';
import { History, type HistoryOptions } from '../history.js';
import { EMPTY_STATE, type State } from '../state.js';
import { RecordingError } from './recording-error.js';
import {
  type IndexedChunk,
  type RecordingIndex,
  type RecordingSource,
  readChunk,
  readIndex,
  unpacked,
} from './recording-index.js';
import {
  headerOf,
  type RecordingEnd,
  type RecordingHeader,
  type RecordingRecord,
  type RecordingSnapshot,
  recordsOf,
  snapshotOf,
} from './records.js';
import { shareState } from './share-state.js';

/** Unpacked chunks that are kept, so that dragging to and fro does not read again. */
const KEPT_CHUNKS = 12;

/** @throws RecordingError when it is no recording, or of a version that this reader does not know */
export async function openRecording(source: RecordingSource): Promise<Recording> {
  const index = await readIndex(source);
  const [first] = index.chunks;
  if (first?.kind !== 'H') {
    throw index.problem ?? new RecordingError('begins without a header', { chunk: 0 });
  }
  try {
    const { head, payload } = await readChunk(source, first);
    return new Recording(source, headerOf(await unpacked(head, payload)), index);
  } catch (error) {
    throw error instanceof RecordingError ? error.in(0) : error;
  }
}

/** What a terminal had printed by some moment: write `screen`, then the bytes, at that size. */
export interface TerminalPast {
  readonly terminal: string;
  readonly cols: number;
  readonly rows: number;
  readonly screen: string;
  readonly output: readonly Uint8Array[];
}

/** A recording in which one can seek. */
export class Recording {
  readonly header: RecordingHeader;
  readonly index: RecordingIndex;
  private readonly source: RecordingSource;
  private readonly kept = new Map<number, readonly RecordingRecord[] | RecordingSnapshot>();
  private last: State = EMPTY_STATE;
  private damage: RecordingError | null;

  constructor(source: RecordingSource, header: RecordingHeader, index: RecordingIndex) {
    this.source = source;
    this.header = header;
    this.index = index;
    this.damage = index.problem;
  }

  /** The first damage that was met; null as long as all that was read is whole. */
  get problem(): RecordingError | null {
    return this.damage;
  }

  /** Why it ended; null for one that is cut off or still written. */
  get end(): RecordingEnd | null {
    return this.index.end;
  }

  /** Time of the first and of the last record, milliseconds since the epoch. */
  get span(): { readonly from: number; readonly to: number } {
    const chunks = this.index.chunks;
    return { from: this.header.created, to: chunks.at(-1)?.lastT ?? this.header.created };
  }

  /**
   * The state at a time: one snapshot and the events after it, nothing else is read. Shares
   * unchanged parts with the answer before.
   *
   * @returns null for a time before the beginning
   * @throws RecordingError when what is needed for it is damaged
   */
  stateAt(t: number): Promise<State | null> {
    return this.seek(
      (chunk) => chunk.firstT <= t,
      (event) => event.t <= t,
    );
  }

  /**
   * The state at an event's number; the newest for a number that is not there yet.
   *
   * @returns null for one before the beginning
   * @throws RecordingError when what is needed for it is damaged
   */
  stateAtSeq(seq: number): Promise<State | null> {
    return this.seek(
      (chunk) => (chunk.kind === 'S' ? chunk.toSeq <= seq : chunk.fromSeq < seq),
      (event) => event.seq <= seq,
    );
  }

  /**
   * Everything in order, up to the first damage (then `problem` says what it is).
   *
   * @param from leave out chunks that end before this time
   */
  async *records(from: number = Number.NEGATIVE_INFINITY): AsyncGenerator<RecordingRecord> {
    for (const [i, chunk] of this.index.chunks.entries()) {
      if (chunk.kind !== 'D' || chunk.lastT < from) continue;
      let records: readonly RecordingRecord[];
      try {
        records = await this.data(i, chunk);
      } catch (error) {
        if (!(error instanceof RecordingError)) throw error;
        this.damage ??= error;
        return;
      }
      yield* records;
    }
  }

  /** All kernel events in a History, for attribution and for seeking without waiting. */
  async history(options: Omit<HistoryOptions, 'start'> = {}): Promise<History> {
    const first = this.index.chunks.findIndex(({ kind }) => kind === 'S');
    if (first < 0) return new History(options);
    const { state } = await this.snapshot(first, this.index.chunks[first]!);
    const history = new History({ ...options, start: state });
    let next = state.seq + 1;
    let batch: TimelineEvent[] = [];
    for await (const record of this.records()) {
      if (!('seq' in record)) continue;
      if (record.seq !== next) {
        this.damage ??= new RecordingError(`has event ${record.seq} where ${next} should be`);
        break;
      }
      next += 1;
      batch.push(record);
      if (batch.length < 512) continue;
      history.append(batch);
      batch = [];
    }
    history.append(batch);
    return history;
  }

  /** What each terminal had printed by time `t`. @throws RecordingError */
  async terminalsAt(t: number): Promise<readonly TerminalPast[]> {
    const { chunks } = this.index;
    let begin = chunks.findLastIndex(({ kind, lastT }) => kind === 'S' && lastT <= t);
    const terminals = new Map<string, TerminalPast & { output: Uint8Array[] }>();
    for (; begin >= 0; begin--) {
      if (chunks[begin]!.kind !== 'S') continue;
      const { terminals: screens } = await this.snapshot(begin, chunks[begin]!);
      for (const one of screens ?? []) terminals.set(one.terminal, { ...one, output: [] });
      if (screens !== null) break;
    }
    for (let i = Math.max(begin, 0); i < chunks.length && chunks[i]!.firstT <= t; i++) {
      if (chunks[i]!.kind !== 'D') continue;
      for (const record of await this.data(i, chunks[i]!)) {
        if (record.t > t) break;
        if (record.type !== 'terminal.output' && record.type !== 'terminal.resize') continue;
        const known = terminals.get(record.terminal) ?? {
          ...{ terminal: record.terminal, cols: 80, rows: 24, screen: '', output: [] },
        };
        if (record.type === 'terminal.output') known.output.push(record.bytes);
        const { cols, rows } = record.type === 'terminal.resize' ? record : known;
        terminals.set(record.terminal, { ...known, cols, rows });
      }
    }
    return [...terminals.values()];
  }

  private async seek(
    begins: (chunk: IndexedChunk) => boolean,
    isIn: (event: TimelineEvent) => boolean,
  ): Promise<State | null> {
    const { chunks } = this.index;
    const base = chunks.findLastIndex((chunk) => chunk.kind === 'S' && begins(chunk));
    if (base < 0) return null;
    let until = base + 1;
    while (until < chunks.length && chunks[until]!.kind !== 'S' && begins(chunks[until]!)) until++;
    // All at once: unpacking is the platform's work, beside ours.
    const [snapshot, ...data] = await Promise.all([
      this.snapshot(base, chunks[base]!),
      ...chunks.slice(base + 1, until).map((chunk, i) => this.data(base + 1 + i, chunk)),
    ]);
    const events: TimelineEvent[] = [];
    for (const record of data.flat()) if ('seq' in record && isIn(record)) events.push(record);
    const start = snapshot.state;
    this.last = shareState(this.last, fold(start, events));
    return this.last;
  }

  private async snapshot(i: number, chunk: IndexedChunk): Promise<RecordingSnapshot> {
    return (await this.chunk(i, chunk)) as RecordingSnapshot;
  }

  private async data(i: number, chunk: IndexedChunk): Promise<readonly RecordingRecord[]> {
    return (await this.chunk(i, chunk)) as readonly RecordingRecord[];
  }

  private async chunk(
    i: number,
    chunk: IndexedChunk,
  ): Promise<readonly RecordingRecord[] | RecordingSnapshot> {
    const known = this.kept.get(i);
    this.kept.delete(i);
    try {
      const content = known ?? (await this.load(chunk));
      this.kept.set(i, content);
      if (this.kept.size > KEPT_CHUNKS) this.kept.delete(this.kept.keys().next().value!);
      return content;
    } catch (error) {
      throw error instanceof RecordingError ? error.in(i) : error;
    }
  }

  private async load(chunk: IndexedChunk): Promise<readonly RecordingRecord[] | RecordingSnapshot> {
    const { head, payload } = await readChunk(this.source, chunk);
    if (head.kind !== chunk.kind) throw new RecordingError('is of another kind than indexed');
    const text = await unpacked(head, payload);
    return head.kind === 'S' ? snapshotOf(text) : recordsOf(text, head.records, head.fromSeq);
  }
}
