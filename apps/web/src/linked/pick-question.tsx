'use client';
/** A question that is answered by pointing at a node of a view. */
import { type Predict, pickAnswer } from '@terrarium/lesson';
import { Button } from '../components/button';
import { useTexts } from '../i18n/use-texts';
import { useLabStore } from '../live/use-lab';
import { usePicking } from './linked-page';
import { linkedStrings } from './strings';

/** @param props.onAnswer gets the subject, with words for when it is gone */
export function PickQuestion(props: {
  readonly step: string;
  readonly predict: Predict;
  readonly onAnswer: (answer: string) => void;
}) {
  const { step, predict, onAnswer } = props;
  const { t, lang } = useTexts();
  const words = linkedStrings(lang);
  const store = useLabStore();
  const { picking, begin, cancel } = usePicking();
  if (picking !== step) {
    const view = predict.view ?? 'processes';
    const onPick = (about: string): void => onAnswer(pickAnswer(about, store.get().state));
    return (
      <Button look="primary" onClick={() => begin({ step, view, onPick })}>
        {t.step.predict}
      </Button>
    );
  }
  return (
    <div className="predict-form" role="status">
      <p>{words.pointing}</p>
      <Button look="quiet" onClick={cancel}>
        {words.notNow}
      </Button>
    </div>
  );
}
