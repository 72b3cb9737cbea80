/** The signs of layers: a chip of the stratum that something is in, and the hole of a whiteout. */
import type { LayerEntry, LayerState } from '@terrarium/timeline';
import type { Lang } from '../strings.js';
import { layerLetter, layerName } from './strings.js';

/** Patterns that tell strata apart without colour; more layers than that begin again. */
export const STRATUM_PATTERNS = 5;

/** A piece of the stratum with its letter: U for the upper layer, 1 for the first lower one. */
export function LayerChip(props: {
  readonly layers: readonly LayerState[];
  readonly index: number;
  readonly lang: Lang;
  /** no text beside it says the same */
  readonly spoken?: boolean;
}) {
  const { layers, index, lang } = props;
  return (
    <span
      className="tr-layer-chip"
      {...stratum(layers, index)}
      title={layerName(layers, index, lang)}
    >
      <span aria-hidden={props.spoken === true ? true : undefined}>
        {layerLetter(layers, index)}
      </span>
      {props.spoken === true && <span className="tr-sr">{layerName(layers, index, lang)}</span>}
    </span>
  );
}

/** Attributes by which layers.css gives an element the ground and pattern of its stratum. */
export function stratum(
  layers: readonly LayerState[],
  index: number,
): { 'data-role': 'upper' | 'lower'; 'data-stratum': number } {
  const lowers = layers[0]?.role === 'upper' ? index - 1 : index;
  return {
    'data-role': layers[index]?.role ?? 'lower',
    'data-stratum': lowers < 0 ? 0 : (lowers % STRATUM_PATTERNS) + 1,
  };
}

/** On a 12 × 12 grid: a sheet, a folder, an arrow, a hole with its edge torn open. */
const PATHS: Readonly<Record<LayerEntry['kind'], string>> = {
  file: 'M3 1.6h4l2.2 2.2v6.6H3zM7 1.6v2.2h2.2',
  directory: 'M1.7 9.7V2.9h3l1.2 1.5h4.4v5.3z',
  symlink: 'M2 9.8c0-4 2.4-5.4 7.2-5.4M6.8 2.2l2.6 2.2-2.6 2.3',
  device: 'M2.2 3.4h7.6v5.2H2.2zM4.4 8.6v1.8M7.6 8.6v1.8',
  fifo: 'M1.4 4.2h9.2M1.4 7.8h9.2M4.4 6h3.2',
  socket: 'M6 1.6v3M6 7.4v3M3.4 4.6h5.2v2.8H3.4z',
  whiteout: 'M6 1.8a4.2 4.2 0 1 1 0 8.4a4.2 4.2 0 1 1 0-8.4',
};

export function EntryGlyph({ kind }: { readonly kind: LayerEntry['kind'] }) {
  return (
    <svg
      className="tr-glyph tr-entry-glyph"
      data-entry={kind}
      width={13}
      height={13}
      viewBox="0 0 12 12"
      aria-hidden="true"
    >
      <path d={PATHS[kind]} />
    </svg>
  );
}
