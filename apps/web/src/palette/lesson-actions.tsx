'use client';
/** What the palette can do in a lesson: the open step's commands and reset, other steps, views. */
import type { Lesson } from '@terrarium/lesson';
import type { StepStatus } from '@terrarium/protocol';
import { useEffect } from 'react';
import { useTexts } from '../i18n/use-texts';
import { progressOf } from '../lesson/progress';
import { STAGE_VIEWS, type StageView } from '../lesson/stage';
import { useLabPart } from '../live/use-lab';
import { parseHash } from '../past/moment-link';
import { useTerminals } from '../terminal/terminals';
import { type PaletteAction, usePaletteActions } from './actions';
import { paletteStrings } from './strings';

interface LessonActionsProps {
  readonly lesson: Lesson;
  readonly open: string | null;
  readonly onOpen: (step: string) => void;
  readonly onView: (view: StageView) => void;
}

/** Draws nothing: offers the actions, and opens the step that the address comes to name. */
export function LessonActions(props: LessonActionsProps): null {
  const { lesson, onOpen } = props;
  const steps = useStepActions(props);
  const views = useViewActions(props);
  usePaletteActions(() => [...steps, ...views]);
  useEffect(() => {
    const onHash = (): void => {
      const { step } = parseHash(window.location.hash);
      if (step !== null && lesson.steps.some(({ id }) => id === step)) goTo(step, onOpen);
    };
    window.addEventListener('hashchange', onHash);
    return () => window.removeEventListener('hashchange', onHash);
  }, [lesson.steps, onOpen]);
  return null;
}

function useStepActions(props: LessonActionsProps): readonly PaletteAction[] {
  const { lesson, open, onOpen } = props;
  const { lang } = useTexts();
  const terminals = useTerminals();
  const s = paletteStrings(lang);
  const group = s.groups.step;
  const at = lesson.steps.findIndex(({ id }) => id === open);
  const step = lesson.steps[at];
  const next = lesson.steps[at + 1];
  const previous = at > 0 ? lesson.steps[at - 1] : undefined;
  const actions: PaletteAction[] = [];
  if (step !== undefined && step.commands.length > 0 && !terminals.typing) {
    const run = (): void => void terminals.run(step.commands);
    actions.push({ id: 'run', group, title: s.runStep, run });
  }
  if (next !== undefined) {
    actions.push({ id: 'next', group, title: s.nextStep, run: () => goTo(next.id, onOpen) });
  }
  if (previous !== undefined) {
    const run = (): void => goTo(previous.id, onOpen);
    actions.push({ id: 'previous', group, title: s.previousStep, run });
  }
  if (step !== undefined) actions.push({ id: 'reset', group, title: s.resetStep, run: askReset });
  const ahead = useLabPart((lab) => isAhead(lesson, lab.steps, open));
  if (ahead) actions.push({ id: 'skip-here', group, title: s.skipHere, run: askGoToStep });
  return actions;
}

function useViewActions(props: LessonActionsProps): readonly PaletteAction[] {
  const { t, lang } = useTexts();
  const terminals = useTerminals();
  const s = paletteStrings(lang);
  return [
    ...STAGE_VIEWS.map((view) => ({
      id: `view-${view}`,
      group: s.groups.view,
      title: s.showView(t.stage.views[view]),
      run: () => props.onView(view),
    })),
    {
      id: 'terminal',
      group: s.groups.page,
      title: s.toTerminal,
      keys: 'Ctrl `',
      run: () => terminals.focus(),
    },
  ];
}

/** The same question as from the button: whatever runs in the sandbox ends. */
function askReset(): void {
  press('.step-actions button[aria-haspopup="dialog"]');
}

function askGoToStep(): void {
  press('.ahead button[aria-haspopup="dialog"]');
}

/** A button of the open step. */
function press(selector: string): void {
  document.querySelector<HTMLElement>(`.step[data-open="true"] ${selector}`)?.click();
}

function isAhead(
  lesson: Lesson,
  statuses: readonly StepStatus[] | null,
  step: string | null,
): boolean {
  if (step === null || statuses === null) return false;
  return progressOf(lesson.steps, statuses).states[step] === 'todo';
}

function goTo(step: string, onOpen: (step: string) => void): void {
  onOpen(step);
  requestAnimationFrame(() => {
    const head = document.querySelector<HTMLElement>(
      `.step[data-step="${CSS.escape(step)}"] .step-head button`,
    );
    head?.focus();
    head?.scrollIntoView({ block: 'start' });
  });
}
