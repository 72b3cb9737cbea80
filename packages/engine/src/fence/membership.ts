/** Whether a process belongs to a sandbox: by its cgroups, which nobody inside can leave. */
import { readFileSync } from 'node:fs';
import type { CgroupLayout } from '../cgroups/types.js';
import { parseCgroups } from './limits.js';

/**
 * True where the process is in the group, or below it, in every hierarchy that the layout has.
 *
 * @param cgroupsPath the sandbox's group below each hierarchy's mount point
 */
export function isInGroup(hostPid: number, cgroupsPath: string, layout: CgroupLayout): boolean {
  const groups = parseCgroups(readQuietly(`/proc/${hostPid}/cgroup`));
  return (
    layout.hierarchies.length > 0 &&
    layout.hierarchies.every(({ version, controllers }) => {
      const names = version === 2 ? [''] : controllers;
      const group = names.map((name) => groups.get(name)).find((one) => one !== undefined);
      return group === cgroupsPath || group?.startsWith(`${cgroupsPath}/`) === true;
    })
  );
}

function readQuietly(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null; // no such process
  }
}
