/**
 * Finds how near a state comes to a check: the choice of variables that gets furthest down its
 * clauses and then fulfils most of the rest, and for what is missing the object that comes closest. Pure.
 */
import type { State } from '@terrarium/timeline';
import { type Check, type Clause, type Condition, type Subject, subjectOf } from '../check.js';
import { Conditions } from '../conditions.js';
import { type Binding, type Bindings, Unbound } from '../resolve.js';

/** How one clause stands under the choice. */
export interface Standing {
  readonly clause: Clause;
  readonly holds: boolean;
  /** with everything that the clause could be asked with, its own candidate among it */
  readonly bindings: Bindings;
  /** exists: the object, or the one that comes closest; notExists: the first that should not be there */
  readonly object: Binding | null;
  /** what the object or the bound ones are asked, and whether that holds */
  readonly verdicts: readonly Verdict[];
  /** count and notExists: how many there are */
  readonly count: number | null;
  /** it speaks of something that no clause before it could bind */
  readonly unbound: boolean;
}

export interface Verdict {
  readonly condition: Condition;
  readonly holds: boolean;
}

/** Objects tried for one `exists` that holds: attempts of a learner, not all of a fork bomb. */
const WAYS = 6;
/** Clauses looked at in one search. */
const CLAUSES = 600;
/** Objects that are asked how close they come. */
const OBJECTS = 500;

/**
 * @param held clauses that the daemon says hold: it remembers what is gone since
 */
export function closest(check: Check, state: State, held: ReadonlySet<string>): Standing[] {
  return new Closest(check.clauses, state, held).from(0, {});
}

class Closest {
  readonly #clauses: readonly Clause[];
  readonly #state: State;
  readonly #held: ReadonlySet<string>;
  readonly #conditions: Conditions;
  #left = CLAUSES;

  constructor(clauses: readonly Clause[], state: State, held: ReadonlySet<string>) {
    this.#clauses = clauses;
    this.#state = state;
    this.#held = held;
    this.#conditions = new Conditions(state);
  }

