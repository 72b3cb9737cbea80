/**
 * Who comes into a sandbox: children of its processes, shells that join from outside, and what a
 * scan finds. A process belongs here when it is in the sandbox's cgroup subtree *and* in its pid
 * namespace (or one below): a runner that joined the cgroup alone is an *outsider* until it has both.
 */
import { type CgroupPlace, relativeCgroup } from '../cgroup-walk.js';
import { type Hierarchies, inherited } from '../cgroups/membership.js';
import { type Machine, timeOf } from '../context.js';
import type { NamespaceTable } from '../namespace-table.js';
import type { Namespaces, Stat, Status } from '../proc.js';
import type { Departures } from './departures.js';
import type { Members } from './members.js';
import { type ForkHint, isSame, keyOf, TICKS, type Tracked } from './tracked.js';

/** CLONE_NEW… of all eight kinds, see clone(2). */
const CLONE_NEW_ANY = 0x7e02_0080;
const CLONE_NEWPID = 0x2000_0000;
const CLONE_PARENT = 0x8000;
/** The trace tells of a fork this much (ticks) after the kernel noted its start time. */
const START_TOLERANCE = 10;

/** What decides whether a process belongs here. */
export interface Borders {
  readonly machine: Machine;
  readonly place: CgroupPlace;
  readonly hierarchies: Hierarchies;
  readonly namespaces: NamespaceTable;
  /** the sandbox's own eight */
  readonly own: Namespaces;
  /** host pid of its init, and how many pid namespaces that is in */
  readonly initPid: number;
  readonly initLevels: number;
}

export class Arrivals {
  /** in the cgroup, but not (yet) in the pid namespace */
  readonly outsiders: Set<number> = new Set();
  private readonly borders: Borders;
  private readonly members: Members;
  private readonly departures: Departures;

  constructor(borders: Borders, members: Members, departures: Departures) {
    this.borders = borders;
    this.members = members;
    this.departures = departures;
  }

  /** @returns true when the child is now known here */
  onFork(hint: ForkHint): boolean {
    const known = this.members.byPid.get(hint.child);
    const stat = this.members.statIfThere(hint.child);
    if (known !== undefined) {
      if (isSame(known, stat)) return true; // a scan was faster
      this.departures.remove(known);
    }
    const caller = this.members.byPid.get(hint.caller);
    const late = stat === null || Math.abs(stat.startTime - hint.seconds * TICKS) > START_TOLERANCE;
    if (caller === undefined) {
      if (late) return false;
      return this.onBorn(hint.child);
    }
    if (late) this.addGone(hint, caller);
    else this.addForked(hint, caller, stat);
    return true;
  }

  /** A process was born in a cgroup that was chosen for it: this sandbox's, perhaps. */
  onBorn(pid: number): boolean {
    return this.consider(pid) || this.noteOutsider(pid);
  }

  /** Adds a process when it belongs here. Its parent goes first. */
  consider(pid: number): boolean {
    const { members } = this;
    if (members.byPid.has(pid)) return true;
    const { proc } = this.borders.machine;
    const stat = proc.stat(pid);
    const status = proc.status(pid);
    if (stat === null || status === null || status.threadGroup !== pid) return false;
    const cgroup = this.cgroupOf(pid);
    if (cgroup === null || !this.isInPidNamespace(pid, status)) return false;
    if (!members.byPid.has(stat.parentPid) && pid !== this.borders.initPid) {
      this.consider(stat.parentPid);
    }
    const parent = members.byPid.get(stat.parentPid);
    if (parent === undefined && this.isStillLauncher(pid, stat.parentPid)) return false;
    const namespaces = this.namespacesOf(pid, parent);
    // A joined process may have exec'ed since its name was read, which was the launcher's then.
    const named = parent === undefined ? (proc.stat(pid) ?? stat) : stat;
    const facts = proc.facts(pid, status);
    this.outsiders.delete(pid);
    members.add(
      {
        ...members.describe(pid, named, status, namespaces),
        parent: parent?.state.key ?? null,
        cgroup,
        ...this.borders.hierarchies.read(pid, cgroup),
        args: proc.args(pid) ?? [],
        ...(facts !== null && { facts }),
        // Whole milliseconds, of a clock with ten in a tick: what reads this knows it by that.
        bornAt: Math.floor(timeOf(this.borders.machine, stat.startTime / TICKS)),
      },
      false,
    );
    return true;
  }

  /** Remembers a process that is in the cgroup, and only there. */
  noteOutsider(pid: number): boolean {
    if (this.cgroupOf(pid) === null) return false;
    this.outsiders.add(pid);
    return true;
  }

  /** Path below the sandbox's own cgroup, or null outside of it. */
  cgroupOf(pid: number): string | null {
    const { machine, place } = this.borders;
    const cgroup = machine.proc.cgroup(pid, place.controllers);
    return cgroup === null ? null : relativeCgroup(place, cgroup.path);
  }

