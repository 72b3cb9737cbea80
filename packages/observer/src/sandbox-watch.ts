/**
 * One watched sandbox: takes trace events and scans, keeps what is known of every process, and
 * emits each difference as an event. Runs in the observer process; changes nothing in the kernel.
 *
 * A trace event is a hint that comes a moment late: what it is about may be gone or another by
 * now. So whatever lives is read from /proc, and only of what is gone is the event itself believed.
 * A process belongs to the sandbox when it is in its cgroup subtree *and* in its pid namespace (or
 * one below): a runner that joins the cgroup from outside is an *outsider* until it has both.
 */
import type { EventBody, NsInode, ProcessState } from '@terrarium/timeline';
import { type CgroupPlace, processesInCgroup, relativeCgroup } from './cgroup-walk.js';
import type { Machine } from './context.js';
import { MountTable } from './mount-table.js';
import { type HeldFd, NamespaceTable } from './namespace-table.js';
import {
  type IdExtent,
  type Namespaces,
  OVERFLOW_UID,
  parseNamespaceLink,
  type Stat,
  type Status,
  uidInside,
} from './proc.js';

/** What to watch. */
export interface WatchTarget {
  readonly id: string;
  /** host pid of the sandbox's init */
  readonly initPid: number;
  /**
   * Directories of the sandbox's cgroup, one per hierarchy (one alone on v2). Each holds all of its
   * processes; the first that is on a cgroup file system is watched, and names `ProcessState.cgroup`.
   */
  readonly cgroupDirs: readonly string[];
}

/** A fork as the trace tells it. */
export interface ForkHint {
  readonly child: number;
  /** the process that called fork or clone, where it is known */
  readonly caller: number;
  /** it was a thread other than the first */
  readonly byThread: boolean;
  /** CLONE_… bits, null when unknown */
  readonly flags: number | null;
  readonly seconds: number;
  /** the child's pid in the caller's pid namespace, where the trace had it */
  readonly visiblePid: number | null;
}

/** CLONE_NEW… of all eight kinds, see clone(2). */
const CLONE_NEW_ANY = 0x7e02_0080;
const CLONE_NEWPID = 0x2000_0000;
const CLONE_PARENT = 0x8000;
/** Clock ticks per second of /proc/PID/stat on every Linux architecture that Node runs on. */
const TICKS = 100;
/** The trace tells of a fork this much (ticks) after the kernel noted its start time. */
const START_TOLERANCE = 10;
/** A process is read again this long after its last event: job control and uid maps come late. */
const SETTLE_MS = 25;
/** When to look whether an exited process was reaped, ms after the event; then the last for ever. */
const REAP_LOOKS_MS = [2, 10, 25, 60, 150, 250];
/** A zombie is shown as such from this look on: most are reaped before. */
const SHOW_ZOMBIE_AT = 1;
/** Mounts are read this long after a mount call, so that a script's ten calls cost one read. */
const MOUNT_DELAY_MS = 20;
/** Namespaces without members are decided upon this long after the last one left. */
const NAMESPACE_DELAY_MS = 30;
/** Fds of one process and processes of one sandbox whose fds are looked at for held namespaces. */
const MAX_FDS = 64;
const MAX_FD_PROCESSES = 256;

interface Tracked {
  state: ProcessState;
  /** its next children get its own namespaces (no unshare, no thread of its own mind) */
  inherits: boolean;
  /** comm of a task_rename that no exec has followed yet */
  renamed: string | null;
  hasChildren: boolean;
  /** number of looks since its exit event; null while it lives */
  exitLooks: number | null;
  waitStatus: number | null;
}

export class SandboxWatch {
  readonly target: WatchTarget;
  readonly place: CgroupPlace;
  /** pages that look at it; with none it is compared with the kernel less often */
  viewers = 1;
  private readonly machine: Machine;
  private readonly byPid = new Map<number, Tracked>();
  private readonly outsiders = new Set<number>();
  private readonly due = new Map<number, number>();
  private readonly mountsDue = new Map<NsInode, number>();
  private namespacesDue: number | null = null;
  private readonly uidMaps = new Map<NsInode, readonly IdExtent[]>();
  private namespaces: NamespaceTable;
  private readonly mounts: MountTable;
  private own: Namespaces;
  private initLevels = 1;
  private queue: EventBody[] = [];
  private readonly emit = (body: EventBody): void => {
    this.queue.push(body);
  };

