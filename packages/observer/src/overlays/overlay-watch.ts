/**
 * One overlay of a sandbox: lists its layers, hears by fanotify what changes in them, and tells each
 * difference once, many at a time. Runs in the observer process, host namespaces, root.
 *
 * An event is a hint which name to look at; what is told is what lies there now. Who did it and how
 * it came (made, renamed, copied up) is the event's alone. A slow comparison heals what was missed.
 */
import { closeSync, fstatSync } from 'node:fs';
import { FAN, type FileEvent, type FileHandle, O, type PlacedName } from '@terrarium/syscall';
import type { OverlayState, ProcessKey } from '@terrarium/timeline';
import type { WatchedSandbox } from '../part.js';
import { CopyUps, TEMPORARY } from './copy-ups.js';
import { type FileListener, fileEvents } from './file-events.js';
import { findLayers, type OverlayMounts } from './find-layers.js';
import { cameBy, type Dirty, soleActor, withHistory } from './history.js';
import type { EntryChanges, Layer } from './layer.js';
import { handleKey, listDirectory, lookAt, MAX_ENTRIES, openDirectory } from './listing.js';
import { Parents } from './parents.js';
import { type Place, Places } from './places.js';

/** A first change is told this long after its event, ms: what follows it at once is told with it. */
const TELL_AFTER_MS = 6;
/** Between two tellings while changes keep coming, ms. */
const TELL_EVERY_MS = 40;
/** Between two tellings of nothing but sizes: a file that is written to, 4 times a second. */
const SIZES_EVERY_MS = 250;
/** Names that may wait to be looked at one by one; beyond, the layer is listed anew. */
const MAX_DIRTY = 2000;
/** Histories that are kept of files whose directory is not known yet. */
const MAX_EARLY = 2000;
/** A layer is compared with the kernel at most for this part of the time: to heal, and when it must. */
const SCAN_SHARE = 1 / 50;
const RELIST_SHARE = 1 / 10;

export class OverlayWatch implements FileListener {
  private readonly sandbox: WatchedSandbox;
  private readonly places: Places;
  private mounts: OverlayMounts;
  private readonly layers: readonly Layer[];
  /** by index of the layer, then by path */
  private readonly dirty = new Map<number, Map<string, Dirty>>();
  private readonly copies = new CopyUps();
  /** what events said of names in directories that are so new that they have not been listed */
  private readonly early = new Map<string, Dirty>();
  /** key of the handle of workdir/work; learnt from the first event where it has no path */
  private workHandle: string | null = null;
  private readonly heard = new Set<string>();
  /** when each layer was compared last, and how long that took, ms */
  private readonly compared = new Map<Layer, { readonly at: number; readonly took: number }>();
  /** layers of which single names no longer tell enough */
  private readonly unsure = new Set<Layer>();
  private tellAt: number | null = null;
  private toldAt = 0;

  constructor(sandbox: WatchedSandbox, mounts: OverlayMounts) {
    this.sandbox = sandbox;
    this.places = new Places(sandbox);
    this.mounts = mounts;
    this.layers = findLayers(this.places, mounts);
    // Listening first: what changes while it is listed is looked at again.
    for (const layer of this.layers) this.listen(layer.place);
    this.findWorkDirectory();
    for (const layer of this.layers) this.compare(layer);
  }

  /** What it is now, for `overlay.appear`. */
  state(bornAt: number): OverlayState {
    return {
      key: this.mounts.device,
      bornAt,
      layers: this.layers.map((layer) => layer.state()),
      workDir: this.mounts.options.work,
      ofSandbox: this.mounts.ofSandbox,
    };
  }

  /** It is mounted elsewhere, too, or no longer everywhere. */
  setMounts(mounts: OverlayMounts): void {
    this.mounts = mounts;
  }

