/**
 * Seeking anywhere in an hour of a learner's work: in a recording's file (read, unpack, parse, fold)
 * beside folding all events from the start, in the memory of a live page, and in the page itself
 * up to the drawn picture. The hour is a model,
 * see packages/timeline/src/model-hour.ts for what it assumes.
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';
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
import { ROOT } from '../../scripts/setup/paths.mjs';
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
  { names: ['seek-page'], run: async () => [await seekPage()] },
];

/** Put into the page: moves to an event by the address and waits until that is drawn. */
function seekInPage(seq) {
  const slider = document.querySelector('[role=slider]');
  return new Promise((resolve) => {
    const began = performance.now();
    const seen = new MutationObserver(() => {
      if (slider.getAttribute('aria-valuenow') !== String(seq)) return;
      seen.disconnect();
      requestAnimationFrame(() => {
        const channel = new MessageChannel();
        channel.port1.onmessage = () => resolve(performance.now() - began);
        channel.port2.postMessage(null); // runs once the frame is drawn
      });
    });
    seen.observe(slider, { attributes: true });
    window.location.hash = `t=${seq}`;
  });
}

/**
 * `seek-page`: from the wish to the drawn picture (tree, terminal, track) in the player page with the
 * hour inside: the same views, scrubber and history as in the lab's page.
 */
export async function seekPage(seeks = SEEKS) {
  const events = modelHour();
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'terrarium-seek-'));
  const executablePath = spawnSync('which', ['chromium'], { encoding: 'utf8' }).stdout.trim();
  const browser = await chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--disable-gpu'],
  });
  try {
    const [recording, html] = ['hour.terrarium', 'hour.html'].map((name) =>
      path.join(folder, name),
    );
    fs.writeFileSync(recording, await record(events, modelTerminals(events)));
    const cli = path.join(ROOT, 'apps/cli/bin/terrarium.mjs');
    const made = spawnSync(process.execPath, [cli, 'record', 'player', html, recording]);
    if (made.status !== 0) throw new Error(String(made.stderr));
    const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
    await page.goto(pathToFileURL(html).href);
    await page.getByRole('slider').waitFor();
    const next = random(7);
    const samples = [];
    for (let i = 0; i < seeks; i++) {
      const seq = 1 + Math.floor(next() * (events.length - 2));
      samples.push(await page.evaluate(seekInPage, seq));
    }
    const facts = 'one hour of the model; Chromium without a GPU draws';
    return row('seek-page', 'ms', samples, {}, facts);
  } finally {
    await browser.close();
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

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
