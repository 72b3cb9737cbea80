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

export class ProcessObserver implements Observer {
  readonly #client: ObserverClient;
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
    this.#client.watch({ id, initPid, cgroupDirs: cgroups });
  }

  unwatch(id: string): void {
    this.#client.unwatch(id);
  }

  viewers(id: string, count: number): void {
    this.#client.setViewers(id, count);
  }

  onBatch(listener: (sandbox: string, events: readonly EventBody[]) => void): void {
    this.#batch = listener;
  }

  async stop(): Promise<void> {
    await this.#client.stop();
  }
}
