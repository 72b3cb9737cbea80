/**
 * Walks through several lessons: every language by every route, as often as asked. The walks of one
 * lesson go side by side, each with a browser and a sandbox of its own: most of a walk is waiting.
 */
import type { Figure, Lesson } from '@terrarium/lesson';
import type { Language } from './names.js';
import { type Route, type WalkOptions, walkLesson } from './walk.js';

export interface CourseOptions
  extends Pick<WalkOptions, 'url' | 'headed' | 'from' | 'stepTimeoutMs' | 'say'> {
  readonly lessons: readonly Lesson[];
  readonly languages: readonly Language[];
  readonly routes: readonly Route[];
  /** try the wrong answers: once for each language */
  readonly wrongAnswers: boolean;
  /** at least 1 */
  readonly repeat: number;
  /** walks at the same time */
  readonly abreast: number;
  /** records each lesson's figure: which step it shows, and what takes it; none without it */
  readonly figures?: {
    readonly stepOf: (lesson: Lesson) => string | null;
    readonly take: (lesson: Lesson, figure: Figure) => void;
  } | null;
  /** a folder; with several repetitions each has one of its own in it. Or null */
  readonly output: string | null;
}

/** One walk through one lesson. */
export interface CourseWalk {
  readonly lesson: Lesson;
  readonly language: Language;
  readonly route: Route;
  readonly wrongAnswers: boolean;
  /** counted from 1 */
  readonly round: number;
}

export interface WalkResult {
  readonly walk: CourseWalk;
  readonly passed: number;
  readonly failures: readonly string[];
  readonly seconds: number;
}

/** All walks in the order in which they begin. Wrong answers are typed by either route: once is enough. */
export function courseWalks(options: CourseOptions): CourseWalk[] {
  const rounds = Array.from({ length: options.repeat }, (_, index) => index + 1);
  return rounds.flatMap((round) =>
    options.lessons.flatMap((lesson) =>
      options.languages.flatMap((language) =>
        options.routes.map((route, index) => ({
          lesson,
          language,
          route,
          wrongAnswers: options.wrongAnswers && index === 0,
          round,
        })),
      ),
    ),
  );
}

/** Does them all. A walk that fails does not keep the others from their turn. */
export async function walkCourse(options: CourseOptions): Promise<WalkResult[]> {
  const walks = courseWalks(options);
  const results: WalkResult[] = [];
  const next = walks.entries();
  const worker = async (): Promise<void> => {
    // One iterator for all: whoever is free takes the next.
    for (const [index, walk] of next) results[index] = await oneWalk(walk, options);
  };
  await Promise.all(Array.from({ length: Math.min(options.abreast, walks.length) }, worker));
  return results;
}

async function oneWalk(walk: CourseWalk, options: CourseOptions): Promise<WalkResult> {
  const { lesson, language, route, round } = walk;
  const { url, headed, from, stepTimeoutMs, repeat } = options;
  const name = `${lesson.id} ${language} ${route}${repeat > 1 ? ` ${round}/${repeat}` : ''}`;
  const output =
    options.output === null || repeat === 1 ? options.output : `${options.output}/${round}`;
  const begin = performance.now();
  const { wrongAnswers } = walk;
  const say = (line: string): void => options.say(`${name}: ${line.trim()}`);
  const step = options.figures?.stepOf(lesson) ?? null;
  const take = (figure: Figure): void => options.figures?.take(lesson, figure);
  const figure = step === null ? null : { step, take };
  const report = await walkLesson({
    ...{
      figure,
      lesson,
      url,
      language,
      route,
      headed,
      wrongAnswers,
      output,
      from,
      stepTimeoutMs,
      say,
    },
  }).catch((error: Error) => ({ passed: 0, failures: [error.message.split('\n')[0] ?? ''] }));
  const seconds = (performance.now() - begin) / 1000;
  const { passed, failures } = report;
  say(`${passed} passed, ${failures.length} failed, ${seconds.toFixed(0)} s`);
  return { walk, passed, failures, seconds };
}

/**
 * The share of walks that failed although the same walk passed in another round; those that failed in
 * every round are broken, which is another matter.
 */
export function flakeRate(results: readonly WalkResult[]): number {
  const flakes = results.filter(({ walk, failures }) => {
    if (failures.length === 0) return false;
    return results.some((other) => isSame(walk, other.walk) && other.failures.length === 0);
  });
  return results.length === 0 ? 0 : flakes.length / results.length;
}

function isSame(one: CourseWalk, other: CourseWalk): boolean {
  return (
    one.lesson.id === other.lesson.id &&
    one.language === other.language &&
    one.route === other.route
  );
}

/** What stands at the end: a line for each lesson, every failure, and the rate of flakes. */
export function summary(results: readonly WalkResult[]): string[] {
  const ids = [...new Set(results.map(({ walk }) => walk.lesson.id))];
  const lines = ids.map((id) => {
    const own = results.filter(({ walk }) => walk.lesson.id === id);
    const green = own.filter(({ failures }) => failures.length === 0).length;
    const seconds = own.reduce((sum, one) => sum + one.seconds, 0).toFixed(0);
    return `${id}: ${green} of ${own.length} walks green, ${seconds} s`;
  });
  const failures = results.flatMap(({ walk, failures }) =>
    failures.map(
      (failure) =>
        `failed: ${walk.lesson.id} ${walk.language} ${walk.route} ${walk.round}: ${failure}`,
    ),
  );
  const rate = `flake rate ${(flakeRate(results) * 100).toFixed(1)} % of ${results.length} walks`;
  return [...lines, ...failures, rate];
}
