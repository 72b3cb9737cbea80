'use client';
/**
 * The layers of an overlay: the stack as a stack, and beside it the merged directory as it is seen
 * from above. Layers can be looked through, which shows what is beneath in the folded state; the
 * kernel's own are not touched. A view of the folded state alone.
 */
import { mergedView, type OverlayState, overlaysOf, type State } from '@terrarium/timeline';
import { useMemo, useState } from 'react';
import { FactsPanel } from '../facts-panel.js';
import { EmptyVessel } from '../logo.js';
import type { Lang } from '../strings.js';
import { useHoverIntent } from '../use-hover-intent.js';
import type { ViewProps } from '../view-props.js';
import { EntryFacts, LayerFacts } from './layer-facts.js';
import { LayerChip } from './marks.js';
import { MergedPane } from './merged-pane.js';
import { mergedRows, stackRows } from './rows.js';
import { StackPane } from './stack-pane.js';
import { layerName, layerStrings } from './strings.js';

const NOTHING: ReadonlySet<never> = new Set();

export function LayersView(props: ViewProps) {
  const { state, lang } = props;
  const [wanted, setWanted] = useState<string | null>(null);
  const overlays = useMemo(() => overlaysOf(state.overlays), [state.overlays]);
  const overlay = overlays.find(({ key }) => key === wanted) ?? overlays[0];
  const words = layerStrings(lang);
  return (
    <div className="tr-view tr-layers" data-past={props.past || undefined}>
      {overlay === undefined ? (
        <div className="tr-empty">
          <EmptyVessel />
          <p>{words.noOverlays}</p>
          <p>{words.noOverlaysHow}</p>
        </div>
      ) : (
        <OneOverlay
          key={`${overlay.key} ${overlay.bornAt}`}
          {...props}
          overlay={overlay}
          overlays={overlays}
          onOverlay={setWanted}
        />
      )}
    </div>
  );
}

interface OneOverlayProps extends ViewProps {
  readonly overlay: OverlayState;
  readonly overlays: readonly OverlayState[];
  readonly onOverlay: (key: string) => void;
}

function OneOverlay(props: OneOverlayProps) {
  const { state, overlay, overlays, lang } = props;
  const [off, setOff] = useState<ReadonlySet<number>>(NOTHING);
  const [closed, setClosed] = useState<ReadonlySet<string>>(NOTHING);
  const [looked, look] = useHoverIntent<string>();
  const [selected, select] = useState<string | null>(null);

  const view = useMemo(() => mergedView(overlay), [overlay]);
  const reduced = useMemo(() => mergedView(overlay, off), [overlay, off]);
  const rows = useMemo(() => stackRows(overlay, view, closed), [overlay, view, closed]);
  const above = useMemo(() => mergedRows(reduced, closed), [reduced, closed]);
  const mountPoint = useMemo(() => mountPointOf(state, overlay.key), [state, overlay.key]);

  const choose = (id: string): void => select((before) => (before === id ? null : id));
  const shared = {
    ...{ overlay, lang, selected, looked },
    lookedPath: pathOf(selected ?? looked),
    onLook: look,
    onChoose: choose,
    onToggle: (id: string, open: boolean): void =>
      setClosed((before) => withOrWithout(before, id, !open)),
  };
  const card = thingOf(overlay, reduced, selected) ?? thingOf(overlay, reduced, looked);
  const facts = { overlay, mountPoint, lang, onShowInTerminal: props.onShowInTerminal };
  return (
    <div className="tr-frame">
      <div className="tr-main">
        <div className="tr-choose">
          <OverlayChoice
            state={state}
            overlays={overlays}
            value={overlay}
            lang={lang}
            onChange={props.onOverlay}
          />
          <Toggles
            overlay={overlay}
            off={off}
            lang={lang}
            onToggle={(index) =>
              setOff((before) => withOrWithout(before, index, !before.has(index)))
            }
          />
        </div>
        <div className="tr-layer-panes">
          <StackPane {...shared} rows={rows} off={off} />
          <MergedPane {...shared} rows={above} isReduced={off.size > 0} mountPoint={mountPoint} />
        </div>
      </div>
      <FactsPanel
        lang={lang}
        title={card === null ? null : <code>{card.title}</code>}
        pinned={card !== null && card.id === selected}
        onPin={() => card !== null && choose(card.id)}
      >
        {card !== null &&
          (card.entry === null ? (
            <LayerFacts {...facts} layer={card.layer} />
          ) : (
            <EntryFacts {...facts} layer={card.layer} path={card.path} entry={card.entry} />
          ))}
      </FactsPanel>
    </div>
  );
}

