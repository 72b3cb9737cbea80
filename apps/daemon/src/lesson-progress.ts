/**
 * How one session stands in one lesson: evaluates every step's check on the folded kernel state
 * as it changes, remembers what was passed, grades predictions.
 *
 * Checks are level-triggered: a step turns red again when its check does, unless the lesson says
 * `once`; then it is latched until a reset. What was once passed stays recorded for ever.
 */
import {
  type CheckMemory,
  type Evaluation,
  evaluate,
  type Lesson,
  parsePick,
  pickQuery,
  query,
  type Step,
} from '@terrarium/lesson';
import type { LocalText, StepStatus } from '@terrarium/protocol';
import type { EventBody, State, Timeline, TimelineEvent } from '@terrarium/timeline';
import { type Help, NO_RECORD, type ProgressStore, type StepRecord } from './store/progress.js';

/** Kernel changes come in bursts; one evaluation this long after the first of a burst, ms. */
export const DEBOUNCE_MS = 30;
/** A state from before a disappearance is evaluated at most this often, ms. */
const BEFORE_LOSS_MS = 10;

/** Whom to tell, and where to keep it. */
export interface LessonProgressDeps {
  readonly session: string;
  readonly lesson: Lesson;
  readonly timeline: Timeline;
  readonly store: ProgressStore;
  /** what a step needs and this machine lacks; nothing by default */
  readonly unmet?: (step: Step) => readonly LocalText[];
  /** called with every step's status whenever one of them changed */
  readonly onChange: (steps: readonly StepStatus[]) => void;
  /** called when a step's check failed itself, once until it works again */
  readonly onFailure?: (step: string, error: unknown) => void;
  readonly now?: () => number;
}

/** One step while the lesson is open. */
interface OpenStep {
  readonly step: Step;
  record: StepRecord;
  memory: CheckMemory | null;
  evaluation: Evaluation | null;
  /** as last shown */
  passed: boolean;
  /** why the check itself failed, the last time that it did; null when it works */
  failure: string | null;
}

/** A wish about a step that the lesson does not have. */
export class UnknownStep extends Error {}

export class LessonProgress {
  readonly #deps: LessonProgressDeps;
  readonly #now: () => number;
  readonly #unsubscribe: () => void;
  #steps: OpenStep[];
  #timer: NodeJS.Timeout | null = null;
  #previous: State;
  #evaluated: State | null = null;
  #lastLossAt = 0;
  #shown = '';
  /** false while the sandbox is being recreated: half-made states decide nothing */
  #active = true;

  constructor(deps: LessonProgressDeps) {
    this.#deps = deps;
    this.#now = deps.now ?? Date.now;
    this.#steps = this.#load();
    this.#previous = deps.timeline.state;
    this.#unsubscribe = deps.timeline.subscribe((events, state) => this.#changed(events, state));
    this.#evaluate(deps.timeline.state);
    this.#shown = JSON.stringify(this.statuses());
  }

  get lesson(): Lesson {
    return this.#deps.lesson;
  }

  /** Every step as it stands now, in the lesson's order. */
  statuses(): StepStatus[] {
    const { unmet } = this.#deps;
    return this.#steps.map((open) => statusOf(open, unmet?.(open.step) ?? []));
  }

  /**
   * Stores a prediction. One that was graded stands: the answer has been seen.
   *
   * @throws UnknownStep
   */
  predict(stepId: string, answer: string): void {
    const open = this.#find(stepId);
    if (open.record.prediction?.actual != null) return;
    const { session, lesson, store } = this.#deps;
    store.predict(session, lesson.id, stepId, answer, this.#now());
    open.record = { ...open.record, prediction: { answer, actual: null, correct: null } };
    if (open.passed) this.#grade(open, this.#deps.timeline.state);
    this.#show();
  }

  /** Remembers that a hint or the solution was looked at. @throws UnknownStep */
  help(stepId: string, level: Help): void {
    const open = this.#find(stepId);
    if (open.record.helpUsed.includes(level)) return;
    const { session, lesson, store } = this.#deps;
    store.help(session, lesson.id, stepId, level);
    open.record = { ...open.record, helpUsed: [...open.record.helpUsed, level] };
    this.#show();
  }

  /** The step as the lesson has it. @throws UnknownStep */
  step(stepId: string): Step {
    return this.#find(stepId).step;
  }

  /** From now on until `resume` no check is evaluated: the sandbox is being recreated. */
  suspend(): void {
    this.#active = false;
    this.#stopTimer();
  }

  /** Begins the step, and all after it, anew: no latch, no memory, no prediction. @throws UnknownStep */
  restartFrom(stepId: string): void {
    const { session, lesson, store } = this.#deps;
    const from = this.#steps.indexOf(this.#find(stepId));
    const restarted = this.#steps.slice(from);
    store.restart(
      session,
      lesson.id,
      restarted.map((open) => open.step.id),
    );
    for (const open of restarted) {
      open.record = { ...open.record, latched: false, prediction: null, memory: null };
      open.memory = null;
      open.evaluation = null;
      open.passed = false;
      open.failure = null;
    }
    this.#show();
  }

  resume(): void {
    this.#active = true;
    this.#schedule();
  }

  stop(): void {
    this.#unsubscribe();
    this.#stopTimer();
  }

  #load(): OpenStep[] {
    const { session, lesson, store } = this.#deps;
    const records = store.lesson(session, lesson.id);
    return lesson.steps.map((step) => {
      const record = records.get(step.id) ?? NO_RECORD;
      const memory = record.memory === null ? null : (JSON.parse(record.memory) as CheckMemory);
      const passed = step.once && record.latched;
      return { step, record, memory, evaluation: null, passed, failure: null };
    });
  }

