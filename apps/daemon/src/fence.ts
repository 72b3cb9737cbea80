/**
 * GET /api/fence?pid=sandbox|PID: what holds a process of the session's own sandbox, as data. Of
 * others nothing is told, not even whether they exist. With `syscall`, `errno` and perhaps `path`
 * of a call that was refused, also what most likely refused it. Runs in the daemon, as root: it
 * reads /proc, and one short plan reads what only a process of the same user namespace may.
 */
import {
  type ExecTarget,
  type Explanation,
  explainRefusal,
  type Fence,
  isInGroup,
  NoSuchProcess,
  type Refusal,
  readFence,
} from '@terrarium/engine';
import { ERRNO, type Player } from '@terrarium/syscall';
import { z } from 'zod';
import type { SandboxInfo } from './ports.js';

/** Reads the fence of `pid` (host's numbering; null: the sandbox's init); null: none of its own. */
export type FenceReader = (sandbox: SandboxInfo, pid: number | null) => Promise<Fence | null>;

/** @param player reads `user.max_*_namespaces` where they apply */
export function fenceReader(player: Player): FenceReader {
  return async (sandbox, pid) => {
    const target = sandbox.exec as ExecTarget;
    const { facts, cgroupsPath, seccomp } = target;
    const hostPid = pid ?? sandbox.initPid;
    const isOwn = () => isInGroup(hostPid, cgroupsPath, facts.cgroups);
    if (!isOwn()) return null;
    try {
      const fence = await readFence(hostPid, { facts, player, record: { seccomp } });
      return isOwn() ? fence : null; // the number may have come to mean somebody else
    } catch (error) {
      if (error instanceof NoSuchProcess) return null;
      throw error;
    }
  };
}

/** What is asked. */
export interface FenceQuery {
  /** null: the sandbox's init */
  readonly pid: number | null;
  readonly refusal: Omit<Refusal, 'fence'> | null;
}

const errnoNames: Readonly<Record<string, number>> = ERRNO;

const query = z
  .object({
    pid: z
      .union([z.literal('sandbox'), z.string().regex(/^[1-9]\d{0,9}$/, '`sandbox` or a number')])
      .default('sandbox'),
    syscall: z
      .string()
      .regex(/^[a-z0-9_]{1,40}$/)
      .optional(),
    errno: z
      .string()
      .refine((name) => Object.hasOwn(errnoNames, name), 'a name: EPERM')
      .optional(),
    path: z.string().startsWith('/').max(4096).optional(),
  })
  .refine(({ syscall, errno }) => (syscall === undefined) === (errno === undefined), {
    message: 'syscall and errno belong together',
  });

/** Reads the address. @throws ZodError naming the parameter */
export function parseFenceQuery(url: string | undefined): FenceQuery {
  const { searchParams } = new URL(url ?? '/', 'http://daemon.invalid');
  const { pid, syscall, errno, path } = query.parse(Object.fromEntries(searchParams));
  const refusal =
    syscall === undefined || errno === undefined
      ? null
      : { syscall, errno: errnoNames[errno] ?? 0, ...(path === undefined ? {} : { path }) };
  return { pid: pid === 'sandbox' ? null : Number(pid), refusal };
}

/** The fence, and where a refusal was asked about what explains it, the likeliest first. */
export type FenceAnswer = Fence & { readonly explanations?: readonly Explanation[] };

export function answerOf(fence: Fence, { refusal }: FenceQuery): FenceAnswer {
  if (refusal === null) return fence;
  return { ...fence, explanations: explainRefusal({ ...refusal, fence }) };
}
