/**
 * GET /api/fence?pid=sandbox|PID: what holds a process of the session's own sandbox, as data. Of
 * others nothing is told, not even whether they exist. Runs in the daemon, as root: it reads
 * /proc, and one short plan reads what only a process of the same user namespace may.
 */
import {
  type ExecTarget,
  type Fence,
  isInGroup,
  NoSuchProcess,
  readFence,
} from '@terrarium/engine';
import type { Player } from '@terrarium/syscall';
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

/** `pid` of the query: null is the sandbox's init; undefined is neither. */
export function parseFencePid(url: string | undefined): number | null | undefined {
  const pid = new URL(url ?? '/', 'http://daemon.invalid').searchParams.get('pid');
  if (pid === null || pid === 'sandbox') return null;
  return /^[1-9]\d{0,9}$/.test(pid) ? Number(pid) : undefined;
}
