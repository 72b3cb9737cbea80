'use client';
/** The lesson page: text left, the kernel top right, terminals below it, the last minute at the bottom. */
import type { Lesson } from '@terrarium/lesson';
import { useCallback, useEffect, useMemo, useState } from 'react';
import { Banners } from '../components/connection';
import { Header } from '../components/header';
import { useTexts } from '../i18n/use-texts';
import { useLabPart, usePreferences } from '../live/use-lab';
import { TerminalsProvider, useTerminals } from '../terminal/terminals';
import { Bottom } from './bottom';
import { progressOf } from './progress';
import { Reader } from './reader';
import { STAGE_VIEWS, type StageView } from './stage';
import { Workspace } from './workspace';

/** @param props.total lessons that the course is planned to have */
export function LessonPage(props: { readonly lesson: Lesson; readonly total: number }) {
  const leave = useCallback(() => {
    document.querySelector<HTMLElement>('.step[data-open="true"] .step-head button')?.focus();
  }, []);
  return (
    <TerminalsProvider onLeave={leave}>
      <LessonWorkspace {...props} />
    </TerminalsProvider>
  );
}

function LessonWorkspace(props: { readonly lesson: Lesson; readonly total: number }) {
  const { lesson, total } = props;
  const { t, pick } = useTexts();
  const statuses = useLabPart((lab) => lab.steps);
  const progress = useMemo(() => progressOf(lesson.steps, statuses), [lesson.steps, statuses]);
  const { open, setOpen, settled } = useOpenStep(lesson, progress.current, statuses !== null);
  const [view, setView] = useStageView(lesson, open);
  useRememberPlace(lesson.id);
  useReadyMark();
  useTerminalShortcut();
  return (
    <div className="page">
      <Header>
        <span className="place-course">{t.course[lesson.course].title}</span>
        <span className="place-number">{t.nav.lessonOf(lesson.number, total)}</span>
        <span className="place-title">{pick(lesson.title)}</span>
      </Header>
      <Banners />
      <Workspace
        reader={
          <Reader
            lesson={lesson}
            progress={progress}
            open={open}
            settled={settled}
            onOpen={setOpen}
          />
        }
        view={view}
        onView={setView}
      />
      <Bottom />
    </div>
  );
}

/**
 * The open step: the one that the address names, else the current one, then what the learner
 * opens. It does not jump on by itself when a check turns green: there is something to read, and
 * a Next button. The address keeps it over a reload and a change of language.
 */
function useOpenStep(
  lesson: Lesson,
  current: string | null,
  known: boolean,
): {
  readonly open: string | null;
  readonly setOpen: (step: string | null) => void;
  /** false while the daemon has not said where the learner is */
  readonly settled: boolean;
} {
  const [chosen, setChosen] = useState<string | null | undefined>(undefined);
  useEffect(() => {
    const named = decodeURIComponent(window.location.hash.slice(1));
    if (lesson.steps.some(({ id }) => id === named)) setChosen(named);
  }, [lesson.steps]);
  useEffect(() => {
    if (known) setChosen((before) => (before === undefined ? (current ?? null) : before));
  }, [known, current]);
  const setOpen = useCallback((step: string | null) => {
    setChosen(step);
    const { pathname, search } = window.location;
    const hash = step === null ? '' : `#${encodeURIComponent(step)}`;
    window.history.replaceState(window.history.state, '', `${pathname}${search}${hash}`);
  }, []);
  const open = chosen === undefined ? (lesson.steps[0]?.id ?? null) : chosen;
  return { open, setOpen, settled: chosen !== undefined };
}

/** The view follows the open step, until the learner picks another tab. */
function useStageView(lesson: Lesson, open: string | null): [StageView, (view: StageView) => void] {
  const wanted = lesson.steps.find(({ id }) => id === open)?.view;
  const [view, setView] = useState<StageView>('processes');
  useEffect(() => {
    const next = STAGE_VIEWS.find((one) => one === wanted);
    if (next !== undefined) setView(next);
  }, [wanted]);
  return [view, setView];
}

function useRememberPlace(lesson: string): void {
  const { preferences, prefer } = usePreferences();
  const connected = useLabPart((lab) => lab.welcome !== null);
  useEffect(() => {
    if (connected && preferences.last !== lesson) prefer('last', lesson);
  }, [connected, preferences.last, lesson, prefer]);
}

/** Says to scripts and tests that the first snapshot is on screen. */
function useReadyMark(): void {
  const ready = useLabPart((lab) => lab.hasState);
  useEffect(() => {
    document.documentElement.toggleAttribute('data-terrarium-ready', ready);
    return () => document.documentElement.removeAttribute('data-terrarium-ready');
  }, [ready]);
}

/** Ctrl+` goes to the terminal from anywhere; in the terminal the same keys lead back. */
function useTerminalShortcut(): void {
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
