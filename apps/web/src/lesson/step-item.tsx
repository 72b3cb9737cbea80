'use client';
/** One step in the list: its head always, its body when open. */
import type { Step } from '@terrarium/lesson';
import type { StepStatus } from '@terrarium/protocol';
import { type Ref, useId, useState } from 'react';
import { Button } from '../components/button';
import { Icon } from '../components/icons';
import { Inline, Prose } from '../components/markdown';
import { useTexts } from '../i18n/use-texts';
import { useLabPart, useLabStore } from '../live/use-lab';
import { useTerminals } from '../terminal/terminals';
import { Clauses } from './clauses';
import { CommandLines } from './commands';
import { HelpPanel } from './help-panel';
import { PredictCard } from './predict-card';
import type { StepState } from './progress';
import { GoToStep, ResetDialog } from './reset-dialog';

interface StepItemProps {
  readonly lesson: string;
  readonly number: number;
  readonly step: Step;
  readonly state: StepState;
  readonly status: StepStatus | undefined;
  readonly open: boolean;
  readonly onToggle: () => void;
  /** goes to the next step; null on the last */
  readonly onNext: (() => void) | null;
  readonly headRef: Ref<HTMLButtonElement>;
}

/** A step of the list `Steps`; its accessible name says how it stands. */
export function StepItem(props: StepItemProps) {
  const { step, number, state, status, open, onToggle, headRef } = props;
  const { t, pick } = useTexts();
  const id = useId();
  const title = pick(step.title);
  return (
    <li
      className="step"
      data-state={state}
      data-step={step.id}
      data-passed={status?.passed ?? false}
      data-open={open}
      aria-label={t.lesson.stepName(number, title, t.lesson.statusOf[state])}
      aria-current={state === 'current' ? 'step' : undefined}
    >
      <h3 className="step-head">
        <button
          ref={headRef}
          type="button"
          aria-expanded={open}
          aria-controls={id}
          aria-label={t.lesson.stepName(number, title, t.lesson.statusOf[state])}
          onClick={onToggle}
        >
          {/* Number and mark are drawn by CSS: as text they would have to be in the button's name. */}
          <span className="step-mark" aria-hidden="true" data-number={number}>
            {state === 'passed' ? <Icon name="check" size={14} /> : null}
          </span>
          <span className="step-title">{title}</span>
          {step.breakIt ? (
            <span className="step-break" aria-hidden="true" data-text={t.lesson.breakIt} />
          ) : null}
        </button>
      </h3>
      {open ? (
        <div id={id} className="step-body">
          <StepBody {...props} />
        </div>
      ) : null}
    </li>
  );
}

function StepBody(props: StepItemProps) {
  const { lesson, step, status, onNext } = props;
  const { t, pick } = useTexts();
  const terminals = useTerminals();
  const resetting = useLabPart((lab) => lab.sandbox.status === 'resetting');
  const [helpLevel, showHelp] = useHelp(lesson, step, status);
  const unpredicted = step.predict !== undefined && (status?.prediction ?? null) === null;
  const passed = status?.passed === true || (status?.firstPassedAt ?? null) !== null;
  const failing = status?.clauses.find((clause) => !clause.passed);
  return (
    <>
      {status?.unmet === undefined || passed ? null : (
        <aside className="reduced">
          <p>{t.step.unneeded}</p>
          <ul>
            {status.unmet.map((sentence) => (
              <li key={sentence.en}>{pick(sentence)}</li>
            ))}
          </ul>
        </aside>
      )}
      {props.state === 'todo' && status !== undefined ? (
        <GoToStep lesson={lesson} step={step.id} number={props.number} resetting={resetting} />
      ) : null}
      <Prose text={pick(step.prose)} terms />
      {step.predict === undefined ? null : (
        <PredictCard lesson={lesson} step={step.id} predict={step.predict} status={status} />
      )}
      {step.commands.length === 0 ? null : (
        <div className="do">
          <CommandLines commands={step.commands} />
          <Button
            look={unpredicted || passed ? 'secondary' : 'primary'}
            icon="run"
            title={t.step.runNote}
            disabled={terminals.typing || resetting}
            onClick={() => void terminals.run(step.commands)}
          >
            {t.step.run}
          </Button>
        </div>
      )}
      <p className="look">
        <Icon name="eye" />
        <span>
          <strong>{t.stage.views[step.view]}.</strong> <Inline text={pick(step.look)} />
        </span>
      </p>
      <Clauses status={status} pointAt={helpLevel >= 1 ? (failing?.id ?? null) : null} />
      <HelpPanel step={step} status={status} level={helpLevel} />
      <div className="step-actions">
        {(passed || status?.unmet !== undefined) && onNext !== null ? (
          <Button look="primary" icon="next" iconAfter onClick={onNext}>
            {t.lesson.next}
          </Button>
        ) : null}
        <Button
          look="quiet"
          aria-disabled={helpLevel >= 2}
          onClick={() => showHelp(helpLevel >= 1 ? 2 : 1)}
        >
          {t.step.hint}
        </Button>
        <Button look="quiet" aria-expanded={helpLevel === 3} onClick={() => showHelp(3)}>
          {t.step.solution}
        </Button>
        <ResetDialog lesson={lesson} step={step.id} resetting={resetting} />
      </div>
    </>
  );
}

const LEVELS = ['hint-1', 'hint-2', 'solution'] as const;

/** How much help is shown: 0 none, 1 what is wrong, 2 how to fix it, 3 the solution. */
function useHelp(
  lesson: string,
  step: Step,
  status: StepStatus | undefined,
): [number, (level: 1 | 2 | 3) => void] {
  const store = useLabStore();
  const [level, setLevel] = useState(0);
  const show = (next: 1 | 2 | 3): void => {
    setLevel((shown) => (next === 3 && shown === 3 ? 0 : Math.max(shown, next)));
    const name = LEVELS[next - 1];
    // The daemon keeps which help was used; asking twice is no news.
    if (name !== undefined && status?.helpUsed.includes(name) !== true) {
      store.send({ type: 'step.help', lesson, step: step.id, level: name });
    }
  };
  return [level, show];
}
