'use client';
/**
 * The networks of a sandbox: each network namespace a box, interfaces its ports, veth pairs wires;
 * below it the same as a tree, and on request the path that a packet would take. A view of the
 * folded state alone.
 */
import { type PacketPath, packetPath, type State } from '@terrarium/timeline';
import { memo, useMemo, useRef, useState } from 'react';
import { FactsPanel } from '../facts-panel.js';
import { EmptyVessel } from '../logo.js';
import type { Lang } from '../strings.js';
import { Twist, treeItem } from '../tree-item.js';
import { useAppear } from '../use-appear.js';
import { useHoverIntent } from '../use-hover-intent.js';
import { useRowTree } from '../use-row-tree.js';
import type { ViewProps } from '../view-props.js';
import { useFlows } from './flows.js';
import { NetworkCard, NetworkTitle } from './network-facts.js';
import { NetworkMap } from './network-map.js';
import { type BoxModel, boxesOf } from './network-model.js';
import { NetworkRowContent, subjectOfThing } from './network-row.js';
import { type NetworkRow, type NetworkThing, networkRows } from './network-rows.js';
import { type Asked, AskPath, PathList } from './path-panel.js';
import { networkStrings } from './strings.js';
import { useGhosts } from './use-ghosts.js';
import { useGlow } from './use-glow.js';

const NONE: ReadonlySet<string> = new Set();

export function NetworkView(props: ViewProps) {
  const { state, lang } = props;
  const words = networkStrings(lang);
  const [closed, setClosed] = useState(NONE);
  const [selected, select] = useState<string | null>(null);
  const [looked, look] = useHoverIntent<string>();
  const [asked, ask] = useState<Asked | null>(null);
  const { boxes, base } = useBoxes(state);
  const flows = useFlows(state);
  const rows = useMemo(() => networkRows(base, boxes, closed), [base, boxes, closed]);
  const things = useMemo(() => new Map(rows.map(({ id, thing }) => [id, thing])), [rows]);
  const path = usePath(state, asked);
  const choose = (id: string): void => select((before) => (before === id ? null : id));
  const tree = useRowTree<string>(rows, {
    thingOf: (id) => id,
    toggle: (id, open) => setClosed((before) => withToggled(before, id, open)),
    choose,
    look,
  });
  const map = useRef<HTMLDivElement>(null);
  const sandbox = state.sandbox?.id ?? null;
  const scroller = useRef<HTMLDivElement>(null);
  const askAndShow = (question: Asked | null): void => {
    ask(question);
    scroller.current?.scrollTo?.({ top: 0 }); // the answer stands above the picture
  };
  const ids = useMemo(() => linkIds(rows.map(({ thing }) => thing)), [rows]);
  useAppear(map, ids, sandbox);
  useAppear(tree.ref, ids, sandbox);
  useGlow(
    [map, tree.ref],
    useMemo(() => linkValues(things), [things]),
    sandbox,
  );
  const ghosts = useGhosts(boxes, sandbox);

  const card = things.get(selected ?? '') ?? things.get(looked ?? '') ?? null;
  const lit = card?.id ?? null;
  return (
    <div className="tr-view tr-network" data-past={props.past || undefined}>
      <div className="tr-frame">
        <div className="tr-main">
          {boxes.length === 0 ? (
            <div className="tr-empty">
              <EmptyVessel />
              <p>{words.noNetworks}</p>
            </div>
          ) : (
            <>
              <AskPath state={state} boxes={boxes} lang={lang} asked={asked} onAsk={askAndShow} />
              <div className="tr-scroll" ref={scroller} onPointerLeave={look.cancel}>
                {path !== null && asked !== null && (
                  <PathList state={state} boxes={boxes} lang={lang} asked={asked} path={path} />
                )}
                <NetworkMap
                  mapRef={map}
                  state={base}
                  boxes={ghosts.boxes}
                  gone={ghosts.gone}
                  lang={lang}
                  lit={lit}
                  path={path}
                  flows={flows}
                  onLook={look.soon}
                  onChoose={choose}
                />
                <div
                  {...tree.props}
                  role="tree"
                  aria-label={words.network}
                  className="tr-rows tr-net-rows"
                >
                  {rows.map((row) => (
                    <TreeRow
                      key={row.id}
                      state={base}
                      row={row}
                      boxes={boxes}
                      lang={lang}
                      active={row.id === tree.active}
                      selected={row.id === selected}
                      highlighted={row.id === lit && row.id !== selected}
                    />
                  ))}
                </div>
              </div>
            </>
          )}
        </div>
        <FactsPanel
          lang={lang}
          title={card === null ? null : <NetworkTitle state={state} thing={card} lang={lang} />}
          pinned={card !== null && card.id === selected}
          onPin={() => card !== null && choose(card.id)}
        >
          {card !== null && (
            <NetworkCard
              state={state}
              thing={card}
              boxes={boxes}
              lang={lang}
              onShowInTerminal={props.onShowInTerminal}
            />
          )}
        </FactsPanel>
      </div>
    </div>
  );
}

/** Memoised: there may be hundreds, and a counter that moves changes none of them. */
const TreeRow = memo(function TreeRow(props: {
  readonly state: State;
  readonly row: NetworkRow;
  readonly boxes: readonly BoxModel[];
  readonly lang: Lang;
  readonly active: boolean;
  readonly selected: boolean;
  readonly highlighted: boolean;
}) {
  const { row } = props;
  return (
    <div
      {...treeItem(row, { active: props.active, selected: props.selected })}
      className="tr-row tr-net-row"
      data-appear={row.thing.type === 'link' ? row.id : undefined}
      data-subject={subjectOfThing(row.thing)}
      data-type={row.thing.type}
      data-highlighted={props.highlighted || undefined}
    >
      <span className="tr-cell tr-name">
        <Twist expanded={row.expanded} />
        <NetworkRowContent
          state={props.state}
          thing={row.thing}
          boxes={props.boxes}
          lang={props.lang}
        />
      </span>
    </div>
  );
});

/**
 * Boxes with the state that they were made of: made again only when something that they show
 * changed, and not for a counter. Who draws by this state is drawn anew only then.
 */
function useBoxes(state: State): { readonly boxes: readonly BoxModel[]; readonly base: State } {
  const { networks, namespaces, processes, sandbox } = state;
  // biome-ignore lint/correctness/useExhaustiveDependencies: the parts of the state that are read
  return useMemo(
    () => ({ boxes: boxesOf(state), base: state }),
    [networks, namespaces, processes, sandbox],
  );
}

function usePath(state: State, asked: Asked | null): PacketPath | null {
  const { networks } = state;
  // biome-ignore lint/correctness/useExhaustiveDependencies: the part of the state that is read
  return useMemo(() => (asked === null ? null : packetPath(state, asked)), [networks, asked]);
}

function withToggled(before: ReadonlySet<string>, id: string, open: boolean): ReadonlySet<string> {
  const after = new Set(before);
  if (open) after.delete(id);
  else after.add(id);
  return after;
}

function linkIds(things: readonly NetworkThing[]): readonly string[] {
  return things.filter(({ type }) => type === 'link').map(({ id }) => id);
}

function linkValues(things: ReadonlyMap<string, NetworkThing>): ReadonlyMap<string, unknown> {
  const links = [...things.values()].flatMap((thing) =>
    thing.type === 'link' ? [[thing.id, thing.port.link] as const] : [],
  );
  return new Map(links);
}
