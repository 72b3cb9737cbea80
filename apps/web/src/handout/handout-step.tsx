'use client';
/** One step of the handout, without anything that can be pressed. */
import type { Command, Predict, Step } from '@terrarium/lesson';
import type { ReactNode } from 'react';
import { useTexts } from '../i18n/use-texts';
import { CommandLines } from '../lesson/commands';
import { HandoutInline, HandoutProse } from './handout-prose';
import { handoutStrings } from './strings';

interface HandoutStepProps {
  readonly step: Step;
  readonly number: number;
  /** with the solution, and with the answer to what is predicted */
  readonly solutions: boolean;
  /** the figure, if it belongs to this step */
  readonly children: ReactNode;
}

export function HandoutStep({ step, number, solutions, children }: HandoutStepProps) {
  const { t, lang, pick } = useTexts();
  const s = handoutStrings(lang);
  return (
    <li className="sheet-step">
      <h2>
        <span className="sheet-number">{number}</span> {pick(step.title)}
        {step.breakIt ? <small>{s.breakIt}</small> : null}
      </h2>
      <HandoutProse text={pick(step.prose)} />
      {step.predict === undefined ? null : <Predicted predict={step.predict} answer={solutions} />}
      {step.commands.length === 0 ? null : <CommandLines commands={step.commands} />}
      <p className="sheet-look">
        <strong>{t.stage.views[step.view]}.</strong> <HandoutInline text={pick(step.look)} />
      </p>
      <h3>{s.shows}</h3>
      <ul className="sheet-clauses">
        {step.check.clauses.map(({ id, message }) => (
          <li key={id}>
            <HandoutInline text={pick(message)} />
          </li>
        ))}
      </ul>
      {solutions && !isSame(step.solution, step.commands) ? (
        <>
          <h3>{s.solution}</h3>
          <CommandLines commands={step.solution} />
        </>
      ) : null}
      {children}
    </li>
  );
}

function Predicted({ predict, answer }: { readonly predict: Predict; readonly answer: boolean }) {
  const { lang, pick } = useTexts();
  const s = handoutStrings(lang);
  return (
    <div className="sheet-predict">
      <h3>{s.predict}</h3>
      <HandoutProse text={pick(predict.question)} />
      {predict.choices === undefined ? (
        <p className="sheet-line">{s.yours}</p>
      ) : (
        <ul className="sheet-boxes">
          {predict.choices.map(({ id, text }) => (
            <li key={id}>
              <HandoutInline text={pick(text)} />
            </li>
          ))}
        </ul>
      )}
      {answer ? (
        <>
          <h3>{s.answer}</h3>
          <HandoutProse text={pick(predict.explain)} />
        </>
      ) : null}
    </div>
  );
}

function isSame(a: readonly Command[], b: readonly Command[]): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
