/**
 * One WebSocket that looks at a terminal: reads its frames, sends it output as far as its credit
 * reaches. Nothing queues here but what the socket has not taken yet.
 */

import type { Duplex } from 'node:stream';
import {
  CLOSE,
  decodeClientFrame,
  encodeExit,
  encodeRestore,
  encodeResume,
  FrameError,
  HIGH_WATER,
  HOST_FRAME,
  MAX_OUTPUT_FRAME,
} from '@terrarium/protocol';
import type { WebSocket } from 'ws';
import { Credit } from './credit.js';
import type { RestoredScreen } from './mirrors.js';
import { RateLimit } from './rate-limit.js';
import type { Terminal } from './terminal.js';
import { binaryFrame } from './ws-frame.js';

/** A client that has acknowledged nothing for so long while stalled no longer holds the shell up. */
const STALE_MS = 10_000;
/** RFC 6455 7.4.1: a frame that makes no sense */
const CLOSE_MALFORMED = 1007;

/** Attached to its terminal from construction on; removes itself when the socket closes. */
export class TerminalClient {
  readonly #socket: WebSocket;
  readonly #stream: Duplex;
  readonly #terminal: Terminal;
  readonly #limit = new RateLimit(performance.now());
  #credit: Credit | null = null;
  /** output must wait for a screen that is not asked for yet, or for one that is under way */
  #screen: 'current' | 'wanted' | 'requested' | 'held' = 'current';
  /** raised when a screen under way has become useless */
  #request = 0;
  #exitSent = false;
  #lastAck = 0;
  #alive = true;
  #buffered = 0;

