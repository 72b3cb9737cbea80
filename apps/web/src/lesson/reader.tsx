'use client';
/** The left column: what the lesson is about, and its steps. */
import type { Lesson } from '@terrarium/lesson';
import { lazy, Suspense, useEffect, useLayoutEffect, useRef, useState } from 'react';
import type { AheadLesson } from '../completion/ahead';
import { Prose } from '../components/markdown';
import { HandoutLink } from '../handout/handout-link';
import { useTexts } from '../i18n/use-texts';
import { useLabPart } from '../live/use-lab';
import { useUnmet } from '../live/use-unmet';
import { Leftovers } from './leftovers';
import type { Progress } from './progress';
import { StepItem } from './step-item';

/** Most readers are not there yet. */
const Completion = lazy(() => import('../completion/completion'));
const Quiz = lazy(() => import('../quiz/quiz'));

/** In the address: the end of a lesson that is done, from the course map. */
const FINISHED = '#finished';

interface ReaderProps {
  readonly lesson: Lesson;
  readonly progress: Progress;
  /** id of the open step; null when all are closed */
  readonly open: string | null;
  /** whether `open` is where the learner is, and not yet a guess */
  readonly settled: boolean;
  readonly onOpen: (step: string | null) => void;
  /** all lessons of the course, in their order */
  readonly course: readonly AheadLesson[];
}

/** Introduction, steps, and where to read on. */
export function Reader(props: ReaderProps) {
  const { lesson, progress, open, settled, onOpen } = props;
  const { t, pick } = useTexts();
  const statuses = useLabPart((lab) => lab.steps);
  const heads = useRef(new Map<string, HTMLButtonElement>());
  const goTo = (step: string): void => {
    onOpen(step);
    // After the closed step's body is gone: else the place scrolled to would move.
    requestAnimationFrame(() => {
      const head = heads.current.get(step);
      head?.focus({ preventScroll: true });
      if (head !== undefined) scrollPaneTo(head, scrollBehavior());
    });
  };
  const [introduced, setIntroduced] = useIntroduction(settled, progress.done > 0);
  useScrollToOpen(settled ? open : null, heads.current);
  return (
    <article className="reader" id="lesson" tabIndex={-1}>
      <header className="reader-head">
        <h1>{pick(lesson.title)}</h1>
        <p className="reader-summary">{pick(lesson.summary)}</p>
        <p className="reader-meta">
          <span>{t.lesson.minutes(lesson.minutes)}</span>
          <span>{t.lesson.done(progress.done, progress.total)}</span>
          <HandoutLink />
        </p>
      </header>
      <Unmet lesson={lesson.id} />
      <Leftovers key={lesson.id} lesson={lesson} begun={progress.done > 0} />
      <details
        className="introduction"
        open={introduced}
        onToggle={(event) => setIntroduced(event.currentTarget.open)}
      >
        <summary>{t.lesson.introduction}</summary>
        <Prose text={pick(lesson.introduction)} terms />
        {lesson.objectives.length === 0 ? null : (
          <>
            <h2 className="small-head">{t.lesson.objectives}</h2>
            <ul className="objectives">
              {lesson.objectives.map((objective) => (
                <li key={objective.en}>{pick(objective)}</li>
              ))}
            </ul>
          </>
        )}
      </details>
      <ol className="steps" aria-label={t.lesson.steps}>
        {lesson.steps.map((step, index) => {
          const next = lesson.steps[index + 1];
          return (
            <StepItem
              key={step.id}
              lesson={lesson.id}
              number={index + 1}
              step={step}
              state={progress.states[step.id] ?? 'todo'}
              status={statuses?.find((status) => status.step === step.id)}
              open={open === step.id}
              onToggle={() => onOpen(open === step.id ? null : step.id)}
              onNext={next === undefined ? null : () => goTo(next.id)}
              headRef={(element) => {
                if (element === null) heads.current.delete(step.id);
                else heads.current.set(step.id, element);
              }}
            />
          );
        })}
      </ol>
      {progress.current === null ? <Finished lesson={lesson} course={props.course} /> : null}
      <Questions lesson={lesson} />
      <Deeper lesson={lesson} />
    </article>
  );
}

