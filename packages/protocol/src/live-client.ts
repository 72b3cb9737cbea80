/**
 * The typed client of /api/live, for the page, the bench and the tests alike.
 *
 * It says `hello` with the last event it was given, hands on every message after checking it,
 * and comes back with growing, jittered pauses when the socket ends. It folds nothing: what the
 * messages mean is the caller's affair. It needs a WebSocket and a clock, both of which tests
 * (and Node 20, which has no WebSocket of its own) pass in.
 */

import type { ServerMessage } from './messages.js';
import { CLOSE, type ClientMessage, PROTOCOL_VERSION, serverMessage } from './messages.js';

/** What the client uses of a WebSocket; the browser's and the `ws` package's both fit. */
export interface SocketLike {
  readonly readyState: number;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
  onerror: ((event: never) => void) | null;
  send(data: string): void;
  close(code?: number, reason?: string): void;
}

/** Where the connection stands. `closed` is final until `start` is called again. */
export type LiveStatus =
  | { readonly state: 'connecting' }
  | { readonly state: 'open' }
  | {
      readonly state: 'reconnecting';
      readonly attempt: number;
      /** milliseconds until the next attempt */
      readonly delayMs: number;
      readonly code: number;
    }
  | { readonly state: 'closed'; readonly reason: ClosedReason; readonly code: number };

/** Why the client gave up: none of these gets better by trying again. */
export type ClosedReason = 'unauthorized' | 'version-mismatch' | 'policy' | 'by-caller';

export interface LiveClientOptions {
  /** makes a new socket to /api/live; called for each attempt */
  readonly connect: () => SocketLike;
  readonly lesson?: string | null;
  readonly onMessage: (message: ServerMessage) => void;
  readonly onStatus?: (status: LiveStatus) => void;
  /** a message that does not fit the protocol; it is left out */
  readonly onInvalid?: (problem: string, text: string) => void;
  readonly timers?: Timers;
  /** 0 ≤ x < 1, for the jitter */
  readonly random?: () => number;
}

/** The clock; setTimeout and clearTimeout unless told otherwise. */
export interface Timers {
  set(action: () => void, ms: number): unknown;
  clear(timer: unknown): void;
}

/** First pause before a new attempt; doubles up to the last. A local daemon is back within a second. */
export const BACKOFF_FIRST_MS = 250;
/** Longest pause; a person who looks at "reconnecting" should not wait longer. */
export const BACKOFF_LAST_MS = 5_000;
/** A socket that opened and ended within this time does not reset the back-off. */
const STABLE_AFTER_MS = 5_000;
/** The page asks for a pong this often; without one, a half-open socket is noticed and replaced. */
const PING_EVERY_MS = 20_000;

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

/**
 * The pause before attempt number `attempt` (1, 2, …): exponential with full jitter in its upper
 * half, so that a class of forty does not come back in the same millisecond.
 */
export function backoffMs(attempt: number, random: number): number {
  const ceiling = Math.min(BACKOFF_LAST_MS, BACKOFF_FIRST_MS * 2 ** (attempt - 1));
  return Math.round(ceiling / 2 + (ceiling / 2) * random);
}

/** One page's connection. Make it, `start` it, `send` to it, `close` it. */
export class LiveClient {
  readonly #options: LiveClientOptions;
  readonly #timers: Timers;
  readonly #random: () => number;
  #lesson: string | null;
  #socket: SocketLike | null = null;
  #status: LiveStatus = { state: 'closed', reason: 'by-caller', code: 1000 };
  #attempt = 0;
  #openedAt = 0;
  #retryTimer: unknown = null;
  #pingTimer: unknown = null;
  #pingUnanswered = false;
  #since: { epoch: string; seq: number } | null = null;
  #epoch: string | null = null;

  constructor(options: LiveClientOptions) {
    this.#options = options;
    this.#lesson = options.lesson ?? null;
    this.#timers = options.timers ?? globalTimers;
    this.#random = options.random ?? Math.random;
  }

  get status(): LiveStatus {
    return this.#status;
  }

  /** Number of the last event handed on, with its epoch; null before the first. */
  get since(): { readonly epoch: string; readonly seq: number } | null {
    return this.#since;
  }

