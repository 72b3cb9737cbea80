/** What `record info` says of a recording, and of one that is cut off. */
import {
  bytesSource,
  type EventBody,
  openRecording,
  RecordingWriter,
  Timeline,
} from '@terrarium/timeline';
import { expect, test } from 'vitest';
import { describeRecording, recordingInfo } from './record-info.js';

async function recorded(): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  const created = 1_780_000_000_000;
  const timeline = new Timeline({ now: () => created + timeline.seq * 1000 });
  const facts = {
    created,
    lesson: 'containers/01',
    sandbox: 's',
    kernel: '6.1',
    languages: ['en'],
  };
  const writer = new RecordingWriter((bytes) => void parts.push(bytes), facts);
  timeline.subscribe((events, state) => writer.events(events, state));
  const start = { id: 'c1', terminal: 't1', line: 'false', process: '5:5', processGroup: null };
  const bodies: EventBody[] = [
    { type: 'command.start', ...start },
    { type: 'command.end', id: 'c1', exitCode: 1 },
    { type: 'check', lesson: 'containers/01', step: 'a', passed: true },
  ];
  for (const body of bodies) timeline.append([body]);
  const bytes = new TextEncoder().encode('$ false\r\n');
  writer.record({ type: 'terminal.output', t: created + 5000, terminal: 't1', bytes });
  await writer.close();
  return Buffer.concat(parts);
}

test('counts what is in a recording', async () => {
  const file = await recorded();
  const info = await recordingInfo(await openRecording(bytesSource(file)), file.length);
  expect(info).toMatchObject({
    ...{ lesson: 'containers/01', kernel: '6.1', events: 3, checks: 1, end: 'closed' },
    eventsOf: { command: 2, check: 1 },
    commands: [{ line: 'false', failed: true }],
    terminals: { t1: 9 },
    problem: null,
  });
  const text = describeRecording(info);
  expect(text).toContain('false  [failed]');
  expect(text).toContain('complete');
});

test('says that one is cut off, and reads what is whole', async () => {
  const file = (await recorded()).subarray(0, -40);
  const info = await recordingInfo(await openRecording(bytesSource(file)), file.length);
  expect(info.end).toBeNull();
  expect(info.events).toBe(3);
  expect(describeRecording(info)).toMatch(/cut off/);
});
