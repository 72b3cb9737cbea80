/**
 * Containers of one config differ in a few paths and one fd: their plan is made and encoded once
 * (see PlanMold), and cast for each of them. What cannot be cast is planned anew. Daemon, pure.
 */
import { type CallReport, PlanMold, planErrorFor } from '@terrarium/syscall';
import { isPlanError } from './container-error.js';
import type { ContainerPlan } from './container-plan.js';

/** What differs between containers of one config. */
export interface Cast {
  readonly id: string;
  readonly lockFd: number;
}

/** A plan to run; `encoded` when it came out of a mold: then it shows stand-ins for id and lock. */
export interface PlannedContainer {
  readonly plan: ContainerPlan;
  readonly encoded?: Uint8Array;
  /** an error that shows this container's own names */
  readonly ownError: (error: unknown) => unknown;
}

const STAND_IN: Cast = {
  id: 'stand-in-for-the-name-of-a-container-which-will-be-known-when-it-is-made',
  lockFd: 0x1_eedf_00df_eed5,
};

/** Configs in use at one time; the one that was made first goes. */
const MOLDS = 16;

/** @see the file's header */
export class ContainerMolds {
  readonly #molds = new Map<string, { plan: ContainerPlan; mold: PlanMold } | null>();

  /**
   * @param key everything that the plan depends on, besides the cast
   * @param make makes the plan; must be pure
   */
  planned(key: string, cast: Cast, make: (cast: Cast) => ContainerPlan): PlannedContainer {
    const known = this.#molds.get(key);
    const found = known === undefined ? this.#add(key, make) : known;
    const encoded = found?.mold.cast(cast.id, cast.lockFd) ?? null;
    if (found === null || encoded === null) return plannedAnew(make(cast));
    return { plan: found.plan, encoded, ownError: (error) => ownError(error, () => make(cast)) };
  }

  #add(key: string, make: (cast: Cast) => ContainerPlan) {
    const plan = make(STAND_IN);
    const mold = PlanMold.of(plan.plan, { name: STAND_IN.id, number: STAND_IN.lockFd });
    const made = mold === null ? null : { plan, mold };
    this.#molds.set(key, made);
    const oldest = this.#molds.keys().next();
    if (this.#molds.size > MOLDS && oldest.done === false) this.#molds.delete(oldest.value);
    return made;
  }
}

/** A plan that is this container's alone. */
export function plannedAnew(plan: ContainerPlan): PlannedContainer {
  return { plan, ownError: (error) => error };
}

function ownError(error: unknown, make: () => ContainerPlan): unknown {
  if (!isPlanError(error) || error.failed === undefined) return error;
  const failed: CallReport = error.failed;
  return planErrorFor(make().plan, failed, error.reports);
}
