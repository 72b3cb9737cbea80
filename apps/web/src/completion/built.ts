/**
 * What a learner's commands made in a lesson, by the timeline and the steps: counted, never
 * guessed. What nobody can be named for is not counted. Pure.
 */
import type { StepStatus } from '@terrarium/protocol';
import { attributionOf, commandDiff, type DiffObject, type History } from '@terrarium/timeline';
import { z } from 'zod';

/** What is counted, in the order in which it is shown. */
export const COUNTED = [
  'commands',
  'processes',
  'namespaces',
  'mounts',
  'cgroups',
  'overlays',
  'links',
] as const;
export type Counted = (typeof COUNTED)[number];

const KIND_OF: Readonly<Partial<Record<DiffObject['kind'], Counted>>> = {
  process: 'processes',
  namespace: 'namespaces',
  mount: 'mounts',
  cgroup: 'cgroups',
  overlay: 'overlays',
  link: 'links',
};

const count = z.number().int().nonnegative();

/** As it is kept in the browser, so that it can be seen again when the sandbox is long gone. */
export const builtSchema: z.ZodObject<Record<Counted | 'since' | 'until', z.ZodNumber>> = z.object({
  commands: count,
  processes: count,
  namespaces: count,
  mounts: count,
  cgroups: count,
  overlays: count,
  links: count,
  /** begin of the first command that is counted, and the last step's turning green; ms since the epoch */
  since: count,
  until: count,
});
export type Built = z.infer<typeof builtSchema>;

/**
 * Counts what commands made up to the moment in which the last step turned green.
 *
 * @returns null when the history knows no command from before that moment
 */
export function builtOf(history: History, statuses: readonly StepStatus[]): Built | null {
  const until = Math.max(0, ...statuses.map(({ firstPassedAt }) => firstPassedAt ?? 0));
  const spans = attributionOf(history)
    .spans()
    .filter(({ startedAt }) => startedAt <= until);
  const [first] = spans;
  if (first === undefined) return null;
  const counts = Object.fromEntries(COUNTED.map((name) => [name, 0])) as Record<Counted, number>;
  counts.commands = spans.length;
  for (const { id } of spans) {
    const diff = commandDiff(history, id);
    for (const object of [...(diff?.appeared ?? []), ...(diff?.passed ?? [])]) {
      const name = KIND_OF[object.kind];
      // A new mount namespace begins as a copy: nobody mounted those.
      if (name === undefined || (object.kind === 'mount' && object.copied)) continue;
      counts[name] += 1;
    }
  }
  return { ...counts, since: Math.round(first.startedAt), until: Math.round(until) };
}

/** What the steps say of how they were done. */
export interface Done {
  /** from the first green step to the last, ms; null where fewer than two are known */
  readonly time: number | null;
  readonly predictions: { readonly right: number; readonly all: number };
  /** steps that were done without looking at any help */
  readonly unaided: number;
}

/** By the daemon's word, which is kept for ever. */
export function doneOf(statuses: readonly StepStatus[]): Done {
  const times = statuses.flatMap(({ firstPassedAt }) =>
    firstPassedAt === null ? [] : [firstPassedAt],
  );
  const graded = statuses.filter(({ prediction }) => prediction?.correct != null);
  return {
    time: times.length < 2 ? null : Math.max(...times) - Math.min(...times),
    predictions: {
      right: graded.filter(({ prediction }) => prediction?.correct === true).length,
      all: graded.length,
    },
    unaided: statuses.filter((one) => one.firstPassedAt !== null && one.helpUsed.length === 0)
      .length,
  };
}
