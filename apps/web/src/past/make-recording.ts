/**
 * Makes a `.terrarium` file of what the page remembers: events of its history, output of its
 * terminals, both in order of time. In slices, so that the page stays alive meanwhile.
 */
import {
  fold,
  type History,
  type LessonRecord,
  type RecordingEnd,
  RecordingWriter,
  type State,
  type TerminalRecord,
  type TerminalTape,
  type TimelineEvent,
} from '@terrarium/timeline';

export interface RecordingParts {
  readonly history: History;
  readonly tapes: ReadonlyMap<string, TerminalTape>;
  /** in order; default: none */
  readonly lessonRecords?: readonly LessonRecord[];
  /** a time of the tapes on the clock of the events */
  readonly serverTime: (t: number) => number;
  readonly lesson: string;
  readonly lang: string;
  readonly maxBytes?: number;
  /** 0 to 1 */
  readonly onProgress?: (done: number) => void;
}

export interface MadeRecording {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** not `closed`: the end did not fit */
  readonly end: RecordingEnd;
}

/** Events of one batch, as the daemon hands them on. */
const BATCH = 200;
/** After so many the page may draw and answer: some 20 ms of work. */
const REST_EVENTS = 2000;

/** @throws what packing throws */
export async function makeRecording(parts: RecordingParts): Promise<MadeRecording> {
  const { history, onProgress } = parts;
  const events = history.between(history.oldest.seq);
  const output = otherRecords(parts);
  const chunks: Uint8Array[] = [];
  const start = history.oldest;
  const created = Math.min(events[0]?.t ?? start.t, output[0]?.t ?? Number.POSITIVE_INFINITY);
  const writer = new RecordingWriter(
    (bytes) => void chunks.push(bytes),
    {
      created: start.t > 0 ? start.t : created,
      lesson: parts.lesson,
      sandbox: history.newest.sandbox?.id ?? null,
      kernel: history.newest.sandbox?.kernelRelease ?? null,
      languages: [parts.lang],
    },
    {
      start,
      maxDurationMs: Number.POSITIVE_INFINITY,
      ...(parts.maxBytes !== undefined && { maxBytes: parts.maxBytes }),
    },
  );
  let state: State = start;
  let printed = 0;
  let rested = 0;
  for (let i = 0; i < events.length && writer.ended === null; ) {
    const batch = nextBatch(events, i, output[printed]?.t ?? Number.POSITIVE_INFINITY);
    state = fold(state, batch);
    writer.events(batch, state);
    i += batch.length;
    const until = events[i]?.t ?? Number.POSITIVE_INFINITY;
    while (printed < output.length && output[printed]!.t < until) writer.record(output[printed++]!);
    // Packing is the platform's work, beside ours; it and the page get their turn.
    if (i - rested >= REST_EVENTS) {
      rested = i;
      await new Promise((resolve) => setTimeout(resolve));
    }
    onProgress?.(i / events.length);
  }
  while (printed < output.length) writer.record(output[printed++]!);
  await writer.close();
  return { bytes: joined(chunks), end: writer.ended ?? 'closed' };
}

/** Events that come before the next output, and not too many. */
function nextBatch(
  events: readonly TimelineEvent[],
  from: number,
  before: number,
): readonly TimelineEvent[] {
  let end = from + 1;
  while (end < events.length && end - from < BATCH && events[end]!.t <= before) end++;
  return events.slice(from, end);
}

/** What is no kernel event, in order. */
function otherRecords(parts: RecordingParts): readonly (TerminalRecord | LessonRecord)[] {
  const { tapes, serverTime, lessonRecords = [] } = parts;
  const printed = [...tapes].flatMap(([id, tape]) => [...tape.records(id, serverTime)]);
  return [...printed, ...lessonRecords].sort((a, b) => a.t - b.t);
}

function joined(chunks: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}
