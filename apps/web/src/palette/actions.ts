/**
 * What the command palette can do: pages register what is possible on them, the palette asks when
 * it opens. A list outside of React, because the palette stands in the header, above all pages.
 */
import { useEffect, useRef } from 'react';

export interface PaletteAction {
  readonly id: string;
  readonly title: string;
  /** a word beside the title: the sort of thing it is */
  readonly group: string;
  /** keys that do the same */
  readonly keys?: string;
  run(): void;
}

type Source = () => readonly PaletteAction[];

const sources = new Set<Source>();

/** All actions that are possible now, in the order of registration. */
export function paletteActions(): readonly PaletteAction[] {
  return [...sources].flatMap((source) => source());
}

/** Offers actions while the component is on the page; `make` is asked when the palette opens. */
export function usePaletteActions(make: Source): void {
  const latest = useRef(make);
  latest.current = make;
  useEffect(() => {
    const source: Source = () => latest.current();
    sources.add(source);
    return () => {
      sources.delete(source);
    };
  }, []);
}

/** Actions whose title or group has every word of the query. */
export function matching(actions: readonly PaletteAction[], query: string): PaletteAction[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  return actions.filter(({ title, group }) => {
    const text = `${title} ${group}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
}
