/**
 * The stepper's part of /api/live: a plan (a container, or a program started in the sandbox) run
 * call by call. A session has at most one; every page of it shows the same.
 *
 * A client sends `stepper.open`, then `stepper.step`, `stepper.runTo`, `stepper.runAll`, and in the
 * end `stepper.abort` or `stepper.close`. The daemon answers with `stepper` (all there is: after an
 * open, after hello) and `stepper.news` (what is new, several steps together when they come fast).
 */
import './jitless.js';
import { z } from 'zod';

const name = z.string().regex(/^[a-z][a-zA-Z0-9-]{0,31}$/);

/** A program's arguments: what a person would type, not a file's worth of them. */
const words = z.array(z.string().min(1).max(1000)).min(1).max(32);

/** What is to be stepped through. */
export const stepperWhat: z.ZodType<StepperWhat> = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('container') }),
  z.object({
    kind: z.literal('bundle'),
    /** folder in the sandbox that has a config.json */
    path: z.string().regex(/^\/[^\0]{1,500}$/),
  }),
  z.object({
    kind: z.literal('config'),
    /** an OCI runtime configuration; checked by its own schema in the daemon */
    config: z.record(z.string(), z.unknown()),
    bundle: z
      .string()
      .regex(/^\/[^\0]{0,500}$/)
      .optional(),
  }),
  z.object({ kind: z.literal('exec'), args: words }),
]) as z.ZodType<StepperWhat>;

/** `container` is Terrarium's own example, `bundle` and `config` the learner's or the lesson's. */
export type StepperWhat =
  | { kind: 'container' }
  | { kind: 'bundle'; path: string }
  | { kind: 'config'; config: Record<string, unknown>; bundle?: string | undefined }
  | { kind: 'exec'; args: string[] };

/** Messages of the page, for the union in messages.ts. */
export const stepperClientMessages = [
  z.object({ type: z.literal('stepper.open'), what: stepperWhat }),
  z.object({ type: z.literal('stepper.step'), process: name.optional() }),
  z.object({
    type: z.literal('stepper.runTo'),
    process: name,
    index: z.number().int().min(0).max(100_000),
  }),
  z.object({ type: z.literal('stepper.runAll') }),
  z.object({ type: z.literal('stepper.pause') }),
  z.object({ type: z.literal('stepper.abort') }),
  z.object({ type: z.literal('stepper.close') }),
] as const;

/** One message of the page about its stepper. */
export type StepperClientMessage =
  | { type: 'stepper.open'; what: StepperWhat }
  /** the next process, or this one */
  | { type: 'stepper.step'; process?: string | undefined }
  /** until `process` stands before its step `index` */
  | { type: 'stepper.runTo'; process: string; index: number }
  | { type: 'stepper.runAll' }
  /** stops runTo and runAll after the step under way */
  | { type: 'stepper.pause' }
  /** kills what was made so far and takes it back */
  | { type: 'stepper.abort' }
  /** puts the stepper away; what it made ends */
  | { type: 'stepper.close' };

interface Text {
  en: string;
  zh: string;
}

/** One step of the plan, as it stands in the tape. */
export interface StepperStep {
  /** as strace would write it; `<name>` is a register */
  display: string;
  syscall: string;
  /** index in `purposes` */
  purpose: number;
}

/** One process of the plan with its steps. */
export interface StepperProcess {
  name: string;
  steps: StepperStep[];
}

/** Where a process stands. */
export interface StepperPosition {
  process: string;
  /** as the host numbers it; null until it is there */
  hostPid: number | null;
  /** its numbers from the host's pid namespace to its own */
  pids: number[];
  index: number;
  status: 'waiting' | 'running' | 'blocked' | 'ended';
  waitsFor: Text | null;
  end: 'exited' | 'failed' | 'program' | 'init' | 'detached' | 'killed' | null;
  registers: Record<string, string>;
}

/** One difference in the kernel's state. */
export interface StepperChange {
  kind: string;
  effect: 'new' | 'gone' | 'changed';
  process: string | null;
  subject: string;
  before: string | null;
  after: string | null;
  words: Text;
  /** where a person reads the same */
  source: string | null;
}

/** A step that was made. */
export interface StepperRecord {
  seq: number;
  process: string;
  index: number;
  /** registers before the call */
  registers: Record<string, string>;
  /** decimal; what the call returned */
  result: string;
  code: string | null;
  meaning: string | null;
  hint: string | null;
  tolerated: boolean;
  failed: boolean;
  /** inside the call; null when it did not return */
  nanoseconds: number | null;
  changes: StepperChange[];
}

/** A fact about a process now: one row of the table beside the tape. */
export interface StepperFact {
  /** `user`, `root`, `hostname`, … : the page has its name in both languages */
  key: string;
  value: string;
  /** it differs from what the plan's first process had in the beginning */
  own: boolean;
  source: string;
}

/** How it ended. */
export interface StepperOutcome {
  kind: 'completed' | 'failed' | 'aborted';
  /** of a failure */
  message: string | null;
  /** what could not be taken back */
  leftovers: string[];
}

/** What changes while stepping. */
export interface StepperProgress {
  positions: StepperPosition[];
  next: string | null;
  /** several steps are being made */
  running: boolean;
  facts: Record<string, StepperFact[]>;
  outcome: StepperOutcome | null;
}

/** Everything of one stepper. */
export interface StepperState extends StepperProgress {
  /** changes with each open */
  id: string;
  what: StepperWhat;
  title: Text;
  purposes: (Text & { id: string })[];
  processes: StepperProcess[];
  records: StepperRecord[];
}

/** Messages of the daemon about the session's stepper. */
export type StepperServerMessage =
  | { type: 'stepper'; stepper: StepperState | null }
  | { type: 'stepper.news'; id: string; records: StepperRecord[]; progress: StepperProgress };

const record = z.custom<StepperRecord>((value) => has(value, ['seq', 'index']), 'not a record');
const progress = z.custom<StepperProgress>(
  (value) => has(value, []) && Array.isArray((value as StepperProgress).positions),
  'not a progress',
);
const state = z.custom<StepperState>(
  (value) => has(value, []) && Array.isArray((value as StepperState).processes),
  'not a stepper',
);

/** Envelopes are strict; of what they carry only the spine is looked at: it is our own daemon's. */
export const stepperServerMessages = [
  z.object({ type: z.literal('stepper'), stepper: state.nullable() }),
  z.object({
    type: z.literal('stepper.news'),
    id: z.string(),
    records: z.array(record),
    progress,
  }),
] as const;

function has(value: unknown, numbers: readonly string[]): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return numbers.every((key) => typeof (value as Record<string, unknown>)[key] === 'number');
}
