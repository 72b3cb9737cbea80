/**
 * Who shares what: processes with the same eight namespaces form a group, the unit that the map
 * draws as one row. Pure, and remembered for as long as the state's records are the same.
 */
import {
  type NamespaceKind,
  type NamespaceState,
  type NsInode,
  type ProcessState,
  processesOf,
  processTree,
  type State,
} from '@terrarium/timeline';
import { KINDS } from './kinds.js';

export interface NamespaceGroup {
  /** the eight inodes, joined: stays while the set stays */
  readonly id: string;
  readonly namespaces: Readonly<Record<NamespaceKind, NsInode>>;
  /** in the order of the process tree */
  readonly members: readonly ProcessState[];
  /** the kinds in which it is not in the sandbox's own */
  readonly differs: readonly NamespaceKind[];
}

/**
 * All groups: the sandbox's own eight first, then in the order of the process tree, so that those
 * who share something mostly stand one below the other.
 */
export function namespaceGroups(state: State): readonly NamespaceGroup[] {
  const sandbox = state.sandbox?.namespaces;
  const groups = new Map<string, ProcessState[]>();
  const visit = (nodes: ReturnType<typeof processTree>) => {
    for (const { process, children } of nodes) {
      const id = KINDS.map((kind) => process.namespaces[kind]).join(' ');
      const members = groups.get(id);
      if (members === undefined) groups.set(id, [process]);
      else members.push(process);
      visit(children);
    }
  };
  visit(processTree(state));
  return [...groups]
    .map(([id, members]) => {
      const { namespaces } = members[0]!;
      const differs = KINDS.filter(
        (kind) => sandbox !== undefined && namespaces[kind] !== sandbox[kind],
      );
      return { id, namespaces, members, differs };
    })
    .sort((a, b) => Number(a.differs.length > 0) - Number(b.differs.length > 0));
}

/** Namespaces without any process: a bind mount, an open file or a child namespace keeps them. */
export function heldNamespaces(state: State): readonly NamespaceState[] {
  const used = new Set<NsInode>();
  for (const process of processesOf(state))
    for (const kind of KINDS) used.add(process.namespaces[kind]);
  return Object.values(state.namespaces)
    .filter((namespace) => !used.has(namespace.inode) && !namespace.ofHost)
    .sort((a, b) => a.bornAt - b.bornAt || a.inode - b.inode);
}

/** Namespaces of one kind as a tree: by parent where the kernel has one (pid, user), else flat. */
export interface NamespaceNode {
  readonly namespace: NamespaceState;
  readonly children: readonly NamespaceNode[];
}

export function namespaceTree(state: State, kind: NamespaceKind): readonly NamespaceNode[] {
  const all = Object.values(state.namespaces)
    .filter((namespace) => namespace.kind === kind)
    .sort(
      (a, b) =>
        Number(b.ofSandbox || b.ofHost) - Number(a.ofSandbox || a.ofHost) ||
        a.bornAt - b.bornAt ||
        a.inode - b.inode,
    );
  const known = new Set(all.map((namespace) => namespace.inode));
  const below = (parent: NsInode): readonly NamespaceNode[] =>
    all.filter((one) => one.parent === parent && one.inode !== parent).map(node);
  const node = (namespace: NamespaceState): NamespaceNode => ({
    namespace,
    children: below(namespace.inode),
  });
  return all.filter((one) => one.parent === null || !known.has(one.parent)).map(node);
}
