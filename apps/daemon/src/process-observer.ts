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

export class ProcessObserver implements Observer {
  readonly #client: ObserverClient;
  /** sandboxes whose first look is still to come */
  readonly #waiting = new Map<string, NodeJS.Timeout>();
  readonly #viewers = new Map<string, number>();
  #batch: (sandbox: string, events: readonly EventBody[]) => void = () => {};

  constructor({ name, mountDir, log }: ProcessObserverOptions) {
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
    clearTimeout(this.#waiting.get(id));
    const look = (): void => {
      this.#waiting.delete(id);
      this.#client.watch({ id, initPid, cgroupDirs: cgroups });
      this.#client.setViewers(id, this.#viewers.get(id) ?? 0);
    };
    this.#waiting.set(id, setTimeout(look, HEAD_START_MS));
  }

  unwatch(id: string): void {
    clearTimeout(this.#waiting.get(id));
    this.#waiting.delete(id);
    this.#viewers.delete(id);
    this.#client.unwatch(id);
  }

  viewers(id: string, count: number): void {
    this.#viewers.set(id, count);
    if (!this.#waiting.has(id)) this.#client.setViewers(id, count);
  }

  trace(id: string, on: boolean): void {
    this.#client.trace(id, on);
  }

  onBatch(listener: (sandbox: string, events: readonly EventBody[]) => void): void {
    this.#batch = listener;
  }

  async stop(): Promise<void> {
    for (const timer of this.#waiting.values()) clearTimeout(timer);
    await this.#client.stop();
  }
}
