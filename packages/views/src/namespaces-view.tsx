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
} from '@terrarium/timeline';
import { type CSSProperties, type ReactNode, useMemo, useState } from 'react';
import { FactsPanel } from './facts-panel.js';
import { Chevron, NamespaceGlyph, NamespaceRing } from './glyphs.js';
import { KINDS, namespaceName } from './kinds.js';
import { EmptyVessel } from './logo.js';
import { holderText, NamespaceFacts, NamespaceTitle } from './namespace-facts.js';
import { type NamespaceNode, namespaceTree } from './namespace-groups.js';
import { NamespaceMap } from './namespace-map.js';
import { pidsText } from './process-text.js';
import { RING_PATTERNS, ringsOf } from './rings.js';
import { type Lang, strings } from './strings.js';
import { useAppear } from './use-appear.js';
import { useControlled } from './use-controlled.js';
import { useHoverIntent } from './use-hover-intent.js';
import { useRowTree } from './use-row-tree.js';

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
  const rows = useMemo(() => treeRows(state, lang, flipped), [state, lang, flipped]);

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
                state={state}
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
                  <div
                    key={row.id}
                    role="treeitem"
                    className="tr-row tr-ns-row"
                    data-id={row.id}
                    data-appear={row.type === 'namespace' ? row.id : undefined}
                    data-type={row.type}
                    data-highlighted={
                      (row.type === 'namespace' && row.inode === looked && looked !== selected) ||
                      undefined
                    }
                    tabIndex={row.id === tree.active ? 0 : -1}
                    aria-level={row.level}
                    aria-setsize={row.setSize}
                    aria-posinset={row.position}
                    aria-expanded={row.expanded}
                    aria-selected={row.type === 'namespace' && row.inode === selected}
                    style={{ '--level': row.level - 1 } as CSSProperties}
                  >
                    <span className="tr-cell tr-name">
                      <span
                        className="tr-twist"
                        data-twist={row.expanded === undefined ? undefined : true}
                      >
                        {row.expanded !== undefined && <Chevron />}
                      </span>
                      {row.content}
                    </span>
                  </div>
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

interface TreeRow {
  readonly id: string;
  readonly type: 'kind' | 'namespace' | 'member' | 'holder';
  readonly inode: NsInode | null;
  readonly level: number;
  readonly position: number;
  readonly setSize: number;
  readonly expanded: boolean | undefined;
  /** for typing ahead */
  readonly text: string;
  readonly content: ReactNode;
}

/** A row before it has its place among its siblings. */
interface Branch extends Pick<TreeRow, 'id' | 'type' | 'inode' | 'text' | 'content'> {
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
  return {
    id: `${inode}`,
    type: 'namespace',
    inode,
    text: name,
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
          {[words.membersCount(count), note].filter(Boolean).join(', ')}
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
      text: process.comm,
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
