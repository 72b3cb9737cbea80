'use client';
/** What all rows of all trees have in common: their place as a screen reader says it, and the twist. */
import type { CSSProperties } from 'react';
import { Chevron } from './glyphs.js';
import type { TreeKeyRow } from './use-tree-keys.js';

/** A row that knows its place among its siblings. */
export interface PlacedRow extends Omit<TreeKeyRow, 'text'> {
  /** 1 for the first of its siblings */
  readonly position: number;
  readonly setSize: number;
}

/**
 * Attributes of a row of `useRowTree`. Declared for each row, as browsers do not always work them out.
 *
 * @param marks whether the row has the tab stop, and whether it is the chosen one
 */
export function treeItem(
  { id, level, position, setSize, expanded }: PlacedRow,
  marks: { readonly active: boolean; readonly selected: boolean },
) {
  return {
    role: 'treeitem',
    'data-id': id,
    tabIndex: marks.active ? 0 : -1,
    'aria-level': level,
    'aria-setsize': setSize,
    'aria-posinset': position,
    'aria-expanded': expanded,
    'aria-selected': marks.selected,
    style: { '--level': level - 1 } as CSSProperties,
  } as const;
}

/** What opens and closes a row; an empty place of the same width where there is nothing to open. */
export function Twist({ expanded }: { readonly expanded: boolean | undefined }) {
  return (
    <span className="tr-twist" data-twist={expanded === undefined ? undefined : true}>
      {expanded !== undefined && <Chevron />}
    </span>
  );
}
