'use client';
/**
 * The control groups of a sandbox: vessels in vessels, the processes in them, and how full each is.
 * On v1 the hierarchies are laid over each other (one group, several directories) or shown apart.
 */
import { cgroupFacts, cgroupNumber, cpusInUse, hierarchiesOf, subject } from '@terrarium/timeline';
import { useMemo, useState } from 'react';
import { FactsPanel } from '../facts-panel.js';
import { EmptyVessel } from '../logo.js';
import { sandboxPid } from '../process-text.js';
import { treeItem } from '../tree-item.js';
import { useAppear } from '../use-appear.js';
import { useHoverIntent } from '../use-hover-intent.js';
import { useRowTree } from '../use-row-tree.js';
import type { ViewProps } from '../view-props.js';
import { CgroupCard, CgroupTitle } from './cgroup-card.js';
import { RowContent } from './cgroup-row.js';
import { type CgroupRow, cgroupRows } from './rows.js';
import { type CgroupStrings, cgroupStrings } from './strings.js';
import { type CgroupMode, cgroupForests, mainDirectory } from './tree.js';

export function CgroupsView(props: ViewProps) {
  const { state, lang } = props;
  const words = cgroupStrings(lang);
  const [mode, setMode] = useState<CgroupMode>('group');
  const [closed, setClosed] = useState<ReadonlySet<string>>(new Set());
  const [looked, look] = useHoverIntent<string>();
  const [selected, select] = useState<string | null>(null);

  const { cgroups, processes, meters } = state;
  // biome-ignore lint/correctness/useExhaustiveDependencies: all that the tree is made of
  const forests = useMemo(() => cgroupForests(state, mode), [cgroups, processes, mode]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: as above
  const hierarchies = useMemo(() => hierarchiesOf(state), [cgroups]);
  const rows = useMemo(() => cgroupRows(forests, closed), [forests, closed]);
  const scale = useScale(state, cgroups);
  const toggle = (id: string, open: boolean) =>
    setClosed((before) => {
      const after = new Set(before);
      if (open) after.delete(id);
      else after.add(id);
      return after;
    });
  const choose = (id: string) => select((before) => (before === id ? null : id));
  const tree = useRowTree<string>(rows, { thingOf: (id) => id, toggle, choose, look });
  const ids = useMemo(() => rows.map(({ id }) => id), [rows]);
  useAppear(tree.ref, ids, `${state.sandbox?.id} ${mode}`);
  const card = rows.find(({ id }) => id === selected) ?? rows.find(({ id }) => id === looked);
  return (
    <div className="tr-view" data-past={props.past || undefined}>
      <div className="tr-frame">
        <div className="tr-main">
          {hierarchies.length > 1 && <ModeChoice words={words} mode={mode} onChange={setMode} />}
          {rows.length === 0 ? (
            <div className="tr-empty">
              <EmptyVessel />
              <p>{words.noCgroups}</p>
            </div>
          ) : (
            <div className="tr-scroll" onPointerLeave={look.cancel}>
              <div className="tr-head tr-cgroup-row" aria-hidden="true">
                <span>{words.columnGroup}</span>
                <span>{words.columnMemory}</span>
                <span>{words.columnPids}</span>
                <span>{words.columnCpu}</span>
              </div>
              <div
                {...tree.props}
                role="tree"
                aria-label={words.cgroups}
                className="tr-rows tr-cgroup-rows"
              >
                {rows.map((row) => (
                  <div
                    key={row.id}
                    {...treeItem(row, {
                      active: row.id === tree.active,
                      selected: row.id === selected,
                    })}
                    {...attributesOf(row)}
                    data-highlighted={(row.id === looked && looked !== selected) || undefined}
                  >
                    <RowContent
                      row={row}
                      meters={row.type === 'group' ? metersOf(row, meters) : NO_METERS}
                      cpus={row.type === 'group' ? cpusOf(row, state) : null}
                      hierarchies={hierarchies}
                      scale={scale}
                      pid={row.type === 'member' ? sandboxPid(state, row.member.process) : null}
                      lang={lang}
                    />
                  </div>
                ))}
              </div>
            </div>
          )}
        </div>
        <FactsPanel
          lang={lang}
          title={card === undefined ? null : <CgroupTitle state={state} row={card} />}
          pinned={card !== undefined && card.id === selected}
          onPin={() => card !== undefined && choose(card.id)}
        >
          {card !== undefined && (
            <CgroupCard
              state={state}
              row={card}
              lang={lang}
              onShowInTerminal={props.onShowInTerminal}
            />
          )}
        </FactsPanel>
      </div>
    </div>
  );
}

const NO_METERS: readonly [] = [];

function metersOf(row: CgroupRow & { type: 'group' }, meters: ViewProps['state']['meters']) {
  return row.node.directories.map(({ key }) => meters?.[key]);
}

/** On v1 one of the group's directories counts time; on v2 there is one. */
function cpusOf(row: CgroupRow & { type: 'group' }, { cpuReadings }: ViewProps['state']) {
  for (const { key } of row.node.directories) {
    const readings = cpuReadings?.[key];
    if (readings !== undefined) return cpusInUse(readings);
  }
  return null;
}

/** A group without a limit is drawn against the sandbox's, which is the limit that it feels. */
function useScale(state: ViewProps['state'], cgroups: ViewProps['state']['cgroups']) {
  // biome-ignore lint/correctness/useExhaustiveDependencies: limits stand in the files of cgroups
  return useMemo(() => {
    const own = Object.values(state.cgroups ?? {}).filter(({ path }) => path === '/');
    return cgroupNumber(cgroupFacts(own), 'memory.limit');
  }, [cgroups]);
}

function attributesOf(row: CgroupRow) {
  const main = row.type === 'group' ? mainDirectory(row.node) : undefined;
  const about =
    row.type === 'member'
      ? subject.process(row.member.process.key)
      : subject.cgroup(main?.key ?? '');
  return {
    className: 'tr-row tr-cgroup-row',
    'data-appear': row.id,
    'data-type': row.type,
    'data-subject': about,
  };
}

function ModeChoice(props: {
  readonly words: CgroupStrings;
  readonly mode: CgroupMode;
  readonly onChange: (mode: CgroupMode) => void;
}) {
  const { words, mode, onChange } = props;
  return (
    <div className="tr-choose">
      <label className="tr-choice">
        <span>{words.show}</span>
        <select value={mode} onChange={(event) => onChange(event.target.value as CgroupMode)}>
          <option value="group">{words.byGroup}</option>
          <option value="hierarchy">{words.byHierarchy}</option>
        </select>
      </label>
    </div>
  );
}
