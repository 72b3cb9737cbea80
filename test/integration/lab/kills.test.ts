/**
 * The daemon is killed twenty times at random moments while learners type, open and close
 * terminals, reset, and come and go. Each time it comes back, the pages with it, and the shells
 * were never gone. The moments come from a seed, which a failure prints.
 */
import { afterEach, describe, expect, test } from 'vitest';
import { LACK, Lab, named, remaining, until } from './lab.js';
import { FIRST_STEP, LESSON, type Learner, Pulse, SHELL } from './learner.js';

/** Labs side by side: most of the time is spent on waiting for a start. */
const LABS = 2;
const KILLS_EACH = 10;
/** Killed at most this long after its birth, ms: a start takes a second, so many come half-way. */
const LATEST_MS = 2_500;
/** The supervisor's longest pause, the start, and the page's way back. */
const BACK_MS = 30_000;
const SEED = Number(process.env['TERRARIUM_TEST_SEED'] ?? 20261122);

const labs: Lab[] = [];

describe.skipIf(LACK !== null)(named('a daemon that is killed'), () => {
  afterEach(async (context) => {
    if (context.task.result?.state === 'fail') {
      console.error(`seed ${SEED}`);
      for (const lab of labs) console.error(lab.logs());
    }
    await Promise.all(labs.map((lab) => lab.dispose()));
  });

  test(`${LABS * KILLS_EACH} times at random moments comes back to the same shells, and leaves nothing`, async () => {
    const stories = await Promise.all(
      Array.from({ length: LABS }, async (_, number) => {
        const lab = await Lab.start({ TERRARIUM_DISK: '32' });
        labs.push(lab);
        return killed(lab, randomFrom(SEED + number));
      }),
    );
    for (const story of stories) console.log(story);
  }, 240_000);
});

async function killed(lab: Lab, random: () => number): Promise<string> {
  const keeper = await lab.learner(LESSON);
  const resetter = await lab.learner(LESSON);
  const terminalHost = lab.pid('terminal host');
  const pulse = new Pulse(keeper.shell, SHELL);
  const works = [
    new Work(lab, keeper, random, ['open', 'close', 'page', 'type'], keeper.page.terminals[0].id),
    new Work(lab, resetter, random, ['open', 'close', 'page', 'type', 'reset']),
  ];
  const backs: number[] = [];
  for (let kill = 0; kill < KILLS_EACH; kill += 1) {
    const daemon = await anotherDaemon(lab, 0);
    // The moment itself, not a wait for anything.
    await new Promise((resolve) => setTimeout(resolve, random() * LATEST_MS));
    const welcomes = works.map((work) => work.welcomes);
    process.kill(daemon, 'SIGKILL');
    const began = performance.now();
    await anotherDaemon(lab, daemon);
    // Some are followed by another before it has taken up what it found.
    const isLast = kill === KILLS_EACH - 1;
    if (random() < 0.3 && !isLast) continue;
    await lab.answers(BACK_MS);
    for (const [number, work] of works.entries()) await work.welcomed(welcomes[number] ?? 0);
    backs.push(performance.now() - began);
    for (const work of works) await work.hasItsShells();
  }
  for (const work of works) await work.end();
  const { beats, median, worst, answers } = await pulse.stop();
  expect(answers, 'pid and start time of the shell in the first terminal').toHaveLength(1);
  expect(lab.pid('terminal host'), 'the terminal host').toBe(terminalHost);
  expect(lab.said.match(/daemon ended \(SIGKILL\)/g)).toHaveLength(KILLS_EACH);
  lab.note(keeper);
  lab.note(resetter);
  expect(await lab.end()).toBe(0);
  expect(await remaining(() => lab.leftovers())).toEqual([]);
  return (
    `${KILLS_EACH} kills; all back after ${backs.map((ms) => (ms / 1000).toFixed(1)).join(', ')} s; ` +
    `a shell answered ${beats} times meanwhile, median ${median} ms, worst ${worst} ms; ` +
    works.map(({ done }) => done).join('; ')
  );
}

/** A daemon process that is not `former`. */
async function anotherDaemon(lab: Lab, former: number): Promise<number> {
  let pid: number | null = null;
  await until(
    'the supervisor has started the daemon',
    () => {
      pid = lab.pid('daemon');
      return pid !== null && pid !== former;
    },
    BACK_MS,
  );
  return pid ?? 0;
}

type Deed = 'open' | 'close' | 'page' | 'type' | 'reset';

/** What a learner does, one thing after the other; a killed daemon may leave any of it undone. */
class Work {
  readonly #lab: Lab;
  readonly #learner: Learner;
  readonly #random: () => number;
  readonly #deeds: readonly Deed[];
  readonly #kept: string | null;
  readonly #counts: Record<string, number> = {};
  /** the shell of each terminal that was neither closed nor reset since */
  readonly #shells = new Map<string, string>();
  readonly #done: Promise<void>;
  /** the checks look while nothing is being changed */
  #paused = false;
  #resting = false;
  #stopped = false;
  #compared = 0;

