/** A diff as rows: groups in words, their objects, and the fields that changed. Pure. */
import type { CommandDiff, DiffObject, FieldChange } from '@terrarium/timeline';
import type { Lang } from '../strings.js';
import type { TreeKeyRow } from '../use-tree-keys.js';
import { objectText, SORTS, type Sort, sortOf } from './diff-object.js';
import { diffStrings, type Fate } from './strings.js';

export interface DiffRow extends TreeKeyRow {
  readonly position: number;
  readonly setSize: number;
  readonly fate: Fate;
  readonly content:
    | { readonly type: 'group'; readonly sort: Sort; readonly text: string }
    | { readonly type: 'object'; readonly sort: Sort; readonly object: DiffObject }
    | { readonly type: 'field'; readonly change: FieldChange };
}

interface Item {
  readonly object: DiffObject;
  readonly fields: readonly FieldChange[];
}

const FATES: readonly Fate[] = ['appeared', 'changed', 'vanished', 'passed'];
/** A group with more is closed at first: its sentence has the number. */
const OPEN_UP_TO = 12;

/** True for a group that is open until somebody closes it. */
function opensByItself(sort: Sort, count: number): boolean {
  return sort !== 'copy' && count <= OPEN_UP_TO;
}

/** @param flipped groups that are not as they would be by themselves */
export function diffRows(
  diff: CommandDiff,
  lang: Lang,
  flipped: ReadonlySet<string>,
): readonly DiffRow[] {
  const groups = FATES.flatMap((fate) => groupsOf(fate, itemsOf(diff, fate)));
  return groups.flatMap(({ fate, sort, items }, i) => {
    const id = `${fate} ${sort}`;
    const open = opensByItself(sort, items.length) !== flipped.has(id);
    const text = diffStrings(lang).group(fate, sort, items.length);
    const group: DiffRow = {
      ...{ id, level: 1, expanded: open, text, fate },
      ...{ position: i + 1, setSize: groups.length },
      content: { type: 'group', sort, text },
    };
    if (!open) return [group];
    const objects = items.flatMap((item, at) =>
      objectRows(id, fate, sort, item, at, items.length, lang),
    );
    return [group, ...objects];
  });
}

function itemsOf(diff: CommandDiff, fate: Fate): readonly Item[] {
  if (fate === 'changed') return diff.changed;
  return diff[fate].map((object) => ({ object, fields: [] }));
}

function groupsOf(
  fate: Fate,
  items: readonly Item[],
): { fate: Fate; sort: Sort; items: readonly Item[] }[] {
  return SORTS.flatMap((sort) => {
    const own = items.filter(({ object }) => sortOf(object) === sort);
    return own.length === 0 ? [] : [{ fate, sort, items: own }];
  });
}

function objectRows(
  group: string,
  fate: Fate,
  sort: Sort,
  { object, fields }: Item,
  at: number,
  setSize: number,
  lang: Lang,
): readonly DiffRow[] {
  const id = `${group} ${at}`;
  const words = diffStrings(lang);
  return [
    {
      ...{ id, level: 2, expanded: undefined, text: objectText(object).name, fate },
      ...{ position: at + 1, setSize },
      content: { type: 'object', sort, object },
    },
    ...fields.map(
      (change, i): DiffRow => ({
        ...{ id: `${id} ${change.field}`, level: 3, expanded: undefined, fate },
        ...{ text: words.fields[change.field] ?? change.field },
        ...{ position: i + 1, setSize: fields.length },
        content: { type: 'field', change },
      }),
    ),
  ];
}
