/**
 * What the daemon remembers of one session's timeline, for a page that looks back to before it was
 * opened: a recording in memory, packed as it grows, whose oldest part is dropped at a bound.
 *
 * The ring of `Timeline` holds the newest events as objects, for pages that missed a few; this holds
 * hours of them in gzip, at about 30 bytes an event.
 */
import { RecordingWriter, type Timeline } from '@terrarium/timeline';

/**
 * Packed bytes of one session: two to three hours of normal work (docs/measurements.md). Counted for
 * 100 learners: 200 MB, when all of them have worked that long.
 */
export const HISTORY_BYTES: number = 2 * 1024 * 1024;

/** Where a chunk's kind stands in its head. */
const KIND_OF_SNAPSHOT = 'S'.charCodeAt(0);

export interface PastOptions {
  /** what this is the past of, for the header; a page reads none of it */
  readonly sandbox: string | null;
  readonly maxBytes?: number;
  readonly now?: () => number;
}

/** The past of one timeline, from the moment on in which it is made. */
export class SessionPast {
  readonly #maxBytes: number;
  readonly #writer: RecordingWriter;
  readonly #unsubscribe: () => void;
  /** the file's first bytes and its header; without them no chunk can be read */
  #head: Uint8Array = new Uint8Array();
  /** begins with a snapshot, always */
  #chunks: Uint8Array[] = [];
  #bytes = 0;

  constructor(timeline: Timeline, options: PastOptions) {
    this.#maxBytes = options.maxBytes ?? HISTORY_BYTES;
    this.#writer = new RecordingWriter(
      (bytes) => this.#take(bytes),
      {
        ...{ created: (options.now ?? Date.now)(), lesson: null, sandbox: options.sandbox },
        ...{ kernel: null, languages: [] },
      },
      {
        start: timeline.state,
        // The bound is ours: it drops the oldest instead of ending.
        maxBytes: Number.POSITIVE_INFINITY,
        maxDurationMs: Number.POSITIVE_INFINITY,
      },
    );
    this.#unsubscribe = timeline.subscribe((events, state, texts) => {
      this.#writer.events(events, state, texts);
    });
  }

  /** Packed bytes that are held. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Everything that is remembered, as a `.terrarium` file that is still being written. */
  async read(): Promise<Uint8Array> {
    await this.#writer.flush();
    return Buffer.concat([this.#head, ...this.#chunks]);
  }

  /** Takes no more events. */
  stop(): void {
    this.#unsubscribe();
  }

  #take(bytes: Uint8Array): void {
    if (this.#head.length === 0) {
      this.#head = bytes;
      return;
    }
    this.#chunks.push(bytes);
    this.#bytes += bytes.length;
    if (this.#bytes > this.#maxBytes) this.#forgetOldest();
  }

  /** Drops from the front up to a snapshot, from which what remains can be folded. */
  #forgetOldest(): void {
    let drop = 0;
    let dropped = 0;
    let before = 0;
    for (let i = 1; i < this.#chunks.length && this.#bytes - dropped > this.#maxBytes; i++) {
      before += this.#chunks[i - 1]!.length;
      if (this.#chunks[i]![0] !== KIND_OF_SNAPSHOT) continue;
      drop = i;
      dropped = before;
    }
    this.#chunks = this.#chunks.slice(drop);
    this.#bytes -= dropped;
  }
}
