/**
 * "Why can't I?": a refused system call and the fence → what most likely refused it. Pure: a table
 * of rows, asked in order. An errno seldom has one cause, so a row also looks at the fence: a
 * missing capability is the reason only where it is missing.
 *
 * The order follows the kernel's: the filter decides before the call begins, limits on numbers are
 * counted on the way, capabilities are asked next, the file system has the last word.
 */
import { type Found, type Refusal, RULES, type RuleId } from './refusal-rules.js';
import type { FenceEntry, Mechanism, Words } from './schema.js';

export type { Refusal, RuleId } from './refusal-rules.js';

/** What most likely refused it. */
export interface Explanation {
  /** the row of the table: stable */
  readonly rule: RuleId;
  readonly mechanism: Mechanism;
  /** the entry of the fence that shows it; null where the fence has none */
  readonly entry: FenceEntry | null;
  readonly sentence: Words;
  /** true where the fence leaves no other cause */
  readonly certain: boolean;
}

/** All that apply, the likeliest first; empty when nothing of the fence explains it. */
export function explainRefusal(refusal: Refusal): readonly Explanation[] {
  return RULES.flatMap((rule): Explanation[] => {
    const found: Found | null = rule.applies(refusal);
    if (found === null) return [];
    const { entry, sentence, certain = false } = found;
    return [
      {
        rule: rule.id,
        mechanism: rule.mechanism,
        entry: refusal.fence.entries.find(({ id }) => id === entry) ?? null,
        sentence,
        certain,
      },
    ];
  });
}

/** Ids of all rows, in the order in which they are asked. */
export const REFUSAL_RULES: readonly RuleId[] = RULES.map(({ id }) => id);
