/**
 * One terminal's mirror: a headless emulator that is fed the same bytes as the pages. Knows no
 * thread; mirror-worker.ts keeps one for each terminal.
 */

import headless from '@xterm/headless';
import { plainness, skippableBytes } from './flood.js';
import { GroundTracker } from './ground.js';
import { serializeScreen } from './screen.js';
import { type Osc133, parseOsc133 } from './shell-marks.js';
import { TypedLine } from './typed-line.js';
import { UnicodeGraphemesAddon } from './unicode-graphemes.js';

/** Lines above the screen that a reload brings back; 1.8 MB of memory when they are full. */
export const SCROLLBACK_LINES = 1000;
/** Plain text waits for more of it, up to this: the more, the more of it leaves no trace. */
const DEFER_BYTES = 1024 * 1024;

/** What is used beyond xterm's public interface, for @xterm/headless 6.0. */
interface Internals {
  _core: {
    writeSync(data: Uint8Array): void;
    _bufferService: { buffers: { active: { scrollTop: number; scrollBottom: number } } };
  };
}

/** A screen to draw after a full reset; the output goes on at `ground`. */
export interface MirrorScreen {
  readonly ground: number;
  /** what the screen has drawn */
  readonly offset: number;
  readonly screen: Uint8Array<ArrayBuffer>;
}

/** Make it with the offset of its first byte; `dispose` it. */
export class EmulatorMirror {
  readonly #emulator: InstanceType<typeof headless.Terminal>;
  readonly #tracker: GroundTracker;
  #deferred: Uint8Array[] = [];
  #deferredBytes = 0;
  #deferredAscii = true;

  /**
   * @param onAnswer what a terminal says to the program that asked it something
   * @param onMark a shell begins a command line (with what was typed), or is done with it
   */
  constructor(
    cols: number,
    rows: number,
    origin: number,
    onAnswer: (data: string) => void,
    onMark: (osc: Osc133) => void = () => {},
  ) {
    this.#emulator = new headless.Terminal({
      allowProposedApi: true, // unicode versions
      cols,
      rows,
      scrollback: SCROLLBACK_LINES,
      logLevel: 'off',
    });
    // The same width tables as the page's, or wide characters would land elsewhere.
    this.#emulator.loadAddon(new UnicodeGraphemesAddon());
    this.#emulator.onData(onAnswer);
    this.#emulator.onBinary(onAnswer);
    const typed = new TypedLine(this.#emulator);
    this.#emulator.parser.registerOscHandler(133, (payload) => {
      const osc = parseOsc133(payload, Date.now());
      if (osc !== null) this.#marked(osc, typed, onMark);
      return true;
    });
    this.#tracker = new GroundTracker(origin);
  }

  #marked(osc: Osc133, typed: TypedLine, onMark: (osc: Osc133) => void): void {
    switch (osc.kind) {
      case 'prompt':
        typed.prompt();
        return;
      case 'input':
        typed.input();
        return;
      case 'more':
        typed.more();
        return;
      case 'start': {
        const line = typed.taken();
        onMark({ ...osc, line: osc.line ?? line });
        return;
      }
      case 'end':
        onMark(osc);
        return;
    }
  }

  /** True when bytes wait for `flush`. */
  get deferring(): boolean {
    return this.#deferredBytes > 0;
  }

  /** Takes the bytes that follow; plain text may wait until `flush`, `screen` or more of it. */
  write(bytes: Uint8Array): void {
    const plain = this.#mayDefer() ? plainness(bytes) : 'other';
    if (plain === 'other') {
      this.flush();
      this.#parse(bytes);
      return;
    }
    this.#deferred.push(bytes);
    this.#deferredBytes += bytes.length;
    if (plain === 'text') this.#deferredAscii = false;
    if (this.#deferredBytes >= DEFER_BYTES) this.flush();
  }

  /** Parses what waits, without the part that leaves no trace. */
  flush(): void {
    const chunks = this.#deferred;
    const { cols, rows, modes } = this.#emulator;
    const wraps = this.#deferredAscii && modes.wraparoundMode;
    let skip = skippableBytes(chunks, SCROLLBACK_LINES + 2 * rows, wraps ? cols : null);
    this.#deferred = [];
    this.#deferredBytes = 0;
    this.#deferredAscii = true;
    this.#tracker.skip(skip);
    for (const chunk of chunks) {
      if (skip < chunk.length) this.#parse(skip === 0 ? chunk : chunk.subarray(skip));
      skip = Math.max(0, skip - chunk.length);
    }
  }

  resize(cols: number, rows: number): void {
    this.flush();
    this.#emulator.resize(cols, rows);
  }

  screen(): MirrorScreen {
    this.flush();
    const screen = new TextEncoder().encode(serializeScreen(this.#emulator));
    return { ground: this.#tracker.ground, offset: this.#tracker.offset, screen };
  }

  dispose(): void {
    this.#emulator.dispose();
  }

  /** Between two sequences (or behind plain text that waits), with the whole screen scrolling. */
  #mayDefer(): boolean {
    if (this.deferring) return true;
    const { buffer, rows } = this.#emulator;
    if (buffer.active.type !== 'normal' || this.#tracker.ground !== this.#tracker.offset) {
      return false;
    }
    const { active } = this.#inner._bufferService.buffers;
    return active.scrollTop === 0 && active.scrollBottom === rows - 1;
  }

  /** Synchronously: the thread has nothing else to do, and a screen asked for next is complete. */
  #parse(bytes: Uint8Array): void {
    this.#inner.writeSync(bytes);
    this.#tracker.feed(bytes);
  }

  get #inner(): Internals['_core'] {
    return (this.#emulator as unknown as Internals)._core;
  }
}
