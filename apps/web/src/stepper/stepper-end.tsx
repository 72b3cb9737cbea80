'use client';
/** How it ended: the container runs, a call failed, or everything was taken back. */
import type { StepperState } from '@terrarium/protocol';
import { Button } from '../components/button';
import { useTexts } from '../i18n/use-texts';
import { useTerminals } from '../terminal/terminals';
import type { Actions } from './use-stepper';

interface EndProps {
  readonly stepper: StepperState;
  readonly actions: Actions;
  readonly onProcesses: () => void;
}

/** The card below the last call. */
export function StepperEnd(props: EndProps) {
  const { outcome } = props.stepper;
  const { t } = useTexts();
  if (outcome === null) return null;
  if (outcome.kind === 'completed') return <Runs {...props} />;
  const failed = outcome.kind === 'failed';
  const hint = props.stepper.records.find((record) => record.failed)?.hint ?? null;
  return (
    <article className="stepper-card stepper-end" data-outcome={outcome.kind} role="status">
      <h3>{failed ? t.stepper.failedTitle : t.stepper.abortedTitle}</h3>
      {failed && outcome.message !== null ? <p className="facts">{outcome.message}</p> : null}
      {hint === null ? null : <p>{hint}</p>}
      {outcome.leftovers.length === 0 ? (
        <p>{t.stepper.nothingLeft}</p>
      ) : (
        <>
          <p>{t.stepper.leftovers}</p>
          <ul>
            {outcome.leftovers.map((leftover) => (
              <li key={leftover} className="facts">
                {leftover}
              </li>
            ))}
          </ul>
        </>
      )}
    </article>
  );
}

/** The process that became a program, with its number as the sandbox's shells see it. */
function Runs({ stepper, actions, onProcesses }: EndProps) {
  const { t } = useTexts();
  const terminals = useTerminals();
  const program = stepper.positions.find(({ end }) => end === 'program' || end === 'init');
  const [, inSandbox] = program?.pids ?? [];
  const isContainer = stepper.what.kind !== 'exec';
  const enter = (): void => {
    void terminals.run([{ line: `nsenter -t ${inSandbox} -a sh`, terminal: 1 }]);
  };
  return (
    <article className="stepper-card stepper-end" data-outcome="completed" role="status">
      <h3>{isContainer ? t.stepper.containerRuns : t.stepper.programRuns}</h3>
      <p>
        {inSandbox === undefined
          ? t.stepper.hasEnded
          : t.stepper.runsAs(String(inSandbox), program?.pids.join(' → ') ?? '')}
      </p>
      <p className="stepper-buttons">
        <Button look="primary" onClick={onProcesses}>
          {t.stepper.showProcesses}
        </Button>
        {isContainer && inSandbox !== undefined ? (
          <Button icon="run" onClick={enter} title={`nsenter -t ${inSandbox} -a sh`}>
            {t.stepper.enter}
          </Button>
        ) : null}
        <Button look="quiet" icon="close" onClick={actions.close}>
          {t.stepper.end}
        </Button>
      </p>
    </article>
  );
}
