/** All sandboxes and terminals of this process, without any socket: what the control socket asks for. */

import type {
  CONTROL_ERRORS,
  HostEvent,
  HostStatus,
  SandboxRegistration,
  TerminalOpening,
  TerminalReport,
} from './control-protocol.js';
import { CONTROL_VERSION } from './control-protocol.js';
import type { ShellLauncher } from './launcher.js';
import type { Mirrors } from './mirrors.js';
import { Sandboxes } from './sandboxes.js';
import { type ShellPlace, Terminal } from './terminal.js';

/** What our emulator, xterm.js with 24-bit colour, is called in terminfo. */
const EMULATOR_ENV = { TERM: 'xterm-256color', COLORTERM: 'truecolor' };

/** A refusal with its stable code. */
export class HostError extends Error {
  override readonly name = 'HostError';
  readonly code: (typeof CONTROL_ERRORS)[number];

  constructor(code: (typeof CONTROL_ERRORS)[number], message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}

export interface TerminalHostOptions {
  readonly mirrors: Mirrors;
  readonly launcher: ShellLauncher;
  /** open terminals of one sandbox; each costs about 2 MB with a full scrollback */
  readonly maxTerminals: number;
}

/** Make one for each process. */
export class TerminalHost {
  readonly #options: TerminalHostOptions;
  readonly #sandboxes = new Sandboxes();
  readonly #terminals = new Map<string, Terminal>();
  readonly #listeners = new Set<(event: HostEvent) => void>();
  readonly #startedAt = Date.now();

  constructor(options: TerminalHostOptions) {
    this.#options = options;
  }

  status(): HostStatus {
    return {
      version: CONTROL_VERSION,
      pid: process.pid,
      startedAt: this.#startedAt,
      sandboxes: this.#sandboxes
        .list()
        .map(({ id, initPid, initStartTime }) => ({ id, initPid, initStartTime })),
      terminals: this.terminals().map(reportOf),
    };
  }

  terminals(): Terminal[] {
    return [...this.#terminals.values()];
  }

  terminal(id: string): Terminal {
    const terminal = this.#terminals.get(id);
    if (terminal === undefined) throw new HostError('terminal.not-found', `no terminal ${id}`);
    return terminal;
  }

  findTerminal(id: string): Terminal | undefined {
    return this.#terminals.get(id);
  }

  /** @returns how to stop hearing */
  onEvent(listener: (event: HostEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  registerSandbox(id: string, registration: SandboxRegistration): void {
    try {
      this.#sandboxes.register(id, registration);
    } catch (error) {
      throw new HostError('sandbox.refused', `sandbox ${id}: ${messageOf(error)}`, error);
    }
  }

  /** Forgets a sandbox and closes its terminals. */
  dropSandbox(id: string): void {
    for (const terminal of this.#terminalsOf(id)) this.closeTerminal(terminal.spec.id);
    if (!this.#sandboxes.drop(id)) throw new HostError('sandbox.not-found', `no sandbox ${id}`);
  }

  async openTerminal(id: string, opening: TerminalOpening): Promise<TerminalReport> {
    const place = this.#placeIn(opening.sandbox);
    if (this.#terminals.has(id)) throw new HostError('terminal.exists', `terminal ${id} exists`);
    if (this.#terminalsOf(opening.sandbox).length >= this.#options.maxTerminals) {
      throw new HostError(
        'terminal.limit',
        `sandbox ${opening.sandbox} has ${this.#options.maxTerminals} terminals already`,
      );
    }
    const { sandbox, sessionTokenHash, args, env, cwd } = opening;
    const terminal = new Terminal(
      { id, sandbox, sessionTokenHash, args, env: { ...EMULATOR_ENV, ...env }, cwd },
      opening,
      this.#options.mirrors,
      {
        onEnd: (ended) => this.#tell({ type: 'terminal', terminal: reportOf(ended) }),
        onMark: ({ pts }, mark) => this.#tell({ type: 'mark', id, sandbox, pts, mark }),
      },
    );
    this.#terminals.set(id, terminal);
    await this.#start(terminal, () => terminal.start(place));
    return reportOf(terminal);
  }

  async restartTerminal(id: string): Promise<TerminalReport> {
    const terminal = this.terminal(id);
    const place = this.#placeIn(terminal.spec.sandbox);
    await this.#start(terminal, () => terminal.restart(place));
    return reportOf(terminal);
  }

  closeTerminal(id: string): void {
    this.terminal(id).close();
    this.#terminals.delete(id);
    this.#tell({ type: 'terminal.closed', id });
  }

  /** Ends all shells. */
  close(): void {
    for (const id of [...this.#terminals.keys()]) this.closeTerminal(id);
    for (const { id } of this.#sandboxes.list()) this.#sandboxes.drop(id);
  }

  /** A terminal whose shell cannot be started is no terminal. */
  async #start(terminal: Terminal, start: () => Promise<void>): Promise<void> {
    try {
      await start();
    } catch (error) {
      const { id } = terminal.spec;
      if (this.#terminals.get(id) === terminal) this.closeTerminal(id);
      throw new HostError('terminal.failed', `shell of ${id}: ${messageOf(error)}`, error);
    }
    this.#tell({ type: 'terminal', terminal: reportOf(terminal) });
  }

  #placeIn(id: string): ShellPlace {
    const sandbox = this.#sandboxes.get(id);
    if (sandbox === undefined) throw new HostError('sandbox.not-found', `no sandbox ${id}`);
    return { devptsFd: sandbox.devptsFd, launcher: this.#options.launcher, sandbox };
  }

  #terminalsOf(sandbox: string): Terminal[] {
    return this.terminals().filter((terminal) => terminal.spec.sandbox === sandbox);
  }

  #tell(event: HostEvent): void {
    for (const listener of this.#listeners) listener(event);
  }
}

/** What the daemon is told of a terminal. */
export function reportOf(terminal: Terminal): TerminalReport {
  const { state } = terminal;
  return {
    id: terminal.spec.id,
    sandbox: terminal.spec.sandbox,
    pts: terminal.pts,
    state: state.state,
    hostPid: state.state === 'running' ? state.hostPid : null,
    exitCode: state.state === 'ended' ? state.exitCode : null,
    cols: terminal.cols,
    rows: terminal.rows,
    clients: terminal.clientCount,
    commands: [...terminal.commands],
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