  /** Connects. Does nothing while already connecting or open. */
  start(): void {
    if (this.#status.state !== 'closed') return;
    this.#attempt = 0;
    this.#open();
  }

  /** Shows another lesson's checks from now on. */
  setLesson(lesson: string | null): void {
    if (lesson === this.#lesson) return;
    this.#lesson = lesson;
    if (this.#status.state === 'open') this.#hello();
  }

  /**
   * Sends a message.
   *
   * @returns false when the socket is not open: messages are never queued, because a step that was
   * reset or a terminal that was opened minutes after the click would surprise
   */
  send(message: ClientMessage): boolean {
    if (this.#status.state !== 'open' || this.#socket === null) return false;
    this.#socket.send(JSON.stringify(message));
    return true;
  }

  /** Ends the connection for good (until `start`). */
  close(): void {
    this.#dropSocket(1000);
    this.#setStatus({ state: 'closed', reason: 'by-caller', code: 1000 });
  }

  #open(): void {
    this.#setStatus({ state: 'connecting' });
    const socket = this.#options.connect();
    this.#socket = socket;
    socket.onopen = () => {
      if (this.#socket !== socket) return;
      this.#openedAt = Date.now();
      this.#pingUnanswered = false;
      this.#setStatus({ state: 'open' });
      this.#hello();
      this.#schedulePing();
    };
    socket.onmessage = (event) => {
      if (this.#socket === socket) this.#receive((event as { data: unknown }).data);
    };
    socket.onclose = (event) => {
      if (this.#socket !== socket) return;
      this.#ended((event as { code?: number }).code ?? 1006);
    };
    // A close event always follows; the error itself says nothing in browsers.
    socket.onerror = () => {};
  }

  #hello(): void {
    this.send({
      type: 'hello',
      version: PROTOCOL_VERSION,
      lesson: this.#lesson,
      ...(this.#since === null ? {} : { since: this.#since }),
    });
  }

  #receive(data: unknown): void {
    const text = typeof data === 'string' ? data : String(data);
    const message = parse(text);
    if (typeof message === 'string') {
      this.#options.onInvalid?.(message, text);
      return;
    }
    if (message.type === 'pong') this.#pingUnanswered = false;
    if (message.type === 'welcome') this.#epoch = message.epoch;
    this.#remember(message);
    this.#options.onMessage(message);
  }

  /** Keeps `since` at the last event that the caller has been given. */
  #remember(message: ServerMessage): void {
    if (this.#epoch === null) return;
    if (message.type === 'snapshot') {
      this.#since = { epoch: this.#epoch, seq: message.state.seq };
    } else if (message.type === 'events') {
      const last = message.events.at(-1);
      if (last !== undefined) this.#since = { epoch: this.#epoch, seq: last.seq };
    }
  }

  #ended(code: number): void {
    const wasStable = this.#openedAt > 0 && Date.now() - this.#openedAt >= STABLE_AFTER_MS;
    this.#openedAt = 0;
    this.#dropSocket(code);
    const reason = finalReason(code);
    if (reason !== null) {
      this.#setStatus({ state: 'closed', reason, code });
      return;
    }
    this.#attempt = wasStable ? 1 : this.#attempt + 1;
    const delayMs = backoffMs(this.#attempt, this.#random());
    this.#setStatus({ state: 'reconnecting', attempt: this.#attempt, delayMs, code });
    this.#retryTimer = this.#timers.set(() => this.#open(), delayMs);
  }

  /** One ping a period; a period that ends without its pong ends the socket. */
  #schedulePing(): void {
    this.#pingTimer = this.#timers.set(() => {
      if (this.#pingUnanswered) {
        this.#ended(1006);
        return;
      }
      this.#pingUnanswered = this.send({ type: 'ping', sent: Date.now() });
      this.#schedulePing();
    }, PING_EVERY_MS);
  }

  #dropSocket(code: number): void {
    if (this.#retryTimer !== null) this.#timers.clear(this.#retryTimer);
    if (this.#pingTimer !== null) this.#timers.clear(this.#pingTimer);
    this.#retryTimer = null;
    this.#pingTimer = null;
    const socket = this.#socket;
    this.#socket = null;
    if (socket === null) return;
    socket.onopen = null;
    socket.onmessage = null;
    socket.onclose = null;
    // 2 is CLOSING: then the other side, or the network, has ended it.
    if (socket.readyState < 2) socket.close(code === 1000 ? 1000 : undefined);
  }

  #setStatus(status: LiveStatus): void {
    this.#status = status;
    this.#options.onStatus?.(status);
  }
}

function parse(text: string): ServerMessage | string {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return 'not JSON';
  }
  const result = serverMessage.safeParse(json);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  return issue === undefined ? 'not a message' : `${issue.path.join('.')}: ${issue.message}`;
}

function finalReason(code: number): ClosedReason | null {
  if (code === CLOSE.unauthorized) return 'unauthorized';
  if (code === CLOSE.versionMismatch) return 'version-mismatch';
  if (code === 1008) return 'policy';
  return null;
}
