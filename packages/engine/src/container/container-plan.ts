/**
 * The plan of a container: an OCI config and the host's facts → every system call that makes it.
 * Pure: the same input gives the same plan, so tests assert it without a kernel, the stepper shows
 * it, and a broken step can be put in on purpose.
 *
 * Up to three processes:
 *   entry    only for a container inside a sandbox: forked by the player, host root; joins the
 *            sandbox and makes outside there, confined as everything in the sandbox is.
 *   outside  the runtime's side: root in the runtime's namespaces (forked by the player, or made by
 *            entry). Makes the cgroups, opens what the container is to see of the runtime's files,
 *            clones init, writes its id maps.
 *   init     in the container's namespaces. Mounts, changes its root, gives up its powers, waits
 *            for `start`, becomes the program.
 *
 *   (entry ── setns, clone3 ──▶) outside ── clone3 ──▶ init
 *                                   │ id maps, hooks      │ joins its cgroups
 *                                   │ ── release pipe ──▶ │
 *                                   ▼ exits               ▼ mounts, pivot_root, masks, capabilities,
 *                                                           detach, read(start.fifo), execve
 *
 * init is a child of the player (CLONE_PARENT), so the player hears of its end.
 */
import { type Plan, PlanBuilder } from '@terrarium/syscall';
import { Script } from '../plan/script.js';
import { ENTRY, INIT, OUTSIDE } from './plan-context.js';
import { enterSandbox, takeFromHost } from './plan-entry.js';
import { writeInit } from './plan-init.js';
import type { ContainerPlanInput } from './plan-input.js';
import { writeOutside } from './plan-outside.js';
import { assertSupported } from './supported.js';

/** A plan, and where in it the lifecycle finds what it must know. */
export interface ContainerPlan {
  readonly plan: Plan;
  /** the process that becomes the program: `result.hostPids[init]` */
  readonly init: 'init';
  /** of init: index of the open of ptmx, whose result is the console master's fd; null without terminal */
  readonly consoleIndex: number | null;
  /** of outside: index of the read of the hooks FIFO; null without one */
  readonly hooksIndex: number | null;
  /** of init: index of its read of the hooks FIFO; null without one */
  readonly containerHooksIndex: number | null;
}

/**
 * Makes the plan.
 *
 * @throws ConfigError naming each field that is not supported
 */
export function containerPlan(input: ContainerPlanInput): ContainerPlan {
  assertSupported(input.config, input.sandbox !== undefined);
  const where = input.sandbox === undefined ? '' : ` in sandbox ${input.sandbox.id}`;
  const first = input.sandbox === undefined ? OUTSIDE : ENTRY;
  const builder = new PlanBuilder(`container ${input.id}${where}`, first);
  const taken = takeFromHost(new Script(builder, first, builder.slot('entryFd')), input);
  const request =
    input.sandbox === undefined ? null : enterSandbox(builder, input.sandbox, input.config);
  const outside = new Script(builder, OUTSIDE, builder.slot('fd'));
  const init = new Script(builder, INIT, builder.slot('initFd'));
  const context = writeOutside(outside, input, taken, request);
  writeInit(init, context);
  const plan = builder.build();
  return {
    plan,
    init: INIT,
    consoleIndex: indexOf(plan, INIT, 'console-master'),
    hooksIndex: indexOf(plan, OUTSIDE, 'await-hooks'),
    containerHooksIndex: indexOf(plan, INIT, 'await-container-hooks'),
  };
}

/** Index of the first call with that purpose in a process's list. */
function indexOf(plan: Plan, process: string, purposeId: string): number | null {
  const index = (plan.processes[process] ?? []).findIndex(
    ({ purpose: { id } }) => id === purposeId,
  );
  return index === -1 ? null : index;
}
