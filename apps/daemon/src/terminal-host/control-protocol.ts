/**
 * What the daemon and the terminal host say to each other on terminals-control.sock: HTTP with
 * JSON bodies, root only. The schemas are the manual; ids in paths are percent-encoded.
 *
 *   GET    /status                 → HostStatus
 *   PUT    /sandboxes/ID           SandboxRegistration → {}          (again: its successor)
 *   DELETE /sandboxes/ID           → {}                              (closes its terminals)
 *   PUT    /terminals/ID           TerminalOpening → TerminalReport
 *   POST   /terminals/ID/input     raw bytes → {}
 *   POST   /terminals/ID/restart   → TerminalReport                  (new shell, same clients)
 *   DELETE /terminals/ID           → {}
 *   GET    /terminals              → { terminals: TerminalReport[] }
 *   GET    /events                 → HostEvent, one JSON line each, until either side ends
 *   POST   /shutdown               → {}                              (ends all shells)
 *
 * Errors: 4xx or 5xx with ControlError.
 */

import { z } from 'zod';
import { shellMark } from './shell-marks.js';

/** Raised on every incompatible change; a daemon replaces a host of another version when it can. */
export const CONTROL_VERSION = 1;

const id = z.string().regex(/^[a-z0-9][a-z0-9/._-]{0,63}$/);
const cells = z.number().int().min(1).max(1000);

/** How shells get into a sandbox. */
export const sandboxRegistration = z.strictObject({
  initPid: z.number().int().positive().describe("the sandbox's PID 1, as the host numbers it"),
  initStartTime: z.number().int().nonnegative().describe('/proc/PID/stat field 22'),
  exec: z.unknown().describe("the engine's ExecTarget; null for shells of the host"),
});
export type SandboxRegistration = z.infer<typeof sandboxRegistration>;

export const terminalOpening = z.strictObject({
  sandbox: id,
  sessionTokenHash: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .describe("sha256 of the session's token, hex"),
  cols: cells,
  rows: cells,
  args: z.array(z.string().max(4096)).min(1).max(64),
  env: z.record(z.string(), z.string()),
  cwd: z.string().startsWith('/').max(4096).optional().describe("default: the user's home"),
});
export type TerminalOpening = z.infer<typeof terminalOpening>;

export const terminalReport = z.object({
  id,
  sandbox: id,
  /** what `tty` prints inside is /dev/pts/ and this */
  pts: z.number().int(),
  state: z.enum(['starting', 'running', 'ended']),
  hostPid: z.number().int().nullable(),
  exitCode: z.number().int().nullable(),
  cols: cells,
  rows: cells,
  clients: z.number().int(),
  /** that its shells have begun and not ended; a host before these were told has none */
  commands: z.array(shellMark.options[0]).default([]),
});
export type TerminalReport = z.infer<typeof terminalReport>;

export const hostStatus = z.object({
  version: z.number().int(),
  pid: z.number().int(),
  startedAt: z.number().describe('milliseconds since the epoch'),
  sandboxes: z.array(z.object({ id, initPid: z.number(), initStartTime: z.number() })),
  terminals: z.array(terminalReport),
});
export type HostStatus = z.infer<typeof hostStatus>;

export const hostEvent = z.discriminatedUnion('type', [
  /** the first line: the connection stands, nothing after it is missed */
  z.object({ type: z.literal('hello'), pid: z.number().int() }),
  z.object({ type: z.literal('terminal'), terminal: terminalReport }),
  z.object({ type: z.literal('terminal.closed'), id }),
  /** a shell on this terminal begins a command line, or is done with it */
  z.object({
    type: z.literal('mark'),
    id,
    sandbox: id,
    pts: z.number().int(),
    mark: shellMark,
  }),
]);
export type HostEvent = z.infer<typeof hostEvent>;

export const CONTROL_ERRORS = [
  'request.malformed',
  'not-found',
  'sandbox.not-found',
  'sandbox.refused',
  'terminal.not-found',
  'terminal.exists',
  'terminal.limit',
  'terminal.failed',
  'internal',
] as const;

export const controlError = z.object({ code: z.enum(CONTROL_ERRORS), message: z.string() });
export type ControlError = z.infer<typeof controlError>;

/** Matches the ids of sandboxes and terminals. */
export const controlId = id;
