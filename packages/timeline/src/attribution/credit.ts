/**
 * Credits: whom an event belongs to. An event points to a credit, and a credit is filled in when
 * the answer is known, which may be later than the event: the members of a new namespace come
 * after it, a process without shell integration shows its group after its fork.
 */

/** The command that caused something; null while (or for ever when) that is not known. */
export interface Credit {
  command: string | null;
  /** the one that it turned out to be: follow it */
  same?: Credit;
  /** whose it is as long as nobody else claims it */
  unless?: Credit;
}

/** Of what no command caused, or nobody can know. */
export const NOBODY: Credit = Object.freeze({ command: null });

/** A credit that nobody has claimed yet. */
export function openCredit(unless?: Credit): Credit {
  return { command: null, ...(unless !== undefined && { unless }) };
}

/** The command of a credit, as far as is known now. */
export function commandOfCredit(credit: Credit): string | null {
  let end: Credit | undefined = credit;
  while (end !== undefined && end.command === null) end = end.same ?? end.unless;
  return end?.command ?? null;
}

/** Says that an open credit is the same as another one, unless that would be a circle. */
export function joinCredits(credit: Credit, other: Credit): void {
  if (credit === NOBODY) return;
  let end: Credit | undefined = other;
  while (end !== undefined && end !== credit) end = end.same ?? end.unless;
  if (end === undefined) credit.same = other;
}
