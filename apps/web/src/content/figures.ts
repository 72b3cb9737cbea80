/** The lessons' recorded figures as the server has read them (server/lessons.ts). For the server. */
import type { Figure, LocalText } from '@terrarium/lesson';
import { findLesson } from './lessons';

const PLACE = Symbol.for('terrarium.figures');

/** A figure with what its caption says of the step. */
export interface RecordedFigure {
  readonly figure: Figure;
  /** of the step, counted from 1 */
  readonly number: number;
  readonly title: LocalText;
}

/** The figure of a lesson by the parts of its address; null where none was recorded for a step that is there. */
export function figureWithStep(course: string, number: string): RecordedFigure | null {
  const lesson = findLesson(course, number);
  const figures = (globalThis as { [PLACE]?: ReadonlyMap<string, Figure> })[PLACE];
  const figure = figures?.get(`${course}/${number}`);
  const at = lesson?.steps.findIndex(({ id }) => id === figure?.step) ?? -1;
  const step = lesson?.steps[at];
  if (figure === undefined || step === undefined) return null;
  return { figure, number: at + 1, title: step.title };
}
