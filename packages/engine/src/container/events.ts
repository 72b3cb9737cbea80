/**
 * What happens to a container, whoever does it, in whatever process: its state file is watched for
 * transitions, init by a pidfd, its cgroup as the kernel notifies. Nobody polls. Host root.
 */
import { type FSWatcher, watch } from 'node:fs';
import { waitForEnd } from '@terrarium/syscall';
import { existingGroups, type GroupWatch, watchCgroup } from '../cgroups/index.js';
import type { ContainerRecord } from './container-record.js';
import type { EngineContext } from './engine-context.js';
import { liveStatus } from './live-status.js';
import { type ContainerExit, exitOf, recordedExit } from './wait.js';

/** `oom`: memory ran out; `oom-kill`: the kernel killed for it; `pids-max`: a fork was refused. */
export type ContainerEventKind =
  | 'started'
  | 'paused'
  | 'resumed'
  | 'exited'
  | 'deleted'
  | 'oom'
  | 'oom-kill'
  | 'pids-max';

/** One event. */
export interface ContainerEvent {
  readonly kind: ContainerEventKind;
  readonly id: string;
  /** milliseconds since the epoch, when it was heard */
  readonly at: number;
  /** of `exited` */
  readonly exit?: ContainerExit;
  /** of oom, oom-kill, pids-max: how often, as the kernel merges what comes fast */
  readonly times?: number;
}

/** A running subscription. */
export interface EventSubscription {
  close(): void;
}

/**
 * Calls `listener` for each event from now on, until `deleted` or close; never within this call.
 *
 * @throws ContainerError `not-found`, `unreadable`
 */
export function watchContainer(
  context: EngineContext,
  id: string,
  listener: (event: ContainerEvent) => void,
): EventSubscription {
  const watching = new WatchedContainer(context, id, listener);
  watching.start();
  return watching;
}

class WatchedContainer implements EventSubscription {
  readonly #context: EngineContext;
  readonly #id: string;
  readonly #listener: (event: ContainerEvent) => void;
  readonly #stop = new AbortController();
  #files: FSWatcher | undefined;
  #group: GroupWatch | undefined;
  #started = false;
  /** told by the state file and by the kernel, which merges what happens within 10 ms */
  #paused = false;
  #followsInit = false;
  #ended = false;

  constructor(context: EngineContext, id: string, listener: (event: ContainerEvent) => void) {
    this.#context = context;
    this.#id = id;
    this.#listener = listener;
  }

  start(): void {
    const { store } = this.#context;
    const record = store.read(this.#id, `events of container ${this.#id}`);
    this.#files = watch(store.path(this.#id), { persistent: false }, () => this.#look());
    this.#files.on('error', () => {}); // the directory goes with the container
    const status = liveStatus(this.#context, record);
    this.#started = record.startedAt !== null;
    this.#paused = status === 'paused';
    if (status !== 'stopped') this.#follow(record);
  }

  close(): void {
    this.#stop.abort();
    this.#files?.close();
    this.#group?.close();
  }

  /** The state file has changed, or gone. */
  #look(): void {
    if (this.#stop.signal.aborted) return;
    let record: ContainerRecord | undefined;
    try {
      record = this.#context.store.find(this.#id);
    } catch {
      return; // unreadable: whoever asks for the state is told so
    }
    if (record === undefined) {
      // It was deleted before its end was read: how it ended, nobody can say any more.
      if (this.#followsInit && !this.#ended) this.#emit({ kind: 'exited', exit: exitOf(null) });
      this.#emit({ kind: 'deleted' });
      this.close();
      return;
    }
    if (!this.#started && record.startedAt !== null) {
      this.#started = true;
      this.#emit({ kind: 'started' });
    }
    if (record.status === 'running') this.#setPaused(record.paused);
    this.#follow(record);
  }

  #setPaused(paused: boolean): void {
    if (paused === this.#paused) return;
    this.#paused = paused;
    this.#emit({ kind: paused ? 'paused' : 'resumed' });
  }

  /** Once init is there. */
  #follow(record: ContainerRecord): void {
    if (this.#followsInit || record.init === null) return;
    this.#followsInit = true;
    const { facts, inits } = this.#context;
    if (existingGroups(facts.cgroups, record.group).length > 0) {
      this.#group = watchCgroup(facts.cgroups, record.group, ({ kind, times }) => {
        if (kind === 'frozen' || kind === 'thawed') this.#setPaused(kind === 'frozen');
        else if (kind === 'oom' || kind === 'oom-kill' || kind === 'pids-max')
          this.#emit({ kind, times });
      });
    }
    const held = inits.of(record);
    const ended =
      held === undefined ? Promise.resolve() : waitForEnd(held.pidfd, this.#stop.signal);
    ended.then(() => this.#exited(record)).catch(() => {}); // closed
  }

  /** The end is written after the start, however close they are: so its record is waited for. */
  async #exited(record: ContainerRecord): Promise<void> {
    this.#group?.recheck(); // what nothing notifies of: it was before the end
    const exit = await recordedExit(this.#context, record).catch(() => exitOf(null));
    this.#look();
    this.#ended = true;
    this.#emit({ kind: 'exited', exit });
  }

  #emit(event: Omit<ContainerEvent, 'id' | 'at'>): void {
    if (this.#stop.signal.aborted) return;
    this.#listener({ ...event, id: this.#id, at: Date.now() });
  }
}

/** The same as an async iterator; it ends with `deleted`, or when `signal` aborts. */
export async function* containerEvents(
  context: EngineContext,
  id: string,
  signal?: AbortSignal,
): AsyncGenerator<ContainerEvent> {
  const queue: ContainerEvent[] = [];
  let wake = () => {};
  const subscription = watchContainer(context, id, (event) => {
    queue.push(event);
    wake();
  });
  const stopped = () => wake();
  signal?.addEventListener('abort', stopped);
  try {
    while (signal?.aborted !== true) {
      const event = queue.shift();
      if (event === undefined) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        continue;
      }
      yield event;
      if (event.kind === 'deleted') return;
    }
  } finally {
    signal?.removeEventListener('abort', stopped);
    subscription.close();
  }
}
