import { describe, expect, it } from 'vitest';
import type { TimelineEvent } from '../events.js';
import { fold } from '../fold.js';
import { modelHour } from '../model-hour.js';
import { numbered, random, randomBodies } from '../sample.js';
import { EMPTY_STATE } from '../state.js';
import { decodeHead, encodeChunk, HEAD_BYTES, MAGIC, TRAILER_BYTES } from './chunk.js';
import { crc32 } from './crc32.js';
import { gunzip, gzip, joined, utf8 } from './platform.js';
import { openRecording, type Recording } from './reader.js';
import { RecordingError } from './recording-error.js';
import { bytesSource, type RecordingSource } from './recording-index.js';
import type { LessonRecord, TerminalRecord } from './records.js';
import { shareState } from './share-state.js';
import { readRecording, type StreamedRecord } from './stream.js';
import { type RecordingOptions, RecordingWriter } from './writer.js';

const FACTS = {
  ...{ created: 1000, lesson: 'containers/01', sandbox: 's1', kernel: '6.1.0' },
  languages: ['en', 'zh'],
};

const output = (t: number, text: string): TerminalRecord => ({
  ...{ type: 'terminal.output', t, terminal: 't1', bytes: utf8(text) },
});

/** Writes events in batches, the other records where their time is. */
async function recorded(
  events: readonly TimelineEvent[],
  others: readonly (TerminalRecord | LessonRecord)[] = [],
  options: RecordingOptions & { batch?: number; close?: boolean; created?: number } = {},
): Promise<{ bytes: Uint8Array; writer: RecordingWriter }> {
  const parts: Uint8Array[] = [];
  const facts = { ...FACTS, created: options.created ?? FACTS.created };
  const writer = new RecordingWriter((part) => void parts.push(part), facts, options);
  const waiting = [...others];
  let state = options.start ?? EMPTY_STATE;
  for (let i = 0; i < events.length; i += options.batch ?? 50) {
    const batch = events.slice(i, i + (options.batch ?? 50));
    while (waiting[0] !== undefined && waiting[0].t <= batch[0]!.t) writer.record(waiting.shift()!);
    state = fold(state, batch);
    writer.events(batch, state);
  }
  for (const record of waiting) writer.record(record);
  await (options.close === false ? writer.flush() : writer.close());
  return { bytes: joined(parts), writer };
}

async function streamed(bytes: Uint8Array): Promise<{
  records: StreamedRecord[];
  problem: RecordingError | null;
}> {
  const records: StreamedRecord[] = [];
  try {
    for await (const record of readRecording([bytes])) records.push(record);
  } catch (error) {
    if (!(error instanceof RecordingError)) throw error;
    return { records, problem: error };
  }
  return { records, problem: null };
}

async function all(recording: Recording): Promise<unknown[]> {
  const found = [];
  for await (const record of recording.records()) found.push(record);
  return found;
}

/** As text, because thousands of deep comparisons would take minutes. */
function isPrefix(records: readonly unknown[], whole: readonly unknown[]): boolean {
  return records.every((record, i) => JSON.stringify(record) === JSON.stringify(whole[i]));
}

const EVENTS = numbered(randomBodies(2, 600));
const OTHERS: (TerminalRecord | LessonRecord)[] = [
  { type: 'lesson.step', t: 1001, lesson: 'containers/01', step: 'look' },
  { type: 'terminal.resize', t: 1100, terminal: 't1', cols: 100, rows: 30 },
  output(1200, '$ echo 容器\r\n'),
  { type: 'terminal.output', t: 1300, terminal: 't1', bytes: Uint8Array.of(0xe5, 0xae) },
  { type: 'lesson.prediction', t: 1400, lesson: 'l', step: 's', answer: 'a', actual: null },
  { type: 'lesson.help', t: 1500, lesson: 'l', step: 's', level: 'hint-1' },
  output(2000, 'last'),
];

