/** Which kinds of objects a check speaks of: what has to be watched for it. Pure. */
import { type Check, SUBJECT_KINDS, type SubjectKind } from './check.js';

/** Kinds that a clause or a condition anywhere in the check looks for. */
export function kindsOf(check: Check): ReadonlySet<SubjectKind> {
  const found = new Set<SubjectKind>();
  collect(check.clauses, found);
  return found;
}

function collect(part: unknown, found: Set<SubjectKind>): void {
  if (typeof part !== 'object' || part === null) return;
  if (Array.isArray(part)) {
    for (const one of part) collect(one, found);
    return;
  }
  for (const [key, value] of Object.entries(part)) {
    if (key === 'exists' || key === 'notExists' || key === 'count') {
      for (const kind of SUBJECT_KINDS) if (Object.hasOwn(value as object, kind)) found.add(kind);
    } else collect(value, found);
  }
}
