'use client';
/** What the room reads: as much of the step as was revealed so far, from the lesson page's own parts. */
import { evaluate, type Lesson, pickQuery, query, type Step } from '@terrarium/lesson';
import type { StepStatus } from '@terrarium/protocol';
import { useEffect, useRef } from 'react';
import { Icon } from '../components/icons';
import { Inline, Prose } from '../components/markdown';
import { useTexts } from '../i18n/use-texts';
import { Clauses } from '../lesson/clauses';
import { CommandLines } from '../lesson/commands';
import { Answered, PredictCard } from '../lesson/predict-card';
import { useLabPart } from '../live/use-lab';
import { paragraphsIn, type Shown, type Slide as SlideData } from './actions';
import { demoStrings } from './strings';
import type { Demo } from './use-demo';

/** The slide at the presentation's place. */
export function Slide(props: { readonly lesson: Lesson; readonly demo: Demo }) {
  const { lesson, demo } = props;
  const { slides, place, shown } = demo;
  const slide = slides[place.slide];
  const end = useRef<HTMLDivElement>(null);
  const key = `${place.slide}.${place.at}.${demo.waiting}`;
  useEffect(() => {
    if (key !== '') keepInSight(end.current);
  }, [key]);
  if (slide === undefined) return null;
  const isEnd = place.slide === slides.length - 1;
  return (
    <article
      className="demo-slide"
      id="lesson"
      tabIndex={-1}
      data-step={slide.step?.id}
      data-place={`${place.slide}.${place.at}`}
    >
      {slide.step === null ? (
        isEnd ? (
          <End />
        ) : (
          <Opening lesson={lesson} slide={slide} shown={shown} />
        )
      ) : (
        <StepSlide lesson={lesson} step={slide.step} slide={slide} demo={demo} />
      )}
      <div ref={end} />
    </article>
  );
}

/** What was revealed last stands last: the pane is scrolled so far that it is seen, and no further. */
function keepInSight(end: HTMLElement | null): void {
  const pane = end?.closest('.reader-pane');
  if (end === null || pane === null || pane === undefined) return;
  const below = end.getBoundingClientRect().bottom - pane.getBoundingClientRect().bottom;
  if (below > 0) pane.scrollTop += below;
}

function Opening(props: {
  readonly lesson: Lesson;
  readonly slide: SlideData;
  readonly shown: Shown;
}) {
  const { lesson, slide, shown } = props;
  const { lang, pick } = useTexts();
  const words = demoStrings(lang);
  const isUsed = useLabPart(
    (lab) => lab.steps?.some(({ firstPassedAt }) => firstPassedAt !== null) === true,
  );
  return (
    <>
      <h1>{pick(lesson.title)}</h1>
      <p className="demo-summary">{pick(lesson.summary)}</p>
      <Prose text={revealed(pick(lesson.introduction), slide, shown)} />
      {shown.paragraphs > 0 ? null : (
        <p className="quiet">
          {words.begin} {isUsed ? words.used : null}
        </p>
      )}
    </>
  );
}

function End() {
  const { lang } = useTexts();
  const words = demoStrings(lang);
  return (
    <>
      <h1>{words.end}</h1>
      <p className="demo-summary">{words.endBody}</p>
    </>
  );
}

function StepSlide(props: {
  readonly lesson: Lesson;
  readonly step: Step;
  readonly slide: SlideData;
  readonly demo: Demo;
}) {
  const { lesson, step, slide, demo } = props;
  const { shown } = demo;
  const { t, lang, pick } = useTexts();
  const words = demoStrings(lang);
  const status = useLabPart((lab) => lab.steps?.find((one) => one.step === step.id));
  const asksRoom =
    step.predict?.choices !== undefined && (status?.prediction ?? null) === null && !shown.answer;
  return (
    <>
      <h1>{pick(step.title)}</h1>
      <Prose text={revealed(pick(step.prose), slide, shown)} />
      {step.predict === undefined || !shown.question ? null : (
        <>
          <PredictCard
            lesson={lesson.id}
            step={step.id}
            predict={step.predict}
            status={withoutActual(status)}
          />
          {asksRoom ? <p className="quiet">{words.askRoom}</p> : null}
        </>
      )}
      {shown.commands.length === 0 ? null : (
        <div className="do">
          <CommandLines commands={shown.commands.flatMap(({ commands }) => commands)} />
        </div>
      )}
      {shown.check ? (
        <>
          <p className="look">
            <Icon name="eye" />
            <span>
              <strong>{t.stage.views[step.view]}.</strong> <Inline text={pick(step.look)} />
            </span>
          </p>
          <Clauses status={status} pointAt={null} />
        </>
      ) : null}
      {shown.answer ? <Answer step={step} status={status} /> : null}
    </>
  );
}

/** The kernel's answer, beside the room's if it gave one. */
function Answer(props: { readonly step: Step; readonly status: StepStatus | undefined }) {
  const { step, status } = props;
  const { lang, pick } = useTexts();
  const words = demoStrings(lang);
  const own = useLabPart((lab) => lab.state);
  const { predict } = step;
  if (predict === undefined) return null;
  const given = status?.prediction ?? null;
  const actual = given?.actual ?? actualOf(step, own);
  return (
    <section className="predict" data-answered="true" aria-live="polite">
      <h2 className="small-head">{words.kernelHas}</h2>
      {actual === null ? (
        <Prose text={pick(predict.explain)} />
      ) : (
        <Answered
          predict={predict}
          prediction={{
            answer: given?.answer ?? null,
            actual,
            correct: given?.correct ?? null,
          }}
        />
      )}
    </section>
  );
}

function actualOf(step: Step, state: Parameters<typeof evaluate>[1]): string | null {
  if (step.predict === undefined) return null;
  const { bindings } = evaluate(step.check, state);
  const ask = step.predict.kind === 'pick' ? pickQuery : query;
  return ask(step.predict.actual, bindings, state);
}

/** The daemon tells the answer when the check is green; the room hears it when it is revealed. */
function withoutActual(status: StepStatus | undefined): StepStatus | undefined {
  const prediction = status?.prediction ?? null;
  if (status === undefined || prediction === null) return status;
  return { ...status, prediction: { ...prediction, actual: null, correct: null } };
}

function revealed(markdown: string, slide: SlideData, shown: Shown): string {
  const parts = slide.actions.filter(({ kind }) => kind === 'text').length;
  return paragraphsIn(markdown, parts).slice(0, shown.paragraphs).join('\n\n');
}
