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
import type { ContainerState, LinuxResources } from '@terrarium/spec';
import type { Player } from '@terrarium/syscall';
import { type CgroupStats, readStats } from '../cgroups/index.js';
import type { HostFacts } from '../host-facts.js';
import { probeHostFacts } from '../probe.js';
import { ContainerError } from './container-error.js';
import type { ContainerRecord } from './container-record.js';
import { ContainerStore } from './container-store.js';
import { type CreateContainerInput, type CreatedContainer, createContainer } from './create.js';
import { type DeleteOptions, deleteContainer } from './delete.js';
import { type EngineContext, ownIdentity } from './engine-context.js';
import {
  type ContainerEvent,
  containerEvents,
  type EventSubscription,
  watchContainer,
} from './events.js';
import { type ContainerExecHandle, type ContainerExecOptions, execInContainer } from './exec.js';
import { type KillOptions, killContainer } from './kill.js';
import { LiveInits } from './live-inits.js';
import { liveStatus, stateOf } from './live-status.js';
import { ContainerMolds } from './molds.js';
import { pauseContainer, resumeContainer } from './pause.js';
import { type ContainerProcess, processesOfContainer } from './processes.js';
import { type Recovery, recoverContainers, removeEmptyParents } from './recover.js';
import { type RanContainer, type RunContainerInput, runContainer } from './run.js';
import { startContainer } from './start.js';
import { updateContainer } from './update.js';
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

/** One row of `list`. */
export type ListedContainer =
  | { readonly id: string; readonly createdAt: number; readonly state: ContainerState }
  | { readonly id: string; readonly error: ContainerError };

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
      prepared: new Set(),
      molds: new ContainerMolds(),
      self: ownIdentity(),
      turns: new Map(),
      closed: false,
    };
  }

  /**
   * Makes a container that waits for `start`.
   *
   * @throws ContainerError; nothing is left behind then
   */
  create(input: CreateContainerInput): Promise<CreatedContainer> {
    return createContainer(this.#context, input);
  }

  /** Create, start, wait and delete in one. @throws ContainerError; nothing is left behind then */
  run(input: RunContainerInput): Promise<RanContainer> {
    return runContainer(this.#context, input);
  }

  /** Lets the program begin. @returns failures of poststart hooks, to be logged @throws ContainerError */
  start(id: string): Promise<readonly ContainerError[]> {
    return startContainer(this.#context, id);
  }

  /** Starts another program in it; resolves once it was executed. @throws ContainerError */
  exec(id: string, options: ContainerExecOptions): Promise<ContainerExecHandle> {
    return execInContainer(this.#context, id, options);
  }

  /** Stops all its processes where they are. @throws ContainerError */
  pause(id: string): Promise<void> {
    return pauseContainer(this.#context, id);
  }

  /** Lets them go on. @throws ContainerError */
  resume(id: string): Promise<void> {
    return resumeContainer(this.#context, id);
  }

  /** Sends a signal, SIGTERM by default, to init or to all. @throws ContainerError */
  kill(id: string, signal?: string | number, options?: KillOptions): Promise<void> {
    return killContainer(this.#context, id, signal, options);
  }

  /** Waits for its end. @throws ContainerError; the signal's reason when that aborts */
  wait(id: string, signal?: AbortSignal): Promise<ContainerExit> {
    return waitContainer(this.#context, id, signal);
  }

  /** Removes all that is left. @returns failures of poststop hooks, to be logged @throws ContainerError */
  delete(id: string, options: DeleteOptions = {}): Promise<readonly ContainerError[]> {
    return deleteContainer(this.#context, id, options);
  }

  /** Changes limits of a running container, all or none. @throws ContainerError */
  update(id: string, resources: LinuxResources): Promise<void> {
    return updateContainer(this.#context, id, resources);
  }

  /** The state as the standard has it. @throws ContainerError `not-found`, `unreadable` */
  state(id: string): ContainerState {
    const record = this.#context.store.read(id, `state of container ${id}`);
    return stateOf(record, liveStatus(this.#context, record));
  }

  /** What is on disk: config, cgroup, init, exit. @throws ContainerError `not-found`, `unreadable` */
  record(id: string): ContainerRecord {
    return this.#context.store.read(id, `record of container ${id}`);
  }

  /** All containers of this root; one whose file cannot be read says so and hides no other. */
  list(): ListedContainer[] {
    return this.#context.store.ids().flatMap((id) => this.#listed(id));
  }

  #listed(id: string): ListedContainer[] {
    try {
      const record = this.#context.store.find(id);
      if (record === undefined) return []; // deleted since the directory was read
      const { createdAt } = record;
      return [{ id, createdAt, state: stateOf(record, liveStatus(this.#context, record)) }];
    } catch (error) {
      if (error instanceof ContainerError) return [{ id, error }];
      throw error;
    }
  }

  /** Its processes, init first. @throws ContainerError */
  ps(id: string): ContainerProcess[] {
    return processesOfContainer(this.#context, this.record(id));
  }

  /** What its cgroup has used. @throws ContainerError */
  stats(id: string): CgroupStats {
    const { group } = this.record(id);
    return readStats(this.#context.facts.cgroups, group);
  }

  /** Calls `listener` for what happens to it from now on. @throws ContainerError */
  events(id: string, listener: (event: ContainerEvent) => void): EventSubscription {
    return watchContainer(this.#context, id, listener);
  }

  /** The same as an async iterator, until `deleted` or the signal. */
  eventIterator(id: string, signal?: AbortSignal): AsyncGenerator<ContainerEvent> {
    return containerEvents(this.#context, id, signal);
  }

  /** Removes what killed processes have left half-made; whole containers stay. */
  recover(): Promise<Recovery> {
    return recoverContainers(this.#context);
  }

  /** Lets go of everything; containers live on. The group that held them goes if it is empty. */
  async close(): Promise<void> {
    await Promise.allSettled([...this.#context.turns.values()]);
    this.#context.closed = true;
    this.#context.inits.close();
    await removeEmptyParents(this.#context);
  }
}
