/** A whole daemon on temporary folders with fakes behind it, and pages that talk to it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Lesson } from '@terrarium/lesson';
import { type ClientMessage, PROTOCOL_VERSION, type ServerMessage } from '@terrarium/protocol';
import { WebSocket } from 'ws';
import { Daemon } from '../daemon.js';
import { silentLog } from '../log.js';
import type { DaemonOptions } from '../options.js';
import { loadAccessToken, SESSION_COOKIE } from '../secrets.js';
import { openStore } from '../store/index.js';
import { FakeObserver, FakeSandboxes, FakeTerminals, fakeLesson, fakeStep } from './fakes.js';

const MIB = 1024 * 1024;

export class TestDaemon {
  readonly options: DaemonOptions;
  sandboxes = new FakeSandboxes();
  terminals = new FakeTerminals();
  observer = new FakeObserver();
  lessons: readonly Lesson[] = [fakeLesson([fakeStep('one', 'sleep'), fakeStep('two', 'sh')])];
  #daemon: Daemon | null = null;
  readonly #dir = mkdtempSync(join(tmpdir(), 'terrarium-unit-'));
  readonly #pages: TestPage[] = [];

  constructor(options: Partial<DaemonOptions> = {}) {
    this.options = {
      stateDir: join(this.#dir, 'state'),
      runDir: join(this.#dir, 'run'),
      webGid: null,
      lessonsDir: '/nonexistent',
      baseImage: null,
      memoryBytes: 512 * MIB,
      pids: 256,
      cpuPercent: 100,
      diskBytes: 256 * MIB,
      terminals: 2,
      sessions: 3,
      idleMs: 60_000,
      messagesPerSecond: 50,
      reduced: [],
      logLevel: 'silent',
      ...options,
    };
  }

  async start(): Promise<this> {
    const { sandboxes, terminals, observer, lessons } = this;
    this.#daemon = await Daemon.start(this.options, async () => ({
      sandboxes,
      terminals,
      observer,
      lessons,
      readLessons: () => this.lessons,
      requirement: (feature) => ({ feature, met: true }),
      log: silentLog(),
    }));
    return this;
  }

  async stop(): Promise<void> {
    await this.#daemon?.stop();
    this.#daemon = null;
  }

  /** Stops, and then forgets that it did: new books, so that a test can put back what was there. */
  async stopLikeCrash(): Promise<void> {
    const path = join(this.options.stateDir, 'terrarium.db');
    const before = openStore(path);
    const rows = before.sessions.withSandbox();
    before.close();
    await this.stop();
    const after = openStore(path);
    for (const row of rows) after.sessions.setSandbox(row.id, row.sandbox);
    after.close();
    this.sandboxes = new FakeSandboxes();
    this.terminals = new FakeTerminals();
    this.observer = new FakeObserver();
  }

  /** Ends everything and removes the folders. */
  async dispose(): Promise<void> {
    for (const page of this.#pages) page.close();
    await this.stop();
    rmSync(this.#dir, { recursive: true, force: true });
  }

  get accessToken(): string {
    return loadAccessToken(this.options.stateDir);
  }

  http(
    method: string,
    path: string,
    options: { body?: unknown; raw?: string; cookie?: string; type?: string } = {},
  ): Promise<{ status: number; body: Record<string, unknown> }> {
    const text = options.raw ?? (options.body === undefined ? '' : JSON.stringify(options.body));
    return new Promise((resolve, reject) => {
      const outgoing = request(
        {
          socketPath: join(this.options.runDir, 'daemon.sock'),
          method,
          path,
          headers: {
            'content-type': options.type ?? 'application/json',
            ...(options.cookie === undefined ? {} : { cookie: options.cookie }),
          },
        },
        (answer) => {
          const chunks: Buffer[] = [];
          answer.on('data', (chunk: Buffer) => chunks.push(chunk));
          answer.on('end', () => {
            const body = Buffer.concat(chunks).toString();
            resolve({ status: answer.statusCode ?? 0, body: JSON.parse(body) });
          });
        },
      );
      outgoing.on('error', reject);
      outgoing.end(text);
    });
  }

  /** A new session's cookie. */
  async enter(): Promise<string> {
    const { body } = await this.http('POST', '/sessions', {
      body: { accessToken: this.accessToken },
    });
    return `${SESSION_COOKIE}=${body['sessionToken']}`;
  }

  /** A page that is connected and has said nothing yet. */
  async page(cookie?: string): Promise<TestPage> {
    const page = new TestPage(
      join(this.options.runDir, 'daemon.sock'),
      cookie ?? (await this.enter()),
    );
    this.#pages.push(page);
    await page.opened;
    return page;
  }

  /** A page that has its first snapshot. */
  async greetedPage(
    cookie?: string,
    hello: Partial<Extract<ClientMessage, { type: 'hello' }>> = {},
  ): Promise<TestPage> {
    const page = await this.page(cookie);
    page.hello(hello);
    await page.next('snapshot');
    return page;
  }
}

type Message<T extends ServerMessage['type']> = Extract<ServerMessage, { type: T }>;

/** One page, as the daemon sees it. */
export class TestPage {
  readonly raw: WebSocket;
  readonly received: ServerMessage[] = [];
  readonly opened: Promise<void>;
  readonly closed: Promise<{ code: number; reason: string }>;
  #read = 0;
  #wake: () => void = () => {};

  constructor(socketPath: string, cookie: string) {
    this.raw = new WebSocket(`ws+unix:${socketPath}:/api/live`, { headers: { cookie } });
    this.opened = new Promise((resolve, reject) => {
      this.raw.once('open', () => resolve());
      this.raw.once('error', reject);
    });
    this.closed = new Promise((resolve) => {
      this.raw.once('close', (code, reason) => resolve({ code, reason: reason.toString() }));
    });
    this.raw.on('error', () => {});
    this.raw.on('message', (data) => {
      this.received.push(JSON.parse(String(data)) as ServerMessage);
      this.#wake();
    });
  }

  send(message: ClientMessage): void {
    this.raw.send(JSON.stringify(message));
  }

  hello(more: Partial<Extract<ClientMessage, { type: 'hello' }>> = {}): void {
    this.send({ type: 'hello', version: PROTOCOL_VERSION, lesson: null, ...more });
  }

  /** The next message of that type that fits; those before it are passed over. */
  async next<T extends ServerMessage['type']>(
    type: T,
    fits: (message: Message<T>) => boolean = () => true,
  ): Promise<Message<T>> {
    const deadline = Date.now() + 3000;
    for (;;) {
      while (this.#read < this.received.length) {
        const message = this.received[this.#read++] as ServerMessage;
        if (message.type === type && fits(message as Message<T>)) return message as Message<T>;
      }
      const left = deadline - Date.now();
      if (left <= 0) {
        const seen = this.received.map((message) => JSON.stringify(message).slice(0, 160));
        throw new Error(`no "${type}" came; got:\n${seen.join('\n')}`);
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  close(): void {
    this.raw.terminate();
  }
}
