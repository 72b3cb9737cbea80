'use client';
/** The course page: where to go on, and the two courses as two columns of strata. */
import type { LocalText } from '@terrarium/lesson';
import Link from 'next/link';
import { Banners } from '../components/connection';
import { Header } from '../components/header';
import { Icon } from '../components/icons';
import { Inline } from '../components/markdown';
import { type CourseId, CURRICULUM, type PlannedLesson } from '../content/curriculum';
import { useTexts } from '../i18n/use-texts';
import { progressOf } from '../lesson/progress';
import { useLabPart, usePreferences } from '../live/use-lab';
import { LivingJar } from './living-jar';

/** What the course page needs of a lesson. */
export interface LessonCard {
  readonly id: string;
  readonly title: LocalText;
  readonly summary: LocalText;
  readonly objectives: readonly LocalText[];
  readonly minutes: number;
  readonly steps: readonly { readonly id: string; readonly once: boolean }[];
}

/** @param props.lessons those that exist */
export function CoursePage(props: { readonly lessons: readonly LessonCard[] }) {
  const { lessons } = props;
  const { t } = useTexts();
  return (
    <div className="page page-course">
      <Header />
      <Banners />
      <main className="course" id="lesson" tabIndex={-1}>
        <section className="course-lead">
          <div>
            <h1>{t.course.title}</h1>
            <p>{t.course.lead}</p>
            <Continue lessons={lessons} />
          </div>
          <LivingJar />
        </section>
        <Reduced />
        <div className="courses">
          <Course id="containers" lessons={lessons} />
          <Course id="kubernetes" lessons={lessons} />
        </div>
      </main>
    </div>
  );
}

/** The one thing to do here: go on, or begin. */
function Continue(props: { readonly lessons: readonly LessonCard[] }) {
  const { t, lang, pick } = useTexts();
  const { preferences } = usePreferences();
  const statuses = useLabPart((lab) => lab.steps);
  const left = props.lessons.find(({ id }) => id === preferences.last);
  const lesson = left ?? props.lessons[0];
  if (lesson === undefined) return null;
  const progress = progressOf(lesson.steps, statuses);
  const begun = left !== undefined || progress.done > 0;
  return (
    <p className="continue">
      <Link className="button button-primary button-large" href={`/${lang}/${lesson.id}`}>
        <span>{begun ? t.course.continue : t.course.start}</span>
        <Icon name="next" size={16} />
      </Link>
      {begun ? (
        <span className="quiet">
          {pick(lesson.title)} · {t.course.steps(progress.done, progress.total)}
        </span>
      ) : null}
    </p>
  );
}

function Course(props: { readonly id: CourseId; readonly lessons: readonly LessonCard[] }) {
  const { id, lessons } = props;
  const { t } = useTexts();
  const finished = useLabPart((lab) => lab.welcome?.finished);
  const planned = CURRICULUM[id];
  const done = Object.keys(finished ?? {}).filter((lesson) => lesson.startsWith(`${id}/`)).length;
  return (
    <section className="course-column" aria-labelledby={`course-${id}`}>
      <header>
        <h2 id={`course-${id}`}>{t.course[id].title}</h2>
        <p>{t.course[id].about}</p>
        <p className="quiet">{t.course.progress(done, planned.length)}</p>
      </header>
      <ol className="lessons">
        {planned.map((plan) => {
          const lesson = lessons.find((one) => one.id === `${id}/${plan.number}`);
          return lesson === undefined ? (
            <ComingLesson key={plan.number} plan={plan} />
          ) : (
            <OpenLesson key={plan.number} plan={plan} lesson={lesson} />
          );
        })}
      </ol>
    </section>
  );
}

function OpenLesson(props: { readonly plan: PlannedLesson; readonly lesson: LessonCard }) {
  const { plan, lesson } = props;
  const { t, lang, pick } = useTexts();
  const { preferences } = usePreferences();
  const statuses = useLabPart((lab) => lab.steps);
  const finished = useLabPart((lab) => lab.welcome?.finished[lesson.id] !== undefined);
  // The steps that the daemon sends are those of the lesson where the learner left off.
  const known = preferences.last === undefined || preferences.last === lesson.id;
  const progress = progressOf(lesson.steps, known ? statuses : null);
  return (
    <li className="lesson-open" data-finished={finished}>
      <span className="lesson-number">{plan.number}</span>
      <div>
        <h3>
          <Link href={`/${lang}/${lesson.id}`}>{pick(lesson.title)}</Link>
        </h3>
        <p>{pick(lesson.summary)}</p>
        <p className="small-head">{t.course.objectives}</p>
        <ul className="objectives">
          {lesson.objectives.map((objective) => (
            <li key={objective.en}>
              <Inline text={pick(objective)} />
            </li>
          ))}
        </ul>
        <p className="lesson-meta">
          <span>{t.course.minutes(lesson.minutes)}</span>
          <span>
            {finished ? t.course.finished : t.course.steps(progress.done, progress.total)}
          </span>
          <span className="meter" aria-hidden="true">
            {lesson.steps.map((step) => (
              <i key={step.id} data-done={progress.states[step.id] === 'passed'} />
            ))}
          </span>
        </p>
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