  /** @param stream what `socket` was upgraded on */
  constructor(socket: WebSocket, stream: Duplex, terminal: Terminal) {
    this.#socket = socket;
    this.#stream = stream;
    this.#terminal = terminal;
    socket.on('message', (data: Buffer, binary) => this.#onMessage(data, binary));
    socket.on('pong', () => {
      this.#alive = true;
    });
    socket.on('close', () => terminal.removeClient(this));
    // ws closes the socket with the right code itself (too big, bad opcode …).
    socket.on('error', () => {});
    terminal.addClient(this);
  }

  /** True while the shell waits for this client when it is slow. */
  get watching(): boolean {
    if (this.#credit === null) return false;
    return !this.#full || performance.now() - this.#lastAck < STALE_MS;
  }

  /** True when it takes more output now. */
  get keepsUp(): boolean {
    return !this.#full;
  }

  /** Bytes that it has yet to draw. */
  get backlog(): number {
    if (this.#credit === null) return 0;
    return this.#terminal.ring.end - this.#credit.sent + this.#credit.inFlight;
  }

  /** Sends what is new, as far as the credit reaches. */
  pump(): void {
    const credit = this.#credit;
    if (credit === null) return;
    const { ring } = this.#terminal;
    if (this.#screen === 'current' && credit.sent < ring.start) this.#screen = 'wanted';
    if (this.#screen === 'wanted' && !this.#full) this.#requestScreen();
    if (this.#screen !== 'current') return;
    while (credit.sent < ring.end && !this.#full) {
      const length = Math.min(credit.room, ring.end - credit.sent, MAX_OUTPUT_FRAME);
      const { frame, payload } = binaryFrame(1 + length);
      frame[payload] = HOST_FRAME.output;
      ring.copy(credit.sent, length, frame, payload + 1);
      credit.send(length);
      this.#write(frame);
    }
    const { state } = this.#terminal;
    if (state.state === 'ended' && credit.sent === ring.end && !this.#exitSent) {
      this.#exitSent = true;
      this.#send(encodeExit(state.exitCode));
    }
  }

  /** Replaces all that it has not drawn by the present screen. */
  redraw(): void {
    if (this.#credit === null) return;
    this.#exitSent = false;
    this.#requestScreen();
  }

  /** Sends nothing more until `redraw`. */
  hold(): void {
    this.#request++;
    this.#screen = 'held';
  }

  /** The size changed behind the output so far. */
  resized(sizeFrame: Uint8Array): void {
    if (this.#credit === null) return;
    const upToDate = this.#screen === 'current' && this.#credit.sent === this.#terminal.ring.end;
    if (upToDate) this.#send(sizeFrame);
    else if (this.#screen === 'requested') this.#requestScreen();
    else if (this.#screen === 'current') this.#screen = 'wanted';
  }

  /** The shell takes input again. */
  resumeInput(): void {
    if (this.#socket.isPaused) this.#socket.resume();
  }

  /** The terminal is no more. */
  gone(): void {
    this.#socket.close(CLOSE.terminalGone, 'terminal gone');
  }

  /** Asks for a sign of life; ends the connection when the last one was not answered. */
  heartbeat(): void {
    // A socket whose input is paused cannot show its pong.
    if (!this.#alive && !this.#socket.isPaused) {
      this.#socket.terminate();
      return;
    }
    this.#alive = false;
    this.#socket.ping();
  }

  get #full(): boolean {
    return this.#credit === null || this.#credit.stalled || this.#buffered >= HIGH_WATER;
  }

  #onMessage(data: Buffer, binary: boolean): void {
    if (!this.#limit.take(performance.now())) {
      this.#close(CLOSE.tooManyMessages, 'too many messages');
      return;
    }
    try {
      if (!binary) throw new FrameError('text frame');
      this.#onFrame(data);
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      this.#close(CLOSE_MALFORMED, error.message);
    }
  }

  #onFrame(data: Buffer): void {
    const frame = decodeClientFrame(data);
    const credit = this.#credit;
    if (frame.type === 'attach') {
      if (credit !== null) throw new FrameError('attached twice');
      if (frame.size !== null) this.#terminal.resize(frame.size.cols, frame.size.rows);
      this.#attach(frame.offset);
    } else if (credit === null) throw new FrameError('the first frame is not attach');
    else if (frame.type === 'input') {
      if (!this.#terminal.input(frame.bytes)) this.#socket.pause();
    } else if (frame.type === 'resize') {
      this.#terminal.resize(frame.cols, frame.rows);
    } else {
      if (!credit.ack(frame.offset)) throw new FrameError('ack of what was never sent');
      this.#lastAck = performance.now();
      this.pump();
      this.#terminal.clientChanged();
    }
  }

  #attach(offset: number | null): void {
    this.#lastAck = performance.now();
    if (offset !== null && this.#terminal.canResume(offset)) {
      this.#credit = new Credit(offset);
      this.#send(this.#terminal.sizeFrame());
      this.#send(encodeResume(offset));
      this.pump();
    } else {
      this.#credit = new Credit(this.#terminal.ring.end);
      this.#requestScreen();
    }
    this.#terminal.clientChanged();
  }

  #requestScreen(): void {
    const request = ++this.#request;
    this.#screen = 'requested';
    void this.#terminal.restore().then((screen) => {
      if (request === this.#request) this.#sendScreen(screen);
    });
  }

  #sendScreen({ ground, offset, screen }: RestoredScreen): void {
    const credit = this.#credit!;
    const { ring } = this.#terminal;
    // A sequence so long that its beginning is forgotten has drawn nothing: go on in its middle.
    const from = ground >= ring.start ? ground : offset;
    this.#screen = 'current';
    this.#send(this.#terminal.sizeFrame());
    this.#send(encodeRestore(from, screen));
    credit.restore(from, screen.length);
    this.pump();
    this.#terminal.clientChanged();
  }

  #send(bytes: Uint8Array): void {
    const { frame, payload } = binaryFrame(bytes.length);
    frame.set(bytes, payload);
    this.#write(frame);
  }

  /**
   * Writes past ws, which itself writes at once and keeps no queue (no compression, no Blobs), so
   * that its pings and close frames stay in order with this.
   */
  #write(frame: Buffer): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    this.#buffered += frame.length;
    const taken = (): void => this.#sent(frame.length);
    this.#stream.write(frame, taken);
  }

  /** The socket has taken a frame: a client that acknowledges without reading is bounded by this. */
  #sent(length: number): void {
    const wasFull = this.#buffered >= HIGH_WATER;
    this.#buffered -= length;
    if (!wasFull || this.#buffered >= HIGH_WATER) return;
    this.pump();
    this.#terminal.clientChanged();
  }

  #close(code: number, reason: string): void {
    this.#socket.close(code, reason.slice(0, 120));
    this.#socket.removeAllListeners('message');
    this.#socket.on('message', () => {});
  }
}
