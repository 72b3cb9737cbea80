'use client';
/** What can be done with the plan, and how far it is. */
import type { StepperState } from '@terrarium/protocol';
import { Button } from '../components/button';
import { useTexts } from '../i18n/use-texts';
import { ownWorkOf, progressOf } from './tape';
import type { Actions } from './use-stepper';

/** Buttons and progress. After the end, only what makes sense then. */
export function StepperToolbar(props: {
  readonly stepper: StepperState;
  readonly actions: Actions;
}) {
  const { stepper, actions } = props;
  const { t, pick } = useTexts();
  const { done, all } = progressOf(stepper);
  return (
    <div className="stepper-bar" role="toolbar" aria-label={t.stepper.toolbar}>
      {stepper.outcome === null ? <StepButtons stepper={stepper} actions={actions} /> : null}
      <Button look="quiet" icon="reset" onClick={actions.again}>
        {t.stepper.again}
      </Button>
      {stepper.outcome === null ? null : (
        <Button look="quiet" icon="close" onClick={actions.close}>
          {stepper.outcome.kind === 'completed' ? t.stepper.end : t.stepper.close}
        </Button>
      )}
      <span className="stepper-title">{pick(stepper.title)}</span>
      <span className="stepper-count facts" aria-hidden="true">
        {t.stepper.progress(done, all)}
      </span>
      <progress className="stepper-progress" value={done} max={all}>
        {t.stepper.progress(done, all)}
      </progress>
    </div>
  );
}

function StepButtons(props: { readonly stepper: StepperState; readonly actions: Actions }) {
  const { stepper, actions } = props;
  const { t } = useTexts();
  const ownWork = ownWorkOf(stepper);
  return (
    <>
      <Button
        look="primary"
        className="stepper-step"
        aria-keyshortcuts="s"
        disabled={!actions.canStep}
        onClick={actions.step}
      >
        {t.stepper.step} <kbd>S</kbd>
      </Button>
      <Button
        aria-keyshortcuts="n"
        title={t.stepper.stepGroupWhat}
        disabled={!actions.canStep}
        onClick={actions.stepGroup}
      >
        {t.stepper.stepGroup} <kbd>N</kbd>
      </Button>
      {ownWork === null ? null : (
        <Button
          title={t.stepper.skipWhat}
          disabled={!actions.canStep}
          onClick={() => actions.runTo(ownWork.process, ownWork.index)}
        >
          {t.stepper.skip}
        </Button>
      )}
      {stepper.running ? (
        <Button onClick={actions.pause}>{t.stepper.pause}</Button>
      ) : (
        <Button disabled={!actions.canStep} onClick={actions.runAll}>
          {t.stepper.runAll}
        </Button>
      )}
      <Button look="quiet" icon="close" title={t.stepper.abortWhat} onClick={actions.abort}>
        {t.stepper.abort}
      </Button>
    </>
  );
}
