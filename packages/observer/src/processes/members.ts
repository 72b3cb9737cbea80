/**
 * The processes of one sandbox: what is known of each, and the readings that keep it true. Each
 * difference becomes an event. Who comes is decided in arrivals.ts, who goes in departures.ts.
 */
import type { NamespaceKind, NsInode, ProcessKey, ProcessState } from '@terrarium/timeline';
import type { Emit, Machine } from '../context.js';
import type { NamespaceTable } from '../namespace-table.js';
import { type IdExtent, type Namespaces, type Stat, type Status, uidInside } from '../proc.js';
import { noClues } from './endings.js';
import { isEqual, keyOf, shownState, type Tracked } from './tracked.js';

/** A process is read again this long after its last event: job control and uid maps come late. */
const SETTLE_MS = 25;

/** What the processes of a sandbox share with the rest of its watch. */
export interface Surroundings {
  readonly machine: Machine;
  readonly emit: Emit;
  readonly namespaces: NamespaceTable;
  /** a mount namespace was entered that was not known before */
  readonly onMountNamespace: (mountNs: NsInode) => void;
}

export class Members {
  readonly byPid: Map<number, Tracked> = new Map();
  /** when to look at a process again, ms since the epoch */
  readonly due: Map<number, number> = new Map();
  private readonly around: Surroundings;
  private readonly uidMaps = new Map<NsInode, readonly IdExtent[]>();

  constructor(around: Surroundings) {
    this.around = around;
  }

  byKey(key: string): Tracked | undefined {
    const tracked = this.byPid.get(Number.parseInt(key, 10));
    return tracked?.state.key === key ? tracked : undefined;
  }

  /** stat of a process that has probably gone. */
  statIfThere(pid: number): Stat | null {
    const { proc } = this.around.machine;
    return proc.exists(pid) ? proc.stat(pid) : null;
  }

  /** The oldest living member: younger ones may have changed their root. */
  memberOf(inode: NsInode, kind: NamespaceKind = 'mnt'): number | null {
    let oldest: ProcessState | null = null;
    for (const { state, exitLooks } of this.byPid.values()) {
      if (state.namespaces[kind] !== inode || state.state === 'Z' || exitLooks !== null) continue;
      if (oldest === null || state.startTime < oldest.startTime) oldest = state;
    }
    return oldest?.hostPid ?? null;
  }

  /**
   * A process is here from now on.
   *
   * @param caller who called fork or clone, where that was seen: it made what namespaces are new
   */
  add(state: ProcessState, inherits: boolean, caller?: ProcessKey): void {
    const { hostPid: pid } = state;
    const parent = state.parent === null ? undefined : this.byKey(state.parent);
    if (parent !== undefined) parent.hasChildren = true;
    this.enterNamespaces(state.namespaces, pid, state.bornAt, caller);
    const tracked: Tracked = {
      state: parent === undefined ? { ...state, parent: null } : state,
      inherits,
      renamed: null,
      hasChildren: false,
      exitLooks: null,
      waitStatus: null,
      clues: noClues(),
      missedLines: false,
    };
    this.byPid.set(pid, tracked);
    const other = caller !== undefined && caller !== tracked.state.parent;
    this.around.emit({
      type: 'process.fork',
      process: tracked.state,
      ...(other && { actor: caller }),
    });
    if (!inherits) tracked.inherits = this.childrenInherit(tracked);
    this.settleLater(pid);
  }

