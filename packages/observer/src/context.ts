/** What the parts of one watched sandbox share. */
import type { EventBody, NamespaceKind, NsInode } from '@terrarium/timeline';
import type { KernelCalls } from './kernel-calls.js';
import type { Namespaces, Proc } from './proc.js';

/** One for the whole observer: the machine as all watches see it. */
export interface Machine {
  readonly proc: Proc;
  readonly calls: KernelCalls;
  /** the initial namespaces (of this process) */
  readonly host: Namespaces;
  readonly kernelRelease: string;
  /** milliseconds since the epoch at which the machine booted, to a few microseconds */
  readonly bootedAt: number;
  /** milliseconds since the epoch */
  readonly now: () => number;
}

/**
 * A time of the trace as the timeline has it: to the microsecond, as which command of a shell
 * something belongs to is decided by its own time.
 *
 * @param seconds since boot
 * @returns milliseconds since the epoch
 */
export function timeOf({ bootedAt }: Machine, seconds: number): number {
  return Math.round((bootedAt + seconds * 1000) * 1000) / 1000;
}

/** Where a watch puts what happened, in order. */
export type Emit = (body: EventBody) => void;

/** A namespace as a process or a holder names it. */
export interface NamespaceName {
  readonly kind: NamespaceKind;
  readonly inode: NsInode;
}
