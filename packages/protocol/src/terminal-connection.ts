/**
 * One page's connection to one terminal: draws what comes, acknowledges what is drawn, sends what
 * is typed, and comes back with the right offset when the socket ends. It knows no emulator and
 * no DOM: the page gives it a sink around xterm.js, tests and bench one around the headless one.
 *
 * At most DRAW_AHEAD bytes wait inside the emulator; the rest waits here, where a `restore` can
 * still drop it. That is what makes Ctrl-C quick in a flood.
 */

import { backoffMs, type ClosedReason, type SocketLike, type Timers } from './live-client.js';
import { CLOSE } from './messages.js';
import {
  ACK_EVERY,
  decodeHostFrame,
  encodeAck,
  encodeAttach,
  encodeInput,
  encodeResize,
  type HostFrame,
  MAX_CELLS,
} from './terminal-frames.js';

/** What draws. Both methods are called in the order of the output. */
export interface TerminalSink {
  /** Takes bytes (UTF-8, maybe split anywhere); calls `drawn` once when they are parsed: xterm's `write`. */
  write(bytes: Uint8Array, drawn: () => void): void;
  /** The pty has this size now; called only while no write is outstanding: xterm's `resize`. */
  resize(cols: number, rows: number): void;
}

/** A WebSocket that carries bytes; the browser's and the `ws` package's both fit. */
export interface BinarySocketLike extends Omit<SocketLike, 'send'> {
  binaryType: string;
  send(data: Uint8Array<ArrayBuffer>): void;
}

/** Where the connection stands. `gone`: the terminal is no more; `closed` with a reason is final too. */
export type TerminalStatus =
  | { readonly state: 'connecting' }
  | { readonly state: 'open' }
  | { readonly state: 'reconnecting'; readonly attempt: number; readonly delayMs: number }
  | { readonly state: 'closed'; readonly reason: ClosedReason | 'gone' };

export interface TerminalConnectionOptions {
  /** makes a new socket to /api/terminals/ID; called for each attempt */
  readonly connect: () => BinarySocketLike;
  readonly sink: TerminalSink;
  readonly onStatus?: (status: TerminalStatus) => void;
  /** the shell ended with this code (128 + signal); null when a new one has begun */
  readonly onExit?: (code: number | null) => void;
  /** the emulator's size when known; sent with the first frame, so that the first screen fits */
  readonly size?: { readonly cols: number; readonly rows: number };
  readonly timers?: Timers;
  /** 0 ≤ x < 1, for the jitter */
  readonly random?: () => number;
}

/** Bytes handed to the emulator and not yet drawn; 64 KB are 6 to 20 ms of xterm.js. */
export const DRAW_AHEAD = 64 * 1024;
/** A window that is being dragged asks for many sizes; only the last matters. */
export const RESIZE_DEBOUNCE_MS = 50;
/** One input frame; a paste of more is split so that the host can pause between. */
const INPUT_FRAME_BYTES = 32 * 1024;
/** Typed while the socket was away and sent after attach; more is dropped: nobody types 4 KB blind. */
const OFFLINE_INPUT_BYTES = 4096;
/** A socket that lived this long resets the back-off. */
const STABLE_AFTER_MS = 5_000;
/** ESC c, full reset: travels with the bytes, so it is in order with what the emulator still holds. */
const FULL_RESET = Uint8Array.of(0x1b, 0x63);

/** Global timers exist in browser and Node alike, but not in the compiler's `lib` for both. */
const globalTimers: Timers = {
  set: (action, ms) =>
    (globalThis as unknown as { setTimeout(f: () => void, ms: number): unknown }).setTimeout(
      action,
      ms,
    ),
  clear: (timer) =>
    (globalThis as unknown as { clearTimeout(timer: unknown): void }).clearTimeout(timer),
};

/** What waits to be drawn. `end` is the offset of the output after it. */
type Pending =
  | { readonly type: 'output'; readonly bytes: Uint8Array; readonly end: number }
  | { readonly type: 'restore'; readonly bytes: Uint8Array; readonly end: number }
  | { readonly type: 'size'; readonly cols: number; readonly rows: number }
  | { readonly type: 'exit'; readonly code: number };

