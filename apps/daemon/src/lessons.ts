/** The lessons on offer: loaded at start, held by id, with what each needs of the kernel. */
import type { Lesson, Step } from '@terrarium/lesson';
import type { LocalText } from '@terrarium/protocol';
import type { Requirement } from './requirements.js';

export class Lessons {
  readonly #byId: Map<string, Lesson>;
  /** ids of those that were read again since: pages were drawn from what they said at start */
  readonly #renewed = new Set<string>();
  readonly #requirement: (feature: string) => Requirement;

  /** @param requirement whether this machine has a feature; all by default */
  constructor(
    lessons: readonly Lesson[],
    requirement: (feature: string) => Requirement = (feature) => ({ feature, met: true }),
  ) {
    this.#requirement = requirement;
    this.#byId = new Map(lessons.map((lesson) => [lesson.id, lesson]));
  }

  all(): Lesson[] {
    return [...this.#byId.values()];
  }

  get(id: string): Lesson | null {
    return this.#byId.get(id) ?? null;
  }

  /** The lesson as it is now, for a page that was drawn from an older reading; else null. */
  renewed(id: string): Lesson | null {
    return this.#renewed.has(id) ? this.get(id) : null;
  }

  /**
   * Takes lessons that were read again. Those that are not among them stay as they are: their files
   * may be half written.
   *
   * @returns ids of those that differ from what was known
   */
  renew(lessons: readonly Lesson[]): string[] {
    const changed = lessons.filter(
      (one) => JSON.stringify(one) !== JSON.stringify(this.get(one.id)),
    );
    for (const lesson of changed) {
      this.#byId.set(lesson.id, lesson);
      this.#renewed.add(lesson.id);
    }
    return changed.map(({ id }) => id);
  }

  /** What a step needs and this machine lacks, a sentence each; such a step is not required here. */
  unmet(step: Step): LocalText[] {
    return (step.requires ?? [])
      .map(this.#requirement)
      .filter(({ met }) => !met)
      .map(({ feature, message }) => message ?? { en: feature, zh: feature });
  }

  /**
   * Lessons whose every step that can be done here was passed at some time.
   *
   * @param passed lesson → step → milliseconds since the epoch
   * @returns lesson → the moment of its last step
   */
  finished(passed: ReadonlyMap<string, ReadonlyMap<string, number>>): Record<string, number> {
    const finished: Record<string, number> = {};
    for (const lesson of this.#byId.values()) {
      const steps = passed.get(lesson.id);
      const required = lesson.steps.filter((step) => this.unmet(step).length === 0);
      const times = required.map((step) => steps?.get(step.id));
      if (times.length === 0 || times.includes(undefined)) continue;
      finished[lesson.id] = Math.max(...(times as number[]));
    }
    return finished;
  }
}
