/** An open recording: views, terminals, scrubber, at one moment of it. */
import { attributionOf, commandDiff, EMPTY_STATE, type State } from '@terrarium/timeline';
import {
  CallsView,
  CgroupsView,
  DiffView,
  type Lang,
  LayersView,
  MountsView,
  momentText,
  NamespacesView,
  NetworkView,
  ProcessesView,
  Scrubber,
  trackOf,
} from '@terrarium/views';
import { type KeyboardEvent, useMemo, useState } from 'react';
import type { OpenRecording } from './recording-input.js';
import { type PlayerStrings, playerStrings, readerLanguage } from './strings.js';
import { Terminals } from './terminals.js';
import { usePosition } from './use-position.js';

const VIEWS = [
  'processes',
  'namespaces',
  'mounts',
  'cgroups',
  'layers',
  'network',
  'calls',
  'diff',
] as const;
type ViewName = (typeof VIEWS)[number];

export function Playing(props: { readonly open: OpenRecording; readonly onAnother: () => void }) {
  const { open } = props;
  const { history, recording, tapes } = open;
  const lang: Lang = languageOf(open);
  const words = playerStrings(lang);
  const [view, setView] = useState<ViewName>('processes');
  const [command, setCommand] = useState<string | null>(null);
  const { position, t, seek, playing, setPlaying } = usePosition(history);
  const state = history.stateAtSeq(position ?? history.newest.seq) ?? EMPTY_STATE;
  const what = position === null ? words.atEnd : momentText(trackOf(history), position, lang);
  return (
    <>
      <header className="player-top">
        <h1>
          {words.recordedOn(whenText(recording.header.created, lang), recording.header.lesson)}
        </h1>
        <p role="status">{what}</p>
        {damageText(open, words)}
        <button type="button" className="player-button" onClick={() => setPlaying(!playing)}>
          {playing ? words.pause : words.play}
        </button>
        <button type="button" className="player-button" onClick={props.onAnother}>
          {words.another}
        </button>
      </header>
      <main className="player-main">
        <section className="player-stage" aria-label={words.views}>
          <Tabs words={words} view={view} onView={setView} />
          <div className="player-view" role="tabpanel" aria-label={words.tabs[view]}>
            {view === 'diff' ? (
              <Commands
                open={open}
                command={command}
                onCommand={setCommand}
                state={state}
                lang={lang}
              />
            ) : (
              <View view={view} state={state} lang={lang} />
            )}
          </div>
        </section>
        <Terminals tapes={tapes} t={t} words={words} />
      </main>
      <footer className="player-bottom">
        <Scrubber
          history={history}
          newest={history.newest.seq}
          position={position}
          onSeek={seek}
          lang={lang}
          live={false}
          onCommand={(id) => {
            setCommand(id);
            setView('diff');
          }}
        />
      </footer>
    </>
  );
}

function View(props: {
  readonly view: Exclude<ViewName, 'diff'>;
  readonly state: State;
  readonly lang: Lang;
}) {
  const { view, state, lang } = props;
  switch (view) {
    case 'processes':
      return <ProcessesView state={state} lang={lang} />;
    case 'namespaces':
      return <NamespacesView state={state} lang={lang} />;
    case 'mounts':
      return <MountsView state={state} lang={lang} />;
    case 'cgroups':
      return <CgroupsView state={state} lang={lang} />;
    case 'layers':
      return <LayersView state={state} lang={lang} />;
    case 'network':
      return <NetworkView state={state} lang={lang} />;
    case 'calls':
      return <CallsView state={state} lang={lang} />;
  }
}

function Commands(props: {
  readonly open: OpenRecording;
  readonly command: string | null;
  readonly onCommand: (command: string) => void;
  readonly state: State;
  readonly lang: Lang;
}) {
  const { history } = props.open;
  const commands = useMemo(() => attributionOf(history).spans(), [history]);
  const chosen = commands.find(({ id }) => id === props.command) ?? commands[0] ?? null;
  const diff = useMemo(
    () => (chosen === null ? null : commandDiff(history, chosen.id)),
    [history, chosen],
  );
  return (
    <DiffView
      commands={commands}
      diff={diff}
      onChoose={props.onCommand}
      state={props.state}
      lang={props.lang}
    />
  );
}

/** Tabs as in the lab: one stop, arrows go from one to the next. */
function Tabs(props: {
  readonly words: PlayerStrings;
  readonly view: ViewName;
  readonly onView: (view: ViewName) => void;
}) {
  const { words, view, onView } = props;
  const onKeyDown = (event: KeyboardEvent<HTMLElement>): void => {
    const step = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
    if (step === 0) return;
    const next = VIEWS[(VIEWS.indexOf(view) + step + VIEWS.length) % VIEWS.length] ?? view;
    onView(next);
    const tabs = event.currentTarget.querySelectorAll<HTMLElement>('[role=tab]');
    tabs[VIEWS.indexOf(next)]?.focus();
  };
  return (
    <div className="player-tabs" role="tablist" aria-label={words.views} onKeyDown={onKeyDown}>
      {VIEWS.map((name) => (
        <button
          key={name}
          type="button"
          role="tab"
          aria-selected={name === view}
          tabIndex={name === view ? 0 : -1}
          onClick={() => onView(name)}
        >
          {words.tabs[name]}
        </button>
      ))}
    </div>
  );
}

function damageText({ recording }: OpenRecording, words: PlayerStrings) {
  if (recording.end === 'closed' && recording.problem === null) return null;
  const isCapped = recording.end === 'bytes' || recording.end === 'duration';
  return <p className="player-quiet">{isCapped ? words.capped : words.cut}</p>;
}

function languageOf({ recording }: OpenRecording): Lang {
  const [first] = recording.header.languages;
  if (first === undefined) return readerLanguage();
  return first.startsWith('zh') ? 'zh' : 'en';
}

function whenText(t: number, lang: Lang): string {
  return new Date(t).toLocaleString(lang === 'zh' ? 'zh-CN' : 'en-GB', {
    dateStyle: 'long',
    timeStyle: 'short',
  });
}
