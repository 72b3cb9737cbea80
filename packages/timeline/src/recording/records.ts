/**
 * What a recording holds besides kernel events, and how each is one line of JSON: bytes and sizes
 * of terminals, what the learner did in the lesson. See docs/recording-format.md.
 */
import { z } from 'zod';
import type { TimelineEvent } from '../events.js';
import { stateSchema, timelineEventSchema } from '../schema.js';
import type { State } from '../state.js';
import { base64, bytesOfBase64, textOf, utf8 } from './platform.js';
import { RecordingError } from './recording-error.js';

/** The first thing in the file. */
export interface RecordingHeader {
  readonly format: 'terrarium-recording';
  readonly version: 1;
  /** milliseconds since the epoch; the clock of everything in the file */
  readonly created: number;
  readonly lesson: string | null;
  readonly sandbox: string | null;
  /** uname -r */
  readonly kernel: string | null;
  /** of the lesson's text, as BCP 47 tags; the first is the learner's */
  readonly languages: readonly string[];
}

/** What happened in the lesson; `check` is a timeline event. */
export type LessonRecord =
  /** the step that the page shows */
  | {
      readonly type: 'lesson.step';
      readonly t: number;
      readonly lesson: string;
      readonly step: string;
    }
  | {
      readonly type: 'lesson.prediction';
      readonly t: number;
      readonly lesson: string;
      readonly step: string;
      readonly answer: string;
      /** the kernel's answer, once it is known */
      readonly actual: string | null;
    }
  | {
      readonly type: 'lesson.help';
      readonly t: number;
      readonly lesson: string;
      readonly step: string;
      readonly level: 'hint-1' | 'hint-2' | 'solution';
    };

export type TerminalRecord =
  | {
      readonly type: 'terminal.output';
      readonly t: number;
      readonly terminal: string;
      readonly bytes: Uint8Array;
    }
  | {
      readonly type: 'terminal.resize';
      readonly t: number;
      readonly terminal: string;
      readonly cols: number;
      readonly rows: number;
    };

/** One thing in a recording, in the order in which it happened. */
export type RecordingRecord = TimelineEvent | TerminalRecord | LessonRecord;

/** What a terminal shows at a snapshot. */
export interface TerminalScreen {
  readonly terminal: string;
  readonly cols: number;
  readonly rows: number;
  /** what to write to an empty terminal of that size to get the same screen and scrollback */
  readonly screen: string;
}

/** State and screens at one moment, so that a seek need not begin at the start. */
export interface RecordingSnapshot {
  readonly state: State;
  /** null when the writer could not give them: then bytes are played from an earlier one */
  readonly terminals: readonly TerminalScreen[] | null;
}

/** Why a recording ended: by its writer's wish, or at a cap. */
export type RecordingEnd = 'closed' | 'bytes' | 'duration';

const t = z.number();
const size = z.number().int().min(1).max(10_000);
const step = { t, lesson: z.string(), step: z.string() };

const outputLine = z.union([
  z.object({ type: z.literal('terminal.output'), t, terminal: z.string(), text: z.string() }),
  z.object({ type: z.literal('terminal.output'), t, terminal: z.string(), base64: z.string() }),
]);
const resizeLine = z.object({
  ...{ type: z.literal('terminal.resize'), t, terminal: z.string(), cols: size, rows: size },
});
const lessonLine: z.ZodType<LessonRecord> = z.discriminatedUnion('type', [
  z.object({ type: z.literal('lesson.step'), ...step }),
  z.object({
    ...{ type: z.literal('lesson.prediction'), ...step },
    ...{ answer: z.string(), actual: z.string().nullable() },
  }),
  z.object({
    ...{ type: z.literal('lesson.help'), ...step },
    level: z.enum(['hint-1', 'hint-2', 'solution']),
  }),
]);

const headerSchema: z.ZodType<RecordingHeader> = z.object({
  format: z.literal('terrarium-recording'),
  version: z.literal(1),
  created: z.number(),
  lesson: z.string().nullable(),
  sandbox: z.string().nullable(),
  kernel: z.string().nullable(),
  languages: z.array(z.string()),
});

const snapshotSchema: z.ZodType<RecordingSnapshot> = z.object({
  state: stateSchema,
  terminals: z
    .array(z.object({ terminal: z.string(), cols: size, rows: size, screen: z.string() }))
    .nullable(),
});

/** One record as a line of JSON, without the line's end. */
export function lineOf(record: RecordingRecord): string {
  if (record.type !== 'terminal.output') return JSON.stringify(record);
  const { type, t, terminal, bytes } = record;
  const text = textOf(bytes);
  // A chunk of output may begin or end within a letter of several bytes.
  return JSON.stringify({
    type,
    t,
    terminal,
    ...(text === null ? { base64: base64(bytes) } : { text }),
  });
}

/** @throws RecordingError */
function recordOf(line: string): RecordingRecord {
  const value = json(line);
  const type = typeof value === 'object' && value !== null ? Reflect.get(value, 'type') : null;
  if (type === 'terminal.output') {
    const output = checked(outputLine, value, 'a terminal.output');
    const bytes = 'text' in output ? utf8(output.text) : bytesOfBase64(output.base64);
    if (bytes === null) throw new RecordingError('has a terminal.output with broken base64');
    return { type: output.type, t: output.t, terminal: output.terminal, bytes };
  }
  if (type === 'terminal.resize') return checked(resizeLine, value, 'a terminal.resize');
  if (typeof type === 'string' && type.startsWith('lesson.')) {
    return checked(lessonLine, value, `a ${type.slice(0, 32)}`);
  }
  return checked(timelineEventSchema, value, 'an event');
}

/** The lines of a data chunk. @throws RecordingError also when events are missing between them */
export function recordsOf(
  text: string,
  count: number,
  fromSeq: number,
): readonly RecordingRecord[] {
  const lines = text.split('\n');
  if (lines.length !== count) throw new RecordingError(`has ${lines.length} records, not ${count}`);
  let seq = fromSeq;
  return lines.map((line) => {
    const record = recordOf(line);
    if ('seq' in record && record.seq !== ++seq) {
      throw new RecordingError(`has event ${record.seq} where ${seq} should be`);
    }
    return record;
  });
}

/** @throws RecordingError; another version is named */
export function headerOf(text: string): RecordingHeader {
  const value = json(text);
  const version =
    typeof value === 'object' && value !== null ? Reflect.get(value, 'version') : null;
  if (typeof version === 'number' && version !== 1) {
    throw new RecordingError(`has version ${version}, this reader knows version 1`);
  }
  return checked(headerSchema, value, 'the header');
}

/** @throws RecordingError */
export function snapshotOf(text: string): RecordingSnapshot {
  return checked(snapshotSchema, json(text), 'a snapshot');
}

/** Parses JSON. @throws RecordingError */
export function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new RecordingError('holds text that is no JSON', { cause: error });
  }
}

/** @throws RecordingError with the first field that is wrong */
export function checked<T>(schema: z.ZodType<T>, value: unknown, what: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const place = issue?.path.map(String).join('.') ?? '';
  throw new RecordingError(
    `holds ${what} that is not one: ${place} ${issue?.message ?? ''}`.trim(),
  );
}
