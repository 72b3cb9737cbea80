/**
 * What belongs to what: for one subject, the others that light up with it when a learner points at
 * it. Only what touches it directly, so that a light still says something. Pure.
 */
import {
  cgroupIn,
  cgroupMembers,
  hierarchiesOf,
  membersOf,
  mountsOf,
  processesOf,
} from './selectors.js';
import type { LinkState, NsInode, ProcessState, State, TapedCall } from './state.js';
import { type Subject, subject } from './subjects.js';

/** A subject in a few words that last longer than its numbers; null for what is not there. */
export function subjectText(state: State, about: Subject): string | null {
  const colon = about.indexOf(':');
  const id = about.slice(colon + 1);
  const [first = '', second = ''] = id.split(':');
  switch (about.slice(0, colon)) {
    case 'process': {
      const process = state.processes[id];
      // As the learner knows it: without its number on the host.
      return process === undefined ? null : `${process.comm} ${process.pids.slice(1).join(' → ')}`;
    }
    case 'namespace': {
      const namespace = state.namespaces[id];
      return namespace === undefined ? null : `${namespace.kind}:[${namespace.inode}]`;
    }
    case 'mount':
      return state.mounts[first]?.[second]?.mountPoint ?? null;
    case 'cgroup':
      return state.cgroups?.[id]?.path ?? null;
    case 'link':
      return state.networks?.[first]?.links[second]?.name ?? null;
    case 'overlay':
      return id.slice(`${first}:${second}:`.length) || null;
    default:
      return null;
  }
}

/** Rows of a tape that light up with their caller: the newest. */
const CALLS_OF_PROCESS = 64;

/**
 * The subjects that are about the same as this one, itself among them.
 *
 * @param causedBy what a command did, where the caller knows: see `subjectsOf` over its events
 */
export function relatedSubjects(
  state: State,
  about: Subject,
  causedBy: (command: string) => Iterable<Subject> = () => [],
): ReadonlySet<Subject> {
  const colon = about.indexOf(':');
  const rest = about.slice(colon + 1);
  const related = RELATED[about.slice(0, colon)]?.(state, rest, causedBy) ?? [];
  return new Set([about, ...related]);
}

type Related = (
  state: State,
  id: string,
  causedBy: (command: string) => Iterable<Subject>,
) => Iterable<Subject>;

const RELATED: Readonly<Record<string, Related>> = {
  *process(state, key) {
    const process = state.processes[key];
    if (process === undefined) return;
    for (const inode of Object.values(process.namespaces)) {
      // The sandbox's own are everybody's: they would light up with every process.
      if (state.namespaces[inode]?.ofSandbox === false) yield subject.namespace(inode);
    }
    for (const hierarchy of hierarchiesOf(state)) {
      const path = cgroupIn(process, hierarchy);
      if (path !== '/') yield subject.cgroup(`${hierarchy}:${path}`);
    }
    for (const call of callsOf(state, key)) yield subject.call(call.seq);
    for (const [id, { process: shell }] of Object.entries(state.commands ?? {})) {
      if (shell === key) yield subject.command(id);
    }
  },
  *namespace(state, id) {
    const inode = Number(id);
    for (const { key } of membersOf(state, inode)) yield subject.process(key);
    for (const { mountId } of mountsOf(state, inode)) yield subject.mount(inode, mountId);
    for (const { index } of Object.values(state.networks?.[id]?.links ?? {})) {
      yield subject.link(inode, index);
    }
  },
  *mount(state, id) {
    const [mountNs = '', mountId = ''] = id.split(':');
    yield subject.namespace(Number(mountNs));
    const mount = state.mounts[mountNs]?.[mountId];
    if (mount !== undefined && mount.device in (state.overlays ?? {})) {
      yield subject.overlay(mount.device);
    }
  },
  *cgroup(state, key) {
    const cgroup = state.cgroups?.[key];
    if (cgroup === undefined || cgroup.path === '/') return;
    for (const member of cgroupMembers(state, cgroup)) yield subject.process(member.key);
    // The same group in the other hierarchies of v1.
    for (const other of Object.values(state.cgroups ?? {})) {
      if (other.path === cgroup.path) yield subject.cgroup(other.key);
    }
  },
  *overlay(state, id) {
    const [major = '', minor = ''] = id.split(':');
    const key = `${major}:${minor}`;
    yield subject.overlay(key);
    for (const [mountNs, mounts] of Object.entries(state.mounts)) {
      for (const mount of Object.values(mounts)) {
        if (mount.device === key) yield subject.mount(Number(mountNs), mount.mountId);
      }
    }
  },
  *link(state, id) {
    const [netNs = '', index = ''] = id.split(':');
    yield subject.namespace(Number(netNs));
    const link = state.networks?.[netNs]?.links[index];
    if (link !== undefined) yield* neighbours(Number(netNs), link);
  },
  *call(state, seq) {
    const call = state.calls?.find((one) => one.seq === Number(seq));
    if (call === undefined) return;
    yield subject.process(call.process);
    yield* touchedBy(state, call);
  },
  *command(state, id, causedBy) {
    const command = state.commands?.[id];
    if (command !== undefined) yield subject.process(command.process);
    yield* causedBy(id);
  },
};

function callsOf(state: State, key: string): readonly TapedCall[] {
  const own = (state.calls ?? []).filter(({ process }) => process === key);
  return own.slice(-CALLS_OF_PROCESS);
}

function* neighbours(netNs: NsInode, { peer, master }: LinkState): Iterable<Subject> {
  if (peer !== null && peer.netNs !== null) yield subject.link(peer.netNs, peer.index);
  if (master !== null) yield subject.link(netNs, master);
}

/** What a call was about besides its caller, as far as its arguments and its result say. */
function* touchedBy(state: State, call: TapedCall): Iterable<Subject> {
  const caller = state.processes[call.process];
  if (caller === undefined || call.errno !== null) return;
  switch (call.name) {
    case 'unshare':
    case 'setns':
      for (const inode of Object.values(caller.namespaces)) {
        if (state.namespaces[inode]?.ofSandbox === false) yield subject.namespace(inode);
      }
      return;
    case 'mount':
      yield* mountsAt(state, caller, textOf(call.args[1]));
      return;
    case 'clone':
    case 'clone3':
    case 'fork':
    case 'vfork':
    case 'wait4':
      yield* processNumbered(state, caller, call.result);
      return;
    case 'kill':
      yield* processNumbered(state, caller, Number(call.args[0]));
  }
}

function* mountsAt(
  state: State,
  { namespaces }: ProcessState,
  path: string | null,
): Iterable<Subject> {
  for (const { mountId, mountPoint } of mountsOf(state, namespaces.mnt)) {
    if (mountPoint === path) yield subject.mount(namespaces.mnt, mountId);
  }
}

/** The process that the caller's pid namespace knows by this number. */
function* processNumbered(
  state: State,
  caller: ProcessState,
  pid: number | null,
): Iterable<Subject> {
  const level = caller.pids.length - 1;
  for (const { key, pids } of processesOf(state)) {
    if (pids[level] === pid) yield subject.process(key);
  }
}

/** `/proc` of `"/proc"`. */
function textOf(argument: string | undefined): string | null {
  try {
    return argument?.startsWith('"') === true ? String(JSON.parse(argument)) : null;
  } catch {
    return null; // a text that was cut
  }
}
