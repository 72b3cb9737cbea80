'use client';
/** The figures of a lesson that is done: counted once, then kept in this browser. */
import { useEffect, useState } from 'react';
import { useLabPart, useLabStore } from '../live/use-lab';
import { type Built, builtOf, builtSchema } from './built';

/** Where they are kept. */
const keyOf = (lesson: string): string => `terrarium.built.${lesson}`;

/**
 * What the commands of a lesson made. What is tried after its last step is not the lesson's, and a
 * later visit finds the first count again, though the sandbox is another one.
 *
 * @returns undefined while it is counted; null when the lab does not remember the lesson's commands
 */
export function useBuilt(lesson: string): Built | null | undefined {
  const store = useLabStore();
  const known = useLabPart((lab) => lab.hasState && lab.steps !== null);
  const [built, setBuilt] = useState<Built | null>();
  useEffect(() => {
    const kept = read(lesson);
    if (kept !== null) setBuilt(kept);
    if (kept !== null || !known) return;
    let gone = false;
    // Reaches back as far as the daemon remembers; without that, to the opening of the page.
    void store.recall().then(() => {
      if (gone) return;
      const { history, steps } = store.get();
      const counted = builtOf(history, steps ?? []);
      if (counted !== null) keep(lesson, counted);
      setBuilt(counted);
    });
    return () => {
      gone = true;
    };
  }, [store, known, lesson]);
  return built;
}

function read(lesson: string): Built | null {
  try {
    const text = window.localStorage.getItem(keyOf(lesson));
    return text === null ? null : builtSchema.parse(JSON.parse(text));
  } catch {
    return null; // no storage here, or not ours: counted anew
  }
}

function keep(lesson: string, built: Built): void {
  try {
    window.localStorage.setItem(keyOf(lesson), JSON.stringify(built));
  } catch {
    // A browser that keeps nothing: it is counted anew next time.
  }
}
