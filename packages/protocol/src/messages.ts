/**
 * What page and daemon say to each other on /api/live: JSON text frames, one message each.
 * Every message is parsed by these schemas at both ends; the schema is the manual.
 *
 * A client says `hello` first. It gets `welcome`, then either the events that it missed
 * (`since` still in the daemon's ring, same epoch) or a `snapshot`, then `events` as they come.
 */

import './jitless.js';
import type { State, TimelineEvent } from '@terrarium/timeline';
import { z } from 'zod';
import {
  type StepperClientMessage,
  type StepperServerMessage,
  stepperClientMessages,
  stepperServerMessages,
} from './stepper.js';

/** Raised on every incompatible change; a client with another version is closed with 4001. */
export const PROTOCOL_VERSION = 1;

/**
 * Header of the answer to `GET /api/history`: the epoch that its events are numbered in. The body is
 * a recording (docs/recording-format.md) without an end; of another epoch than `welcome` named, it is
 * not this page's past.
 */
export const HISTORY_EPOCH = 'terrarium-epoch';

/** Lessons and terminals are named by short slugs. */
const slug = z.string().regex(/^[a-z0-9][a-z0-9/-]{0,63}$/);

export const clientMessage: z.ZodType<ClientMessage> = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('hello'),
    version: z.number().int(),
    lesson: slug.nullable().describe('the lesson whose checks this page shows, or null'),
    since: z
      .object({ epoch: z.string().max(64), seq: z.number().int().nonnegative() })
      .optional()
      .describe('the last event this client has folded'),
  }),
  z.object({
    type: z.literal('terminal.open'),
    request: z.number().int(),
    cols: size(),
    rows: size(),
  }),
  z.object({ type: z.literal('terminal.close'), terminal: slug }),
  z.object({ type: z.literal('step.reset'), lesson: slug, step: slug }),
  z.object({
    type: z.literal('step.predict'),
    lesson: slug,
    step: slug,
    answer: z.string().max(200),
  }),
  z.object({
    type: z.literal('step.help'),
    lesson: slug,
    step: slug,
    level: z.enum(['hint-1', 'hint-2', 'solution']),
  }),
  z.object({
    type: z.literal('setting'),
    key: z.string().regex(/^[a-zA-Z0-9.-]{1,64}$/),
    value: z.string().max(4096),
  }),
  z.object({ type: z.literal('trace'), on: z.boolean() }),
  ...stepperClientMessages,
  z.object({ type: z.literal('ping'), sent: z.number() }),
]);

function size(): z.ZodNumber {
  return z.number().int().min(1).max(1000);
}

/** One message of the page. Sizes are character cells. */
export type ClientMessage =
  | {
      type: 'hello';
      version: number;
      lesson: string | null;
      since?: { epoch: string; seq: number } | undefined;
    }
  | { type: 'terminal.open'; request: number; cols: number; rows: number }
  | { type: 'terminal.close'; terminal: string }
  | { type: 'step.reset'; lesson: string; step: string }
  | { type: 'step.predict'; lesson: string; step: string; answer: string }
  | { type: 'step.help'; lesson: string; step: string; level: 'hint-1' | 'hint-2' | 'solution' }
  | { type: 'setting'; key: string; value: string }
  /** tapes the system calls of the sandbox's processes, or ends that */
  | { type: 'trace'; on: boolean }
  | StepperClientMessage
  | { type: 'ping'; sent: number };

/** One sentence in both languages of the page. */
export interface LocalText {
  en: string;
  zh: string;
}

/** One terminal of the session; `pts` is what `tty` prints inside: /dev/pts/<pts>. */
export interface TerminalInfo {
  id: string;
  pts: number;
  state: 'running' | 'ended';
  /** exit code of its shell, once ended */
  exitCode: number | null;
}

/** How a step stands. `passed` is level-triggered unless the lesson says once. */
export interface StepStatus {
  step: string;
  passed: boolean;
  /** every clause of the step's check with its present truth; the message of a false one is hint 1 */
  clauses: { id: string; passed: boolean; message: LocalText }[];
  /** set while the check itself fails: a fault of the lesson or of ours, not of the learner */
  problem?: LocalText | undefined;
  /** what the step needs and this machine lacks; such a step is not required */
  unmet?: LocalText[] | undefined;
  prediction: { answer: string; actual: string | null; correct: boolean | null } | null;
  helpUsed: ('hint-1' | 'hint-2' | 'solution')[];
  /** milliseconds since the epoch of the first time it passed, kept for ever */
  firstPassedAt: number | null;
}

export interface Limits {
  memoryBytes: number;
  pids: number;
  cpuPercent: number;
  diskBytes: number;
  terminals: number;
}

/** One message of the daemon. */
export type ServerMessage =
  | {
      type: 'welcome';
      version: number;
      /** changes when the daemon's numbering starts anew; seq is comparable within one epoch only */
      epoch: string;
      session: string;
      limits: Limits;
      terminals: TerminalInfo[];
      settings: Record<string, string>;
      /** lessons finished so far: id → milliseconds since the epoch */
      finished: Record<string, number>;
      /** what this machine lacks, one sentence each; empty when all is well */
      reduced: LocalText[];
    }
  | {
      type: 'sandbox';
      status: 'starting' | 'running' | 'resetting' | 'failed';
      message?: LocalText;
    }
  | { type: 'snapshot'; state: State }
  | { type: 'events'; events: TimelineEvent[] }
  | { type: 'steps'; lesson: string; steps: StepStatus[] }
  /** the page's lesson as its files say it now: someone is writing it (`terrarium lesson watch`) */
  | { type: 'lesson'; lesson: { readonly id: string; readonly steps: readonly unknown[] } }
  | { type: 'terminals'; terminals: TerminalInfo[] }
  | { type: 'terminal.opened'; request: number; terminal: string }
  | { type: 'pong'; sent: number; t: number }
  | StepperServerMessage
  | {
      type: 'error';
      code: ErrorCode;
      message: string;
      errno?: string | undefined;
      request?: number | undefined;
    };

