/**
 * One watched sandbox: takes trace events and scans, keeps what is known of its processes,
 * namespaces and mounts, lends it to the parts (part.ts), and emits each difference as an event.
 * Runs in the observer process; changes nothing in the kernel.
 *
 * A trace event is a hint that comes a moment late: what it is about may be gone or another by
 * now. So whatever lives is read from /proc, and only of what is gone is the event itself believed.
 */
import type { EventBody, MountState, NsInode, ProcessKey } from '@terrarium/timeline';
import {
  type CgroupPlace,
  cgroupPlaces,
  processesInCgroup,
  relativeCgroup,
} from './cgroup-walk.js';
import { Hierarchies } from './cgroups/membership.js';
import { type Machine, type NamespaceName, timeOf } from './context.js';
import { heldFds } from './held-fds.js';
import { MountReadings } from './mount-readings.js';
import { MountTable } from './mount-table.js';
import { NamespaceTable } from './namespace-table.js';
import type { WatchedSandbox, WatchPart } from './part.js';
import { partsOf } from './parts.js';
import { OVERFLOW_UID } from './proc.js';
import { Arrivals } from './processes/arrivals.js';
import { Departures } from './processes/departures.js';
import { noteDelivery, noteSignal } from './processes/endings.js';
import { Members } from './processes/members.js';
import { type ForkHint, isSame, keyOf, type Tracked } from './processes/tracked.js';

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

/** Namespaces without members are decided upon this long after the last one left. */
const NAMESPACE_DELAY_MS = 30;

/** Between the two are the four that stop a process; SIGCONT lets it go on. The same on all architectures. */
const SIGCONT = 18;
const SIGURG = 23;
/** Mount calls that change what processes have as their root. */
const ROOT_CALLS: ReadonlySet<string> = new Set(['chroot', 'pivot_root']);

/** What a watch asks of the observer. */
export interface WatchHost {
  /** a part has something to tell outside of the trace */
  readonly wake: () => void;
  /** this host pid is now one of the sandbox's: what the trace says of it is for this watch */
  readonly born?: (pid: number) => void;
  /**
   * Calls back once the trace has told of all that has happened by now.
   *
   * @returns false where nobody can know: there is no trace, or it cannot be marked
   */
  readonly whenTold: (then: () => void) => boolean;
}

/** Most of what happens, and nothing to look at for who watches groups, layers or networks. */
const MERE_LIFE: ReadonlySet<EventBody['type']> = new Set([
  ...(['process.fork', 'process.exec', 'process.exit', 'process.change'] as const),
]);

const ALONE: WatchHost = { wake: () => {}, whenTold: () => false };

export class SandboxWatch {
  /** while a scan runs: what it finds is only noted */
  private isPatient = false;
  /** found by a patient scan, and told of by nobody yet */
  private readonly strangers = new Set<number>();
  readonly target: WatchTarget;
  readonly place: CgroupPlace;
  private readonly host: WatchHost;
  /** the trace tells of every way in which its processes end; else exits are found by looking */
  traced = false;
  private readonly machine: Machine;
  private readonly places: readonly CgroupPlace[];
  private readonly hierarchies: Hierarchies;
  private readonly members: Members;
  private readonly arrivals: Arrivals;
  private readonly departures: Departures;
  private readonly namespaces: NamespaceTable;
  private readonly mounts: MountTable;
  private readonly mountReadings: MountReadings;
  private namespacesDue: number | null = null;
  private parts: readonly WatchPart[] = [];
  /** when the first of the parts wants its tick; 0 when there is news for them */
  private partsDue = 0;
  private lookers = 1;
  private queue: EventBody[] = [];
  private readonly emit = (body: EventBody): void => {
    this.queue.push(body);
    if (!MERE_LIFE.has(body.type)) this.partsDue = 0;
    if (body.type === 'process.fork') this.host.born?.(body.process.hostPid);
    if (body.type !== 'process.fork' && body.type !== 'process.exit') return;
    for (const part of this.parts) part.onProcess?.(body);
  };