  /** @throws Error when init is not there */
  constructor(machine: Machine, target: WatchTarget, place: CgroupPlace) {
    this.machine = machine;
    this.target = target;
    this.place = place;
    const own = machine.proc.namespaces(target.initPid);
    const stat = machine.proc.stat(target.initPid);
    const status = machine.proc.status(target.initPid);
    if (own === null || stat === null || status === null) {
      throw new Error(`init ${target.initPid} of sandbox ${target.id} is not running`);
    }
    this.own = own;
    this.initLevels = status.pids.length;
    this.namespaces = new NamespaceTable(machine, this.emit, own);
    this.mounts = new MountTable(machine, this.emit);
    this.emit({
      type: 'sandbox.start',
      sandbox: {
        id: target.id,
        init: keyOf(target.initPid, stat.startTime),
        namespaces: own,
        kernelRelease: machine.kernelRelease,
      },
    });
  }

  /** Everything emitted since the last call. */
  drain(): readonly EventBody[] {
    const bodies = this.queue;
    this.queue = [];
    return bodies;
  }

  /** Host pids that belong to this sandbox or may come to. */
  knows(pid: number): boolean {
    return this.byPid.has(pid) || this.outsiders.has(pid);
  }

  /** Host pids of all processes shown. */
  pids(): number[] {
    return [...this.byPid.keys()];
  }

  // ---- trace events -------------------------------------------------------------------------

  /** @returns true when the child is now known here */
  onFork(hint: ForkHint): boolean {
    const known = this.byPid.get(hint.child);
    const stat = this.statIfThere(hint.child);
    if (known !== undefined) {
      if (isSame(known, stat)) return true; // a scan was faster
      this.remove(known);
    }
    const parent = this.byPid.get(hint.caller);
    const late = stat === null || Math.abs(stat.startTime - hint.seconds * TICKS) > START_TOLERANCE;
    if (parent === undefined) {
      if (late) return false;
      return this.onBorn(hint.child);
    }
    if (late) this.addGone(hint, parent);
    else this.addForked(hint, parent, stat);
    return true;
  }

  onExec(pid: number, file: string): void {
    const tracked = this.byPid.get(pid);
    if (tracked === undefined) {
      this.consider(pid);
      return;
    }
    const name = file.slice(file.lastIndexOf('/') + 1);
    const comm = tracked.renamed ?? Buffer.from(name).subarray(0, 15).toString();
    const args = this.argsOf(tracked, comm) ?? [file];
    tracked.renamed = null;
    tracked.state = { ...tracked.state, comm, args };
    this.emit({ type: 'process.exec', key: tracked.state.key, comm, args });
    this.settleLater(pid);
  }

  /** Arguments of the program that an exec event named; null when it has gone on or is gone. */
  private argsOf(tracked: Tracked, comm: string): string[] | null {
    const { proc } = this.machine;
    const pid = tracked.state.hostPid;
    if (tracked.exitLooks !== null || !proc.exists(pid)) return null;
    if (proc.text(`${pid}/comm`) !== `${comm}\n`) return null;
    const args = proc.args(pid);
    return args === null || args.length === 0 ? null : args;
  }

  onRename(pid: number, comm: string | null): void {
    const tracked = this.byPid.get(pid);
    if (tracked === undefined) return;
    tracked.renamed = comm; // exec renames first; anything else is read when it settles
    this.settleLater(pid);
  }

  onExit(pid: number): void {
    this.outsiders.delete(pid);
    const tracked = this.byPid.get(pid);
    if (tracked === undefined || tracked.exitLooks !== null) return;
    tracked.exitLooks = 0;
    this.lookAtExited(pid, tracked);
  }

  /** cgroup_attach_task: a move within the sandbox, into it, or out of it. */
  onAttach(pid: number, hierarchy: number, path: string): boolean {
    if (hierarchy !== this.place.hierarchy) return false;
    const relative = relativeCgroup(this.place, path);
    const tracked = this.byPid.get(pid);
    if (relative === null) {
      this.outsiders.delete(pid);
      if (tracked !== undefined && this.cgroupOf(pid) === null) this.remove(tracked);
      return false;
    }
    if (tracked !== undefined) this.change(tracked, { cgroup: relative });
    else if (!this.consider(pid)) this.noteOutsider(pid);
    return true;
  }

