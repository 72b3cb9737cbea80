'use client';
/**
 * The namespaces of a sandbox: a map of who shares what, and the same as a tree: kinds, their
 * namespaces (pid and user by parent), and below each its members and what else keeps it.
 */
import {
  membersOf,
  type NamespaceKind,
  type NamespaceState,
  type NsInode,
  type State,
  type Subject,
  subject,
} from '@terrarium/timeline';
import { memo, type ReactNode, useMemo, useState } from 'react';
import { FactsPanel } from './facts-panel.js';
import { NamespaceGlyph, NamespaceRing } from './glyphs.js';
import { KINDS, namespaceName } from './kinds.js';
import { EmptyVessel } from './logo.js';
import { holderText, NamespaceFacts, NamespaceTitle } from './namespace-facts.js';
import { type NamespaceNode, namespaceTree } from './namespace-groups.js';
import { NamespaceMap } from './namespace-map.js';
import { pidsText } from './process-text.js';
import { RING_PATTERNS, ringsOf } from './rings.js';
import { type Lang, strings } from './strings.js';
import { Twist, treeItem } from './tree-item.js';
import { useAppear } from './use-appear.js';
import { useControlled } from './use-controlled.js';
import { useHoverIntent } from './use-hover-intent.js';
import { useRowTree } from './use-row-tree.js';
import { useSteadyState } from './use-steady-state.js';

export interface NamespacesViewProps {
  readonly state: State;
  readonly lang: Lang;
  /** true while the state is not the present one: the stage is tinted */
  readonly past?: boolean;
  /** the pinned namespace; leave out to let the view remember it */
  readonly selected?: NsInode | null;
  readonly onSelect?: (inode: NsInode | null) => void;
  /** types a command visibly into a terminal; without it the card offers no buttons */
  readonly onShowInTerminal?: (command: string) => void;
}

export function NamespacesView(props: NamespacesViewProps) {
  const { state, lang } = props;
  const words = strings(lang);
  // Rows whose openness differs from the usual one: the learner's own are open, the rest closed.
  const [flipped, setFlipped] = useState<ReadonlySet<string>>(new Set());
  const [looked, look] = useHoverIntent<NsInode>();
  const [selected, select] = useControlled(props.selected, props.onSelect);
  const steady = useSteadyState(state, SHOWN_RECORDS);
  const rows = useMemo(() => treeRows(steady, lang, flipped), [steady, lang, flipped]);

  const choose = (inode: NsInode) => select(inode === selected ? null : inode);
  const tree = useRowTree<NsInode>(rows, {
    thingOf: (id) => rows.find((row) => row.id === id)?.inode ?? null,
    toggle: (id) => setFlipped((before) => flip(before, id)),
    choose,
    look,
  });

  // Namespaces only: a branch that is opened by hand shows members, and they are no news.
  const ids = useMemo(() => Object.keys(state.namespaces), [state.namespaces]);
  useAppear(tree.ref, ids, state.sandbox?.id ?? null);

  const shown = selected ?? looked;
  const card = shown === null ? undefined : state.namespaces[shown];
  return (
    <div className="tr-view" data-past={props.past || undefined}>
      <div className="tr-frame">
        <div className="tr-main">
          {state.sandbox === null ? (
            <div className="tr-empty">
              <EmptyVessel />
              <p>{words.noNamespaces}</p>
            </div>
          ) : (
            <div className="tr-scroll" onPointerLeave={look.cancel}>
              <NamespaceMap
                state={steady}
                lang={lang}
                lit={shown}
                onLook={look.soon}
                onSelect={choose}
              />
              <div
                {...tree.props}
                role="tree"
                aria-label={words.namespaces}
                className="tr-rows tr-ns-rows"
              >
                {rows.map((row) => (
                  <NamespaceRow
                    key={row.id}
                    row={row}
                    active={row.id === tree.active}
                    selected={row.type === 'namespace' && row.inode === selected}
                    looked={row.type === 'namespace' && row.inode === looked && looked !== selected}
                  />
                ))}
              </div>
            </div>
          )}
        </div>
        <FactsPanel
          lang={lang}
          title={card === undefined ? null : <NamespaceTitle state={state} namespace={card} />}
          pinned={card !== undefined && card.inode === selected}
          onPin={() => card !== undefined && choose(card.inode)}
        >
          {card !== undefined && (
            <NamespaceFacts
              state={state}
              namespace={card}
              lang={lang}
              onShowInTerminal={props.onShowInTerminal}
            />
          )}
        </FactsPanel>
      </div>
    </div>
  );
}

/** What this view reads of a state, beside the card. */
const SHOWN_RECORDS = ['sandbox', 'processes', 'namespaces'] as const;

interface NamespaceRowProps {
  readonly row: TreeRow;
  readonly active: boolean;
  readonly selected: boolean;
  readonly looked: boolean;
}

/** Memoised by what is in it, as its content is made anew each time: of sixty rows one is drawn. */
const NamespaceRow = memo(function NamespaceRow(props: NamespaceRowProps) {
  const { row } = props;
  return (
    <div
      {...treeItem(row, { active: props.active, selected: props.selected })}
      className="tr-row tr-ns-row"
      data-subject={row.subject}
      data-appear={row.type === 'namespace' ? row.id : undefined}
      data-type={row.type}
      data-highlighted={props.looked || undefined}
    >
      <span className="tr-cell tr-name">
        <Twist expanded={row.expanded} />
        {row.content}
      </span>
    </div>
  );
}, isSameRow);

function isSameRow(before: NamespaceRowProps, after: NamespaceRowProps): boolean {
  const [a, b] = [before.row, after.row];
  if (before.active !== after.active || before.selected !== after.selected) return false;
  if (before.looked !== after.looked || a.expanded !== b.expanded) return false;
  if (a.level !== b.level || a.position !== b.position || a.setSize !== b.setSize) return false;
  return a.drawn === b.drawn;
}