  /**
   * @throws Error when init is not there
   */
  constructor(machine: Machine, target: WatchTarget, place: CgroupPlace, host: WatchHost = ALONE) {
    this.machine = machine;
    this.target = target;
    this.place = place;
    this.host = host;
    this.places = cgroupPlaces(machine.proc, target.cgroupDirs);
    const hierarchies = new Hierarchies(machine.proc, this.places, place);
    this.hierarchies = hierarchies;
    const { emit } = this;
    const { initPid } = target;
    const own = machine.proc.namespaces(initPid);
    const stat = machine.proc.stat(initPid);
    const status = machine.proc.status(initPid);
    if (own === null || stat === null || status === null) {
      throw new Error(`init ${initPid} of sandbox ${target.id} is not running`);
    }
    const namespaces = new NamespaceTable(machine, emit, own, (gone) => this.forgetNamespace(gone));
    this.namespaces = namespaces;
    this.mounts = new MountTable(machine, emit);
    this.mountReadings = new MountReadings(
      {
        now: machine.now,
        mountNamespaces: () => namespaces.mountNamespaces(),
        memberOf: (mountNs) => this.members.memberOf(mountNs),
        onMounts: (mountNs, rows) => this.mountsRead(mountNs, rows),
        onHolders: (mountNs, rows) => namespaces.setMountHolders(mountNs, rows),
        ...host,
      },
      this.mounts,
    );
    const onMountNamespace = (mountNs: NsInode): void => this.mountReadings.entered(mountNs);
    this.members = new Members({ machine, emit, namespaces, onMountNamespace });
    const isTraced = (): boolean => this.traced;
    const exits = { machine, emit, namespaces, isTraced, ...host };
    this.departures = new Departures(exits, this.members);
    const initLevels = status.pids.length;
    this.arrivals = new Arrivals(
      { machine, place, hierarchies, namespaces, own, initPid, initLevels },
      this.members,
      this.departures,
    );
    this.emit({
      type: 'sandbox.start',
      sandbox: {
        id: target.id,
        init: keyOf(initPid, stat.startTime),
        namespaces: own,
        kernelRelease: machine.kernelRelease,
      },
    });
    this.parts = partsOf(this.lend(host));
  }

  /** Pages that look at it; with none it is compared with the kernel less often. */
  get viewers(): number {
    return this.lookers;
  }

  set viewers(count: number) {
    this.lookers = count;
    this.partsDue = 0; // some sample only while somebody looks
  }

  /** The sandbox is no longer watched. */
  close(): void {
    for (const part of this.parts) part.close();
  }

  /** The tape of system calls is wanted, or no longer. */
  setTracing(on: boolean): void {
    this.tellParts((part) => part.onTracing?.(on));
  }

  /** Something that a part may have to act upon: its tick comes with the next one here. */
  private tellParts(news: (part: WatchPart) => void): void {
    this.partsDue = 0;
    for (const part of this.parts) news(part);
  }

  private lend(host: WatchHost): WatchedSandbox {
    const { machine, emit, target, place, places, members } = this;
    return {
      ...{ machine, emit, place, places, ...host },
      wake: () => {
        this.partsDue = 0;
        host.wake();
      },
      id: target.id,
      initPid: target.initPid,
      cgroupDirs: target.cgroupDirs,
      viewers: () => this.viewers,
      processes: () => [...members.byPid.values()].map(({ state }) => state),
      process: (pid) => members.byPid.get(pid)?.state,
      memberOf: (kind, inode) => members.memberOf(inode, kind),
      namespaces: (kind) => this.namespaces.ofKind(kind),
      holdersOf: (inode) => this.namespaces.holdersOf(inode),
      mounts: (mountNs) => this.mounts.rowsOf(mountNs),
      changeProcess: (pid, change, actor) => {
        const tracked = members.byPid.get(pid);
        if (tracked !== undefined) members.change(tracked, change, actor);
      },
    };
  }