  /** A process was born in a cgroup that was chosen for it: this sandbox's, perhaps. */
  onBorn(pid: number): boolean {
    return this.consider(pid) || this.noteOutsider(pid);
  }

  /** unshare, setns, setuid…: reads what it changes. Mount calls: see `mountsChanged`. */
  onCall(pid: number, name: string): void {
    const tracked = this.byPid.get(pid);
    if (tracked === undefined) {
      if (name === 'setns') this.consider(pid);
      return;
    }
    if (name === 'unshare' || name === 'setns') this.readNamespaces(tracked);
    this.readStatus(tracked);
    this.settleLater(pid);
  }

  /** A mount call succeeded: propagation may have carried it to every namespace of the sandbox. */
  mountsChanged(): void {
    for (const mountNs of this.namespaces.mountNamespaces()) this.readMountsLater(mountNs);
  }

  // ---- time ---------------------------------------------------------------------------------

  /** Does what is due, and says when (ms since the epoch) the next thing is; null for nothing. */
  tick(now: number): number | null {
    let next = Number.POSITIVE_INFINITY;
    for (const [pid, at] of [...this.due]) {
      if (at <= now) this.runDue(pid);
      next = Math.min(next, this.due.get(pid) ?? next);
    }
    for (const [mountNs, at] of [...this.mountsDue]) {
      if (at <= now) {
        this.mountsDue.delete(mountNs);
        this.readMounts(mountNs);
      } else next = Math.min(next, at);
    }
    if (this.namespaces.unsettled) this.namespacesDue ??= now + NAMESPACE_DELAY_MS;
    if (this.namespacesDue !== null) {
      if (this.namespacesDue <= now) {
        this.namespacesDue = null;
        this.settleNamespaces();
      } else next = Math.min(next, this.namespacesDue);
    }
    return next === Number.POSITIVE_INFINITY ? null : next;
  }

  // ---- scans --------------------------------------------------------------------------------

  /**
   * Compares everything with the kernel and emits what was missed.
   *
   * @param depth `stat`: which processes there are, and what stat says of them; `full`: also uid,
   *   arguments, namespaces, zombies that no cgroup lists, held namespaces and mounts
   * @param outsiders whether those are looked at again; the default is with a full scan only, as
   *   an outsider becomes a member by an event
   * @returns the pids that were not known before
   */
  scan(depth: 'stat' | 'full', outsiders: boolean = depth === 'full'): number[] {
    const before = new Set([...this.byPid.keys(), ...this.outsiders]);
    const members = processesInCgroup(this.machine.proc, this.place);
    for (const pid of this.outsiders) if (!members.has(pid)) this.outsiders.delete(pid);
    for (const [pid, cgroup] of members) {
      if (!outsiders && this.outsiders.has(pid)) continue;
      this.refresh(pid, cgroup, depth);
    }
    for (const pid of [...this.byPid.keys()]) {
      if (!members.has(pid)) this.refresh(pid, null, depth);
    }
    if (depth === 'full') {
      for (const pid of [...this.byPid.keys()]) {
        for (const child of this.machine.proc.children(pid)) {
          if (!this.byPid.has(child)) this.consider(child);
        }
      }
      this.scanHolders();
      this.scanMounts();
      this.settleNamespaces();
    }
    return [...this.byPid.keys(), ...this.outsiders].filter((pid) => !before.has(pid));
  }

  /** Reads the mounts of every mount namespace of the sandbox. */
  scanMounts(): void {
    for (const mountNs of this.namespaces.mountNamespaces()) this.readMounts(mountNs);
  }

  /** Looks through the fds of the sandbox's processes for namespaces that they hold open. */
  scanHolders(): void {
    const { proc } = this.machine;
    const found: HeldFd[] = [];
    for (const { state } of [...this.byPid.values()].slice(0, MAX_FD_PROCESSES)) {
      if (state.state === 'Z') continue;
      for (const fd of (proc.list(`${state.hostPid}/fd`) ?? []).slice(0, MAX_FDS)) {
        const inode = this.namespaceOfFd(state.hostPid, fd);
        if (inode === null) continue;
        const path = `${proc.root}/${state.hostPid}/fd/${fd}`;
        found.push({ ...inode, holder: { by: 'fd', process: state.key, fd: Number(fd) }, path });
      }
    }
    this.namespaces.setFdHolders(found);
  }