/** What a row's id stands for; null for what is there no more. */
function thingOf(overlay: OverlayState, view: ReturnType<typeof mergedView>, id: string | null) {
  if (id === null) return null;
  const head = /^layer (\d+)$/.exec(id);
  if (head !== null) {
    const layer = Number(head[1]);
    const state = overlay.layers[layer];
    return state === undefined ? null : { id, layer, path: '', entry: null, title: state.dir };
  }
  const [, where, path = ''] = /^(\d+|m):(.*)$/s.exec(id) ?? [];
  const layer =
    where === 'm'
      ? view.entries.find((one) => one.path === path)?.layer
      : where === undefined
        ? undefined
        : Number(where);
  const entry = layer === undefined ? undefined : overlay.layers[layer]?.entries?.[path];
  return layer === undefined || entry === undefined
    ? null
    : { id, layer, path, entry, title: path };
}

function pathOf(id: string | null): string | null {
  return id === null ? null : (/^(?:\d+|m):(.*)$/s.exec(id)?.[1] ?? null);
}

function withOrWithout<T>(before: ReadonlySet<T>, one: T, isIn: boolean): ReadonlySet<T> {
  const after = new Set(before);
  if (isIn) after.add(one);
  else after.delete(one);
  return after;
}

/** Where it is mounted: in the sandbox's own namespace when it is there, else wherever it is. */
function mountPointOf(state: State, key: string): string | null {
  const own = state.sandbox?.namespaces.mnt;
  const inOrder = Object.entries(state.mounts).sort(
    ([a], [b]) => Number(Number(b) === own) - Number(Number(a) === own),
  );
  for (const [, rows] of inOrder) {
    for (const row of Object.values(rows)) {
      if (row.device === key && row.fsType === 'overlay' && row.root === '/') return row.mountPoint;
    }
  }
  return null;
}

function OverlayChoice(props: {
  readonly state: State;
  readonly overlays: readonly OverlayState[];
  readonly value: OverlayState;
  readonly lang: Lang;
  readonly onChange: (key: string) => void;
}) {
  const { state, overlays, value, lang } = props;
  const words = layerStrings(lang);
  const text = (overlay: OverlayState): string => {
    const where = mountPointOf(state, overlay.key) ?? words.notMounted;
    const what = overlay.ofSandbox ? words.ownRoot : words.layerCount(overlay.layers.length);
    return `${where} · ${what}`;
  };
  return (
    <label className="tr-choice">
      <span>{words.overlay}</span>
      <select value={value.key} onChange={(event) => props.onChange(event.target.value)}>
        {overlays.map((overlay) => (
          <option key={overlay.key} value={overlay.key}>
            {text(overlay)}
          </option>
        ))}
      </select>
    </label>
  );
}

function Toggles(props: {
  readonly overlay: OverlayState;
  readonly off: ReadonlySet<number>;
  readonly lang: Lang;
  readonly onToggle: (index: number) => void;
}) {
  const { overlay, off, lang } = props;
  const words = layerStrings(lang);
  const listed = overlay.layers
    .map((layer, index) => ({ layer, index }))
    .filter(({ layer }) => layer.entries !== null);
  if (listed.length < 2) return null;
  return (
    <fieldset className="tr-look-through">
      <legend>{words.look}</legend>
      {listed.map(({ index }) => (
        <button
          key={index}
          type="button"
          aria-pressed={off.has(index)}
          aria-label={words.hideLayer(layerName(overlay.layers, index, lang))}
          onClick={() => props.onToggle(index)}
        >
          <LayerChip layers={overlay.layers} index={index} lang={lang} />
        </button>
      ))}
    </fieldset>
  );
}
