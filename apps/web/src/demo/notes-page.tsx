'use client';
/** The presenter's own window: what is on, what comes next, what to say about it, and the time. */
import type { Lesson, Step } from '@terrarium/lesson';
import { useEffect, useRef, useState } from 'react';
import { Inline, Prose } from '../components/markdown';
import { useTexts } from '../i18n/use-texts';
import { CommandLines } from '../lesson/commands';
import { nextAction, type Slide, slidesOf } from './actions';
import { type DemoChannel, type DemoNews, openChannel } from './channel';
import { times, timeText } from './clock';
import { useSeconds } from './demo-bar';
import { actionText, demoStrings } from './strings';
import { useDemoKeys } from './use-demo-keys';

/** Follows the presentation of a lesson in another window of this browser. */
export function NotesPage(props: { readonly lesson: Lesson }) {
  const { lesson } = props;
  const { lang, pick } = useTexts();
  const words = demoStrings(lang).presenter;
  const [news, send] = usePresentation(lesson.id);
  useDemoKeys({ ...NOTHING, next: () => send('next'), back: () => send('back') });
  const [slides] = useState(() => slidesOf(lesson));
  return (
    <main className="demo-notes" id="lesson" tabIndex={-1}>
      <header>
        <h1>
          {words.title} · {pick(lesson.title)}
        </h1>
        <p className="quiet">{words.keysHere}</p>
      </header>
      {news === null ? (
        <p role="status">{words.wait}</p>
      ) : (
        <Following lesson={lesson} slides={slides} news={news} />
      )}
    </main>
  );
}

const nothing = (): void => undefined;
const NOTHING = {
  ...{ jump: nothing, notes: nothing, help: nothing, larger: nothing, contrast: nothing },
  ...{ laser: nothing, spotlight: nothing, black: nothing, timer: nothing },
  ...{ fullscreen: nothing, answer: nothing },
} as const;

function usePresentation(lesson: string): [DemoNews | null, (key: 'next' | 'back') => void] {
  const [news, setNews] = useState<DemoNews | null>(null);
  const channel = useRef<DemoChannel | null>(null);
  useEffect(() => {
    const opened = openChannel(lesson, (message) => {
      if (message.type === 'news') setNews(message);
    });
    channel.current = opened;
    opened.send({ type: 'hello' });
    return () => opened.close();
  }, [lesson]);
  return [news, (key) => channel.current?.send({ type: 'press', key })];
}

function Following(props: {
  readonly lesson: Lesson;
  readonly slides: readonly Slide[];
  readonly news: DemoNews;
}) {
  const { lesson, slides, news } = props;
  const { lang, pick } = useTexts();
  const words = demoStrings(lang);
  const { slide } = news.place;
  const step = slides[slide]?.step ?? null;
  const titleOf = (index: number): string => {
    const one = slides[index];
    if (one === undefined) return '';
    if (one.step !== null) return `${index}. ${pick(one.step.title)}`;
    return index === 0 ? words.opening : words.end;
  };
  const action = actionText(nextAction(slides, news.place), slide >= slides.length - 2, words);
  return (
    <>
      <section className="demo-notes-top">
        <div>
          <h2 className="small-head">{words.presenter.now}</h2>
          <p className="demo-notes-now">{titleOf(slide)}</p>
        </div>
        <div role="status">
          <h2 className="small-head">{words.presenter.comesNext}</h2>
          <p className="demo-notes-next">
            {news.busy ? words.typing : news.waiting ? words.waiting : action}
          </p>
        </div>
        <Times lesson={lesson} news={news} />
      </section>
      {step === null ? null : <StepNotes step={step} />}
      <p className="quiet">
        {words.presenter.after}: {titleOf(slide + 1)}
      </p>
    </>
  );
}

function Times(props: { readonly lesson: Lesson; readonly news: DemoNews }) {
  const { lesson, news } = props;
  const { lang } = useTexts();
  const words = demoStrings(lang).presenter;
  const now = useSeconds(news.startedAt !== null);
  const { all, here } = times(news, news.place.slide, now);
  return (
    <div role="timer" aria-label={words.timer}>
      <h2 className="small-head">{words.timer}</h2>
      <p className="facts">
        {timeText(all)} <span className="quiet">{words.elapsed}</span> · {timeText(here)}{' '}
        <span className="quiet">{words.here}</span>
      </p>
      <p className="quiet">{words.lesson(lesson.minutes)}</p>
    </div>
  );
}

function StepNotes(props: { readonly step: Step }) {
  const { step } = props;
  const { lang, pick } = useTexts();
  const words = demoStrings(lang).presenter;
  return (
    <>
      <section className="demo-notes-own">
        <h2>{words.notes}</h2>
        {step.notes === undefined ? (
          <p className="quiet">{words.noNotes}</p>
        ) : (
          <Prose text={pick(step.notes)} />
        )}
      </section>
      <section>
        <h2>{words.look}</h2>
        <p>
          <Inline text={pick(step.look)} />
        </p>
      </section>
      {step.predict === undefined ? null : (
        <section>
          <h2>{words.question}</h2>
          <Prose text={pick(step.predict.explain)} />
        </section>
      )}
      <section>
        <h2>{words.hint}</h2>
        <Prose text={pick(step.hint)} />
      </section>
      <section>
        <h2>{words.solution}</h2>
        <div className="do">
          <CommandLines commands={step.solution} />
        </div>
      </section>
    </>
  );
}