  /**
   * The namespace that an fd is open on. Opened through a bind mount, its link reads like any
   * file's; then the inode tells, if it is a listed namespace's (other file systems' are far lower).
   */
  private namespaceOfFd(pid: number, fd: string): { kind: string; inode: NsInode } | null {
    const { proc } = this.machine;
    const link = proc.link(`${pid}/fd/${fd}`);
    if (link === null) return null;
    const name = parseNamespaceLink(link);
    if (name !== null) return name;
    if (/^(\/dev\/|pipe:|socket:|anon_inode:)/.test(link)) return null;
    const inode = Number(/^ino:\t(\d+)$/m.exec(proc.text(`${pid}/fdinfo/${fd}`) ?? '')?.[1]);
    const kind = this.namespaces.kindOf(inode);
    return kind === null ? null : { kind, inode };
  }

  private refresh(pid: number, cgroup: string | null, depth: 'stat' | 'full'): void {
    const tracked = this.byPid.get(pid);
    if (tracked === undefined) {
      if (!this.consider(pid)) this.noteOutsider(pid);
      return;
    }
    const stat = this.machine.proc.stat(pid);
    if (stat === null || !isSame(tracked, stat)) {
      this.remove(tracked);
      if (stat !== null) this.consider(pid);
      return;
    }
    this.applyStat(tracked, stat);
    if (cgroup !== null) this.change(tracked, { cgroup });
    if (stat.state === 'Z') return;
    const unmapped = tracked.state.uid.inside === OVERFLOW_UID;
    if (depth === 'full') {
      this.readNamespaces(tracked);
      const args = this.machine.proc.args(pid);
      if (args !== null) this.change(tracked, { args });
    }
    if (depth === 'full' || unmapped) this.readStatus(tracked);
  }

  // ---- arrivals -----------------------------------------------------------------------------

  /** Adds a process when it belongs here. Its parent goes first. */
  private consider(pid: number): boolean {
    if (this.byPid.has(pid)) return true;
    const { proc } = this.machine;
    const stat = proc.stat(pid);
    const status = proc.status(pid);
    if (stat === null || status === null || status.threadGroup !== pid) return false;
    const cgroup = this.cgroupOf(pid);
    if (cgroup === null || !this.isInPidNamespace(pid, status)) return false;
    if (!this.byPid.has(stat.parentPid) && pid !== this.target.initPid) {
      this.consider(stat.parentPid);
    }
    const parent = this.byPid.get(stat.parentPid);
    if (parent === undefined && this.isStillLauncher(pid, stat.parentPid)) return false;
    const namespaces = proc.namespaces(pid) ?? parent?.state.namespaces ?? this.own;
    // A joined process may have exec'ed since its name was read, which was the launcher's then.
    const named = parent === undefined ? (proc.stat(pid) ?? stat) : stat;
    this.add(
      {
        ...this.describe(pid, named, status, namespaces),
        parent: parent?.state.key ?? null,
        cgroup,
        args: proc.args(pid) ?? [],
        bornAt: this.timeOf(stat.startTime / TICKS),
      },
      false,
    );
    return true;
  }

  private addForked(hint: ForkHint, caller: Tracked, stat: Stat): void {
    const { proc } = this.machine;
    const pid = hint.child;
    const status = proc.status(pid);
    if (status === null) {
      this.addGone(hint, caller);
      return;
    }
    const parent = this.byPid.get(stat.parentPid);
    const shares = this.sharesNamespaces(hint, caller);
    const namespaces = (shares ? null : proc.namespaces(pid)) ?? caller.state.namespaces;
    // Two flags say that the child is born in another cgroup: CLONE_INTO_CGROUP, and not knowing.
    const elsewhere = hint.flags === null || hint.flags >= 0x2_0000_0000;
    const cgroup = elsewhere ? this.cgroupOf(pid) : caller.state.cgroup;
    this.add(
      {
        ...this.describe(pid, stat, status, namespaces),
        parent: parent?.state.key ?? null,
        cgroup: cgroup ?? caller.state.cgroup,
        // Between fork and exec it has its parent's; a later exec event brings its own.
        args: stat.state === 'Z' ? [] : caller.state.args,
        comm: caller.state.comm,
        bornAt: this.timeOf(hint.seconds),
      },
      shares,
    );
  }