  /** Everything emitted since the last call. */
  drain(): readonly EventBody[] {
    const bodies = this.queue;
    this.queue = [];
    return bodies;
  }

  /** Host pids that belong to this sandbox or may come to. */
  knows(pid: number): boolean {
    return this.members.byPid.has(pid) || this.arrivals.outsiders.has(pid);
  }

  /** Host pids of all processes shown. */
  pids(): number[] {
    return [...this.members.byPid.keys()];
  }

  // ---- trace events -------------------------------------------------------------------------

  /** @returns true when the child is now known here */
  onFork(hint: ForkHint): boolean {
    return this.arrivals.onFork(hint);
  }

  /** @param seconds since boot */
  onExec(pid: number, file: string, seconds: number): void {
    const tracked = this.members.byPid.get(pid);
    if (tracked === undefined) {
      this.arrivals.consider(pid);
      return;
    }
    const name = file.slice(file.lastIndexOf('/') + 1);
    const comm = tracked.renamed ?? Buffer.from(name).subarray(0, 15).toString();
    const args = this.argsOf(tracked, comm) ?? [file];
    tracked.renamed = null;
    tracked.state = { ...tracked.state, comm, args };
    const at = timeOf(this.machine, seconds);
    this.emit({ type: 'process.exec', key: tracked.state.key, comm, args, at });
    for (const part of this.parts) part.onExec?.(tracked.state);
    this.members.settleLater(pid);
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
    const tracked = this.members.byPid.get(pid);
    if (tracked === undefined) return;
    tracked.renamed = comm; // exec renames first; anything else is read when it settles
    this.members.settleLater(pid);
  }

  onExit(pid: number): void {
    this.arrivals.outsiders.delete(pid);
    const tracked = this.members.byPid.get(pid);
    if (tracked !== undefined) this.departures.onExit(tracked);
    this.mountReadings.ended(pid);
    for (const part of this.parts) part.onExiting?.(pid);
  }

  /** exit_group with this argument, which is not 0. */
  onExiting(pid: number, code: number): void {
    const tracked = this.members.byPid.get(pid);
    if (tracked !== undefined) tracked.clues.exitCode = code;
  }

  /** A signal was queued for a process; see siginfo for the code. */
  onSignal(pid: number, sender: number, signal: number, code: number): void {
    const target = this.members.byPid.get(pid);
    if (target === undefined) return;
    if (signal === SIGCONT) this.members.settleLater(pid);
    else noteSignal(target, sender, this.members.byPid.get(sender) ?? null, signal, code);
  }

  /** A signal was taken, by a handler or by the default action. */
  onDelivery(pid: number, signal: number, handled: boolean): void {
    const tracked = this.members.byPid.get(pid);
    if (tracked === undefined) return;
    if (signal > SIGCONT && signal < SIGURG) this.members.settleLater(pid);
    else noteDelivery(tracked, signal, handled);
  }

  /** Lines of the trace were lost: what was not told of these processes may have been so. */
  onLoss(): void {
    for (const tracked of this.members.byPid.values()) tracked.missedLines = true;
    this.mountReadings.lost();
  }

  /**
   * cgroup_attach_task: a move within the sandbox, into it, or out of it.
   *
   * @param by host pid of the process that wrote the number
   */
  onAttach(pid: number, hierarchy: number, path: string, by: number): boolean {
    if (hierarchy !== this.place.hierarchy) return false;
    const relative = relativeCgroup(this.place, path);
    const tracked = this.members.byPid.get(pid);
    if (relative === null) {
      this.arrivals.outsiders.delete(pid);
      if (tracked !== undefined && this.arrivals.cgroupOf(pid) === null) {
        this.departures.remove(tracked);
      }
      return false;
    }
    if (tracked !== undefined) {
      const change = this.hierarchies.moved(tracked.state, relative);
      this.members.change(tracked, change, this.actorOn(pid, by));
    } else this.arrivals.onBorn(pid);
    return true;
  }

