'use client';
/**
 * The picture of who shares what: a row for each set of eight namespaces, a column for each kind.
 * The sandbox's own are thin and neutral, so what differs is all that has colour; a bar joins
 * cells that are the same namespace. A real table; the tree beside it says the same to the keys.
 */
import {
  type NamespaceKind,
  type NsInode,
  type ProcessState,
  type State,
  subject,
} from '@terrarium/timeline';
import { memo, useCallback, useMemo, useRef } from 'react';
import { Crown, NamespaceGlyph, NamespaceRing } from './glyphs.js';
import { KINDS, namespaceName } from './kinds.js';
import { heldNamespaces, namespaceGroups } from './namespace-groups.js';
import { isPidOne, isSandboxInit, pidsText } from './process-text.js';
import { type Ring, ringsOf } from './rings.js';
import { type Lang, strings } from './strings.js';
import { useAppear } from './use-appear.js';

/** Names shown in a row before the rest is counted. */
const NAMES_SHOWN = 3;

interface MapRow {
  readonly id: string;
  readonly members: readonly ProcessState[];
  readonly held: string | null;
  readonly cells: Readonly<Partial<Record<NamespaceKind, NsInode>>>;
  readonly differs: readonly NamespaceKind[];
}

export function NamespaceMap(props: {
  readonly state: State;
  readonly lang: Lang;
  readonly lit: NsInode | null;
  readonly onLook: (inode: NsInode) => void;
  readonly onSelect: (inode: NsInode) => void;
}) {
  const { state, lang, lit } = props;
  const words = strings(lang);
  const rows = useMemo(() => mapRows(state), [state]);
  const onLook = useLatest(props.onLook);
  const onSelect = useLatest(props.onSelect);
  const rings = ringsOf(state);
  const table = useRef<HTMLTableElement>(null);
  const ids = useMemo(() => rows.map((row) => row.id), [rows]);
  useAppear(table, ids, state.sandbox?.id ?? null);
  return (
    <table className="tr-map" ref={table}>
      <caption>{words.mapCaption}</caption>
      <thead>
        <tr>
          <th scope="col">{words.mapWho}</th>
          {KINDS.map((kind) => (
            <th key={kind} scope="col" data-kind={kind} className="tr-map-kind">
              <NamespaceGlyph kind={kind} size={14} />
              <span>{kind}</span>
            </th>
          ))}
          <th scope="col" className="tr-map-differs">
            {words.mapDiffers}
          </th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row, i) => (
          <Row
            key={row.id}
            row={row}
            state={state}
            lang={lang}
            above={rows[i - 1]}
            rings={rings}
            lit={lit !== null && Object.values(row.cells).includes(lit) ? lit : null}
            drawn={drawnIn(row, rows[i - 1], rings, state)}
            onLook={onLook}
            onSelect={onSelect}
          />
        ))}
      </tbody>
    </table>
  );
}

/** One function for always that calls the newest: rows that are not drawn anew keep it. */
function useLatest(act: (inode: NsInode) => void): (inode: NsInode) => void {
  const latest = useRef(act);
  latest.current = act;
  return useCallback((inode: NsInode) => latest.current(inode), []);
}

interface RowProps {
  readonly row: MapRow;
  readonly state: State;
  readonly lang: Lang;
  readonly above: MapRow | undefined;
  readonly rings: ReadonlyMap<NsInode, Ring>;
  /** the lit namespace, where it is one of this row's */
  readonly lit: NsInode | null;
  /** all that the row shows but for `lit`: rows of which it is the same look the same */
  readonly drawn: string;
  readonly onLook: (inode: NsInode) => void;
  readonly onSelect: (inode: NsInode) => void;
}

/** Memoised by what it shows: eight cells of ten elements each are not made anew for another row. */
const Row = memo(
  function Row({ row, state, lang, above, rings, lit, onLook, onSelect }: RowProps) {
    return (
      <tr data-appear={row.id} data-own={row.differs.length === 0 || undefined}>
        <th scope="row">
          <Who state={state} row={row} lang={lang} />
        </th>
        {KINDS.map((kind) => {
          const inode = row.cells[kind];
          return (
            <Cell
              key={kind}
              kind={kind}
              inode={inode}
              ring={inode === undefined ? undefined : rings.get(inode)}
              joined={inode !== undefined && above?.cells[kind] === inode}
              lit={inode !== undefined && inode === lit}
              lang={lang}
              onLook={onLook}
              onSelect={onSelect}
            />
          );
        })}
        <td className="tr-map-differs">{differsText(row, lang)}</td>
      </tr>
    );
  },
  (before, after) =>
    before.drawn === after.drawn && before.lit === after.lit && before.lang === after.lang,
);

