/**
 * A lesson as the loader hands it on: machinery from lesson.yaml, prose from en.md and zh.md.
 * Plain JSON, so that the page can have it as props.
 */
import type { Check, Query } from './check.js';

/** One text in both languages; Markdown where the field says so. */
export interface LocalText {
  readonly en: string;
  readonly zh: string;
}

/** Something typed into a terminal: a line (Enter follows) or a key chord such as `C-c`. */
export type Command =
  | { readonly line: string; readonly terminal: 1 | 2 }
  | { readonly key: string; readonly terminal: 1 | 2 };

/** The views of the stage, in the order of their tabs. */
export const VIEW_NAMES = [
  'processes',
  'namespaces',
  'mounts',
  'cgroups',
  'layers',
  'network',
  'calls',
  'diff',
] as const;
export type ViewName = (typeof VIEW_NAMES)[number];

/** Asked before the commands run; graded by the kernel afterwards. */
export interface Predict {
  readonly question: LocalText;
  /** pick: the learner points at a node of `view` */
  readonly kind: 'number' | 'choice' | 'pick';
  readonly choices?: readonly { readonly id: string; readonly text: LocalText }[];
  /** with pick: where to point */
  readonly view?: ViewName;
  /** evaluated on the state once the step's check is green; its text is compared with the answer */
  readonly actual: Query;
  readonly explain: LocalText;
}

export interface Step {
  readonly id: string;
  readonly title: LocalText;
  /** Markdown */
  readonly prose: LocalText;
  readonly view: ViewName;
  /** what to look at in that view, one sentence */
  readonly look: LocalText;
  /** what Run types */
  readonly commands: readonly Command[];
  readonly predict?: Predict;
  readonly check: Check;
  /** true: stays green once green */
  readonly once: boolean;
  /** second level; the first is the failing clause's own message */
  readonly hint: LocalText;
  /** for who presents the step to a room; Markdown */
  readonly notes?: LocalText;
  readonly solution: readonly Command[];
  /** plausible mistakes; each must keep the check red */
  readonly wrong: readonly {
    readonly name: string;
    readonly commands: readonly Command[];
    /** the clause that is then the first to fail */
    readonly clause?: string;
  }[];
  /** typed into a fresh sandbox by Reset step: leads to this step's beginning */
  readonly setup: readonly Command[];
  /** a fault that is safe here */
  readonly breakIt: boolean;
  /** what the step needs of the machine beyond the lesson; where that lacks, it is not required */
  readonly requires?: readonly string[];
}

/** A question at the end of a lesson, for the learner alone: nothing depends on its answer. */
export interface Question {
  readonly id: string;
  readonly question: LocalText;
  readonly answers: readonly {
    readonly id: string;
    readonly text: LocalText;
    readonly correct: boolean;
    /** why it is right, or not */
    readonly because: LocalText;
  }[];
}

export interface Deeper {
  readonly kind: 'man' | 'kernel' | 'spec' | 'source';
  /** `clone(2)`, `Documentation/…`, `config-linux.md#namespaces`, `packages/engine/src/…` */
  readonly reference: string;
  readonly why: LocalText;
}

export interface Lesson {
  /** `containers/01` */
  readonly id: string;
  readonly course: 'containers' | 'kubernetes';
  readonly number: string;
  /** folder name without the number */
  readonly slug: string;
  readonly title: LocalText;
  readonly summary: LocalText;
  readonly objectives: readonly LocalText[];
  readonly minutes: number;
  /** kernel features, as doctor names them */
  readonly requires: readonly string[];
  /** Markdown, before the first step */
  readonly introduction: LocalText;
  readonly steps: readonly Step[];
  readonly deeper: readonly Deeper[];
  readonly quiz?: readonly Question[];
}
