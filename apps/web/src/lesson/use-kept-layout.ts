'use client';
/** The sizes of one group of panes, as the learner left them. */
import { useCallback, useState } from 'react';
import type { Layout } from 'react-resizable-panels';
import { parseLayouts } from '../live/preferences';
import { usePreferences } from '../live/use-lab';

/** What a `Group` takes to begin with its old sizes and to tell of new ones. */
export interface KeptLayout {
  readonly id: string;
  readonly defaultLayout: Layout | undefined;
  readonly onLayoutChanged: (layout: Layout, meta: { isUserInteraction: boolean }) => void;
}

/** @param group names it among all groups of the page; its sizes go by its panels' ids */
export function useKeptLayout(group: string): KeptLayout {
  const { preferences, prefer } = usePreferences();
  // Only the first value counts: afterwards the group itself knows its sizes.
  const [defaultLayout] = useState(() => parseLayouts(preferences.layout)[group]);
  const layout = preferences.layout;
  const onLayoutChanged = useCallback(
    (next: Layout, meta: { isUserInteraction: boolean }) => {
      if (!meta.isUserInteraction) return;
      const rounded = Object.fromEntries(
        Object.entries(next).map(([id, size]) => [id, Math.round(size * 10) / 10]),
      );
      prefer('layout', JSON.stringify({ ...parseLayouts(layout), [group]: rounded }));
    },
    [group, layout, prefer],
  );
  return { id: `panes-${group}`, defaultLayout, onLayoutChanged };
}