/**
 * Whether the introduction is open: closed for who comes back to a begun lesson. Decided once: a
 * text that folds away when a check turns green would move the page under the reader's eyes.
 */
function useIntroduction(settled: boolean, begun: boolean): [boolean, (open: boolean) => void] {
  const [open, setOpen] = useState(true);
  const decided = useRef(false);
  // Before the effect that scrolls to the open step, which measures what is above it.
  useLayoutEffect(() => {
    if (!settled || decided.current) return;
    decided.current = true;
    if (begun) setOpen(false);
  }, [settled, begun]);
  return [open, setOpen];
}

/** A lesson that cannot run here says which feature is missing. */
function Unmet(props: { readonly lesson: string }) {
  const { t, pick } = useTexts();
  const unmet = useUnmet(props.lesson);
  if (unmet.length === 0) return null;
  return (
    <aside className="reduced">
      <h2 className="small-head">{t.lesson.unmet}</h2>
      <ul>
        {unmet.map((sentence) => (
          <li key={sentence.en}>{pick(sentence)}</li>
        ))}
      </ul>
    </aside>
  );
}

/** The place the course map leads to, too. */
function Finished(props: Pick<ReaderProps, 'lesson' | 'course'>) {
  const { t } = useTexts();
  const place = useRef<HTMLElement>(null);
  useEffect(() => {
    if (window.location.hash === FINISHED && place.current !== null) {
      scrollPaneTo(place.current, 'auto');
    }
  }, []);
  return (
    <section ref={place} className="finished" role="status">
      <h2>{t.lesson.finishedTitle}</h2>
      <p>{t.lesson.finishedBody}</p>
      <Suspense fallback={null}>
        <Completion lesson={props.lesson} course={props.course} />
      </Suspense>
    </section>
  );
}

/** Folded: who has just done the last step opens them, and nobody else has to scroll past them. */
function Questions(props: { readonly lesson: Lesson }) {
  const { t } = useTexts();
  const [open, setOpen] = useState(false);
  const { id, quiz = [] } = props.lesson;
  if (quiz.length === 0) return null;
  return (
    <details className="quiz deeper" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{t.lesson.quiz(quiz.length)}</summary>
      {open ? (
        <Suspense fallback={null}>
          <Quiz lesson={id} questions={quiz} />
        </Suspense>
      ) : null}
    </details>
  );
}

function Deeper(props: { readonly lesson: Lesson }) {
  const { t, pick } = useTexts();
  if (props.lesson.deeper.length === 0) return null;
  return (
    <section className="deeper">
      <h2 className="small-head">{t.lesson.deeper}</h2>
      <ul>
        {props.lesson.deeper.map((entry) => (
          <li key={entry.reference}>
            <code>{entry.reference}</code>
            <Prose text={pick(entry.why)} />
          </li>
        ))}
      </ul>
    </section>
  );
}

/** Brings the step that is open when the page is first drawn into sight, once. */
function useScrollToOpen(open: string | null, heads: ReadonlyMap<string, HTMLElement>): void {
  const done = useRef(false);
  useEffect(() => {
    if (done.current || open === null) return;
    done.current = true;
    const head = heads.get(open);
    const first = heads.values().next().value;
    if (head !== undefined && head !== first) scrollPaneTo(head, 'auto');
  }, [open, heads]);
}

/** Air above the step that is scrolled to, px. */
const SCROLL_MARGIN = 12;

/** Scrolls the reader alone: scrollIntoView would also shift the clipped frames around it. */
function scrollPaneTo(target: HTMLElement, behavior: ScrollBehavior): void {
  const pane = target.closest('.reader-pane');
  if (pane === null) return;
  const distance = target.getBoundingClientRect().top - pane.getBoundingClientRect().top;
  pane.scrollTo({ top: pane.scrollTop + distance - SCROLL_MARGIN, behavior });
}

function scrollBehavior(): ScrollBehavior {
  return window.matchMedia('(prefers-reduced-motion: reduce)').matches ? 'auto' : 'smooth';
}
