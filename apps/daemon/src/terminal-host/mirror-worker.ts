/**
 * A worker thread of the terminal host: the mirrors of all terminals. They draw the screen of a
 * page that comes back, and they alone answer terminal queries. In a thread of their own, because
 * parsing a flood would hold up everybody's keystrokes.
 */

import { parentPort } from 'node:worker_threads';
import { EmulatorMirror } from './mirror.js';
import type { MirrorReply, MirrorRequest } from './mirror-messages.js';

/** Plain text waits no longer than this to be parsed; who wants the screen does not wait at all. */
const IDLE_MS = 2000;
/** Progress is reported in steps, well below what the host waits for (MIRROR_LOW in terminal.ts). */
const REPORT_BYTES = 64 * 1024;

interface Entry {
  readonly mirror: EmulatorMirror;
  /** offset behind what has come, and as it was last reported */
  received: number;
  reported: number;
}

const port = parentPort!;
const entries = new Map<number, Entry>();
let flushDue = false;

function reply(message: MirrorReply): void {
  port.postMessage(message);
}

function write(key: number, bytes: Uint8Array): void {
  const entry = entries.get(key);
  if (entry === undefined) return;
  entry.mirror.write(bytes);
  if (entry.mirror.deferring && !flushDue) {
    flushDue = true;
    setTimeout(flushAll, IDLE_MS);
  }
  entry.received += bytes.length;
  if (entry.received - entry.reported < REPORT_BYTES) return;
  entry.reported = entry.received;
  reply({ type: 'taken', key, offset: entry.received });
}

function flushAll(): void {
  flushDue = false;
  for (const { mirror } of entries.values()) mirror.flush();
}

port.on('message', (message: MirrorRequest) => {
  const { key } = message;
  switch (message.type) {
    case 'create': {
      const { cols, rows, origin } = message;
      const mirror = new EmulatorMirror(
        cols,
        rows,
        origin,
        (data) => reply({ type: 'answer', key, data }),
        (osc) => reply({ type: 'mark', key, osc }),
      );
      entries.set(key, { mirror, received: origin, reported: origin });
      return;
    }
    case 'write':
      write(key, message.bytes);
      return;
    case 'resize':
      entries.get(key)?.mirror.resize(message.cols, message.rows);
      return;
    case 'restore': {
      const screen = entries.get(key)?.mirror.screen();
      if (screen === undefined) return;
      const { request } = message;
      port.postMessage({ type: 'restored', key, request, ...screen }, [screen.screen.buffer]);
      return;
    }
    case 'dispose':
      entries.get(key)?.mirror.dispose();
      entries.delete(key);
      return;
  }
});
