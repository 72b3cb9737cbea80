/**
 * Which processes are in a cgroup and below it. Host side, read only.
 */
import { readdirSync, statSync } from 'node:fs';
import type { Proc } from './proc.js';

/** A learner may make any number of groups; a scan looks into this many. */
export const MAX_CGROUPS = 500;

/** Where a watched cgroup is: the directory, and how /proc/PID/cgroup and trace lines name it. */
export interface CgroupPlace {
  readonly dir: string;
  /** second field of /proc/PID/cgroup: `pids`, `name=systemd`, '' for v2 */
  readonly controllers: string;
  /** first field of the same; dst_root of cgroup_attach_task */
  readonly hierarchy: number;
  /** third field for a process directly in it */
  readonly path: string;
}

/**
 * Finds the first of these directories that is in a cgroup hierarchy, by the mounts of this process.
 *
 * @throws Error when none is on a cgroup file system
 */
export function cgroupPlace(proc: Proc, dirs: readonly string[]): CgroupPlace {
  for (const dir of dirs) {
    const place = placeOf(proc, dir);
    if (place !== null) return place;
  }
  throw new Error(`${dirs.join(', ')}: not on a cgroup file system`);
}

/** The places of all these directories that are in a hierarchy, in their order. */
export function cgroupPlaces(proc: Proc, dirs: readonly string[]): readonly CgroupPlace[] {
  return dirs.map((dir) => placeOf(proc, dir)).filter((place) => place !== null);
}

function placeOf(proc: Proc, dir: string): CgroupPlace | null {
  let best: { mountPoint: string; root: string; controllers: string } | null = null;
  for (const line of (proc.mountinfo('self') ?? '').split('\n')) {
    // 29 23 0:26 / /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids
    const fields = line.split(' ');
    const dash = fields.indexOf('-', 6);
    const [fsType, superOptions] = [fields[dash + 1], fields[dash + 3] ?? ''];
    const [root, mountPoint] = [fields[3] ?? '/', fields[4] ?? '/'];
    if (dash < 0 || (fsType !== 'cgroup' && fsType !== 'cgroup2')) continue;
    if (dir !== mountPoint && !dir.startsWith(`${mountPoint}/`)) continue;
    if (best !== null && best.mountPoint.length > mountPoint.length) continue;
    const controllers = fsType === 'cgroup2' ? '' : controllersOf(proc, superOptions.split(','));
    best = { mountPoint, root, controllers };
  }
  if (best === null) return null;
  const path = `${best.root === '/' ? '' : best.root}${dir.slice(best.mountPoint.length)}`;
  const { controllers } = best;
  const hierarchy = proc.cgroup('self', controllers)?.id ?? -1;
  return { dir, controllers, hierarchy, path: path === '' ? '/' : path };
}

/** v1 lists controllers among other mount options; /proc/PID/cgroup has them alone, in one field. */
function controllersOf(proc: Proc, superOptions: readonly string[]): string {
  for (const line of (proc.text('self/cgroup') ?? '').split('\n')) {
    const field = line.split(':')[1];
    if (field === undefined || field === '') continue;
    if (field.split(',').every((controller) => superOptions.includes(controller))) return field;
  }
  return superOptions.at(-1) ?? '';
}

/** Path relative to the watched cgroup (`/`, `/child`), or null outside of it. */
export function relativeCgroup(place: CgroupPlace, path: string): string | null {
  if (path === place.path) return '/';
  const prefix = place.path === '/' ? '/' : `${place.path}/`;
  return path.startsWith(prefix) ? path.slice(prefix.length - 1) : null;
}

/** Every process in the subtree with its relative path; empty when the directory is gone. */
export function processesInCgroup(proc: Proc, place: CgroupPlace): Map<number, string> {
  const found = new Map<number, string>();
  const open = ['/'];
  for (let visited = 0; visited < MAX_CGROUPS; visited++) {
    const relative = open.shift();
    if (relative === undefined) break;
    const dir = relative === '/' ? place.dir : `${place.dir}${relative}`;
    for (const line of (proc.readText(`${dir}/cgroup.procs`) ?? '').split('\n')) {
      // 0 stands for a process that this pid namespace cannot name.
      if (line !== '' && line !== '0') found.set(Number(line), relative);
    }
    for (const child of childrenOf(dir)) {
      open.push(relative === '/' ? `/${child}` : `${relative}/${child}`);
    }
  }
  return found;
}

/** Names of the groups directly in this one; empty when it is gone. */
export function childrenOf(dir: string): string[] {
  try {
    // cgroup file systems count subdirectories in the link count: 2 is a leaf, no need to list it.
    if (statSync(dir).nlink === 2) return [];
    return readdirSync(dir, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name);
  } catch {
    return []; // removed meanwhile
  }
}
