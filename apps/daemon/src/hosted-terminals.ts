/**
 * The port `Terminals` on the terminal host process: starts it when none answers, follows its
 * news, and finds it again when it dies.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { TerminalInfo } from '@terrarium/protocol';
import type { Log } from './log.js';
import type {
  HostedSandbox,
  SandboxInfo,
  TerminalMark,
  TerminalRequest,
  Terminals,
} from './ports.js';
import {
  ControlRefusal,
  type EnsureOptions,
  ensureTerminalHost,
  type HostEvent,
  type HostStatus,
  type TerminalHostClient,
  type TerminalReport,
} from './terminal-host/index.js';

export interface HostedTerminalsOptions extends EnsureOptions {
  /** what runs in a terminal */
  readonly shell: readonly string[];
  readonly log: Log;
}

/** As a login on the Debian image has it, plus what the page's emulator can do. */
const ENVIRONMENT: Readonly<Record<string, string>> = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  HOME: '/root',
  USER: 'root',
  LOGNAME: 'root',
  LANG: 'C.UTF-8',
  TERM: 'xterm-256color',
  COLORTERM: 'truecolor',
};

/** Pause before a lost host is looked for again, ms. */
const RETRY_MS = 250;

export class HostedTerminals implements Terminals {
  readonly #options: HostedTerminalsOptions;
  #client: TerminalHostClient | null = null;
  #stopFollowing: () => void = () => {};
  #stopping = false;
  #changed: (sandbox: string, terminal: TerminalInfo) => void = () => {};
  #marked: (sandbox: string, mark: TerminalMark) => void = () => {};
  #restarted: () => void = () => {};

  constructor(options: HostedTerminalsOptions) {
    this.#options = options;
  }

  async connect(): Promise<void> {
    await this.#find();
  }

  async list(): Promise<readonly HostedSandbox[]> {
    const { sandboxes, terminals } = await this.#host().status();
    return sandboxes.map(({ id, initPid, initStartTime }) => {
      const own = terminals.filter(({ sandbox }) => sandbox === id);
      return {
        sandbox: id,
        initPid,
        initStartTime,
        terminals: own.map(infoOf),
        commands: own.flatMap(marksOf),
      };
    });
  }

  async register({ id, initPid, initStartTime, exec }: SandboxInfo): Promise<void> {
    await this.#host().registerSandbox(id, { initPid, initStartTime, exec });
  }

  async open(request: TerminalRequest): Promise<TerminalInfo> {
    const { id, sandbox, tokenHash, cols, rows } = request;
    const report = await this.#host().openTerminal(id, {
      sandbox,
      sessionTokenHash: tokenHash,
      cols,
      rows,
      args: [...this.#options.shell],
      env: ENVIRONMENT,
      cwd: '/root',
    });
    return infoOf(report);
  }

  async restart(request: TerminalRequest): Promise<TerminalInfo> {
    try {
      return infoOf(await this.#host().restartTerminal(request.id));
    } catch (error) {
      // The host itself was started anew since: then it is a new terminal under the old name.
      if (!isRefusal(error, 'terminal.not-found')) throw error;
      return await this.open(request);
    }
  }

  async close(terminal: string): Promise<void> {
    await this.#quiet(() => this.#host().closeTerminal(terminal), 'terminal.not-found');
  }

  async forget(sandbox: string): Promise<void> {
    await this.#quiet(() => this.#host().dropSandbox(sandbox), 'sandbox.not-found');
  }

  async ready(terminal: string): Promise<void> {
    await this.#host().input(terminal, '');
  }

  async type(terminal: string, text: string): Promise<void> {
    await this.#host().input(terminal, text);
  }

  onChange(listener: (sandbox: string, terminal: TerminalInfo) => void): void {
    this.#changed = listener;
  }

  onMark(listener: (sandbox: string, mark: TerminalMark) => void): void {
    this.#marked = listener;
  }

  onRestart(listener: () => void): void {
    this.#restarted = listener;
  }

  async shutdown(): Promise<void> {
    this.#stopping = true;
    this.#stopFollowing();
    const client = this.#client;
    this.#client = null;
    if (client === null) return;
    try {
      const { pid } = await client.status();
      await client.shutdown();
      await ended(pid);
      // Ours to tidy up: the host can't remove the lock that it holds.
      for (const name of ['terminals.lock', 'terminals.log']) {
        rmSync(join(this.#options.run, name), { force: true });
      }
    } finally {
      client.close();
    }
  }

  #host(): TerminalHostClient {
    if (this.#client === null) throw new Error('the terminal host is being started again');
    return this.#client;
  }

  async #find(): Promise<{ status: HostStatus; started: boolean }> {
    const { client, status, started } = await ensureTerminalHost(this.#options);
    this.#client = client;
    this.#stopFollowing = client.follow(
      (event) => this.#hear(event),
      () => this.#lost(client),
    );
    this.#options.log.info({ step: 'terminal-host', hostPid: status.pid, started }, 'connected');
    return { status, started };
  }

  #hear(event: HostEvent): void {
    if (event.type === 'terminal') this.#changed(event.terminal.sandbox, infoOf(event.terminal));
    if (event.type !== 'mark') return;
    const { id, sandbox, pts, mark } = event;
    this.#marked(sandbox, { terminal: id, pts, mark });
  }

  #lost(client: TerminalHostClient): void {
    if (this.#stopping || this.#client !== client) return;
    this.#client = null;
    client.close();
    this.#options.log.error({ step: 'terminal-host' }, 'terminal host lost');
    void this.#findAgain();
  }

  async #findAgain(): Promise<void> {
    while (!this.#stopping) {
      try {
        const { status, started } = await this.#find();
        if (started) this.#restarted();
        // Only the connection was lost: tell what may have been missed.
        else for (const report of status.terminals) this.#changed(report.sandbox, infoOf(report));
        return;
      } catch (error) {
        this.#options.log.error({ step: 'terminal-host', err: error }, 'not found again yet');
        await delay(RETRY_MS);
      }
    }
  }

  async #quiet(action: () => Promise<void>, expected: ControlRefusal['code']): Promise<void> {
    try {
      await action();
    } catch (error) {
      if (!isRefusal(error, expected)) throw error;
    }
  }
}

function isRefusal(error: unknown, code: ControlRefusal['code']): boolean {
  return error instanceof ControlRefusal && error.code === code;
}

function infoOf({ id, pts, state, exitCode }: TerminalReport): TerminalInfo {
  return { id, pts, state: state === 'ended' ? 'ended' : 'running', exitCode };
}

/** The commands that run on a terminal. */
function marksOf({ id, pts, commands }: TerminalReport): TerminalMark[] {
  return commands.map((mark) => ({ terminal: id, pts, mark }));
}

/** The host answers before it has ended: a clean stop waits for the latter. */
async function ended(pid: number): Promise<void> {
  const deadline = Date.now() + 3000;
  while (Date.now() < deadline) {
    try {
      process.kill(pid, 0);
    } catch {
      return;
    }
    await delay(10);
  }
}
