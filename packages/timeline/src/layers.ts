/**
 * What the layers of an overlay come to, looked at from above: which layer supplies each path, what
 * lies hidden under what, and where a file has been. The rules are those of the kernel's overlay
 * file system (Documentation/filesystems/overlayfs.rst); nothing here asks it.
 */
import type { LayerEntry, LayerState, OverlayState } from './state.js';

/** One path of the merged directory. */
export interface MergedEntry {
  readonly path: string;
  /** index of the layer that supplies it: for a directory the uppermost one that has it */
  readonly layer: number;
  readonly entry: LayerEntry;
  /** of a directory: all layers whose entries are merged in it, uppermost first */
  readonly merged: readonly number[];
}

/** Why an entry of a layer is not seen from above. */
export interface HiddenBy {
  readonly layer: number;
  /** of what hides it; a directory above may be it */
  readonly path: string;
  /** another file of the name, a whiteout, or a directory that is opaque */
  readonly why: 'file' | 'whiteout' | 'opaque';
}

/** The view from above. */
export interface MergedView {
  /** depth first, in order of names */
  readonly entries: readonly MergedEntry[];
  /** by `entryKey`: entries of layers that are not seen */
  readonly hidden: ReadonlyMap<string, HiddenBy>;
}

/** Names an entry of a layer in `MergedView.hidden`. */
export function entryKey(layer: number, path: string): string {
  return `${layer}:${path}`;
}

const whole = new WeakMap<readonly LayerState[], MergedView>();

/**
 * Merges the layers as overlay does.
 *
 * @param without indexes of layers to leave out, to see what is beneath; it changes nothing real
 */
export function mergedView(
  overlay: OverlayState,
  without: ReadonlySet<number> = new Set(),
): MergedView {
  if (without.size > 0) return new Merge(overlay.layers, without).result();
  let found = whole.get(overlay.layers);
  if (found === undefined) {
    found = new Merge(overlay.layers, without).result();
    whole.set(overlay.layers, found);
  }
  return found;
}

class Merge {
  private readonly layers: readonly LayerState[];
  /** by layer, then by directory: the names in it */
  private readonly names: readonly ReadonlyMap<string, readonly string[]>[];
  private readonly entries: MergedEntry[] = [];
  private readonly hidden = new Map<string, HiddenBy>();

  constructor(layers: readonly LayerState[], without: ReadonlySet<number>) {
    this.layers = layers;
    this.names = layers.map((layer) => namesOf(layer));
    const used = layers.map((_, index) => index).filter((index) => !without.has(index));
    this.directory('', used);
  }

  result(): MergedView {
    return { entries: this.entries, hidden: this.hidden };
  }

  /** @param from layers that are merged in this directory, uppermost first */
  private directory(prefix: string, from: readonly number[]): void {
    const names = new Set(from.flatMap((layer) => this.names[layer]?.get(prefix) ?? []));
    for (const name of [...names].sort()) {
      this.name(prefix === '' ? name : `${prefix}/${name}`, from);
    }
  }

  /** Looks the name up from top to bottom, until something ends the search. */
  private name(path: string, from: readonly number[]): void {
    let end: HiddenBy | null = null;
    let top: { layer: number; entry: LayerEntry } | null = null;
    const merged: number[] = [];
    for (const layer of from) {
      const entry = this.layers[layer]?.entries?.[path];
      if (entry === undefined) continue;
      if (end !== null) {
        this.hide(layer, path, end);
        continue;
      }
      // What is no directory cannot be merged into the one above it, and ends the search, too.
      const isUnder = top !== null && entry.kind !== 'directory' && entry.kind !== 'whiteout';
      if (isUnder && top !== null) this.hide(layer, path, { layer: top.layer, path, why: 'file' });
      else if (entry.kind !== 'whiteout') {
        top ??= { layer, entry };
        if (entry.kind === 'directory') merged.push(layer);
      }
      end = endOf(entry, isUnder ? (top?.layer ?? layer) : layer, path);
    }
    if (top === null) return;
    this.entries.push({ path, ...top, merged });
    if (merged.length > 0) this.directory(path, merged);
  }

  /** An entry that is not seen, and with a directory all that is in it. */
  private hide(layer: number, path: string, by: HiddenBy): void {
    this.hidden.set(entryKey(layer, path), by);
    for (const name of this.names[layer]?.get(path) ?? []) this.hide(layer, `${path}/${name}`, by);
  }
}

function endOf(entry: LayerEntry, layer: number, path: string): HiddenBy | null {
  if (entry.kind === 'whiteout') return { layer, path, why: 'whiteout' };
  if (entry.kind !== 'directory') return { layer, path, why: 'file' };
  return entry.opaque === true ? { layer, path, why: 'opaque' } : null;
}

function namesOf({ entries }: LayerState): ReadonlyMap<string, readonly string[]> {
  const names = new Map<string, string[]>();
  for (const path of Object.keys(entries ?? {})) {
    const cut = path.lastIndexOf('/');
    const parent = cut < 0 ? '' : path.slice(0, cut);
    const list = names.get(parent);
    if (list === undefined) names.set(parent, [path.slice(cut + 1)]);
    else list.push(path.slice(cut + 1));
  }
  return names;
}

/** What one layer has to do with a path. */
export interface JourneyStop {
  readonly layer: number;
  /** null where the layer has nothing of that name */
  readonly entry: LayerEntry | null;
  /** `merged` is a directory that adds its names to the one above */
  readonly fate: 'seen' | 'merged' | 'whiteout' | 'hidden' | 'absent';
  readonly by: HiddenBy | null;
}

/** Where a path is in each layer, uppermost first: so where a file came from, and what became of it. */
export function journeyOf(overlay: OverlayState, path: string): readonly JourneyStop[] {
  const { entries, hidden } = mergedView(overlay);
  const seen = entries.find((one) => one.path === path);
  return overlay.layers.map((layer, index) => {
    const entry = layer.entries?.[path] ?? null;
    const by = hidden.get(entryKey(index, path)) ?? null;
    return { layer: index, entry, fate: fateOf(index, entry, by, seen), by };
  });
}

function fateOf(
  layer: number,
  entry: LayerEntry | null,
  by: HiddenBy | null,
  seen: MergedEntry | undefined,
): JourneyStop['fate'] {
  if (entry === null) return 'absent';
  if (by !== null) return 'hidden';
  if (entry.kind === 'whiteout') return 'whiteout';
  return seen?.layer === layer ? 'seen' : 'merged';
}

/** The overlays of a state: what the learner mounted first, newest first; the sandbox's own last. */
export function overlaysOf(
  overlays: Readonly<Record<string, OverlayState>> | undefined,
): readonly OverlayState[] {
  return Object.values(overlays ?? {}).sort(
    (a, b) => Number(a.ofSandbox) - Number(b.ofSandbox) || b.bornAt - a.bornAt,
  );
}
