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
import type { Log } from './log.js';
import { SANDBOX_DIED, SANDBOX_KEEPS_DYING, SANDBOX_LOST, sandboxFailed } from './messages.js';
import type { HostedSandbox, Observer, Sandboxes, SandboxInfo, Terminals } from './ports.js';
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
  readonly onStatus: (status: SandboxStatus, message: LocalText | undefined) => void;
  readonly onTerminals: (terminals: readonly TerminalInfo[]) => void;
}

/** The session has as many terminals as it may. */
export class TerminalLimit extends Error {}
/** The session has no such terminal. */
export class UnknownTerminal extends Error {}

/** Before a page has told its size. The page resizes at once. */
const FIRST_SIZE = { cols: 80, rows: 24 };
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

  constructor(deps: RuntimeDeps) {
    this.#deps = deps;
  }

  /** Id of the present sandbox. */
  get id(): string | null {
    return this.#info?.id ?? null;
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
      const { terminals, session, capacity, observer } = this.#deps;
      capacity.adopt();
      this.#info = info;
      observer.watch(info);
      if (hosted === null) await terminals.register(info, [session.tokenHash]);
      this.#terminals = hosted?.terminals ?? [];
      for (const terminal of this.#terminals) this.#append(openEvent(terminal));
      this.#setStatus('running');
    });
  }

  /** Makes the sandbox and its first terminal unless they are there. */
  ensure(): Promise<void> {
    return this.#serial.run(async () => {
      if (this.#info === null) {
        const lost = this.#deps.store.byId(this.#deps.session.id)?.lost === true;
        this.#setStatus('starting');
        await this.#create();
        this.#setStatus('running', lost ? SANDBOX_LOST : undefined);
        if (lost) this.#deps.store.setLost(this.#deps.session.id, false);
      }
      if (this.#terminals.length === 0) await this.#open(FIRST_SIZE);
    });
  }

  /** @throws TerminalLimit */
  openTerminal(size: { cols: number; rows: number }): Promise<TerminalInfo> {
    return this.#serial.run(async () => {
      if (this.#info === null) throw new UnknownTerminal('there is no sandbox to open one in');
      const { maxTerminals } = this.#deps;
      if (this.#terminals.length >= maxTerminals) {
        throw new TerminalLimit(`${maxTerminals} terminals are open; close one first`);
      }
      return await this.#open(size);
    });
  }

  /** @throws UnknownTerminal */
  closeTerminal(id: string): Promise<void> {
    return this.#serial.run(async () => {
      if (this.#info === null || !this.#terminals.some((terminal) => terminal.id === id)) {
        throw new UnknownTerminal(`there is no terminal "${id}"`);
      }
      await this.#deps.terminals.close(this.#info.id, id);
      this.#append({ type: 'terminal.close', terminal: id });
      this.#setTerminals(this.#terminals.filter((terminal) => terminal.id !== id));
    });
  }

  /**
   * Replaces the sandbox by a fresh one, with new shells in the terminals there were (at least
   * `atLeast` of them), and runs `prepare` in it before the status is `running` again.
   */
  reset(
    atLeast: number,
    prepare: (type: (terminal: number, text: string) => Promise<void>) => Promise<void>,
  ): Promise<void> {
    return this.#serial.run(async () => {
      this.#deaths = [];
      this.#setStatus('resetting');
      await this.#replace(atLeast);
      const sandbox = this.#info?.id ?? '';
      await prepare(async (terminal, text) => {
        const id = this.#terminals[terminal - 1]?.id;
        if (id !== undefined) await this.#deps.terminals.type(sandbox, id, text);
      });
      this.#setStatus('running');
    });
  }

  /** The engine says that it is gone. @param wanted whether a page waits for a new one */
  died(id: string, wanted: boolean): Promise<void> {
    return this.#serial.run(async () => {
      // Ours to replace only if it is still the present one: a reset may have been first.
      if (this.#info?.id !== id) return;
      const { log, store, session } = this.#deps;
      log.warn({ session: session.id, sandbox: id, step: 'died' }, 'sandbox ended by itself');
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
        await this.#replace(1);
        this.#setStatus('running', SANDBOX_DIED);
      }
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

  /** The terminal host's news: a shell ended. */
  hosted(sandbox: string, terminals: readonly TerminalInfo[]): void {
    if (this.#rebuilding || sandbox !== this.#info?.id) return;
    // The host may list one that is being opened and not yet ours, or one just closed: only known
    // ones are updated here, opening and closing are our own steps.
    const news = new Map(terminals.map((terminal) => [terminal.id, terminal]));
    this.#setTerminals(this.#terminals.map((terminal) => news.get(terminal.id) ?? terminal));
  }

  /** Resolves when nothing is under way. */
  idle(): Promise<void> {
    return this.#serial.idle();
  }

  async #create(): Promise<void> {
    const { sandboxes, terminals, observer, capacity, store, session, log } = this.#deps;
    const began = performance.now();
    const id = newSandboxId();
    try {
      capacity.take();
    } catch (error) {
      this.#setStatus('failed', sandboxFailed((error as Error).message));
      throw error;
    }
    try {
      store.setSandbox(session.id, id);
      const info = await sandboxes.create(id);
      // Ours before it is watched: the observer's first words come at once and must find us.
      this.#info = info;
      observer.watch(info);
      await terminals.register(info, [session.tokenHash]);
    } catch (error) {
      this.#info = null;
      await this.#undoCreate(id);
      this.#setStatus('failed', sandboxFailed((error as Error).message));
      throw error;
    }
    const ms = Math.round(performance.now() - began);
    log.info({ session: session.id, sandbox: id, step: 'create', ms }, 'sandbox made');
  }

  async #undoCreate(id: string): Promise<void> {
    const { sandboxes, terminals, observer, capacity, store, session, log } = this.#deps;
    observer.unwatch(id);
    this.#append({ type: 'sandbox.end', id });
    const undone = await Promise.allSettled([terminals.forget(id), sandboxes.remove(id)]);
    // Without the name in the database the next start removes what is left.
    store.setSandbox(session.id, null);
    capacity.giveBack();
    for (const result of undone) {
      if (result.status === 'rejected') {
        log.error({ session: session.id, sandbox: id, err: result.reason }, 'undo failed');
      }
    }
  }

  async #replace(atLeast: number): Promise<void> {
    const before = this.#terminals;
    this.#rebuilding = true;
    try {
      if (this.#info !== null) await this.#discard();
      await this.#create();
      const sandbox = (this.#info as SandboxInfo | null)?.id ?? '';
      // One after the other: the first gets /dev/pts/0 again.
      const ids = before.map((terminal): string | undefined => terminal.id);
      while (ids.length < atLeast) ids.push(undefined);
      const opened: TerminalInfo[] = [];
      for (const id of ids) {
        opened.push(await this.#deps.terminals.open(sandbox, FIRST_SIZE, id));
      }
      for (const terminal of opened) this.#append(openEvent(terminal));
      this.#setTerminals(opened);
    } catch (error) {
      this.#setTerminals([]);
      throw error;
    } finally {
      this.#rebuilding = false;
    }
  }

  async #discard(): Promise<void> {
    const info = this.#info;
    if (info === null) return;
    const { sandboxes, terminals, observer, capacity, store, session, log } = this.#deps;
    const began = performance.now();
    // From here on its last events are nobody's: they would be folded into the next sandbox.
    this.#info = null;
    observer.unwatch(info.id);
    this.#append({ type: 'sandbox.end', id: info.id });
    if (!this.#rebuilding) this.#setTerminals([]);
    const results = await Promise.allSettled([
      terminals.forget(info.id),
      sandboxes.remove(info.id),
    ]);
    capacity.giveBack();
    store.setSandbox(session.id, null);
    for (const result of results) {
      if (result.status === 'rejected') {
        log.error({ session: session.id, sandbox: info.id, err: result.reason }, 'remove failed');
      }
    }
    const ms = Math.round(performance.now() - began);
    log.info({ session: session.id, sandbox: info.id, step: 'remove', ms }, 'sandbox removed');
  }

  async #open(size: { cols: number; rows: number }): Promise<TerminalInfo> {
    if (this.#info === null) throw new UnknownTerminal('there is no sandbox to open one in');
    const terminal = await this.#deps.terminals.open(this.#info.id, size);
    this.#append(openEvent(terminal));
    this.#setTerminals([...this.#terminals, terminal]);
    return terminal;
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

function openEvent(terminal: TerminalInfo): EventBody {
  return { type: 'terminal.open', terminal: terminal.id, pts: terminal.pts };
}

/** Short, because it becomes part of cgroup and file names: 60 random bits in base 32. */
function newSandboxId(): string {
  const letters = 'abcdefghijklmnopqrstuvwxyz234567';
  return `sb-${[...randomBytes(12)].map((byte) => letters[byte % 32]).join('')}`;
}
