/**
 * A figure: the folded state of one step, recorded from a real kernel by `terrarium lesson walk
 * --figures` and kept beside the lesson. The views draw it where there is no lab: on paper, on a
 * public page, while the daemon is away. Pure.
 */
import { EMPTY_STATE, type State } from '@terrarium/timeline';
import { type Command, type Lesson, type Step, VIEW_NAMES, type ViewName } from './types.js';

/** A view that needs a state and nothing else; `diff` needs the history, too. */
export type FigureView = Exclude<ViewName, 'diff'>;
export const FIGURE_VIEWS: readonly FigureView[] = VIEW_NAMES.filter((name) => name !== 'diff');

export interface Figure {
  readonly step: string;
  readonly view: FigureView;
  /** the step's solution when it was recorded, so that a changed step is noticed */
  readonly typed: readonly string[];
  /** milliseconds since the epoch */
  readonly recordedAt: number;
  /** as `uname -r` prints it */
  readonly kernel: string;
  /** whose words the state is in */
  readonly cgroup: 'v1' | 'v2';
  readonly state: State;
}

/** The view of a step, when it can be drawn from a state alone. */
export function figureViewOf(step: Step): FigureView | null {
  return FIGURE_VIEWS.find((view) => view === step.view) ?? null;
}

/**
 * The step that the lesson's figure shows.
 *
 * @param wanted its id; without it, the last one that can be drawn
 */
export function figureStep(lesson: Lesson, wanted?: string): Step | null {
  const drawn = lesson.steps.filter((step) => figureViewOf(step) !== null);
  if (wanted === undefined) return drawn.at(-1) ?? null;
  return drawn.find(({ id }) => id === wanted) ?? null;
}

/** Commands as plain text, a line each. */
export function typedLines(commands: readonly Command[]): string[] {
  return commands.map((command) => ('line' in command ? command.line : `<${command.key}>`));
}

/** What makes a figure stale, in a sentence; null for a fresh one. @param cgroup whose commands the lesson has */
export function staleFigure(lesson: Lesson, figure: Figure, cgroup: 'v1' | 'v2'): string | null {
  const step = lesson.steps.find(({ id }) => id === figure.step);
  if (step === undefined) return `the figure shows step "${figure.step}", which is not there`;
  if (step.view !== figure.view) return `the figure shows ${figure.view}, the step ${step.view}`;
  if (figure.cgroup !== cgroup) return null; // recorded with the other version's commands
  const same = typedLines(step.solution).join('\n') === figure.typed.join('\n');
  return same ? null : `the solution of "${figure.step}" has changed since the figure was recorded`;
}

/** System calls in a figure: what fits a page. */
const CALLS = 24;

/** Which parts of the state each view draws, beside processes and namespaces, which all name. */
const PARTS: Readonly<Record<FigureView, readonly (keyof State)[]>> = {
  processes: ['usage'],
  namespaces: ['mounts'],
  mounts: ['mounts'],
  cgroups: ['cgroups', 'meters', 'cpuReadings', 'cpuWaits', 'usage'],
  layers: ['mounts', 'overlays'],
  network: ['networks', 'traffic'],
  calls: ['tracing', 'calls', 'callsLost'],
};

/** The part of a state that a view draws; the rest is left out, nothing is changed. */
export function stateForView(state: State, view: FigureView): State {
  const { seq, t, sandbox, processes, namespaces } = state;
  const kept: Partial<State> = Object.fromEntries(
    PARTS[view].flatMap((part) => (state[part] === undefined ? [] : [[part, state[part]]])),
  );
  const calls = kept.calls === undefined ? {} : { calls: kept.calls.slice(-CALLS) };
  return { ...EMPTY_STATE, seq, t, sandbox, processes, namespaces, ...kept, ...calls };
}