describe('a recording', () => {
  it('gives back everything that was written, in order', async () => {
    const { bytes } = await recorded(EVENTS, OTHERS, { snapshotEvents: 100 });
    const recording = await openRecording(bytesSource(bytes));
    expect(recording.header).toEqual({ format: 'terrarium-recording', version: 1, ...FACTS });
    expect(recording.end).toBe('closed');
    const records = (await all(recording)) as (TimelineEvent | TerminalRecord | LessonRecord)[];
    expect(records.filter((record) => 'seq' in record)).toEqual(EVENTS);
    const kinds = new Set(OTHERS.map(({ type }) => type as string));
    expect(records.filter(({ type }) => kinds.has(type))).toEqual(OTHERS);
    for (let i = 1; i < records.length; i++) expect(records[i]!.t >= records[i - 1]!.t).toBe(true);
    const stream = await streamed(bytes);
    expect(stream.problem).toBeNull();
    expect(stream.records.at(-1)).toEqual({ type: 'end' });
    expect(stream.records.filter((one) => 'seq' in one)).toEqual(EVENTS);
  });

  it('seeks to the state that folding from the start has, by number and by time', async () => {
    const { bytes } = await recorded(EVENTS, OTHERS, { snapshotEvents: 64 });
    const recording = await openRecording(bytesSource(bytes));
    const next = random(9);
    for (let i = 0; i < 60; i++) {
      const seq = Math.floor(next() * (EVENTS.length + 1));
      const expected = fold(EMPTY_STATE, EVENTS.slice(0, seq));
      expect(await recording.stateAtSeq(seq)).toEqual(expected);
      if (seq > 0) expect(await recording.stateAt(1000 + seq)).toEqual(expected);
    }
    expect(await recording.stateAt(999)).toBeNull();
    expect((await recording.stateAt(1e15))?.seq).toBe(EVENTS.length);
  });

  it('seeks without reading all: one snapshot and the chunks after it', async () => {
    const events = modelHour({ bursts: 2, forksPerBurst: 300 });
    const { bytes } = await recorded(events, [], { created: events[0]!.t });
    let read = 0;
    const source: RecordingSource = {
      size: bytes.length,
      read: async (offset, length) => {
        read += length;
        return bytes.subarray(offset, offset + length);
      },
    };
    const recording = await openRecording(source);
    expect(read).toBeLessThan(bytes.length / 10);
    read = 0;
    await recording.stateAtSeq(4600);
    expect(read).toBeGreaterThan(0);
    expect(read).toBeLessThan(bytes.length / 5);
    read = 0;
    await recording.stateAtSeq(4601);
    expect(read).toBe(0);
  });

  it('shares between seeks what is equal', async () => {
    const { bytes } = await recorded(EVENTS, [], { snapshotEvents: 50 });
    const recording = await openRecording(bytesSource(bytes));
    const one = (await recording.stateAtSeq(300))!;
    const two = (await recording.stateAtSeq(301))!;
    const far = (await recording.stateAtSeq(302))!;
    for (const [key, process] of Object.entries(far.processes)) {
      const before = two.processes[key];
      if (JSON.stringify(before) === JSON.stringify(process)) expect(process).toBe(before);
    }
    expect(shareState(one, JSON.parse(JSON.stringify(one)))).toBe(one);
  });

  it('leaves the bytes that it is given as they are, also when they are a Buffer', async () => {
    const { bytes } = await recorded(EVENTS, [], { snapshotEvents: 50 });
    class SharingSlices extends Uint8Array {
      override slice(from?: number, to?: number) {
        return super.subarray(from, to) as ReturnType<Uint8Array['slice']>;
      }
    }
    const given = new SharingSlices(bytes);
    const recording = await openRecording(bytesSource(given));
    await all(recording);
    for (let seq = 0; seq < 600; seq += 50) await recording.stateAtSeq(seq);
    expect(new Uint8Array(given)).toEqual(bytes);
  });

  it('can be had as a History', async () => {
    const { bytes } = await recorded(EVENTS, OTHERS, { snapshotEvents: 64 });
    const history = await (await openRecording(bytesSource(bytes))).history();
    expect(history.between(0)).toEqual(EVENTS);
    expect(history.newest).toEqual(fold(EMPTY_STATE, EVENTS));
  });

  it('begins in the middle of a session, at a given state', async () => {
    const start = fold(EMPTY_STATE, EVENTS.slice(0, 200));
    const { bytes } = await recorded(EVENTS.slice(200), [], { start });
    const recording = await openRecording(bytesSource(bytes));
    expect(await recording.stateAtSeq(200)).toEqual(start);
    expect(await recording.stateAtSeq(199)).toBeNull();
    expect((await recording.history()).newest).toEqual(fold(EMPTY_STATE, EVENTS));
  });

  it('plays terminals from the nearest screen, else from the start', async () => {
    const long = Array.from({ length: 30 }, (_, i) => output(1010 + i * 20, `${i} `));
    const screens = () => [{ terminal: 't1', cols: 100, rows: 30, screen: 'SCREEN ' }];
    for (const more of [{}, { screens }]) {
      const options = { snapshotEvents: 100, batch: 1, ...more };
      const { bytes } = await recorded(EVENTS, long, options);
      const recording = await openRecording(bytesSource(bytes));
      const [past] = await recording.terminalsAt(1310);
      const text = past!.screen + String.fromCharCode(...joined(past!.output));
      expect(text.endsWith('15 ')).toBe(true);
      expect(text.startsWith('screens' in options ? 'SCREEN ' : '0 1 2 ')).toBe(true);
    }
  });

  it('never goes back in time, and refuses events that do not follow', async () => {
    const writer = new RecordingWriter(() => {}, FACTS);
    writer.record(output(5000, 'x'));
    const events = numbered(randomBodies(1, 5));
    writer.events(events, fold(EMPTY_STATE, events));
    expect(() => writer.events(events, fold(EMPTY_STATE, events))).toThrow('does not follow');
    await writer.close();
    const { bytes } = await recorded(events, [output(900, 'early')]);
    expect((await all(await openRecording(bytesSource(bytes))))[0]).toMatchObject({ t: 1000 });
  });

  it('hands on in the first flush what came before it', async () => {
    const parts: Uint8Array[] = [];
    const writer = new RecordingWriter((part) => void parts.push(part), FACTS);
    writer.record(output(2000, 'live'));
    await writer.flush();
    const recording = await openRecording(bytesSource(joined(parts)));
    expect(recording.end).toBeNull();
    expect(recording.problem).toBeNull();
    expect(await all(recording)).toEqual([output(2000, 'live')]);
  });

  it('tells how much a slow sink has not taken', async () => {
    let release = () => {};
    const slow = new Promise<void>((resolve) => {
      release = resolve;
    });
    const writer = new RecordingWriter(() => slow, FACTS);
    writer.record(output(2000, 'x'.repeat(70_000)));
    expect(writer.waiting).toBeGreaterThan(70_000);
    release();
    await writer.close();
    expect(writer.waiting).toBe(0);
  });

  it('says what the sink says', async () => {
    const writer = new RecordingWriter(() => Promise.reject(new Error('disk full')), FACTS);
    writer.record(output(2000, 'x'));
    await expect(writer.flush()).rejects.toThrow('recording: cannot be written');
    expect(writer.ended).toBe('closed');
  });
});

