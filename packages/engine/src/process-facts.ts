/** What /proc tells of one host process. Daemon, root. */
import { readFileSync } from 'node:fs';

/**
 * When a process began: field 22 of /proc/PID/stat, clock ticks since boot. With the pid it names
 * the process for ever.
 *
 * @returns null when there is no such process, or only its zombie
 */
export function startTimeOf(pid: number): number | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // 4711 (name with ) in it) S 1 …: the name ends at the last parenthesis
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z' || fields[0] === 'X') return null;
    return Number(fields[19]);
  } catch {
    return null;
  }
}