interface TreeRow {
  readonly id: string;
  readonly type: 'kind' | 'namespace' | 'member' | 'holder';
  readonly inode: NsInode | null;
  /** what it is about, where that is one thing */
  readonly subject?: Subject;
  readonly level: number;
  readonly position: number;
  readonly setSize: number;
  readonly expanded: boolean | undefined;
  /** for typing ahead */
  readonly text: string;
  readonly content: ReactNode;
  /** all that `content` shows: rows of which it is the same look the same */
  readonly drawn: string;
}

/** A row before it has its place among its siblings. */
interface Branch
  extends Pick<TreeRow, 'id' | 'type' | 'inode' | 'subject' | 'text' | 'content' | 'drawn'> {
  readonly open: boolean;
  readonly children: readonly Branch[];
}

function treeRows(state: State, lang: Lang, flipped: ReadonlySet<string>): readonly TreeRow[] {
  const rows: TreeRow[] = [];
  const place = (branches: readonly Branch[], level: number) => {
    branches.forEach(({ open, children, ...branch }, i) => {
      const isOpen = open !== flipped.has(branch.id);
      const expanded = children.length === 0 ? undefined : isOpen;
      rows.push({ ...branch, level, position: i + 1, setSize: branches.length, expanded });
      if (isOpen) place(children, level + 1);
    });
  };
  place(
    KINDS.map((kind) => kindBranch(state, lang, kind)),
    1,
  );
  return rows;
}

function kindBranch(state: State, lang: Lang, kind: NamespaceKind): Branch {
  const words = strings(lang);
  const nodes = namespaceTree(state, kind);
  const count = Object.values(state.namespaces).filter((one) => one.kind === kind).length;
  return {
    id: kind,
    type: 'kind',
    inode: null,
    text: kind,
    drawn: `${lang} ${count}`,
    open: count > 1,
    children: nodes.map((node) => namespaceBranch(state, lang, node)),
    content: (
      <>
        <span className="tr-chip" data-kind={kind}>
          <NamespaceGlyph kind={kind} size={14} />
          <span className="tr-chip-text">{kind}</span>
        </span>
        <span className="tr-count">{count}</span>
        <span className="tr-args" data-note>
          {words.kindSees[kind]}
        </span>
      </>
    ),
  };
}

function namespaceBranch(state: State, lang: Lang, node: NamespaceNode): Branch {
  const words = strings(lang);
  const { namespace } = node;
  const { kind, inode } = namespace;
  const ring = ringsOf(state).get(inode);
  const count = membersOf(state, inode).length;
  const note = namespace.ofHost ? words.ofHost : namespace.ofSandbox ? words.ofSandbox : null;
  const name = namespaceName(kind, inode);
  const pattern = ring === undefined ? null : words.patterns[RING_PATTERNS.indexOf(ring.pattern)];
  const named = namespace.label === undefined ? null : `“${namespace.label}”`;
  const remark = [named, words.membersCount(count), note].filter(Boolean).join(', ');
  return {
    id: `${inode}`,
    type: 'namespace',
    inode,
    subject: subject.namespace(inode),
    text: name,
    drawn: `${lang} ${pattern} ${remark}`,
    open: ring !== undefined || node.children.length > 0,
    children: [
      ...node.children.map((child) => namespaceBranch(state, lang, child)),
      // Where nearly everybody is, names would hide the few places that matter.
      ...(ring === undefined && node.children.length > 0
        ? [crowd(state, lang, namespace)]
        : leaves(state, lang, namespace)),
    ],
    content: (
      <>
        <NamespaceRing kind={kind} pattern={ring?.pattern ?? null} />
        <span className="tr-ns-name" data-kind={ring === undefined ? undefined : kind}>
          {name}
          {pattern !== null && <span className="tr-sr">, {pattern}</span>}
        </span>
        <span className="tr-args" data-note>
          {remark}
        </span>
      </>
    ),
  };
}

/** The members behind one row that opens. */
function crowd(state: State, lang: Lang, namespace: NamespaceState): Branch {
  const children = leaves(state, lang, namespace);
  const label = strings(lang).membersCount(membersOf(state, namespace.inode).length);
  return {
    id: `${namespace.inode} members`,
    type: 'member',
    inode: namespace.inode,
    text: label,
    drawn: label,
    open: false,
    children,
    content: <span className="tr-holder">{label}</span>,
  };
}

function leaves(state: State, lang: Lang, namespace: NamespaceState): readonly Branch[] {
  const members = membersOf(state, namespace.inode).map(
    (process): Branch => ({
      id: `${namespace.inode} ${process.key}`,
      type: 'member',
      inode: namespace.inode,
      subject: subject.process(process.key),
      text: process.comm,
      drawn: `${process.comm} ${pidsText(process)}`,
      open: false,
      children: [],
      content: (
        <>
          <span className="tr-comm">{process.comm}</span>
          <span className="tr-dim">{pidsText(process)}</span>
        </>
      ),
    }),
  );
  const holders = namespace.holders.map((holder): Branch => {
    const text = holderText(state, holder, lang);
    return {
      id: `${namespace.inode} ${JSON.stringify(holder)}`,
      type: 'holder',
      inode: namespace.inode,
      text,
      drawn: text,
      open: false,
      children: [],
      content: <span className="tr-holder">{text}</span>,
    };
  });
  return [...members, ...holders];
}

function flip(before: ReadonlySet<string>, id: string): ReadonlySet<string> {
  const after = new Set(before);
  if (!after.delete(id)) after.add(id);
  return after;
}
