/**
 * A container may end by itself while something is done to it: what the kernel then refuses says
 * ESRCH, ENOENT, ENOMEM or nothing at all. Callers hear what has happened instead.
 */
import { readFileSync } from 'node:fs';
import { ContainerError } from './container-error.js';
import type { ContainerRecord } from './container-record.js';
import type { EngineContext } from './engine-context.js';

/** Bit of field 9 of /proc/PID/stat: the process is on its way out, and its namespace with it. */
const PF_EXITING = 0x4;

/** Runs the action. @throws ContainerError `wrong-state` for any failure of it once init has ended */
export async function orEnded<T>(
  context: EngineContext,
  record: ContainerRecord,
  what: string,
  action: () => Promise<T>,
): Promise<T> {
  try {
    return await action();
  } catch (error) {
    const init = context.inits.of(record);
    if (init !== undefined && !isExiting(init.pid)) throw error;
    const reason = 'it has ended meanwhile';
    throw new ContainerError({ code: 'wrong-state', what, reason, cause: error });
  }
}

/** PID 1 waits for the rest of its namespace to die before it is gone itself. */
function isExiting(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[6]) & PF_EXITING) !== 0;
  } catch {
    return true; // gone
  }
}
