/**
 * A learner of these tests: the page's two protocols, plus a way to run a line in the terminal
 * and to read what it printed, and a pulse that tells how soon a shell answers.
 */
import type { Learner as Page } from '../../bench/learner.mjs';

/** A terminal as test/bench/learner.mjs has it. */
type Terminal = ReturnType<InstanceType<typeof Page>['terminal']>;

/** What a line printed, and its exit status. */
export interface Result {
  readonly output: string;
  readonly status: number;
}

/** A process of the sandbox as the learner's own page sees it. */
export interface SeenProcess {
  readonly hostPid: number;
  readonly comm: string;
  readonly terminal: number | null;
}

/** Makes a learner of a page whose sandbox is being made. */
export async function learnerOf(page: InstanceType<typeof Page>): Promise<Learner> {
  await page.until(
    (one: InstanceType<typeof Page>) => one.terminals.some(({ state }) => state === 'running'),
    'the first terminal',
  );
  await page.until(
    (one: InstanceType<typeof Page>) => one.state.sandbox !== null,
    'the first snapshot',
  );
  const learner = new Learner(page);
  await learner.shell.prompt();
  return learner;
}

/** One learner with one page and a shell in its first terminal. */
export class Learner {
  readonly page: InstanceType<typeof Page>;
  readonly shell: Shell;
  readonly #shells: Shell[];

  constructor(page: InstanceType<typeof Page>) {
    this.page = page;
    this.shell = new Shell(page.terminal(page.terminals[0].id));
    this.#shells = [this.shell];
  }

  get processes(): SeenProcess[] {
    return Object.values(this.page.state.processes);
  }

  /** Runs a line in the first terminal. */
  run(line: string, timeoutMs?: number): Promise<Result> {
    return this.shell.run(line, timeoutMs);
  }

  /** A shell in another terminal of this learner. */
  shellIn(terminal: string): Shell {
    const shell = new Shell(this.page.terminal(terminal));
    this.#shells.push(shell);
    return shell;
  }

  /** Resets the lesson's first step; resolves when the new sandbox has a prompt. @returns ms */
  async reset(): Promise<number> {
    const began = performance.now();
    const status = (wanted: string) => (one: InstanceType<typeof Page>) => one.sandbox === wanted;
    this.page.live.send({ type: 'step.reset', lesson: LESSON, step: FIRST_STEP });
    await this.page.until(status('resetting'), 'the reset to begin');
    await this.page.until(status('running'), 'the reset to end', 30_000);
    await this.shell.prompt();
    return performance.now() - began;
  }

  /** Closes the page; the sandbox stays until it is idle long enough. */
  leave(): void {
    this.page.stop();
    for (const shell of this.#shells) shell.close();
  }
}

/** Prints which process a shell is: pid and start time, what no later process has both of. */
export const SHELL = 'cut -d" " -f1,22 /proc/$$/stat';

/** The lesson whose steps are reset here. */
export const LESSON = 'containers/01';
/** Its first step. */
export const FIRST_STEP = 'ordinary-process';

/** A shell behind a terminal. */
export class Shell {
  readonly terminal: Terminal;
  #marks = 0;

  constructor(terminal: Terminal) {
    this.terminal = terminal;
  }

  /** Resolves when the shell reads a line: it is at its prompt. */
  async prompt(timeoutMs = 15_000): Promise<void> {
    // Typed before the shell has set up its terminal, a line is shown twice; its answer is not.
    await this.run(':', timeoutMs);
  }

  /**
   * Types a line and gives what it prints. The marks are put together by the shell, so the echo
   * of the line is not taken for its answer.
   */
  async run(line: string, timeoutMs = 10_000): Promise<Result> {
    const mark = `${++this.#marks}.${Math.random().toString(36).slice(2, 8)}`;
    this.terminal.type(`echo be""gin${mark}; { ${line}\n}; echo "en""d${mark} $?"\r`);
    const begin = `begin${mark}\r\n`;
    const answer = new RegExp(`^([\\s\\S]*?)end${mark.replace('.', '\\.')} (\\d+)\r\n`);
    // Not one pattern for both marks: a long output may push the first out of the kept text.
    await this.terminal.until(new RegExp(`end${mark.replace('.', '\\.')} \\d+\r\n`), timeoutMs);
    const { text } = this.terminal;
    const from = text.lastIndexOf(begin);
    const [, output = '', status] =
      answer.exec(from < 0 ? text : text.slice(from + begin.length)) ?? [];
    return { output: output.replaceAll('\r\n', '\n').trim(), status: Number(status) };
  }

  close(): void {
    this.terminal.connection.close();
  }
}

/** How soon answers came, milliseconds. */
export interface PulseReport {
  readonly beats: number;
  readonly median: number;
  readonly worst: number;
  /** every different one */
  readonly answers: readonly string[];
}

/** Types one short command after the other and measures each answer. */
export class Pulse {
  readonly #times: number[] = [];
  readonly #answers = new Set<string>();
  readonly #done: Promise<void>;
  #stopped = false;

  /** @param timeoutMs an answer that takes longer fails the test */
  constructor(shell: Shell, line = ':', timeoutMs = 10_000) {
    this.#done = this.#beat(shell, line, timeoutMs);
    this.#done.catch(() => {}); // told by stop()
  }

  /** @throws Error when one answer did not come */
  async stop(): Promise<PulseReport> {
    this.#stopped = true;
    await this.#done;
    const sorted = this.#times.toSorted((a, b) => a - b);
    return {
      beats: sorted.length,
      median: Math.round(sorted[sorted.length >> 1] ?? 0),
      worst: Math.round(sorted.at(-1) ?? 0),
      answers: [...this.#answers],
    };
  }

  async #beat(shell: Shell, line: string, timeoutMs: number): Promise<void> {
    while (!this.#stopped) {
      const began = performance.now();
      this.#answers.add((await shell.run(line, timeoutMs)).output);
      this.#times.push(performance.now() - began);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
