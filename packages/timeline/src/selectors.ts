/**
 * Questions that views and checks ask of a folded state. One answer for both, so that what the
 * page shows and what a check decides cannot differ.
 *
 * Derived tables are remembered per record (WeakMap on `state.processes`): as states share
 * structure, a table is computed once for as long as nothing in that record changes.
 */
import type {
  CgroupState,
  MountState,
  NamespaceState,
  NsInode,
  ProcessKey,
  ProcessState,
  State,
} from './state.js';

/** A process with its children, both in order of birth. */
export interface ProcessNode {
  readonly process: ProcessState;
  readonly children: readonly ProcessNode[];
  /** 0 for a root */
  readonly depth: number;
}

/** All processes in order of birth (start time, then host pid). */
export function processesOf(state: State): readonly ProcessState[] {
  return tables(state).ordered;
}

/**
 * The processes as trees. Roots are those without a parent in the sandbox: its init, and shells
 * that joined. A parent that is unknown (its fork was lost, the next scan heals it) counts as none.
 */
export function processTree(state: State): readonly ProcessNode[] {
  const table = tables(state);
  table.tree ??= buildTree(state, table);
  return table.tree;
}

/** Children of one process in order of birth. */
export function childrenOf(state: State, key: ProcessKey): readonly ProcessState[] {
  return tables(state).children.get(key) ?? [];
}

/** Processes that are in that namespace, of whatever kind, in order of birth. */
export function membersOf(state: State, inode: NsInode): readonly ProcessState[] {
  return tables(state).members.get(inode) ?? [];
}

/** True for the eight namespaces that the sandbox itself was made with. */
export function isOfSandbox(state: State, inode: NsInode): boolean {
  const known = state.namespaces[inode];
  if (known !== undefined) return known.ofSandbox;
  return state.sandbox !== null && Object.values(state.sandbox.namespaces).includes(inode);
}

/** That namespace and its ancestors, innermost first, as far as the sandbox can see. */
export function namespaceChain(state: State, inode: NsInode): readonly NsInode[] {
  const chain: NsInode[] = [];
  let next: NsInode | null = inode;
  // The second condition ends a walk over a damaged recording that has a cycle.
  while (next !== null && !chain.includes(next)) {
    chain.push(next);
    const known: NamespaceState | undefined = state.namespaces[next];
    next = known?.parent ?? null;
  }
  return chain;
}

/** How deeply a pid or user namespace is nested: 0 for the sandbox's own. Always 0 for other kinds. */
export function namespaceDepth(state: State, inode: NsInode): number {
  return namespaceChain(state, inode).length - 1;
}

/**
 * The pid of a process in one pid namespace, or null where it is not visible there.
 * The host's namespace is not part of a state: the pid there is `process.hostPid`.
 */
export function pidIn(state: State, process: ProcessState, pidNs: NsInode): number | null {
  const levelsUp = namespaceChain(state, process.namespaces.pid).indexOf(pidNs);
  if (levelsUp < 0) return null;
  return process.pids[process.pids.length - 1 - levelsUp] ?? null;
}

/** A pid together with the namespace that it counts in; `namespace` is null for the host's. */
export interface PlacedPid {
  readonly pid: number;
  readonly namespace: NsInode | null;
}

/** Every pid of a process with the pid namespace it belongs to, from the host's to its own. */
export function placedPids(state: State, process: ProcessState): readonly PlacedPid[] {
  const chain = namespaceChain(state, process.namespaces.pid);
  const last = process.pids.length - 1;
  return process.pids.map((pid, i) => ({ pid, namespace: chain[last - i] ?? null }));
}

/** Namespaces of one kind, the sandbox's first, then in order of birth. */
export function namespacesOfKind(
  state: State,
  kind: NamespaceState['kind'],
): readonly NamespaceState[] {
  return Object.values(state.namespaces)
    .filter((namespace) => namespace.kind === kind)
    .sort(
      (a, b) =>
        Number(b.ofHost) - Number(a.ofHost) ||
        Number(b.ofSandbox) - Number(a.ofSandbox) ||
        a.bornAt - b.bornAt ||
        a.inode - b.inode,
    );
}

