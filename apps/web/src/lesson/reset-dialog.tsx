'use client';
/** What makes a fresh sandbox, each with the question before it: it ends whatever the learner has running. */
import { AlertDialog } from 'radix-ui';
import { useState } from 'react';
import { Button } from '../components/button';
import { SaveFiles } from '../files/save-files';
import { useTexts } from '../i18n/use-texts';
import { useLabStore } from '../live/use-lab';

interface StepProps {
  readonly lesson: string;
  readonly step: string;
  readonly resetting: boolean;
}

/** *Reset step*: the open step again, as it begins. */
export function ResetDialog(props: StepProps) {
  const { t } = useTexts();
  const reset = useReset(props);
  return (
    <FreshSandboxDialog
      trigger={props.resetting ? t.step.resetting : t.step.reset}
      disabled={props.resetting}
      title={t.step.resetTitle}
      body={t.step.resetBody}
      keep={t.step.cancel}
      confirm={t.step.resetConfirm}
      onConfirm={reset}
    />
  );
}

/** *Go to step N*, on a step whose turn has not come: a sandbox as the steps before it leave one. */
export function GoToStep(props: StepProps & { readonly number: number }) {
  const { t } = useTexts();
  const reset = useReset(props);
  const [gone, go] = useState(false);
  if (gone) return null;
  return (
    <aside className="ahead">
      <p>{t.step.ahead}</p>
      <FreshSandboxDialog
        trigger={t.step.goTo(props.number)}
        disabled={props.resetting}
        title={t.step.goToTitle(props.number)}
        body={t.step.goToBody}
        keep={t.step.cancel}
        confirm={t.step.goToConfirm}
        onConfirm={() => {
          reset();
          go(true);
        }}
      />
    </aside>
  );
}

function useReset({ lesson, step }: StepProps): () => void {
  const store = useLabStore();
  return () => void store.send({ type: 'step.reset', lesson, step });
}

/** A button; the question, with the offer to keep one's files; and what is done after a yes. */
export function FreshSandboxDialog(props: {
  readonly trigger: string;
  readonly disabled?: boolean;
  readonly title: string;
  readonly body: string;
  readonly keep: string;
  readonly confirm: string;
  readonly onConfirm: () => void;
}) {
  return (
    <AlertDialog.Root>
      <AlertDialog.Trigger asChild>
        <Button look="quiet" disabled={props.disabled}>
          {props.trigger}
        </Button>
      </AlertDialog.Trigger>
      <AlertDialog.Portal>
        <AlertDialog.Overlay className="overlay" />
        <AlertDialog.Content className="dialog dialog-small">
          <AlertDialog.Title className="dialog-title">{props.title}</AlertDialog.Title>
          <AlertDialog.Description className="dialog-text">{props.body}</AlertDialog.Description>
          <SaveFiles />
          <div className="dialog-actions">
            <AlertDialog.Cancel asChild>
              <Button>{props.keep}</Button>
            </AlertDialog.Cancel>
            <AlertDialog.Action asChild>
              <Button look="danger" onClick={props.onConfirm}>
                {props.confirm}
              </Button>
            </AlertDialog.Action>
          </div>
        </AlertDialog.Content>
      </AlertDialog.Portal>
    </AlertDialog.Root>
  );
}