  /** @param kept a terminal that somebody else types in */
  constructor(
    lab: Lab,
    learner: Learner,
    random: () => number,
    deeds: readonly Deed[],
    kept: string | null = null,
  ) {
    this.#kept = kept;
    this.#lab = lab;
    this.#learner = learner;
    this.#random = random;
    this.#deeds = deeds;
    this.#done = this.#work();
    this.#done.catch(() => {}); // told by end()
  }

  get done(): string {
    const counts = Object.entries(this.#counts).map(([what, count]) => `${what} ${count}`);
    return `${counts.join(', ')}, ${this.#compared} shells found again`;
  }

  get welcomes(): number {
    return this.#learner.page.messages.filter((type: string) => type === 'welcome').length;
  }

  /** The page is connected again. */
  async welcomed(welcomes: number): Promise<void> {
    await until('the page is welcomed again', () => this.welcomes > welcomes, BACK_MS);
  }

  /** The terminals have the shells that they had, and one answers. */
  async hasItsShells(): Promise<void> {
    const { page } = this.#learner;
    this.#paused = true;
    await until('the last deed is done', () => this.#resting, BACK_MS);
    await until('the sandbox runs', () => page.sandbox === 'running', BACK_MS);
    await this.#terminalAnswers();
    for (const { id, state } of page.terminals) {
      if (id === this.#kept) continue;
      const known = this.#shells.get(id);
      if (known !== undefined) expect(state, `state of terminal ${id}`).toBe('running');
      if (state !== 'running') continue;
      const now = await this.#shellOf(id);
      if (known !== undefined) {
        expect(now, `shell of terminal ${id}: pid and start time`).toBe(known);
        this.#compared += 1;
      }
      this.#shells.set(id, now);
    }
    this.#paused = false;
  }

  async end(): Promise<void> {
    this.#stopped = true;
    await this.#done;
  }

  /** Nobody is left without a shell for good. */
  async #terminalAnswers(): Promise<void> {
    const { page } = this.#learner;
    await until(
      'a terminal answers',
      async () => {
        const running = page.terminals.find(({ state }: { state: string }) => state === 'running');
        if (running?.id === this.#kept) return true;
        return running !== undefined && (await this.#shellOf(running.id).catch(() => '')) !== '';
      },
      BACK_MS,
    );
  }

  async #shellOf(terminal: string): Promise<string> {
    const shell = this.#learner.shellIn(terminal);
    try {
      return (await shell.run(SHELL, 3_000)).output;
    } finally {
      shell.close();
    }
  }

  async #work(): Promise<void> {
    const deeds: Record<Deed, () => Promise<void>> = {
      open: () => this.#openTerminal(),
      close: () => this.#closeTerminal(),
      page: () => this.#secondPage(),
      type: () => this.#type(),
      reset: () => this.#reset(),
    };
    while (!this.#stopped) {
      this.#resting = this.#paused;
      if (!this.#paused) {
        const deed = this.#deeds[Math.floor(this.#random() * this.#deeds.length)] ?? 'type';
        await deeds[deed]();
        this.#counts[deed] = (this.#counts[deed] ?? 0) + 1;
      }
      await new Promise((resolve) => setTimeout(resolve, 50 * this.#random()));
    }
  }

  /** Waits for what the daemon answers; not for ever, because it may be dead. */
  async #answer(condition: () => boolean): Promise<void> {
    await until('the answer', condition, 1_000).catch(() => {});
  }

  async #openTerminal(): Promise<void> {
    const { page } = this.#learner;
    const before = page.messages.length;
    page.live.send({ type: 'terminal.open', request: 1, cols: 80, rows: 24 });
    await this.#answer(() =>
      page.messages.slice(before).some((type: string) => /^(terminal.opened|error)$/.test(type)),
    );
  }

  async #closeTerminal(): Promise<void> {
    const { page } = this.#learner;
    // Two stay, to be found again.
    if (page.terminals.length < 3) return;
    const { id } = page.terminals.at(-1);
    this.#shells.delete(id);
    page.live.send({ type: 'terminal.close', terminal: id });
    await this.#answer(() => page.terminals.every((one: { id: string }) => one.id !== id));
  }

  async #reset(): Promise<void> {
    const { page } = this.#learner;
    const before = page.messages.length;
    this.#shells.clear();
    page.live.send({ type: 'step.reset', lesson: LESSON, step: FIRST_STEP });
    await this.#answer(
      () => page.messages.slice(before).includes('sandbox') && page.sandbox === 'running',
    );
  }

  async #secondPage(): Promise<void> {
    const page = this.#lab.page(this.#learner, LESSON);
    await this.#answer(() => page.messages.includes('welcome'));
    page.stop();
  }

  async #type(): Promise<void> {
    const { page } = this.#learner;
    const terminal = page.terminals.at(-1);
    if (terminal === undefined || terminal.id === this.#kept) return;
    const shell = this.#learner.shellIn(terminal.id);
    await shell.run('echo hello', 1_000).catch(() => {});
    shell.close();
  }
}

/** mulberry32: the same numbers for the same seed. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