/** Mounts of one mount namespace in the order of mountinfo, parents before children. */
export function mountsOf(state: State, mountNs: NsInode): readonly MountState[] {
  return Object.values(state.mounts[mountNs] ?? {}).sort((a, b) => a.mountId - b.mountId);
}

interface Tables {
  readonly ordered: readonly ProcessState[];
  readonly children: ReadonlyMap<ProcessKey, readonly ProcessState[]>;
  readonly members: ReadonlyMap<NsInode, readonly ProcessState[]>;
  tree?: readonly ProcessNode[];
}

const remembered = new WeakMap<State['processes'], Tables>();

function tables(state: State): Tables {
  let found = remembered.get(state.processes);
  if (found === undefined) {
    found = buildTables(state.processes);
    remembered.set(state.processes, found);
  }
  return found;
}

function buildTables(processes: State['processes']): Tables {
  const ordered = Object.values(processes).sort(byBirth);
  const children = new Map<ProcessKey, ProcessState[]>();
  const members = new Map<NsInode, ProcessState[]>();
  for (const process of ordered) {
    if (process.parent !== null) listIn(children, process.parent).push(process);
    for (const inode of new Set(Object.values(process.namespaces))) {
      listIn(members, inode).push(process);
    }
  }
  return { ordered, children, members };
}

function buildTree(state: State, table: Tables): readonly ProcessNode[] {
  const placed = new Set<ProcessKey>();
  const node = (process: ProcessState, depth: number): ProcessNode => {
    placed.add(process.key);
    const children = (table.children.get(process.key) ?? [])
      .filter((child) => !placed.has(child.key))
      .map((child) => node(child, depth + 1));
    return { process, children, depth };
  };
  const isRoot = (process: ProcessState): boolean =>
    process.parent === null || state.processes[process.parent] === undefined;
  const roots = table.ordered.filter(isRoot).map((process) => node(process, 0));
  // Parents in a circle cannot come from a kernel; show them all the same rather than lose them.
  const lost = table.ordered.filter((process) => !placed.has(process.key));
  for (const process of lost) if (!placed.has(process.key)) roots.push(node(process, 0));
  return roots;
}

function byBirth(a: ProcessState, b: ProcessState): number {
  return a.startTime - b.startTime || a.hostPid - b.hostPid;
}

function listIn<K, V>(map: Map<K, V[]>, key: K): V[] {
  let list = map.get(key);
  if (list === undefined) {
    list = [];
    map.set(key, list);
  }
  return list;
}

/** The path of a process's cgroup in one hierarchy (`''` for v2), below the sandbox's own. */
export function cgroupIn(process: ProcessState, hierarchy: string): string {
  return process.cgroups?.[hierarchy] ?? process.cgroup;
}

/** The cgroups of one hierarchy, each after its parent, else in order of path. */
export function cgroupsOf(state: State, hierarchy: string): readonly CgroupState[] {
  return Object.values(state.cgroups ?? {})
    .filter((cgroup) => cgroup.hierarchy === hierarchy)
    .sort((a, b) => comparePaths(a.path, b.path));
}

/** The hierarchies that the sandbox has: one, `''`, on pure v2. */
export function hierarchiesOf(state: State): readonly string[] {
  return [...new Set(Object.values(state.cgroups ?? {}).map(({ hierarchy }) => hierarchy))].sort();
}

/** Processes directly in that cgroup, in order of birth. */
export function cgroupMembers(state: State, cgroup: CgroupState): readonly ProcessState[] {
  return processesOf(state).filter(
    (process) => process.state !== 'Z' && cgroupIn(process, cgroup.hierarchy) === cgroup.path,
  );
}

/** By components, so that `/a/b` follows `/a` and comes before `/a-b`. */
function comparePaths(a: string, b: string): number {
  const [left, right] = [a.split('/'), b.split('/')];
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    if (left[i] !== right[i]) return left[i]! < right[i]! ? -1 : 1;
  }
  return left.length - right.length;
}