  /** It was born and is gone: shown all the same, from what the trace and its parent say. */
  private addGone(hint: ForkHint, caller: Tracked): void {
    const startTime = Math.floor(hint.seconds * TICKS);
    const parent =
      ((hint.flags ?? 0) & CLONE_PARENT) === 0 ? caller.state.key : caller.state.parent;
    this.add(
      {
        ...caller.state,
        key: keyOf(hint.child, startTime),
        hostPid: hint.child,
        startTime,
        parent: parent,
        pids: this.guessPids(hint, caller),
        state: 'R',
        bornAt: this.timeOf(hint.seconds),
      },
      caller.inherits,
    );
    this.settleLater(hint.child);
  }

  /** 0 where nobody can know any more: a level between the sandbox and the caller's namespace. */
  private guessPids(hint: ForkHint, caller: Tracked): number[] {
    const levels = caller.state.pids.length;
    const pids = [hint.child, ...Array<number>(Math.max(0, levels - 1)).fill(0)];
    if (levels > 1) pids[levels - 1] = hint.visiblePid ?? 0;
    if (((hint.flags ?? 0) & CLONE_NEWPID) !== 0) pids.push(1);
    return pids;
  }

  private sharesNamespaces(hint: ForkHint, caller: Tracked): boolean {
    if (hint.flags === null || hint.byThread) return false;
    return caller.inherits && (hint.flags & CLONE_NEW_ANY) === 0;
  }

  private describe(
    pid: number,
    stat: Stat,
    status: Status,
    namespaces: Namespaces,
  ): Omit<ProcessState, 'parent' | 'cgroup' | 'args' | 'bornAt'> {
    return {
      key: keyOf(pid, stat.startTime),
      hostPid: pid,
      startTime: stat.startTime,
      pids: status.pids,
      comm: stat.comm,
      state: shownState(stat) ?? 'R',
      uid: this.uids(pid, status.uid, namespaces.user),
      namespaces,
      terminal: stat.terminal,
      processGroup: stat.processGroup,
    };
  }

  private add(state: ProcessState, inherits: boolean): void {
    const { hostPid: pid } = state;
    this.outsiders.delete(pid);
    const parent = state.parent === null ? undefined : this.byKey(state.parent);
    if (parent !== undefined) parent.hasChildren = true;
    this.enterNamespaces(state.namespaces, pid, state.bornAt);
    const tracked: Tracked = {
      state: parent === undefined ? { ...state, parent: null } : state,
      inherits,
      renamed: null,
      hasChildren: false,
      exitLooks: null,
      waitStatus: null,
    };
    this.byPid.set(pid, tracked);
    this.emit({ type: 'process.fork', process: tracked.state });
    if (!inherits) tracked.inherits = this.childrenInherit(tracked);
    this.settleLater(pid);
  }

  private noteOutsider(pid: number): boolean {
    if (this.cgroupOf(pid) === null) return false;
    this.outsiders.add(pid);
    return true;
  }

  // ---- changes ------------------------------------------------------------------------------

  private change(tracked: Tracked, wanted: Partial<ProcessState>): void {
    const change: Record<string, unknown> = {};
    for (const [name, value] of Object.entries(wanted)) {
      if (!isEqual(value, tracked.state[name as keyof ProcessState])) change[name] = value;
    }
    if (Object.keys(change).length === 0) return;
    tracked.state = { ...tracked.state, ...change };
    this.emit({ type: 'process.change', key: tracked.state.key, change });
  }

  private applyStat(tracked: Tracked, stat: Stat): void {
    const parent = this.byPid.get(stat.parentPid);
    if (parent !== undefined) parent.hasChildren = true;
    const state = shownState(stat) ?? tracked.state.state;
    if (state === 'Z') tracked.waitStatus = stat.waitStatus;
    // Another name without an exec event: the event was lost, or it renamed itself.
    const renamed = stat.comm !== tracked.state.comm;
    const args = renamed ? this.machine.proc.args(tracked.state.hostPid) : null;
    this.change(tracked, {
      comm: stat.comm,
      state,
      parent: parent?.state.key ?? null,
      processGroup: stat.processGroup,
      terminal: stat.terminal,
      ...(state === 'Z' ? { args: [] } : args === null ? {} : { args }),
    });
  }

