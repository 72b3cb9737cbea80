/**
 * A worker thread of the terminal host: one headless emulator for each terminal, fed with the same
 * bytes as the pages. It draws the screen of a page that comes back, and it alone answers terminal
 * queries. In a thread of its own, because parsing a flood would hold up everybody's keystrokes.
 */

import { parentPort } from 'node:worker_threads';

import headless from '@xterm/headless';
import { GroundTracker } from './ground.js';
import type { MirrorReply, MirrorRequest } from './mirror-messages.js';
import { serializeScreen } from './screen.js';
import { UnicodeGraphemesAddon } from './unicode-graphemes.js';

/** Lines above the screen that a reload brings back; 1.8 MB of memory when they are full. */
export const SCROLLBACK_LINES = 1000;

/** Progress is reported in steps, well below what the host waits for (MIRROR_LOW in terminal.ts). */
const REPORT_BYTES = 16 * 1024;

interface Mirror {
  readonly emulator: InstanceType<typeof headless.Terminal>;
  readonly tracker: GroundTracker;
  /** offset of the last report */
  reported: number;
}

const port = parentPort!;
const mirrors = new Map<number, Mirror>();

function reply(message: MirrorReply): void {
  port.postMessage(message);
}

function create(key: number, cols: number, rows: number, origin: number): void {
  const emulator = new headless.Terminal({
    allowProposedApi: true, // unicode versions
    cols,
    rows,
    scrollback: SCROLLBACK_LINES,
    logLevel: 'off',
  });
  // The same width tables as the page's, or wide characters would land elsewhere.
  emulator.loadAddon(new UnicodeGraphemesAddon());
  emulator.onData((data) => reply({ type: 'answer', key, data }));
  emulator.onBinary((data) => reply({ type: 'answer', key, data }));
  mirrors.set(key, { emulator, tracker: new GroundTracker(origin), reported: origin });
}

function restore(key: number, request: number): void {
  const mirror = mirrors.get(key);
  if (mirror === undefined) return;
  // An empty write is called back when all before it is parsed.
  mirror.emulator.write('', () => {
    const screen = new TextEncoder().encode(serializeScreen(mirror.emulator));
    const { ground, offset } = mirror.tracker;
    port.postMessage({ type: 'restored', key, request, ground, offset, screen }, [screen.buffer]);
  });
}

port.on('message', (message: MirrorRequest) => {
  switch (message.type) {
    case 'create':
      create(message.key, message.cols, message.rows, message.origin);
      return;
    case 'write': {
      const mirror = mirrors.get(message.key);
      const { key, bytes } = message;
      mirror?.emulator.write(bytes, () => {
        mirror.tracker.feed(bytes);
        const { offset } = mirror.tracker;
        if (offset - mirror.reported < REPORT_BYTES) return;
        mirror.reported = offset;
        reply({ type: 'parsed', key, offset });
      });
      return;
    }
    case 'resize': {
      const mirror = mirrors.get(message.key);
      const { cols, rows } = message;
      mirror?.emulator.write('', () => mirror.emulator.resize(cols, rows));
      return;
    }
    case 'restore':
      restore(message.key, message.request);
      return;
    case 'dispose':
      mirrors.get(message.key)?.emulator.dispose();
      mirrors.delete(message.key);
      return;
  }
});
