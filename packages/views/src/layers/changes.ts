/** What happened to the layers between two states, for the text feed. */
import type { LayerEntry, OverlayState, State } from '@terrarium/timeline';
import type { Lang } from '../strings.js';
import { layerStrings } from './strings.js';

type Entries = Readonly<Record<string, LayerEntry>>;

/** Sentences for what changed in overlays; none where nothing did. */
export function overlaySentences(before: State, after: State, lang: Lang): string[] {
  const [old, now] = [before.overlays ?? {}, after.overlays ?? {}];
  if (old === now) return [];
  const words = layerStrings(lang);
  const sentences: string[] = [];
  for (const [key, overlay] of Object.entries(now)) {
    const known = old[key];
    if (known === undefined || known.bornAt !== overlay.bornAt) {
      if (!overlay.ofSandbox) sentences.push(words.saidMounted(overlay.layers.length));
    } else sentences.push(...upperSentences(known, overlay, lang));
  }
  for (const key of Object.keys(old)) {
    if (now[key] === undefined) sentences.push(words.saidUnmounted);
  }
  return sentences;
}

function upperSentences(before: OverlayState, after: OverlayState, lang: Lang): string[] {
  const words = layerStrings(lang);
  const [old, now] = [upperOf(before), upperOf(after)];
  if (old === now) return [];
  const fresh = Object.keys(now).filter((path) => isOther(old[path], now[path]));
  const isWhiteout = (path: string): boolean => now[path]?.kind === 'whiteout';
  const isCopy = (path: string): boolean =>
    now[path]?.came === 'copy-up' && now[path]?.kind !== 'directory';
  const plain = fresh.filter((path) => !isWhiteout(path) && now[path]?.came !== 'copy-up');
  const gone = Object.keys(old).filter((path) => now[path] === undefined);
  return [
    ...said(fresh.filter(isCopy), words.saidCopiedUp, words.saidManyCopiedUp),
    ...said(fresh.filter(isWhiteout), words.saidWhiteout, words.saidManyWhiteouts),
    ...said(plain, words.saidNew, words.saidManyNew),
    ...said(gone, words.saidGone, words.saidManyGone),
  ];
}

function said(
  paths: readonly string[],
  one: (path: string) => string,
  many: (n: number) => string,
): string[] {
  const [first] = paths;
  if (first === undefined) return [];
  return paths.length === 1 ? [one(first)] : [many(paths.length)];
}

/** New, or something else of the same name: a file that grows is no news. */
function isOther(old: LayerEntry | undefined, now: LayerEntry | undefined): boolean {
  return old === undefined || old.kind !== now?.kind;
}

const EMPTY: Entries = {};

function upperOf({ layers }: OverlayState): Entries {
  return layers[0]?.role === 'upper' ? (layers[0].entries ?? EMPTY) : EMPTY;
}
