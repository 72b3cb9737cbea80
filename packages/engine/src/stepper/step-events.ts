/** What a step session tells: where the processes stand, what each call did, how it ended. */
import type { Call, PlanStep, ProcessName } from '@terrarium/syscall';
import type { KernelChange } from './kernel-change.js';
import type { KernelState, Words } from './kernel-state.js';
import type { RegisterValues } from './registers.js';

/**
 * `waiting` before its step `index`; `running` inside it; `blocked`: asleep inside it, until another
 * process or somebody outside of the plan wakes it; `ended`: has left the plan.
 */
export type ProcessStatus = 'waiting' | 'running' | 'blocked' | 'ended';

/** How a process left the plan; `failed`: by a call that the plan does not get over. */
export type ProcessEnd = 'exited' | 'failed' | 'program' | 'init' | 'detached' | 'killed';

/** Where one process of the plan stands. */
export interface Position {
  readonly process: ProcessName;
  /** null until the player has told it */
  readonly hostPid: number | null;
  readonly index: number;
  readonly status: ProcessStatus;
  /** what a blocked process waits for, as the kernel says */
  readonly waitsFor: Words | null;
  readonly end: ProcessEnd | null;
  /** registers that are set, with their values */
  readonly registers: RegisterValues;
}

/** One step that has been made. */
export interface StepRecord {
  /** 0, 1, 2, … in the order in which they came back */
  readonly seq: number;
  readonly process: ProcessName;
  readonly index: number;
  readonly step: PlanStep;
  /** the registers as they were before it: its display can be read with them */
  readonly registers: RegisterValues;
  readonly result: bigint;
  /** 0: it succeeded */
  readonly errno: number;
  /** `EINVAL`, or null */
  readonly code: string | null;
  readonly meaning: string | null;
  /** where to look when the errno misleads */
  readonly hint: string | null;
  /** the plan goes on whatever the errno is */
  readonly tolerated: boolean;
  /** it ended the run */
  readonly failed: boolean;
  /** inside the system call; null when it did not return (execve) */
  readonly nanoseconds: number | null;
  readonly changes: readonly KernelChange[];
  /** how long the readings for it took, ms */
  readonly readMs: number;
}

/** How a session ended. */
export type Outcome =
  | { readonly kind: 'completed' }
  | {
      readonly kind: 'failed';
      /** what was tried and what the kernel said */
      readonly message: string;
      readonly record: StepRecord | null;
      /** what could not be taken back; empty: nothing is left */
      readonly leftovers: readonly string[];
    }
  | { readonly kind: 'aborted'; readonly leftovers: readonly string[] };

/** News of a session. */
export type StepEvent =
  | {
      readonly type: 'positions';
      readonly positions: readonly Position[];
      /** who steps next; null when nobody can */
      readonly next: ProcessName | null;
      readonly state: KernelState;
    }
  | { readonly type: 'call'; readonly record: StepRecord }
  | { readonly type: 'ended'; readonly outcome: Outcome };

/** True for calls after which the process is another program. */
export function becomesProgram(step: PlanStep | undefined): step is Call {
  return step?.kind === 'call' && (step.syscall === 'execve' || step.syscall === 'execveat');
}
