/**
 * How entries came into an upper layer: made, renamed, copied up, and how long that took. What lies
 * there is looked at; this is what only the events know. Pure.
 */
import type { FileEvent } from '@terrarium/syscall';
import type { LayerEntry, ProcessKey } from '@terrarium/timeline';
import { TEMPORARY } from './copy-ups.js';
import type { Listed } from './listing.js';

/** What is to be looked at, and what the events said of it. */
export interface Dirty {
  readonly pid: number;
  readonly actor: ProcessKey | undefined;
  readonly came: 'created' | 'renamed' | 'arrived' | 'linked' | null;
  /** of a copy-up, by the events; 0 when they came at once */
  readonly took: number | null;
  /** only its size or times may differ */
  readonly sizeOnly: boolean;
}

/** How a name came to be, as far as its event tells. */
export function cameBy({ from }: FileEvent, wasCopy: boolean): Dirty['came'] {
  // Only copies of files are made without a name, and then linked into the upper layer.
  if (from === null) return wasCopy ? 'linked' : 'created';
  return TEMPORARY.test(from.name) ? 'arrived' : 'renamed';
}

/**
 * Adds how it came. Overlay marks what it copied up (overlay.origin), but not files with several
 * hard links, and nothing where it may not write the mark: in a user namespace, without the mount
 * option userxattr. Then the events must do: a copy of a file is linked into the upper layer; a
 * directory that a lower layer has is moved there, and so is what takes a whiteout's place.
 *
 * @param isBelow whether a lower layer has an entry of its name
 */
export function withHistory(
  { entry, inode, age }: Listed,
  before: Listed | undefined,
  { came, took }: Dirty,
  isBelow: boolean,
): LayerEntry {
  if (came === null || entry.kind === 'whiteout') return entry;
  if (came === 'renamed') return { ...entry, came };
  const isMoved =
    came === 'arrived' &&
    isBelow &&
    entry.kind !== 'file' &&
    entry.opaque !== true &&
    before?.entry.kind !== 'whiteout';
  if (entry.came === 'copy-up' || came === 'linked' || isMoved)
    return { ...entry, came: 'copy-up', copiedIn: copyMillis(took, age) };
  return before?.inode === inode ? entry : { ...entry, came: 'created' };
}

/**
 * Both measures may only be too long: events by the way to us, the file's own times by what was
 * written since. Two events of one read say nothing, nor does a clock that did not tick.
 */
function copyMillis(took: number | null, age: number): number {
  const known = [took ?? 0, age].filter((milliseconds) => milliseconds > 0);
  return Math.round((known.length === 0 ? 0 : Math.min(...known)) * 10) / 10;
}

/** Whoever did all of it; undefined when it were several. */
export function soleActor(paths: ReadonlyMap<string, Dirty> | undefined): ProcessKey | undefined {
  const actors = new Set([...(paths?.values() ?? [])].map(({ actor }) => actor));
  return actors.size === 1 ? [...actors][0] : undefined;
}
