/**
 * Checks: typed predicates over the folded kernel state. Data, so that a lesson is data.
 * (Shape to be filled in by `evaluate`.)
 */
import type { LocalText } from './types.js';

/** A question whose answer is one text, for example the host pid of a bound process. */
export interface Query {
  /** name bound by the step's check, or `sandbox` */
  readonly of: string;
  /** path inside what is bound: `hostPid`, `pids.0`, `namespaces.pid` */
  readonly field: string;
}

/** All clauses must hold. */
export interface Check {
  readonly clauses: readonly Clause[];
}

export interface Clause {
  readonly id: string;
  /** what is wrong while it does not hold */
  readonly message: LocalText;
}