  private addForked(hint: ForkHint, caller: Tracked, stat: Stat): void {
    const { proc } = this.borders.machine;
    const pid = hint.child;
    const shares = sharesNamespaces(hint, caller);
    const status = (shares ? inheritedStatus(hint, caller) : null) ?? proc.status(pid);
    if (status === null) {
      this.addGone(hint, caller);
      return;
    }
    const parent = this.members.byPid.get(stat.parentPid);
    const namespaces = (shares ? null : proc.namespaces(pid)) ?? caller.state.namespaces;
    // Two flags say that the child is born in another cgroup: CLONE_INTO_CGROUP, and not knowing.
    const elsewhere = hint.flags === null || hint.flags >= 0x2_0000_0000;
    const cgroup = elsewhere ? this.cgroupOf(pid) : caller.state.cgroup;
    this.outsiders.delete(pid);
    this.members.add(
      {
        ...this.members.describe(pid, stat, status, namespaces),
        parent: parent?.state.key ?? null,
        cgroup: cgroup ?? caller.state.cgroup,
        ...(elsewhere && cgroup !== null
          ? this.borders.hierarchies.read(pid, cgroup)
          : inherited(caller.state)),
        // Between fork and exec it has its parent's; a later exec event brings its own.
        args: stat.state === 'Z' ? [] : caller.state.args,
        comm: caller.state.comm,
        bornAt: timeOf(this.borders.machine, hint.seconds),
      },
      shares,
      caller.state.key,
    );
  }

  /** It was born and is gone: shown all the same, from what the trace and its parent say. */
  private addGone(hint: ForkHint, caller: Tracked): void {
    const startTime = Math.floor(hint.seconds * TICKS);
    const parent =
      ((hint.flags ?? 0) & CLONE_PARENT) === 0 ? caller.state.key : caller.state.parent;
    const { facts: _, ...inherited } = caller.state;
    this.outsiders.delete(hint.child);
    this.members.add(
      {
        ...inherited,
        key: keyOf(hint.child, startTime),
        hostPid: hint.child,
        startTime,
        parent,
        pids: guessPids(hint, caller),
        state: 'R',
        bornAt: timeOf(this.borders.machine, hint.seconds),
      },
      caller.inherits,
      caller.state.key,
    );
  }

  /** Of a zombie only two can be read. */
  private namespacesOf(pid: number, parent: Tracked | undefined): Namespaces {
    const { machine, namespaces, own } = this.borders;
    const all = machine.proc.namespaces(pid);
    if (all !== null) return all;
    const heirs = parent?.state.namespaces ?? own;
    return {
      ...namespaces.afterEnd(heirs, heirs),
      pid: machine.proc.namespace(pid, 'pid') ?? heirs.pid,
      user: machine.proc.namespace(pid, 'user') ?? heirs.user,
    };
  }

  private isInPidNamespace(pid: number, status: Status): boolean {
    const { machine, namespaces, initLevels } = this.borders;
    const pidNs = machine.proc.namespace(pid, 'pid');
    // A zombie's link may be unreadable; then as many levels as init has must do.
    if (pidNs === null) return status.pids.length >= initLevels;
    return namespaces.isInside(pidNs, `${machine.proc.root}/${pid}/ns/pid`);
  }

  /**
   * A copy of the program that sends processes here (the player), on its way to become the
   * learner's shell: it runs the same file as its parent until it execs.
   */
  private isStillLauncher(pid: number, parentPid: number): boolean {
    if (pid === this.borders.initPid) return false;
    const { proc } = this.borders.machine;
    const program = proc.link(`${pid}/exe`);
    return program !== null && program === proc.link(`${parentPid}/exe`);
  }
}

function sharesNamespaces(hint: ForkHint, caller: Tracked): boolean {
  if (hint.flags === null || hint.byThread) return false;
  return caller.inherits && (hint.flags & CLONE_NEW_ANY) === 0;
}

/**
 * What a child has from its caller and from the trace: reading its status costs more than all else
 * of a fork. Null where there are levels that neither tells of.
 */
function inheritedStatus(hint: ForkHint, caller: Tracked): Pick<Status, 'pids' | 'uid'> | null {
  if (hint.visiblePid === null || caller.state.pids.length > 2) return null;
  const inside = caller.state.pids.length === 2 ? [hint.visiblePid] : [];
  return { pids: [hint.child, ...inside], uid: caller.state.uid.outside };
}

/** 0 where nobody can know any more: a level between the sandbox and the caller's namespace. */
function guessPids(hint: ForkHint, caller: Tracked): number[] {
  const levels = caller.state.pids.length;
  const pids = [hint.child, ...Array<number>(Math.max(0, levels - 1)).fill(0)];
  if (levels > 1) pids[levels - 1] = hint.visiblePid ?? 0;
  if (((hint.flags ?? 0) & CLONE_NEWPID) !== 0) pids.push(1);
  return pids;
}
