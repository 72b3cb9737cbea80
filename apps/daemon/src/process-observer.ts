/** The port `Observer` on the observer process, which packages/observer starts and restarts. */
import { fileURLToPath } from 'node:url';
import { ObserverClient } from '@terrarium/observer';
import type { EventBody } from '@terrarium/timeline';
import type { Log } from './log.js';
import type { Observer, SandboxInfo } from './ports.js';

export interface ProcessObserverOptions {
  /** names its tracefs instance; one a daemon on this host */
  readonly name: string;
  /** where tracefs is mounted when the host has it nowhere */
  readonly mountDir: string;
  readonly log: Log;
}

/**
 * A new sandbox's first shell begins so much before the first look at it, ms. The look costs as much
 * processor time as the shell's start, which a learner waits for, and finds the shell all the same.
 */
const HEAD_START_MS = 25;
/** Longer than that nobody is kept from his shell; the scans heal what is missed until then, ms. */
const SETTLE_MS = 3000;

export class ProcessObserver implements Observer {
  readonly #client: ObserverClient;
  /** sandboxes whose first look is still to come */
  readonly #waiting = new Map<
    string,
    { readonly timer: NodeJS.Timeout; readonly look: () => void }
  >();
  readonly #viewers = new Map<string, number>();
  /** sandboxes whose calls are taped as soon as they are looked at */
  readonly #taped = new Set<string>();
  readonly #log: Log;
  #batch: (sandbox: string, events: readonly EventBody[]) => void = () => {};

  constructor({ name, mountDir, log }: ProcessObserverOptions) {
    this.#log = log;
    this.#client = new ObserverClient({
      entry: fileURLToPath(new URL('./observer-process.js', import.meta.url)),
      name,
      mountDir,
      onEvents: (sandbox, events) => this.#batch(sandbox, events),
      onStatus: (status) => log.info({ step: 'observer', status }, 'observer status'),
      onProblem: (problem, sandbox) => log.warn({ step: 'observer', sandbox, problem }, 'observer'),
    });
  }

  async start(): Promise<void> {
    await this.#client.start();
  }

  watch({ id, initPid, cgroups }: SandboxInfo): void {
    this.#forgetWaiting(id);
    const look = (): void => {
      this.#forgetWaiting(id);
      this.#client.watch({ id, initPid, cgroupDirs: cgroups });
      this.#client.setViewers(id, this.#viewers.get(id) ?? 0);
      if (this.#taped.delete(id)) this.#client.trace(id, true);
    };
    this.#waiting.set(id, { timer: setTimeout(look, HEAD_START_MS), look });
  }

  async settled(id: string): Promise<void> {
    this.#waiting.get(id)?.look();
    let late: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => {
      late = setTimeout(() => {
        this.#log.warn({ step: 'observer', sandbox: id }, 'not all of it is traced yet');
        resolve();
      }, SETTLE_MS);
    });
    await Promise.race([this.#client.settle(id), patience]);
    clearTimeout(late);
  }

  unwatch(id: string): void {
    this.#forgetWaiting(id);
    this.#viewers.delete(id);
    this.#taped.delete(id);
    this.#client.unwatch(id);
  }

  viewers(id: string, count: number): void {
    this.#viewers.set(id, count);
    if (!this.#waiting.has(id)) this.#client.setViewers(id, count);
  }

  trace(id: string, on: boolean): void {
    if (!this.#waiting.has(id)) this.#client.trace(id, on);
    else if (on) this.#taped.add(id);
    else this.#taped.delete(id);
  }

  onBatch(listener: (sandbox: string, events: readonly EventBody[]) => void): void {
    this.#batch = listener;
  }

  async stop(): Promise<void> {
    for (const id of [...this.#waiting.keys()]) this.#forgetWaiting(id);
    await this.#client.stop();
  }

  #forgetWaiting(id: string): void {
    clearTimeout(this.#waiting.get(id)?.timer);
    this.#waiting.delete(id);
  }
}