/** Make it, `start` it, give it `input` and `resize`, `close` it. */
export class TerminalConnection {
  readonly #options: TerminalConnectionOptions;
  readonly #timers: Timers;
  readonly #random: () => number;
  #socket: BinarySocketLike | null = null;
  #status: TerminalStatus = { state: 'closed', reason: 'by-caller' };
  #attempt = 0;
  #openedAt = 0;
  #retryTimer: unknown = null;
  #resizeTimer: unknown = null;
  #size: { cols: number; rows: number } | null;
  /** offset of the next byte to receive; null until the first screen came */
  #received: number | null = null;
  #drawn = 0;
  #acked = 0;
  #outstanding = 0;
  #pending: Pending[] = [];
  #offlineInput: Uint8Array[] = [];
  #offlineBytes = 0;
  #exited = false;

  constructor(options: TerminalConnectionOptions) {
    this.#options = options;
    this.#timers = options.timers ?? globalTimers;
    this.#random = options.random ?? Math.random;
    this.#size = options.size ?? null;
  }

  get status(): TerminalStatus {
    return this.#status;
  }

  /** Offset after the last byte received; null before the first screen. */
  get offset(): number | null {
    return this.#received;
  }

  /** True when all that was received is drawn. */
  get idle(): boolean {
    return this.#pending.length === 0 && this.#outstanding === 0;
  }

  /** Connects. Does nothing unless closed. */
  start(): void {
    if (this.#status.state !== 'closed') return;
    this.#attempt = 0;
    this.#open();
  }

  /** Tries again at once instead of at the end of the pause: for `online` and a page shown again. */
  retryNow(): void {
    if (this.#status.state !== 'reconnecting') return;
    this.#stopRetry();
    this.#open();
  }

  /** Types: a string (sent as UTF-8) or bytes (mouse reports of old kinds). */
  input(data: string | Uint8Array): void {
    const bytes = typeof data === 'string' ? utf8(data) : data;
    if (this.#status.state !== 'open') {
      if (this.#offlineBytes + bytes.length > OFFLINE_INPUT_BYTES) return;
      this.#offlineInput.push(bytes.slice());
      this.#offlineBytes += bytes.length;
      return;
    }
    this.#sendInput(bytes);
  }

  /** The emulator has this size now, in cells. The host answers with `size` when it agrees. */
  resize(cols: number, rows: number): void {
    if (!(cols >= 1 && rows >= 1)) return; // a hidden panel measures 0
    this.#size = { cols: Math.min(cols, MAX_CELLS), rows: Math.min(rows, MAX_CELLS) };
    if (this.#resizeTimer !== null) this.#timers.clear(this.#resizeTimer);
    this.#resizeTimer = this.#timers.set(() => {
      this.#resizeTimer = null;
      if (this.#status.state === 'open' && this.#size !== null) {
        this.#socket?.send(encodeResize(this.#size.cols, this.#size.rows));
      }
    }, RESIZE_DEBOUNCE_MS);
  }

  /** Ends the connection for good (until `start`); the shell lives on. */
  close(): void {
    this.#dropSocket(1000);
    this.#setStatus({ state: 'closed', reason: 'by-caller' });
  }

  #open(): void {
    this.#setStatus({ state: 'connecting' });
    const socket = this.#options.connect();
    socket.binaryType = 'arraybuffer';
    this.#socket = socket;
    socket.onopen = () => {
      if (this.#socket === socket) this.#attach(socket);
    };
    socket.onmessage = (event) => {
      if (this.#socket === socket) this.#receive((event as { data: unknown }).data);
    };
    socket.onclose = (event) => {
      if (this.#socket === socket) this.#ended((event as { code?: number }).code ?? 1006);
    };
    // A close event always follows; the error itself says nothing in browsers.
    socket.onerror = () => {};
  }

  #attach(socket: BinarySocketLike): void {
    this.#openedAt = Date.now();
    socket.send(encodeAttach(this.#received, this.#size));
    this.#setStatus({ state: 'open' });
    const waiting = this.#offlineInput;
    this.#offlineInput = [];
    this.#offlineBytes = 0;
    for (const bytes of waiting) this.#sendInput(bytes);
  }

  #sendInput(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += INPUT_FRAME_BYTES) {
      this.#socket?.send(encodeInput(bytes.subarray(at, at + INPUT_FRAME_BYTES)));
    }
  }

  #receive(data: unknown): void {
    if (!(data instanceof ArrayBuffer)) return; // the host sends no text
    const frame = decodeHostFrame(new Uint8Array(data));
    this.#accept(frame);
    this.#draw();
  }

  #accept(frame: HostFrame): void {
    switch (frame.type) {
      case 'output': {
        if (this.#received === null) return;
        this.#received += frame.bytes.length;
        this.#pending.push({ type: 'output', bytes: frame.bytes, end: this.#received });
        return;
      }
      case 'restore': {
        this.#received = frame.offset;
        // The screen stands for all output before it: what is not drawn yet need not be.
        this.#pending = this.#pending.filter((one) => one.type === 'size');
        this.#pending.push({
          type: 'restore',
          bytes: joined(FULL_RESET, frame.bytes),
          end: frame.offset,
        });
        this.#setExited(null);
        return;
      }
      case 'resume':
        if (this.#received !== frame.offset) this.#socket?.close();
        return;
      case 'size':
        this.#pending.push(frame);
        return;
      case 'exit':
        this.#pending.push(frame);
        return;
    }
  }

  /** Hands the emulator as much as it may hold. */
  #draw(): void {
    while (this.#pending.length > 0) {
      const next = this.#pending[0]!;
      if (next.type === 'size' || next.type === 'exit') {
        if (this.#outstanding > 0) return; // drawn() comes back here
        this.#pending.shift();
        if (next.type === 'size') this.#options.sink.resize(next.cols, next.rows);
        else this.#setExited(next.code);
        continue;
      }
      if (this.#outstanding >= DRAW_AHEAD) return;
      this.#pending.shift();
      this.#write(next);
    }
  }

  #write(part: Extract<Pending, { end: number }>): void {
    const { length } = part.bytes;
    this.#outstanding += length;
    this.#options.sink.write(part.bytes, () => {
      this.#outstanding -= length;
      this.#drawn = part.end;
      const due = part.type === 'restore' || Math.abs(this.#drawn - this.#acked) >= ACK_EVERY;
      if (due && this.#status.state === 'open') {
        this.#acked = this.#drawn;
        this.#socket?.send(encodeAck(this.#drawn));
      }
      this.#draw();
    });
  }

