/**
 * ContainerEngine: the lifecycle of OCI containers, on the host or inside a sandbox. Host root.
 *
 *              create            start           (the program ends, kill)
 *   nothing ──▶ creating ▶ created ──▶ running ◀─▶ paused ──▶ stopped ──▶ delete
 *
 * State is on disk (ROOT/ID/state.json), so every operation may be asked of another process than
 * the one that created the container.
 */
import { join } from 'node:path';
import type { ContainerState } from '@terrarium/spec';
import type { Player } from '@terrarium/syscall';
import type { HostFacts } from '../host-facts.js';
import { probeHostFacts } from '../probe.js';
import { ContainerStore } from './container-store.js';
import { type CreateContainerInput, type CreatedContainer, createContainer } from './create.js';
import { type DeleteOptions, deleteContainer } from './delete.js';
import { type EngineContext, ownIdentity } from './engine-context.js';
import { LiveInits } from './live-inits.js';
import { liveStatus, stateOf } from './live-status.js';
import { startContainer } from './start.js';
import { type ContainerExit, waitContainer } from './wait.js';

/** How an engine is set up. */
export interface ContainerEngineOptions {
  readonly player: Player;
  /** absolute directory of state */
  readonly root: string;
  /** of this host; probed when not given */
  readonly facts?: HostFacts;
  /** names the cgroup that holds containers without a cgroupsPath: `/INSTANCE/ID` */
  readonly instance?: string;
}

/** @see groupOf of plan-input.ts */
const DEFAULT_INSTANCE = 'terrarium-containers';

/** @see the file's header */
export class ContainerEngine {
  readonly #context: EngineContext;

  /** @throws Error when the host has no cgroups */
  static async open(options: ContainerEngineOptions): Promise<ContainerEngine> {
    const facts = options.facts ?? probeHostFacts();
    if (facts.cgroups.kind === 'none')
      throw new Error('no cgroup hierarchy is mounted on this host');
    return new ContainerEngine(options, facts);
  }

  private constructor(options: ContainerEngineOptions, facts: HostFacts) {
    const { player, root, instance = DEFAULT_INSTANCE } = options;
    this.#context = {
      player,
      facts,
      store: new ContainerStore(root),
      inits: new LiveInits(player, facts.bootId),
      parentGroup: join('/', instance),
      self: ownIdentity(),
      turns: new Map(),
    };
  }

  create(input: CreateContainerInput): Promise<CreatedContainer> {
    return createContainer(this.#context, input);
  }

  start(id: string): Promise<void> {
    return startContainer(this.#context, id);
  }

  wait(id: string): Promise<ContainerExit> {
    return waitContainer(this.#context, id);
  }

  delete(id: string, options: DeleteOptions = {}): Promise<void> {
    return deleteContainer(this.#context, id, options);
  }

  state(id: string): ContainerState {
    const record = this.#context.store.read(id, `state of container ${id}`);
    return stateOf(record, liveStatus(this.#context, record));
  }

  async close(): Promise<void> {
    this.#context.inits.close();
  }
}
