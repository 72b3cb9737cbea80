/**
 * ROOT/ID/state.json: all that a later process of ours must know of a container. Written before
 * the first kernel object exists and after each transition. What the kernel knows better (does init
 * live, does it still wait for start, is the group frozen) is asked of the kernel each time: see
 * live-status.ts.
 */
import { linuxSeccomp, posixRlimit, runtimeConfig } from '@terrarium/spec';
import { z } from 'zod';
import { containerNetworkSchema } from '../network/index.js';

/** Ids name directories, cgroups and FIFOs: what every other runtime accepts, and no path. */
export const containerId = z
  .string()
  .regex(/^[A-Za-z0-9_+.-]{1,128}$/, 'letters, digits and _ + - . only, at most 128')
  .refine((id) => id !== '.' && id !== '..' && !id.startsWith('.'), 'must not begin with a dot');

/** A process that cannot be mistaken for a later one with the same pid. */
export const processIdentity = z.object({
  pid: z.number().int().positive(),
  /** field 22 of /proc/PID/stat */
  startTime: z.number(),
});
export type ProcessIdentity = z.infer<typeof processIdentity>;

/** The sandbox that a container lives in: ExecTarget without the host's facts. */
const sandboxTarget = z.object({
  id: z.string(),
  initPid: z.number().int().positive(),
  initStartTime: z.number(),
  cgroupsPath: z.string(),
  rlimits: z.array(posixRlimit),
  oomScoreAdj: z.number(),
  boundingCapabilities: z.array(z.string()),
  seccomp: linuxSeccomp,
});

/** What became of the program. `waitStatus` as wait(2) has it; null: nobody of ours was its parent */
const exitRecord = z.object({ waitStatus: z.number().nullable(), at: z.number() });
export type ExitRecord = z.infer<typeof exitRecord>;

/** One container as it is on disk. */
export const containerRecord = z.object({
  version: z.literal(1),
  id: containerId,
  bundle: z.string(),
  /** as far as we have come; `running` may have ended since */
  status: z.enum(['creating', 'created', 'running', 'stopped']),
  paused: z.boolean(),
  /** null while creating */
  init: processIdentity.nullable(),
  /** of the boot that all processes here belong to */
  bootId: z.string(),
  /** whoever wrote this; while creating, its death means that nobody will go on */
  owner: processIdentity,
  /** below each hierarchy's mount point, as the host sees it */
  group: z.string(),
  sandbox: sandboxTarget.nullable(),
  /** milliseconds since the epoch */
  createdAt: z.number(),
  /** milliseconds since the epoch; null until the program was let go */
  startedAt: z.number().nullable(),
  /** absolute directories of cgroups above its own that were made for it, outermost first */
  madeParents: z.array(z.string()),
  /** whether hooks of create have begun: then poststop hooks have something to take back */
  hooksBegun: z.boolean(),
  /** fd of the console's master in init, until start */
  consoleFd: z.number().int().nullable(),
  /** steps of init after the detach, as the stepper shows them: the last words name one */
  tail: z.object({ first: z.number().int(), displays: z.array(z.string()) }),
  network: containerNetworkSchema.nullable(),
  exit: exitRecord.nullable(),
  config: runtimeConfig,
});
export type ContainerRecord = z.infer<typeof containerRecord>;
