'use client';
/** Asks the daemon how the learner stands in all lessons, each time that it says hello. */
import { useEffect, useState } from 'react';
import { useLabPart } from '../live/use-lab';
import { type Passed, sessionAnswer } from './course-progress';

/** What is known: nothing yet, the progress, or that it could not be had. */
export type CourseProgress = Passed | 'loading' | 'failed';

/** The progress in all lessons; asked anew after each connection. */
export function useCourseProgress(): CourseProgress {
  const welcome = useLabPart((lab) => lab.welcome);
  const [progress, setProgress] = useState<CourseProgress>('loading');
  useEffect(() => {
    if (welcome === null) return;
    const gone = new AbortController();
    askProgress(gone.signal)
      .then(setProgress)
      .catch((error: unknown) => {
        if (gone.signal.aborted) return;
        console.warn('terrarium: no progress', error);
        setProgress((before) => (typeof before === 'object' ? before : 'failed'));
      });
    return () => gone.abort();
  }, [welcome]);
  return progress;
}

async function askProgress(signal: AbortSignal): Promise<Passed> {
  const answer = await fetch('/api/session', { signal });
  if (!answer.ok) throw new Error(`GET /api/session: status ${answer.status}`);
  return sessionAnswer.parse(await answer.json()).progress.passed;
}
