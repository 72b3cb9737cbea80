/**
 * The daemon's end of the observer process: starts it, remembers what is watched, and starts it
 * again when it dies. Runs in the daemon.
 */
import { type ChildProcess, fork } from 'node:child_process';
import type { EventBody } from '@terrarium/timeline';
import type { ObserverReply, ObserverRequest } from './messages.js';
import type { ObserverStatus } from './observer.js';
import type { WatchTarget } from './sandbox-watch.js';

export interface ObserverClientOptions {
  /** path of the compiled entry, apps/daemon/dist/observer-process.js */
  readonly entry: string;
  /** see ObserverOptions */
  readonly name: string;
  readonly mountDir: string;
  readonly onEvents: (sandbox: string, bodies: readonly EventBody[]) => void;
  readonly onStatus?: (status: ObserverStatus) => void;
  /** a sandbox that could not be watched, or the process's end and restart */
  readonly onProblem?: (message: string, sandbox: string | null) => void;
}

/** Pause before a process that died is started again. */
const RESTART_MS = 250;

/** Every sandbox's stream begins with `sandbox.start`, again after each restart. */
export class ObserverClient {
  private readonly options: ObserverClientOptions;
  private readonly targets = new Map<string, WatchTarget>();
  private readonly viewers = new Map<string, number>();
  private child: ChildProcess | null = null;
  private restart: NodeJS.Timeout | null = null;
  private stopping = false;
  /** who waits for `settled`, by the number of the request */
  private readonly settling = new Map<number, { readonly id: string; readonly done: () => void }>();
  private requests = 0;

  constructor(options: ObserverClientOptions) {
    this.options = options;
  }

  /** Starts the process. @returns how it finds events, once it does */
  start(): Promise<ObserverStatus> {
    return new Promise((resolve, reject) => {
      this.spawn(resolve, reject);
    });
  }

  watch(target: WatchTarget): void {
    this.targets.set(target.id, target);
    this.send({ type: 'watch', target });
  }

  /** Resolves once everything in a sandbox is traced, or nobody can say so any more. */
  settle(id: string): Promise<void> {
    if (this.child?.connected !== true || !this.targets.has(id)) return Promise.resolve();
    return new Promise((resolve) => {
      const request = ++this.requests;
      this.settling.set(request, { id, done: resolve });
      this.send({ type: 'settle', id, request });
    });
  }

  unwatch(id: string): void {
    this.targets.delete(id);
    for (const [request, waiting] of this.settling) if (waiting.id === id) this.settled(request);
    this.viewers.delete(id);
    this.send({ type: 'unwatch', id });
  }

  /** How many pages look at a sandbox; until told, one is assumed. */
  setViewers(id: string, count: number): void {
    this.viewers.set(id, count);
    this.send({ type: 'viewers', id, count });
  }

  rescan(id: string): void {
    this.send({ type: 'rescan', id });
  }

  /** Tapes the system calls of a sandbox's processes, or ends that. Not remembered over a restart. */
  trace(id: string, on: boolean): void {
    this.send({ type: 'trace', id, on });
  }

  /** Ends the process, which leaves nothing in the kernel. */
  async stop(): Promise<void> {
    this.stopping = true;
    if (this.restart !== null) clearTimeout(this.restart);
    const { child } = this;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    this.send({ type: 'stop' });
    const patience = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    await ended;
    clearTimeout(patience);
  }

  private spawn(ready: (status: ObserverStatus) => void, failed: (error: Error) => void): void {
    const { name, mountDir } = this.options;
    const child = fork(this.options.entry, [name, mountDir], { stdio: ['ignore', 2, 2, 'ipc'] });
    this.child = child;
    child.on('message', (message) => this.receive(message as ObserverReply, ready));
    child.on('error', failed);
    child.on('exit', (code, signal) => {
      if (this.child === child) this.child = null;
      for (const request of [...this.settling.keys()]) this.settled(request);
      const reason = `observer process ended with ${signal ?? `status ${code}`}`;
      failed(new Error(reason));
      if (this.stopping) return;
      this.options.onProblem?.(reason, null);
      this.restart = setTimeout(() => this.respawn(), RESTART_MS);
    });
  }

  private respawn(): void {
    const ignore = (): void => {}; // its end is reported by its own exit handler
    this.spawn(() => this.watchAll(), ignore);
  }

  private watchAll(): void {
    for (const target of this.targets.values()) this.send({ type: 'watch', target });
    for (const [id, count] of this.viewers) this.send({ type: 'viewers', id, count });
  }

  private receive(message: ObserverReply, ready: (status: ObserverStatus) => void): void {
    switch (message.type) {
      case 'status':
        ready(message.status);
        this.options.onStatus?.(message.status);
        return;
      case 'events':
        for (const { sandbox, bodies } of message.batches) {
          // A batch may be on its way when the sandbox is let go.
          if (this.targets.has(sandbox) || isEnd(bodies)) this.options.onEvents(sandbox, bodies);
        }
        return;
      case 'settled':
        this.settled(message.request);
        return;
      case 'failed':
        this.options.onProblem?.(message.message, message.sandbox);
        return;
      default:
        unknownReply(message);
    }
  }

  private settled(request: number): void {
    this.settling.get(request)?.done();
    this.settling.delete(request);
  }

  private send(request: ObserverRequest): void {
    if (this.child?.connected === true) this.child.send(request);
  }
}

/** A clean stop removes two tracefs instances, each after an RCU grace period. */
const STOP_MS = 5000;

function isEnd(bodies: readonly EventBody[]): boolean {
  return bodies.length === 1 && bodies[0]?.type === 'sandbox.end';
}

function unknownReply(message: never): void {
  throw new Error(`unknown reply ${JSON.stringify(message)}`);
}
