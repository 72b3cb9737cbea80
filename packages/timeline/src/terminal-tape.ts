/**
 * What one terminal printed, with times, so that its screen at any moment can be drawn again: bytes
 * and sizes, cut into segments that each begin with a whole screen. Bounded: the oldest segment goes
 * first. Knows no emulator: whoever owns one gives its screen when a segment is full.
 */
import { utf8 } from './recording/platform.js';
import type { TerminalRecord } from './recording/records.js';

/** Something that happened to a terminal. Times are milliseconds on the caller's clock. */
export type TapePart =
  | { readonly t: number; readonly bytes: Uint8Array }
  | { readonly t: number; readonly cols: number; readonly rows: number };

/** What to play to get a screen: set the size, write `screen`, then `count` of the parts. */
export interface TapeMoment {
  /** two moments of one segment differ only in `count`: the later one goes on from the earlier */
  readonly segment: object;
  readonly cols: number;
  readonly rows: number;
  readonly screen: string;
  readonly parts: readonly TapePart[];
  readonly count: number;
}

export interface TapeOptions {
  /** of all segments; default 4 MiB for each terminal: hours at a prompt, seconds of a flood */
  readonly maxBytes?: number;
  /** default 256 KiB: an emulator draws that in about 20 ms, the longest that a seek replays */
  readonly segmentBytes?: number;
}

export const DEFAULT_TAPE_BYTES: number = 4 * 1024 * 1024;
export const DEFAULT_TAPE_SEGMENT_BYTES: number = 256 * 1024;

interface Segment {
  readonly t: number;
  readonly cols: number;
  readonly rows: number;
  readonly screen: string;
  readonly parts: TapePart[];
  bytes: number;
}

/** The tape of one terminal. */
export class TerminalTape {
  private segments: Segment[] = [];
  private readonly maxBytes: number;
  private readonly segmentBytes: number;
  private cols = 80;
  private rows = 24;
  private held = 0;

  constructor(options: TapeOptions = {}) {
    this.maxBytes = options.maxBytes ?? DEFAULT_TAPE_BYTES;
    this.segmentBytes = options.segmentBytes ?? DEFAULT_TAPE_SEGMENT_BYTES;
  }

  /** Bytes held. */
  get bytes(): number {
    return this.held;
  }

  /** Time from which on the screen is known; null before anything was printed. */
  get begins(): number | null {
    return this.segments[0]?.t ?? null;
  }

  /** The open segment is full: time to give a screen. */
  get wantsScreen(): boolean {
    return (this.segments.at(-1)?.bytes ?? 0) >= this.segmentBytes;
  }

  /** Printed, and drawn. */
  write(t: number, bytes: Uint8Array): void {
    const open = this.open(t);
    open.parts.push({ t, bytes });
    open.bytes += bytes.length;
    this.held += bytes.length;
    this.forgetOldest();
  }

  resize(t: number, cols: number, rows: number): void {
    if (cols === this.cols && rows === this.rows) return;
    this.cols = cols;
    this.rows = rows;
    if (this.segments.length > 0) this.open(t).parts.push({ t, cols, rows });
  }

  /** Begins a new segment with what the terminal shows after all that was written. */
  screen(t: number, screen: string): void {
    const { cols, rows } = this;
    this.segments.push({ t, cols, rows, screen, parts: [], bytes: screen.length });
    this.held += screen.length;
    this.forgetOldest();
  }

  /** What the screen was made of at a time; null for one before the beginning. */
  at(t: number): TapeMoment | null {
    const segment = this.segments.findLast((one) => one.t <= t);
    if (segment === undefined) return null;
    const { cols, rows, screen, parts } = segment;
    let count = parts.length;
    while (count > 0 && parts[count - 1]!.t > t) count -= 1;
    return { segment, cols, rows, screen, parts, count };
  }

  /** Everything as records of a recording, in order; `clock` turns a time of the tape into theirs. */
  *records(terminal: string, clock: (t: number) => number = (t) => t): Generator<TerminalRecord> {
    for (const [i, segment] of this.segments.entries()) {
      if (i === 0) yield* begin(terminal, segment, clock);
      for (const part of segment.parts) {
        const t = clock(part.t);
        if ('bytes' in part) yield { type: 'terminal.output', t, terminal, bytes: part.bytes };
        else yield { type: 'terminal.resize', t, terminal, cols: part.cols, rows: part.rows };
      }
    }
  }

  private open(t: number): Segment {
    const last = this.segments.at(-1);
    if (last !== undefined) return last;
    const { cols, rows } = this;
    const first: Segment = { t, cols, rows, screen: '', parts: [], bytes: 0 };
    this.segments.push(first);
    return first;
  }

  private forgetOldest(): void {
    let drop = 0;
    while (drop < this.segments.length - 1 && this.held > this.maxBytes) {
      this.held -= this.segments[drop]!.bytes;
      drop += 1;
    }
    if (drop > 0) this.segments = this.segments.slice(drop);
  }
}

/** What a first segment begins with; what is before it is forgotten. */
function* begin(
  terminal: string,
  { t, cols, rows, screen }: Segment,
  clock: (t: number) => number,
): Generator<TerminalRecord> {
  yield { type: 'terminal.resize', t: clock(t), terminal, cols, rows };
  if (screen === '') return;
  const bytes = utf8(screen);
  yield { type: 'terminal.output', t: clock(t), terminal, bytes };
}
