'use client';
/** The merged directory, seen from above: each name with a piece of the stratum that supplies it. */
import { subject } from '@terrarium/timeline';
import { useMemo } from 'react';
import { Twist, treeItem } from '../tree-item.js';
import { useAppear } from '../use-appear.js';
import { useRowTree } from '../use-row-tree.js';
import { EntryGlyph, LayerChip, stratum } from './marks.js';
import type { PaneProps } from './pane-props.js';
import type { MergedRow } from './rows.js';
import { layerStrings, sizeText } from './strings.js';

export interface MergedPaneProps extends PaneProps<MergedRow> {
  readonly isReduced: boolean;
  readonly mountPoint: string | null;
}

export function MergedPane(props: MergedPaneProps) {
  const { overlay, rows, lang, selected, looked, onLook } = props;
  const words = layerStrings(lang);
  const tree = useRowTree<string>(rows, {
    thingOf: (id) => id,
    toggle: props.onToggle,
    choose: props.onChoose,
    look: onLook,
  });
  const ids = useMemo(() => rows.map(({ id }) => id), [rows]);
  useAppear(tree.ref, ids, `${overlay.key}${overlay.bornAt}${props.isReduced}`);
  return (
    <section className="tr-merged" onPointerLeave={onLook.cancel}>
      <h4 className="tr-merged-head">
        {words.merged}
        {props.mountPoint !== null && <code>{props.mountPoint}</code>}
      </h4>
      {props.isReduced && <p className="tr-merged-off">{words.mergedOff}</p>}
      {rows.length === 0 && <p className="tr-merged-off">{words.mergedEmpty}</p>}
      <div className="tr-scroll">
        <div
          {...tree.props}
          role="tree"
          aria-label={words.merged}
          className="tr-rows tr-merged-rows"
        >
          {rows.map((row) => (
            <div
              key={row.id}
              {...treeItem(row, { active: row.id === tree.active, selected: row.id === selected })}
              className="tr-row tr-layer-row"
              data-appear={row.id}
              data-subject={subject.overlay(overlay.key, row.merged.path)}
              data-same={(row.merged.path === props.lookedPath && row.id !== looked) || undefined}
              data-highlighted={(row.id === looked && looked !== selected) || undefined}
              {...stratum(overlay.layers, row.merged.layer)}
            >
              <span className="tr-cell tr-name">
                <Twist expanded={row.expanded} />
                <EntryGlyph kind={row.merged.entry.kind} />
                <span className="tr-entry-name">{row.text}</span>
              </span>
              <span className="tr-cell tr-layer-side">
                {row.merged.entry.kind === 'file' && (
                  <span className="tr-dim">{sizeText(row.merged.entry.size)}</span>
                )}
                <span className="tr-layer-chips">
                  {suppliers(row).map((index) => (
                    <LayerChip
                      key={index}
                      layers={overlay.layers}
                      index={index}
                      lang={lang}
                      spoken
                    />
                  ))}
                </span>
              </span>
            </div>
          ))}
        </div>
      </div>
    </section>
  );
}

function suppliers({ merged }: MergedRow): readonly number[] {
  return merged.merged.length > 1 ? merged.merged : [merged.layer];
}