  onFile(event: FileEvent, batch: number): void {
    const now = performance.now();
    if (event.from !== null) this.mark(event.from, event, { came: null, took: null });
    if (event.at === null) return;
    const isNew = (event.mask & (FAN.FAN_CREATE | FAN.FAN_RENAME)) !== 0;
    const took = isNew ? this.copies.arrived(event.file, batch, now) : null;
    const came = isNew ? cameBy(event, took !== null) : null;
    if (this.mark(event.at, event, { came, took }) || !TEMPORARY.test(event.at.name)) return;
    if (!this.isOfWork(event.at, event.fileSystem)) return;
    this.copies.note(event, batch, now);
    this.sandbox.wake();
  }

  onLost(): void {
    for (const layer of this.layers) this.unsure.add(layer);
    this.tellAt = performance.now();
    this.sandbox.wake();
  }

  /** Does what is due. @returns ms until the next thing is; null for nothing */
  tick(): number | null {
    const now = performance.now();
    if (this.tellAt !== null && this.tellAt <= now) this.tell(now);
    const { due } = this.copies;
    if (due !== null && due <= now) this.tellCopying(now);
    const next = Math.min(this.tellAt ?? Infinity, this.copies.due ?? Infinity);
    return next === Infinity ? null : Math.max(1, next - now);
  }

  /** Compares with the kernel: what nobody tells about at every scan, the rest at full ones. */
  scan(depth: 'stat' | 'full'): void {
    for (const [index, layer] of this.layers.entries()) {
      const isHeard = layer.place !== null && this.heard.has(layer.place.fileSystem);
      if (depth === 'stat' && (isHeard || layer.role === 'lower')) continue;
      if (this.mayCompareAt(layer, SCAN_SHARE) <= performance.now()) this.relist(index, layer);
    }
  }

  close(): void {
    for (const fileSystem of this.heard) fileEvents().unlisten(fileSystem, this);
    this.heard.clear();
  }

  // ---- finding ------------------------------------------------------------------------------

  private findWorkDirectory(): void {
    const { options, rows } = this.mounts;
    if (options.work === null) return;
    const place = this.places.byPath(options.work, rows, null);
    if (place === null) return;
    this.places.open(place, rows, (fd) => {
      const work = openDirectory(fd, 'work');
      if (work === null) return;
      try {
        this.workHandle = handleKey(work);
        fileEvents().watchOpens(work);
      } finally {
        closeSync(work);
      }
    });
  }

  private listen(place: Place | null): void {
    if (place === null || this.heard.has(place.fileSystem)) return;
    const heard = this.places.open(place, this.mounts.rows, (fd) =>
      fileEvents().listen(fd, place.fileSystem, this),
    );
    if (heard === true) this.heard.add(place.fileSystem);
  }

  // ---- events -------------------------------------------------------------------------------

  /** @returns true when the name is in a layer */
  private mark(
    { directory, name }: PlacedName,
    event: FileEvent,
    how: Pick<Dirty, 'came' | 'took'>,
  ): boolean {
    let found = false;
    for (const [index, layer] of this.layers.entries()) {
      if (layer.place?.fileSystem !== event.fileSystem) continue;
      const parent = layer.pathOf(directory.key);
      if (parent === undefined) continue;
      found = true;
      const path = name === '.' ? parent : parent === '' ? name : `${parent}/${name}`;
      if (path !== '') this.markPath(index, path, event, how);
    }
    if (!found && how.came !== null && this.early.size < MAX_EARLY) {
      const { pid } = event;
      const actor = this.sandbox.process(pid)?.key;
      this.early.set(`${directory.key}/${name}`, { pid, actor, sizeOnly: false, ...how });
    }
    return found;
  }

