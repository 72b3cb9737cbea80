/**
 * Answers checks and queries from a folded state. Pure and isomorphic: the daemon uses it on each
 * fold, a replay in the browser could use it on any position of a timeline.
 */
import type { State } from '@terrarium/timeline';
import type { Check, Claim, Clause, Path, Query } from './check.js';
import { subjectOf } from './check.js';
import { Conditions, compare } from './conditions.js';
import { type Binding, type Bindings, resolve, Unbound } from './resolve.js';
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
    const value = resolve(pathOf(query), bindings, state);
    if (query.cases !== undefined) {
      return query.cases.find((one) => compare(value, one, () => undefined))?.answer ?? null;
    }
    return value === undefined || value === null ? null : String(value);
  } catch (error) {
    if (error instanceof Unbound) return null;
    throw error;
  }
}

/** What a query asks for, as a path. */
export function pathOf({ of, field }: Pick<Query, 'of' | 'field'>): Path {
  return field === undefined ? of : `${of}.${field}`;
}

/** Depth-first over the clauses, each `exists` offering its candidates in turn. */
class Search {
  readonly #clauses: readonly Clause[];
  readonly #conditions: Conditions;
  readonly #seen: Map<string, readonly Binding[]>;

  constructor(clauses: readonly Clause[], state: State, seen: Map<string, readonly Binding[]>) {
    this.#clauses = clauses;
    this.#conditions = new Conditions(state);
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
      if (this.#conditions.claim(claim, bindings)) yield bindings;
      return;
    }
    const matching = this.#conditions.matching(claim.exists, claim.where, bindings);
    for (const { binding, extended } of matching) {
      if (claim.remember === true) this.#remember(clause.id, binding);
      yield extended;
    }
    if (claim.remember !== true) return;
    const { name } = subjectOf(claim.exists);
    for (const binding of this.#seen.get(clause.id) ?? []) yield { ...bindings, [name]: binding };
  }

  #remember(clause: string, binding: Binding): void {
    const before = this.#seen.get(clause) ?? [];
    if (before.some((one) => JSON.stringify(one) === JSON.stringify(binding))) return;
    this.#seen.set(clause, [binding, ...before].slice(0, REMEMBERED));
  }
}
