'use client';
/**
 * Help in three levels: what is missing, by the difference between what the kernel shows and what
 * the step asks; how to get there; one way that works.
 */
import type { ClauseDifference, Step } from '@terrarium/lesson';
import type { StepStatus } from '@terrarium/protocol';
import { Button } from '../components/button';
import { Icon } from '../components/icons';
import { Inline, Prose } from '../components/markdown';
import { useTexts } from '../i18n/use-texts';
import { usePointOut } from '../linked/point-out';
import { useTerminals } from '../terminal/terminals';
import { CommandLines } from './commands';
import { useDifference } from './use-difference';

/** @param props.level 0: nothing is shown */
export function HelpPanel(props: {
  readonly step: Step;
  readonly status: StepStatus | undefined;
  readonly level: number;
}) {
  const { step, status, level } = props;
  const { t, pick } = useTexts();
  const terminals = useTerminals();
  if (level === 0) return null;
  return (
    <div className="help-panel" aria-live="polite">
      <h4>{t.step.hintWhat}</h4>
      <Missing step={step} status={status} />
      {level >= 2 ? (
        <>
          <h4>{t.step.hintHow}</h4>
          <Prose text={pick(step.hint)} />
        </>
      ) : null}
      {level >= 3 ? (
        <>
          <h4>{t.step.solutionIntro}</h4>
          <div className="do">
            <CommandLines commands={step.solution} />
            <Button
              icon="run"
              disabled={terminals.typing}
              onClick={() => void terminals.run(step.solution)}
            >
              {t.step.runSolution}
            </Button>
          </div>
        </>
      ) : null}
    </div>
  );
}

/** What holds already, and the first thing that does not, with its object drawn in the views. */
function Missing(props: { readonly step: Step; readonly status: StepStatus | undefined }) {
  const { step, status } = props;
  const { t, pick } = useTexts();
  const said = useDifference(step, status, status?.passed === false);
  const failing = status?.clauses.find((clause) => !clause.passed);
  // The daemon's word on which clause fails stands: it remembers more than the state shows.
  const next = said?.clauses.find(({ id }) => id === failing?.id) ?? null;
  usePointOut(next?.subject ?? null, next?.near.join(' ') ?? '');
  if (failing === undefined || status?.passed === true) return <p>{t.step.hintNothing}</p>;
  const done = said?.clauses.filter(({ holds, lead }) => holds && lead !== null) ?? [];
  return (
    <>
      {done.length === 0 ? null : (
        <ul className="difference-done" aria-label={t.step.hintHave}>
          {done.map((clause) => (
            <li key={clause.id}>
              <Icon name="check" size={12} />
              <span>
                <Inline text={pick(clause.message)} /> <Lead clause={clause} />
              </span>
            </li>
          ))}
        </ul>
      )}
      <p>
        <Inline text={pick(failing.message)} />
      </p>
      {next === null || next.holds ? null : (
        <>
          <p className="difference-lead">
            <Lead clause={next} />
          </p>
          <Facts clause={next} />
        </>
      )}
    </>
  );
}

function Lead(props: { readonly clause: ClauseDifference }) {
  const { pick } = useTexts();
  const { lead, subject } = props.clause;
  if (lead === null) return null;
  // About an object, as a row of a view is: pointing at one lights up the other.
  return (
    <span className="difference-object" {...(subject === null ? {} : { 'data-subject': subject })}>
      <Inline text={pick(lead)} />
    </span>
  );
}

function Facts(props: { readonly clause: ClauseDifference }) {
  const { t, pick } = useTexts();
  const { facts } = props.clause;
  if (facts.length === 0) return null;
  return (
    <ul className="difference-facts">
      {facts.map(({ holds, text }) => (
        <li key={text.en} data-holds={holds}>
          <span className="difference-mark" aria-hidden="true">
            {holds ? <Icon name="check" size={12} /> : '✗'}
          </span>
          <span>
            <Inline text={pick(text)} />
            <span className="sr-only"> ({holds ? t.step.clauseHolds : t.step.clauseOpen})</span>
          </span>
        </li>
      ))}
    </ul>
  );
}