  from(index: number, bindings: Bindings): Standing[] {
    const clause = this.#clauses[index];
    if (clause === undefined) return [];
    let best: Standing[] | null = null;
    for (const standing of this.#ways(clause, bindings)) {
      const all = [standing, ...this.from(index + 1, standing.bindings)];
      if (best === null || isBetter(all, best)) best = all;
      if (best.every(({ holds }) => holds) || this.#left <= 0) break;
    }
    return best ?? [];
  }

  #ways(clause: Clause, bindings: Bindings): Standing[] {
    this.#left -= 1;
    try {
      return 'exists' in clause
        ? this.#existing(clause, bindings)
        : [this.#claiming(clause, bindings)];
    } catch (error) {
      if (!(error instanceof Unbound)) throw error;
      const holds = this.#held.has(clause.id);
      return [{ ...bare(clause, bindings), holds, unbound: !holds }];
    }
  }

  #existing(clause: Clause & { readonly exists: Subject }, bindings: Bindings): Standing[] {
    const where = 'where' in clause ? clause.where : [];
    const ways: Standing[] = [];
    for (const { binding, extended } of this.#conditions.matching(clause.exists, where, bindings)) {
      const verdicts = where.map((condition) => ({ condition, holds: true }));
      const found = { ...bare(clause, extended), holds: true, object: binding, verdicts };
      ways.push(found);
      if (ways.length === WAYS) break;
    }
    if (ways.length > 0) return ways;
    // The daemon remembers it; here nobody can say which one it was.
    if (this.#held.has(clause.id)) return [{ ...bare(clause, bindings), holds: true }];
    return [this.#nearest(clause, where, bindings)];
  }

  /** A condition that few objects fulfil says more about what the learner meant than one that all do. */
  #nearest(
    clause: Clause & { readonly exists: Subject },
    where: readonly Condition[],
    bindings: Bindings,
  ): Standing {
    const { name } = subjectOf(clause.exists);
    const asked: { binding: Binding; extended: Bindings; verdicts: Verdict[] }[] = [];
    for (const binding of this.#conditions.candidates(clause.exists, bindings)) {
      if (this.#isGiven(binding)) continue;
      const extended = { ...bindings, [name]: binding };
      asked.push({ binding, extended, verdicts: this.#verdicts(where, extended) });
      if (asked.length === OBJECTS) break;
    }
    const weights = where.map((_, i) => {
      const fulfilled = asked.filter(({ verdicts }) => verdicts[i]?.holds === true).length;
      return fulfilled === 0 ? 0 : 1 / fulfilled;
    });
    let best: (typeof asked)[number] | null = null;
    let most = isTelling(where) ? -1 : 0;
    for (const one of asked) {
      const score = one.verdicts.reduce(
        (sum, { holds }, i) => sum + (holds ? (weights[i] ?? 0) : 0),
        0,
      );
      if (score <= most) continue;
      most = score;
      best = one;
    }
    if (best === null) {
      const verdicts = where.map((condition) => ({ condition, holds: false }));
      return { ...bare(clause, bindings), verdicts };
    }
    return {
      ...bare(clause, best.extended),
      object: best.binding,
      verdicts: best.verdicts,
    };
  }

  #claiming(clause: Clause, bindings: Bindings): Standing {
    const standing = bare(clause, bindings);
    if ('that' in clause) {
      const verdicts = this.#verdicts(clause.that, bindings);
      return { ...standing, holds: verdicts.every(({ holds }) => holds), verdicts };
    }
    if ('exists' in clause) return standing;
    const subject = 'count' in clause ? clause.count : clause.notExists;
    const found = [...this.#conditions.matching(subject, clause.where, bindings)];
    const [first] = found;
    const { name } = subjectOf(subject);
    return {
      ...standing,
      holds: this.#conditions.claim(clause, bindings),
      count: found.length,
      object: first?.binding ?? null,
      bindings: first === undefined ? bindings : { ...bindings, [name]: first.binding },
      verdicts: clause.where.map((condition) => ({ condition, holds: first !== undefined })),
    };
  }

  #verdicts(conditions: readonly Condition[], bindings: Bindings): Verdict[] {
    return conditions.map((condition) => ({
      condition,
      holds: this.#conditions.holds(condition, bindings),
    }));
  }

  /** Was there before the learner typed anything: never what a learner has made half. */
  #isGiven(binding: Binding): boolean {
    const { sandbox, namespaces, overlays } = this.#state;
    switch (binding.kind) {
      case 'process':
        return binding.key === sandbox?.init;
      case 'namespace':
        return namespaces[binding.inode]?.ofSandbox !== false;
      case 'overlay':
        return overlays?.[binding.key]?.ofSandbox === true;
      case 'entry':
        return overlays?.[binding.overlay]?.ofSandbox === true;
      case 'cgroup':
        return binding.path === '/';
      default:
        return false;
    }
  }
}

/** What names a thing: another name is another thing, and no attempt at it. */
const NAMES = /\.(comm|args|command|name|path|line|port|kind|fsType|mountPoint|label)$/;

/** One demand that is not a name: then the newest of its kind may be the attempt, and shows what it lacks. */
function isTelling(where: readonly Condition[]): boolean {
  const [only] = where;
  return where.length === 1 && only !== undefined && 'field' in only && !NAMES.test(only.field);
}

function bare(clause: Clause, bindings: Bindings): Standing {
  return {
    clause,
    bindings,
    holds: false,
    object: null,
    verdicts: [],
    count: null,
    unbound: false,
  };
}

/** Further down without a gap, then more clauses, then more of what the false ones ask. */
function isBetter(a: readonly Standing[], b: readonly Standing[]): boolean {
  const [x, y] = [score(a), score(b)];
  for (const [i, value] of x.entries()) {
    if (value !== y[i]) return value > (y[i] ?? 0);
  }
  return false;
}

function score(standings: readonly Standing[]): number[] {
  const gap = standings.findIndex(({ holds }) => !holds);
  const share = standings.reduce((sum, { holds, verdicts }) => {
    if (holds || verdicts.length === 0) return sum;
    return sum + verdicts.filter((one) => one.holds).length / verdicts.length;
  }, 0);
  return [gap < 0 ? standings.length : gap, standings.filter(({ holds }) => holds).length, share];
}
