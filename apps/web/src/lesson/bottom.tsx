'use client';
/** The strip at the bottom: the session on one axis to look back on, and in words what just changed. */
import { ChangesFeed, Scrubber } from '@terrarium/views';
import { useCallback } from 'react';
import { useTexts } from '../i18n/use-texts';
import { useLabPart, useLabStore, usePreferences } from '../live/use-lab';

/** @param props.onCommand a command's span was clicked: its diff is wanted */
export function Bottom(props: { readonly onCommand: (command: string) => void }) {
  const { lang } = useTexts();
  const store = useLabStore();
  const state = useLabPart((lab) => lab.state);
  const history = useLabPart((lab) => lab.history);
  const position = useLabPart((lab) => lab.past?.seq ?? null);
  const { preferences, prefer } = usePreferences();
  const recall = useCallback(() => void store.recall(), [store]);
  const seek = useCallback((seq: number | null) => void store.seek(seq), [store]);
  const since = useCallback((seq: number) => store.get().history.between(seq), [store]);
  return (
    <footer className="bottom">
      <Scrubber
        history={history}
        newest={state.seq}
        position={position}
        onSeek={seek}
        onUse={recall}
        onCommand={props.onCommand}
        // Calm unless asked: the lanes of each kind are for those who look back.
        compact={preferences.lanes !== 'all'}
        onCompact={(compact) => prefer('lanes', compact ? 'few' : 'all')}
        lang={lang}
      />
      <ChangesFeed state={state} lang={lang} since={since} />
    </footer>
  );
}
