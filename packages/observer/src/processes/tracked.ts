/**
 * What a watch remembers of one process beside its state on the timeline, and the small questions
 * that everything about processes asks.
 */
import type { ProcessState } from '@terrarium/timeline';
import type { Stat } from '../proc.js';
import type { Clues } from './endings.js';

/** A fork as the trace tells it. */
export interface ForkHint {
  readonly child: number;
  /** the process that called fork or clone, where it is known */
  readonly caller: number;
  /** it was a thread other than the first */
  readonly byThread: boolean;
  /** CLONE_… bits, null when unknown */
  readonly flags: number | null;
  readonly seconds: number;
  /** the child's pid in the caller's pid namespace, where the trace had it */
  readonly visiblePid: number | null;
}

/** One process of the sandbox. */
export interface Tracked {
  state: ProcessState;
  /** its next children get its own namespaces (no unshare, no thread of its own mind) */
  inherits: boolean;
  /** comm of a task_rename that no exec has followed yet */
  renamed: string | null;
  hasChildren: boolean;
  /** number of looks since its exit event; null while it lives */
  exitLooks: number | null;
  /** read from its stat while it was a zombie */
  waitStatus: number | null;
  /** what the trace tells of its end */
  readonly clues: Clues;
  /** lines of the trace were lost while it lived */
  missedLines: boolean;
}

/** Clock ticks per second of /proc/PID/stat on every Linux architecture that Node runs on. */
export const TICKS = 100;

/** A process's identity: its number comes again, but not in the same tick. */
export function keyOf(pid: number, startTime: number): string {
  return `${pid}:${startTime}`;
}

/** Whether a stat that was read by number is still of this process. */
export function isSame(tracked: Tracked, stat: Stat | null): boolean {
  return stat !== null && stat.startTime === tracked.state.startTime;
}

/** A first thread that ended before the others is a Z in stat, but the process lives: null. */
export function shownState(stat: Stat): string | null {
  return (stat.state === 'Z' || stat.state === 'X') && stat.threads > 1 ? null : stat.state;
}

/** For the small values of a ProcessState: numbers, strings, short lists and objects of them. */
export function isEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  const [left, right] = [Object.entries(a), b as Record<string, unknown>];
  return (
    left.length === Object.keys(right).length &&
    left.every(([name, value]) => isEqual(value, right[name]))
  );
}