  /** The same for every hierarchy, of a process that is known here. */
  attached(pid: number, hierarchy: number, path: string, by: number): void {
    const actor = this.actorOn(pid, by);
    this.tellParts((part) => part.onAttach?.(pid, hierarchy, path, actor));
  }

  /** Who did something to a process, where that is another one of this sandbox. */
  private actorOn(pid: number, by: number): ProcessKey | undefined {
    return pid === by ? undefined : this.members.byPid.get(by)?.state.key;
  }

  /** A process of this sandbox made or removed a cgroup. */
  onCgroup(what: 'mkdir' | 'rmdir', pid: number, hierarchy: number, path: string): void {
    this.tellParts((part) => part.onCgroup?.(what, pid, hierarchy, path));
  }

  onOom(pid: number): void {
    this.tellParts((part) => part.onOom?.(pid));
  }

  /** A process was born in a cgroup that was chosen for it: this sandbox's, perhaps. */
  onBorn(pid: number): boolean {
    return this.arrivals.onBorn(pid);
  }

  /** unshare, setns, setuid…: reads what it changes. Mount calls: see `mountsChanged`. */
  onCall(pid: number, name: string): void {
    const tracked = this.members.byPid.get(pid);
    if (tracked === undefined) {
      if (name === 'setns') this.arrivals.consider(pid);
      return;
    }
    const { key } = tracked.state;
    if (name === 'unshare') this.members.readNamespaces(tracked, key);
    if (name === 'setns') this.members.readNamespaces(tracked);
    if (name === 'sethostname') this.readHostName(tracked.state.namespaces.uts, key);
    if (name.startsWith('set')) this.members.readStatus(tracked);
    this.members.settleLater(pid);
    this.tellParts((part) => part.onCall?.(pid, name));
  }

  /** A thread begins a call that may change mounts: it can have done so before the trace says so. */
  mountCallBegins(pid: number, tid: number): void {
    const caller = this.members.byPid.get(pid)?.state;
    const mountNs = caller?.namespaces.mnt ?? null;
    this.mountReadings.begins(tid, { pid, key: caller?.key ?? null, mountNs });
  }

  /** That call failed. */
  mountCallEnds(tid: number): void {
    this.mountReadings.ends(tid);
  }

  /** A mount call succeeded: propagation may have carried it to every namespace of the sandbox. */
  mountsChanged(pid: number, tid: number, name: string): void {
    this.mountReadings.ends(tid);
    this.tellParts((part) => part.onCall?.(pid, name));
    const caller = this.members.byPid.get(pid)?.state;
    if (ROOT_CALLS.has(name)) this.rootsChanged(pid, caller?.namespaces.mnt);
    this.mountReadings.called(caller?.key ?? null, caller?.namespaces.mnt ?? null);
  }

  /** chroot changes the caller's root; pivot_root that of all in its mount namespace who had the old one. */
  private rootsChanged(pid: number, mountNs: NsInode | undefined): void {
    this.members.settleLater(pid);
    for (const { state } of this.members.byPid.values()) {
      if (state.namespaces.mnt === mountNs) this.members.settleLater(state.hostPid);
    }
  }

  // ---- time ---------------------------------------------------------------------------------

  /** Does what is due, and says when (ms since the epoch) the next thing is; null for nothing. */
  tick(now: number): number | null {
    let next = this.tickProcesses(now);
    if (this.namespaces.unsettled) this.namespacesDue ??= now + NAMESPACE_DELAY_MS;
    if (this.namespacesDue !== null) {
      if (this.namespacesDue <= now) {
        this.namespacesDue = null;
        this.settleNamespaces();
      } else next = Math.min(next, this.namespacesDue);
    }
    next = Math.min(next, this.mountReadings.tick(now), this.tickParts(now));
    return next === Number.POSITIVE_INFINITY ? null : next;
  }

