/**
 * One layer as it is known: its entries, the handles of its directories, and what differs at the
 * next look. Pure bookkeeping: whoever looks at the kernel hands the findings in.
 */
import type { LayerEntry, LayerState } from '@terrarium/timeline';
import { type Listed, type Listing, MAX_ENTRIES } from './listing.js';
import type { Place } from './places.js';

/** Entries that came, changed or (null) went. */
export type EntryChanges = Record<string, LayerEntry | null>;

export class Layer {
  readonly dir: string;
  readonly role: 'upper' | 'lower';
  /** null where it cannot be reached, or is not to be listed */
  readonly place: Place | null;
  private known = new Map<string, Listed>();
  private readonly directories = new Map<string, string>();
  more = 0;

  constructor(dir: string, role: 'upper' | 'lower', place: Place | null) {
    this.dir = dir;
    this.role = role;
    this.place = place;
    if (place?.handle != null) this.directories.set(place.handle.key, '');
  }

  state(): LayerState {
    const entries = Object.fromEntries([...this.known].map(([path, { entry }]) => [path, entry]));
    const { dir, role, more, place } = this;
    return { dir, role, entries: place === null ? null : entries, more };
  }

  get size(): number {
    return this.known.size;
  }

  /** Changes of single names cannot keep a cut-off list right: it is then listed anew. */
  get isCutOff(): boolean {
    return this.more > 0 || this.known.size >= MAX_ENTRIES;
  }

  get(path: string): Listed | undefined {
    return this.known.get(path);
  }

  /** Path of a directory of this layer by its handle. */
  pathOf(handle: string): string | undefined {
    return this.directories.get(handle);
  }

  /** Takes a whole listing and says what differs. */
  replace({ entries, more }: Listing): EntryChanges {
    const changes: EntryChanges = {};
    for (const path of [...this.known.keys()]) {
      if (!entries.has(path)) this.forget(path, changes);
    }
    for (const [path, listed] of entries) this.put(path, listed, changes);
    this.more = more;
    return changes;
  }

  /** Takes one entry as it is now; an equal one is no change. */
  put(path: string, listed: Listed, changes: EntryChanges): void {
    const before = this.known.get(path);
    const same = before?.inode === listed.inode;
    // How it came was seen once; that the same file is still there says nothing new about it.
    const entry = same ? { ...listed.entry, ...historyOf(before.entry) } : listed.entry;
    const handle = listed.handle ?? (same ? before.handle : null);
    if (before?.handle != null && before.handle !== handle) this.directories.delete(before.handle);
    if (handle !== null) this.directories.set(handle, path);
    this.known.set(path, { ...listed, entry, handle });
    if (before === undefined || !isEqual(before.entry, entry)) changes[path] = entry;
  }

  /** It is gone, and with a directory all that was in it. */
  remove(path: string, changes: EntryChanges): void {
    const before = this.known.get(path);
    if (before === undefined) return;
    if (before.entry.kind === 'directory') {
      const prefix = `${path}/`;
      for (const below of [...this.known.keys()]) {
        if (below.startsWith(prefix)) this.forget(below, changes);
      }
    }
    this.forget(path, changes);
  }

  private forget(path: string, changes: EntryChanges): void {
    const handle = this.known.get(path)?.handle ?? null;
    // A directory that was moved may already be known by its new path.
    if (handle !== null && this.directories.get(handle) === path) this.directories.delete(handle);
    this.known.delete(path);
    changes[path] = null;
  }
}

function historyOf({ came, copiedIn }: LayerEntry): Pick<LayerEntry, 'came' | 'copiedIn'> {
  return { ...(came !== undefined && { came }), ...(copiedIn !== undefined && { copiedIn }) };
}

function isEqual(a: LayerEntry, b: LayerEntry): boolean {
  return (
    a.kind === b.kind &&
    a.size === b.size &&
    a.opaque === b.opaque &&
    a.came === b.came &&
    a.copiedIn === b.copiedIn
  );
}
