'use client';
/** What a call is for, what the kernel answered, and what changed by it. */
import type { StepperRecord, StepperState } from '@terrarium/protocol';
import { Button } from '../components/button';
import { useTexts } from '../i18n/use-texts';
import { CallText } from './call-text';
import { ChangeList } from './change-list';
import type { Chosen } from './stepper-tape';
import { positionOf, timeText } from './tape';
import type { Actions } from './use-stepper';

interface DetailProps {
  readonly stepper: StepperState;
  readonly actions: Actions;
  readonly chosen: Chosen | null;
  readonly onNow: () => void;
}

/** The call that was made last, or the one that the learner has chosen. */
export function StepperDetail(props: DetailProps) {
  const { stepper, chosen, onNow, actions } = props;
  const { t } = useTexts();
  const last = stepper.records.at(-1);
  const isLast = chosen === null || (last !== undefined && isOf(last, chosen));
  const record = isLast ? last : stepper.records.find((one) => isOf(one, chosen));
  if (record === undefined && chosen !== null) {
    return (
      <article className="stepper-card" data-time="future">
        <CardHead stepper={stepper} at={chosen} title={t.stepper.later}>
          <Button look="quiet" onClick={onNow}>
            {t.stepper.backToNow}
          </Button>
        </CardHead>
        <Purpose stepper={stepper} at={chosen} registers={{}} />
        {actions.canStep ? (
          <p>
            <Button icon="next" onClick={() => actions.runTo(chosen.process, chosen.index)}>
              {t.stepper.runToHere}
            </Button>
          </p>
        ) : null}
      </article>
    );
  }
  if (record === undefined) return <p className="stepper-first">{t.stepper.first}</p>;
  return (
    <article className="stepper-card" key={record.seq} data-time={isLast ? 'now' : 'past'}>
      <CardHead
        stepper={stepper}
        at={record}
        title={isLast ? t.stepper.justMade : t.stepper.earlier}
      >
        {isLast ? null : (
          <Button look="quiet" onClick={onNow}>
            {t.stepper.backToNow}
          </Button>
        )}
      </CardHead>
      <Purpose stepper={stepper} at={record} registers={record.registers} />
      <Answer record={record} />
      <ChangeList changes={record.changes} actor={record.process} />
    </article>
  );
}

/** What the next step will do; in its place, what a blocked process waits for. */
export function StepperNext(props: { readonly stepper: StepperState }) {
  const { stepper } = props;
  const { t, pick } = useTexts();
  const position = stepper.next === null ? null : positionOf(stepper, stepper.next);
  if (position === null) {
    const blocked = stepper.positions.find(({ status }) => status === 'blocked');
    if (blocked?.waitsFor == null) return null;
    return (
      <article className="stepper-card stepper-next">
        <p className="stepper-head">
          <span>{t.stepper.blocked}</span> <span>{blocked.process}</span>
        </p>
        <p>{pick(blocked.waitsFor)}</p>
      </article>
    );
  }
  return (
    <article className="stepper-card stepper-next" aria-label={t.stepper.next}>
      <CardHead stepper={stepper} at={position} title={t.stepper.next} />
      <Purpose stepper={stepper} at={position} registers={position.registers} />
    </article>
  );
}

function isOf({ process, index }: StepperRecord, chosen: Chosen): boolean {
  return process === chosen.process && index === chosen.index;
}

function CardHead(props: {
  readonly stepper: StepperState;
  readonly at: Chosen;
  readonly title: string;
  readonly children?: React.ReactNode;
}) {
  const { stepper, at, title } = props;
  const { t } = useTexts();
  const steps = stepper.processes.find(({ name }) => name === at.process)?.steps.length ?? 0;
  return (
    <div className="stepper-head">
      <h3>{title}</h3>
      <span className="facts">{t.stepper.callOf(at.process, at.index + 1, steps)}</span>
      {props.children}
    </div>
  );
}

function Purpose(props: {
  readonly stepper: StepperState;
  readonly at: Chosen;
  readonly registers: Readonly<Record<string, string>>;
}) {
  const { stepper, at, registers } = props;
  const { pick } = useTexts();
  const step = stepper.processes.find(({ name }) => name === at.process)?.steps[at.index];
  const purpose = step === undefined ? undefined : stepper.purposes[step.purpose];
  if (step === undefined || purpose === undefined) return null;
  return (
    <>
      <p className="stepper-purpose">{sentence(pick(purpose))}</p>
      <CallText display={step.display} registers={registers} />
    </>
  );
}

/** Purposes are clauses; here they stand alone. */
function sentence(clause: string): string {
  return clause.charAt(0).toUpperCase() + clause.slice(1);
}

/** Result and time, or what the kernel said and what that means. */
function Answer(props: { readonly record: StepperRecord }) {
  const { record } = props;
  const { t } = useTexts();
  const { code, meaning, hint, tolerated, nanoseconds, result } = record;
  const time = nanoseconds === null ? null : timeText(nanoseconds);
  if (code === null) {
    return (
      <p className="stepper-answer facts">
        {nanoseconds === null ? t.stepper.noReturn : `= ${result}`}
        {time === null ? null : <span className="call-time">{t.stepper.took(time)}</span>}
      </p>
    );
  }
  return (
    <div className="stepper-answer" data-failed={!tolerated}>
      <p>
        <code>{code}</code> {meaning}
        {time === null ? null : <span className="call-time facts">{t.stepper.took(time)}</span>}
      </p>
      <p>{tolerated ? t.stepper.tolerated : t.stepper.endsPlan}</p>
      {hint === null || tolerated ? null : <p className="stepper-hint">{hint}</p>}
    </div>
  );
}
