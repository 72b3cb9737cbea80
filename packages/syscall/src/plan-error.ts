/**
 * PlanError: why a plan did not come to its end. Names plan, process, step and call; the cause is
 * the SyscallError, and every report up to there is kept for logs and for the lesson's stepper.
 */
import type { Call, CallReport, Plan, PlanStep } from './plan.js';
import { SyscallError } from './syscall-error.js';

/** The parts of a failed run. */
export interface PlanErrorInput {
  readonly plan: string;
  /** what went wrong, as a clause: `mount(…): EINVAL (invalid argument)` */
  readonly message: string;
  readonly reports: readonly CallReport[];
  readonly failed?: CallReport;
  readonly cause?: unknown;
}

/** A run that failed, was refused or aborted. */
export class PlanError extends Error {
  override readonly name = 'PlanError';
  readonly plan: string;
  readonly reports: readonly CallReport[];
  /** the call that ended the run; undefined when it was refused, aborted or lost */
  readonly failed: CallReport | undefined;

  constructor({ plan, message, reports, failed, cause }: PlanErrorInput) {
    super(`plan ${plan}: ${message}`, cause === undefined ? undefined : { cause });
    this.plan = plan;
    this.reports = reports;
    this.failed = failed;
  }
}

/**
 * Tells whether a report ends its run: an errno that the step does not tolerate, or a result
 * below its bound.
 */
export function isFailure(plan: Plan, report: CallReport): boolean {
  const step = plan.processes[report.process]?.[report.index];
  if (step?.kind !== 'call') return report.errno !== 0;
  if (report.errno !== 0) return !(step.tolerate?.includes(report.errno) ?? false);
  return report.result < BigInt(step.atLeast ?? 0) && step.atLeast !== undefined;
}

/** Makes the PlanError for the call that failed; its cause is a SyscallError where errno was set. */
export function planErrorFor(
  plan: Plan,
  failed: CallReport,
  reports: readonly CallReport[],
): PlanError {
  const step = plan.processes[failed.process]?.[failed.index];
  const display = step?.kind === 'call' ? step.display : (step?.kind ?? '?');
  const where = `${failed.process} step ${failed.index}`;
  if (failed.errno === 0) {
    const bound = step?.kind === 'call' ? step.atLeast : undefined;
    const message = `${where}: ${display} returned ${failed.result}, less than ${bound}`;
    return new PlanError({ plan: plan.name, message, reports, failed });
  }
  const cause = syscallErrorFor(plan, failed);
  return new PlanError({
    plan: plan.name,
    message: `${where}: ${cause.message}`,
    reports,
    failed,
    cause,
  });
}

/** The SyscallError of a report with an errno, tolerated or not; its hint knows what an fd stands for. */
export function syscallErrorFor(plan: Plan, report: CallReport): SyscallError {
  const step = plan.processes[report.process]?.[report.index];
  if (step?.kind !== 'call') {
    return new SyscallError({ syscall: step?.kind ?? '?', errno: report.errno, args: '' });
  }
  const { syscall, display } = step;
  const args = display.startsWith(`${syscall}(`) ? display.slice(syscall.length) : display;
  const file = openedAs(plan, report, step);
  return new SyscallError({
    syscall,
    errno: report.errno,
    args,
    ...(file === undefined ? {} : { file }),
  });
}

/** How the fd in a call's first argument was opened: `openat(AT_FDCWD, "/proc/7/uid_map", …)`. */
function openedAs(plan: Plan, { process, index }: CallReport, call: Call): string | undefined {
  const [first] = call.args;
  if (first?.kind !== 'slot') return undefined;
  const before = plan.processes[process]?.slice(0, index) ?? [];
  const elsewhere = Object.values(plan.processes).flat();
  const opens = (step: PlanStep): step is Call =>
    step.kind === 'call' && step.store?.index === first.slot.index && step !== call;
  return (before.findLast(opens) ?? elsewhere.find(opens))?.display;
}
