'use client';
/** What the kernel must show for a step to be green, clause by clause, as it stands now. */
import type { StepStatus } from '@terrarium/protocol';
import { Icon } from '../components/icons';
import { Inline } from '../components/markdown';
import { useTexts } from '../i18n/use-texts';
import { isLost } from './progress';

/** @param props.pointAt id of the clause that a hint speaks of */
export function Clauses(props: {
  readonly status: StepStatus | undefined;
  readonly pointAt: string | null;
}) {
  const { status, pointAt } = props;
  const { t, pick } = useTexts();
  if (status === undefined) return <p className="quiet">{t.step.waiting}</p>;
  if (status.passed) {
    return (
      <p className="agreed" role="status">
        <Icon name="check" />
        {t.step.checkDone}
      </p>
    );
  }
  return (
    <section className="clauses">
      <h4>{t.step.checkTitle}</h4>
      {status.problem === undefined ? null : (
        <p className="check-problem" role="alert">
          {pick(status.problem)}
        </p>
      )}
      {isLost(status) ? <p className="quiet">{t.step.checkLost}</p> : null}
      <ul>
        {status.clauses.map((clause) => (
          <li key={clause.id} data-passed={clause.passed} data-pointed={clause.id === pointAt}>
            <span className="clause-mark" aria-hidden="true">
              {clause.passed ? <Icon name="check" size={12} /> : null}
            </span>
            <span>
              <Inline text={pick(clause.message)} />
              <span className="sr-only">
                {' '}
                ({clause.passed ? t.step.clauseHolds : t.step.clauseOpen})
              </span>
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}