  #find(stepId: string): OpenStep {
    const open = this.#steps.find(({ step }) => step.id === stepId);
    if (open === undefined) {
      throw new UnknownStep(`lesson ${this.#deps.lesson.id} has no step "${stepId}"`);
    }
    return open;
  }

  #changed(events: readonly TimelineEvent[], state: State): void {
    const before = this.#previous;
    this.#previous = state;
    // Our own check events change nothing that a check could ask.
    if (!this.#active || events.every((event) => event.type === 'check')) return;
    this.#evaluateBeforeLoss(events, before);
    this.#schedule();
  }

  /**
   * Something may have come and gone within one debounce; a clause with `remember` wants to have
   * seen it. So the last state that still had it is evaluated first.
   */
  #evaluateBeforeLoss(events: readonly TimelineEvent[], before: State): void {
    if (this.#timer === null || this.#evaluated === before) return;
    if (!events.some(isLoss)) return;
    const now = performance.now();
    if (now - this.#lastLossAt < BEFORE_LOSS_MS) return;
    this.#lastLossAt = now;
    this.#evaluate(before);
  }

  #schedule(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      this.#evaluate(this.#deps.timeline.state);
      this.#show();
    }, DEBOUNCE_MS);
  }

  #stopTimer(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #evaluate(state: State): void {
    this.#evaluated = state;
    for (const open of this.#steps) {
      try {
        this.#evaluateStep(open, state);
        open.failure = null;
      } catch (error) {
        this.#failed(open, error);
      }
    }
  }

  /** A fault of a check or of the evaluator is its step's alone: sandbox and other steps go on. */
  #failed(open: OpenStep, error: unknown): void {
    const failure = String(error);
    open.evaluation = null;
    if (failure === open.failure) return;
    open.failure = failure;
    this.#deps.onFailure?.(open.step.id, error);
  }

  #evaluateStep(open: OpenStep, state: State): void {
    const evaluation = evaluate(open.step.check, state, open.memory);
    open.evaluation = evaluation;
    this.#remember(open, evaluation.memory);
    const passed = evaluation.passed || (open.step.once && open.record.latched);
    if (passed === open.passed) return;
    open.passed = passed;
    if (passed) this.#pass(open, state);
    this.#announce({ type: 'check', lesson: this.lesson.id, step: open.step.id, passed });
  }

  /** Not at once: we may be inside the timeline's own round of listeners. */
  #announce(event: EventBody): void {
    queueMicrotask(() => this.#deps.timeline.append([event]));
  }

  #remember(open: OpenStep, memory: CheckMemory): void {
    open.memory = memory;
    const text = Object.keys(memory.seen).length === 0 ? null : JSON.stringify(memory);
    if (text === null || text === open.record.memory) return;
    const { session, lesson, store } = this.#deps;
    store.remember(session, lesson.id, open.step.id, text);
    open.record = { ...open.record, memory: text };
  }

  #pass(open: OpenStep, state: State): void {
    const { session, lesson, store } = this.#deps;
    const latch = open.step.once;
    const firstPassedAt = open.record.firstPassedAt ?? this.#now();
    if (open.record.firstPassedAt === null || (latch && !open.record.latched)) {
      store.pass(session, lesson.id, open.step.id, firstPassedAt, latch);
    }
    open.record = { ...open.record, firstPassedAt, latched: latch || open.record.latched };
    this.#grade(open, state);
  }

  /** The kernel grades: what the bound object really has against what was answered. */
  #grade(open: OpenStep, state: State): void {
    const { predict } = open.step;
    const { prediction } = open.record;
    if (predict === undefined || prediction === null || prediction.actual !== null) return;
    const bindings = open.evaluation?.bindings ?? {};
    const ask = predict.kind === 'pick' ? pickQuery : query;
    const actual = ask(predict.actual, bindings, state);
    // The object is gone already (a latched step): there is nothing to compare with.
    if (actual === null) return;
    const correct =
      predict.kind === 'pick'
        ? parsePick(prediction.answer).subject === parsePick(actual).subject
        : normalise(prediction.answer) === normalise(actual);
    const { session, lesson, store } = this.#deps;
    store.grade(session, lesson.id, open.step.id, actual, correct);
    open.record = { ...open.record, prediction: { ...prediction, actual, correct } };
  }

  #show(): void {
    const statuses = this.statuses();
    const text = JSON.stringify(statuses);
    if (text === this.#shown) return;
    this.#shown = text;
    this.#deps.onChange(statuses);
  }
}

/** A check that failed itself has no clause that holds: what it would say is not known. */
function statusOf(open: OpenStep, unmet: readonly LocalText[]): StepStatus {
  const { step, record, evaluation, passed, failure } = open;
  const clauses =
    evaluation?.clauses ?? step.check.clauses.map((clause) => ({ ...clause, passed: false }));
  return {
    step: step.id,
    passed,
    clauses: clauses.map(({ id, passed, message }) => ({ id, passed, message })),
    ...(failure === null ? {} : { problem: problemText(failure) }),
    ...(unmet.length === 0 ? {} : { unmet: [...unmet] }),
    prediction: record.prediction,
    helpUsed: [...record.helpUsed],
    firstPassedAt: record.firstPassedAt,
  };
}

function problemText(failure: string): LocalText {
  return {
    en: `the check of this step failed itself: ${failure}; what you did is not lost, the daemon’s log has more`,
    zh: `这一步的检查自己出错了：${failure}；你做的都还在，守护进程的日志里有详情`,
  };
}

function isLoss(event: TimelineEvent): boolean {
  return (
    event.type === 'process.exit' ||
    event.type === 'namespace.vanish' ||
    event.type === 'mount.detach' ||
    event.type === 'mount.forget'
  );
}

function normalise(answer: string): string {
  return answer.trim().toLowerCase();
}
