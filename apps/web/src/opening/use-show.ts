'use client';
/**
 * Plays the show: opens the example container in the learner's stepper, goes on by one purpose at
 * a time, and ends what it made. A lesson must never see this container: its checks ask the
 * kernel, and the kernel would say that there is one. So the page ends it before it is left.
 */
import type { StepperState } from '@terrarium/protocol';
import { useRouter } from 'next/navigation';
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react';
import { useLabPart, useLabStore, usePreferences } from '../live/use-lab';
import { lanesOf, nextTarget, pauseOf } from './show';

export type ShowPhase = 'waiting' | 'idle' | 'making' | 'paused' | 'runs' | 'ended' | 'failed';

export interface Show {
  readonly phase: ShowPhase;
  /** what is being made, or was last */
  readonly stepper: StepperState | null;
  /** it will begin by itself */
  readonly soon: boolean;
  start(): void;
  pause(): void;
  resume(): void;
  end(): void;
}

/** Before it begins by itself, ms: who only passes through to a lesson has not disturbed anything. */
const BEGIN_MS = 1500;
/** How long the finished container is shown before it is ended, ms. */
const ADMIRE_MS = 9000;
/** Longest wait for the container's end before a link is followed all the same, ms. */
const LEAVE_MS = 3000;

/** @see the file's header */
export function useShow(): Show {
  const store = useLabStore();
  const running = useLabPart((lab) => lab.sandbox.status === 'running' && lab.hasState);
  const open = useLabPart((lab) => lab.stepper);
  const [mine, setMine] = useState(false);
  const [paused, setPaused] = useState(false);
  const live = useOwn(mine ? open : null);
  const kept = useKept(live);
  const start = useCallback(() => {
    if (!store.send({ type: 'stepper.open', what: { kind: 'container' } })) return;
    setPaused(false);
    setMine(true);
  }, [store]);
  const end = useCallback(() => {
    store.send({ type: 'stepper.close' });
  }, [store]);
  useGoOn(paused ? null : live);
  useEndOfRun(live, end);
  const soon = useBegin(running && open === null && !mine, start);
  useLeaving(live !== null, end);
  return {
    phase: phaseOf({ running, mine, live, kept, paused }),
    stepper: live ?? kept,
    soon,
    start,
    pause: () => setPaused(true),
    resume: () => setPaused(false),
    end,
  };
}

function phaseOf(at: {
  readonly running: boolean;
  readonly mine: boolean;
  readonly live: StepperState | null;
  readonly kept: StepperState | null;
  readonly paused: boolean;
}): ShowPhase {
  if (!at.running) return 'waiting';
  if (!at.mine) return 'idle';
  const outcome = (at.live ?? at.kept)?.outcome ?? null;
  if (outcome !== null && outcome.kind !== 'completed') return 'failed';
  if (at.live === null) return at.kept === null ? 'making' : 'ended';
  if (outcome !== null) return 'runs';
  return at.paused ? 'paused' : 'making';
}

/**
 * The stepper, when it is of the container that this page asked for: the session has one, and the
 * learner may have something open in it in another tab.
 */
function useOwn(open: StepperState | null): StepperState | null {
  const isContainer = open?.what.kind === 'container';
  return isContainer ? open : null;
}

/** The last state of what was made, when it is no more. */
function useKept(live: StepperState | null): StepperState | null {
  const kept = useRef<StepperState | null>(null);
  if (live !== null) kept.current = live;
  return kept.current;
}

/** One purpose after the other, each a moment after the one before is done. */
function useGoOn(live: StepperState | null): void {
  const store = useLabStore();
  const id = live?.id;
  const latest = useRef(live);
  latest.current = live;
  // biome-ignore lint/correctness/useExhaustiveDependencies: once for each container
  useEffect(() => {
    const now = latest.current;
    if (now === null) return;
    const lanes = lanesOf(now);
    const timer = setInterval(() => {
      const at = latest.current;
      if (at === null || at.running) return;
      const target = nextTarget(at, lanes);
      if (target !== null) store.send({ type: 'stepper.runTo', ...target });
    }, pauseOf(lanes));
    return () => clearInterval(timer);
  }, [store, id]);
}

/** What is done is shown for a while; then it goes, as a container does. */
function useEndOfRun(live: StepperState | null, end: () => void): void {
  const done = live?.outcome != null;
  useEffect(() => {
    if (!done) return;
    const timer = setTimeout(end, ADMIRE_MS);
    return () => clearTimeout(timer);
  }, [done, end]);
}

/**
 * Begins by itself for who has never been in a lesson and does not mind motion: their sandbox is
 * empty, and nobody's work is in the way. Others have a button. @returns whether it will
 */
function useBegin(possible: boolean, start: () => void): boolean {
  const { preferences } = usePreferences();
  const [calm, setCalm] = useState(true);
  const fresh = preferences.last === undefined;
  useEffect(() => {
    setCalm(window.matchMedia('(prefers-reduced-motion: reduce)').matches);
  }, []);
  const wanted = fresh && !calm;
  const begin = possible && wanted;
  useEffect(() => {
    if (!begin) return;
    const timer = setTimeout(() => {
      if (document.visibilityState === 'visible') start();
    }, BEGIN_MS);
    const cancel = (): void => clearTimeout(timer);
    window.addEventListener('beforeunload', cancel);
    return () => {
      clearTimeout(timer);
      window.removeEventListener('beforeunload', cancel);
    };
  }, [begin, start]);
  return wanted;
}

/** Ends what was made before the page goes, and before a link of the page is followed. */
function useLeaving(alive: boolean, end: () => void): void {
  const store = useLabStore();
  const router = useRouter();
  const latest = useRef({ alive, end });
  latest.current = { alive, end };
  const follow = useMemo(
    () =>
      (event: MouseEvent): void => {
        if (!latest.current.alive || event.defaultPrevented || event.button !== 0) return;
        const link = (event.target as Element | null)?.closest?.('a[href^="/"]');
        const href = link?.getAttribute('href');
        if (href == null) return;
        latest.current.end();
        if (event.ctrlKey || event.metaKey || event.shiftKey) return;
        event.preventDefault();
        event.stopPropagation();
        void untilGone(store).then(() => router.push(href));
      },
    [store, router],
  );
  // In a layout effect: its end comes before the connection's, which the page's provider closes.
  useLayoutEffect(() => {
    const leave = (): void => {
      if (latest.current.alive) latest.current.end();
    };
    document.addEventListener('click', follow, { capture: true });
    window.addEventListener('beforeunload', leave);
    window.addEventListener('pagehide', leave);
    return () => {
      document.removeEventListener('click', follow, { capture: true });
      window.removeEventListener('beforeunload', leave);
      window.removeEventListener('pagehide', leave);
      leave();
    };
  }, [follow]);
}

/** Waits until no container of the show is there any more. */
function untilGone(store: ReturnType<typeof useLabStore>): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      unsubscribe();
      clearTimeout(timer);
      resolve();
    };
    const unsubscribe = store.subscribe(() => {
      if (store.get().stepper === null) done();
    });
    const timer = setTimeout(done, LEAVE_MS);
    if (store.get().stepper === null) done();
  });
}