describe('caps', () => {
  it('end the file within its bytes, with an index', async () => {
    const noise = random(1);
    const many = Array.from({ length: 400 }, (_, i) =>
      output(
        2000 + i,
        Array.from({ length: 400 }, () => String.fromCharCode(33 + noise() * 90)).join(''),
      ),
    );
    for (const maxBytes of [3_000, 40_000, 70_000, 100_000]) {
      const { bytes, writer } = await recorded([], many, { maxBytes });
      expect(writer.ended).toBe('bytes');
      expect(bytes.length).toBeLessThanOrEqual(maxBytes);
      const recording = await openRecording(bytesSource(bytes));
      expect(recording.end).toBe('bytes');
      expect(recording.problem).toBeNull();
      expect((await all(recording)).length).toBeLessThan(400);
    }
  });

  it('end it after its duration', async () => {
    const { bytes, writer } = await recorded([], [output(1500, 'in'), output(9000, 'out')], {
      maxDurationMs: 5000,
    });
    expect(writer.ended).toBe('duration');
    const recording = await openRecording(bytesSource(bytes));
    expect(recording.end).toBe('duration');
    expect(await all(recording)).toEqual([output(1500, 'in')]);
  });
});

describe('damage', () => {
  it('a file cut at any byte plays what is whole, and says where it ends', async () => {
    const { bytes } = await recorded(EVENTS.slice(0, 24), OTHERS, {
      snapshotEvents: 12,
      batch: 6,
    });
    const whole = await streamed(bytes);
    const plain = whole.records.filter(({ type }) => !/^(header|snapshot|end)$/.test(type));
    let longest = 0;
    for (let size = 0; size < bytes.length; size++) {
      const cut = bytes.subarray(0, size);
      const { records, problem } = await streamed(cut);
      expect(isPrefix(records, whole.records)).toBe(true);
      if (problem !== null) expect(problem.message).toMatch(/^recording: (chunk \d+: )?[a-z]/);
      longest = Math.max(longest, records.length);
      try {
        const recording = await openRecording(bytesSource(cut));
        const found = await all(recording);
        expect(isPrefix(found, plain)).toBe(true);
      } catch (error) {
        if (!(error instanceof RecordingError)) throw error;
        expect(size).toBeLessThan(MAGIC.length + HEAD_BYTES + 200); // only without its header
      }
    }
    expect(longest).toBeGreaterThanOrEqual(whole.records.length - 1);
  }, 120_000);

  it('flipped bits are found: never another record, never another error', async () => {
    const { bytes } = await recorded(EVENTS.slice(0, 60), OTHERS, {
      snapshotEvents: 20,
      batch: 10,
    });
    const whole = await streamed(bytes);
    const next = random(77);
    for (let round = 0; round < 250; round++) {
      const flipped = bytes.slice();
      for (let n = 0; n <= round % 3; n++) {
        const at = Math.floor(next() * flipped.length);
        flipped[at] = flipped[at]! ^ (1 << Math.floor(next() * 8));
      }
      const { records } = await streamed(flipped);
      expect(isPrefix(records, whole.records)).toBe(true);
      try {
        const recording = await openRecording(bytesSource(flipped));
        await all(recording);
        await recording.stateAtSeq(45);
        await recording.history();
        await recording.terminalsAt(1300);
      } catch (error) {
        if (!(error instanceof RecordingError)) throw error;
      }
    }
  });

  it('chunks that are whole and say nonsense are refused in words', async () => {
    const { bytes } = await recorded(EVENTS.slice(0, 40), OTHERS, { snapshotEvents: 20, batch: 5 });
    const { chunks } = (await openRecording(bytesSource(bytes))).index;
    const next = random(31);
    const upTo = (n: number) => Math.floor(next() * n);
    for (let round = 0; round < 150; round++) {
      const at = upTo(chunks.length);
      const { offset, bytes: size } = chunks[at]!;
      const head = decodeHead(bytes.subarray(offset));
      const payload = bytes.slice(offset + HEAD_BYTES, offset + size);
      const text = head.gzipped ? await gunzip(payload, 1e6) : payload;
      const changed = text.slice();
      if (round % 3 === 0) changed[upTo(changed.length)] = 32 + upTo(95);
      const other = { ...head, gzipped: round % 5 === 0 && head.gzipped };
      if (round % 3 === 1) Object.assign(other, { records: upTo(9), kind: 'HSDE'[upTo(4)] });
      if (round % 3 === 2) Object.assign(other, { fromSeq: upTo(50), toSeq: 50 + upTo(9) });
      const made = encodeChunk(other, other.gzipped ? await gzip(changed) : changed);
      const file = joined([bytes.subarray(0, offset), made, bytes.subarray(offset + size)]);
      await streamed(file);
      try {
        const recording = await openRecording(bytesSource(file.subarray(0, -20)));
        await all(recording);
        await recording.terminalsAt(1300);
        await recording.history();
        await recording.stateAtSeq(30);
      } catch (error) {
        if (!(error instanceof RecordingError)) throw error;
      }
    }
  });

  it('bytes that were never a recording are refused in words', async () => {
    const next = random(5);
    for (let round = 0; round < 200; round++) {
      const noise = Uint8Array.from({ length: Math.floor(next() * 300) }, () => next() * 256);
      const input = round % 2 ? joined([MAGIC, noise]) : noise;
      await expect(openRecording(bytesSource(input))).rejects.toThrow(RecordingError);
    }
    await expect(openRecording(bytesSource(utf8('hello, I am a text')))).rejects.toThrow(
      'recording: does not begin as a .terrarium file does',
    );
  });

  it('names the chunk and what is wrong with it', async () => {
    const { bytes } = await recorded(EVENTS.slice(0, 60), [], { snapshotEvents: 20, batch: 10 });
    const recording = await openRecording(bytesSource(bytes));
    const third = recording.index.chunks[2]!;
    const broken = bytes.slice();
    broken[third.offset + HEAD_BYTES + 20]! ^= 1;
    expect((await streamed(broken)).problem?.message).toBe('recording: chunk 2: is damaged (CRC)');
    const damaged = await openRecording(bytesSource(broken));
    expect(await all(damaged)).toEqual([]);
    expect(damaged.problem?.chunk).toBe(2);
    await expect(damaged.stateAtSeq(10)).rejects.toThrow('chunk 2: is damaged');
    expect((await damaged.stateAtSeq(50))?.seq).toBe(50); // after the next snapshot all is well
    const cut = await streamed(bytes.subarray(0, third.offset + 60));
    expect(cut.problem?.message).toBe('recording: chunk 2: is cut off');
  });

  it('a damaged index is not needed', async () => {
    const { bytes } = await recorded(EVENTS, [], { snapshotEvents: 100 });
    const broken = bytes.slice();
    broken[bytes.length - TRAILER_BYTES - 5]! ^= 1;
    const recording = await openRecording(bytesSource(broken));
    expect(recording.end).toBeNull();
    expect(await all(recording)).toEqual(EVENTS);
    expect((await recording.stateAtSeq(333))?.seq).toBe(333);
  });

  it('another version is named', async () => {
    const { bytes } = await recorded([], []);
    const text = '{"format":"terrarium-recording","version":1,';
    const at = MAGIC.length + HEAD_BYTES + text.length - 2;
    const newer = bytes.slice();
    newer[at] = 0x32;
    const head = newer.subarray(MAGIC.length, MAGIC.length + HEAD_BYTES);
    const view = new DataView(head.buffer, head.byteOffset);
    const size = view.getUint32(4, true);
    view.setUint32(12, 0);
    view.setUint32(12, crc32(newer.subarray(MAGIC.length, MAGIC.length + HEAD_BYTES + size)), true);
    await expect(openRecording(bytesSource(newer))).rejects.toThrow(
      'recording: chunk 0: has version 2, this reader knows version 1',
    );
  });
});

describe('a stream', () => {
  it('is read in whatever pieces it comes', async () => {
    const { bytes } = await recorded(EVENTS.slice(0, 100), OTHERS, { snapshotEvents: 40 });
    const whole = await streamed(bytes);
    for (const size of [1, 7, 100, 5000]) {
      const pieces = (async function* () {
        for (let i = 0; i < bytes.length; i += size) yield bytes.slice(i, i + size);
      })();
      const records: StreamedRecord[] = [];
      for await (const record of readRecording(pieces)) records.push(record);
      expect(records).toEqual(whole.records);
    }
  });
});
