/**
 * One session while the daemon runs: a learner with a timeline, a sandbox, and as many pages as
 * they like. Gives the protocol's messages their meaning and keeps every page up to date.
 */
import { type Command, kindsOf } from '@terrarium/lesson';
import {
  CLOSE,
  type ClientMessage,
  LIVE_LIMITS,
  type Limits,
  type LocalText,
  PROTOCOL_VERSION,
  type ServerMessage,
  type StepStatus,
} from '@terrarium/protocol';
import { Timeline } from '@terrarium/timeline';
import { FramePacer } from './frame-pacer.js';
import { SessionPast } from './history.js';
import { LessonProgress, UnknownStep } from './lesson-progress.js';
import type { Lessons } from './lessons.js';
import { LiveSocket, type RawSocket } from './live-socket.js';
import type { Log } from './log.js';
import type { SandboxInfo } from './ports.js';
import {
  errorCode,
  type RuntimeDeps,
  SandboxBusy,
  SandboxRuntime,
  TerminalLimit,
  UnknownTerminal,
} from './sandbox-runtime.js';
import { SessionStepper, StepperRefused } from './stepper/index.js';
import type { Store } from './store/index.js';
import { keyBytes } from './typing.js';

/** What all sessions share. */
export interface SessionDeps
  extends Pick<RuntimeDeps, 'sandboxes' | 'terminals' | 'observer' | 'capacity' | 'log'> {
  readonly store: Store;
  readonly lessons: Lessons;
  readonly limits: Limits;
  readonly reduced: readonly LocalText[];
  readonly messagesPerSecond: number;
}

/** One page of the session. */
interface Page {
  readonly socket: LiveSocket;
  lesson: string | null;
  /** number of the last event that this page has; null until it was given a state */
  seq: number | null;
  /** hello was said: it gets news */
  greeted: boolean;
}

/** A lesson that is open in at least one page. */
interface OpenLesson {
  readonly progress: LessonProgress;
}

export class Session {
  readonly id: string;
  readonly runtime: SandboxRuntime;
  readonly timeline: Timeline = new Timeline();
  /** the timeline's name: seq is comparable within it only */
  readonly epoch: string;
  /** what a page can look back to */
  readonly past: SessionPast;
  readonly #deps: SessionDeps;
  readonly #log: Log;
  readonly #pacer: FramePacer<EventText>;
  readonly #pages = new Set<Page>();
  readonly #stepper: SessionStepper;
  readonly #lessons = new Map<string, OpenLesson>();
  #lastUsed = Date.now();

