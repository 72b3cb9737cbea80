/**
 * The sandbox of one session with its terminals: made on demand, reset, replaced when it dies,
 * removed when idle. Everything that changes it goes through one queue, so a reset never meets a
 * second one half-way.
 *
 * Order that must hold: the database names the sandbox before it exists (a killed daemon finds an
 * owner for whatever it finds), and the terminal host takes hold of its devpts before any shell,
 * that is before any code of the learner runs in it.
 */
import { randomBytes } from 'node:crypto';
import type { LocalText, TerminalInfo } from '@terrarium/protocol';
import type { EventBody, Timeline } from '@terrarium/timeline';
import { type Capacity, CapacityError } from './capacity.js';
import { Commands } from './commands.js';
import type { Log } from './log.js';
import { SANDBOX_DIED, SANDBOX_KEEPS_DYING, SANDBOX_LOST, sandboxFailed } from './messages.js';
import type {
  HostedSandbox,
  Observer,
  Sandboxes,
  SandboxInfo,
  TerminalMark,
  TerminalRequest,
  Terminals,
} from './ports.js';
import { Serial } from './serial.js';
import type { SessionStore } from './store/sessions.js';

export type SandboxStatus = 'none' | 'starting' | 'running' | 'resetting' | 'failed';

/** Whom the runtime works with, and whom it tells. */
export interface RuntimeDeps {
  readonly session: { readonly id: string; readonly tokenHash: string };
  readonly sandboxes: Sandboxes;
  readonly terminals: Terminals;
  readonly observer: Observer;
  readonly capacity: Capacity;
  readonly store: SessionStore;
  readonly timeline: Timeline;
  readonly maxTerminals: number;
  readonly log: Log;
  /** pages of the session at present */
  readonly viewers: () => number;
  /** whether the system calls of a new sandbox are taped from its first shell on */
  readonly isTaped: () => boolean;
  readonly onStatus: (status: SandboxStatus, message: LocalText | undefined) => void;
  readonly onTerminals: (terminals: readonly TerminalInfo[]) => void;
}

/** The session has as many terminals as it may. */
export class TerminalLimit extends Error {}
/** More is asked for than can be done. */
export class SandboxBusy extends Error {}
/** The session has no such terminal. */
export class UnknownTerminal extends Error {}

/** Before a page has told its size. The page resizes at once. */
const FIRST_SIZE = { cols: 80, rows: 24 };
/** Wishes of pages that may wait; a page that clicks on and on must not book the machine for minutes. */
const MAX_PENDING = 8;
/** So many deaths within the window, and the next sandbox waits for a wish of the learner. */
const DEATHS = 3;
const DEATH_WINDOW_MS = 20_000;

export class SandboxRuntime {
  readonly #deps: RuntimeDeps;
  readonly #serial = new Serial();
  #info: SandboxInfo | null = null;
  #status: SandboxStatus = 'none';
  #message: LocalText | undefined;
  #terminals: readonly TerminalInfo[] = [];
  #deaths: number[] = [];
  /** while true, the host's news about ended shells are our own doing and are kept from the page */
  #rebuilding = false;
  /** until the observer's first words about the present init, what it says is about an earlier one */
  #observed = false;
  readonly #commands: Commands;

  constructor(deps: RuntimeDeps) {
    this.#deps = deps;
    this.#commands = new Commands(deps.timeline);
  }

  /** Id of the present sandbox. */
  get id(): string | null {
    return this.#info?.id ?? null;
  }

  /** The present sandbox while it can be worked in. */
  get running(): SandboxInfo | null {
    return this.#status === 'running' ? this.#info : null;
  }

  get status(): { readonly status: SandboxStatus; readonly message: LocalText | undefined } {
    return { status: this.#status, message: this.#message };
  }

  get terminals(): readonly TerminalInfo[] {
    return this.#terminals;
  }

  /** Takes over a sandbox that outlived the last daemon. */
  adopt(info: SandboxInfo, hosted: HostedSandbox | null): Promise<void> {
    return this.#serial.run(async () => {
      const { terminals, capacity } = this.#deps;
      capacity.adopt();
      this.#begin(info);
      if (hosted === null || !sameInit(hosted, info)) await terminals.register(info);
      this.#terminals = hosted?.terminals ?? [];
      for (const terminal of this.#terminals) this.#append(openEvent(terminal));
      for (const mark of hosted?.commands ?? []) this.#commands.heard(mark);
      this.#setStatus('running');
    });
  }

