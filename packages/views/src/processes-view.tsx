'use client';
/**
 * The process tree of a sandbox: who started whom, each process with its pid in every namespace
 * that it is visible in, and a ring for each namespace that is not the sandbox's own. Fed by a
 * folded state alone, so that live page, recording and documentation show the same picture.
 */
import {
  membersOf,
  type NsInode,
  type ProcessKey,
  type ProcessState,
  type State,
} from '@terrarium/timeline';
import { type CSSProperties, useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { type Row, rowsOf } from './displayed.js';
import { FactsPanel } from './facts-panel.js';
import { Legend } from './legend.js';
import { EmptyVessel } from './logo.js';
import { ProcessFacts, ProcessTitle } from './process-facts.js';
import { ProcessRow } from './process-row.js';
import { isSandboxInit, ownKinds, pidsText, uidText } from './process-text.js';
import { type Ring, ringsOf } from './rings.js';
import { type Lang, strings } from './strings.js';
import { useControlled } from './use-controlled.js';
import { useHoverIntent } from './use-hover-intent.js';
import { useRowTree } from './use-row-tree.js';
import { type PositionedRow, useSetPositions } from './use-set-positions.js';
import { useTombstones } from './use-tombstones.js';

export interface ProcessesViewProps {
  readonly state: State;
  readonly lang: Lang;
  /** true while the state is not the present one: the stage is tinted */
  readonly past?: boolean;
  /** the pinned process; leave out to let the view remember it */
  readonly selected?: ProcessKey | null;
  readonly onSelect?: (key: ProcessKey | null) => void;
  /** outlined, for instance because a timeline tick that touched them is under the pointer */
  readonly highlighted?: ReadonlySet<ProcessKey>;
  /** types a command visibly into a terminal; without it the card offers no buttons */
  readonly onShowInTerminal?: (command: string) => void;
}

const NO_KEYS: ReadonlySet<ProcessKey> = new Set();

export function ProcessesView(props: ProcessesViewProps) {
  const { state, lang, highlighted = NO_KEYS } = props;
  const words = strings(lang);
  const [frozen, setFrozen] = useState(false);
  const [collapsed, setCollapsed] = useState<ReadonlySet<ProcessKey>>(NO_KEYS);
  const [membrane, setMembrane] = useState<NsInode | null>(null);
  const [looked, look] = useHoverIntent<ProcessKey>();
  const [selected, select] = useControlled(props.selected, props.onSelect);

  const displayed = useTombstones(state, frozen);
  const rows = useMemo(() => rowsOf(displayed, collapsed), [displayed, collapsed]);
  const rings = ringsOf(state);
  const decorations = useMemo(() => decorate(state, rows, rings), [state, rows, rings]);
  const longest = useMemo(
    () => rows.reduce((n, row) => Math.max(n, pidsText(row.shown.process).length), 0),
    [rows],
  );
  const lit = useMemo(
    () =>
      membrane === null
        ? highlighted
        : new Set([...highlighted, ...membersOf(state, membrane).map((member) => member.key)]),
    [state, membrane, highlighted],
  );

  const toggle = useCallback((key: ProcessKey, open: boolean) => {
    setCollapsed((before) => {
      const after = new Set(before);
      if (open) after.delete(key);
      else after.add(key);
      return after;
    });
  }, []);
  const keyRows = useMemo(() => rows.filter(isLive).map(keyRow(collapsed)), [rows, collapsed]);
  const tree = useRowTree<ProcessKey>(keyRows, {
    thingOf: (key) => (state.processes[key] === undefined ? null : key),
    toggle,
    choose: (key) => select(key === selected ? null : key),
    look,
  });

  const positions = useMemo(() => rows.filter(isLive).map(positionOf), [rows]);
  useSetPositions(tree.ref, positions);

  const card = useRemembered(state, selected ?? looked);
  const init = state.sandbox === null ? undefined : state.processes[state.sandbox.init];
  const plainUser = init === undefined ? '' : uidText(init);
  return (
    <div className="tr-view" data-past={props.past || undefined}>
      <div className="tr-frame">
        <div className="tr-main">
          <Legend state={state} lang={lang} lit={membrane} onLight={setMembrane} />
          {rows.length === 0 ? (
            <div className="tr-empty">
              <EmptyVessel />
              <p>{words.noProcesses}</p>
            </div>
          ) : (
            <div className="tr-scroll">
              <div className="tr-tree tr-grid" style={{ '--pids': longest } as CSSProperties}>
                <div className="tr-head" aria-hidden="true">
                  <span>{words.columnProcess}</span>
                  <span>{words.columnPids}</span>
                  <span>{words.columnMembranes}</span>
                  <span className="tr-state">{words.columnState}</span>
                  <span className="tr-tty">{words.columnTerminal}</span>
                  <span className="tr-uid">{words.columnUser}</span>
                </div>
                <div
                  {...tree.props}
                  role="tree"
                  aria-label={words.processes}
                  className="tr-rows"
                  onPointerEnter={(event) => setFrozen(event.pointerType !== 'touch')}
                  onPointerLeave={() => {
                    setFrozen(false);
                    look.cancel();
                  }}
                >
                  {rows.map((row, i) => {
                    const { process, goneSince, freshSince } = row.shown;
                    const { key } = process;
                    return (
                      <ProcessRow
                        key={key}
                        process={process}
                        sandbox={state.sandbox}
                        lang={lang}
                        level={row.level}
                        expanded={row.hasChildren ? !collapsed.has(key) : undefined}
                        fresh={freshSince !== null}
                        gone={goneSince !== null}
                        isInit={isSandboxInit(state, key)}
                        plainUser={uidText(process) === plainUser}
                        active={key === tree.active}
                        selected={key === selected}
                        highlighted={lit.has(key)}
                        rings={decorations[i]?.rings ?? ''}
                        membranes={decorations[i]?.membranes ?? ''}
                      />
                    );
                  })}
                </div>
              </div>
            </div>
          )}
        </div>
        <FactsPanel
          lang={lang}
          title={card === null ? null : <ProcessTitle process={card} lang={lang} />}
          pinned={card !== null && card.key === selected}
          onPin={() => select(card === null || card.key === selected ? null : card.key)}
        >
          {card !== null && (
            <ProcessFacts
              state={state}
              process={card}
              gone={state.processes[card.key] === undefined}
              lang={lang}
              onShowInTerminal={props.onShowInTerminal}
            />
          )}
        </FactsPanel>
      </div>
    </div>
  );
}

interface Decoration {
  readonly rings: string;
  readonly membranes: string;
}

/** Rings and pid membranes of every row, as strings that a memoised row can compare. */
function decorate(
  state: State,
  rows: readonly Row[],
  rings: ReadonlyMap<NsInode, Ring>,
): readonly Decoration[] {
  const membranes = rows.map((): string[] => []);
  const open: { level: number; inode: NsInode; slot: number; first: number }[] = [];
  rows.forEach((row, i) => {
    while (open.length > 0 && open.at(-1)!.level >= row.level) end(open.pop()!, i - 1);
    const inode = row.shown.process.namespaces.pid;
    const ring = rings.get(inode);
    if (ring !== undefined && open.at(-1)?.inode !== inode)
      open.push({ level: row.level, inode, slot: ring.slot, first: i });
  });
  while (open.length > 0) end(open.pop()!, rows.length - 1);

  function end(one: (typeof open)[number], last: number): void {
    for (let i = one.first; i <= last; i++) {
      const ends = `${i === one.first ? 'f' : ''}${i === last ? 'l' : ''}`;
      membranes[i]?.unshift(`${one.level}/${one.slot}/${ends}`);
    }
  }
  return rows.map((row, i) => ({
    rings: ownKinds(state, row.shown.process)
      .map((kind) => `${kind}/${rings.get(row.shown.process.namespaces[kind])?.slot ?? 0}`)
      .join(' '),
    membranes: membranes[i]?.join(' ') ?? '',
  }));
}

function isLive(row: Row): boolean {
  return row.shown.goneSince === null;
}

function positionOf({ shown, position, setSize }: Row): PositionedRow {
  return { id: shown.process.key, position, setSize };
}

function keyRow(collapsed: ReadonlySet<ProcessKey>) {
  return (row: Row) => ({
    id: row.shown.process.key,
    level: row.level,
    expanded: row.hasChildren ? !collapsed.has(row.shown.process.key) : undefined,
    text: row.shown.process.comm,
  });
}

/** The process to show in the card; one that has ended keeps its last facts. */
function useRemembered(state: State, key: ProcessKey | null): ProcessState | null {
  const last = useRef<ProcessState | null>(null);
  const live = key === null ? undefined : state.processes[key];
  const shown = live ?? (last.current?.key === key ? last.current : null);
  useEffect(() => {
    last.current = shown;
  });
  return shown;
}
