/**
 * What a layer holds: its entries with what overlay wrote about them. Runs in the observer, as root
 * in the host's namespaces, on directories that a learner changes meanwhile: every directory is
 * opened from its parent's fd without following a link, nothing but directories is ever opened, and
 * no other file system is entered.
 */
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  type Stats,
} from 'node:fs';
import { handleOf, lgetxattr, xattrNames } from '@terrarium/syscall';
import type { LayerEntry } from '@terrarium/timeline';

/** Entries that are listed of one layer; the rest is counted. A page shows no more with profit. */
export const MAX_ENTRIES = 1000;
/** Names that are counted at most: a learner may put all of /usr into a layer. */
const MAX_COUNTED = 20_000;
/** Levels of directories that are listed. */
const MAX_DEPTH = 16;

/** One entry with what tells it from another that has its name later. */
export interface Listed {
  readonly entry: LayerEntry;
  readonly inode: number;
  /** of a directory: the key of its handle */
  readonly handle: string | null;
  /** milliseconds from its birth to its last change when it was looked at */
  readonly age: number;
}

/** Entries by path, parents before children, and how many more there are. */
export interface Listing {
  readonly entries: Map<string, Listed>;
  more: number;
}

/** What is looked at besides names and kinds. */
export interface ListingOptions {
  /** copy-ups leave their mark in the upper layer alone */
  readonly upper: boolean;
  /** entries that may still be listed */
  readonly room?: number;
}

/**
 * Lists a directory and all below it.
 *
 * @param fd the directory, open for reading
 * @param prefix path of it below its layer; '' for the layer itself
 */
export function listDirectory(fd: number, prefix: string, options: ListingOptions): Listing {
  const listing: Listing = { entries: new Map(), more: 0 };
  const walk = new Walk(listing, options, fstatSync(fd).dev);
  walk.directory(fd, prefix, prefix === '' ? 1 : prefix.split('/').length + 1);
  return listing;
}

/**
 * Looks at one entry.
 *
 * @param directory fd of the directory that it is in; O_PATH will do
 * @returns null when there is none of this name
 */
export function lookAt(directory: number, name: string, upper: boolean): Listed | null {
  const path = `/proc/self/fd/${directory}/${name}`;
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return null;
  return { ...describe(path, stats, upper), handle: null };
}

class Walk {
  private readonly listing: Listing;
  private readonly upper: boolean;
  private readonly room: number;
  private readonly device: number;
  private counted = 0;

  constructor(listing: Listing, options: ListingOptions, device: number) {
    this.listing = listing;
    this.upper = options.upper;
    this.room = options.room ?? MAX_ENTRIES;
    this.device = device;
  }

  directory(fd: number, prefix: string, depth: number): void {
    // In order of names: what is left out beyond the limit is the same at every look.
    const names = readdirSync(`/proc/self/fd/${fd}`, { withFileTypes: true }).sort(byName);
    for (const found of names) {
      if (this.counted++ >= MAX_COUNTED) return;
      const path = prefix === '' ? found.name : `${prefix}/${found.name}`;
      const isListed = this.listing.entries.size < this.room && depth <= MAX_DEPTH;
      if (isListed) this.list(fd, found.name, path, depth);
      else {
        this.listing.more += 1;
        if (found.isDirectory()) this.enter(fd, found.name, path, depth);
      }
    }
  }

  private list(fd: number, name: string, path: string, depth: number): void {
    const listed = lookAt(fd, name, this.upper);
    if (listed === null) return; // gone between readdir and here
    this.listing.entries.set(path, listed);
    if (listed.entry.kind !== 'directory') return;
    const handle = this.enter(fd, name, path, depth);
    this.listing.entries.set(path, { ...listed, handle });
  }

  private enter(fd: number, name: string, path: string, depth: number): string | null {
    const below = openDirectory(fd, name);
    if (below === null) return null;
    try {
      if (fstatSync(below).dev !== this.device) return null; // a mount on top: no part of the layer
      const handle = handleKey(below);
      this.directory(below, path, depth + 1);
      return handle;
    } finally {
      closeSync(below);
    }
  }
}

/** Opens a directory of a directory, no link followed; null when it is none. */
export function openDirectory(fd: number, name: string): number | null {
  try {
    const flags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
    return openSync(`/proc/self/fd/${fd}/${name}`, flags);
  } catch {
    return null;
  }
}

/** The key of a directory's handle; null where its file system has none. */
export function handleKey(fd: number): string | null {
  try {
    return handleOf(fd).key;
  } catch {
    return null;
  }
}

function describe(path: string, stats: Stats, upper: boolean): Omit<Listed, 'handle'> {
  const kind = kindOf(stats);
  const marks = kind === 'whiteout' ? [] : marksOf(path);
  const isWhiteout = kind === 'file' && stats.size === 0 && hasMark(marks, 'whiteout');
  const shown = isWhiteout ? 'whiteout' : kind;
  return {
    entry: {
      kind: shown,
      size: shown === 'file' || shown === 'symlink' ? stats.size : 0,
      ...(shown === 'directory' && isOpaque(path, marks) && { opaque: true }),
      ...(upper && !isWhiteout && hasMark(marks, 'origin') && { came: 'copy-up' as const }),
    },
    inode: stats.ino,
    age: stats.ctimeMs - stats.birthtimeMs,
  };
}

function kindOf(stats: Stats): LayerEntry['kind'] {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'directory';
  if (stats.isSymbolicLink()) return 'symlink';
  if (stats.isFIFO()) return 'fifo';
  if (stats.isSocket()) return 'socket';
  // A whiteout is a character device 0:0, which no driver has.
  return stats.isCharacterDevice() && stats.rdev === 0 ? 'whiteout' : 'device';
}

/** Overlay writes `trusted.overlay.…`, and with the option userxattr `user.overlay.…`. */
function marksOf(path: string): readonly string[] {
  try {
    return xattrNames(path).filter((name) => /^(trusted|user)\.overlay\./.test(name));
  } catch {
    return []; // gone meanwhile
  }
}

function hasMark(marks: readonly string[], name: string): boolean {
  return marks.some((mark) => mark.endsWith(`.overlay.${name}`));
}

/** `y` hides what is below; `x` only says that files with overlay.whiteout are inside (Linux 6.8). */
function isOpaque(path: string, marks: readonly string[]): boolean {
  const mark = marks.find((name) => name.endsWith('.overlay.opaque'));
  if (mark === undefined) return false;
  try {
    return new TextDecoder().decode(lgetxattr(path, mark) ?? new Uint8Array()) === 'y';
  } catch {
    return false;
  }
}

function byName(a: { name: string }, b: { name: string }): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}