  private readStatus(tracked: Tracked): void {
    const pid = tracked.state.hostPid;
    const status = this.machine.proc.status(pid);
    if (status === null) return;
    const uid = this.uids(pid, status.uid, tracked.state.namespaces.user);
    this.change(tracked, { uid, pids: status.pids });
  }

  private readNamespaces(tracked: Tracked): void {
    const { hostPid, namespaces: before } = tracked.state;
    const after = this.machine.proc.namespaces(hostPid);
    if (after === null) return;
    if (!isEqual(before, after)) {
      this.enterNamespaces(after, hostPid, this.machine.now());
      this.change(tracked, { namespaces: after });
      this.namespaces.leave(before);
    }
    tracked.inherits = this.childrenInherit(tracked);
  }

  /** unshare and setns of a pid or time namespace take effect for the children only. */
  private childrenInherit(tracked: Tracked): boolean {
    const { hostPid, namespaces } = tracked.state;
    const { proc } = this.machine;
    return (
      proc.namespace(hostPid, 'pid_for_children') === namespaces.pid &&
      (proc.namespace(hostPid, 'time_for_children') ?? namespaces.time) === namespaces.time
    );
  }

  private enterNamespaces(namespaces: Namespaces, pid: number, bornAt: number): void {
    const isNew = !this.namespaces.has(namespaces.mnt);
    this.namespaces.join(namespaces, `${this.machine.proc.root}/${pid}/ns`, bornAt);
    if (isNew) this.readMountsLater(namespaces.mnt);
  }

  private uids(pid: number, outside: number, userNs: NsInode): ProcessState['uid'] {
    let map = this.uidMaps.get(userNs);
    if (map === undefined) {
      map = this.machine.proc.uidMap(pid) ?? [];
      // Maps are written once, some time after the namespace was made.
      if (map.length > 0) this.uidMaps.set(userNs, map);
    }
    return { outside, inside: uidInside(map, outside) };
  }

  private settleLater(pid: number): void {
    const tracked = this.byPid.get(pid);
    if (tracked?.exitLooks === null) this.due.set(pid, this.machine.now() + SETTLE_MS);
  }

  private runDue(pid: number): void {
    this.due.delete(pid);
    const tracked = this.byPid.get(pid);
    if (tracked === undefined) return;
    if (tracked.exitLooks !== null) {
      this.lookAtExited(pid, tracked);
      return;
    }
    const stat = this.machine.proc.stat(pid);
    if (stat === null || !isSame(tracked, stat)) {
      this.remove(tracked);
      return;
    }
    tracked.renamed = null;
    this.applyStat(tracked, stat);
    if (stat.state === 'Z') return;
    this.readStatus(tracked);
    // In the middle of an exec the name is new and the arguments are not there yet.
    if (tracked.state.args.length === 0) {
      this.change(tracked, { args: this.machine.proc.args(pid) ?? [] });
    }
  }

  // ---- departures ---------------------------------------------------------------------------

  /** After an exit event: gone, a zombie, or still on its way. */
  private lookAtExited(pid: number, tracked: Tracked): void {
    const looks = tracked.exitLooks ?? 0;
    const stat = this.statIfThere(pid);
    if (stat === null || !isSame(tracked, stat)) {
      this.remove(tracked);
      return;
    }
    if (shownState(stat) === 'Z') {
      tracked.waitStatus = stat.waitStatus;
      if (looks > SHOW_ZOMBIE_AT) {
        this.applyStat(tracked, stat);
        this.adoptChildren(tracked);
      }
    } else if (looks === REAP_LOOKS_MS.length) {
      tracked.exitLooks = null; // it lives: what ended was its first thread
      return;
    }
    tracked.exitLooks = looks + 1;
    const pause = REAP_LOOKS_MS[Math.min(looks, REAP_LOOKS_MS.length - 1)] ?? SETTLE_MS;
    this.due.set(pid, this.machine.now() + pause);
  }

  private remove(tracked: Tracked): void {
    const { hostPid: pid, key, namespaces } = tracked.state;
    this.byPid.delete(pid);
    this.due.delete(pid);
    this.adoptChildren(tracked);
    this.emit({ type: 'process.exit', key, waitStatus: tracked.waitStatus });
    this.namespaces.leave(namespaces);
  }

