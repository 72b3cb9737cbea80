'use client';
/** The diff of one command as a tree: groups in words, objects with the marks that they have elsewhere. */
import type { CommandDiff, DiffObject, FieldChange, State } from '@terrarium/timeline';
import { useMemo, useState } from 'react';
import { Crown, NamespaceGlyph, NamespaceRing } from '../glyphs.js';
import { isPidOne } from '../process-text.js';
import { ringsOf } from '../rings.js';
import type { Lang } from '../strings.js';
import { Twist, treeItem } from '../tree-item.js';
import { useAppear } from '../use-appear.js';
import type { Look } from '../use-hover-intent.js';
import { useRowTree } from '../use-row-tree.js';
import { objectText, type Sort, valueText } from './diff-object.js';
import { type DiffRow, diffRows } from './diff-rows.js';
import { diffStrings, type Fate } from './strings.js';

const NO_LOOK: Look<string> = { soon: () => {}, now: () => {}, cancel: () => {} };
const NONE: ReadonlySet<string> = new Set();
const SIGNS: Readonly<Record<Fate, string>> = {
  appeared: '+',
  changed: '~',
  vanished: '−',
  passed: '◦',
};

export function DiffTree(props: {
  readonly state: State;
  readonly diff: CommandDiff;
  readonly lang: Lang;
  readonly label: string;
}) {
  const { state, diff, lang } = props;
  const [flipped, setFlipped] = useState(NONE);
  const [chosen, choose] = useState<string | null>(null);
  const rows = useMemo(() => diffRows(diff, lang, flipped), [diff, lang, flipped]);
  const tree = useRowTree<string>(rows, {
    // A group is about no single thing: choosing it opens or closes it.
    thingOf: (id) => (rows.find((row) => row.id === id)?.content.type === 'group' ? null : id),
    toggle: (id) => setFlipped((before) => withFlipped(before, id)),
    choose: (id) => choose((before) => (before === id ? null : id)),
    look: NO_LOOK,
  });
  const ids = useMemo(() => rows.map(({ id }) => id), [rows]);
  useAppear(tree.ref, ids, diff.command.id);
  return (
    <div className="tr-scroll">
      <div {...tree.props} role="tree" aria-label={props.label} className="tr-rows tr-diff-rows">
        {rows.map((row) => (
          <div
            key={row.id}
            {...treeItem(row, { active: row.id === tree.active, selected: row.id === chosen })}
            className="tr-row tr-diff-row"
            data-appear={row.content.type === 'object' ? row.id : undefined}
            data-subject={
              row.content.type === 'object' ? objectText(row.content.object).subject : undefined
            }
            data-fate={row.fate}
            data-type={row.content.type}
          >
            <RowContent state={state} row={row} lang={lang} />
          </div>
        ))}
      </div>
    </div>
  );
}

function RowContent(props: { readonly state: State; readonly row: DiffRow; readonly lang: Lang }) {
  const { state, row, lang } = props;
  const { content } = row;
  switch (content.type) {
    case 'group':
      return (
        <span className="tr-cell tr-name">
          <Twist expanded={row.expanded} />
          <span className="tr-sign" aria-hidden="true">
            {SIGNS[row.fate]}
          </span>
          <b className="tr-diff-group">{content.text}</b>
        </span>
      );
    case 'object':
      return <ObjectRow state={state} sort={content.sort} object={content.object} />;
    case 'field':
      return <FieldRow change={content.change} lang={lang} />;
  }
}

function ObjectRow(props: {
  readonly state: State;
  readonly sort: Sort;
  readonly object: DiffObject;
}) {
  const { state, sort, object } = props;
  const { name, detail } = objectText(object);
  return (
    <span className="tr-cell tr-name">
      <Twist expanded={undefined} />
      <ObjectMark state={state} sort={sort} object={object} />
      <span
        className="tr-diff-name"
        data-kind={object.kind === 'namespace' ? object.namespace.kind : undefined}
        title={name}
      >
        {name}
      </span>
      <span className="tr-args">{detail}</span>
    </span>
  );
}

function ObjectMark(props: {
  readonly state: State;
  readonly sort: Sort;
  readonly object: DiffObject;
}) {
  const { state, sort, object } = props;
  if (object.kind === 'namespace') {
    const { kind, inode, ofSandbox } = object.namespace;
    // One that has gone has given its pattern back: the plain line stands for it.
    const pattern = ringsOf(state).get(inode)?.pattern ?? (ofSandbox ? null : 'solid');
    return <NamespaceRing kind={kind} pattern={pattern} size={18} />;
  }
  if (object.kind === 'process' && isPidOne(object.process)) return <Crown />;
  switch (sort) {
    case 'process':
      return <NamespaceGlyph kind="pid" size={13} />;
    case 'mount':
    case 'copy':
      return <NamespaceGlyph kind="mnt" size={13} />;
    case 'cgroup':
      return <NamespaceGlyph kind="cgroup" size={13} />;
    case 'overlay':
    case 'entry':
    case 'whiteout':
      return <StrataMark hole={sort === 'whiteout'} />;
    case 'other':
      return null;
    default:
      return <NamespaceGlyph kind="net" size={13} />;
  }
}

/** Layers above each other; with a hole where something is hidden. */
function StrataMark({ hole }: { readonly hole: boolean }) {
  return (
    <svg
      aria-hidden="true"
      className="tr-glyph"
      viewBox="0 0 12 12"
      width={13}
      height={13}
      focusable="false"
    >
      <path d={hole ? 'M1.5 3h2.8M7.7 3h2.8M1.5 6h9M1.5 9h9' : 'M1.5 3h9M1.5 6h9M1.5 9h9'} />
    </svg>
  );
}

function FieldRow({ change, lang }: { readonly change: FieldChange; readonly lang: Lang }) {
  const words = diffStrings(lang);
  const { field, from, to } = change;
  return (
    <span className="tr-cell tr-name tr-field">
      <Twist expanded={undefined} />
      <span className="tr-field-name">{words.fields[field] ?? field}</span>
      <del>{valueText(from, to, words.none)}</del>
      <span aria-hidden="true">→</span>
      <span className="tr-sr"> {words.becomes} </span>
      <ins>{valueText(to, from, words.none)}</ins>
    </span>
  );
}

function withFlipped(before: ReadonlySet<string>, id: string): ReadonlySet<string> {
  const after = new Set(before);
  if (!after.delete(id)) after.add(id);
  return after;
}
