/**
 * The observer's main loop: requests in, batches out. The entry point in apps/daemon connects it
 * to the IPC channel; tests connect it to functions.
 */
import type { EventBody } from '@terrarium/timeline';
import type { EventBatch, ObserverReply, ObserverRequest } from './messages.js';
import { Observer, type ObserverOptions } from './observer.js';

/** While events keep coming, one message in this long, ms: what follows a fork is not a frame late. */
const BEAT_MS = 6;
/** The same where a message is about many sandboxes, ms: a frame of the page, at a third of the cost. */
const CROWD_BEAT_MS = 16;
/** Sandboxes in one message that are a crowd. */
const CROWD = 3;

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

/** Starts an observer and hands out what it finds: at once when idle, else by a beat. */
export async function serveObserver(options: ServeOptions): Promise<ServedObserver> {
  const { reply } = options;
  const batches = new Batches((ready) => reply({ type: 'events', batches: ready }));
  const observer = new Observer({
    name: options.name,
    mountDir: options.mountDir,
    ...(options.source === undefined ? {} : { source: options.source }),
    onEvents: (sandbox, bodies) => batches.add(sandbox, bodies),
    onStatus: (status) => reply({ type: 'status', status }),
  });
  await observer.start();
  const failed = (sandbox: string, { message }: Error): void =>
    reply({ type: 'failed', sandbox, message });
  const handle = (request: ObserverRequest): void => {
    switch (request.type) {
      case 'watch':
        observer.watch(request.target).catch((error: Error) => failed(request.target.id, error));
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
      case 'trace':
        observer.setTracing(request.id, request.on);
        return;
      case 'settle':
        observer
          .settle(request.id)
          .catch((error: Error) => failed(request.id, error))
          .finally(() => {
            batches.flush();
            reply({ type: 'settled', request: request.request });
          });
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
  private readonly send: (batches: readonly EventBatch[]) => void;
  private waiting = new Map<string, EventBody[]>();
  private timer: NodeJS.Timeout | null = null;

  constructor(send: (batches: readonly EventBatch[]) => void) {
    this.send = send;
  }

  add(sandbox: string, bodies: readonly EventBody[]): void {
    if (this.timer === null) {
      this.send([{ sandbox, bodies }]);
      this.startTimer(BEAT_MS);
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
    const batches = [...this.waiting].map(([sandbox, bodies]) => ({ sandbox, bodies }));
    this.waiting = new Map();
    this.send(batches);
    this.startTimer(batches.length < CROWD ? BEAT_MS : CROWD_BEAT_MS);
  }

  private startTimer(beat: number): void {
    this.timer = setTimeout(() => this.flush(), beat);
  }
}

function unknownRequest(request: never): void {
  throw new Error(`unknown request ${JSON.stringify(request)}`);
}
