/**
 * Files on their way up. Overlay makes a copy as `#N` in its work directory, fills it, and links or
 * renames it into the upper layer; the copy keeps its file handle on the way, so it is recognised
 * when it arrives, and its size can be asked while it has no name in any layer.
 */
import type { FileEvent, FileHandle } from '@terrarium/syscall';

/** Names that overlay gives in its work directory: `#16`, `#1621a`. */
export const TEMPORARY = /^#[0-9a-f]+$/;
/** A copy that is not filled any more after this long was given up, ms. */
const GIVEN_UP_MS = 5000;
/** What takes no longer than this is told when it has ended, ms. */
const SHOWN_AFTER_MS = 8;
/** Between two looks at the sizes, ms: two frames of the page. */
const LOOK_EVERY_MS = 32;
/** Files that are followed at a time. */
const MAX_COPIES = 64;

interface Copy {
  readonly name: string;
  readonly file: FileHandle;
  /** of the first event, on the clock of performance.now() */
  readonly since: number;
  readonly batch: number;
  bytes: number;
  grewAt: number;
  shown: boolean;
}

export class CopyUps {
  private readonly copies = new Map<string, Copy>();
  private nextLook = 0;
  private told = '{}';

  /** An event of a `#N` that is in no layer. */
  note({ file, at }: FileEvent, batch: number, now: number): void {
    if (file === null || at === null || this.copies.has(file.key)) return;
    if (this.copies.size >= MAX_COPIES) return;
    const begun = { since: now, grewAt: now, batch, bytes: 0, shown: false };
    this.copies.set(file.key, { ...begun, name: at.name, file });
    this.nextLook ||= now + SHOWN_AFTER_MS;
  }

  /**
   * A file appeared in the upper layer. Tells how long its copy was under way, ms, as far as events
   * tell; null when it is no copy. Two events of one read are no measure: 0.
   */
  arrived(file: FileHandle | null, batch: number, now: number): number | null {
    const copy = file === null ? undefined : this.copies.get(file.key);
    if (copy === undefined) return null;
    this.copies.delete(copy.file.key);
    return copy.batch === batch ? 0 : now - copy.since;
  }

  /** When to look next, on the clock of performance.now(); null while nothing is under way. */
  get due(): number | null {
    if (this.copies.size === 0) return this.told === '{}' ? null : this.nextLook;
    return this.nextLook;
  }

  /**
   * Looks at what is under way.
   *
   * @param sizeOf bytes of a file; null for one that is gone or is no plain file
   * @returns sizes by name when they differ from what was told last, else null
   */
  look(now: number, sizeOf: (file: FileHandle) => number | null): Record<string, number> | null {
    this.nextLook = now + LOOK_EVERY_MS;
    const sizes: Record<string, number> = {};
    for (const copy of this.copies.values()) {
      const bytes = sizeOf(copy.file);
      if (bytes === null || now - copy.grewAt > GIVEN_UP_MS) {
        this.copies.delete(copy.file.key);
        continue;
      }
      if (bytes !== copy.bytes) copy.grewAt = now;
      copy.bytes = bytes;
      copy.shown ||= bytes > 0 && now - copy.since >= SHOWN_AFTER_MS;
      if (copy.shown) sizes[copy.name] = bytes;
    }
    const text = JSON.stringify(sizes);
    if (text === this.told) return null;
    this.told = text;
    return sizes;
  }

  /** Nothing of what was under way can be known any more. */
  clear(): void {
    this.copies.clear();
  }
}
