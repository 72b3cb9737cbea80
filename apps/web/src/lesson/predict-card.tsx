'use client';
/**
 * The learner's guess, then the kernel's answer beside it. Predicted is dashed, real is solid:
 * here as everywhere on the page.
 */
import { type Predict, parsePick } from '@terrarium/lesson';
import type { StepStatus } from '@terrarium/protocol';
import { type FormEvent, useId, useState } from 'react';
import { Button } from '../components/button';
import { Inline, Prose } from '../components/markdown';
import { useTexts } from '../i18n/use-texts';
import { PickQuestion } from '../linked/pick-question';
import { useLabStore } from '../live/use-lab';

interface PredictCardProps {
  readonly lesson: string;
  readonly step: string;
  readonly predict: Predict;
  readonly status: StepStatus | undefined;
}

/** Asks, keeps the answer, and shows the kernel's beside it once it is known. */
export function PredictCard(props: PredictCardProps) {
  const { lesson, step, predict, status } = props;
  const { t, pick } = useTexts();
  const store = useLabStore();
  const prediction = status?.prediction ?? null;
  const ask = (answer: string): void => {
    store.send({ type: 'step.predict', lesson, step, answer });
  };
  return (
    <section className="predict" data-answered={prediction !== null}>
      <h4>{t.step.predictFirst}</h4>
      <Prose text={pick(predict.question)} />
      {prediction === null && predict.kind === 'pick' ? (
        <PickQuestion step={step} predict={predict} onAnswer={ask} />
      ) : prediction === null ? (
        <Question predict={predict} onAnswer={ask} />
      ) : (
        <Answered predict={predict} prediction={prediction} />
      )}
    </section>
  );
}

function Question(props: {
  readonly predict: Predict;
  readonly onAnswer: (answer: string) => void;
}) {
  const { predict, onAnswer } = props;
  const { t, pick } = useTexts();
  const [answer, setAnswer] = useState('');
  const name = useId();
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (answer.trim() !== '') onAnswer(answer.trim());
  };
  return (
    <form className="predict-form" onSubmit={submit}>
      {predict.kind === 'number' ? (
        <label className="predict-number">
          <span>{t.step.yourAnswer}</span>
          <input
            type="text"
            inputMode="numeric"
            pattern="[0-9]+"
            autoComplete="off"
            value={answer}
            onChange={(event) => setAnswer(event.target.value)}
          />
        </label>
      ) : (
        <fieldset>
          <legend className="sr-only">{t.step.yourAnswer}</legend>
          {predict.choices?.map((choice) => (
            <label key={choice.id} className="predict-choice">
              <input
                type="radio"
                name={name}
                value={choice.id}
                checked={answer === choice.id}
                onChange={() => setAnswer(choice.id)}
              />
              <span>
                <Inline text={pick(choice.text)} />
              </span>
            </label>
          ))}
        </fieldset>
      )}
      <Button type="submit" look="primary" disabled={answer.trim() === ''}>
        {t.step.predict}
      </Button>
    </form>
  );
}

/** @param props.prediction without an answer when nobody predicted: the kernel's stands alone */
export function Answered(props: {
  readonly predict: Predict;
  readonly prediction: {
    readonly answer: string | null;
    readonly actual: string | null;
    readonly correct: boolean | null;
  };
}) {
  const { predict, prediction } = props;
  const { t, pick } = useTexts();
  const textOf = (answer: string): string => {
    if (predict.kind === 'pick') return parsePick(answer).text;
    const choice = predict.choices?.find(({ id }) => id === answer);
    return choice === undefined ? answer : pick(choice.text);
  };
  const { actual, correct } = prediction;
  return (
    <>
      <dl className="predict-answers" data-kind={predict.kind}>
        {prediction.answer === null ? null : (
          <div className="said">
            <dt>{t.step.youPredicted}</dt>
            <dd>
              <Inline text={textOf(prediction.answer)} />
            </dd>
          </div>
        )}
        {actual === null ? null : (
          <div className="real" data-correct={correct === true}>
            <dt>{t.step.kernelSays}</dt>
            <dd>
              <Inline text={textOf(actual)} />
            </dd>
          </div>
        )}
      </dl>
      {actual === null ? (
        <p className="quiet">{t.step.predictionWaits}</p>
      ) : (
        <div className="predict-explain" aria-live="polite">
          {correct === null ? null : (
            <strong>{correct ? t.step.predictionRight : t.step.predictionWrong}</strong>
          )}
          <Prose text={pick(predict.explain)} />
        </div>
      )}
    </>
  );
}
