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

export type ViewName = 'processes' | 'namespaces' | 'mounts' | 'cgroups' | 'layers' | 'network';

/** Asked before the commands run; graded by the kernel afterwards. */
export interface Predict {
  readonly question: LocalText;
  readonly kind: 'number' | 'choice';
  readonly choices?: readonly { readonly id: string; readonly text: LocalText }[];
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
  readonly solution: readonly Command[];
  /** plausible mistakes; each must keep the check red */
  readonly wrong: readonly { readonly name: string; readonly commands: readonly Command[] }[];
  /** typed into a fresh sandbox by Reset step: leads to this step's beginning */
  readonly setup: readonly Command[];
  /** a fault that is safe here */
  readonly breakIt: boolean;
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
}
