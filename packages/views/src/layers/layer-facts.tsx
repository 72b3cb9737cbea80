'use client';
/** All that is known about one entry, or one layer, for the card beside the stack. */
import { journeyOf, type LayerEntry, type OverlayState } from '@terrarium/timeline';
import { Fact, LookYourself } from '../facts-panel.js';
import type { Lang } from '../strings.js';
import { LayerChip, stratum } from './marks.js';
import { cameText, hiddenText } from './stack-pane.js';
import { layerName, layerStrings, sizeText } from './strings.js';

interface CardProps {
  readonly overlay: OverlayState;
  readonly layer: number;
  readonly mountPoint: string | null;
  readonly lang: Lang;
  readonly onShowInTerminal?: ((command: string) => void) | undefined;
}

const MANUALS = ['mount(8), “Mount options for overlay”', 'mknod(2)', 'xattr(7)'];

/** One entry of one layer, and what the other layers have of its name. */
export function EntryFacts(
  props: CardProps & { readonly path: string; readonly entry: LayerEntry },
) {
  const { overlay, layer, path, entry, lang, mountPoint } = props;
  const words = layerStrings(lang);
  const { dir = '' } = overlay.layers[layer] ?? {};
  const name = path.slice(path.lastIndexOf('/') + 1);
  return (
    <>
      <dl>
        <Fact name={words.factLayer}>
          <LayerChip layers={overlay.layers} index={layer} lang={lang} />{' '}
          {layerName(overlay.layers, layer, lang)} <code>{dir}</code>
        </Fact>
        <Fact name={words.factKind}>
          {words.kinds[entry.kind]}
          {entry.kind === 'file' && ` · ${sizeText(entry.size)}`}
          {entry.kind === 'whiteout' && <small>{words.whiteoutHelp}</small>}
          {entry.opaque === true && <small>{words.opaqueHelp}</small>}
        </Fact>
        {entry.came !== undefined && (
          <Fact name={words.factCame}>
            {cameText(entry.came, entry.copiedIn, lang)}
            <small>{cameHelp(entry.came, lang)}</small>
          </Fact>
        )}
        <Fact name={words.factJourney}>
          <Journey overlay={overlay} path={path} lang={lang} />
        </Fact>
        <Fact name={words.factAufs}>{aufsText(overlay, layer, name, entry, lang)}</Fact>
      </dl>
      <LookYourself
        lang={lang}
        paths={[`${dir}/${path}`]}
        manuals={MANUALS}
        commands={entryCommands(overlay, dir, path, entry, mountPoint)}
        onShowInTerminal={props.onShowInTerminal}
      />
    </>
  );
}

/** From top to bottom: which layers have the name, and which of them is seen. */
function Journey(props: {
  readonly overlay: OverlayState;
  readonly path: string;
  readonly lang: Lang;
}) {
  const { overlay, path, lang } = props;
  const words = layerStrings(lang);
  return (
    <ol className="tr-journey">
      {journeyOf(overlay, path).map(({ layer, entry, fate, by }) => (
        <li key={layer} data-fate={fate} {...stratum(overlay.layers, layer)}>
          <LayerChip layers={overlay.layers} index={layer} lang={lang} spoken />
          <span>
            {by === null ? words.fates[fate] : hiddenText(by, overlay, lang)}
            {entry?.kind === 'file' && <span className="tr-dim"> {sizeText(entry.size)}</span>}
          </span>
        </li>
      ))}
    </ol>
  );
}

/** A layer as a whole. */
export function LayerFacts(props: CardProps) {
  const { overlay, layer, lang, mountPoint } = props;
  const words = layerStrings(lang);
  const state = overlay.layers[layer];
  if (state === undefined) return null;
  const isUpper = state.role === 'upper';
  const count = Object.keys(state.entries ?? {}).length;
  return (
    <>
      <dl>
        <Fact name={words.factOption}>
          <code>{optionOf(overlay, layer)}</code>
          <small>{isUpper ? words.upperHelp : words.lowerHelp}</small>
        </Fact>
        {isUpper && overlay.workDir !== null && (
          <Fact name={words.work}>
            <code>{`workdir=${overlay.workDir}`}</code>
          </Fact>
        )}
        <Fact name={words.factEntries}>
          {state.entries === null
            ? overlay.ofSandbox
              ? words.baseImage
              : words.notListed
            : words.entryCount(count)}
          {state.more > 0 && <small>{words.moreEntries(state.more)}</small>}
        </Fact>
        <Fact name={words.factMounted}>
          <code>{mountPoint ?? '–'}</code>
        </Fact>
        <Fact name={words.factAufs}>{isUpper ? words.aufsUpper : words.aufsLower}</Fact>
      </dl>
      <LookYourself
        lang={lang}
        paths={[state.dir]}
        manuals={MANUALS}
        commands={[
          ...(overlay.ofSandbox ? [] : [`ls -lAR ${quoted(state.dir)}`]),
          `findmnt -t overlay -o TARGET,OPTIONS${mountPoint === null ? '' : ` ${quoted(mountPoint)}`}`,
        ]}
        onShowInTerminal={props.onShowInTerminal}
      />
    </>
  );
}

function optionOf({ layers }: OverlayState, index: number): string {
  const dir = layers[index]?.dir ?? '';
  if (layers[index]?.role === 'upper') return `upperdir=${dir}`;
  const lowers = layers.filter(({ role }) => role === 'lower').map((layer) => layer.dir);
  const at = layers.slice(0, index).filter(({ role }) => role === 'lower').length;
  return `lowerdir=${lowers.map((one, i) => (i === at ? one : '…')).join(':')}`;
}

function cameHelp(came: NonNullable<LayerEntry['came']>, lang: Lang): string {
  const words = layerStrings(lang);
  if (came === 'copy-up') return words.cameCopyUp;
  return came === 'created' ? words.cameCreated : words.cameRenamed;
}

function aufsText(
  { layers }: OverlayState,
  layer: number,
  name: string,
  entry: LayerEntry,
  lang: Lang,
): string {
  const words = layerStrings(lang);
  if (entry.kind === 'whiteout') return words.aufsWhiteout(name);
  if (entry.opaque === true) return words.aufsOpaque;
  if (entry.came === 'copy-up') return words.aufsCopyUp;
  return layers[layer]?.role === 'upper' ? words.aufsUpper : words.aufsLower;
}

/** The sandbox's own layers have no path inside it: there the merged file must do. */
function entryCommands(
  overlay: OverlayState,
  dir: string,
  path: string,
  entry: LayerEntry,
  mountPoint: string | null,
): readonly string[] {
  const merged = mountPoint === null ? null : `${mountPoint === '/' ? '' : mountPoint}/${path}`;
  const seen = merged === null ? [] : [`ls -ld ${quoted(merged)}`];
  if (overlay.ofSandbox) return seen;
  const own = quoted(`${dir}/${path}`);
  const marks = entry.came === 'copy-up' || entry.opaque === true;
  return [
    `stat -c '%n: %F, %s bytes, device %t,%T' ${own}`,
    ...(marks ? [`getfattr -d -m overlay ${own}`] : []),
    ...seen,
  ];
}

/** For a shell; most paths need nothing. */
function quoted(text: string): string {
  return /^[\w./:@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
