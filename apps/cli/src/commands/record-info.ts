/** What is in a recording, counted by reading all of it. */
import { marksOf, type Recording, type RecordingEnd } from '@terrarium/timeline';

export interface RecordingInfo {
  readonly lesson: string | null;
  readonly kernel: string | null;
  readonly languages: readonly string[];
  /** milliseconds since the epoch */
  readonly from: number;
  readonly to: number;
  readonly bytes: number;
  readonly events: number;
  /** events by kind of object, the most frequent first */
  readonly eventsOf: Readonly<Record<string, number>>;
  /** commands as they were typed; null where the shell did not say */
  readonly commands: readonly { readonly line: string | null; readonly failed: boolean }[];
  readonly checks: number;
  /** bytes that each terminal printed */
  readonly terminals: Readonly<Record<string, number>>;
  /** why it ended; null when it is cut off */
  readonly end: RecordingEnd | null;
  /** the first damage; null when all of it is whole */
  readonly problem: string | null;
}

/** @param bytes size of the file */
export async function recordingInfo(recording: Recording, bytes: number): Promise<RecordingInfo> {
  const eventsOf: Record<string, number> = {};
  const terminals: Record<string, number> = {};
  for await (const record of recording.records()) {
    if ('seq' in record) {
      const kind = record.type.split('.')[0] ?? record.type;
      eventsOf[kind] = (eventsOf[kind] ?? 0) + 1;
    } else if (record.type === 'terminal.output') {
      terminals[record.terminal] = (terminals[record.terminal] ?? 0) + record.bytes.length;
    }
  }
  const history = await recording.history({ maxEvents: Number.POSITIVE_INFINITY });
  const marks = marksOf(history);
  const { lesson, kernel, languages } = recording.header;
  return {
    ...{ lesson, kernel, languages, ...recording.span, bytes, events: history.length },
    eventsOf: Object.fromEntries(Object.entries(eventsOf).sort(([, a], [, b]) => b - a)),
    commands: marks.flatMap((mark) =>
      mark.kind === 'command' ? [{ line: mark.line, failed: mark.failed }] : [],
    ),
    checks: marks.filter(({ kind }) => kind === 'check').length,
    ...{ terminals, end: recording.end, problem: recording.problem?.message ?? null },
  };
}

/** The same for a person. */
export function describeRecording(info: RecordingInfo): string {
  const seconds = Math.round((info.to - info.from) / 1000);
  const kinds = Object.entries(info.eventsOf).map(([kind, n]) => `${n} ${kind}`);
  const printed = Object.entries(info.terminals).map(([id, n]) => `${id} ${n} bytes`);
  const lines = [
    ['lesson', info.lesson ?? 'none'],
    [
      'recorded',
      `${new Date(info.from).toISOString()}, ${Math.floor(seconds / 60)} min ${seconds % 60} s`,
    ],
    ['kernel', info.kernel ?? 'not told'],
    ['size', `${Math.max(1, Math.round(info.bytes / 1024))} KiB`],
    ['events', `${info.events} (${kinds.join(', ')})`],
    ['checks', `${info.checks} changes of colour`],
    ['terminals', printed.join(', ') || 'none'],
    ['end', endText(info)],
    ...info.commands.map(({ line, failed }) => [
      'command',
      `${line ?? '(not told)'}${failed ? '  [failed]' : ''}`,
    ]),
  ];
  return lines.map(([name, value]) => `${name?.padEnd(10)} ${value}`).join('\n');
}

function endText({ end, problem }: RecordingInfo): string {
  if (problem !== null) return `damaged: ${problem}`;
  switch (end) {
    case 'closed':
      return 'complete';
    case 'bytes':
      return 'reached its size cap; what came after is not in it';
    case 'duration':
      return 'reached its time cap; what came after is not in it';
    case null:
      return 'cut off; what is whole was read';
  }
}