  private markPath(
    index: number,
    path: string,
    { pid, mask }: FileEvent,
    { came, took }: Pick<Dirty, 'came' | 'took'>,
  ): void {
    const paths = this.dirty.get(index) ?? new Map<string, Dirty>();
    this.dirty.set(index, paths);
    const before = paths.get(path);
    const structural = FAN.FAN_CREATE | FAN.FAN_DELETE | FAN.FAN_RENAME | FAN.FAN_ONDIR;
    const sizeOnly = (mask & structural) === 0 && (before?.sizeOnly ?? true);
    const actor = this.sandbox.process(pid)?.key;
    const kept = { came: came ?? before?.came ?? null, took: took ?? before?.took ?? null };
    paths.set(path, { pid, actor, sizeOnly, ...kept });
    const pause = sizeOnly ? SIZES_EVERY_MS : TELL_EVERY_MS;
    const at = Math.max(performance.now() + TELL_AFTER_MS, this.toldAt + pause);
    if (this.tellAt !== null && this.tellAt <= at) return;
    this.tellAt = at;
    this.sandbox.wake();
  }

  /** Where the work directory has no path (the sandbox's own), its first event tells its handle. */
  private isOfWork({ directory }: PlacedName, fileSystem: string): boolean {
    if (this.workHandle !== null) return directory.key === this.workHandle;
    if (!this.mounts.ofSandbox) return false;
    const { place } = this.layers[0] ?? {};
    if (place?.fileSystem !== fileSystem) return false;
    const isWork = this.places.withHandle(place.device, directory, (fd) => isRootsOwn(fd));
    if (isWork !== true) return false;
    this.workHandle = directory.key;
    this.places.withHandle(place.device, directory, (fd) => fileEvents().watchOpens(fd));
    return true;
  }

  // ---- telling ------------------------------------------------------------------------------

  private tell(now: number): void {
    this.tellAt = null;
    this.toldAt = now;
    const dirty = new Map(this.dirty);
    this.dirty.clear();
    for (const [index, layer] of this.layers.entries()) {
      const paths = dirty.get(index);
      const many = paths !== undefined && (layer.isCutOff || paths.size > MAX_DIRTY);
      if (many || this.unsure.has(layer)) this.relistSoon(index, layer, now, soleActor(paths));
      else if (paths !== undefined) this.lookAtEach(index, layer, paths);
    }
    this.early.clear();
  }

  /** At once, unless it was just done and took long: then when it may be done again. */
  private relistSoon(
    index: number,
    layer: Layer,
    now: number,
    actor: ProcessKey | undefined,
  ): void {
    const at = this.mayCompareAt(layer, RELIST_SHARE);
    if (at <= now) {
      this.relist(index, layer, actor);
      return;
    }
    this.unsure.add(layer);
    this.tellAt = Math.min(this.tellAt ?? at, at);
  }

  private relist(index: number, layer: Layer, actor?: ProcessKey): void {
    const { more } = layer;
    const changes = this.compare(layer);
    if (changes !== null) this.emitChange(index, changes, more, actor);
  }

  private mayCompareAt(layer: Layer, share: number): number {
    const { at, took } = this.compared.get(layer) ?? { at: 0, took: 0 };
    return at + took / share;
  }

  /** One look at each name, one event for each who changed some. */
  private lookAtEach(index: number, layer: Layer, paths: ReadonlyMap<string, Dirty>): void {
    if (layer.place === null) return;
    const { more } = layer;
    const byActor = new Map<ProcessKey | undefined, EntryChanges>();
    this.places.open(layer.place, this.mounts.rows, (root) => {
      const parents = new Parents(root);
      try {
        for (const [path, dirty] of paths) {
          const actor = dirty.actor ?? this.sandbox.process(dirty.pid)?.key;
          const changes = byActor.get(actor) ?? {};
          byActor.set(actor, changes);
          this.lookAtOne(layer, path, dirty, parents, changes);
        }
      } finally {
        parents.close();
      }
    });
    for (const [actor, changes] of byActor) this.emitChange(index, changes, more, actor);
    if (layer.size > MAX_ENTRIES || layer.more > 0) {
      this.unsure.add(layer);
      this.tellAt ??= this.toldAt + TELL_EVERY_MS;
    }
  }

