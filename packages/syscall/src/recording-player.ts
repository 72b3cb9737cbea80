/**
 * RecordingPlayer: the Player for unit tests. Runs nothing: it keeps the plans, answers each call
 * with a scripted result and lets the test say when a process ends. Needs no kernel and no root.
 */
import type { Call, CallReport, Plan, ProcessName } from './plan.js';
import { encodeRun } from './plan-codec.js';
import { isFailure, PlanError, planErrorFor } from './plan-error.js';
import type { PlanResult, PlanRun, Player, RunOptions } from './player.js';

/** What a scripted call answers; 0 and no errno when left out. */
export interface ScriptedAnswer {
  readonly result?: bigint;
  readonly errno?: number;
  readonly bytes?: Uint8Array;
}

/** Chooses the answer of a call; undefined means success with 0 (clone3: the next fake pid). */
export type Script = (
  call: Call,
  process: ProcessName,
  index: number,
) => ScriptedAnswer | undefined;

/** @see Player */
export class RecordingPlayer implements Player {
  /** every plan that was run, oldest first */
  readonly plans: Plan[] = [];
  readonly #script: Script;
  readonly #listeners = new Map<number, (waitStatus: number) => void>();
  #nextPid = 1000;
  #closed = false;

  constructor(script: Script = () => undefined) {
    this.#script = script;
  }

  get closed(): boolean {
    return this.#closed;
  }

  run(plan: Plan, options: RunOptions = {}): PlanRun {
    encodeRun(plan, 1); // a test must not pass with a plan that the real player would refuse
    this.plans.push(plan);
    let wake: () => void = () => {};
    let steps = 0;
    let aborted = false;
    const gate = async (): Promise<void> => {
      while (options.stepped === true && steps === 0 && !aborted) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      steps -= 1;
      if (aborted) throw new PlanError({ plan: plan.name, message: 'aborted', reports: [] });
    };
    const done = this.#play(plan, options, gate);
    done.catch(() => {});
    return {
      done,
      step: () => {
        steps += 1;
        wake();
      },
      abort: () => {
        aborted = true;
        wake();
      },
    };
  }

  onExit(hostPid: number, listener: (waitStatus: number) => void): void {
    this.#listeners.set(hostPid, listener);
  }

  /** Plays the end of a process: calls what onExit was given. */
  exit(hostPid: number, waitStatus = 0): void {
    const listener = this.#listeners.get(hostPid);
    this.#listeners.delete(hostPid);
    listener?.(waitStatus);
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  /** One process after the other, each child where its clone3 stands: the order of a slow parent. */
  async #play(plan: Plan, options: RunOptions, gate: () => Promise<void>): Promise<PlanResult> {
    const reports: CallReport[] = [];
    const hostPids: Record<ProcessName, number> = { [plan.first]: this.#nextPid++ };
    const queue: ProcessName[] = [plan.first];
    for (let process = queue.shift(); process !== undefined; process = queue.shift()) {
      for (const [index, step] of (plan.processes[process] ?? []).entries()) {
        await gate();
        const answer = step.kind === 'call' ? this.#script(step, process, index) : undefined;
        const child = step.kind === 'call' && (answer?.errno ?? 0) === 0 ? step.child : undefined;
        if (child !== undefined) {
          hostPids[child] = Number(answer?.result ?? this.#nextPid++);
          queue.push(child);
        }
        const report = {
          process,
          index,
          result:
            answer?.result ??
            (child === undefined ? defaultResult(step) : BigInt(hostPids[child] ?? 0)),
          errno: answer?.errno ?? 0,
          nanoseconds: 0,
          ...(answer?.bytes === undefined ? {} : { bytes: answer.bytes }),
        };
        reports.push(report);
        options.onReport?.(report);
        if (isFailure(plan, report)) throw planErrorFor(plan, report, reports);
      }
    }
    return { reports, hostPids };
  }
}

/** A success that satisfies the step's own bound. */
function defaultResult(step: Plan['processes'][string][number]): bigint {
  return step.kind === 'call' ? BigInt(step.atLeast ?? 0) : 0n;
}
