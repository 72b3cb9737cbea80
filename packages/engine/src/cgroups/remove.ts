/** Ends a sandbox's groups: kills what lives there and removes the directories. Daemon, root. */
import { existsSync, rmdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { driverOf } from './driver.js';
import { groupsBottomUp, processesOf } from './files.js';
import { groupPath } from './layout.js';
import type { CgroupLayout } from './types.js';

/** Ten seconds of back-off: a process in uninterruptible sleep may take that long to die. */
const GIVE_UP_MS = 10_000;
const FIRST_WAIT_MS = 1;
const LONGEST_WAIT_MS = 50;

/** Absolute directories of a group that exist now. */
export function existingGroups(layout: CgroupLayout, group: string): string[] {
  return layout.hierarchies
    .map((hierarchy) => groupPath(hierarchy, group))
    .filter((directory) => existsSync(directory));
}

/** Host pids in any hierarchy's group; empty means that nothing of the sandbox runs. */
export function livingProcesses(layout: CgroupLayout, group: string): number[] {
  const pids = existingGroups(layout, group).flatMap((directory) => processesOf(directory));
  return [...new Set(pids)];
}

/**
 * Kills again and again until no process is left: one may have forked in the meantime. v2 first,
 * where one write takes the whole subtree; v1 hierarchies for what that left, such as tasks that
 * v1's freezer holds.
 */
export async function killGroup(layout: CgroupLayout, group: string): Promise<void> {
  const v2First = [...layout.hierarchies].sort((one, other) => other.version - one.version);
  await retry(`kill the processes of cgroup ${group}`, () => {
    for (const hierarchy of v2First) {
      const directory = groupPath(hierarchy, group);
      if (existsSync(directory)) driverOf(hierarchy).killAll(directory);
    }
    const left = livingProcesses(layout, group);
    return left.length === 0 ? undefined : `pids ${left.join(' ')} still live`;
  });
}

/** Removes the group's directories bottom-up; EBUSY lasts until zombies are reaped. */
export async function removeGroup(layout: CgroupLayout, group: string): Promise<void> {
  await retry(`remove cgroup ${group}`, () => {
    let problem: string | undefined;
    for (const directory of existingGroups(layout, group)) {
      for (const one of groupsBottomUp(directory)) problem = tryRmdir(one) ?? problem;
    }
    return problem;
  });
}

function tryRmdir(directory: string): string | undefined {
  try {
    rmdirSync(directory);
    return undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    return error instanceof Error ? error.message : String(error);
  }
}

/** Calls `attempt` until it has no problem to tell. */
async function retry(what: string, attempt: () => string | undefined): Promise<void> {
  const end = performance.now() + GIVE_UP_MS;
  for (let wait = FIRST_WAIT_MS; ; wait = Math.min(wait * 2, LONGEST_WAIT_MS)) {
    const problem = attempt();
    if (problem === undefined) return;
    if (performance.now() > end) throw new Error(`${what}: ${problem}`);
    await sleep(wait);
  }
}
