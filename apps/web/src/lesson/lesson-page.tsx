'use client';
/** The lesson page: text left, the kernel top right, terminals below it, the last minute at the bottom. */
import type { Lesson } from '@terrarium/lesson';
import { useCallback, useEffect, useMemo, useState } from 'react';
import type { AheadLesson } from '../completion/ahead';
import { Banners } from '../components/connection';
import { Header } from '../components/header';
import { useTexts } from '../i18n/use-texts';
import { LinkedPage } from '../linked/linked-page';
import { useLabPart, useLabStore } from '../live/use-lab';
import { LessonActions } from '../palette/lesson-actions';
import { formatHash, parseHash } from '../past/moment-link';
import { PastBanner } from '../past/past-banner';
import { useMomentLink } from '../past/use-moment-link';
import { TerminalsProvider } from '../terminal/terminals';
import { Bottom } from './bottom';
import {
  useNewestLesson,
  useReadyMark,
  useRememberPlace,
  useStageView,
  useTerminalShortcut,
} from './page-hooks';
import { progressOf } from './progress';
import { Reader } from './reader';
import { Workspace } from './workspace';

interface LessonPageProps {
  readonly lesson: Lesson;
  /** lessons that the course is planned to have */
  readonly total: number;
  /** those that it has */
  readonly course: readonly AheadLesson[];
}

/** One lesson with its terminals. */
export function LessonPage(props: LessonPageProps) {
  const leave = useCallback(() => {
    document.querySelector<HTMLElement>('.step[data-open="true"] .step-head button')?.focus();
  }, []);
  return (
    <TerminalsProvider onLeave={leave}>
      <LessonWorkspace {...props} />
    </TerminalsProvider>
  );
}

function LessonWorkspace(props: LessonPageProps) {
  const { total } = props;
  const lesson = useNewestLesson(props.lesson);
  const { t, pick } = useTexts();
  const statuses = useLabPart((lab) => lab.steps);
  const progress = useMemo(() => progressOf(lesson.steps, statuses), [lesson.steps, statuses]);
  const { open, setOpen, settled } = useOpenStep(lesson, progress.current, statuses !== null);
  const [view, setView] = useStageView(lesson, open);
  useRememberPlace(lesson.id);
  useReadyMark();
  useTerminalShortcut();
  useMomentLink();
  const store = useLabStore();
  useEffect(() => {
    if (settled && open !== null) store.showsStep(open);
  }, [store, settled, open]);
  const past = useLabPart((lab) => lab.past !== null);
  const [command, setCommand] = useState<string | null>(null);
  const showCommand = useCallback(
    (id: string): void => {
      setCommand(id);
      setView('diff');
    },
    [setView],
  );
  return (
    <LinkedPage lesson={lesson} open={open} onView={setView}>
      {/* The banner lies over it: the panes keep their place, and a shell its size. */}
      <div className="past-under" inert={past}>
        <Header>
          <span className="place-course">{t.course[lesson.course].title}</span>
          <span className="place-number">{t.nav.lessonOf(lesson.number, total)}</span>
          <span className="place-title">{pick(lesson.title)}</span>
        </Header>
      </div>
      <Banners />
      <PastBanner lesson={lesson} />
      <LessonActions lesson={lesson} open={open} onOpen={setOpen} onView={setView} />
      <Workspace
        reader={
          <Reader
            lesson={lesson}
            progress={progress}
            open={open}
            settled={settled}
            onOpen={setOpen}
            course={props.course}
          />
        }
        view={view}
        onView={setView}
        command={command}
        onCommand={setCommand}
      />
      <Bottom onCommand={showCommand} />
    </LinkedPage>
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
    const named = parseHash(window.location.hash).step;
    if (lesson.steps.some(({ id }) => id === named)) setChosen(named);
  }, [lesson.steps]);
  useEffect(() => {
    if (known) setChosen((before) => (before === undefined ? (current ?? null) : before));
  }, [known, current]);
  const setOpen = useCallback((step: string | null) => {
    setChosen(step);
    const { pathname, search } = window.location;
    const hash = formatHash(step, null);
    const address = `${pathname}${search}${hash === '' ? '' : `#${hash}`}`;
    window.history.replaceState(window.history.state, '', address);
  }, []);
  const open = chosen === undefined ? (lesson.steps[0]?.id ?? null) : chosen;
  return { open, setOpen, settled: chosen !== undefined };
}
