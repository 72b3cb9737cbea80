/** How long a wrong answer is given to show what it is: the same for a walk and for the tests. */

/** A check has 30 ms of debounce and up to a second until a scan sees what no event tells, ms. */
export const STAYS_RED_MS = 1500;
/** What a wrong answer did may be told later than that on a busy machine, ms. */
export const CLAUSE_MS = 15_000;
