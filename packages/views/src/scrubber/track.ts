/**
 * What the scrubber draws of a history, kept up to date event by event: ticks by lane, commands,
 * marks. Made once per history and shared; drawing looks things up by time, never folds.
 */
import {
  attributionOf,
  type CommandSpan,
  commandMark,
  firstAfter,
  type History,
  type Mark,
  type ProcessKey,
  pointMark,
  type TimelineEvent,
} from '@terrarium/timeline';
import { type Lane, laneOf, TICK_LANES } from '../timeline-events.js';

/** The trace may tell what a command did so much earlier than the shell tells of the command. */
const EARLY_MS = 1000;
const EARLY_EVENTS = 64;

/** Events of one lane in order of time. */
export type Ticks = TimelineEvent[];

const tracks = new WeakMap<History, Track>();

/** The track of a history as it stands now. */
export function trackOf(history: History): Track {
  let track = tracks.get(history);
  if (track === undefined) {
    track = new Track(history);
    tracks.set(history, track);
  }
  track.update();
  return track;
}

export class Track {
  readonly history: History;
  readonly lanes: Record<Lane, Ticks>;
  private points: Mark[] = [];
  private upTo: number;
  private first: number | null = null;
  private cached: { readonly upTo: number; readonly spans: readonly CommandSpan[] } | null = null;
  private cachedMarks: readonly Mark[] = [];
  private readonly befores = new Map<string, number>();

  constructor(history: History) {
    this.history = history;
    this.upTo = history.oldest.seq;
    this.lanes = Object.fromEntries(TICK_LANES.map((lane) => [lane, [] as Ticks])) as Record<
      Lane,
      Ticks
    >;
  }

  /** Takes what came since; forgets what the history forgot. */
  update(): void {
    const { history } = this;
    for (const event of history.between(this.upTo)) {
      this.first ??= event.t;
      const lane = laneOf(event);
      if (lane !== null) this.lanes[lane].push(event);
      const mark = pointMark(event);
      if (mark !== null) this.points.push(mark);
    }
    this.upTo = history.newest.seq;
    const oldest = history.oldest.seq;
    if (oldest === 0) return;
    for (const lane of TICK_LANES) forget(this.lanes[lane], oldest);
    forget(this.points, oldest);
  }

  /** Time of the oldest event that can be had, ms since the epoch. */
  get begins(): number {
    const { oldest } = this.history;
    return oldest.t > 0 ? oldest.t : (this.first ?? this.history.newest.t);
  }

  get ends(): number {
    return this.history.newest.t;
  }

  /** Commands, oldest first. */
  get spans(): readonly CommandSpan[] {
    this.refresh();
    return this.cached?.spans ?? [];
  }

  /** Everything to jump to, in order. */
  get marks(): readonly Mark[] {
    this.refresh();
    return this.cachedMarks;
  }

  /** Number of the last event before the command did anything: its shell's word may come late. */
  before(span: CommandSpan): number {
    const known = this.befores.get(span.id);
    if (known !== undefined) return known;
    const { startSeq, startedAt, process } = span;
    let before = startSeq;
    const earlier = this.history.between(startSeq - 1 - EARLY_EVENTS, startSeq - 1);
    for (const event of earlier.toReversed()) {
      if (event.type.startsWith('command.') || event.t < startedAt - EARLY_MS) break;
      if (isBy(event, process)) before = event.seq - 1;
    }
    this.befores.set(span.id, before);
    return before;
  }

  /** Time of an event; of the oldest state for its number. */
  timeOf(seq: number): number {
    const { oldest, newest } = this.history;
    if (seq <= oldest.seq) return this.begins;
    if (seq >= newest.seq) return newest.t;
    return this.eventAt(seq)?.t ?? newest.t;
  }

  /** The event with that number, if it is remembered. */
  eventAt(seq: number): TimelineEvent | null {
    return this.history.between(seq - 1, seq)[0] ?? null;
  }

  private refresh(): void {
    if (this.cached?.upTo === this.upTo) return;
    const oldest = this.history.oldest.seq;
    const spans = attributionOf(this.history)
      .spans()
      .filter(({ startSeq }) => startSeq > oldest);
    this.cached = { upTo: this.upTo, spans };
    this.cachedMarks = [
      ...spans.map((span) => ({ ...commandMark(span), seq: this.before(span) })),
      ...this.points,
    ].sort((a, b) => a.seq - b.seq);
  }
}

/** A shell did it itself, or began to: nothing that it does at its prompt is another's. */
function isBy(event: TimelineEvent, shell: ProcessKey): boolean {
  if ('actor' in event && event.actor !== undefined) return event.actor === shell;
  return event.type === 'process.fork' && event.process.parent === shell;
}

function forget(list: { readonly seq: number }[], oldest: number): void {
  if ((list[0]?.seq ?? Number.POSITIVE_INFINITY) > oldest) return;
  list.splice(
    0,
    firstAfter(list, (one) => one.seq > oldest),
  );
}
