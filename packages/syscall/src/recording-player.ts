/**
 * RecordingPlayer: the Player for unit tests. Runs nothing: it keeps the plans, answers each call
 * with a scripted result and lets the test say when a process ends. Needs no kernel and no root.
 */
import { ERRNO } from './errno.js';
import type { Call, CallReport, Plan, PlanStep, ProcessName } from './plan.js';
import { encodeRun } from './plan-codec.js';
import { isFailure, PlanError, planErrorFor } from './plan-error.js';
import {
  checkStep,
  type PlanResult,
  type PlanRun,
  type Player,
  type RunOptions,
} from './player.js';

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
    const recorded = new RecordedRun(plan, options, this.#script, () => this.#nextPid++);
    const done = recorded.play();
    done.catch(() => {});
    return {
      done,
      step: (process) => {
        checkStep(plan, options, process);
        recorded.step(process);
      },
      abort: () => recorded.abort(),
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
}

/** One run of the double. */
class RecordedRun {
  readonly #plan: Plan;
  readonly #options: RunOptions;
  readonly #script: Script;
  readonly #newPid: () => number;
  readonly #reports: CallReport[] = [];
  readonly #hostPids: Record<ProcessName, number> = {};
  readonly #permits = new Map<ProcessName, number>();
  readonly #waiting = new Set<() => void>();
  #aborted: PlanError | undefined;

  constructor(plan: Plan, options: RunOptions, script: Script, newPid: () => number) {
    this.#plan = plan;
    this.#options = options;
    this.#script = script;
    this.#newPid = newPid;
  }

  /**
   * Unstepped, one process after the other, each child where its clone3 stands: the order of a slow
   * parent. Stepped, all at the same time, as the test lets them go on.
   */
  async play(): Promise<PlanResult> {
    const { first } = this.#plan;
    this.#hostPids[first] = this.#newPid();
    // Not before the caller has its PlanRun, as with the real one.
    await Promise.resolve();
    this.#options.onStarted?.(first, this.#hostPids[first] ?? 0);
    if (this.#options.stepped === true) await this.#playTogether(first);
    else {
      const queue: [ProcessName, boolean][] = [[first, false]];
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
        await this.#playProcess(next[0], next[1], (child, detached) => {
          queue.push([child, detached]);
        });
      }
    }
    return { reports: this.#reports, hostPids: this.#hostPids };
  }

  step(process: ProcessName): void {
    this.#permits.set(process, (this.#permits.get(process) ?? 0) + 1);
    this.#wake();
  }

  abort(): void {
    this.#aborted ??= new PlanError({
      plan: this.#plan.name,
      message: 'aborted',
      reports: this.#reports,
    });
    this.#wake();
  }

  async #playTogether(process: ProcessName, detached = false): Promise<void> {
    const children: Promise<void>[] = [];
    try {
      await this.#playProcess(process, detached, (child, fromBirth) => {
        const played = this.#playTogether(child, fromBirth);
        played.catch(() => {}); // awaited below, maybe after it failed
        children.push(played);
      });
    } catch (error) {
      if (error instanceof PlanError) this.#aborted ??= error; // ends the run's other processes
      this.#wake();
      throw error;
    }
    await Promise.all(children);
  }

  async #playProcess(
    process: ProcessName,
    detachedFromBirth: boolean,
    onChild: (child: ProcessName, detached: boolean) => void,
  ): Promise<void> {
    let detached = detachedFromBirth;
    for (const [index, step] of (this.#plan.processes[process] ?? []).entries()) {
      if (!detached) await this.#mayStep(process, index);
      const report = this.#perform(process, index, step);
      const failed = isFailure(this.#plan, report);
      if (!detached) this.#deliver(report);
      if (failed && detached) return; // exits with 125, and nobody is told
      if (failed) throw planErrorFor(this.#plan, report, this.#reports);
      if (step.kind === 'detach') detached = true;
      if (step.kind !== 'call' || step.child === undefined || report.errno !== 0) continue;
      if (!detached) {
        this.#hostPids[step.child] = Number(report.result);
        this.#options.onStarted?.(step.child, Number(report.result));
      }
      onChild(step.child, detached);
    }
  }

  async #mayStep(process: ProcessName, index: number): Promise<void> {
    const permitted = () => (this.#permits.get(process) ?? 0) > 0;
    if (this.#options.stepped === true) {
      this.#options.onWaiting?.(process, index);
      while (!permitted() && this.#aborted === undefined) {
        await new Promise<void>((resolve) => this.#waiting.add(resolve));
      }
      this.#permits.set(process, (this.#permits.get(process) ?? 0) - 1);
    } else await Promise.resolve(); // the caller has its PlanRun before the first report
    if (this.#aborted !== undefined) throw this.#aborted;
  }

  #perform(process: ProcessName, index: number, step: PlanStep): CallReport {
    const answer = step.kind === 'call' ? this.#script(step, process, index) : undefined;
    const errno = answer?.errno ?? (step.kind === 'call' ? ackErrno(step, answer?.bytes) : 0);
    const starts = step.kind === 'call' && step.child !== undefined && errno === 0;
    return {
      process,
      index,
      result: answer?.result ?? (starts ? BigInt(this.#newPid()) : defaultResult(step)),
      errno,
      nanoseconds: 0,
      ...(answer?.bytes === undefined ? {} : { bytes: answer.bytes }),
    };
  }

  #deliver(report: CallReport): void {
    this.#reports.push(report);
    this.#options.onReport?.(report);
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }
}

/** The errno that scripted bytes acknowledge, where they are those of the ack's block. */
function ackErrno({ ack, reportBlock }: Call, bytes: Uint8Array | undefined): number {
  if (ack === undefined || bytes === undefined || ack.from !== reportBlock) return 0;
  if (bytes.length < ack.offset + 4) return 0;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const value = view.getInt32(ack.offset, true);
  return value > 0 ? ERRNO.EPROTO : -value;
}

/** A success that satisfies the step's own bound. */
function defaultResult(step: PlanStep): bigint {
  return step.kind === 'call' ? BigInt(step.atLeast ?? 0) : 0n;
}
