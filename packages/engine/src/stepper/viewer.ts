/** What the kernel tells a reader in another place: its numbers for the host's. Pure. */
import type { Viewer } from './kernel-change.js';
import type { ProcessKernelState } from './kernel-state.js';

/** `/proc/PID` as the viewer names it; the host's number for a process that the viewer cannot see. */
export function procOf({ pids, pid }: ProcessKernelState, { level }: Viewer): string {
  return `/proc/${pids[level] ?? pid}`;
}

/** A group's path as the viewer reads it in /proc/PID/cgroup; outside of its root: the host's path. */
export function groupFor(path: string, { cgroupRoot }: Viewer): string {
  if (cgroupRoot === '') return path;
  if (path === cgroupRoot) return '/';
  return path.startsWith(`${cgroupRoot}/`) ? path.slice(cgroupRoot.length) : path;
}

/** A row of an id map with the viewer's ids for the host's: `0 0 65536` for `0 100000 65536`. */
export function mapRowFor(row: string, viewerMap: readonly string[]): string {
  const [inside = 0, start = 0, size = 0] = row.split(' ').map(Number);
  const own = idInside(viewerMap, start);
  return own === null ? row : `${inside} ${own} ${size}`;
}

/** An id of the host as the maps of a user namespace show it; null when it is not mapped there. */
export function idInside(map: readonly string[], outside: number): number | null {
  for (const line of map) {
    const [inside = 0, start = 0, size = 0] = line.split(' ').map(Number);
    if (outside >= start && outside < start + size) return inside + outside - start;
  }
  return null;
}
