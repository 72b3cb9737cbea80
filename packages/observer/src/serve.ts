/**
 * The observer's main loop: requests in, batches out. The entry point in apps/daemon connects it
 * to the IPC channel; tests connect it to functions.
 */
import type { EventBody } from '@terrarium/timeline';
import type { ObserverReply, ObserverRequest } from './messages.js';
import { Observer, type ObserverOptions } from './observer.js';

/** While events keep coming, one message per sandbox and this long (ms): a frame of the page. */
export const BATCH_MS = 16;

export interface ServeOptions extends Pick<ObserverOptions, 'name' | 'mountDir' | 'source'> {
  readonly reply: (message: ObserverReply) => void;
}

/** A running observer behind its messages. */
export interface ServedObserver {
  /** Handles one request; never throws, a failure is a `failed` reply. */
  handle(request: ObserverRequest): void;
  /** Takes everything down. */
  stop(): Promise<void>;
}

/** Starts an observer and hands out what it finds: at once when idle, else every BATCH_MS. */
export async function serveObserver(options: ServeOptions): Promise<ServedObserver> {
  const { reply } = options;
  const batches = new Batches((sandbox, bodies) => reply({ type: 'events', sandbox, bodies }));
  const observer = new Observer({
    name: options.name,
    mountDir: options.mountDir,
    ...(options.source === undefined ? {} : { source: options.source }),
    onEvents: (sandbox, bodies) => batches.add(sandbox, bodies),
    onStatus: (status) => reply({ type: 'status', status }),
  });
  await observer.start();
  const handle = (request: ObserverRequest): void => {
    switch (request.type) {
      case 'watch':
        observer.watch(request.target).catch((error: Error) => {
          reply({ type: 'failed', sandbox: request.target.id, message: error.message });
        });
        return;
      case 'unwatch':
        observer.unwatch(request.id);
        return;
      case 'viewers':
        observer.setViewers(request.id, request.count);
        return;
      case 'rescan':
        observer.rescan(request.id);
        return;
      case 'stop':
        return;
      default:
        unknownRequest(request);
    }
  };
  return {
    handle,
    stop: async () => {
      batches.flush();
      await observer.stop();
    },
  };
}

/** Collects events per sandbox: the first of a quiet time goes at once, the rest by the beat. */
class Batches {
  private readonly send: (sandbox: string, bodies: readonly EventBody[]) => void;
  private waiting = new Map<string, EventBody[]>();
  private timer: NodeJS.Timeout | null = null;

  constructor(send: (sandbox: string, bodies: readonly EventBody[]) => void) {
    this.send = send;
  }

  add(sandbox: string, bodies: readonly EventBody[]): void {
    if (this.timer === null) {
      this.send(sandbox, bodies);
      this.startTimer();
      return;
    }
    const batch = this.waiting.get(sandbox);
    if (batch === undefined) this.waiting.set(sandbox, [...bodies]);
    else for (const body of bodies) batch.push(body);
  }

  flush(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    if (this.waiting.size === 0) return;
    const batches = this.waiting;
    this.waiting = new Map();
    for (const [sandbox, bodies] of batches) this.send(sandbox, bodies);
    this.startTimer();
  }

  private startTimer(): void {
    this.timer = setTimeout(() => this.flush(), BATCH_MS);
  }
}

function unknownRequest(request: never): void {
  throw new Error(`unknown request ${JSON.stringify(request)}`);
}
