'use client';
/**
 * Keeps `aria-posinset` and `aria-setsize` of a tree's rows true without rendering the rows again: in
 * a level of five hundred, one that comes or goes changes them all. Written at once after a quiet
 * time, else four times a second, which is sooner than a screen reader says the row before.
 */
import { type RefObject, useEffect, useLayoutEffect, useRef } from 'react';

/** Pause between two writings while rows keep changing, milliseconds. */
const PAUSE_MS = 250;

/** A row as the tree draws it; its element carries `data-id`. */
export interface PositionedRow {
  readonly id: string;
  readonly position: number;
  readonly setSize: number;
}

export function useSetPositions(
  tree: RefObject<HTMLElement | null>,
  rows: readonly PositionedRow[],
): void {
  const latest = useRef(rows);
  const written = useRef(Number.NEGATIVE_INFINITY);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useLayoutEffect(() => {
    latest.current = rows;
    if (timer.current !== undefined) return;
    const write = () => {
      timer.current = undefined;
      written.current = performance.now();
      if (tree.current !== null) writePositions(tree.current, latest.current);
    };
    const wait = written.current + PAUSE_MS - performance.now();
    if (wait <= 0) write();
    else timer.current = setTimeout(write, wait);
  }, [tree, rows]);
  useEffect(() => () => clearTimeout(timer.current), []);
}

function writePositions(tree: HTMLElement, rows: readonly PositionedRow[]): void {
  const byId = new Map(rows.map((row) => [row.id, row]));
  for (const element of tree.querySelectorAll('[role="treeitem"]')) {
    const row = byId.get(element.getAttribute('data-id') ?? '');
    if (row === undefined) continue;
    set(element, 'aria-posinset', row.position);
    set(element, 'aria-setsize', row.setSize);
  }
}

/** Writing what is there already would still make the browser update its accessibility tree. */
function set(element: Element, name: string, value: number): void {
  const text = String(value);
  if (element.getAttribute(name) !== text) element.setAttribute(name, text);
}