  /** Not upon every fork: with 600 a second one part's questions alone were 17 % of the observer's work. */
  private tickParts(now: number): number {
    if (this.partsDue > now) return this.partsDue;
    const never = Number.POSITIVE_INFINITY;
    this.partsDue = never;
    const dues = this.parts.map((part) => part.tick(now) ?? never);
    // What one of them has just told may be news for another: then it is 0 already.
    this.partsDue = Math.min(this.partsDue, ...dues);
    return Math.max(this.partsDue, now);
  }

  private tickProcesses(now: number): number {
    const { due } = this.members;
    let next = Number.POSITIVE_INFINITY;
    for (const [pid, at] of [...due]) {
      if (at <= now) this.lookAgain(pid);
      next = Math.min(next, due.get(pid) ?? next);
    }
    return next;
  }

  private lookAgain(pid: number): void {
    this.members.due.delete(pid);
    const tracked = this.members.byPid.get(pid);
    if (tracked === undefined) return;
    if (tracked.exitLooks !== null) {
      this.departures.look(tracked);
      return;
    }
    const stat = this.machine.proc.stat(pid);
    if (stat === null || !isSame(tracked, stat)) this.departures.missing(tracked);
    else this.members.settle(tracked, stat);
  }

  // ---- scans --------------------------------------------------------------------------------

  /**
   * Compares everything with the kernel and emits what was missed.
   *
   * @param depth `stat`: which processes there are, and what stat says of them; `full`: also uid,
   *   arguments, namespaces, zombies that no cgroup lists, held namespaces and mounts
   * @param outsiders whether those are looked at again; the default is with a full scan only, as
   *   an outsider becomes a member by an event
   * @param isPatient whether a newcomer is only noted, see `meetStrangers`: a scan may be faster than
   *   the trace, which will say who made it
   * @returns the pids that were not known before
   */
  scan(depth: 'stat' | 'full', outsiders: boolean = depth === 'full', isPatient = false): number[] {
    const before = new Set(this.known());
    this.isPatient = isPatient;
    this.scanProcesses(depth, outsiders);
    if (depth === 'full') {
      this.scanChildren();
      this.scanHolders();
      this.scanHostNames();
      this.scanMounts();
      this.settleNamespaces();
    }
    this.isPatient = false;
    this.tellParts((part) => part.scan(depth));
    return this.known().filter((pid) => !before.has(pid));
  }

  /** Whether a patient scan found processes that nobody had told of. */
  get hasStrangers(): boolean {
    return this.strangers.size > 0;
  }

  /**
   * Lets in those that are strangers still, though the trace has told of all before that scan.
   *
   * @returns the pids that were not known before
   */
  meetStrangers(): number[] {
    const before = new Set(this.known());
    for (const pid of this.strangers) this.arrivals.onBorn(pid);
    this.strangers.clear();
    return this.known().filter((pid) => !before.has(pid));
  }

  private known(): number[] {
    return [...this.pids(), ...this.arrivals.outsiders];
  }

  private found(pid: number): void {
    if (this.isPatient) this.strangers.add(pid);
    else this.arrivals.onBorn(pid);
  }

  private scanProcesses(depth: 'stat' | 'full', withOutsiders: boolean): void {
    const listed = processesInCgroup(this.machine.proc, this.place);
    const { outsiders } = this.arrivals;
    for (const pid of outsiders) if (!listed.has(pid)) outsiders.delete(pid);
    for (const [pid, cgroup] of listed) {
      if (withOutsiders || !outsiders.has(pid)) this.refresh(pid, cgroup, depth);
    }
    for (const pid of this.pids()) if (!listed.has(pid)) this.refresh(pid, null, depth);
  }