  constructor(session: { id: string; tokenHash: string }, epoch: string, deps: SessionDeps) {
    this.id = session.id;
    this.epoch = epoch;
    this.#deps = deps;
    this.#log = deps.log;
    this.past = new SessionPast(this.timeline, { sandbox: session.id });
    this.#pacer = new FramePacer(LIVE_LIMITS.framesPerSecond, (events) => this.#deltas(events));
    this.timeline.subscribe((events, state, texts) => {
      const first = state.seq - texts.length + 1;
      this.#pacer.push(texts.map((text, i) => ({ seq: first + i, text })));
      this.#firstStates();
      // Also an observer that died and was started anew, which has no tape.
      if (events.some(({ type }) => type === 'sandbox.start')) this.#tapeForLessons();
    });
    this.runtime = new SandboxRuntime({
      session,
      sandboxes: deps.sandboxes,
      terminals: deps.terminals,
      observer: deps.observer,
      capacity: deps.capacity,
      store: deps.store.sessions,
      timeline: this.timeline,
      maxTerminals: deps.limits.terminals,
      log: deps.log,
      viewers: () => this.#pages.size,
      isTaped: () => this.#needsTape(),
      onStatus: (status) => {
        if (status !== 'running') this.#endStepper();
        const notice = this.#sandboxMessage();
        if (notice !== null) this.#broadcast(notice);
      },
      onTerminals: (terminals) => this.#broadcast({ type: 'terminals', terminals: [...terminals] }),
    });
    this.#stepper = new SessionStepper({
      kit: deps.sandboxes.stepper,
      session: session.id,
      sandbox: () => this.runtime.running,
      send: (message) => this.#broadcast(message),
      log: deps.log,
    });
  }

  /** Pages that are connected. */
  get pages(): number {
    return this.#pages.size;
  }

  /** Milliseconds since the epoch of the last moment with a page. */
  get lastUsed(): number {
    return this.#pages.size > 0 ? Date.now() : this.#lastUsed;
  }

  /** Takes a new page's socket. */
  attach(raw: RawSocket): void {
    const page: Page = {
      lesson: null,
      seq: null,
      greeted: false,
      socket: new LiveSocket(
        raw,
        {
          message: (message) => this.#dispatch(page, message),
          caughtUp: () => this.#bringUpToDate(page),
          closed: () => this.#detach(page),
        },
        { messagesPerSecond: this.#deps.messagesPerSecond, log: this.#log },
      ),
    };
    this.#pages.add(page);
    this.runtime.viewersChanged();
  }

  /** The engine says that the sandbox is gone. */
  died(sandbox: SandboxInfo): Promise<void> {
    return this.runtime.died(sandbox, this.#pages.size > 0);
  }

  /** Closes every page: 1012 tells it to come back, 1001 that there is nothing to come back to. */
  close(code: number, reason: string): void {
    for (const page of [...this.#pages]) page.socket.close(code, reason);
    this.#pacer.stop();
    this.past.stop();
    for (const { progress } of this.#lessons.values()) progress.stop();
    this.#lessons.clear();
  }

  #dispatch(page: Page, message: ClientMessage): void {
    switch (message.type) {
      case 'hello':
        this.#hello(page, message);
        return;
      case 'terminal.open':
        this.#run(page, 'terminal.open', () => this.#openTerminal(page, message), message.request);
        return;
      case 'terminal.close':
        this.#run(page, 'terminal.close', () => this.runtime.closeTerminal(message.terminal));
        return;
      case 'step.reset':
        this.#run(page, 'step.reset', () => this.#reset(message.lesson, message.step));
        return;
      case 'step.predict':
        this.#run(page, 'step.predict', () =>
          this.#progress(message.lesson).predict(message.step, message.answer),
        );
        return;
      case 'step.help':
        this.#run(page, 'step.help', () =>
          this.#progress(message.lesson).help(message.step, message.level),
        );
        return;
      case 'setting':
        this.#deps.store.settings.set(this.id, message.key, message.value);
        return;
      case 'trace':
        this.runtime.trace(message.on);
        return;
      case 'stepper.open':
      case 'stepper.step':
      case 'stepper.runTo':
      case 'stepper.runAll':
      case 'stepper.pause':
      case 'stepper.abort':
      case 'stepper.close':
        this.#run(page, message.type, () => this.#stepper.handle(message));
        return;
      case 'ping':
        // Answered by the socket itself.
        return;
    }
  }

  #hello(page: Page, hello: Extract<ClientMessage, { type: 'hello' }>): void {
    if (hello.version !== PROTOCOL_VERSION) {
      page.socket.close(CLOSE.versionMismatch, `protocol ${PROTOCOL_VERSION} is spoken here`);
      return;
    }
    page.greeted = true;
    page.seq = null;
    this.#welcome(page);
    this.#setLesson(page, hello.lesson);
    const since = hello.since?.epoch === this.epoch ? hello.since.seq : null;
    this.#giveState(page, since);
    this.#run(page, 'sandbox', () => this.runtime.ensure());
  }

  #welcome(page: Page): void {
    const { store, limits, reduced, lessons } = this.#deps;
    page.socket.send({
      type: 'welcome',
      version: PROTOCOL_VERSION,
      epoch: this.epoch,
      session: this.id,
      limits,
      terminals: [...this.runtime.terminals],
      settings: store.settings.all(this.id),
      finished: lessons.finished(store.progress.passed(this.id)),
      reduced: [...reduced],
    });
    const notice = this.#sandboxMessage();
    if (notice !== null) page.socket.send(notice);
    if (this.#stepper.isOpen) page.socket.send(this.#stepper.message());
  }

  #setLesson(page: Page, lesson: string | null): void {
    const before = page.lesson;
    page.lesson = null;
    if (lesson !== null) {
      const progress = this.#openLesson(lesson);
      if (progress === null) {
        page.socket.error('lesson.not-found', `there is no lesson "${lesson}"`);
      } else {
        page.lesson = lesson;
        const renewed = this.#deps.lessons.renewed(lesson);
        if (renewed !== null) page.socket.send({ type: 'lesson', lesson: renewed });
        page.socket.send({ type: 'steps', lesson, steps: progress.statuses() });
        this.#tapeForLessons();
      }
    }
    if (before !== null) this.#closeUnusedLesson(before);
  }

  #openLesson(id: string): LessonProgress | null {
    const open = this.#lessons.get(id);
    if (open !== undefined) return open.progress;
    const lesson = this.#deps.lessons.get(id);
    if (lesson === null) return null;
    const progress = new LessonProgress({
      session: this.id,
      lesson,
      timeline: this.timeline,
      store: this.#deps.store.progress,
      onChange: (steps) => this.#showSteps(id, steps),
      unmet: (step) => this.#deps.lessons.unmet(step),
      onFailure: (step, err) =>
        this.#log.error({ session: this.id, lesson: id, step, err }, 'check failed itself'),
    });
    this.#lessons.set(id, { progress });
    return progress;
  }

  /**
   * A lesson's files have changed: its pages are given it, its checks are asked anew. The sandbox
   * stays, and so does what was passed.
   */
  lessonRenewed(id: string): void {
    const lesson = this.#deps.lessons.get(id);
    const open = this.#lessons.get(id);
    if (lesson === null || open === undefined) return;
    open.progress.stop();
    this.#lessons.delete(id);
    const steps = this.#openLesson(id)?.statuses() ?? [];
    for (const page of this.#pages) {
      if (page.lesson !== id) continue;
      page.socket.send({ type: 'lesson', lesson });
      page.socket.send({ type: 'steps', lesson: id, steps });
    }
  }

  /**
   * Checks that speak of system calls need them on the tape. It is a learner's to switch off, and
   * ends by itself when nobody looks; the next page and the next sandbox begin it again.
   */
  #tapeForLessons(): void {
    if (this.#needsTape()) this.runtime.trace(true);
  }

  #needsTape(): boolean {
    const checks = [...this.#lessons.keys()].flatMap(
      (id) => this.#deps.lessons.get(id)?.steps.map(({ check }) => check) ?? [],
    );
    return checks.some((check) => kindsOf(check).has('call'));
  }

  #closeUnusedLesson(id: string): void {
    for (const page of this.#pages) if (page.lesson === id) return;
    this.#lessons.get(id)?.progress.stop();
    this.#lessons.delete(id);
  }

  #progress(lesson: string): LessonProgress {
    const open = this.#lessons.get(lesson);
    if (open === undefined) throw new UnknownLesson(`lesson "${lesson}" is not open in this page`);
    return open.progress;
  }

  #showSteps(lesson: string, steps: readonly StepStatus[]): void {
    const text = JSON.stringify({ type: 'steps', lesson, steps } satisfies StepsMessage);
    for (const page of this.#pages) {
      if (page.lesson === lesson && !page.socket.behind) page.socket.sendText(text);
    }
  }

  /** Whatever it runs is in a sandbox that is no more, or soon will not be. */
  #endStepper(): void {
    this.#stepper.sandboxGone().catch((error: unknown) => {
      this.#log.error({ session: this.id, step: 'stepper', err: error }, 'stepper did not end');
    });
  }

  async #openTerminal(
    page: Page,
    message: Extract<ClientMessage, { type: 'terminal.open' }>,
  ): Promise<void> {
    const { cols, rows, request } = message;
    const terminal = await this.runtime.openTerminal({ cols, rows });
    page.socket.send({ type: 'terminal.opened', request, terminal: terminal.id });
  }

  async #reset(lessonId: string, stepId: string): Promise<void> {
    const asked = this.#progress(lessonId);
    const { setup } = asked.step(stepId);
    const began = performance.now();
    for (const { progress } of this.#lessons.values()) progress.suspend();
    try {
      asked.restartFrom(stepId);
      const terminals = setup.reduce((most, command) => Math.max(most, command.terminal), 1);
      await this.runtime.reset(terminals, async (type) => {
        for (const command of setup) await type(command.terminal, typed(command));
      });
    } finally {
      for (const { progress } of this.#lessons.values()) progress.resume();
    }
    const ms = Math.round(performance.now() - began);
    this.#log.info({ session: this.id, lesson: lessonId, step: stepId, ms }, 'step reset');
  }

  /** Does what a message asks for, and answers with the protocol's code when it can't. */
  #run(page: Page, what: string, action: () => Promise<unknown> | unknown, request?: number): void {
    const failed = (error: unknown): void => {
      const code = codeOf(error, what);
      const level = code === 'internal' || code === 'sandbox.failed' ? 'error' : 'info';
      this.#log[level]({ session: this.id, step: what, code, err: error }, 'message failed');
      const extra = request === undefined ? {} : { request };
      page.socket.error(code, (error as Error).message, { ...extra, ...errnoOf(error) });
    };
    try {
      Promise.resolve(action()).catch(failed);
    } catch (error) {
      failed(error);
    }
  }

  #detach(page: Page): void {
    this.#pages.delete(page);
    this.runtime.viewersChanged();
    this.#lastUsed = Date.now();
    if (page.lesson !== null) this.#closeUnusedLesson(page.lesson);
    this.#deps.store.sessions.touch(this.id, this.#lastUsed);
  }

  #sandboxMessage(): ServerMessage | null {
    const { status, message } = this.runtime.status;
    if (status === 'none') return null;
    return { type: 'sandbox', status, ...(message === undefined ? {} : { message }) };
  }

  #broadcast(message: ServerMessage): void {
    const text = JSON.stringify(message);
    for (const page of this.#pages) if (page.greeted) page.socket.sendText(text);
  }

  /** What a page lacks: the missed events where the ring has them all, else the whole state. */
  #giveState(page: Page, since: number | null): void {
    const missed = since === null ? null : this.timeline.textsSince(since);
    if (missed !== null && since !== null) {
      page.seq = since;
      this.#sendMissed(page, missed);
      return;
    }
    // Before the observer's first words there is nothing worth showing; the first batch brings it.
    if (this.timeline.state.sandbox === null) return;
    this.#sendSnapshot(page);
  }

  #firstStates(): void {
    if (this.timeline.state.sandbox === null) return;
    for (const page of this.#pages) {
      if (page.greeted && page.seq === null) this.#sendSnapshot(page);
    }
  }

  #sendSnapshot(page: Page): void {
    const { state } = this.timeline;
    page.seq = state.seq;
    page.socket.send({ type: 'snapshot', state });
  }

  /** After a time of dropped deltas: everything that may have been missed, once. */
  #bringUpToDate(page: Page): void {
    if (!page.greeted) return;
    this.#sendSnapshot(page);
    const progress = page.lesson === null ? undefined : this.#lessons.get(page.lesson)?.progress;
    if (page.lesson !== null && progress !== undefined) {
      page.socket.send({ type: 'steps', lesson: page.lesson, steps: progress.statuses() });
    }
  }

  /** One message of new events to every page that has all before them. */
  #deltas(events: readonly EventText[]): void {
    const first = events[0]?.seq ?? 0;
    const last = events.at(-1)?.seq ?? 0;
    let shared: string | null = null;
    for (const page of this.#pages) {
      // A page whose state came from a snapshot may have (some of) these events already.
      if (page.seq === null || page.seq >= last) continue;
      if (page.seq < first - 1 || page.seq >= first) {
        this.#sendMissed(page, this.timeline.textsSince(page.seq));
        continue;
      }
      shared ??= eventsMessage(events.map(({ text }) => text));
      if (page.socket.sendDelta(shared)) page.seq = last;
    }
  }

  /** Everything up to now, where the ring has it; else the whole state. */
  #sendMissed(page: Page, texts: readonly string[] | null): void {
    if (page.socket.behind) return;
    if (texts === null) this.#sendSnapshot(page);
    else if (texts.length > 0 && page.socket.sendDelta(eventsMessage(texts))) {
      page.seq = this.timeline.seq;
    }
  }
}

