/**
 * Seeking anywhere in an hour of a learner's work: in a recording's file (read, unpack, parse, fold)
 * beside folding all events from the start, and in the memory of a live page. The hour is a model,
 * see packages/timeline/src/model-hour.ts for what it assumes.
 */
import {
  attributionOf,
  bytesSource,
  commandDiff,
  EMPTY_STATE,
  fold,
  History,
  openRecording,
  RecordingWriter,
} from '../../packages/timeline/dist/index.js';
import { modelHour, modelTerminals } from '../../packages/timeline/dist/model-hour.js';
import { random } from '../../packages/timeline/dist/sample.js';
import { percentile, row } from './statistics.mjs';

const SEEKS = 200;
const FOLDS = 20; // they are slow, and all alike
/** A daemon hands on what came in one of its frames. */
const BATCH = 20;

/**
 * `seek`: in the file, beside reading and folding the file from its start; `seek-live`: in memory,
 * beside folding from the start in memory.
 *
 * @param seeks fewer for a quick look
 */
export async function seek(seeks = SEEKS) {
  const events = modelHour();
  const terminals = modelTerminals(events);
  const bytes = await record(events, terminals);
  const history = new History();
  history.append(events);
  const recording = await openRecording(bytesSource(bytes));
  const next = random(7);
  const [file, fileFromStart, live, liveFromStart] = [[], [], [], []];
  for (let i = 0; i < seeks; i++) {
    const seq = 1 + Math.floor(next() * events.length);
    const { t } = events[seq - 1];
    file.push(await timed(() => recording.stateAt(t)));
    live.push(await timed(() => history.stateAt(t)));
    if (i % Math.ceil(seeks / FOLDS) !== 0) continue;
    fileFromStart.push(await timed(() => playUntil(bytes, t)));
    liveFromStart.push(await timed(() => fold(EMPTY_STATE, events.slice(0, seq))));
  }
  const diffs = [];
  for (const { id } of attributionOf(history).spans().slice(0, 20)) {
    diffs.push(await timed(() => commandDiff(history, id)));
  }
  const size = `one hour of the model is ${events.length} events and ${terminals.length} terminal records, ${Math.round(bytes.length / 1024)} KiB`;
  const diff = `a command's diff takes ${percentile(diffs, 0.5).toFixed(2)} ms`;
  return [
    row('seek', 'ms', file, { 'read and fold from the start': fileFromStart }, size),
    row('seek-live', 'ms', live, { 'fold from the start': liveFromStart }, diff),
  ];
}

export const SEEK_BENCHES = [
  {
    names: ['seek', 'seek-live'],
    run: async (wanted) => (await seek()).filter(({ name }) => wanted.includes(name)),
  },
];

/** What a player without snapshots does. */
async function playUntil(bytes, t) {
  let state = EMPTY_STATE;
  let batch = [];
  for await (const record of (await openRecording(bytesSource(bytes))).records()) {
    if (record.t > t) break;
    if (record.seq === undefined) continue;
    batch.push(record);
    if (batch.length < 1000) continue;
    state = fold(state, batch);
    batch = [];
  }
  return fold(state, batch);
}

/** The hour as a file. */
async function record(events, terminals) {
  const parts = [];
  const writer = new RecordingWriter((part) => void parts.push(part), {
    ...{ created: events[0].t, lesson: 'containers/01', sandbox: 'model', kernel: '6.1.0' },
    languages: ['en'],
  });
  let state = EMPTY_STATE;
  let printed = 0;
  for (let i = 0; i < events.length; i += BATCH) {
    const batch = events.slice(i, i + BATCH);
    state = fold(state, batch);
    writer.events(batch, state);
    while (terminals[printed]?.t <= state.t) writer.record(terminals[printed++]);
  }
  await writer.close();
  return Buffer.concat(parts);
}

async function timed(action) {
  const began = performance.now();
  await action();
  return performance.now() - began;
}