  /** Makes the sandbox and its first terminal unless they are there. */
  ensure(): Promise<void> {
    return this.#wish(async () => {
      if (this.#info === null) {
        const { store, session } = this.#deps;
        const lost = store.byId(session.id)?.lost === true;
        this.#setStatus('starting');
        await this.#create();
        try {
          await this.#ensureShell();
          await this.#settled();
        } finally {
          if (this.#info !== null) this.#setStatus('running', lost ? SANDBOX_LOST : undefined);
        }
        if (lost) store.setLost(session.id, false);
      } else await this.#ensureShell();
    });
  }

  /** @throws TerminalLimit */
  openTerminal(size: { cols: number; rows: number }): Promise<TerminalInfo> {
    return this.#wish(async () => {
      const { maxTerminals } = this.#deps;
      if (this.#terminals.length >= maxTerminals) {
        throw new TerminalLimit(`${maxTerminals} terminals are open; close one first`);
      }
      const terminal = await this.#open(size);
      await this.#settled([terminal]);
      return terminal;
    });
  }

  /** @throws UnknownTerminal */
  closeTerminal(id: string): Promise<void> {
    return this.#wish(async () => {
      if (!this.#terminals.some((terminal) => terminal.id === id)) {
        throw new UnknownTerminal(`there is no terminal "${id}"`);
      }
      await this.#deps.terminals.close(id);
      this.#append({ type: 'terminal.close', terminal: id });
      this.#setTerminals(this.#terminals.filter((terminal) => terminal.id !== id));
    });
  }

  /**
   * Replaces the sandbox by a fresh one, with new shells in the terminals there were (at least
   * `atLeast` of them), and runs `prepare` in it before the status is `running` again.
   *
   * @param prepare is given a way to type into terminal 1, 2, …
   */
  reset(
    atLeast: number,
    prepare: (type: (terminal: number, text: string) => Promise<void>) => Promise<void>,
  ): Promise<void> {
    return this.#wish(async () => {
      this.#deaths = [];
      this.#setStatus('resetting');
      try {
        await this.#replace(Math.min(atLeast, this.#deps.maxTerminals));
        await this.#settled();
        await prepare(async (terminal, text) => {
          const id = this.#terminals[terminal - 1]?.id;
          if (id !== undefined) await this.#deps.terminals.type(id, text);
        });
      } finally {
        // When the sandbox itself could not be made, the status says `failed` already.
        if (this.#info !== null) this.#setStatus('running');
      }
    });
  }

  /** The engine says that it is gone. @param wanted whether a page waits for a new one */
  died(gone: SandboxInfo, wanted: boolean): Promise<void> {
    return this.#serial.run(async () => {
      // Ours to replace only if it is still the present one: a reset may have been first.
      if (this.#info === null || !sameInit(this.#info, gone)) return;
      const { log, store, session } = this.#deps;
      log.warn({ session: session.id, sandbox: gone.id, step: 'died' }, 'sandbox ended by itself');
      const now = Date.now();
      this.#deaths = [...this.#deaths, now].filter((t) => now - t < DEATH_WINDOW_MS);
      if (!wanted) {
        await this.#discard();
        store.setLost(session.id, true);
        this.#setStatus('none');
      } else if (this.#deaths.length >= DEATHS) {
        await this.#discard();
        this.#setStatus('failed', SANDBOX_KEEPS_DYING);
      } else {
        this.#setStatus('starting', SANDBOX_DIED);
        try {
          await this.#replace(1);
          await this.#settled();
        } finally {
          if (this.#info !== null) this.#setStatus('running', SANDBOX_DIED);
        }
      }
    });
  }

  /** The terminal host died and stands again: every shell is gone, the sandbox is not. */
  hostRestarted(): Promise<void> {
    return this.#serial.run(async () => {
      if (this.#info === null) return;
      await this.#deps.terminals.register(this.#info);
      await this.#reopen(this.#terminals.map(({ id }) => id));
    });
  }

  /** Removes the sandbox and its terminals; the next `ensure` makes a new one. */
  remove(): Promise<void> {
    return this.#serial.run(async () => {
      if (this.#info === null) return;
      await this.#discard();
      this.#setStatus('none');
    });
  }

  /** What the observer saw. */
  observed(events: readonly EventBody[]): void {
    const info = this.#info;
    if (info === null) return;
    if (!this.#observed) {
      const init = `${info.initPid}:${info.initStartTime}`;
      const first = events.find((event) => event.type === 'sandbox.start');
      if (first?.type !== 'sandbox.start' || first.sandbox.init !== init) return;
      this.#observed = true;
    }
    this.#deps.timeline.append(events);
    this.#commands.look();
  }

  /** A shell tells what it runs. */
  marked(mark: TerminalMark): void {
    if (this.#info !== null) this.#commands.heard(mark);
  }

  /** A page came or went. */
  viewersChanged(): void {
    if (this.#info !== null) this.#deps.observer.viewers(this.#info.id, this.#deps.viewers());
  }

  /** Tapes the system calls of the sandbox's processes, or ends that. */
  trace(on: boolean): void {
    if (this.#info !== null) this.#deps.observer.trace(this.#info.id, on);
  }

  /** The terminal host's news: a shell ended. */
  hosted(news: TerminalInfo): void {
    // Opening, restarting and closing are our own steps, with their own answers.
    if (this.#rebuilding) return;
    this.#setTerminals(this.#terminals.map((known) => (known.id === news.id ? news : known)));
  }

  /** What a page asks for, in its turn. @throws SandboxBusy */
  #wish<T>(action: () => Promise<T>): Promise<T> {
    if (this.#serial.pending >= MAX_PENDING) {
      return Promise.reject(
        new SandboxBusy('the sandbox is still busy with what was asked before'),
      );
    }
    return this.#serial.run(action);
  }

  async #ensureShell(): Promise<void> {
    const [first] = this.#terminals;
    if (first === undefined) await this.#open(FIRST_SIZE);
    // Every shell was left with `exit`: a page that is opened gets one that runs.
    else if (this.#terminals.every(({ state }) => state === 'ended')) await this.#revive(first);
  }

  async #revive(terminal: TerminalInfo): Promise<void> {
    const revived = await this.#deps.terminals.restart(this.#request(terminal.id, FIRST_SIZE));
    this.#append(openEvent(revived));
    this.#setTerminals(this.#terminals.map((one) => (one === terminal ? revived : one)));
  }

  /** A new sandbox under a new id. */
  async #create(): Promise<void> {
    const { capacity, store, session } = this.#deps;
    try {
      capacity.take();
    } catch (error) {
      this.#setStatus('failed', sandboxFailed((error as Error).message));
      throw error;
    }
    const id = newSandboxId();
    store.setSandbox(session.id, id);
    await this.#build(id);
  }

  /** Makes the sandbox; on failure nothing of it is left and the capacity is given back. */
  async #build(id: string): Promise<void> {
    const { sandboxes, terminals, session, log } = this.#deps;
    const began = performance.now();
    try {
      this.#begin(await sandboxes.create(id));
      await terminals.register(this.#info as SandboxInfo);
    } catch (error) {
      await this.#release(id);
      this.#setStatus('failed', sandboxFailed((error as Error).message));
      throw error;
    }
    const ms = Math.round(performance.now() - began);
    log.info({ session: session.id, sandbox: id, step: 'create', ms }, 'sandbox made');
  }

  /** Ours before it is watched: the observer's first words come at once and must find us. */
  #begin(info: SandboxInfo): void {
    this.#info = info;
    this.#observed = false;
    this.#deps.observer.watch(info);
    if (this.#deps.isTaped()) this.trace(true);
    this.viewersChanged();
  }

  /**
   * Before anybody is told that he can type: the first thing typed would not be on the tape, and a
   * shell that is starting throws away what comes before its prompt.
   */
  async #settled(shells: readonly TerminalInfo[] = this.#terminals): Promise<void> {
    if (this.#info === null) return;
    const { observer, terminals } = this.#deps;
    const running = shells.filter(({ state }) => state === 'running');
    // Where a shell has ended again, or its host died, there is nobody to wait for.
    await Promise.allSettled([
      observer.settled(this.#info.id),
      ...running.map(({ id }) => terminals.ready(id)),
    ]);
  }

  /** From here on its last events are nobody's: they would be folded into the next sandbox. */
  #end(id: string): void {
    this.#info = null;
    this.#deps.observer.unwatch(id);
    this.#commands.clear();
    this.#append({ type: 'sandbox.end', id });
  }

  /** The same id with a new init, so that the terminals and their pages stay. */
  async #replace(atLeast: number): Promise<void> {
    const ids = this.#terminals.map((terminal) => terminal.id);
    this.#rebuilding = true;
    try {
      const id = this.#info?.id;
      if (id === undefined) await this.#create();
      else {
        this.#end(id);
        await this.#deps.sandboxes.remove(id);
        await this.#build(id);
      }
      await this.#reopen(ids);
      while (this.#terminals.length < atLeast) await this.#open(FIRST_SIZE);
    } finally {
      this.#rebuilding = false;
    }
  }

  /** New shells under known ids; one after the other, so that the first gets /dev/pts/0 again. */
  async #reopen(ids: readonly string[]): Promise<void> {
    const opened: TerminalInfo[] = [];
    for (const id of ids) {
      const terminal = await this.#deps.terminals.restart(this.#request(id, FIRST_SIZE));
      this.#append(openEvent(terminal));
      opened.push(terminal);
    }
    this.#setTerminals(opened);
  }

  async #discard(): Promise<void> {
    const id = this.#info?.id;
    if (id === undefined) return;
    const { session, log } = this.#deps;
    const began = performance.now();
    await this.#release(id);
    const ms = Math.round(performance.now() - began);
    log.info({ session: session.id, sandbox: id, step: 'remove', ms }, 'sandbox removed');
  }

  /** Whatever there is of the sandbox goes, and its place is free. Reports, but never throws. */
  async #release(id: string): Promise<void> {
    const { sandboxes, terminals, capacity, store, session, log } = this.#deps;
    this.#end(id);
    this.#setTerminals([]);
    const results = await Promise.allSettled([terminals.forget(id), sandboxes.remove(id)]);
    for (const result of results) {
      if (result.status === 'rejected') {
        log.error({ session: session.id, sandbox: id, err: result.reason }, 'remove failed');
      }
    }
    // Without the name in the database the next start removes what is left.
    store.setSandbox(session.id, null);
    capacity.giveBack();
  }

  async #open(size: { cols: number; rows: number }): Promise<TerminalInfo> {
    if (this.#info === null) throw new UnknownTerminal('there is no sandbox to open one in');
    const id = this.#freeTerminalId(this.#info.id);
    const terminal = await this.#deps.terminals.open(this.#request(id, size));
    this.#append(openEvent(terminal));
    this.#setTerminals([...this.#terminals, terminal]);
    return terminal;
  }

  #request(id: string, size: { cols: number; rows: number }): TerminalRequest {
    const { tokenHash } = this.#deps.session;
    return { id, sandbox: this.#info?.id ?? '', tokenHash, ...size };
  }

  /** Unique in the whole host, because the sandbox's id is in it. */
  #freeTerminalId(sandbox: string): string {
    for (let n = 1; ; n++) {
      const id = `${sandbox}-${n}`;
      if (!this.#terminals.some((terminal) => terminal.id === id)) return id;
    }
  }

  #append(event: EventBody): void {
    this.#deps.timeline.append([event]);
  }

  #setStatus(status: SandboxStatus, message?: LocalText): void {
    this.#status = status;
    this.#message = message;
    this.#deps.onStatus(status, message);
  }

  #setTerminals(terminals: readonly TerminalInfo[]): void {
    if (JSON.stringify(terminals) === JSON.stringify(this.#terminals)) return;
    this.#terminals = terminals;
    this.#deps.onTerminals(terminals);
  }
}

/** What failed, as the protocol's code. */
export function errorCode(error: unknown): 'sandbox.limit' | 'sandbox.failed' {
  return error instanceof CapacityError ? 'sandbox.limit' : 'sandbox.failed';
}

function sameInit(
  a: { readonly initPid: number; readonly initStartTime: number },
  b: { readonly initPid: number; readonly initStartTime: number },
): boolean {
  return a.initPid === b.initPid && a.initStartTime === b.initStartTime;
}

function openEvent(terminal: TerminalInfo): EventBody {
  return { type: 'terminal.open', terminal: terminal.id, pts: terminal.pts };
}

/** Short, because it becomes part of cgroup and file names: 60 random bits in base 32. */
function newSandboxId(): string {
  const letters = 'abcdefghijklmnopqrstuvwxyz234567';
  return `sb-${[...randomBytes(12)].map((byte) => letters[byte % 32]).join('')}`;
}
