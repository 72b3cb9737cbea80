/**
 * What must hold of every state that the observer's events fold to. For tests: the fold itself
 * heals silently, so that a page never dies of one odd event.
 */
import { NAMESPACE_KINDS, type NamespaceState, type ProcessState, type State } from './state.js';

/** All violated invariants, one sentence each; empty when the state is consistent. */
export function inconsistencies(state: State): string[] {
  const found: string[] = [];
  if (state.sandbox === null) {
    for (const record of ['processes', 'namespaces', 'mounts'] as const) {
      if (Object.keys(state[record]).length > 0) found.push(`${record} without a sandbox`);
    }
    return found;
  }
  for (const [key, process] of Object.entries(state.processes)) {
    found.push(...processFaults(state, key, process));
  }
  for (const [inode, namespace] of Object.entries(state.namespaces)) {
    found.push(...namespaceFaults(state, inode, namespace));
  }
  for (const [mountNs, rows] of Object.entries(state.mounts)) {
    if (state.namespaces[mountNs]?.kind !== 'mnt') {
      found.push(`mounts of mnt:[${mountNs}], which is no known mount namespace`);
    }
    for (const [id, mount] of Object.entries(rows)) {
      if (String(mount.mountId) !== id) found.push(`mount ${mount.mountId} is filed under ${id}`);
    }
  }
  return found;
}

/**
 * Throws when an invariant of the state is violated.
 *
 * @throws Error naming every violation, one a line
 */
export function assertConsistent(state: State): void {
  const found = inconsistencies(state);
  if (found.length > 0)
    throw new Error(`inconsistent state at seq ${state.seq}\n${found.join('\n')}`);
}

function processFaults(state: State, key: string, process: ProcessState): string[] {
  const found: string[] = [];
  const name = `process ${process.key} (${process.comm})`;
  if (process.key !== key) found.push(`${name} is filed under ${key}`);
  if (process.key !== `${process.hostPid}:${process.startTime}`) {
    found.push(`${name}: key is not hostPid:startTime`);
  }
  if (process.pids[0] !== process.hostPid) found.push(`${name}: pids do not begin with the host's`);
  if (process.parent !== null && state.processes[process.parent] === undefined) {
    found.push(`${name}: parent ${process.parent} is unknown`);
  }
  for (const kind of NAMESPACE_KINDS) {
    const inode = process.namespaces[kind];
    const namespace = state.namespaces[inode];
    if (namespace === undefined) found.push(`${name}: ${kind}:[${inode}] is unknown`);
    else if (namespace.kind !== kind) {
      found.push(`${name}: ${kind}:[${inode}] is known as ${namespace.kind}`);
    }
  }
  return found;
}

function namespaceFaults(state: State, key: string, namespace: NamespaceState): string[] {
  const found: string[] = [];
  const name = `${namespace.kind}:[${namespace.inode}]`;
  if (String(namespace.inode) !== key) found.push(`${name} is filed under ${key}`);
  const nests = namespace.kind === 'pid' || namespace.kind === 'user';
  if (namespace.parent !== null) {
    if (!nests) found.push(`${name} has a parent, but only pid and user namespaces nest`);
    else if (state.namespaces[namespace.parent]?.kind !== namespace.kind) {
      found.push(`${name}: parent ${namespace.parent} is no known ${namespace.kind} namespace`);
    }
  }
  if (namespace.owner !== null && state.namespaces[namespace.owner]?.kind !== 'user') {
    found.push(`${name}: owner ${namespace.owner} is no known user namespace`);
  }
  return found;
}
