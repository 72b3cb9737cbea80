/**
 * Whether one condition holds under a choice of variables. `evaluate.ts` asks it while it looks for
 * a choice, `difference/` when it says in words what is missing. Pure.
 */
import type { State } from '@terrarium/timeline';
import { candidates } from './candidates.js';
import {
  type Amount,
  type Claim,
  type Comparator,
  type Comparison,
  type Condition,
  type Subject,
  subjectOf,
} from './check.js';
import { type Binding, type Bindings, resolve } from './resolve.js';

/** Candidates tried in one evaluation, so that a fork bomb cannot make a check slow. */
const CANDIDATES = 50_000;

/** Conditions over one state, with one allowance of candidates for all that is asked. */
export class Conditions {
  readonly #state: State;
  #left: number = CANDIDATES;

  constructor(state: State) {
    this.#state = state;
  }

  /** @throws Unbound when a path starts at a variable that stands for nothing */
  holds(condition: Condition, bindings: Bindings): boolean {
    if ('field' in condition) return this.#comparison(condition, bindings);
    if ('any' in condition) return condition.any.some((one) => this.holds(one, bindings));
    if ('not' in condition) return !this.holds(condition.not, bindings);
    if ('exists' in condition) return this.count(condition.exists, condition.where, bindings) > 0;
    if ('notExists' in condition) {
      return this.count(condition.notExists, condition.where, bindings) === 0;
    }
    return enough(this.count(condition.count, condition.where, bindings), condition);
  }

  /** A claim that binds nothing. @throws Unbound */
  claim(claim: Exclude<Claim, { exists: Subject }>, bindings: Bindings): boolean {
    if ('that' in claim) return this.all(claim.that, bindings);
    return this.holds(claim, bindings);
  }

  all(conditions: readonly Condition[], bindings: Bindings): boolean {
    return conditions.every((condition) => this.holds(condition, bindings));
  }

  /** How many there are for which all conditions hold. */
  count(subject: Subject, where: readonly Condition[], bindings: Bindings): number {
    let count = 0;
    for (const _ of this.matching(subject, where, bindings)) count += 1;
    return count;
  }

  /** Those for which all conditions hold, each with itself bound. */
  *matching(
    subject: Subject,
    where: readonly Condition[],
    bindings: Bindings,
  ): Generator<{ readonly binding: Binding; readonly extended: Bindings }> {
    const { name } = subjectOf(subject);
    for (const binding of this.candidates(subject, bindings)) {
      const extended = { ...bindings, [name]: binding };
      if (this.all(where, extended)) yield { binding, extended };
    }
  }

  /** All objects of a kind, the likeliest first, as long as the allowance lasts. */
  *candidates(subject: Subject, bindings: Bindings): Generator<Binding> {
    for (const binding of candidates(subject, bindings, this.#state)) {
      if (this.#left === 0) return;
      this.#left -= 1;
      yield binding;
    }
  }

  #comparison(comparison: Comparison, bindings: Bindings): boolean {
    const value = resolve(comparison.field, bindings, this.#state);
    return compare(value, comparison, (path) => resolve(path, bindings, this.#state));
  }
}

/** Whether a number is as many as is asked for. */
export function enough(count: number, amount: Amount): boolean {
  if ('atLeast' in amount) return count >= amount.atLeast;
  if ('atMost' in amount) return count <= amount.atMost;
  return count === amount.exactly;
}

/** A missing value (undefined) equals nothing and differs from everything. */
export function compare(
  value: unknown,
  comparator: Comparator,
  read: (path: string) => unknown,
): boolean {
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
export function same(a: unknown, b: unknown): boolean {
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
