/**
 * What every view of a folded state is given. A view knows the state and nothing else: whether it
 * is the present or a moment of a recording is the page's business.
 *
 * Rows and nodes carry `data-subject` (a `Subject` of the timeline). By it the page lights up what
 * else is about the same thing (`data-lit`), and takes a learner's pointing as an answer.
 */
import type { State } from '@terrarium/timeline';
import type { Lang } from './strings.js';

export interface ViewProps {
  readonly state: State;
  readonly lang: Lang;
  /** true while the state is not the present one: the stage is tinted */
  readonly past?: boolean;
  /** types a command visibly into a terminal; without it the card offers no buttons */
  readonly onShowInTerminal?: (command: string) => void;
}
