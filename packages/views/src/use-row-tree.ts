'use client';
/**
 * What every tree of rows does with the pointer and the keyboard: click a row to choose it, its
 * twist to open it, rest on it to look at it; arrows and letters as in use-tree-keys. Rows carry
 * `data-id`, their twist `data-twist`.
 */
import {
  type FocusEvent,
  type KeyboardEvent,
  type MouseEvent,
  type PointerEvent,
  type RefObject,
  useRef,
} from 'react';
import type { Look } from './use-hover-intent.js';
import { type TreeKeyRow, useTreeKeys } from './use-tree-keys.js';

/** What the rows stand for. */
export interface RowTreeActions<T> {
  /** the thing that a row is about; null for a row that only groups others */
  readonly thingOf: (id: string) => T | null;
  readonly toggle: (id: string, open: boolean) => void;
  readonly choose: (thing: T) => void;
  readonly look: Look<T>;
}

/** Attributes of the element with role `tree`, and the row that has the tab stop. */
export interface RowTree {
  readonly active: string | null;
  readonly ref: RefObject<HTMLDivElement | null>;
  readonly props: {
    readonly ref: RefObject<HTMLDivElement | null>;
    readonly onKeyDown: (event: KeyboardEvent<HTMLElement>) => void;
    readonly onFocus: (event: FocusEvent<HTMLElement>) => void;
    readonly onBlur: (event: FocusEvent<HTMLElement>) => void;
    readonly onClick: (event: MouseEvent<HTMLElement>) => void;
    readonly onPointerOver: (event: PointerEvent<HTMLElement>) => void;
  };
}

export function useRowTree<T>(rows: readonly TreeKeyRow[], actions: RowTreeActions<T>): RowTree {
  const ref = useRef<HTMLDivElement>(null);
  const { thingOf, look, toggle } = actions;
  const choose = (id: string) => {
    const thing = thingOf(id);
    if (thing !== null) actions.choose(thing);
  };
  const keys = useTreeKeys(ref, rows, {
    toggle,
    choose,
    moved: (id) => {
      const thing = thingOf(id);
      if (thing !== null) look.now(thing);
    },
  });

  function onClick(event: MouseEvent<HTMLElement>): void {
    const target = event.target as Element;
    const id = rowId(target);
    const row = rows.find((one) => one.id === id);
    if (row === undefined) return; // an after-image, or the space between rows
    keys.focus(row.id);
    const onTwist = target.closest('[data-twist]') !== null;
    if (onTwist || thingOf(row.id) === null) toggle(row.id, row.expanded === false);
    else choose(row.id);
  }

  function onPointerOver(event: PointerEvent<HTMLElement>): void {
    const id = rowId(event.target as Element);
    const thing = id === null ? null : thingOf(id);
    if (thing !== null && event.pointerType !== 'touch') look.soon(thing);
  }

  const { active, onKeyDown, onFocus, onBlur } = keys;
  return {
    active,
    ref,
    props: { ref, onKeyDown, onFocus, onBlur, onClick, onPointerOver },
  };
}

function rowId(target: Element): string | null {
  return target.closest('[data-id]')?.getAttribute('data-id') ?? null;
}
