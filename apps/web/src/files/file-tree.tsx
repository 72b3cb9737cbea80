'use client';
/** The folders of the sandbox as a tree: one tab stop, arrows as everywhere on the page. */
import type { FileList } from '@terrarium/protocol';
import { type KeyboardEvent, useMemo, useRef, useState } from 'react';
import { useTexts } from '../i18n/use-texts';
import type { FilesState, FilesStore } from './files-store';
import { fileStrings, refusalText } from './strings';

interface Row {
  readonly path: string;
  readonly name: string;
  readonly kind: FileList['entries'][number]['kind'];
  readonly level: number;
  readonly expanded: boolean;
  readonly position: number;
  readonly setSize: number;
  /** instead of children: being read, empty, refused */
  readonly note: string | null;
}

const ROOT = '/';

/** @param props.onFile a file was chosen */
export function FileTree(props: {
  readonly store: FilesStore;
  readonly state: FilesState;
  readonly onFile: (path: string) => void;
}) {
  const { store, state, onFile } = props;
  const { lang } = useTexts();
  const words = fileStrings(lang);
  const rows = useMemo(() => rowsOf(state.folders, lang), [state.folders, lang]);
  const [focused, setFocused] = useState(ROOT);
  const tree = useRef<HTMLDivElement>(null);
  const stop = rows.some(({ path }) => path === focused) ? focused : ROOT;

  const focus = (row: Row | undefined): void => {
    if (row === undefined) return;
    setFocused(row.path);
    tree.current
      ?.querySelector<HTMLElement>(`[data-path="${CSS.escape(row.path)}"]`)
      ?.focus({ preventScroll: false });
  };
  const choose = (row: Row): void => {
    if (row.kind === 'directory') void store.toggleFolder(row.path);
    else onFile(row.path);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const at = rows.findIndex(({ path }) => path === stop);
    const row = rows[at];
    if (row === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    switch (event.key) {
      case 'ArrowDown':
        focus(rows[at + 1]);
        break;
      case 'ArrowUp':
        focus(rows[at - 1]);
        break;
      case 'Home':
        focus(rows[0]);
        break;
      case 'End':
        focus(rows.at(-1));
        break;
      case 'ArrowRight':
        if (row.kind === 'directory' && !row.expanded) choose(row);
        else focus(rows[at + 1]?.level === row.level + 1 ? rows[at + 1] : undefined);
        break;
      case 'ArrowLeft':
        if (row.expanded) choose(row);
        else focus(rows.slice(0, at).findLast(({ level }) => level < row.level));
        break;
      case 'Enter':
      case ' ':
        choose(row);
        break;
      default:
        return;
    }
    event.preventDefault();
  };

  return (
    <div
      ref={tree}
      role="tree"
      aria-label={words.tree}
      className="files-tree"
      onKeyDown={onKeyDown}
    >
      {rows.map((row) => (
        // biome-ignore lint/a11y/useKeyWithClickEvents: the tree hears the keys of all its rows
        <div
          key={row.path}
          role="treeitem"
          data-path={row.path}
          data-kind={row.kind}
          aria-level={row.level}
          aria-posinset={row.position}
          aria-setsize={row.setSize}
          aria-expanded={row.kind === 'directory' ? row.expanded : undefined}
          aria-selected={row.path === state.active}
          tabIndex={row.path === stop ? 0 : -1}
          style={{ paddingInlineStart: `${0.4 + (row.level - 1) * 0.9}rem` }}
          onFocus={() => setFocused(row.path)}
          onClick={() => {
            setFocused(row.path);
            choose(row);
          }}
        >
          <span className="files-mark" aria-hidden="true">
            {mark(row)}
          </span>
          <span className="files-name">{row.name}</span>
          {row.note === null ? null : <span className="quiet"> {row.note}</span>}
        </div>
      ))}
    </div>
  );
}

function mark({ kind, expanded }: Row): string {
  switch (kind) {
    case 'directory':
      return expanded ? '▾' : '▸';
    case 'symlink':
      return '→';
    case 'file':
      return '';
    case 'other':
      return '∿';
  }
}

function rowsOf(folders: FilesState['folders'], lang: 'en' | 'zh'): readonly Row[] {
  const words = fileStrings(lang);
  const rows: Row[] = [];
  const add = (
    path: string,
    entry: FileList['entries'][number],
    level: number,
    [position, setSize]: readonly [number, number],
  ): void => {
    const folder = folders.get(path);
    const list = typeof folder === 'object' ? folder : null;
    const note =
      folder === null
        ? words.loading
        : typeof folder === 'string'
          ? refusalText(folder, lang)
          : list === null
            ? null
            : list.truncated
              ? words.truncated
              : list.entries.length === 0
                ? words.folderEmpty
                : null;
    const expanded = folder !== undefined;
    rows.push({ path, ...entry, level, expanded, position, setSize, note });
    list?.entries.forEach((child, at, all) => {
      add(`${path === ROOT ? '' : path}/${child.name}`, child, level + 1, [at + 1, all.length]);
    });
  };
  add(ROOT, { name: ROOT, kind: 'directory' }, 1, [1, 1]);
  return rows;
}