  /** Zombies are in no cgroup.procs, but still their parents' children. */
  private scanChildren(): void {
    for (const pid of this.pids()) {
      for (const child of this.machine.proc.children(pid)) {
        if (this.members.byPid.has(child)) continue;
        if (this.isPatient) this.strangers.add(child);
        else this.arrivals.consider(child);
      }
    }
  }

  private refresh(pid: number, cgroup: string | null, depth: 'stat' | 'full'): void {
    const { members } = this;
    const tracked = members.byPid.get(pid);
    if (tracked === undefined) {
      this.found(pid);
      return;
    }
    const stat = this.machine.proc.stat(pid);
    if (stat === null || !isSame(tracked, stat)) {
      if (stat === null) this.departures.missing(tracked);
      else {
        this.departures.remove(tracked);
        this.arrivals.consider(pid);
      }
      return;
    }
    members.applyStat(tracked, stat);
    // A patient scan leaves moves to the part for cgroups, which waits for who moved it.
    if (cgroup !== null && !this.isPatient) {
      members.change(tracked, this.hierarchies.moved(tracked.state, cgroup));
    }
    if (stat.state === 'Z') return;
    const unmapped = tracked.state.uid.inside === OVERFLOW_UID;
    if (depth === 'full') {
      members.readNamespaces(tracked);
      const args = this.machine.proc.args(pid);
      if (args !== null) members.change(tracked, { args });
    }
    if (depth === 'full' || unmapped) members.readStatus(tracked);
  }

  /** Looks through the fds of the sandbox's processes for namespaces that they hold open. */
  scanHolders(): void {
    const processes = [...this.members.byPid.values()].map(({ state }) => state);
    this.namespaces.setFdHolders(heldFds(this.machine.proc, this.namespaces, processes));
  }

  /** Reads the mounts of every mount namespace of the sandbox. */
  scanMounts(): void {
    if (this.isPatient) this.mountReadings.checkAll();
    else this.mountReadings.readAll();
  }

  /** Through its oldest member: who called sethostname may be gone already. */
  private readHostName(uts: NsInode, actor?: ProcessKey): void {
    const pid = this.members.memberOf(uts, 'uts');
    if (pid === null) return;
    this.namespaces.readLabel(uts, `${this.machine.proc.root}/${pid}/ns/uts`, actor);
  }

  /** A host name is also written to /proc/sys/kernel/hostname, which is no system call of its own. */
  private scanHostNames(): void {
    for (const uts of this.namespaces.ofKind('uts')) this.readHostName(uts);
  }

  // ---- namespaces and mounts ----------------------------------------------------------------

  private settleNamespaces(): void {
    // Whether an fd holds one is only known by looking, and a bind mount may be 20 ms unread.
    if (this.namespaces.unsettled) {
      this.scanHolders();
      this.mountReadings.readHolders();
    }
    this.namespaces.settle();
  }

  private forgetNamespace({ kind, inode }: NamespaceName): void {
    // Nobody can be in it: who is said to be is on its way out, or has moved and it is not yet told.
    const { members } = this;
    const isIn = ({ state }: Tracked): boolean => state.namespaces[kind] === inode;
    for (const tracked of [...members.byPid.values()].filter(isIn)) {
      if (isSame(tracked, members.statIfThere(tracked.state.hostPid))) {
        members.readNamespaces(tracked);
        if (isIn(tracked)) members.leaveNamespaces(tracked);
      }
      if (isIn(tracked)) this.departures.remove(tracked);
    }
    if (kind === 'mnt') this.mountReadings.forget(inode);
    if (kind === 'user') this.members.forgetUserNamespace(inode);
    if (kind === 'pid') this.mounts.forgetPidNamespace(inode);
  }

  private mountsRead(mountNs: NsInode, rows: readonly MountState[]): void {
    this.namespaces.setMountHolders(mountNs, rows);
    this.tellParts((part) => part.onMounts?.(mountNs, rows));
  }
}
