/**
 * Answers checks and queries from a folded state. Pure and isomorphic: the daemon uses it on each
 * fold, a replay in the browser could use it on any position of a timeline.
 */
import type { State } from '@terrarium/timeline';
import type {
  Amount,
  Check,
  Claim,
  Clause,
  Comparator,
  Comparison,
  Condition,
  Query,
  Subject,
} from './check.js';
import { type Binding, type Bindings, newestProcesses, resolve, Unbound } from './resolve.js';
import type { LocalText } from './types.js';

export type { Binding, Bindings } from './resolve.js';

/** How a check stands. Plain JSON. */
export interface Evaluation {
  readonly passed: boolean;
  readonly clauses: readonly {
    readonly id: string;
    readonly passed: boolean;
    readonly message: LocalText;
  }[];
  /** what the variables stand for, under the choice that fulfils most clauses */
  readonly bindings: Bindings;
  /** to be handed to the next evaluation of the same check */
  readonly memory: CheckMemory;
}

/** What clauses with `remember` have seen. Belongs to one sandbox: a reset one starts anew. */
export interface CheckMemory {
  /** init of the sandbox that it was seen in */
  readonly init: string;
  /** by clause id, newest first */
  readonly seen: Readonly<Record<string, readonly Binding[]>>;
}

/** Objects that one remembering clause keeps: a learner who tries often must not grow it. */
const REMEMBERED = 16;
/** Candidates tried in one evaluation, so that a fork bomb cannot make a check slow. */
const CANDIDATES = 50_000;

/**
 * Evaluates a check: looks for a choice of the variables under which every clause holds. Where
 * there is none, it reports the choice that gets furthest down the list, so that the first false
 * clause is the next thing to do.
 *
 * @param memory what the last evaluation returned; without it `remember` forgets at once
 */
export function evaluate(check: Check, state: State, memory?: CheckMemory | null): Evaluation {
  const init = state.sandbox?.init ?? '';
  const seen = new Map(Object.entries(memory?.init === init ? memory.seen : {}));
  const search = new Search(check.clauses, state, seen);
  const best = state.sandbox === null ? { depth: 0, bindings: {} } : search.from(0, {});
  const clauses = check.clauses.map((clause, index) => ({
    id: clause.id,
    passed:
      state.sandbox !== null &&
      (index < best.depth || (index > best.depth && search.holds(clause, best.bindings))),
    message: clause.message,
  }));
  return {
    passed: clauses.every((clause) => clause.passed),
    clauses,
    bindings: best.bindings,
    memory: { init, seen: Object.fromEntries(seen) },
  };
}

/**
 * The answer to a question about what a check has bound, as the text a learner would type.
 *
 * @returns null when the object is gone or nothing fits
 */
export function query(query: Query, bindings: Bindings, state: State): string | null {
  try {
    const value = resolve(`${query.of}.${query.field}`, bindings, state);
    if (query.cases !== undefined) {
      return query.cases.find((one) => compare(value, one, () => undefined))?.answer ?? null;
    }
    return value === undefined || value === null ? null : String(value);
  } catch (error) {
    if (error instanceof Unbound) return null;
    throw error;
  }
}

/** Depth-first over the clauses, each `exists` offering its candidates in turn. */
class Search {
  readonly #clauses: readonly Clause[];
  readonly #state: State;
  readonly #seen: Map<string, readonly Binding[]>;
  #left = CANDIDATES;

  constructor(clauses: readonly Clause[], state: State, seen: Map<string, readonly Binding[]>) {
    this.#clauses = clauses;
    this.#state = state;
    this.#seen = seen;
  }

