/**
 * The main thread's side of the mirrors (mirror-worker.ts): posts bytes, hears how far they
 * are taken, asks for screens.
 */

import { Worker } from 'node:worker_threads';
import type { MirrorReply, MirrorRequest } from './mirror-messages.js';
import type { Osc133 } from './shell-marks.js';

/** A screen to draw after a full reset; the output goes on at `ground`. */
export interface RestoredScreen {
  readonly ground: number;
  readonly offset: number;
  readonly screen: Uint8Array;
}

export interface MirrorEvents {
  onTaken(offset: number): void;
  onAnswer(data: string): void;
  onMark(osc: Osc133): void;
}

/** All mirrors: one thread. */
export class Mirrors {
  readonly #worker: Worker;
  readonly #mirrors = new Map<number, Mirror>();
  #nextKey = 1;

  constructor() {
    this.#worker = new Worker(new URL('./mirror-worker.js', import.meta.url), {
      name: 'terminal mirrors',
    });
    this.#worker.on('message', (reply: MirrorReply) =>
      this.#mirrors.get(reply.key)?.receive(reply),
    );
  }

  /** A failed thread cannot be made good: the screens in it are lost. The host ends itself then. */
  onFailure(listener: (error: Error) => void): void {
    this.#worker.on('error', listener);
  }

  create(cols: number, rows: number, origin: number, events: MirrorEvents): Mirror {
    const key = this.#nextKey++;
    const mirror = new Mirror(key, events, {
      post: (message, transfer) => this.#worker.postMessage(message, transfer),
      forget: () => this.#mirrors.delete(key),
    });
    this.#mirrors.set(key, mirror);
    this.#worker.postMessage({ type: 'create', key, cols, rows, origin } satisfies MirrorRequest);
    return mirror;
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }
}

interface MirrorLink {
  post(message: MirrorRequest, transfer?: ArrayBuffer[]): void;
  forget(): void;
}

/** One terminal's mirror. */
export class Mirror {
  readonly #key: number;
  readonly #events: MirrorEvents;
  readonly #link: MirrorLink;
  readonly #waiting = new Map<number, (screen: RestoredScreen) => void>();
  #nextRequest = 1;

  constructor(key: number, events: MirrorEvents, link: MirrorLink) {
    this.#key = key;
    this.#events = events;
    this.#link = link;
  }

  /** Hands bytes over; they must own their whole buffer. */
  write(bytes: Uint8Array<ArrayBuffer>): void {
    this.#link.post({ type: 'write', key: this.#key, bytes }, [bytes.buffer]);
  }

  resize(cols: number, rows: number): void {
    this.#link.post({ type: 'resize', key: this.#key, cols, rows });
  }

  /** The screen once everything written so far is on it; never resolves after `dispose`. */
  restore(): Promise<RestoredScreen> {
    const request = this.#nextRequest++;
    return new Promise((resolve) => {
      this.#waiting.set(request, resolve);
      this.#link.post({ type: 'restore', key: this.#key, request });
    });
  }

  dispose(): void {
    this.#waiting.clear();
    this.#link.post({ type: 'dispose', key: this.#key });
    this.#link.forget();
  }

  receive(reply: MirrorReply): void {
    switch (reply.type) {
      case 'taken':
        this.#events.onTaken(reply.offset);
        return;
      case 'answer':
        this.#events.onAnswer(reply.data);
        return;
      case 'mark':
        this.#events.onMark(reply.osc);
        return;
      case 'restored': {
        const resolve = this.#waiting.get(reply.request);
        this.#waiting.delete(reply.request);
        resolve?.(reply);
        return;
      }
    }
  }
}
