/** An event together with whom it belongs to and what it changed: what diffs are made of. */
import type { TimelineEvent } from '../events.js';
import type {
  CgroupState,
  MountState,
  NamespaceState,
  NetworkState,
  OverlayState,
  ProcessState,
} from '../state.js';
import type { Credit } from './credit.js';

/** Anything that an event can be about. */
export type Known =
  | ProcessState
  | NamespaceState
  | MountState
  | CgroupState
  | OverlayState
  | NetworkState;

/** One event with its cause and with what it changed, as it was before. */
export interface CreditedEvent {
  readonly event: TimelineEvent;
  readonly credit: Credit;
  /** the process, namespace, mount … that it is about, before it; null when it was not there */
  readonly before: Known | null;
  /** `mount.forget` only: all that went with the namespace */
  readonly mounts?: readonly MountState[];
  /** of a mount: came with a new mount namespace, which begins as a copy of another */
  readonly copied?: boolean;
  /** `mount.forget` only: ids of those of `mounts` that had come so */
  readonly copies?: ReadonlySet<number>;
}

/** The same without the event. */
export type Effect = Omit<CreditedEvent, 'event'>;

/** A zombie has no arguments any more; in a diff it keeps the name that it lived under. */
export function livingPart<T extends Partial<ProcessState>>(change: T): Omit<T, 'args'> {
  if (change.state !== 'Z') return change;
  const { args: _, ...rest } = change;
  return rest;
}
