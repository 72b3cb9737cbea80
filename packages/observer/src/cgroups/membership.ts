/**
 * Where a process is in each cgroup hierarchy, as the timeline says it: one path for the watched
 * hierarchy, and on v1 those others in which it is elsewhere.
 */
import { cgroupIn, type ProcessState } from '@terrarium/timeline';
import { type CgroupPlace, relativeCgroup } from '../cgroup-walk.js';
import type { Proc } from '../proc.js';

type Elsewhere = Readonly<Record<string, string>>;

/**
 * Paths below the sandbox's group by hierarchy, from /proc/PID/cgroup (`4:memory:/lab/s1/box`);
 * hierarchies in which the process is outside of the sandbox's group are left out.
 */
export function pathsOf(text: string, places: readonly CgroupPlace[]): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const line of text.split('\n')) {
    const colon = line.indexOf(':');
    const second = line.indexOf(':', colon + 1); // a name may hold colons, a controller none
    const place = places.find(({ controllers }) => controllers === line.slice(colon + 1, second));
    if (second < 0 || place === undefined) continue;
    const path = relativeCgroup(place, line.slice(second + 1));
    if (path !== null) found.set(place.controllers, path);
  }
  return found;
}

/** Those hierarchies, of `paths`, in which a process is elsewhere than `cgroup`. */
export function elsewhere(paths: ReadonlyMap<string, string>, cgroup: string): Elsewhere {
  return Object.fromEntries([...paths].filter(([, path]) => path !== cgroup));
}

/** The same after a move in the watched hierarchy alone: the process stays where it is in others. */
export function rebased(
  process: ProcessState,
  cgroup: string,
  others: readonly string[],
): Elsewhere {
  const paths = new Map(others.map((hierarchy) => [hierarchy, cgroupIn(process, hierarchy)]));
  return elsewhere(paths, cgroup);
}

/** The hierarchies of one sandbox, for those who keep its processes. */
export class Hierarchies {
  private readonly proc: Proc;
  private readonly places: readonly CgroupPlace[];
  /** all but the watched one */
  private readonly others: readonly string[];

  constructor(proc: Proc, places: readonly CgroupPlace[], watched: CgroupPlace) {
    this.proc = proc;
    this.places = places;
    this.others = places
      .map(({ controllers }) => controllers)
      .filter((controllers) => controllers !== watched.controllers);
  }

  /** What a move in the watched hierarchy changes: who moves there stays where it was in others. */
  moved(process: ProcessState, cgroup: string): Partial<Pick<ProcessState, 'cgroup' | 'cgroups'>> {
    if (cgroup === process.cgroup) return {};
    const cgroups = rebased(process, cgroup, this.others);
    return sameElsewhere(process.cgroups, cgroups) ? { cgroup } : { cgroup, cgroups };
  }

  /** For a process that is new: its other hierarchies, as the kernel has them. */
  read(pid: number, cgroup: string): Pick<ProcessState, 'cgroups'> {
    if (this.others.length === 0) return {};
    const text = this.proc.text(`${pid}/cgroup`);
    const cgroups = text === null ? {} : elsewhere(pathsOf(text, this.places), cgroup);
    return Object.keys(cgroups).length === 0 ? {} : { cgroups };
  }
}

/** A child begins where its parent is, in every hierarchy. */
export function inherited({ cgroups }: ProcessState): Pick<ProcessState, 'cgroups'> {
  return cgroups === undefined ? {} : { cgroups };
}

/** The same after a move in another hierarchy. */
export function movedIn(process: ProcessState, hierarchy: string, path: string): Elsewhere {
  const { [hierarchy]: _, ...rest } = process.cgroups ?? {};
  return path === process.cgroup ? rest : { ...rest, [hierarchy]: path };
}

/** No entry and an empty record say the same. */
export function sameElsewhere(a: Elsewhere | undefined, b: Elsewhere): boolean {
  const left = Object.entries(a ?? {});
  return left.length === Object.keys(b).length && left.every(([name, path]) => b[name] === path);
}
