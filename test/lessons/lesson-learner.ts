/** A learner without a browser who does a lesson: types, resets, and hears how the steps stand. */
import type { Command, Lesson, Step } from '../../packages/lesson/src/index.js';
import type { StepStatus } from '../../packages/protocol/src/index.js';
import { join, Learner } from '../bench/learner.mjs';
import type { RunningLab } from '../e2e/support/lab.js';

/** Output that has been quiet for so long has ended, as far as one can tell from outside, ms. */
const QUIET_MS = 200;
/** What prints for ever is not waited for any longer, ms. */
const LONGEST_MS = 5000;
const OPEN_MS = 30_000;

interface Terminal {
  readonly text: string;
  readonly listeners: Set<() => void>;
  type(text: string): void;
}

export class LessonLearner {
  readonly #learner: Learner;
  readonly #lesson: Lesson;
  readonly #terminals = new Map<string, Terminal>();
  #lastOutput = 0;
  #requests = 0;

  private constructor(learner: Learner, lesson: Lesson) {
    this.#learner = learner;
    this.#lesson = lesson;
  }

  /** A new session, with its sandbox running and a prompt on its first terminal. */
  static async join(lab: RunningLab, lesson: Lesson): Promise<LessonLearner> {
    const learner = new Learner(lab, await join(lab), lesson.id).start();
    const made = new LessonLearner(learner, lesson);
    await learner.until(() => learner.steps.length > 0 && learner.terminals.length > 0, 'terminal');
    await made.#terminal(1);
    await made.#quiet();
    return made;
  }

  stop(): void {
    this.#learner.stop();
  }

  passed(step: Step): boolean {
    return this.#status(step).passed;
  }

  /** Until this clause is the first that does not hold. @throws after so many ms, naming how all stand */
  async lacks(step: Step, clause: string, within: number): Promise<void> {
    const first = () => this.#status(step).clauses.find(({ passed }) => !passed)?.id;
    await this.#learner
      .until(() => first() === clause, clause, within)
      .catch(() => {
        throw new Error(`${step.id} does not lack ${clause} first: ${this.clauses(step)}`);
      });
  }

  /** How the clauses stand, for a failure's message. */
  clauses(step: Step): string {
    const { clauses } = this.#status(step);
    return clauses.map(({ id, passed }) => `${passed ? '+' : '-'}${id}`).join(' ');
  }

  async green(step: Step, within: number): Promise<void> {
    await this.#learner.until(() => this.passed(step), `${step.id} to be green`, within);
  }

  /** Reset step, up to the moment where it says that the sandbox runs again. */
  async reset(step: Step): Promise<void> {
    let resetting = false;
    const done = this.#learner.until(
      (_: unknown, message?: { type: string; status?: string }) => {
        if (message?.type !== 'sandbox') return false;
        if (message.status === 'resetting') resetting = true;
        return resetting && message.status === 'running';
      },
      `${step.id} to be reset`,
      OPEN_MS,
    );
    this.#learner.live.send({ type: 'step.reset', lesson: this.#lesson.id, step: step.id });
    await done;
    await this.#quiet();
  }

  /** Types lines one after the other, each when the output of the one before has ended. */
  async type(commands: readonly Command[]): Promise<void> {
    for (const command of commands) {
      const terminal = await this.#terminal(command.terminal);
      terminal.type('line' in command ? `${command.line}\r` : control(command.key));
      await this.#quiet();
    }
  }

  #status(step: Step): StepStatus {
    const status = this.#learner.steps.find((one: StepStatus) => one.step === step.id);
    if (status === undefined) throw new Error(`the daemon says nothing about step ${step.id}`);
    return status;
  }

  async #terminal(number: number): Promise<Terminal> {
    const learner = this.#learner;
    while (learner.terminals.length < number) {
      this.#requests += 1;
      const count = learner.terminals.length;
      learner.live.send({ type: 'terminal.open', request: this.#requests, cols: 100, rows: 30 });
      await learner.until(() => learner.terminals.length > count, 'a terminal', OPEN_MS);
    }
    const { id } = learner.terminals[number - 1];
    const known = this.#terminals.get(id);
    if (known !== undefined) return known;
    const terminal: Terminal = learner.terminal(id);
    this.#terminals.set(id, terminal);
    this.#lastOutput = performance.now();
    terminal.listeners.add(() => {
      this.#lastOutput = performance.now();
    });
    await this.#quiet();
    return terminal;
  }

  async #quiet(): Promise<void> {
    const begin = performance.now();
    for (;;) {
      const now = performance.now();
      if (now - Math.max(this.#lastOutput, begin) >= QUIET_MS) return;
      if (now - begin >= LONGEST_MS) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

/** `C-c` → 0x03 */
function control(chord: string): string {
  return String.fromCharCode((chord.toUpperCase().codePointAt(2) ?? 0) & 0x1f);
}
