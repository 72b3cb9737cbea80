/**
 * The rows of both trees, from a folded overlay: the stack (each layer with its entries, and what is
 * on its way between them) and the merged directory seen from above. Pure.
 */
import {
  entryKey,
  type HiddenBy,
  type LayerEntry,
  type LayerState,
  type MergedEntry,
  type MergedView,
  type OverlayState,
} from '@terrarium/timeline';

interface RowPlace {
  readonly id: string;
  readonly level: number;
  readonly position: number;
  readonly setSize: number;
  readonly expanded: boolean | undefined;
  /** for typing ahead */
  readonly text: string;
}

/** A layer's head, one of its entries, the work directory, or a file on its way through it. */
export type StackRow = RowPlace &
  (
    | { readonly type: 'layer'; readonly layer: number; readonly state: LayerState }
    | {
        readonly type: 'entry';
        readonly layer: number;
        readonly path: string;
        readonly entry: LayerEntry;
        readonly hidden: HiddenBy | null;
      }
    | { readonly type: 'work'; readonly dir: string }
    | { readonly type: 'copying'; readonly name: string; readonly bytes: number }
    | { readonly type: 'note'; readonly layer: number; readonly note: LayerNote }
  );

/** What stands in a layer that shows no entries, or not all. */
export type LayerNote = 'empty' | 'not-listed' | 'base-image' | 'more';

export type MergedRow = RowPlace & { readonly merged: MergedEntry };

/** Id of a layer's head among the rows. */
export function headId(layer: number): string {
  return `layer ${layer}`;
}

/** Rows of the stack, uppermost layer first. */
export function stackRows(
  overlay: OverlayState,
  view: MergedView,
  closed: ReadonlySet<string>,
): readonly StackRow[] {
  const rows: StackRow[] = [];
  const copying = Object.entries(overlay.copying ?? {});
  const setSize = overlay.layers.length + (copying.length > 0 ? 1 : 0);
  let position = 0;
  overlay.layers.forEach((layer, index) => {
    position += 1;
    pushLayer(rows, overlay, layer, index, { position, setSize }, view, closed);
    if (layer.role !== 'upper' || copying.length === 0) return;
    position += 1;
    const dir = overlay.workDir ?? '';
    rows.push({
      ...{ id: 'work', type: 'work', dir, text: 'work' },
      ...{ level: 1, position, setSize, expanded: true },
    });
    copying.forEach(([name, bytes], i) => {
      rows.push({
        ...{ id: `copying ${name}`, type: 'copying', name, bytes, text: name },
        ...{ level: 2, position: i + 1, setSize: copying.length, expanded: undefined },
      });
    });
  });
  return rows;
}

function pushLayer(
  rows: StackRow[],
  overlay: OverlayState,
  layer: LayerState,
  index: number,
  place: { readonly position: number; readonly setSize: number },
  view: MergedView,
  closed: ReadonlySet<string>,
): void {
  const id = headId(index);
  const isOpen = !closed.has(id);
  const head = { id, text: layer.dir, level: 1, expanded: isOpen, ...place };
  rows.push({ ...head, type: 'layer', layer: index, state: layer });
  if (!isOpen) return;
  const before = rows.length;
  const entries = layer.entries ?? {};
  visit(Object.keys(entries), closed, `${index}:`, (path, row) => {
    const hidden = view.hidden.get(entryKey(index, path)) ?? null;
    const entry = entries[path] as LayerEntry;
    rows.push({ ...row, type: 'entry', layer: index, path, entry, hidden });
  });
  const note = noteOf(overlay, layer, rows.length > before);
  if (note === null) return;
  const last = { level: 2, position: 1, setSize: 1, expanded: undefined, text: '' };
  rows.push({ ...last, id: `note ${index}`, type: 'note', layer: index, note });
}

function noteOf(overlay: OverlayState, layer: LayerState, hasRows: boolean): LayerNote | null {
  if (layer.entries === null) return overlay.ofSandbox ? 'base-image' : 'not-listed';
  if (layer.more > 0) return 'more';
  return hasRows ? null : 'empty';
}

/** Rows of the merged directory. */
export function mergedRows(view: MergedView, closed: ReadonlySet<string>): readonly MergedRow[] {
  const byPath = new Map(view.entries.map((entry) => [entry.path, entry]));
  const rows: MergedRow[] = [];
  visit([...byPath.keys()], closed, 'm:', (path, row) => {
    rows.push({ ...row, merged: byPath.get(path) as MergedEntry });
  });
  return rows;
}

/** Goes through paths as a tree; a path whose directory is not among them stands at the top. */
function visit(
  paths: readonly string[],
  closed: ReadonlySet<string>,
  prefix: string,
  push: (path: string, row: RowPlace) => void,
): void {
  const level = prefix === 'm:' ? 1 : 2;
  const known = new Set(paths);
  const children = new Map<string, string[]>();
  for (const path of [...paths].sort()) {
    const parent = path.slice(0, Math.max(0, path.lastIndexOf('/')));
    const at = known.has(parent) ? parent : '';
    const list = children.get(at);
    if (list === undefined) children.set(at, [path]);
    else list.push(path);
  }
  const below = (parent: string, depth: number): void => {
    const siblings = children.get(parent) ?? [];
    siblings.forEach((path, i) => {
      const id = `${prefix}${path}`;
      const isParent = children.has(path);
      const isOpen = !closed.has(id);
      push(path, {
        id,
        level: level + depth,
        position: i + 1,
        setSize: siblings.length,
        expanded: isParent ? isOpen : undefined,
        text: path.slice(path.lastIndexOf('/') + 1),
      });
      if (isParent && isOpen) below(path, depth + 1);
    });
  };
  below('', 0);
}
