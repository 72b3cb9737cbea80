/**
 * Hints from the difference between the learner's state and a solved one: for each clause of a
 * check which object fulfils it, or which comes closest and what it lacks. Pure and isomorphic:
 * the page asks it of the state that it shows.
 */
import type { State, Subject as ViewSubject } from '@terrarium/timeline';
import { type Check, type Condition, subjectOf } from '../check.js';
import { subjectOfBinding } from '../pointing.js';
import type { Binding, Bindings } from '../resolve.js';
import type { LocalText } from '../types.js';
import { closest, type Standing } from './closest.js';
import { KINDS, text } from './labels.js';
import { absent, objectName } from './names.js';
import { amountText, factText, wantedText } from './words.js';

/** One clause in words. Texts are Markdown of one line. */
export interface ClauseDifference {
  readonly id: string;
  readonly holds: boolean;
  /** the clause's own message, by its author */
  readonly message: LocalText;
  /** which object it is, or that there is none; null where nothing more is known */
  readonly lead: LocalText | null;
  /** of a clause that does not hold: what is, beside what should be */
  readonly facts: readonly { readonly holds: boolean; readonly text: LocalText }[];
  /** what to look at in a view */
  readonly subject: ViewSubject | null;
  /** of a clause that does not hold: what else it speaks of, for views that do not show the subject */
  readonly near: readonly ViewSubject[];
}

/** How far the learner is, and the one thing that comes next. */
export interface Difference {
  readonly clauses: readonly ClauseDifference[];
  /** the first clause that does not hold; null when all do */
  readonly next: ClauseDifference | null;
}

const NOTHING: ReadonlySet<string> = new Set();

/**
 * Says what a state lacks to fulfil a check.
 *
 * @param held ids of clauses that are known to hold although their object may be gone (`remember`)
 */
export function difference(
  check: Check,
  state: State,
  held: ReadonlySet<string> = NOTHING,
): Difference {
  const standings = state.sandbox === null ? [] : closest(check, state, held);
  const clauses = standings.map((standing) => clauseWords(standing, state));
  return { clauses, next: clauses.find(({ holds }) => !holds) ?? null };
}

function clauseWords(standing: Standing, state: State): ClauseDifference {
  const { clause, holds } = standing;
  const object = standing.object ?? (holds ? null : failingObject(standing));
  return {
    id: clause.id,
    holds,
    message: clause.message,
    lead: leadText(standing, state),
    facts: holds ? [] : facts(standing, state),
    subject: object === null ? null : subjectOfBinding(object, state),
    near: holds ? [] : nearby(standing, state),
  };
}

/** Objects that earlier clauses have found and this one is asked about: the process of that mount. */
function nearby({ clause, bindings, object }: Standing, state: State): ViewSubject[] {
  const where = 'that' in clause ? clause.that : clause.where;
  const names = new Set([...where.flatMap(pathsOf), ...contained(clause)].map(variableOf));
  const found = [...names].flatMap((name) => {
    const binding = Object.hasOwn(bindings, name) ? bindings[name] : undefined;
    if (binding === undefined || binding === object) return [];
    const about = subjectOfBinding(binding, state);
    return about === null ? [] : [about];
  });
  return found;
}

function contained(clause: Standing['clause']): string[] {
  if ('that' in clause) return [];
  const subject =
    'exists' in clause ? clause.exists : 'count' in clause ? clause.count : clause.notExists;
  return subject.in === undefined ? [] : [subject.in];
}

function variableOf(path: string): string {
  return path.split('.')[0] ?? '';
}

function pathsOf(condition: Condition): string[] {
  if ('field' in condition) {
    const other = 'sameAs' in condition ? condition.sameAs : undefined;
    return other === undefined ? [condition.field] : [condition.field, other];
  }
  if ('any' in condition) return condition.any.flatMap(pathsOf);
  if ('not' in condition) return pathsOf(condition.not);
  return condition.where.flatMap(pathsOf);
}

function leadText(standing: Standing, state: State): LocalText | null {
  const { clause, holds, object, unbound } = standing;
  if (unbound) {
    return text(
      'This can be asked once what comes before is there.',
      '前面的条件满足之后才能看这一条。',
    );
  }
  const name = object === null ? null : objectName(object, state);
  if ('exists' in clause) {
    if (holds) return name === null ? null : text(`It is ${name.en}.`, `就是 ${name.zh}。`);
    const kind = KINDS[subjectOf(clause.exists).kind];
    if (name === null) return text(`There is no such ${kind.en} yet:`, `还没有这样的${kind.zh}：`);
    return text(`${name.en} comes closest:`, `最接近的是 ${name.zh}：`);
  }
  if (holds) return null;
  if ('that' in clause) return thatLead(standing, state);
  const count = standing.count ?? 0;
  if ('notExists' in clause) {
    const more =
      count > 1 ? text(`, and ${count - 1} more`, `，另外还有 ${count - 1} 个`) : text('', '');
    return text(
      `${name?.en ?? ''} is still there${more.en}.`,
      `${name?.zh ?? ''} 还在${more.zh}。`,
    );
  }
  const wanted = amountText(clause);
  const kind = KINDS[subjectOf(clause.count).kind];
  return text(
    `There is this many of it (${kind.en}): ${count}; wanted: ${wanted.en}.`,
    `现在有 ${count} 个这样的${kind.zh}，应为${wanted.zh}。`,
  );
}

function thatLead(standing: Standing, state: State): LocalText | null {
  const object = failingObject(standing);
  if (object === null) return null;
  const name = objectName(object, state);
  return text(`${name.en}:`, `${name.zh}：`);
}

/** Of a clause about what is bound already: the one that its first false condition speaks of. */
function failingObject(standing: Standing): Binding | null {
  const name = failingVariable(standing);
  return name === null ? null : (standing.bindings[name] ?? null);
}

function failingVariable({ verdicts, bindings }: Standing): string | null {
  const failing = verdicts.find(({ holds }) => !holds);
  if (failing === undefined) return null;
  return (
    pathsOf(failing.condition)
      .map(variableOf)
      .find((name) => Object.hasOwn(bindings, name)) ?? null
  );
}

function facts(standing: Standing, state: State): ClauseDifference['facts'] {
  const { clause, verdicts, bindings, object } = standing;
  if ('notExists' in clause || standing.unbound) return [];
  const own = 'that' in clause ? failingVariable(standing) : ownVariable(standing);
  const isWish = !('that' in clause) && (object === null || 'count' in clause);
  const context = { bindings: { ...wished(clause), ...bindings }, state, own };
  return verdicts.map(({ condition, holds }) => ({
    holds: isWish ? false : holds,
    text: isWish ? wantedText(condition, context) : factText(condition, holds, context),
  }));
}

/** The variable of a clause for which nothing was found. */
function wished(clause: Standing['clause']): Bindings {
  if ('that' in clause || 'notExists' in clause) return {};
  const { kind, name } = subjectOf('exists' in clause ? clause.exists : clause.count);
  return { [name]: absent(kind) };
}

function ownVariable({ clause }: Standing): string | null {
  if ('exists' in clause) return subjectOf(clause.exists).name;
  return 'count' in clause ? subjectOf(clause.count).name : null;
}
