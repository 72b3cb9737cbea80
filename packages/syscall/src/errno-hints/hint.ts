/**
 * The shape of a hint: what to look at when an errno says something else than a reader would think.
 * One file per subject stands beside this one; `hintFor` asks them all.
 */

/** A sentence in the reader's languages. */
export interface HintText {
  readonly en: string;
  readonly zh: string;
}

/** When a hint applies, and what it says. */
export interface HintRow {
  /** man page names; all calls when left out */
  readonly syscalls?: readonly string[];
  readonly code: string;
  /** only when the arguments match, or the path of the file that the call's fd was opened as */
  readonly about?: RegExp;
  readonly hint: HintText;
}
