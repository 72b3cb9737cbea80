/** Progress: which steps a learner has passed, with what help, and what they predicted. */
import type { Db } from './database.js';

export type Help = 'hint-1' | 'hint-2' | 'solution';

/** What is kept of one step of one session. */
export interface StepRecord {
  readonly firstPassedAt: number | null;
  /** a `once` step that has been green since the last reset */
  readonly latched: boolean;
  readonly helpUsed: readonly Help[];
  readonly prediction: Prediction | null;
  /** JSON of the check's memory, see packages/lesson; opaque here */
  readonly memory: string | null;
}

/** The newest prediction since the last reset; graded when the step turns green. */
export interface Prediction {
  readonly answer: string;
  readonly actual: string | null;
  readonly correct: boolean | null;
}

/** A step that nothing is known of. */
export const NO_RECORD: StepRecord = {
  firstPassedAt: null,
  latched: false,
  helpUsed: [],
  prediction: null,
  memory: null,
};

export class ProgressStore {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  /** Everything known of one lesson, by step id. */
  lesson(session: string, lesson: string): Map<string, StepRecord> {
    const records = new Map<string, StepRecord>();
    const steps = this.#db
      .prepare('select * from steps where session = ? and lesson = ?')
      .all(session, lesson) as {
      step: string;
      first_passed_at: number | null;
      latched: number;
      help: string;
      memory: string | null;
    }[];
    for (const raw of steps) {
      records.set(raw.step, {
        firstPassedAt: raw.first_passed_at,
        latched: raw.latched !== 0,
        helpUsed: raw.help === '' ? [] : (raw.help.split(' ') as Help[]),
        prediction: null,
        memory: raw.memory,
      });
    }
    const predictions = this.#db
      .prepare(
        'select * from predictions where session = ? and lesson = ? and retired = 0 order by id',
      )
      .all(session, lesson) as {
      step: string;
      answer: string;
      actual: string | null;
      correct: number | null;
    }[];
    for (const raw of predictions) {
      const prediction = {
        answer: raw.answer,
        actual: raw.actual,
        correct: raw.correct === null ? null : raw.correct !== 0,
      };
      records.set(raw.step, { ...(records.get(raw.step) ?? NO_RECORD), prediction });
    }
    return records;
  }

  /** Passed steps of every lesson: lesson → step → first time. For the course page. */
  passed(session: string): Map<string, Map<string, number>> {
    const rows = this.#db
      .prepare(
        'select lesson, step, first_passed_at from steps where session = ? and first_passed_at is not null',
      )
      .all(session) as { lesson: string; step: string; first_passed_at: number }[];
    const lessons = new Map<string, Map<string, number>>();
    for (const raw of rows) {
      const steps = lessons.get(raw.lesson) ?? new Map<string, number>();
      steps.set(raw.step, raw.first_passed_at);
      lessons.set(raw.lesson, steps);
    }
    return lessons;
  }

  /** Keeps the first time; sets the latch where the lesson says once. */
  pass(session: string, lesson: string, step: string, now: number, latch: boolean): void {
    this.#db
      .prepare(
        `insert into steps (session, lesson, step, first_passed_at, latched) values (?, ?, ?, ?, ?)
         on conflict do update set
           first_passed_at = coalesce(first_passed_at, excluded.first_passed_at),
           latched = max(latched, excluded.latched)`,
      )
      .run(session, lesson, step, now, latch ? 1 : 0);
  }

  /** What the step's check has seen so far; it is of one sandbox, which outlives the daemon. */
  remember(session: string, lesson: string, step: string, memory: string): void {
    this.#db
      .prepare(
        `insert into steps (session, lesson, step, memory) values (?, ?, ?, ?)
         on conflict do update set memory = excluded.memory`,
      )
      .run(session, lesson, step, memory);
  }

  help(session: string, lesson: string, step: string, level: Help): void {
    const known = this.lesson(session, lesson).get(step)?.helpUsed ?? [];
    if (known.includes(level)) return;
    this.#db
      .prepare(
        `insert into steps (session, lesson, step, help) values (?, ?, ?, ?)
         on conflict do update set help = excluded.help`,
      )
      .run(session, lesson, step, [...known, level].join(' '));
  }

  /** A new answer takes the place of one that was not graded yet. */
  predict(session: string, lesson: string, step: string, answer: string, now: number): void {
    this.#db
      .transaction(() => {
        this.#retire(session, lesson, step);
        this.#db
          .prepare(
            'insert into predictions (session, lesson, step, answer, answered_at) values (?, ?, ?, ?, ?)',
          )
          .run(session, lesson, step, answer, now);
      })
      .immediate();
  }

  grade(session: string, lesson: string, step: string, actual: string, correct: boolean): void {
    this.#db
      .prepare(
        `update predictions set actual = ?, correct = ?
         where session = ? and lesson = ? and step = ? and retired = 0 and actual is null`,
      )
      .run(actual, correct ? 1 : 0, session, lesson, step);
  }

  /** A reset: the steps start anew, what was once achieved stays achieved. */
  restart(session: string, lesson: string, steps: readonly string[]): void {
    this.#db
      .transaction(() => {
        for (const step of steps) {
          this.#retire(session, lesson, step);
          this.#db
            .prepare(
              'update steps set latched = 0, memory = null where session = ? and lesson = ? and step = ?',
            )
            .run(session, lesson, step);
        }
      })
      .immediate();
  }

  #retire(session: string, lesson: string, step: string): void {
    this.#db
      .prepare(
        'update predictions set retired = 1 where session = ? and lesson = ? and step = ? and retired = 0',
      )
      .run(session, lesson, step);
  }
}
