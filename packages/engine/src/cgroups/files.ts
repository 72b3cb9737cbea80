/** Small reads, writes and walks of cgroup directories, shared by both versions. Daemon, root. */
import {
  chmodSync,
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';

/** Writes one value to a control file; never creates a plain file where no cgroup is. */
export function writeControl(path: string, value: string): void {
  const fd = openSync(path, constants.O_WRONLY);
  try {
    writeSync(fd, value);
  } finally {
    closeSync(fd);
  }
}

/** Writes when the file exists; a refusal is ignored, which the caller must be able to afford. */
export function tryWriteControl(path: string, value: string): boolean {
  try {
    writeControl(path, value);
    return true;
  } catch {
    return false;
  }
}

/** Content without the last newline; null when it cannot be read. */
export function readControl(path: string): string | null {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return null; // the group went away, or its kernel lacks the file
  }
}

/** Makes the groups from the mount point down to `group`. @returns those that did not exist */
export function makeGroups(mountPoint: string, group: string): string[] {
  const made: string[] = [];
  let directory = mountPoint;
  for (const name of group.split('/').filter((part) => part !== '')) {
    directory = join(directory, name);
    if (existsSync(directory)) continue;
    try {
      mkdirSync(directory);
      made.push(directory);
      // Whatever the umask: mounting a cgroup namespace walks down here as the sandbox's root, who
      // must be allowed to pass (EACCES before Linux 6.16). There is nothing secret in a group.
      chmodSync(directory, 0o755);
    } catch (error) {
      // EEXIST: another engine made it in between, and its group is as good as ours
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
  return made;
}

/** Names of the child groups. */
export function childGroupsOf(directory: string): string[] {
  try {
    return readdirSync(directory, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name);
  } catch {
    return []; // removed meanwhile
  }
}

/** The group and all below it, children before their parents. */
export function groupsBottomUp(directory: string): string[] {
  if (!existsSync(directory)) return [];
  const below = childGroupsOf(directory).flatMap((name) => groupsBottomUp(join(directory, name)));
  return [...below, directory];
}

/** Host pids of all processes of the subtree, each once. */
export function processesOf(directory: string): number[] {
  const pids = new Set<number>();
  for (const group of groupsBottomUp(directory)) {
    for (const line of (readControl(join(group, 'cgroup.procs')) ?? '').split('\n')) {
      if (line !== '' && line !== '0') pids.add(Number(line)); // 0: of a foreign pid namespace
    }
  }
  return [...pids];
}

/** Kills by pid what is in the subtree now. */
export function killByPid(directory: string): void {
  for (const pid of processesOf(directory)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // ESRCH: it ended between the read and the kill, which is what was wanted
    }
  }
}
