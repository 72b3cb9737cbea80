'use client';
/**
 * The stack: strata from the writable one on top down to the lowest, each with its entries. What is
 * hidden lies dimmed in its place; a file that is copied up is lifted out of its stratum.
 */
import { type OverlayState, subject } from '@terrarium/timeline';
import { memo, useMemo } from 'react';
import type { Lang } from '../strings.js';
import { Twist, treeItem } from '../tree-item.js';
import { useAppear } from '../use-appear.js';
import { useRowTree } from '../use-row-tree.js';
import { EntryGlyph, LayerChip, stratum } from './marks.js';
import type { PaneProps } from './pane-props.js';
import type { StackRow } from './rows.js';
import { layerName, layerStrings, sizeText, timeText } from './strings.js';
import { useLift } from './use-lift.js';

export interface StackPaneProps extends PaneProps<StackRow> {
  /** layers that are looked through */
  readonly off: ReadonlySet<number>;
}

export function StackPane(props: StackPaneProps) {
  const { overlay, rows, lang, selected, looked, onLook } = props;
  const words = layerStrings(lang);
  const tree = useRowTree<string>(rows, {
    thingOf: (id) => (/^(note|work|copying) ?/.test(id) ? null : id),
    toggle: props.onToggle,
    choose: props.onChoose,
    look: onLook,
  });
  const ids = useMemo(() => rows.map(({ id }) => id), [rows]);
  useAppear(tree.ref, ids, overlay.key + overlay.bornAt);
  useLift(tree.ref, overlay);
  return (
    <div className="tr-scroll tr-stack-scroll" onPointerLeave={onLook.cancel}>
      <div {...tree.props} role="tree" aria-label={words.layers} className="tr-rows tr-stack">
        {rows.map((row) => (
          <div
            key={row.id}
            {...treeItem(row, { active: row.id === tree.active, selected: row.id === selected })}
            className="tr-row tr-layer-row"
            data-appear={row.id}
            data-type={row.type}
            data-subject={subjectOf(row, overlay.key)}
            data-off={('layer' in row && props.off.has(row.layer)) || undefined}
            data-hidden={(row.type === 'entry' && row.hidden !== null) || undefined}
            data-entry={row.type === 'entry' ? row.entry.kind : undefined}
            data-same={
              (row.type === 'entry' && row.path === props.lookedPath && row.id !== looked) ||
              undefined
            }
            data-highlighted={(row.id === looked && looked !== selected) || undefined}
            {...('layer' in row ? stratum(overlay.layers, row.layer) : {})}
          >
            <RowContent row={row} overlay={overlay} lang={lang} />
          </div>
        ))}
      </div>
    </div>
  );
}

function subjectOf(row: StackRow, key: string): string | undefined {
  if (row.type === 'layer') return subject.layer(key, row.layer);
  if (row.type === 'entry') return subject.overlay(key, row.path);
  return undefined;
}

const RowContent = memo(function RowContent(props: {
  readonly row: StackRow;
  readonly overlay: OverlayState;
  readonly lang: Lang;
}) {
  const { row, overlay, lang } = props;
  const words = layerStrings(lang);
  switch (row.type) {
    case 'layer':
      return <LayerHead row={row} overlay={overlay} lang={lang} />;
    case 'entry':
      return <EntryCell row={row} overlay={overlay} lang={lang} />;
    case 'work':
      return (
        <span className="tr-cell tr-name">
          <Twist expanded={undefined} />
          <b className="tr-layer-role">{words.work}</b>
          <code className="tr-layer-dir">{row.dir}</code>
        </span>
      );
    case 'copying':
      return (
        <span className="tr-cell tr-name">
          <Twist expanded={undefined} />
          <EntryGlyph kind="file" />
          <code>{row.name}</code>
          <span className="tr-mark tr-copying">{words.onTheWay(sizeText(row.bytes))}</span>
        </span>
      );
    case 'note':
      return (
        <span className="tr-cell tr-name tr-layer-note">
          <Twist expanded={undefined} />
          {noteText(row, overlay, lang)}
        </span>
      );
  }
});

