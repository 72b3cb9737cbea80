/**
 * Checks: typed predicates over the folded kernel state. Data, so that a lesson is data.
 *
 * A check is a list of clauses. A clause binds a variable to a kernel object (`exists`), or says
 * something about what is bound already (`that`, `notExists`, `count`). Later clauses see what
 * earlier ones bound. Conditions compare a *path* (`p.namespaces.pid`) with a value or a path.
 * `evaluate` answers a check, `fields.ts` lists what a path may name.
 */
import type { LocalText } from './types.js';

/** `variable.field.field`: `p.namespaces.pid`, `sandbox.init`, `n.members`. See `FIELDS`. */
export type Path = string;

/** What a variable may range over. */
export const SUBJECT_KINDS = [
  'process',
  'namespace',
  'mount',
  'cgroup',
  'overlay',
  'entry',
  'link',
  'listener',
  'call',
  'command',
] as const;
export type SubjectKind = (typeof SUBJECT_KINDS)[number];

/**
 * What is looked for and the variable that stands for it: `{ process: p }`. What is part of
 * something is looked for in it: `{ mount: m, in: p.namespaces.mnt }`, `{ entry: e, in: o }`.
 */
export type Subject = { readonly [kind in SubjectKind]?: string } & { readonly in?: Path };

/** Kinds that go with `in`, and what `in` may look like. */
export const CONTAINED: Readonly<Partial<Record<SubjectKind, Path>>> = {
  mount: 'p.namespaces.mnt',
  entry: 'o',
};

/** The one kind that a subject names, and its variable. */
export function subjectOf(subject: Subject): { kind: SubjectKind; name: string } {
  const kind = SUBJECT_KINDS.find((one) => subject[one] !== undefined) ?? 'process';
  return { kind, name: subject[kind] ?? '' };
}

/** One operator and its right-hand side; `sameAs` and `differsFrom` name another path. */
export type Comparator =
  | { readonly equals: Literal }
  | { readonly notEquals: Literal }
  | { readonly oneOf: readonly Literal[] }
  | { readonly atLeast: number }
  | { readonly atMost: number }
  /** a list that ends so, as the NSpid chain of a PID 1 ends with [1] */
  | { readonly endsWith: readonly Literal[] }
  /** a list that has this element, or a text that has this part */
  | { readonly includes: Literal }
  | { readonly sameAs: Path }
  | { readonly differsFrom: Path };
export type Literal = string | number | boolean | null;

/** How many are asked for. */
export type Amount =
  | { readonly atLeast: number }
  | { readonly atMost: number }
  | { readonly exactly: number };

export type Comparison = { readonly field: Path } & Comparator;
export type Condition =
  | Comparison
  | { readonly any: readonly Condition[] }
  | { readonly not: Condition }
  | { readonly exists: Subject; readonly where: readonly Condition[] }
  | { readonly notExists: Subject; readonly where: readonly Condition[] }
  | ({ readonly count: Subject; readonly where: readonly Condition[] } & Amount);

/** What a clause claims. */
export type Claim =
  | {
      readonly exists: Subject;
      readonly where: readonly Condition[];
      /** true: once seen it counts as found for later evaluations, even when it is gone */
      readonly remember?: boolean | undefined;
    }
  | { readonly notExists: Subject; readonly where: readonly Condition[] }
  | ({ readonly count: Subject; readonly where: readonly Condition[] } & Amount)
  | { readonly that: readonly Condition[] };

/** One sentence of a check. */
export type Clause = {
  readonly id: string;
  /** what has to be there, said as a thing: it stands below "has to show" and "is missing" alike */
  readonly message: LocalText;
} & Claim;

/** All clauses must hold, under one choice of the variables. */
export interface Check {
  readonly clauses: readonly Clause[];
}

/** A question whose answer is one text, for example the pid of a bound process in the sandbox. */
export interface Query {
  /** name bound by the step's check, or `sandbox` */
  readonly of: string;
  /** path inside what is bound: `sandboxPid`, `pids.0`, `namespaces.pid`; none: the object itself */
  readonly field?: string | undefined;
  /** for a choice: the first case that the value fits gives the answer */
  readonly cases?: readonly (Comparator & { readonly answer: string })[] | undefined;
}