function drawnIn(
  row: MapRow,
  above: MapRow | undefined,
  rings: ReadonlyMap<NsInode, Ring>,
  state: State,
): string {
  const cells = KINDS.map((kind) => {
    const inode = row.cells[kind];
    if (inode === undefined) return '';
    return `${inode} ${rings.get(inode)?.slot} ${above?.cells[kind] === inode}`;
  });
  const named = row.members
    .slice(0, NAMES_SHOWN)
    .map((one) => `${one.key} ${one.comm} ${one.pids.join()} ${isSandboxInit(state, one.key)}`);
  return [row.held, row.members.length, row.differs.join(), ...named, ...cells].join('|');
}

function Who({ state, row, lang }: { state: State; row: MapRow; lang: Lang }) {
  const words = strings(lang);
  if (row.held !== null) {
    return (
      <span className="tr-who tr-dim">
        {words.mapNobody} <small>{row.held}</small>
      </span>
    );
  }
  const rest = row.members.length - NAMES_SHOWN;
  return (
    <span className="tr-who">
      {row.members.slice(0, NAMES_SHOWN).map((process) => (
        <span key={process.key} title={pidsText(process)}>
          {isPidOne(process) && !isSandboxInit(state, process.key) && (
            <Crown size={11} title={words.pidOne} />
          )}
          {process.comm} <small>{process.pids.slice(1).join('→') || process.hostPid}</small>
        </span>
      ))}
      {rest > 0 && <small>{words.andMore(rest)}</small>}
    </span>
  );
}

function Cell(props: {
  kind: NamespaceKind;
  inode: NsInode | undefined;
  ring: Ring | undefined;
  joined: boolean;
  lit: boolean;
  lang: Lang;
  onLook: (inode: NsInode) => void;
  onSelect: (inode: NsInode) => void;
}) {
  const { kind, inode, ring, lang } = props;
  const words = strings(lang);
  if (inode === undefined) return <td className="tr-map-cell" data-none />;
  const pattern = ring?.pattern ?? null;
  const name = namespaceName(kind, inode);
  const spoken = pattern === null ? words.sandboxOwn : words.patterns[PATTERN_INDEX[pattern]];
  return (
    <td
      className="tr-map-cell"
      data-kind={pattern === null ? undefined : kind}
      data-own={pattern === null || undefined}
      data-joined={props.joined || undefined}
      data-lit={props.lit || undefined}
      data-pattern={pattern ?? undefined}
    >
      {/* For the pointer; the keyboard has the tree, with the same facts and one tab stop. */}
      <button
        type="button"
        tabIndex={-1}
        aria-label={`${name}, ${spoken}`}
        title={`${name} · ${spoken}`}
        data-subject={subject.namespace(inode)}
        onPointerEnter={() => props.onLook(inode)}
        onClick={() => props.onSelect(inode)}
      >
        <NamespaceRing kind={kind} pattern={pattern} size={pattern === null ? 20 : 26} />
      </button>
    </td>
  );
}

const PATTERN_INDEX = {
  solid: 0,
  dashed: 1,
  dotted: 2,
  double: 3,
  'dash-dot': 4,
  'long-dash': 5,
} as const;

/** `differs in pid only`: the sentence that the eye has already read from the row. */
function differsText(row: MapRow, lang: Lang): string {
  const words = strings(lang);
  if (row.held !== null) return words.mapHeld;
  if (row.differs.length === 0) return words.mapSame;
  if (row.differs.length === 1) return words.mapOnly(row.differs[0]!);
  return words.mapDiffersIn(row.differs);
}

function mapRows(state: State): readonly MapRow[] {
  const groups = namespaceGroups(state).map((group) => ({
    id: group.id,
    members: group.members,
    held: null,
    cells: group.namespaces,
    differs: group.differs,
  }));
  const held = heldNamespaces(state).map((namespace) => {
    const holder = namespace.holders[0];
    return {
      id: `held ${namespace.inode}`,
      members: [],
      held:
        holder === undefined
          ? ''
          : holder.by === 'mount'
            ? holder.path
            : `${state.processes[holder.process]?.comm ?? '?'} fd ${holder.fd}`,
      cells: { [namespace.kind]: namespace.inode },
      differs: [namespace.kind],
    };
  });
  return [...groups, ...held];
}
