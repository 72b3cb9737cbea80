/**
 * Checks the variables and paths of a check when the lesson is loaded, so that a misspelt field is
 * an error with a line and not a step that never turns green.
 */
import { type Subject, subjectOf } from '../check.js';
import { type NodeKind, objectPathProblem, pathProblem } from '../fields.js';

/** What each variable stands for. */
export type Scope = ReadonlyMap<string, NodeKind>;
export type Report = (path: readonly PropertyKey[], message: string) => void;

interface RawCondition {
  readonly field?: string;
  readonly sameAs?: string;
  readonly differsFrom?: string;
  readonly any?: readonly RawCondition[];
  readonly not?: RawCondition;
  readonly exists?: Subject;
  readonly notExists?: Subject;
  readonly count?: Subject;
  readonly where?: readonly RawCondition[];
  readonly that?: readonly RawCondition[];
}

/**
 * Walks a check's clauses in order.
 *
 * @param at the check's place in the document, for `report`
 * @returns what the check binds
 */
export function checkVariables(
  clauses: readonly RawCondition[],
  at: readonly PropertyKey[],
  report: Report,
): Scope {
  let scope: Scope = new Map();
  for (const [index, clause] of clauses.entries()) {
    const inner = checkCondition(clause, [...at, index], scope, report);
    if (clause.exists !== undefined) scope = inner;
    for (const [i, condition] of (clause.that ?? []).entries()) {
      checkCondition(condition, [...at, index, 'that', i], scope, report);
    }
  }
  return scope;
}

/** Returns the scope inside its `where`. */
function checkCondition(
  condition: RawCondition,
  at: readonly PropertyKey[],
  scope: Scope,
  report: Report,
): Scope {
  for (const key of ['field', 'sameAs', 'differsFrom'] as const) {
    const path = condition[key];
    if (path !== undefined) checkPath(path, [...at, key], scope, report);
  }
  for (const [i, one] of (condition.any ?? []).entries()) {
    checkCondition(one, [...at, 'any', i], scope, report);
  }
  if (condition.not !== undefined) checkCondition(condition.not, [...at, 'not'], scope, report);
  let inner = scope;
  for (const key of ['exists', 'notExists', 'count'] as const) {
    const subject = condition[key];
    if (subject === undefined) continue;
    if (subject.in !== undefined) checkPath(subject.in, [...at, key, 'in'], scope, report);
    const { kind, name } = subjectOf(subject);
    if (scope.has(name) || name === 'sandbox') report([...at, key], `"${name}" is bound already`);
    inner = new Map([...scope, [name, kind]]);
  }
  for (const [i, one] of (condition.where ?? []).entries()) {
    checkCondition(one, [...at, 'where', i], inner, report);
  }
  return inner;
}

/** Reports a path that leads nowhere. */
export function checkPath(
  path: string,
  at: readonly PropertyKey[],
  scope: Scope,
  report: Report,
): void {
  const problem = pathProblem(path, scope);
  if (problem !== null) report(at, `${path}: ${problem}`);
}

/** Reports a path that does not lead to an object that a view can show. */
export function checkObjectPath(
  path: string,
  at: readonly PropertyKey[],
  scope: Scope,
  report: Report,
): void {
  const problem = objectPathProblem(path, scope);
  if (problem !== null) report(at, `${path}: ${problem}`);
}
