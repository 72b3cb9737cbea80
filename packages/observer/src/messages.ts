/**
 * What the daemon and the observer process say to each other over Node's IPC channel, one JSON
 * value a message. Both ends are ours and of one build, so types suffice.
 */
import type { EventBody } from '@terrarium/timeline';
import type { ObserverStatus } from './observer.js';
import type { WatchTarget } from './sandbox-watch.js';

/** Daemon → observer. */
export type ObserverRequest =
  | { readonly type: 'watch'; readonly target: WatchTarget }
  | { readonly type: 'unwatch'; readonly id: string }
  | { readonly type: 'viewers'; readonly id: string; readonly count: number }
  | { readonly type: 'rescan'; readonly id: string }
  | { readonly type: 'trace'; readonly id: string; readonly on: boolean }
  /** asks for `settled`, with the same number */
  | { readonly type: 'settle'; readonly id: string; readonly request: number }
  /** take the event source down and exit; so does the end of the channel */
  | { readonly type: 'stop' };

/** Observer → daemon. */
export type ObserverReply =
  /** first after the start, and whenever the event source is lost or found again */
  | { readonly type: 'status'; readonly status: ObserverStatus }
  | { readonly type: 'events'; readonly batches: readonly EventBatch[] }
  /** everything in that sandbox is traced; what was seen until then has been told */
  | { readonly type: 'settled'; readonly request: number }
  | { readonly type: 'failed'; readonly sandbox: string; readonly message: string };

/** What happened in one sandbox, in order. */
export interface EventBatch {
  readonly sandbox: string;
  readonly bodies: readonly EventBody[];
}
