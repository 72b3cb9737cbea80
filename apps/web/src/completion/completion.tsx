'use client';
/** The end of a lesson: what was made, by the kernel's account, and where it goes on. */
import type { Lesson } from '@terrarium/lesson';
import Link from 'next/link';
import { Icon } from '../components/icons';
import { CURRICULUM } from '../content/curriculum';
import { useCourseProgress } from '../course/use-course-progress';
import { useTexts } from '../i18n/use-texts';
import { useLabPart } from '../live/use-lab';
import { type AheadLesson, aheadOf } from './ahead';
import { COUNTED, doneOf } from './built';
import { completionStrings } from './strings';
import { useBuilt } from './use-built';
import './completion.css';

interface CompletionProps {
  readonly lesson: Lesson;
  /** all lessons of its course, in their order */
  readonly course: readonly AheadLesson[];
}

/** What stands below "That was the whole lesson". */
export default function Completion({ lesson, course }: CompletionProps) {
  return (
    <>
      <Made lesson={lesson} />
      <How />
      <Onward lesson={lesson} course={course} />
    </>
  );
}

function Made({ lesson }: { readonly lesson: Lesson }) {
  const { lang } = useTexts();
  const s = completionStrings(lang);
  const built = useBuilt(lesson.id);
  if (built === undefined) return null;
  if (built === null) return <p>{s.forgotten}</p>;
  return (
    <>
      <h3 className="small-head">{s.built}</h3>
      <dl className="built">
        {COUNTED.filter((name) => built[name] > 0).map((name) => (
          <div key={name}>
            <dt>{s.counts[name](built[name])}</dt>
            <dd>{built[name]}</dd>
          </div>
        ))}
      </dl>
      <p className="built-since">{s.since(moment(built.since, lang), moment(built.until, lang))}</p>
    </>
  );
}

function moment(t: number, lang: string): string {
  const style = { dateStyle: 'medium', timeStyle: 'short' } as const;
  return new Intl.DateTimeFormat(lang === 'zh' ? 'zh-CN' : 'en-GB', style).format(t);
}

function How() {
  const { lang } = useTexts();
  const s = completionStrings(lang);
  const steps = useLabPart((lab) => lab.steps);
  if (steps === null) return null;
  const { time, predictions, unaided } = doneOf(steps);
  return (
    <>
      <h3 className="small-head">{s.how}</h3>
      <ul className="built-how">
        {time === null ? null : <li>{s.time(Math.round(time / 60_000))}</li>}
        {predictions.all === 0 ? null : (
          <li>{s.predictions(predictions.right, predictions.all)}</li>
        )}
        <li>{s.unaided(unaided, steps.length)}</li>
      </ul>
    </>
  );
}

function Onward({ lesson, course }: CompletionProps) {
  const { t, lang, pick } = useTexts();
  const s = completionStrings(lang);
  const progress = useCourseProgress();
  // Without the progress of the others, the next one in order is not wrong.
  const ahead = aheadOf(course, lesson.id, typeof progress === 'object' ? progress : {});
  const coming = CURRICULUM[lesson.course].length - course.length;
  if (progress === 'loading') return null;
  return (
    <>
      {ahead.kind === 'end' ? (
        <>
          <h3 className="built-end">{s.end}</h3>
          <p>
            {s.endBody(ahead.lessons, ahead.steps)} {coming > 0 ? s.coming(coming) : null}
          </p>
        </>
      ) : null}
      <p className="finished-links">
        {ahead.kind === 'next' ? (
          <Link className="button button-primary" href={`/${lang}/${ahead.lesson.id}`}>
            <span>{s.next(pick(ahead.lesson.title))}</span>
            <Icon name="next" size={14} />
          </Link>
        ) : null}
        <Link className="button button-secondary" href={`/${lang}`}>
          {t.lesson.toCourse}
        </Link>
      </p>
    </>
  );
}
