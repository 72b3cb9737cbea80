/**
 * The cgroups of a state as one tree. On v1 a group is the same path in several hierarchies, and a
 * process may be in it in some of them only: by default that is one row, with the hierarchies as
 * tags; or each hierarchy is a tree of its own. On v2 both are the same tree.
 */
import {
  type CgroupState,
  cgroupIn,
  cgroupsOf,
  hierarchiesOf,
  type ProcessState,
  processesOf,
  type State,
} from '@terrarium/timeline';

export type CgroupMode = 'group' | 'hierarchy';

/** A process in a group. */
export interface CgroupMember {
  readonly process: ProcessState;
  /** hierarchies of the group in which it is elsewhere; empty for most */
  readonly awayIn: readonly string[];
  readonly hereIn: readonly string[];
}

/** One group: its directories share the path. */
export interface CgroupNode {
  readonly id: string;
  readonly path: string;
  /** last part of the path; `/` for the sandbox's own */
  readonly name: string;
  readonly directories: readonly CgroupState[];
  readonly members: readonly CgroupMember[];
  readonly children: readonly CgroupNode[];
}

/** A tree with the hierarchies that it shows: all of them in one, or one. */
export interface CgroupForest {
  /** null for the merged tree */
  readonly hierarchy: string | null;
  readonly root: CgroupNode;
}

export function cgroupForests(state: State, mode: CgroupMode): readonly CgroupForest[] {
  const hierarchies = hierarchiesOf(state);
  if (hierarchies.length === 0) return [];
  const sets = mode === 'group' ? [hierarchies] : hierarchies.map((one) => [one]);
  const living = processesOf(state).filter((process) => process.state !== 'Z');
  return sets.flatMap((set) => {
    const root = treeOf(state, set, living);
    if (root === null) return [];
    return [{ hierarchy: mode === 'group' ? null : (set[0] ?? ''), root }];
  });
}

function treeOf(
  state: State,
  hierarchies: readonly string[],
  living: readonly ProcessState[],
): CgroupNode | null {
  const directories = new Map<string, CgroupState[]>();
  for (const hierarchy of hierarchies) {
    for (const cgroup of cgroupsOf(state, hierarchy)) pushIn(directories, cgroup.path, cgroup);
  }
  const members = membersByPath(living, hierarchies);
  const below = new Map<string, string[]>();
  for (const path of [...directories.keys()].sort()) {
    if (path !== '/') pushIn(below, nearestAbove(path, directories), path);
  }
  const prefix = hierarchies.length === 1 ? hierarchies[0] : '*';
  const node = (path: string): CgroupNode => ({
    id: `${prefix}:${path}`,
    path,
    name: path === '/' ? '/' : path.slice(path.lastIndexOf('/') + 1),
    directories: directories.get(path) ?? [],
    members: (members.get(path) ?? []).map((process) => memberOf(process, path, directories)),
    children: (below.get(path) ?? []).map(node),
  });
  return directories.has('/') ? node('/') : null;
}

function memberOf(
  process: ProcessState,
  path: string,
  directories: ReadonlyMap<string, readonly CgroupState[]>,
): CgroupMember {
  const here = (directories.get(path) ?? []).map(({ hierarchy }) => hierarchy);
  return {
    process,
    hereIn: here.filter((hierarchy) => cgroupIn(process, hierarchy) === path),
    awayIn: here.filter((hierarchy) => cgroupIn(process, hierarchy) !== path),
  };
}

function membersByPath(
  living: readonly ProcessState[],
  hierarchies: readonly string[],
): ReadonlyMap<string, readonly ProcessState[]> {
  const found = new Map<string, ProcessState[]>();
  for (const process of living) {
    const paths = new Set(hierarchies.map((hierarchy) => cgroupIn(process, hierarchy)));
    for (const path of paths) pushIn(found, path, process);
  }
  return found;
}

/** Its parent is always there in its own hierarchy; a picture of half a scan may lack it. */
function nearestAbove(path: string, known: ReadonlyMap<string, unknown>): string {
  const above = path.slice(0, path.lastIndexOf('/')) || '/';
  return above === '/' || known.has(above) ? above : nearestAbove(above, known);
}

function pushIn<V>(map: Map<string, V[]>, key: string, value: V): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}

/** Controllers that say most about a group come first when one of its directories must stand for it. */
const TELLING = ['', 'memory', 'pids', 'cpu', 'freezer'];

/** The directory that stands for a merged row. */
export function mainDirectory(node: CgroupNode): CgroupState | undefined {
  const rank = ({ hierarchy }: CgroupState): number => {
    const at = TELLING.indexOf(hierarchy);
    return at < 0 ? TELLING.length : at;
  };
  return [...node.directories].sort((a, b) => rank(a) - rank(b))[0];
}

/**
 * Where a directory is inside the sandbox, by its mounts: `/sys/fs/cgroup/memory/box`. Each
 * hierarchy is mounted there with the sandbox's own group as its root.
 */
export function insidePath(state: State, hierarchy: string, path: string): string {
  const mountNs = state.sandbox?.namespaces.mnt;
  const rows = Object.values((mountNs === undefined ? null : state.mounts[mountNs]) ?? {});
  const wanted = hierarchy.split(',');
  const mount = rows.find(({ fsType, superOptions }) => {
    if (hierarchy === '') return fsType === 'cgroup2';
    const options = superOptions.split(',');
    return fsType === 'cgroup' && wanted.every((controller) => options.includes(controller));
  });
  const fallback = hierarchy === '' ? '/sys/fs/cgroup' : `/sys/fs/cgroup/${hierarchy}`;
  const top = mount?.mountPoint ?? fallback;
  return path === '/' ? top : `${top}${path}`;
}
