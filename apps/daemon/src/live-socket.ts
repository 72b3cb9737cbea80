/**
 * One page's socket on /api/live: parses and limits what comes in, and keeps what goes out from
 * piling up. Knows the protocol's envelope, not its meaning (session.ts has that).
 *
 * A slow client: once LIVE_LIMITS.bufferedBytes wait for it, its deltas are dropped until the
 * buffer has drained; then it is brought up to date by a snapshot. It costs the others nothing.
 */

import type { ErrorCode, ServerMessage } from '@terrarium/protocol';
import { CLOSE, type ClientMessage, clientMessage, LIVE_LIMITS } from '@terrarium/protocol';
import type { Log } from './log.js';
import { RateLimit } from './rate-limit.js';

/** What is used of a `ws` WebSocket; tests pass a double. */
export interface RawSocket {
  readonly bufferedAmount: number;
  readonly readyState: number;
  send(text: string): void;
  close(code: number, reason: string): void;
  terminate(): void;
  ping(): void;
  on(event: 'message', listener: (data: Buffer, isBinary: boolean) => void): unknown;
  on(event: 'close', listener: (code: number) => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'pong', listener: () => void): unknown;
}

/** What the owner of the socket (a session) does with it. */
export interface LiveSocketHandler {
  message(message: ClientMessage): void;
  /** the buffer has drained after deltas were dropped: send the present state */
  caughtUp(): void;
  closed(): void;
}

export interface LiveSocketOptions {
  readonly messagesPerSecond: number;
  readonly log: Log;
}

/** How often a full buffer is looked at again, ms. */
const DRAIN_POLL_MS = 50;
/** So many messages that are much work fit into one burst: with the default limits 20, and 5 a second. */
const DEAR_IN_BURST = 20;
/** Answers alone (pongs, errors) never fill so much unless the client does not read at all, bytes. */
const HOPELESS_BYTES = 8 * 1024 * 1024;

export class LiveSocket {
  readonly #raw: RawSocket;
  readonly #handler: LiveSocketHandler;
  readonly #log: Log;
  readonly #rate: RateLimit;
  readonly #dear: number;
  readonly #heartbeat: NodeJS.Timeout;
  readonly #helloTimer: NodeJS.Timeout;
  #malformed = 0;
  #ponged = true;
  #saidHello = false;
  #drainTimer: NodeJS.Timeout | null = null;
  #open = true;

  constructor(raw: RawSocket, handler: LiveSocketHandler, options: LiveSocketOptions) {
    this.#raw = raw;
    this.#handler = handler;
    this.#log = options.log;
    const burst =
      options.messagesPerSecond * (LIVE_LIMITS.messageBurst / LIVE_LIMITS.messagesPerSecond);
    this.#rate = new RateLimit(options.messagesPerSecond, burst);
    this.#dear = burst / DEAR_IN_BURST;
    this.#heartbeat = setInterval(() => this.#beat(), LIVE_LIMITS.heartbeatMs);
    this.#helloTimer = setTimeout(() => {
      this.close(1008, 'no hello');
    }, LIVE_LIMITS.helloTimeoutMs);
    raw.on('pong', () => {
      this.#ponged = true;
    });
    raw.on('message', (data, isBinary) => this.#receive(data, isBinary));
    raw.on('close', () => this.#ended());
    // The close event follows; oversized and ill-formed frames end here, with ws's own close code.
    raw.on('error', (error) => this.#log.debug({ err: error.message }, 'live socket error'));
  }

  /** True while deltas are being dropped for this client. */
  get behind(): boolean {
    return this.#drainTimer !== null;
  }

  /** Sends an answer or a notice. */
  send(message: ServerMessage): void {
    this.sendText(JSON.stringify(message));
  }

  /** Sends text that was made once for several sockets. */
  sendText(text: string): void {
    if (!this.#open) return;
    this.#raw.send(text);
    if (this.#raw.bufferedAmount > HOPELESS_BYTES) this.close(CLOSE.tooSlow, 'too slow');
  }

  /**
   * Sends one message of deltas, unless too much waits already.
   *
   * @returns false when it was dropped; `caughtUp` is called once the client has read on
   */
  sendDelta(text: string): boolean {
    if (!this.#open || this.behind) return false;
    if (this.#raw.bufferedAmount > LIVE_LIMITS.bufferedBytes) {
      this.#waitForDrain();
      return false;
    }
    this.#raw.send(text);
    return true;
  }

  error(code: ErrorCode, message: string, extra: { request?: number; errno?: string } = {}): void {
    this.send({ type: 'error', code, message, ...extra });
  }

  close(code: number, reason: string): void {
    if (!this.#open) return;
    this.#raw.close(code, reason);
    // A client that answers no close frame is not waited for: ws itself terminates it after 30 s.
    this.#ended();
  }

  #receive(data: Buffer, isBinary: boolean): void {
    if (!this.#open) return;
    const message = isBinary ? 'binary frame; messages are JSON text' : parse(data);
    if (!this.#rate.take(this.#costOf(message))) {
      this.error('message.too-many', 'too many messages: this page is disconnected');
      this.close(CLOSE.tooManyMessages, 'too many messages');
      return;
    }
    if (typeof message === 'string') {
      this.#refuse(message);
      return;
    }
    if (message.type === 'ping') {
      this.send({ type: 'pong', sent: message.sent, t: Date.now() });
      return;
    }
    if (message.type === 'hello') {
      this.#saidHello = true;
      clearTimeout(this.#helloTimer);
    } else if (!this.#saidHello) {
      this.#refuse(`${message.type}: say hello first`);
      return;
    }
    this.#handler.message(message);
  }

  /** What a message costs of the rate: those that make a snapshot, a shell or a sandbox are dear. */
  #costOf(message: ClientMessage | string): number {
    if (typeof message === 'string') return 1;
    return ['hello', 'terminal.open', 'step.reset', 'stepper.open'].includes(message.type)
      ? this.#dear
      : 1;
  }

  #refuse(problem: string): void {
    this.#malformed += 1;
    this.error('message.malformed', problem);
    if (this.#malformed > LIVE_LIMITS.malformedMessages) {
      this.close(1008, 'too many malformed messages');
    }
  }

  #beat(): void {
    if (!this.#ponged) {
      this.#raw.terminate();
      return;
    }
    this.#ponged = false;
    this.#raw.ping();
  }

  #waitForDrain(): void {
    this.#drainTimer = setInterval(() => {
      if (this.#raw.bufferedAmount > LIVE_LIMITS.bufferedBytes / 4) return;
      this.#stopDrain();
      this.#handler.caughtUp();
    }, DRAIN_POLL_MS);
  }

  #stopDrain(): void {
    if (this.#drainTimer !== null) clearInterval(this.#drainTimer);
    this.#drainTimer = null;
  }

  #ended(): void {
    if (!this.#open) return;
    this.#open = false;
    clearInterval(this.#heartbeat);
    clearTimeout(this.#helloTimer);
    this.#stopDrain();
    this.#handler.closed();
  }
}

function parse(data: Buffer): ClientMessage | string {
  let json: unknown;
  try {
    json = JSON.parse(data.toString('utf8'));
  } catch {
    return 'not JSON';
  }
  const result = clientMessage.safeParse(json);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const where = issue === undefined || issue.path.length === 0 ? 'message' : issue.path.join('.');
  return `${where}: ${issue?.message ?? 'invalid'}`;
}
