'use client';
/** The tab Commands: what each command did to the kernel, from the page's history. */
import { attributionOf, commandDiff } from '@terrarium/timeline';
import { DiffView } from '@terrarium/views';
import { useEffect, useMemo } from 'react';
import { useTexts } from '../i18n/use-texts';
import { useLabPart, useLabStore, useViewState } from '../live/use-lab';
import { pastStrings } from './strings';

/** @param props.command the chosen one; the newest where none is, or where it is forgotten */
export function CommandsView(props: {
  readonly command: string | null;
  readonly onCommand: (command: string) => void;
}) {
  const { lang } = useTexts();
  const history = useLabPart((lab) => lab.history);
  const newest = useLabPart((lab) => lab.state.seq);
  const position = useLabPart((lab) => lab.past?.seq ?? null);
  const { state, past } = useViewState();
  const store = useLabStore();
  // A page that was opened just now knows no command from before; the daemon does.
  useEffect(() => void store.recall(), [store]);
  // The history grows in place; `newest` says so.
  const commands = useMemo(() => {
    const upTo = position ?? newest;
    return attributionOf(history)
      .spans()
      .filter(({ startSeq }) => startSeq <= upTo);
  }, [history, newest, position]);
  const chosen = commands.find(({ id }) => id === props.command) ?? commands.at(-1) ?? null;
  const diff = useMemo(
    () => (chosen === null || newest < 0 ? null : commandDiff(history, chosen.id)),
    [history, newest, chosen],
  );
  if (commands.length === 0) {
    return (
      <div className="gate" role="status">
        <p>{pastStrings(lang).noCommands}</p>
      </div>
    );
  }
  return (
    <DiffView
      commands={commands}
      diff={diff}
      onChoose={props.onCommand}
      state={state}
      lang={lang}
      past={past}
    />
  );
}