/** One event of the timeline as it is sent. */
interface EventText {
  readonly seq: number;
  /** its JSON */
  readonly text: string;
}

/** `ServerMessage` of type `events`: JSON of JSON that the timeline has made once for all. */
function eventsMessage(texts: readonly string[]): string {
  return `{"type":"events","events":[${texts.join(',')}]}`;
}

/** A message with readonly arrays, on its way into JSON. */
interface StepsMessage {
  readonly type: 'steps';
  readonly lesson: string;
  readonly steps: readonly StepStatus[];
}

/** The page names a lesson that it does not have open. */
class UnknownLesson extends Error {}

function codeOf(error: unknown, what: string): Extract<ServerMessage, { type: 'error' }>['code'] {
  if (error instanceof UnknownLesson) return 'lesson.not-found';
  if (error instanceof UnknownStep) return 'step.not-found';
  if (error instanceof TerminalLimit) return 'terminal.limit';
  if (error instanceof UnknownTerminal) return 'terminal.not-found';
  if (error instanceof SandboxBusy) return 'message.too-many';
  if (error instanceof StepperRefused) return 'stepper.refused';
  if (what === 'sandbox' || what === 'step.reset') return errorCode(error);
  return 'internal';
}

/** `EINVAL` and the like, where the failure, or what caused it, was a system call's. */
function errnoOf(error: unknown): { errno?: string } {
  for (let at = error; at instanceof Error; at = at.cause) {
    const { code } = at as { code?: unknown };
    if (typeof code === 'string' && /^E[A-Z0-9]+$/.test(code)) return { errno: code };
  }
  return {};
}

/** The bytes that a command is when typed. */
function typed(command: Command): string {
  return 'line' in command ? `${command.line}\r` : keyBytes(command.key);
}
