/**
 * The interface of the player as the rest of the house sees it: run a plan, follow its calls,
 * hear of the processes that it left running. Implemented by ResidentPlayer (native/player.c)
 * and by RecordingPlayer (tests: no root, no kernel).
 */
import type { CallReport, Plan, ProcessName } from './plan.js';

/** A plan's end: every report in order of arrival, and the host pid of each process it made. */
export interface PlanResult {
  readonly reports: readonly CallReport[];
  /** pids as the player's own pid namespace (the host's) has them, whatever namespace they are in */
  readonly hostPids: Readonly<Record<ProcessName, number>>;
}

/** One execution of a plan. */
export interface PlanRun {
  /**
   * Resolves when every process of the plan has exec'ed, become init, detached or exited.
   * @throws PlanError
   */
  readonly done: Promise<PlanResult>;
  /**
   * Stepped runs only: lets the next step of one process happen; the others stay where they are.
   * Steps add up: one that comes before its process waits, or exists, is taken when it gets there.
   *
   * @throws Error when the plan has no such process or the run is not stepped
   */
  step(process: ProcessName): void;
  /** Kills what the plan has made so far, but for processes that detached. */
  abort(): void;
}

export interface RunOptions {
  /** every process waits for `step(process)` before each of its steps, until it detaches */
  readonly stepped?: boolean;
  /** A process of the run began: its pid as the host has it, long before the run's end tells all. */
  readonly onStarted?: (process: ProcessName, hostPid: number) => void;
  /** Stepped runs only: a process stands before its step `index` and waits for `step(process)`. */
  readonly onWaiting?: (process: ProcessName, index: number) => void;
  /**
   * Reports arrive in batches, which spares the caller a wake-up for each call; those of a process
   * wait while one of its calls blocks. For plans that nobody watches.
   */
  readonly batched?: boolean;
  readonly onReport?: (report: CallReport) => void;
  /** the plan's message, cast from a mold that was made of it; encoded anew when not given */
  readonly encoded?: Uint8Array;
}

export interface Player {
  run(plan: Plan, options?: RunOptions): PlanRun;
  /** Calls `listener` once when that child (or adopted orphan) of the player ends. waitStatus as wait(2) has it. */
  onExit(hostPid: number, listener: (waitStatus: number) => void): void;
  /** Ends the resident process; what finished runs started lives on, unfinished runs are killed. */
  close(): Promise<void>;
}

/** What every Player's `step` checks first. @throws Error as PlanRun.step promises */
export function checkStep(plan: Plan, options: RunOptions, process: ProcessName): void {
  if (options.stepped !== true) throw new Error(`plan ${plan.name} is not run in steps`);
  if (!Object.hasOwn(plan.processes, process))
    throw new Error(`plan ${plan.name} has no process ${process}`);
}