  private lookAtOne(
    layer: Layer,
    path: string,
    dirty: Dirty,
    parents: Parents,
    changes: EntryChanges,
  ): void {
    const upper = layer.role === 'upper';
    const name = path.slice(path.lastIndexOf('/') + 1);
    const parent = parents.open(path.slice(0, Math.max(0, path.length - name.length - 1)));
    const listed = parent === null ? null : lookAt(parent, name, upper);
    if (parent === null || listed === null) {
      layer.remove(path, changes);
      return;
    }
    const before = layer.get(path);
    const isOther = before?.inode !== listed.inode;
    if (isOther || before?.entry.kind !== listed.entry.kind) layer.remove(path, changes);
    const entry = upper ? withHistory(listed, before, dirty, this.isBelow(path)) : listed.entry;
    if (listed.entry.kind !== 'directory' || !isOther) {
      layer.put(path, { ...listed, entry }, changes);
      return;
    }
    const below = openDirectory(parent, name);
    if (below === null) return; // gone between the two looks: its event comes
    try {
      layer.put(path, { ...listed, entry, handle: handleKey(below) }, changes);
      const room = MAX_ENTRIES - layer.size;
      const inside = listDirectory(below, path, { upper, room });
      for (const [one, found] of inside.entries) {
        const history = upper ? this.earlyOf(layer, one) : undefined;
        const known = history && withHistory(found, undefined, history, this.isBelow(one));
        layer.put(one, { ...found, entry: known ?? found.entry }, changes);
      }
      layer.more += inside.more;
    } finally {
      closeSync(below);
    }
  }

  /** What was heard of a name before its directory was listed. */
  private earlyOf(layer: Layer, path: string): Dirty | undefined {
    const cut = path.lastIndexOf('/');
    const handle = layer.get(path.slice(0, cut))?.handle;
    return handle == null ? undefined : this.early.get(`${handle}/${path.slice(cut + 1)}`);
  }

  private isBelow(path: string): boolean {
    return this.layers.some((layer) => layer.role === 'lower' && layer.get(path) !== undefined);
  }

  private emitChange(
    index: number,
    entries: EntryChanges,
    moreBefore: number,
    actor: ProcessKey | undefined,
  ): void {
    const more = this.layers[index]?.more ?? 0;
    if (Object.keys(entries).length === 0 && more === moreBefore) return;
    this.sandbox.emit({
      type: 'overlay.change',
      key: this.mounts.device,
      layer: index,
      entries,
      ...(more !== moreBefore && { more }),
      ...(actor !== undefined && { actor }),
    });
  }

  private tellCopying(now: number): void {
    const { place } = this.layers[0] ?? {};
    const sizeOf = (file: FileHandle): number | null =>
      place == null
        ? null
        : this.places.withHandle(place.device, file, (fd) => plainSize(fd), O.O_PATH | O.O_CLOEXEC);
    const copying = this.copies.look(now, sizeOf);
    if (copying === null) return;
    this.sandbox.emit({ type: 'overlay.copying', key: this.mounts.device, copying });
  }

  /** Lists a layer anew; null when it cannot be reached now. */
  private compare(layer: Layer): EntryChanges | null {
    if (layer.place === null) return null;
    const from = performance.now();
    const upper = layer.role === 'upper';
    const listing = this.places.open(layer.place, this.mounts.rows, (fd) =>
      listDirectory(fd, '', { upper }),
    );
    const at = performance.now();
    this.compared.set(layer, { at, took: at - from });
    this.unsure.delete(layer);
    return listing === null ? null : layer.replace(listing);
  }
}

/** Overlay makes workdir/work with mode 0 and opens it to nobody; a learner's directory is theirs. */
function isRootsOwn(fd: number): boolean {
  return fstatSync(fd).uid === 0;
}

function plainSize(fd: number): number | null {
  const stats = fstatSync(fd);
  return stats.isFile() ? stats.size : null;
}
