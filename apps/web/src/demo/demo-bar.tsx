'use client';
/** The strip below a presentation: where it is, what the next press does, and the same by mouse. */
import type { Lesson } from '@terrarium/lesson';
import Link from 'next/link';
import { useEffect, useState } from 'react';
import { Button, IconButton } from '../components/button';
import { ConnectionMark } from '../components/connection';
import { useTexts } from '../i18n/use-texts';
import { nextAction } from './actions';
import { type Clock, times, timeText } from './clock';
import { actionText, type DemoStrings, demoStrings } from './strings';
import type { Demo } from './use-demo';
import { isInTerminal } from './use-demo-keys';

interface DemoBarProps {
  readonly lesson: Lesson;
  readonly demo: Demo;
  /** a word about what a key just did */
  readonly said: string | null;
  readonly timer: boolean;
  readonly onJump: () => void;
  readonly onNotes: () => void;
  readonly onHelp: () => void;
}

/** The controls of a presentation. */
export function DemoBar(props: DemoBarProps) {
  const { lesson, demo, said } = props;
  const { lang } = useTexts();
  const words = demoStrings(lang);
  const inTerminal = useKeyboardInTerminal();
  return (
    <footer className="demo-bar" data-busy={demo.busy ?? undefined}>
      <Segments demo={demo} />
      <strong className="demo-place">{placeText(demo, words)}</strong>
      <span className="demo-next" role="status" data-waiting={demo.waiting || undefined}>
        {said ?? (inTerminal ? words.terminalHas : nowText(demo, words))}
      </span>
      {props.timer ? <Elapsed clock={demo.clock} label={words.elapsed} /> : null}
      <ConnectionMark />
      <IconButton icon="up" label={words.back} onClick={demo.back} />
      <IconButton icon="next" label={words.next} onClick={demo.next} />
      <Button look="quiet" onClick={props.onJump} aria-keyshortcuts="J">
        {words.jump}
      </Button>
      <Button look="quiet" onClick={props.onNotes} aria-keyshortcuts="N">
        {words.notes}
      </Button>
      <Button look="quiet" onClick={props.onHelp} aria-keyshortcuts="?">
        {words.help}
      </Button>
      <Link className="text-tool" href={`/${lang}/${lesson.id}`} prefetch={false}>
        {words.exit}
      </Link>
    </footer>
  );
}

function placeText(demo: Demo, words: DemoStrings): string {
  const last = demo.slides.length - 1;
  const { slide } = demo.place;
  if (slide === 0) return words.opening;
  return slide === last ? words.end : words.place(slide, last - 1);
}

function nowText(demo: Demo, words: DemoStrings): string {
  const { slides, place } = demo;
  if (demo.busy === 'typing') return words.typing;
  if (demo.busy === 'resetting') return words.resetting;
  if (demo.waiting) return place.insisted ? words.insist : words.waiting;
  if (place.slide === slides.length - 1) return '';
  const isLast = place.slide === slides.length - 2;
  return words.nextIs(actionText(nextAction(slides, place), isLast, words));
}

/** One segment per slide, as wide as the others, filled as far as it is shown. */
function Segments(props: { readonly demo: Demo }) {
  const { slides, place } = props.demo;
  return (
    <span className="demo-segments" aria-hidden="true">
      {slides.map(({ step }, slide) => (
        <span
          key={step?.id ?? `slide-${slide}`}
          data-at={slide === place.slide ? 'now' : slide < place.slide ? 'past' : undefined}
        />
      ))}
    </span>
  );
}

/** Counts seconds on the presenter's own machine. */
function Elapsed(props: { readonly clock: Clock; readonly label: string }) {
  const { clock, label } = props;
  const now = useSeconds(clock.startedAt !== null);
  return (
    <span className="demo-elapsed facts" role="timer" aria-label={label}>
      {timeText(times(clock, 0, now).all)}
    </span>
  );
}

/** The time, renewed each half second while it is counted. */
export function useSeconds(on: boolean): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    if (!on) return;
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), 500);
    return () => clearInterval(timer);
  }, [on]);
  return now;
}

function useKeyboardInTerminal(): boolean {
  const [inside, setInside] = useState(false);
  useEffect(() => {
    const look = (): void => setInside(isInTerminal(document.activeElement));
    document.addEventListener('focusin', look);
    document.addEventListener('focusout', look);
    return () => {
      document.removeEventListener('focusin', look);
      document.removeEventListener('focusout', look);
    };
  }, []);
  return inside;
}
