/** Steps through the start of a program in the learner's sandbox: the plan of every shell there. */
import { type ExecTarget, execPlan } from '@terrarium/engine';
import type { StepperWhat } from '@terrarium/protocol';
import { type PlanSource, type PreparedPlan, StepperRefused } from './plan-source.js';

/** @see the file's header */
export class ExecSource implements PlanSource {
  prepare(target: ExecTarget, what: StepperWhat): PreparedPlan {
    if (what.kind !== 'exec') throw new StepperRefused('not a program');
    const line = what.args.join(' ');
    return {
      plan: execPlan(target, { args: what.args }),
      title: { en: `Start ${line} in your sandbox`, zh: `在你的沙箱里启动 ${line}` },
      // Its processes are all there is of it.
      undo: async () => {},
    };
  }
}