function LayerHead(props: {
  readonly row: Extract<StackRow, { type: 'layer' }>;
  readonly overlay: OverlayState;
  readonly lang: Lang;
}) {
  const { row, overlay, lang } = props;
  const words = layerStrings(lang);
  const { entries, more, role, dir } = row.state;
  const count = Object.keys(entries ?? {}).length + more;
  return (
    <>
      <span className="tr-cell tr-name">
        <Twist expanded={row.expanded} />
        <LayerChip layers={overlay.layers} index={row.layer} lang={lang} />
        <b className="tr-layer-role">{layerName(overlay.layers, row.layer, lang)}</b>
        <code className="tr-layer-dir" title={dir}>
          {dir}
        </code>
      </span>
      <span className="tr-cell tr-layer-side">
        {role === 'upper' ? words.writable : words.readOnly}
        {entries !== null && <span className="tr-dim">{words.entryCount(count)}</span>}
      </span>
    </>
  );
}

function EntryCell(props: {
  readonly row: Extract<StackRow, { type: 'entry' }>;
  readonly overlay: OverlayState;
  readonly lang: Lang;
}) {
  const { row, overlay, lang } = props;
  const words = layerStrings(lang);
  const { entry, hidden } = row;
  return (
    <>
      <span className="tr-cell tr-name">
        <Twist expanded={row.expanded} />
        <EntryGlyph kind={entry.kind} />
        <span className="tr-entry-name">{row.text}</span>
        {entry.kind === 'whiteout' && <span className="tr-mark tr-hole">c 0,0</span>}
        {entry.opaque === true && <span className="tr-mark">{words.opaque}</span>}
        {entry.came !== undefined && (
          <span className="tr-mark tr-came" data-came={entry.came}>
            {cameText(entry.came, entry.copiedIn, lang)}
          </span>
        )}
      </span>
      <span className="tr-cell tr-layer-side">
        {hidden !== null ? (
          <span className="tr-dim" title={hiddenText(hidden, overlay, lang)}>
            {words.hidden}
            <LayerChip layers={overlay.layers} index={hidden.layer} lang={lang} spoken />
          </span>
        ) : (
          entry.kind === 'file' && sizeText(entry.size)
        )}
        {entry.kind === 'whiteout' && <span className="tr-sr">{words.whiteoutNote}</span>}
      </span>
    </>
  );
}

/** How an entry came into the upper layer, in a word or two. */
export function cameText(
  came: 'copy-up' | 'created' | 'renamed',
  copiedIn: number | undefined,
  lang: Lang,
): string {
  const words = layerStrings(lang);
  if (came === 'created') return words.created;
  if (came === 'renamed') return words.renamed;
  return copiedIn === undefined || copiedIn <= 0
    ? words.copiedUp
    : words.copiedUpIn(timeText(copiedIn));
}

/** What hides an entry, as a sentence. */
export function hiddenText(
  by: {
    readonly layer: number;
    readonly path: string;
    readonly why: 'file' | 'whiteout' | 'opaque';
  },
  overlay: OverlayState,
  lang: Lang,
): string {
  return layerStrings(lang).hiddenBy[by.why](layerName(overlay.layers, by.layer, lang), by.path);
}

function noteText(
  row: Extract<StackRow, { type: 'note' }>,
  overlay: OverlayState,
  lang: Lang,
): string {
  const words = layerStrings(lang);
  const layer = overlay.layers[row.layer];
  switch (row.note) {
    case 'base-image':
      return words.baseImage;
    case 'not-listed':
      return words.notListed;
    case 'more':
      return words.moreEntries(layer?.more ?? 0);
    case 'empty':
      return layer?.role === 'upper' ? words.emptyUpper : words.empty;
  }
}
