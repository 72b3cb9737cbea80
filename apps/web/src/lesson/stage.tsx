'use client';
/** The stage: the view that the step talks about, large, with tabs for the others. */
import type { ViewName } from '@terrarium/lesson';
import {
  CrackedVessel,
  LoadingVessel,
  MountsView,
  NamespacesView,
  ProcessesView,
} from '@terrarium/views';
import { Tabs } from 'radix-ui';
import { type ReactNode, useEffect, useState } from 'react';
import { Button, IconButton } from '../components/button';
import { useTexts } from '../i18n/use-texts';
import { useLabPart, useLabStore } from '../live/use-lab';
import { StepperView } from '../stepper/stepper-view';
import { useTerminals } from '../terminal/terminals';

/** The tab that is no view of the timeline: the stepper has a state of its own. */
export const STEPPER = 'stepper';

/** The views that exist. A lesson that asks for another one gets the processes. */
export const STAGE_VIEWS = [
  'processes',
  'namespaces',
  'mounts',
] as const satisfies readonly ViewName[];
export type StageView = (typeof STAGE_VIEWS)[number] | typeof STEPPER;

const TABS: readonly StageView[] = [...STAGE_VIEWS, STEPPER];

interface StageProps {
  readonly view: StageView;
  readonly onView: (view: StageView) => void;
  readonly full: boolean;
  readonly onFull: (full: boolean) => void;
}

/** Tabs of live views; while there is no sandbox, what is being waited for. */
export function Stage(props: StageProps) {
  const { view, onView, full, onFull } = props;
  const { t } = useTexts();
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
              <LiveView view={name} />
            </SandboxGate>
          </Tabs.Content>
        ))}
        <Tabs.Content value={STEPPER} className="stage-view" tabIndex={-1}>
          <SandboxGate>
            <StepperView onProcesses={() => onView('processes')} />
          </SandboxGate>
        </Tabs.Content>
      </Tabs.Root>
    </section>
  );
}

function LiveView(props: { readonly view: (typeof STAGE_VIEWS)[number] }) {
  const { lang } = useTexts();
  const state = useLabPart((lab) => lab.state);
  const terminals = useTerminals();
  const onShowInTerminal = (command: string): void => {
    void terminals.run([{ line: command, terminal: 1 }]);
  };
  const shared = { state, lang, onShowInTerminal };
  switch (props.view) {
    case 'processes':
      return <ProcessesView {...shared} />;
    case 'namespaces':
      return <NamespacesView {...shared} />;
    case 'mounts':
      return <MountsView {...shared} />;
  }
}

/** Shows what is inside once there is a sandbox to show; else how far its making is. */
function SandboxGate(props: { readonly children: ReactNode }) {
  const { t, pick } = useTexts();
  const store = useLabStore();
  const sandbox = useLabPart((lab) => lab.sandbox);
  const hasState = useLabPart((lab) => lab.hasState);
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
      </div>
    );
  }
  if (sandbox.status === 'resetting' || !hasState) {
    const title = sandbox.status === 'resetting' ? t.sandbox.resetting : t.sandbox.starting;
    return <Waiting title={title} since={sandbox.since} />;
  }
  return props.children;
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
    </div>
  );
}
