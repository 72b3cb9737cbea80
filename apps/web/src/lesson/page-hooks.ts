'use client';
/** What every page that shows a lesson does beside drawing it: the lesson's own and the demo. */
import type { Lesson } from '@terrarium/lesson';
import { useEffect, useState } from 'react';
import { useLabPart, usePreferences } from '../live/use-lab';
import { useTerminals } from '../terminal/terminals';
import { STAGE_VIEWS, type StageView } from './stage';

/** The view follows the open step, until the learner picks another tab. */
export function useStageView(
  lesson: Lesson,
  open: string | null,
): [StageView, (view: StageView) => void] {
  const wanted = lesson.steps.find(({ id }) => id === open)?.view;
  const [view, setView] = useState<StageView>('processes');
  useEffect(() => {
    const next = STAGE_VIEWS.find((one) => one === wanted);
    if (next !== undefined) setView(next);
  }, [wanted]);
  return [view, setView];
}

/** Keeps which lesson was open last, for the course's page. */
export function useRememberPlace(lesson: string): void {
  const { preferences, prefer } = usePreferences();
  const connected = useLabPart((lab) => lab.welcome !== null);
  useEffect(() => {
    if (connected && preferences.last !== lesson) prefer('last', lesson);
  }, [connected, preferences.last, lesson, prefer]);
}

/**
 * The lesson as it is now: while its author has `terrarium lesson watch` running, the daemon sends what
 * the files say. Shells and views go on as they are.
 *
 * @param drawn as the server had read it when it drew the page
 */
export function useNewestLesson(drawn: Lesson): Lesson {
  const renewed = useLabPart((lab) => lab.lesson);
  return renewed === null ? drawn : (renewed as Lesson); // the daemon's loader has checked it
}

/** Says to scripts and tests that the first snapshot is on screen. */
export function useReadyMark(): void {
  const ready = useLabPart((lab) => lab.hasState);
  useEffect(() => {
    document.documentElement.toggleAttribute('data-terrarium-ready', ready);
    return () => document.documentElement.removeAttribute('data-terrarium-ready');
  }, [ready]);
}

/** Ctrl+` goes to the terminal from anywhere; in the terminal the same keys lead back. */
export function useTerminalShortcut(): void {
  const { focus } = useTerminals();
  useEffect(() => {
    const onKey = (event: globalThis.KeyboardEvent): void => {
      if (event.code !== 'Backquote' || !event.ctrlKey || event.altKey || event.metaKey) return;
      event.preventDefault();
      focus();
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, [focus]);
}