  /** The kernel gave its children to a subreaper or to the init of their pid namespace. */
  private adoptChildren(tracked: Tracked): void {
    if (!tracked.hasChildren) return;
    tracked.hasChildren = false;
    for (const child of this.byPid.values()) {
      if (child.state.parent !== tracked.state.key) continue;
      const stat = this.machine.proc.stat(child.state.hostPid);
      if (stat !== null && isSame(child, stat)) {
        const parent = this.byPid.get(stat.parentPid);
        if (parent === tracked) tracked.hasChildren = true;
        else if (parent !== undefined) parent.hasChildren = true;
        this.change(child, { parent: parent?.state.key ?? null });
      } else this.change(child, { parent: null });
    }
  }

  private settleNamespaces(): void {
    // Whether an fd holds one is only known by looking, and a bind mount may be 20 ms unread.
    if (this.namespaces.unsettled) {
      this.scanHolders();
      this.scanMounts();
    }
    for (const { kind, inode } of this.namespaces.settle()) {
      if (kind === 'mnt') this.mounts.forget(inode);
      if (kind === 'user') this.uidMaps.delete(inode);
      if (kind === 'pid') this.mounts.forgetPidNamespace(inode);
    }
  }

  // ---- helpers ------------------------------------------------------------------------------

  private statIfThere(pid: number): Stat | null {
    return this.machine.proc.exists(pid) ? this.machine.proc.stat(pid) : null;
  }

  private readMountsLater(mountNs: NsInode): void {
    if (!this.mountsDue.has(mountNs)) {
      this.mountsDue.set(mountNs, this.machine.now() + MOUNT_DELAY_MS);
    }
  }

  private readMounts(mountNs: NsInode): void {
    const pid = this.memberOf(mountNs);
    if (pid === null) return;
    const rows = this.mounts.read(mountNs, pid);
    if (rows !== null) this.namespaces.setMountHolders(mountNs, rows);
  }

  /** The oldest living member: younger ones may have changed their root. */
  private memberOf(mountNs: NsInode): number | null {
    let oldest: ProcessState | null = null;
    for (const { state, exitLooks } of this.byPid.values()) {
      if (state.namespaces.mnt !== mountNs || state.state === 'Z' || exitLooks !== null) continue;
      if (oldest === null || state.startTime < oldest.startTime) oldest = state;
    }
    return oldest?.hostPid ?? null;
  }

  private isInPidNamespace(pid: number, status: Status): boolean {
    const pidNs = this.machine.proc.namespace(pid, 'pid');
    // A zombie's link may be unreadable; then as many levels as init has must do.
    if (pidNs === null) return status.pids.length >= this.initLevels;
    return this.namespaces.isInside(pidNs, `${this.machine.proc.root}/${pid}/ns/pid`);
  }

  /**
   * A copy of the program that sends processes here (the player), on its way to become the
   * learner's shell: it runs the same file as its parent until it execs.
   */
  private isStillLauncher(pid: number, parentPid: number): boolean {
    if (pid === this.target.initPid) return false;
    const { proc } = this.machine;
    const program = proc.link(`${pid}/exe`);
    return program !== null && program === proc.link(`${parentPid}/exe`);
  }

  private cgroupOf(pid: number): string | null {
    const cgroup = this.machine.proc.cgroup(pid, this.place.controllers);
    return cgroup === null ? null : relativeCgroup(this.place, cgroup.path);
  }

  private byKey(key: string): Tracked | undefined {
    const tracked = this.byPid.get(Number.parseInt(key, 10));
    return tracked?.state.key === key ? tracked : undefined;
  }

  private timeOf(seconds: number): number {
    return Math.round(this.machine.bootedAt + seconds * 1000);
  }
}

function keyOf(pid: number, startTime: number): string {
  return `${pid}:${startTime}`;
}

function isSame(tracked: Tracked, stat: Stat | null): boolean {
  return stat !== null && stat.startTime === tracked.state.startTime;
}

/** A first thread that ended before the others is a Z in stat, but the process lives. */
function shownState(stat: Stat): string | null {
  return (stat.state === 'Z' || stat.state === 'X') && stat.threads > 1 ? null : stat.state;
}

/** For the small values of a ProcessState: numbers, strings, short lists and flat objects. */
function isEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  const [left, right] = [Object.entries(a), b as Record<string, unknown>];
  return (
    left.length === Object.keys(right).length &&
    left.every(([name, value]) => value === right[name])
  );
}