  /** What stat, status and the namespace links say of a new process. */
  describe(
    pid: number,
    stat: Stat,
    status: Pick<Status, 'pids' | 'uid'>,
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

  /**
   * Sets fields of a process and tells those that differ.
   *
   * @param actor another process that did this to it, where that is known
   */
  change(tracked: Tracked, wanted: Partial<ProcessState>, actor?: ProcessKey): void {
    const change: Record<string, unknown> = {};
    for (const [name, value] of Object.entries(wanted)) {
      if (!isEqual(value, tracked.state[name as keyof ProcessState])) change[name] = value;
    }
    if (Object.keys(change).length === 0) return;
    tracked.state = { ...tracked.state, ...change };
    const { key } = tracked.state;
    this.around.emit({ type: 'process.change', key, change, ...(actor && { actor }) });
  }

  applyStat(tracked: Tracked, stat: Stat): void {
    const parent = this.byPid.get(stat.parentPid);
    if (parent !== undefined) parent.hasChildren = true;
    const state = shownState(stat) ?? tracked.state.state;
    if (state === 'Z') tracked.waitStatus = stat.waitStatus;
    // Another name without an exec event: the event was lost, or it renamed itself.
    const renamed = stat.comm !== tracked.state.comm;
    const args = renamed ? this.around.machine.proc.args(tracked.state.hostPid) : null;
    this.change(tracked, {
      comm: stat.comm,
      state,
      parent: parent?.state.key ?? null,
      processGroup: stat.processGroup,
      terminal: stat.terminal,
      ...(state === 'Z' ? { args: [] } : args === null ? {} : { args }),
    });
    if (state === 'Z') this.leaveNamespaces(tracked);
  }

  /** It has ended, and is in none any more but its pid and user namespace: as a newcomer would see it. */
  leaveNamespaces(tracked: Tracked): void {
    const { parent, namespaces: before, hostPid, bornAt } = tracked.state;
    const { namespaces } = this.around;
    const heir = parent === null ? undefined : this.byKey(parent);
    const after = namespaces.afterEnd(before, heir?.state.namespaces);
    if (isEqual(before, after)) return;
    this.enterNamespaces(after, hostPid, bornAt);
    this.change(tracked, { namespaces: after });
    namespaces.leave(before);
  }

  readStatus(tracked: Tracked): void {
    const pid = tracked.state.hostPid;
    const status = this.around.machine.proc.status(pid);
    if (status === null) return;
    const uid = this.uids(pid, status.uid, tracked.state.namespaces.user);
    const facts = this.around.machine.proc.facts(pid, status);
    this.change(tracked, { uid, pids: status.pids, ...(facts !== null && { facts }) });
  }

  /** @param actor who made those that are new: it has just called unshare */
  readNamespaces(tracked: Tracked, actor?: ProcessKey): void {
    const { hostPid, namespaces: before } = tracked.state;
    const { machine, namespaces } = this.around;
    const after = machine.proc.namespaces(hostPid);
    if (after === null) return;
    if (!isEqual(before, after)) {
      this.enterNamespaces(after, hostPid, machine.now(), actor);
      this.change(tracked, { namespaces: after });
      namespaces.leave(before);
    }
    tracked.inherits = this.childrenInherit(tracked);
  }

  /** Reads a process once more when it has come to rest. */
  settleLater(pid: number): void {
    const tracked = this.byPid.get(pid);
    if (tracked?.exitLooks === null) this.due.set(pid, this.around.machine.now() + SETTLE_MS);
  }

  /** Reads what its events left open. Its number is still its own. */
  settle(tracked: Tracked, stat: Stat): void {
    tracked.renamed = null;
    this.applyStat(tracked, stat);
    if (stat.state === 'Z') return;
    this.readStatus(tracked);
    // In the middle of an exec the name is new and the arguments are not there yet.
    if (tracked.state.args.length === 0) {
      const args = this.around.machine.proc.args(tracked.state.hostPid);
      this.change(tracked, { args: args ?? [] });
    }
  }

  /** A user namespace is gone: its number may come again, with another map. */
  forgetUserNamespace(inode: NsInode): void {
    this.uidMaps.delete(inode);
  }

  /** unshare and setns of a pid or time namespace take effect for the children only. */
  private childrenInherit(tracked: Tracked): boolean {
    const { hostPid, namespaces } = tracked.state;
    const { proc } = this.around.machine;
    return (
      proc.namespace(hostPid, 'pid_for_children') === namespaces.pid &&
      (proc.namespace(hostPid, 'time_for_children') ?? namespaces.time) === namespaces.time
    );
  }

  private enterNamespaces(
    entered: Namespaces,
    pid: number,
    bornAt: number,
    actor?: ProcessKey,
  ): void {
    const { namespaces, machine, onMountNamespace } = this.around;
    const ns = `${machine.proc.root}/${pid}/ns`;
    if (namespaces.join(entered, ns, bornAt, actor)) onMountNamespace(entered.mnt);
  }

  private uids(pid: number, outside: number, userNs: NsInode): ProcessState['uid'] {
    let map = this.uidMaps.get(userNs);
    if (map === undefined) {
      map = this.around.machine.proc.uidMap(pid) ?? [];
      // Maps are written once, some time after the namespace was made.
      if (map.length > 0) this.uidMaps.set(userNs, map);
    }
    return { outside, inside: uidInside(map, outside) };
  }
}
