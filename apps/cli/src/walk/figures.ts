/** Figures of lessons, recorded while a walk does them: what the daemon has of the kernel, folded. */
import {
  type Figure,
  figureStep,
  figureViewOf,
  type Lesson,
  type Step,
  stateForView,
  typedLines,
} from '@terrarium/lesson';
import { cgroupVersion, readFigure, writeFigure } from '@terrarium/lesson/load';
import { bytesSource, openRecording } from '@terrarium/timeline';
import type { Page } from 'playwright-core';
import { CommandFailure } from '../failure.js';
import type { CourseOptions } from './course.js';

/**
 * Records the state of a step that is done.
 *
 * @throws Error when the daemon does not give its recording, or the step's view draws no state
 */
export async function recordFigure(page: Page, step: Step): Promise<Figure> {
  const view = figureViewOf(step);
  if (view === null) throw new Error(`the view ${step.view} cannot be drawn from a state alone`);
  const answer = await page.request.get(new URL('/api/history', page.url()).href);
  if (!answer.ok()) throw new Error(`GET /api/history: ${answer.status()}`);
  const recording = await openRecording(bytesSource(new Uint8Array(await answer.body())));
  const { newest } = await recording.history();
  return {
    step: step.id,
    view,
    typed: typedLines(step.solution),
    recordedAt: Math.round(newest.t),
    kernel: newest.sandbox?.kernelRelease ?? 'unknown',
    cgroup: cgroupVersion(),
    state: stateForView(newest, view),
  };
}

/**
 * Figures into the lessons' folders.
 *
 * @param wanted the step to show; true: the one of the figure that is there, else the last
 */
export function figuresInto(
  dirs: readonly string[],
  lessons: readonly Lesson[],
  wanted: string | true,
): NonNullable<CourseOptions['figures']> {
  const dirOf = (lesson: Lesson): string => dirs[lessons.indexOf(lesson)] ?? '';
  return {
    stepOf: (lesson) => {
      const shown = wanted === true ? readFigure(dirOf(lesson))?.step : wanted;
      const step = figureStep(lesson, shown);
      if (step === null) throw new CommandFailure(`${lesson.id} has no step to draw: ${shown}`);
      return step.id;
    },
    take: (lesson, figure) => writeFigure(dirOf(lesson), figure),
  };
}
