'use client';
/**
 * The keyboard of a tree, as the ARIA Authoring Practices describe it, over rows that are already
 * flat: one roving tab stop, arrows, Home, End, typing ahead, Enter or Space to choose, `*` to
 * open all. Focus follows the row's id, so it stays on the process when rows move.
 */
import {
  type FocusEvent,
  type KeyboardEvent,
  type RefObject,
  useLayoutEffect,
  useRef,
  useState,
} from 'react';

export interface TreeKeyRow {
  readonly id: string;
  readonly level: number;
  /** undefined for a leaf */
  readonly expanded: boolean | undefined;
  /** what typing ahead compares with */
  readonly text: string;
}

export interface TreeKeys {
  /** the row with tabIndex 0 */
  readonly active: string | null;
  readonly focus: (id: string) => void;
  readonly onKeyDown: (event: KeyboardEvent<HTMLElement>) => void;
  readonly onFocus: (event: FocusEvent<HTMLElement>) => void;
  readonly onBlur: (event: FocusEvent<HTMLElement>) => void;
}

/** A pause longer than this starts a new word when typing ahead. */
const TYPE_AHEAD_MS = 700;

export function useTreeKeys(
  tree: RefObject<HTMLElement | null>,
  rows: readonly TreeKeyRow[],
  actions: {
    readonly toggle: (id: string, open: boolean) => void;
    readonly choose: (id: string) => void;
    readonly moved?: (id: string) => void;
  },
): TreeKeys {
  const [wanted, setWanted] = useState<string | null>(null);
  const lastIndex = useRef(0);
  const hadFocus = useRef(false);
  const typed = useRef({ text: '', at: 0 });

  const index = rows.findIndex((row) => row.id === wanted);
  // The row is gone: its neighbour takes the tab stop.
  const at = index >= 0 ? index : Math.min(lastIndex.current, rows.length - 1);
  const active = rows[at]?.id ?? null;
  if (index >= 0) lastIndex.current = index;

  useLayoutEffect(() => {
    if (!hadFocus.current || active === null) return;
    const focused = document.activeElement;
    const lost = focused === document.body || focused === null;
    const onDeadRow =
      focused?.getAttribute('data-gone') === 'true' && tree.current?.contains(focused);
    if (lost || onDeadRow) element(tree.current, active)?.focus({ preventScroll: true });
  }, [active, tree]);

  function focus(id: string): void {
    setWanted(id);
    const row = element(tree.current, id);
    row?.focus({ preventScroll: true });
    row?.scrollIntoView?.({ block: 'nearest' });
    actions.moved?.(id);
  }

  function step(to: number): void {
    const row = rows[Math.max(0, Math.min(rows.length - 1, to))];
    if (row !== undefined) focus(row.id);
  }

  function onKeyDown(event: KeyboardEvent<HTMLElement>): void {
    const row = rows[at];
    if (row === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    if (!handle(event.key, row)) return;
    event.preventDefault();
    event.stopPropagation();
  }

  function handle(key: string, row: TreeKeyRow): boolean {
    switch (key) {
      case 'ArrowDown':
        step(at + 1);
        return true;
      case 'ArrowUp':
        step(at - 1);
        return true;
      case 'Home':
        step(0);
        return true;
      case 'End':
        step(rows.length - 1);
        return true;
      case 'ArrowRight':
        if (row.expanded === false) actions.toggle(row.id, true);
        else if (row.expanded === true) step(at + 1);
        return true;
      case 'ArrowLeft':
        if (row.expanded === true) actions.toggle(row.id, false);
        else step(parentIndex(rows, at));
        return true;
      case 'Enter':
      case ' ':
        actions.choose(row.id);
        return true;
      case '*':
        for (const sibling of rows)
          if (sibling.level === row.level && sibling.expanded === false)
            actions.toggle(sibling.id, true);
        return true;
      default:
        return key.length === 1 && typeAhead(key);
    }
  }

  function typeAhead(key: string): boolean {
    const now = performance.now();
    const again = now - typed.current.at > TYPE_AHEAD_MS;
    const text = (again ? '' : typed.current.text) + key.toLowerCase();
    typed.current = { text, at: now };
    // One letter goes on to the next match, a longer word may stay where it is.
    const from = text.length === 1 ? at + 1 : at;
    for (let i = 0; i < rows.length; i++) {
      const row = rows[(from + i) % rows.length];
      if (row?.text.toLowerCase().startsWith(text)) {
        focus(row.id);
        break;
      }
    }
    return true;
  }

  return {
    active,
    focus,
    onKeyDown,
    onFocus: (event) => {
      hadFocus.current = true;
      const id = event.target.getAttribute('data-id');
      if (id !== null && id !== wanted) setWanted(id);
      if (id !== null) actions.moved?.(id);
    },
    onBlur: (event) => {
      if (event.relatedTarget !== null) hadFocus.current = false;
    },
  };
}

function parentIndex(rows: readonly TreeKeyRow[], at: number): number {
  const level = rows[at]?.level ?? 1;
  for (let i = at - 1; i >= 0; i--) if ((rows[i]?.level ?? 1) < level) return i;
  return at;
}

function element(tree: HTMLElement | null, id: string): HTMLElement | null {
  return tree?.querySelector<HTMLElement>(`[data-id="${CSS.escape(id)}"]`) ?? null;
}