/**
 * Limits of /api/live, for the daemon that enforces them, the documentation and the tests.
 * A client that keeps to `messagesPerSecond` on average never notices them.
 */
export const LIVE_LIMITS = {
  /** largest message of a client, bytes; a larger one closes the socket with 1009 */
  maxPayloadBytes: 64 * 1024,
  /** sustained rate of one socket; over it: `message.too-many`, then close 4002 */
  messagesPerSecond: 50,
  /** messages that may come at once before the rate counts */
  messageBurst: 200,
  /** answered with `message.malformed` each; one more closes the socket with 1008 */
  malformedMessages: 20,
  /** the daemon pings this often and ends a socket that did not answer the last ping, ms */
  heartbeatMs: 30_000,
  /** a socket that has not said hello by then is closed with 1008, ms */
  helloTimeoutMs: 10_000,
  /** bytes waiting for a slow client before its deltas are dropped in favour of a later snapshot */
  bufferedBytes: 256 * 1024,
  /** frames of events a second to one session; the first after a quiet period goes at once */
  framesPerSecond: 60,
} as const;

/** Stable codes of `error` messages. */
export const ERROR_CODES = [
  'message.malformed',
  'message.too-many',
  'lesson.not-found',
  'step.not-found',
  'terminal.not-found',
  'terminal.limit',
  'sandbox.failed',
  'sandbox.limit',
  'stepper.refused',
  'internal',
] as const;
export type ErrorCode = (typeof ERROR_CODES)[number];

/** Private close codes of both WebSockets, see RFC 6455 section 7.4.2. */
export const CLOSE = {
  unauthorized: 4000,
  versionMismatch: 4001,
  tooManyMessages: 4002,
  tooSlow: 4003,
  terminalGone: 4004,
} as const;

const localText = z.object({ en: z.string(), zh: z.string() });
const help = z.enum(['hint-1', 'hint-2', 'solution']);
const terminalInfo = z.object({
  id: z.string(),
  pts: z.number(),
  state: z.enum(['running', 'ended']),
  exitCode: z.number().nullable(),
});
const stepStatus = z.object({
  step: z.string(),
  passed: z.boolean(),
  clauses: z.array(z.object({ id: z.string(), passed: z.boolean(), message: localText })),
  problem: localText.optional(),
  unmet: z.array(localText).optional(),
  prediction: z
    .object({
      answer: z.string(),
      actual: z.string().nullable(),
      correct: z.boolean().nullable(),
    })
    .nullable(),
  helpUsed: z.array(help),
  firstPassedAt: z.number().nullable(),
});

/**
 * The daemon's messages as the client checks them. Envelopes are strict; of folded state and
 * events only the spine (`seq`, `t`, `type`) is looked at, because they come sixty times a
 * second and from our own daemon.
 */
export const serverMessage: z.ZodType<ServerMessage> = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('welcome'),
    version: z.number().int(),
    epoch: z.string(),
    session: z.string(),
    limits: z.object({
      memoryBytes: z.number(),
      pids: z.number(),
      cpuPercent: z.number(),
      diskBytes: z.number(),
      terminals: z.number(),
    }),
    terminals: z.array(terminalInfo),
    settings: z.record(z.string(), z.string()),
    finished: z.record(z.string(), z.number()),
    reduced: z.array(localText),
  }),
  z.object({
    type: z.literal('sandbox'),
    status: z.enum(['starting', 'running', 'resetting', 'failed']),
    message: localText.optional(),
  }),
  z.object({
    type: z.literal('snapshot'),
    state: z.custom<State>((value) => isSpine(value, ['seq', 't']), 'not a state'),
  }),
  z.object({
    type: z.literal('events'),
    events: z.array(
      z.custom<TimelineEvent>(
        (value) => isSpine(value, ['seq', 't']) && 'type' in (value as object),
        'not an event',
      ),
    ),
  }),
  z.object({ type: z.literal('steps'), lesson: z.string(), steps: z.array(stepStatus) }),
  z.object({
    type: z.literal('lesson'),
    // As with the folded state: a lesson's own package knows the rest, and the loader has checked it.
    lesson: z.looseObject({ id: z.string(), steps: z.array(z.unknown()) }),
  }),
  z.object({ type: z.literal('terminals'), terminals: z.array(terminalInfo) }),
  z.object({ type: z.literal('terminal.opened'), request: z.number(), terminal: z.string() }),
  z.object({ type: z.literal('pong'), sent: z.number(), t: z.number() }),
  ...stepperServerMessages,
  z.object({
    type: z.literal('error'),
    code: z.enum(ERROR_CODES),
    message: z.string(),
    errno: z.string().optional(),
    request: z.number().optional(),
  }),
]) as z.ZodType<ServerMessage>;

function isSpine(value: unknown, numbers: readonly string[]): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return numbers.every((name) => typeof (value as Record<string, unknown>)[name] === 'number');
}
