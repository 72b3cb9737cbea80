'use client';
/**
 * The opening page, which is the course's map: what the lab is, where to go on, a container being
 * made, and the two courses as two columns of strata.
 */
import type { LocalText } from '@terrarium/lesson';
import Link from 'next/link';
import { Banners } from '../components/connection';
import { Header } from '../components/header';
import { Icon } from '../components/icons';
import { Inline } from '../components/markdown';
import { type CourseId, CURRICULUM, type PlannedLesson } from '../content/curriculum';
import { useTexts } from '../i18n/use-texts';
import { useLabPart, usePreferences } from '../live/use-lab';
import { OpeningShow } from '../opening/opening-show';
import { openingStrings } from '../opening/strings';
import { courseStanding, type Passed, resumeOf, standingOf } from './course-progress';
import { LivingJar } from './living-jar';
import { courseStrings, timeText } from './strings';
import { useCourseProgress } from './use-course-progress';

/** What the course page needs of a lesson. */
export interface LessonCard {
  readonly id: string;
  readonly title: LocalText;
  readonly summary: LocalText;
  readonly objectives: readonly LocalText[];
  readonly minutes: number;
  readonly steps: readonly { readonly id: string }[];
}

interface MapProps {
  readonly lessons: readonly LessonCard[];
  /** null while it is not known */
  readonly passed: Passed | null;
}

/** @param props.lessons those that exist */
export function CoursePage(props: { readonly lessons: readonly LessonCard[] }) {
  const { lessons } = props;
  const { t, lang } = useTexts();
  const progress = useCourseProgress();
  const passed = typeof progress === 'object' ? progress : null;
  return (
    <div className="page page-course">
      <Header />
      <Banners />
      <main className="course" id="lesson" tabIndex={-1}>
        <section className="course-lead">
          <div>
            <h1>{t.course.title}</h1>
            <p>{openingStrings(lang).what}</p>
            <Continue lessons={lessons} passed={passed} />
          </div>
          <LivingJar />
        </section>
        <OpeningShow />
        <Reduced />
        {progress === 'failed' ? <Trouble text={courseStrings(lang).noProgress} /> : null}
        {lessons.length === 0 ? <Trouble text={courseStrings(lang).noLessons} /> : null}
        <div className="courses">
          <Course id="containers" lessons={lessons} passed={passed} />
          <Course id="kubernetes" lessons={lessons} passed={passed} />
        </div>
      </main>
    </div>
  );
}

/** The one thing to do here: go on, or begin. */
function Continue({ lessons, passed }: MapProps) {
  const { t, lang, pick } = useTexts();
  const { preferences } = usePreferences();
  const resume = resumeOf(lessons, passed ?? {}, preferences.last);
  if (resume === null) return null;
  const { lesson, kind } = resume;
  const { done, total } = standingOf(lesson, passed ?? {});
  const s = courseStrings(lang);
  const words = {
    start: t.course.start,
    continue: t.course.continue,
    next: s.next,
    again: s.again,
  };
  return (
    <p className="continue">
      <Link className="button button-primary button-large" href={`/${lang}/${lesson.id}`}>
        <span>{words[kind]}</span>
        <Icon name="next" size={16} />
      </Link>
      {kind === 'start' ? null : (
        <span className="quiet">
          {pick(lesson.title)}
          {passed === null ? null : ` · ${t.course.steps(done, total)}`}
        </span>
      )}
    </p>
  );
}

function Course(props: MapProps & { readonly id: CourseId }) {
  const { id, passed } = props;
  const { t, lang } = useTexts();
  const s = courseStrings(lang);
  const planned = CURRICULUM[id];
  const lessons = props.lessons.filter((lesson) => lesson.id.startsWith(`${id}/`));
  const { finished, minutes, minutesLeft } = courseStanding(lessons, passed ?? {});
  return (
    <section className="course-column" aria-labelledby={`course-${id}`}>
      <header>
        <h2 id={`course-${id}`}>{t.course[id].title}</h2>
        <p>{t.course[id].about}</p>
        <p className="quiet">
          {t.course.progress(finished, planned.length)}
          {lessons.length === 0
            ? null
            : ` · ${s.inAll(timeText(lang, minutes), timeText(lang, minutesLeft))}`}
        </p>
        {lessons.length > 1 ? <p className="quiet">{s.free}</p> : null}
      </header>
      <ol className="lessons">
        {planned.map((plan) => {
          const lesson = lessons.find((one) => one.id === `${id}/${plan.number}`);
          return lesson === undefined ? (
            <ComingLesson key={plan.number} plan={plan} />
          ) : (
            <OpenLesson key={plan.number} plan={plan} lesson={lesson} passed={passed} />
          );
        })}
      </ol>
    </section>
  );
}

function OpenLesson(props: {
  readonly plan: PlannedLesson;
  readonly lesson: LessonCard;
  readonly passed: Passed | null;
}) {
  const { plan, lesson } = props;
  const { t, lang, pick } = useTexts();
  const { preferences } = usePreferences();
  const s = courseStrings(lang);
  const passed = props.passed ?? {};
  const { done, total, state, minutesLeft } = standingOf(lesson, passed);
  const time = state === 'begun' ? s.minutesLeft(minutesLeft) : t.course.minutes(lesson.minutes);
  return (
    <li
      className="lesson-open"
      data-state={state}
      data-last={preferences.last === lesson.id || undefined}
    >
      <span className="lesson-number">{plan.number}</span>
      <div>
        <h3>
          <Link href={`/${lang}/${lesson.id}`}>{pick(lesson.title)}</Link>
        </h3>
        <p>{pick(lesson.summary)}</p>
        <p className="lesson-meta">
          <span>{time}</span>
          {state === 'finished' ? (
            <Link href={`/${lang}/${lesson.id}#finished`} title={s.made}>
              {t.course.finished}
            </Link>
          ) : (
            <span>{t.course.steps(done, total)}</span>
          )}
          <span className="meter" aria-hidden="true">
            {lesson.steps.map((step) => (
              <i key={step.id} data-done={passed[lesson.id]?.[step.id] !== undefined} />
            ))}
          </span>
        </p>
        <details className="lesson-more">
          <summary>{s.more}</summary>
          <ul className="objectives">
            {lesson.objectives.map((objective) => (
              <li key={objective.en}>
                <Inline text={pick(objective)} />
              </li>
            ))}
          </ul>
        </details>
      </div>
    </li>
  );
}

function ComingLesson(props: { readonly plan: PlannedLesson }) {
  const { t, pick } = useTexts();
  return (
    <li className="lesson-coming">
      <span className="lesson-number">{props.plan.number}</span>
      <span className="lesson-coming-title">{pick(props.plan.title)}</span>
      <span className="lesson-coming-note">{t.course.coming}</span>
    </li>
  );
}

/** What this machine lacks, if anything: said once, here. */
function Reduced() {
  const { t, pick } = useTexts();
  const reduced = useLabPart((lab) => lab.welcome?.reduced);
  if (reduced === undefined || reduced.length === 0) return null;
  return (
    <aside className="reduced">
      <h2 className="small-head">{t.sandbox.reduced}</h2>
      <ul>
        {reduced.map((sentence) => (
          <li key={sentence.en}>{pick(sentence)}</li>
        ))}
      </ul>
    </aside>
  );
}

function Trouble(props: { readonly text: string }) {
  return (
    <p className="reduced" role="status">
      {props.text}
    </p>
  );
}
