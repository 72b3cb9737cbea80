'use client';
/**
 * A lesson as a handout: every step on white paper, without a lab. Solutions, glossary and figure
 * are the reader's choice; what is left out is said.
 */
import type { Lesson } from '@terrarium/lesson';
import Link from 'next/link';
import { useEffect, useState } from 'react';
import { Button } from '../components/button';
import { CURRICULUM } from '../content/curriculum';
import type { RecordedFigure } from '../content/figures';
import { useTexts } from '../i18n/use-texts';
import { HandoutInline, HandoutProse } from './handout-prose';
import { HandoutStep } from './handout-step';
import { termsOfLesson } from './lesson-terms';
import { RecordedView } from './recorded-view';
import { handoutStrings } from './strings';

/** In the address: the browser's print dialogue is to open at once. */
export const PRINT_NOW = '#print';

interface HandoutProps {
  readonly lesson: Lesson;
  readonly recorded: RecordedFigure | null;
}

/** The page `/[lang]/[course]/[number]/print`. */
export function HandoutPage({ lesson, recorded }: HandoutProps) {
  const [parts, setParts] = useState({ solutions: false, glossary: true, figure: true });
  usePrintAtOnce();
  return (
    <main className="handout" id="lesson" tabIndex={-1}>
      <Tools lesson={lesson} hasFigure={recorded !== null} parts={parts} onParts={setParts} />
      <article className="sheet" data-theme="light">
        <Head lesson={lesson} solutions={parts.solutions} />
        <ol className="handout-steps">
          {lesson.steps.map((step, index) => (
            <HandoutStep key={step.id} step={step} number={index + 1} solutions={parts.solutions}>
              {parts.figure && recorded?.figure.step === step.id ? (
                <RecordedView {...recorded} />
              ) : null}
            </HandoutStep>
          ))}
        </ol>
        <Deeper lesson={lesson} />
        {parts.glossary ? <Terms lesson={lesson} /> : null}
        <From lesson={lesson} />
      </article>
    </main>
  );
}

interface Parts {
  readonly solutions: boolean;
  readonly glossary: boolean;
  readonly figure: boolean;
}

function Tools(props: {
  readonly lesson: Lesson;
  readonly hasFigure: boolean;
  readonly parts: Parts;
  readonly onParts: (parts: Parts) => void;
}) {
  const { lesson, parts, onParts } = props;
  const { lang } = useTexts();
  const s = handoutStrings(lang);
  const offered = (['solutions', 'glossary', 'figure'] as const).filter(
    (part) => part !== 'figure' || props.hasFigure,
  );
  return (
    <div className="handout-tools">
      <Link className="text-tool" href={`/${lang}/${lesson.id}`}>
        {s.back}
      </Link>
      <fieldset>
        <legend className="sr-only">{s.options}</legend>
        {offered.map((part) => (
          <label key={part}>
            <input
              type="checkbox"
              checked={parts[part]}
              onChange={(event) => onParts({ ...parts, [part]: event.currentTarget.checked })}
            />
            {s[part]}
          </label>
        ))}
      </fieldset>
      <Button look="primary" onClick={() => window.print()}>
        {s.print}
      </Button>
    </div>
  );
}

function Head(props: { readonly lesson: Lesson; readonly solutions: boolean }) {
  const { lesson, solutions } = props;
  const { t, lang, pick } = useTexts();
  const s = handoutStrings(lang);
  return (
    <header>
      <p className="sheet-place">
        {t.name} · {t.course[lesson.course].title} ·{' '}
        {t.nav.lessonOf(lesson.number, CURRICULUM[lesson.course].length)}
      </p>
      <h1>{pick(lesson.title)}</h1>
      <p className="sheet-summary">{pick(lesson.summary)}</p>
      <p className="sheet-meta">
        {t.lesson.minutes(lesson.minutes)} · {s.noHints}
        {solutions ? '' : ` ${s.withoutSolutions}`}
      </p>
      <h2>{s.objectives}</h2>
      <ul>
        {lesson.objectives.map((objective) => (
          <li key={objective.en}>
            <HandoutInline text={pick(objective)} />
          </li>
        ))}
      </ul>
      <h2>{s.introduction}</h2>
      <HandoutProse text={pick(lesson.introduction)} />
    </header>
  );
}

function Deeper({ lesson }: { readonly lesson: Lesson }) {
  const { lang, pick } = useTexts();
  if (lesson.deeper.length === 0) return null;
  return (
    <section>
      <h2>{handoutStrings(lang).deeper}</h2>
      <ul>
        {lesson.deeper.map(({ reference, why }) => (
          <li key={reference}>
            <code>{reference}</code> <HandoutInline text={pick(why)} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function Terms({ lesson }: { readonly lesson: Lesson }) {
  const { lang, pick } = useTexts();
  const terms = termsOfLesson(lesson, lang);
  if (terms.length === 0) return null;
  const other = lang === 'en' ? 'zh' : 'en';
  return (
    <section className="sheet-terms">
      <h2>{handoutStrings(lang).terms}</h2>
      <dl>
        {terms.map(({ id, name, text }) => (
          <div key={id}>
            <dt>
              {pick(name)}
              {name[other] === pick(name) ? null : (
                <span lang={other === 'zh' ? 'zh-Hans' : 'en'}> {name[other]}</span>
              )}
            </dt>
            <dd>{pick(text)}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

/** Where the paper came from. The address of the lab is known in the browser alone. */
function From({ lesson }: { readonly lesson: Lesson }) {
  const { lang } = useTexts();
  const [origin, setOrigin] = useState('');
  useEffect(() => setOrigin(window.location.origin), []);
  return (
    <p className="sheet-from">
      {handoutStrings(lang).from} {`${origin}/${lang}/${lesson.id}`}
    </p>
  );
}

/** Opens the print dialogue when the address asks for it, once the fonts and the figure are there. */
function usePrintAtOnce(): void {
  useEffect(() => {
    if (window.location.hash !== PRINT_NOW) return;
    const { pathname } = window.location;
    window.history.replaceState(window.history.state, '', pathname); // a reload does not ask again
    void document.fonts.ready.then(() => window.print());
  }, []);
}
