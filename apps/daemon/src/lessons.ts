/** The lessons on offer: loaded once at start, held by id, with what each needs of the kernel. */
import type { Lesson } from '@terrarium/lesson';

export class Lessons {
  readonly #byId: ReadonlyMap<string, Lesson>;

  constructor(lessons: readonly Lesson[]) {
    this.#byId = new Map(lessons.map((lesson) => [lesson.id, lesson]));
  }

  all(): Lesson[] {
    return [...this.#byId.values()];
  }

  get(id: string): Lesson | null {
    return this.#byId.get(id) ?? null;
  }

  /**
   * Lessons whose every step was passed at some time.
   *
   * @param passed lesson → step → milliseconds since the epoch
   * @returns lesson → the moment of its last step
   */
  finished(passed: ReadonlyMap<string, ReadonlyMap<string, number>>): Record<string, number> {
    const finished: Record<string, number> = {};
    for (const lesson of this.#byId.values()) {
      const steps = passed.get(lesson.id);
      const times = lesson.steps.map((step) => steps?.get(step.id));
      if (times.length === 0 || times.includes(undefined)) continue;
      finished[lesson.id] = Math.max(...(times as number[]));
    }
    return finished;
  }
}