  /** The deepest that can be reached from clause `depth` on with these bindings. */
  from(depth: number, bindings: Bindings): { depth: number; bindings: Bindings } {
    const clause = this.#clauses[depth];
    let best = { depth, bindings };
    if (clause === undefined) return best;
    for (const extended of this.#ways(clause, bindings)) {
      const reached = this.from(depth + 1, extended);
      if (reached.depth > best.depth) best = reached;
      if (best.depth === this.#clauses.length) break;
    }
    return best;
  }

  /** Whether a clause behind the first false one holds by itself. */
  holds(clause: Clause, bindings: Bindings): boolean {
    try {
      return !this.#ways(clause, bindings).next().done;
    } catch (error) {
      if (error instanceof Unbound) return false;
      throw error;
    }
  }

  /** Every set of bindings under which the clause holds. */
  *#ways(clause: Clause, bindings: Bindings): Generator<Bindings> {
    const claim: Claim = clause;
    if (!('exists' in claim)) {
      if (this.#true(claim, bindings)) yield bindings;
      return;
    }
    const name = variableOf(claim.exists);
    for (const binding of this.#candidates(claim.exists, bindings)) {
      const extended = { ...bindings, [name]: binding };
      if (!this.#all(claim.where, extended)) continue;
      if (claim.remember === true) this.#remember(clause.id, binding);
      yield extended;
    }
    if (claim.remember !== true) return;
    for (const binding of this.#seen.get(clause.id) ?? []) yield { ...bindings, [name]: binding };
  }

  #remember(clause: string, binding: Binding): void {
    const before = this.#seen.get(clause) ?? [];
    if (before.some((one) => JSON.stringify(one) === JSON.stringify(binding))) return;
    this.#seen.set(clause, [binding, ...before].slice(0, REMEMBERED));
  }

  #true(claim: Exclude<Claim, { exists: Subject }>, bindings: Bindings): boolean {
    if ('that' in claim) return this.#all(claim.that, bindings);
    return this.#condition(claim, bindings);
  }

  #all(conditions: readonly Condition[], bindings: Bindings): boolean {
    return conditions.every((condition) => this.#condition(condition, bindings));
  }

  #condition(condition: Condition, bindings: Bindings): boolean {
    if ('field' in condition) return this.#comparison(condition, bindings);
    if ('any' in condition) return condition.any.some((one) => this.#condition(one, bindings));
    if ('not' in condition) return !this.#condition(condition.not, bindings);
    if ('exists' in condition) return this.#count(condition.exists, condition.where, bindings) > 0;
    if ('notExists' in condition) {
      return this.#count(condition.notExists, condition.where, bindings) === 0;
    }
    return enough(this.#count(condition.count, condition.where, bindings), condition);
  }

  #count(subject: Subject, where: readonly Condition[], bindings: Bindings): number {
    const name = variableOf(subject);
    let count = 0;
    for (const binding of this.#candidates(subject, bindings)) {
      if (this.#all(where, { ...bindings, [name]: binding })) count += 1;
    }
    return count;
  }

  #comparison(comparison: Comparison, bindings: Bindings): boolean {
    const value = resolve(comparison.field, bindings, this.#state);
    return compare(value, comparison, (path) => resolve(path, bindings, this.#state));
  }

  *#candidates(subject: Subject, bindings: Bindings): Generator<Binding> {
    for (const binding of candidates(subject, bindings, this.#state)) {
      if (this.#left === 0) return;
      this.#left -= 1;
      yield binding;
    }
  }
}

function* candidates(subject: Subject, bindings: Bindings, state: State): Generator<Binding> {
  if ('process' in subject) {
    for (const { key } of newestProcesses(state)) yield { kind: 'process', key };
  } else if ('namespace' in subject) {
    const newest = Object.values(state.namespaces).sort((a, b) => b.bornAt - a.bornAt);
    for (const { inode } of newest) yield { kind: 'namespace', inode };
  } else {
    const mountNs = resolve(subject.in, bindings, state);
    if (typeof mountNs !== 'number') return;
    const mounts = Object.values(state.mounts[mountNs] ?? {});
    for (const { mountId } of mounts) yield { kind: 'mount', mountNs, mountId };
  }
}

/** The name that a subject binds. */
export function variableOf(subject: Subject): string {
  if ('process' in subject) return subject.process;
  return 'namespace' in subject ? subject.namespace : subject.mount;
}

function enough(count: number, amount: Amount): boolean {
  if ('atLeast' in amount) return count >= amount.atLeast;
  if ('atMost' in amount) return count <= amount.atMost;
  return count === amount.exactly;
}

/** A missing value (undefined) equals nothing and differs from everything. */
function compare(value: unknown, comparator: Comparator, read: (path: string) => unknown): boolean {
  if ('equals' in comparator) return same(value, comparator.equals);
  if ('notEquals' in comparator) return !same(value, comparator.notEquals);
  if ('oneOf' in comparator) return comparator.oneOf.some((one) => same(value, one));
  if ('atLeast' in comparator) return typeof value === 'number' && value >= comparator.atLeast;
  if ('atMost' in comparator) return typeof value === 'number' && value <= comparator.atMost;
  if ('endsWith' in comparator) {
    const end = comparator.endsWith;
    return (
      Array.isArray(value) && value.length >= end.length && same(value.slice(-end.length), end)
    );
  }
  if ('includes' in comparator) {
    if (Array.isArray(value)) return value.includes(comparator.includes);
    return typeof value === 'string' && value.includes(String(comparator.includes));
  }
  if ('sameAs' in comparator) return same(value, read(comparator.sameAs));
  return !same(value, read(comparator.differsFrom));
}

/** Equal by content; two missing values are not equal. */
function same(a: unknown, b: unknown): boolean {
  if (a === undefined || b === undefined) return false;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b;
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length &&
    keys.every((key) =>
      same((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key]),
    )
  );
}
