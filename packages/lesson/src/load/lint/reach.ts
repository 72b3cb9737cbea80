/**
 * Hints that nobody can be shown: a clause's message is the first hint while the clause is the first
 * that fails. A clause that holds whenever an earlier one does is never that.
 */
import type { Clause, Subject } from '../../check.js';
import { subjectOf } from '../../check.js';
import type { Step } from '../../types.js';
import type { Finding } from './finding.js';

export function unreachableHints({ check }: Step): Finding[] {
  return check.clauses.flatMap((clause, index) => {
    const earlier = check.clauses.slice(0, index).find((one) => implies(one, clause));
    if (earlier === undefined) return [];
    return [
      {
        file: 'lesson.yaml',
        at: `id: ${clause.id}`,
        message: `"${clause.id}" holds whenever "${earlier.id}" does: its hint is never shown`,
        hint: 'ask for more, or leave the clause out',
      },
    ];
  });
}

/** True when the later clause asks for nothing that the earlier one does not. Exact, not complete. */
function implies(earlier: Clause, later: Clause): boolean {
  if ('that' in earlier && 'that' in later) return contains(earlier.that, later.that);
  if ('exists' in earlier && 'exists' in later) {
    // Once seen is less than there now.
    if (earlier.remember === true && later.remember !== true) return false;
    return asks(earlier.exists, earlier.where, later.exists, later.where);
  }
  // What does not exist with few conditions does not exist with more.
  if ('notExists' in earlier && 'notExists' in later) {
    return asks(later.notExists, later.where, earlier.notExists, earlier.where);
  }
  return false;
}

/** True when whatever fulfils the first conditions fulfils the second. */
function asks(first: Subject, all: readonly unknown[], second: Subject, some: readonly unknown[]) {
  const [a, b] = [subjectOf(first), subjectOf(second)];
  if (a.kind !== b.kind || first.in !== second.in) return false;
  return contains(all, JSON.parse(renamed(some, b.name, a.name)) as unknown[]);
}

/** Paths that begin with a variable, with another one's name. */
function renamed(conditions: readonly unknown[], from: string, to: string): string {
  const path = new RegExp(`("(?:field|sameAs|differsFrom|in)":")${from}(?=[."])`, 'g');
  return JSON.stringify(conditions).replace(path, `$1${to}`);
}

function contains(all: readonly unknown[], some: readonly unknown[]): boolean {
  const texts = new Set(all.map((one) => JSON.stringify(one)));
  return some.every((one) => texts.has(JSON.stringify(one)));
}
