'use client';
/** The presentation of a page: where it stands, what its moves do in the sandbox, and how long it takes. */
import type { Lesson } from '@terrarium/lesson';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { useLabPart, useLabStore } from '../live/use-lab';
import { useTerminals } from '../terminal/terminals';
import {
  back,
  type Effect,
  isWaiting,
  jump,
  type Move,
  next,
  type Place,
  placeIn,
  type Shown,
  type Slide,
  START,
  shownAt,
  slidesOf,
} from './actions';
import { type Clock, STOPPED, tick } from './clock';
import { keepPlace, keptPlace } from './kept-place';
import { resetStep } from './reset-step';

export interface Demo {
  readonly slides: readonly Slide[];
  readonly place: Place;
  readonly shown: Shown;
  /** something is being typed or made: presses wait for it */
  readonly busy: 'typing' | 'resetting' | null;
  /** the check is shown and not green yet */
  readonly waiting: boolean;
  readonly clock: Clock;
  next(): void;
  back(): void;
  jump(slide: number, withState: boolean): void;
}

/** Presents a lesson. A reload goes on where the page stood. */
export function useDemo(lesson: Lesson): Demo {
  const slides = useMemo(() => slidesOf(lesson), [lesson]);
  const store = useLabStore();
  const [now, setNow] = useState<{ place: Place; clock: Clock }>({ place: START, clock: STOPPED });
  const latest = useRef(now);
  const { busy, isBusy, act } = useEffects(lesson.id);
  const { clock } = now;
  const place = useMemo(() => placeIn(slides, now.place), [slides, now.place]);

  const set = useCallback((value: { place: Place; clock: Clock }) => {
    latest.current = value;
    setNow(value);
  }, []);
  useEffect(() => {
    const kept = keptPlace(lesson.id, slides);
    if (kept !== null) set(kept);
  }, [lesson.id, slides, set]);
  useEffect(() => {
    if (now.clock.startedAt !== null) keepPlace(lesson.id, now);
  }, [lesson.id, now]);

  const move = useCallback(
    (decide: (from: Place) => Move): void => {
      if (isBusy()) return;
      const from = { ...latest.current, place: placeIn(slides, latest.current.place) };
      const { place: to, effect } = decide(from.place);
      set({ place: to, clock: tick(from.clock, from.place.slide, to.slide, Date.now()) });
      if (effect !== null) act(effect);
    },
    [slides, isBusy, act, set],
  );
  const greenAt = useCallback(
    (at: Place): boolean => {
      const id = slides[at.slide]?.step?.id;
      return store.get().steps?.find(({ step }) => step === id)?.passed === true;
    },
    [slides, store],
  );
  const id = slides[place.slide]?.step?.id;
  const green = useLabPart((lab) => lab.steps?.find(({ step }) => step === id)?.passed === true);
  return {
    slides,
    place,
    shown: useMemo(() => shownAt(slides, place), [slides, place]),
    busy,
    waiting: isWaiting(slides, place, green),
    clock,
    next: useCallback(() => move((at) => next(slides, at, greenAt(at))), [move, slides, greenAt]),
    back: useCallback(() => move((at) => back(slides, at)), [move, slides]),
    jump: useCallback(
      (slide, withState) => move((at) => jump(slides, at, slide, withState)),
      [move, slides],
    ),
  };
}

/** Gives the keyboard to the presentation. */
export function focusSlide(): void {
  document.querySelector<HTMLElement>('.demo-slide')?.focus({ preventScroll: true });
}

/** Does what moves ask for, one at a time. */
function useEffects(lesson: string): {
  readonly busy: Demo['busy'];
  readonly isBusy: () => boolean;
  readonly act: (effect: Effect) => void;
} {
  const store = useLabStore();
  const terminals = useTerminals();
  const run = useRef(terminals.run);
  run.current = terminals.run;
  const [busy, setBusy] = useState<Demo['busy']>(null);
  const current = useRef<Demo['busy']>(null);
  const set = useCallback((value: Demo['busy']) => {
    current.current = value;
    setBusy(value);
  }, []);
  const act = useCallback(
    (effect: Effect) => {
      set(effect.kind === 'reset' ? 'resetting' : 'typing');
      const done =
        effect.kind === 'reset'
          ? resetStep(store, lesson, effect.step.id)
          : typeEffect(run.current, effect);
      void done.finally(() => {
        set(null);
        // The shells of a fresh sandbox are new: the keys stay with the presentation.
        if (effect.kind === 'reset') focusSlide();
      });
    },
    [store, lesson, set],
  );
  const resetting = useLabPart((lab) => lab.sandbox.status === 'resetting');
  const isBusy = useCallback(
    () => current.current !== null || store.get().sandbox.status === 'resetting',
    [store],
  );
  return { busy: busy ?? (resetting ? 'resetting' : null), isBusy, act };
}

type Run = ReturnType<typeof useTerminals>['run'];

/** The keyboard stays with the presentation. */
async function typeEffect(run: Run, effect: Exclude<Effect, { kind: 'reset' }>): Promise<void> {
  const { kind, commands } = effect;
  const terminal = commands.at(-1)?.terminal ?? 1;
  switch (kind) {
    case 'type':
      await run(commands, { part: 'keys', focus: false });
      return;
    case 'enter':
      await run(commands, { part: 'enter', focus: false });
      return;
    case 'run':
      await run(commands, { focus: false });
      return;
    case 'untype': {
      // Of a here-document all but the last line is read already: only Ctrl-C takes it back.
      const key = commands.length > 1 ? 'C-c' : 'C-u';
      await run([{ key, terminal }], { focus: false });
    }
  }
}
