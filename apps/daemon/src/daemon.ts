/**
 * The daemon as a whole: puts the parts together, adopts what an earlier one left, listens on
 * RUN/daemon.sock, and takes everything down again. Runs as root; has no TCP port.
 */
import { chmodSync, chownSync, mkdirSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import type { Lesson } from '@terrarium/lesson';
import { CLOSE, LIVE_LIMITS, type Limits } from '@terrarium/protocol';
import { type WebSocket, WebSocketServer } from 'ws';
import { decideAdoption } from './adopt.js';
import { Capacity } from './capacity.js';
import { type Claim, claimFolders } from './claim.js';
import { createHttpListener, isUnixPeer } from './http.js';
import { Lessons } from './lessons.js';
import type { RawSocket } from './live-socket.js';
import type { Log } from './log.js';
import type { DaemonOptions } from './options.js';
import type { Observer, Sandboxes, Terminals } from './ports.js';
import type { Requirement } from './requirements.js';
import { loadAccessToken } from './secrets.js';
import { Sessions } from './sessions.js';
import { openStore, type Store } from './store/index.js';

/** The parts that touch the kernel, and the content. */
export interface DaemonParts {
  readonly sandboxes: Sandboxes;
  readonly terminals: Terminals;
  readonly observer: Observer;
  readonly lessons: readonly Lesson[];
  /** reads them again, for those who write them */
  readonly readLessons?: () => readonly Lesson[];
  readonly requirement: (feature: string) => Requirement;
  readonly log: Log;
}

/** Longer than the cookie lives (a year): nobody can come back to such a session. */
const FORGET_AFTER_MS = 400 * 24 * 3600 * 1000;

export class Daemon {
  readonly #options: DaemonOptions;
  readonly #parts: DaemonParts;
  readonly #store: Store;
  readonly #sessions: Sessions;
  readonly #capacity: Capacity;
  readonly #server: Server;
  readonly #webSockets: WebSocketServer;
  readonly #claims: readonly Claim[];
  readonly #startedAt = Date.now();

  private constructor(options: DaemonOptions, parts: DaemonParts, claims: readonly Claim[]) {
    this.#claims = claims;
    const { log, sandboxes, terminals, observer } = parts;
    this.#options = options;
    this.#parts = parts;
    this.#capacity = new Capacity(options.sessions);
    this.#store = openStore(join(options.stateDir, 'terrarium.db'));
    const limits: Limits = {
      memoryBytes: options.memoryBytes,
      pids: options.pids,
      cpuPercent: options.cpuPercent,
      diskBytes: options.diskBytes,
      terminals: options.terminals,
    };
    const lessons = new Lessons(parts.lessons, parts.requirement);
    this.#sessions = new Sessions(
      {
        sandboxes,
        terminals,
        observer,
        capacity: this.#capacity,
        log,
        store: this.#store,
        lessons,
        limits,
        reduced: [...options.reduced, ...sandboxes.reduced],
        messagesPerSecond: options.messagesPerSecond,
      },
      loadAccessToken(options.stateDir),
      options.idleMs,
    );
    this.#server = createServer(
      createHttpListener({
        sessions: this.#sessions,
        store: this.#store,
        lessons,
        readLessons: parts.readLessons ?? null,
        limits,
        requirement: parts.requirement,
        health: () => this.#health(),
        fence: sandboxes.fence,
        files: sandboxes.files,
        log,
      }),
    );
    this.#webSockets = new WebSocketServer({
      noServer: true,
      maxPayload: LIVE_LIMITS.maxPayloadBytes,
      // A frame of events is small, and compressing it would cost more latency than it saves.
      perMessageDeflate: false,
    });
    this.#server.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head));
  }

  /**
   * Starts a daemon; resolves when it answers.
   *
   * @param makeParts called once the folders are ours
   * @throws AlreadyRunning when another one has the same STATE or RUN
   */
  static async start(
    options: DaemonOptions,
    makeParts: () => Promise<DaemonParts>,
  ): Promise<Daemon> {
    makeFolder(options.stateDir, 0o700);
    // The web process must reach the sockets in it.
    makeFolder(options.runDir, 0o755);
    const claims = await claimFolders([options.stateDir, options.runDir]);
    // Only now: an engine that opens beside another one's would disturb it.
    const daemon = new Daemon(options, await makeParts(), claims);
    try {
      await daemon.#begin();
    } catch (error) {
      await daemon.#giveUp();
      throw error;
    }
    return daemon;
  }

  /** Closes every page, removes every sandbox, ends observer and terminal host. */
  async stop(): Promise<void> {
    const { observer, terminals, sandboxes, log } = this.#parts;
    const began = performance.now();
    // The socket's file goes first: whoever connects from now on is told that nobody is here.
    rmSync(this.#socketPath, { force: true });
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    await this.#sessions.shutDown();
    this.#server.closeAllConnections();
    const ended = await Promise.allSettled([observer.stop(), terminals.shutdown()]);
    for (const result of ended) {
      if (result.status === 'rejected') log.error({ step: 'stop', err: result.reason }, 'stop');
    }
    await sandboxes.close();
    for (const socket of this.#webSockets.clients) socket.terminate();
    await closed;
    this.#store.close();
    for (const claim of this.#claims) claim.release();
    log.info({ step: 'stop', ms: Math.round(performance.now() - began) }, 'stopped');
  }

  get #socketPath(): string {
    return join(this.#options.runDir, 'daemon.sock');
  }

  async #begin(): Promise<void> {
    const { observer, terminals, sandboxes, log } = this.#parts;
    const began = performance.now();
    observer.onBatch((sandbox, events) => {
      // Last words of a removed sandbox find no session and are dropped.
      this.#sessions.bySandbox(sandbox)?.runtime.observed(events);
    });
    terminals.onChange((sandbox, terminal) => {
      this.#sessions.bySandbox(sandbox)?.runtime.hosted(terminal);
    });
    terminals.onMark((sandbox, mark) => {
      this.#sessions.bySandbox(sandbox)?.runtime.marked(mark);
    });
    terminals.onRestart(() => {
      for (const session of this.#sessions.live) {
        session.runtime.hostRestarted().catch((error: unknown) => {
          log.error({ session: session.id, err: error }, 'no new shells');
        });
      }
    });
    sandboxes.onGone((sandbox) => {
      this.#sessions
        .bySandbox(sandbox.id)
        ?.died(sandbox)
        .catch((error: unknown) =>
          log.error({ sandbox: sandbox.id, err: error }, 'no new sandbox'),
        );
    });
    const [alive] = await Promise.all([sandboxes.adopt(), terminals.connect(), observer.start()]);
    await this.#adopt(alive);
    await this.#listen();
    log.info({ step: 'start', ms: Math.round(performance.now() - began) }, 'listening');
  }

  /** A start that failed leaves no process behind, except for shells that someone may come back to. */
  async #giveUp(): Promise<void> {
    const { observer, terminals, log } = this.#parts;
    const hosted = await terminals.list().catch(() => []);
    const idle = hosted.length === 0 ? [terminals.shutdown()] : [];
    for (const result of await Promise.allSettled([observer.stop(), ...idle])) {
      if (result.status === 'rejected') log.error({ step: 'start', err: result.reason }, 'give up');
    }
  }

  async #adopt(alive: Awaited<ReturnType<Sandboxes['adopt']>>): Promise<void> {
    const { terminals, sandboxes, log } = this.#parts;
    this.#store.sessions.forgetUnseen(Date.now() - FORGET_AFTER_MS);
    const rows = this.#store.sessions.withSandbox();
    const owners = new Map(rows.map((row) => [row.sandbox ?? '', row.id]));
    const decision = decideAdoption({ alive, hosted: await terminals.list(), owners });
    for (const session of decision.lost) {
      this.#store.sessions.setSandbox(session, null);
      this.#store.sessions.setLost(session, true);
    }
    const work = [
      ...decision.forget.map((id) => terminals.forget(id)),
      ...decision.remove.map((id) => sandboxes.remove(id)),
      ...decision.keep.map(async ({ session, info, hosted }) => {
        const row = this.#store.sessions.byId(session);
        if (row !== null) await this.#sessions.open(row).runtime.adopt(info, hosted);
      }),
    ];
    for (const result of await Promise.allSettled(work)) {
      if (result.status === 'rejected') log.error({ step: 'adopt', err: result.reason }, 'adopt');
    }
    const { keep, remove, forget, lost } = decision;
    log.info(
      {
        step: 'adopt',
        kept: keep.map(({ info }) => info.id),
        removed: remove,
        forgotten: forget,
        lost,
      },
      'adopted',
    );
  }

  async #listen(): Promise<void> {
    const path = this.#socketPath;
    rmSync(path, { force: true });
    // Nobody but root may connect in the moment before owner and mode are right.
    const before = process.umask(0o177);
    try {
      await new Promise<void>((resolve, reject) => {
        this.#server.once('error', reject);
        this.#server.listen(path, resolve);
      });
    } finally {
      process.umask(before);
    }
    if (this.#options.webGid !== null) {
      chownSync(path, 0, this.#options.webGid);
      chmodSync(path, 0o660);
    }
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const path = (request.url ?? '/').split('?', 1)[0];
    if (path !== '/api/live' || !isUnixPeer(request)) {
      socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
      return;
    }
    this.#webSockets.handleUpgrade(request, socket, head, (webSocket: WebSocket) => {
      const row = this.#sessions.identify(request.headers.cookie);
      if (row === null) {
        // A browser can't see the status of a refused upgrade; a close code it can.
        webSocket.close(CLOSE.unauthorized, 'no session');
        return;
      }
      this.#sessions.open(row).attach(webSocket as unknown as RawSocket);
    });
  }

  #health(): object {
    return {
      status: 'ok',
      uptimeSeconds: Math.round((Date.now() - this.#startedAt) / 1000),
      sandboxes: this.#capacity.taken,
      sandboxLimit: this.#capacity.limit,
      pages: this.#webSockets.clients.size,
    };
  }
}

/** Makes a folder with that mode whatever the umask; one that is there keeps its own. */
function makeFolder(path: string, mode: number): void {
  if (mkdirSync(path, { recursive: true }) !== undefined) chmodSync(path, mode);
}
