/** Where plans come from that a learner may step through. */
import type { CgroupLayout, ExecTarget } from '@terrarium/engine';
import type { LocalText, StepperWhat } from '@terrarium/protocol';
import type { Plan, Player } from '@terrarium/syscall';

/** What the stepper needs of the engine. */
export interface StepperKit {
  readonly player: Player;
  readonly cgroups: CgroupLayout;
}

/** A plan that is ready to be stepped through, and how to take back what it makes. */
export interface PreparedPlan {
  readonly plan: Plan;
  readonly title: LocalText;
  /**
   * Removes what outlives the plan's processes. Called once, after they are dead; not at all when
   * the whole sandbox goes.
   */
  undo(): Promise<void>;
}

/** Makes plans from one kind of wish. */
export interface PlanSource {
  /**
   * @param target the learner's sandbox: the plan makes what it makes in there
   * @throws StepperRefused with a sentence for the learner
   */
  prepare(target: ExecTarget, what: StepperWhat): Promise<PreparedPlan> | PreparedPlan;
}

/** Why there is nothing to step through. The message is for the learner. */
export class StepperRefused extends Error {}
