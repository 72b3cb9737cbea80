'use client';
/** What the parts of the stepper share: its state, what can be asked for, and the keys. */
import type { StepperClientMessage, StepperState } from '@terrarium/protocol';
import { useCallback, useEffect, useMemo, useRef } from 'react';
import { useTexts } from '../i18n/use-texts';
import { useLabPart, useLabStore } from '../live/use-lab';
import { groupAt, groupsOf, type Lane, positionOf } from './tape';

/** The session's stepper; null when nothing is open. */
export function useStepper(): StepperState | null {
  return useLabPart((lab) => lab.stepper);
}

/** Sends what the learner asks for; says so when there is no connection. */
export function useAsk(): (message: StepperClientMessage) => void {
  const store = useLabStore();
  const { t } = useTexts();
  return useCallback(
    (message) => {
      if (!store.send(message)) store.notify(t.stepper.notConnected);
    },
    [store, t],
  );
}

/** The tape's lanes; groups are made once for each plan. */
export function useLanes(stepper: StepperState): readonly Lane[] {
  const { processes } = stepper;
  const grouped = useMemo(
    () => processes.map((process) => ({ process, groups: groupsOf(process) })),
    [processes],
  );
  return grouped.map((lane) => ({ ...lane, position: positionOf(stepper, lane.process.name) }));
}

/** What can be done now. */
export interface Actions {
  readonly canStep: boolean;
  step(): void;
  /** through all calls of the present purpose */
  stepGroup(): void;
  runAll(): void;
  pause(): void;
  abort(): void;
  close(): void;
  runTo(process: string, index: number): void;
  again(): void;
}

export function useActions(stepper: StepperState, lanes: readonly Lane[]): Actions {
  const ask = useAsk();
  const latest = useRef({ stepper, lanes });
  latest.current = { stepper, lanes };
  return useMemo(() => {
    const stepGroup = (): void => {
      const { stepper: now, lanes: all } = latest.current;
      const process = now.next;
      const index = process === null ? null : (positionOf(now, process)?.index ?? null);
      if (process === null || index === null) return;
      const group = groupAt(all, process, index);
      if (group !== null) ask({ type: 'stepper.runTo', process, index: group.to });
    };
    return {
      canStep: stepper.next !== null && stepper.outcome === null && !stepper.running,
      step: () => ask({ type: 'stepper.step' }),
      stepGroup,
      runAll: () => ask({ type: 'stepper.runAll' }),
      pause: () => ask({ type: 'stepper.pause' }),
      abort: () => ask({ type: 'stepper.abort' }),
      close: () => ask({ type: 'stepper.close' }),
      runTo: (process, index) => ask({ type: 'stepper.runTo', process, index }),
      again: () => ask({ type: 'stepper.open', what: latest.current.stepper.what }),
    };
  }, [ask, stepper.next, stepper.outcome, stepper.running]);
}

/** S steps, N goes on to the next purpose: anywhere on the page but where text is typed. */
export function useStepKeys({ canStep, step, stepGroup }: Actions): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.altKey || event.metaKey || !canStep || isTyping(event.target))
        return;
      const act = { s: step, n: stepGroup }[event.key.toLowerCase()];
      if (act === undefined) return;
      event.preventDefault();
      act();
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, [canStep, step, stepGroup]);
}

function isTyping(target: EventTarget | null): boolean {
  if (document.querySelector('[role="dialog"]') !== null) return true;
  if (!(target instanceof HTMLElement)) return false;
  // Inside the terminal every key is the shell's.
  return (
    target.isContentEditable ||
    target.closest('input, textarea, select, .xterm, [role="tree"]') !== null
  );
}