  #setExited(code: number | null): void {
    if (code === null && !this.#exited) return;
    this.#exited = code !== null;
    this.#options.onExit?.(code);
  }

  #ended(code: number): void {
    const wasStable = this.#openedAt > 0 && Date.now() - this.#openedAt >= STABLE_AFTER_MS;
    this.#openedAt = 0;
    this.#dropSocket(code);
    const reason = finalReason(code);
    if (reason !== null) {
      this.#setStatus({ state: 'closed', reason });
      return;
    }
    this.#attempt = wasStable ? 1 : this.#attempt + 1;
    const delayMs = backoffMs(this.#attempt, this.#random());
    this.#setStatus({ state: 'reconnecting', attempt: this.#attempt, delayMs });
    this.#retryTimer = this.#timers.set(() => this.#open(), delayMs);
  }

  #stopRetry(): void {
    if (this.#retryTimer !== null) this.#timers.clear(this.#retryTimer);
    this.#retryTimer = null;
  }

  #dropSocket(code: number): void {
    this.#stopRetry();
    if (this.#resizeTimer !== null) this.#timers.clear(this.#resizeTimer);
    this.#resizeTimer = null;
    const socket = this.#socket;
    this.#socket = null;
    if (socket === null) return;
    socket.onopen = null;
    socket.onmessage = null;
    socket.onclose = null;
    // 2 is CLOSING: then the other side, or the network, has ended it.
    if (socket.readyState < 2) socket.close(code === 1000 ? 1000 : undefined);
  }

  #setStatus(status: TerminalStatus): void {
    this.#status = status;
    this.#options.onStatus?.(status);
  }
}

/** TextEncoder exists in browser and Node alike, but not in the compiler's `lib` for both. */
function utf8(text: string): Uint8Array {
  const { TextEncoder } = globalThis as unknown as {
    TextEncoder: new () => { encode(text: string): Uint8Array };
  };
  return new TextEncoder().encode(text);
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const whole = new Uint8Array(a.length + b.length);
  whole.set(a);
  whole.set(b, a.length);
  return whole;
}

function finalReason(code: number): ClosedReason | 'gone' | null {
  if (code === CLOSE.unauthorized) return 'unauthorized';
  if (code === CLOSE.versionMismatch) return 'version-mismatch';
  if (code === CLOSE.terminalGone) return 'gone';
  if (code === 1008) return 'policy';
  return null;
}
