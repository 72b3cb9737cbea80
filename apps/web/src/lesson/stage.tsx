'use client';
/** The stage: the view that the step talks about, large, with tabs for the others. */
import { VIEW_NAMES } from '@terrarium/lesson';
import { CrackedVessel, LoadingVessel } from '@terrarium/views';
import { Tabs } from 'radix-ui';
import { lazy, type ReactNode, Suspense, useEffect, useState } from 'react';
import { Button, IconButton } from '../components/button';
import { fileStrings } from '../files/strings';
import { useTexts } from '../i18n/use-texts';
import { useLabPart, useLabStore, useViewState } from '../live/use-lab';
import { useTerminals } from '../terminal/terminals';
import { CommandsView, StepperView } from './late-views';
import { StateView } from './state-view';

/** The tabs that are no views of the timeline: the stepper and the files have a state of their own. */
export const STEPPER = 'stepper';
export const FILES = 'files';

/** Loaded when it is opened: the text of a lesson does without it. */
const FilesView = lazy(async () => ({ default: (await import('../files/files-view')).FilesView }));

const MeanwhileFigure = lazy(() => import('../handout/meanwhile-figure'));

/** The views that exist. A lesson that asks for another one gets the processes. */
export const STAGE_VIEWS = VIEW_NAMES;
export type StageView = (typeof STAGE_VIEWS)[number] | typeof STEPPER | typeof FILES;

const TABS: readonly StageView[] = [...STAGE_VIEWS, STEPPER, FILES];

interface StageProps {
  readonly view: StageView;
  readonly onView: (view: StageView) => void;
  readonly full: boolean;
  readonly onFull: (full: boolean) => void;
  /** the command whose diff is shown */
  readonly command: string | null;
  readonly onCommand: (command: string) => void;
}

/** Tabs of live views; while there is no sandbox, what is being waited for. */
export function Stage(props: StageProps) {
  const { view, onView, full, onFull } = props;
  const { t, lang } = useTexts();
  return (
    <section className="stage" aria-label={t.stage.label}>
      <Tabs.Root
        className="stage-tabs"
        value={view}
        onValueChange={(value) => onView(TABS.find((one) => one === value) ?? 'processes')}
      >
        <div className="pane-head">
          <Tabs.List className="tabs" aria-label={t.stage.label}>
            {STAGE_VIEWS.map((name) => (
              <Tabs.Trigger key={name} value={name} className="tab">
                {t.stage.views[name]}
              </Tabs.Trigger>
            ))}
            <Tabs.Trigger value={STEPPER} className="tab">
              {t.stepper.tab}
            </Tabs.Trigger>
            <Tabs.Trigger value={FILES} className="tab">
              {fileStrings(lang).tab}
            </Tabs.Trigger>
          </Tabs.List>
          <div className="pane-tools">
            <IconButton
              icon={full ? 'restore' : 'full'}
              label={full ? t.stage.restore : t.stage.full}
              aria-pressed={full}
              onClick={() => onFull(!full)}
            />
          </div>
        </div>
        {STAGE_VIEWS.map((name) => (
          <Tabs.Content key={name} value={name} className="stage-view" tabIndex={-1}>
            <SandboxGate>
              <Suspense fallback={null}>
                <OneView view={name} command={props.command} onCommand={props.onCommand} />
              </Suspense>
            </SandboxGate>
          </Tabs.Content>
        ))}
        <Tabs.Content value={STEPPER} className="stage-view" tabIndex={-1}>
          <SandboxGate>
            <Suspense fallback={null}>
              <StepperView onProcesses={() => onView('processes')} />
            </Suspense>
          </SandboxGate>
        </Tabs.Content>
        <Tabs.Content value={FILES} className="stage-view" tabIndex={-1}>
          <SandboxGate>
            <Suspense fallback={null}>
              <FilesView />
            </Suspense>
          </SandboxGate>
        </Tabs.Content>
      </Tabs.Root>
    </section>
  );
}

/** A view of the present, or of the moment that is looked back to. */
function OneView(
  props: { readonly view: (typeof STAGE_VIEWS)[number] } & Pick<
    StageProps,
    'command' | 'onCommand'
  >,
) {
  const { lang } = useTexts();
  const { state, past } = useViewState();
  const store = useLabStore();
  const terminals = useTerminals();
  const onShowInTerminal = (command: string): void => {
    void terminals.run([{ line: command, terminal: 1 }]);
  };
  const onTrace = (on: boolean): void => {
    store.send({ type: 'trace', on });
  };
  if (props.view === 'diff') {
    return <CommandsView command={props.command} onCommand={props.onCommand} />;
  }
  return <StateView {...{ view: props.view, state, lang, past, onShowInTerminal, onTrace }} />;
}

/** Shows what is inside once there is a sandbox to show; else how far its making is. */
function SandboxGate(props: { readonly children: ReactNode }) {
  const { t, pick } = useTexts();
  const store = useLabStore();
  const sandbox = useLabPart((lab) => lab.sandbox);
  const hasState = useLabPart((lab) => lab.hasState);
  const past = useLabPart((lab) => lab.past !== null);
  // What was is there, whatever becomes of the sandbox now.
  if (past) return props.children;
  if (sandbox.status === 'failed') {
    const retry = (): void => {
      // Saying hello again asks for the sandbox again.
      store.stop();
      store.start();
    };
    return (
      <div className="gate" role="alert">
        <CrackedVessel size={96} />
        <h2>{t.sandbox.failed}</h2>
        {sandbox.message === null ? null : <p>{pick(sandbox.message)}</p>}
        <Button look="primary" icon="reset" onClick={retry}>
          {t.sandbox.retry}
        </Button>
        <Meanwhile />
      </div>
    );
  }
  if (sandbox.status === 'resetting' || !hasState) {
    const title = sandbox.status === 'resetting' ? t.sandbox.resetting : t.sandbox.starting;
    return <Waiting title={title} since={sandbox.since} />;
  }
  return props.children;
}

/** While there is no lab: what the kernel showed when the lesson was recorded. */
function Meanwhile() {
  return (
    <Suspense fallback={null}>
      <MeanwhileFigure />
    </Suspense>
  );
}

/** Seconds after which waiting for a sandbox is worth a word. */
const SLOW_AFTER_S = 5;

function Waiting(props: { readonly title: string; readonly since: number }) {
  const { t } = useTexts();
  const [now, setNow] = useState(props.since);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 500);
    return () => clearInterval(timer);
  }, []);
  const seconds = Math.max(0, Math.floor((now - props.since) / 1000));
  return (
    <div className="gate" role="status">
      <LoadingVessel size={96} />
      <h2>{props.title}</h2>
      {seconds >= 1 ? <p className="facts">{t.sandbox.startingFor(seconds)}</p> : null}
      {seconds >= SLOW_AFTER_S ? <p>{t.sandbox.slow}</p> : null}
      {seconds >= SLOW_AFTER_S ? <Meanwhile /> : null}
    </div>
  );
}
