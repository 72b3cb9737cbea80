'use client';
/** Reset step, with the question before it: it ends whatever the learner has running. */
import { AlertDialog } from 'radix-ui';
import { Button } from '../components/button';
import { useTexts } from '../i18n/use-texts';
import { useLabStore } from '../live/use-lab';

/** The button and its dialog. */
export function ResetDialog(props: {
  readonly lesson: string;
  readonly step: string;
  readonly resetting: boolean;
}) {
  const { t } = useTexts();
  const store = useLabStore();
  const reset = (): void => {
    store.send({ type: 'step.reset', lesson: props.lesson, step: props.step });
  };
  return (
    <AlertDialog.Root>
      <AlertDialog.Trigger asChild>
        <Button look="quiet" disabled={props.resetting}>
          {props.resetting ? t.step.resetting : t.step.reset}
        </Button>
      </AlertDialog.Trigger>
      <AlertDialog.Portal>
        <AlertDialog.Overlay className="overlay" />
        <AlertDialog.Content className="dialog dialog-small">
          <AlertDialog.Title className="dialog-title">{t.step.resetTitle}</AlertDialog.Title>
          <AlertDialog.Description className="dialog-text">
            {t.step.resetBody}
          </AlertDialog.Description>
          <div className="dialog-actions">
            <AlertDialog.Cancel asChild>
              <Button>{t.step.cancel}</Button>
            </AlertDialog.Cancel>
            <AlertDialog.Action asChild>
              <Button look="danger" onClick={reset}>
                {t.step.resetConfirm}
              </Button>
            </AlertDialog.Action>
          </div>
        </AlertDialog.Content>
      </AlertDialog.Portal>
    </AlertDialog.Root>
  );
}
