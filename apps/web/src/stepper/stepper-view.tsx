'use client';
/**
 * Step through a container: every system call of a plan, one at a time, with what it is for and
 * what it changed in the kernel. Left the tape; right the call that was made last, and the next.
 */
import type { StepperState } from '@terrarium/protocol';
import { useEffect, useRef, useState } from 'react';
import { useTexts } from '../i18n/use-texts';
import { FactsTable } from './facts-table';
import { StepperDetail, StepperNext } from './stepper-detail';
import { StepperEnd } from './stepper-end';
import { StepperStart } from './stepper-start';
import { type Chosen, StepperTape } from './stepper-tape';
import { StepperToolbar } from './stepper-toolbar';
import { useActions, useLanes, useStepKeys, useStepper } from './use-stepper';

/** The view of the stage. @param props.onProcesses shows the processes instead */
export function StepperView(props: { readonly onProcesses: () => void }) {
  const stepper = useStepper();
  // Another plan, another tape: nothing of the last one's folds and choices is meant for it.
  return stepper === null ? (
    <StepperStart />
  ) : (
    <OpenStepper key={stepper.id} stepper={stepper} onProcesses={props.onProcesses} />
  );
}

function OpenStepper(props: { readonly stepper: StepperState; readonly onProcesses: () => void }) {
  const { stepper } = props;
  const { t } = useTexts();
  const lanes = useLanes(stepper);
  const actions = useActions(stepper, lanes);
  const [chosen, setChosen] = useState<Chosen | null>(null);
  const [pane, setPane] = useState<'call' | 'facts'>('call');
  useStepKeys(actions);
  // A step is a wish to see what it does.
  const made = stepper.records.length;
  // biome-ignore lint/correctness/useExhaustiveDependencies: whenever one more was made
  useEffect(() => setChosen(null), [made]);
  const ended = stepper.outcome !== null;
  useEffect(() => {
    if (ended) setPane('call'); // where it says how it ended
  }, [ended]);
  const choose = (next: Chosen): void => {
    setChosen(next);
    setPane('call');
  };
  return (
    <div className="stepper" data-pane={pane} data-running={stepper.running || undefined}>
      <StepperToolbar stepper={stepper} actions={actions} />
      <div className="stepper-panes">
        <StepperTape stepper={stepper} lanes={lanes} chosen={chosen} onChoose={choose} />
        <div className="stepper-side">
          <fieldset className="pane-switch">
            <legend className="tr-sr">{t.stepper.paneLabel}</legend>
            {(['call', 'facts'] as const).map((one) => (
              <button
                key={one}
                type="button"
                aria-pressed={pane === one}
                onClick={() => setPane(one)}
              >
                {one === 'call' ? t.stepper.paneCall : t.stepper.stateNow}
              </button>
            ))}
          </fieldset>
          <div className="stepper-call">
            <div className="stepper-made">
              <StepperDetail
                stepper={stepper}
                actions={actions}
                chosen={chosen}
                onNow={() => setChosen(null)}
              />
            </div>
            {stepper.outcome === null ? (
              <StepperNext stepper={stepper} />
            ) : (
              <StepperEnd stepper={stepper} actions={actions} onProcesses={props.onProcesses} />
            )}
          </div>
          <FactsTable stepper={stepper} />
        </div>
      </div>
      <StepFeed stepper={stepper} />
    </div>
  );
}

/** At most one message in this time, ms: a screen reader must come to the end of a sentence. */
const FEED_MS = 2000;

/** In words for a screen reader: what was called and what changed. */
function StepFeed(props: { readonly stepper: StepperState }) {
  const { t, pick } = useTexts();
  const record = props.stepper.records.at(-1);
  const [said, setSaid] = useState('');
  const lastSaid = useRef(0);
  const step =
    record === undefined
      ? undefined
      : props.stepper.processes.find(({ name }) => name === record.process)?.steps[record.index];
  const changes = record?.changes.map(({ words }) => pick(words)).join('; ') ?? '';
  const text =
    record === undefined || step === undefined
      ? ''
      : t.stepper.feed(step.syscall, record.code ?? record.result, changes || t.stepper.noChange);
  useEffect(() => {
    const wait = Math.max(0, lastSaid.current + FEED_MS - Date.now());
    const timer = setTimeout(() => {
      lastSaid.current = Date.now();
      setSaid(text);
    }, wait);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <p className="tr-sr" role="log" aria-live="polite" aria-label={t.stepper.feedLabel}>
      {said}
    </p>
  );
}
