/**
 * When the mounts of a sandbox's namespaces are read, and whose calls a difference is put down to.
 *
 * A mount call says that something changed, not what: it may have reached every namespace by
 * propagation. So all are read at once, then not again for a while that grows with their cost. What
 * was read is held back until the trace has told of all that had happened by then: who had done a
 * call, and who had begun one (a thread may rest for long between its change and the line about it).
 * Of two that could have done it, nobody is named; nor where the trace is too late.
 */
import type { MountState, NsInode, ProcessKey } from '@terrarium/timeline';
import type { MountTable } from './mount-table.js';
import { parseMountinfo } from './mountinfo.js';

/** Between two readings of one namespace, ms: this many times what reading all of them took. */
const PAUSE_FACTOR = 4;
const MIN_PAUSE_MS = 2;
const MAX_PAUSE_MS = 20;
/**
 * How late the trace may be, ms: most come within 2.5, on a busy machine some after 15, and with two
 * browsers beside it a few after 300. Until then nothing is told, which is better than told of nobody.
 */
const HOLD_MS = 1000;
/** A namespace that was entered just now is read when its maker has probably arranged it. */
const NEW_DELAY_MS = 20;

/** What this needs of the watch. */
export interface MountOwner {
  readonly now: () => number;
  readonly mountNamespaces: () => readonly NsInode[];
  /** host pid of a member to read through; null when there is none */
  readonly memberOf: (mountNs: NsInode) => number | null;
  /** mounts were read and differ from before */
  readonly onMounts: (mountNs: NsInode, rows: readonly MountState[]) => void;
  /** which namespaces they hold, before anything else about them is told */
  readonly onHolders: (mountNs: NsInode, rows: readonly MountState[]) => void;
  /** calls back once the trace has told of all that has happened by now; false where nobody knows */
  readonly whenTold: (then: () => void) => boolean;
  /** something is to be told */
  readonly wake: () => void;
}

/** A thread in a mount call that has not returned; what is not known of it is null. */
export interface MountCaller {
  readonly pid: number;
  readonly key: ProcessKey | null;
  readonly mountNs: NsInode | null;
}

/** Callers of mount system calls, with the mount namespace of each; null is somebody unknown. */
type Callers = Map<ProcessKey | null, NsInode | null>;

interface Held {
  readonly text: string;
  readonly pid: number;
  readonly callers: Callers;
  readonly until: number;
}

export class MountReadings {
  private readonly owner: MountOwner;
  private readonly table: MountTable;
  private readonly due = new Map<NsInode, number>();
  private readonly held = new Map<NsInode, Held>();
  /** who called since a namespace was read last */
  private readonly callers = new Map<NsInode, Callers>();
  private readonly readAt = new Map<NsInode, number>();
  /** by thread */
  private readonly begun = new Map<number, MountCaller>();
  private pause = MIN_PAUSE_MS;

  constructor(owner: MountOwner, table: MountTable) {
    this.owner = owner;
    this.table = table;
  }

  /** A thread is in a mount call. */
  begins(tid: number, caller: MountCaller): void {
    this.begun.set(tid, caller);
  }

  /** It is in none any more; success is for `called` to tell. */
  ends(tid: number): void {
    this.begun.delete(tid);
  }

  /** A process has ended, with all its threads. */
  ended(pid: number): void {
    for (const [tid, caller] of this.begun) if (caller.pid === pid) this.begun.delete(tid);
  }

  /** Lines of the trace were lost: whatever is read may be the work of somebody unknown. */
  lost(): void {
    this.begun.clear();
    this.called(null, null);
  }

  /** A mount call succeeded; of a process that is not known here, neither is its namespace. */
  called(key: ProcessKey | null, itsMountNs: NsInode | null): void {
    for (const mountNs of this.owner.mountNamespaces()) {
      const callers: Callers = this.callers.get(mountNs) ?? new Map();
      this.callers.set(mountNs, callers.set(key, itsMountNs));
      // It may have happened before that reading, or after it: it counts for both.
      this.held.get(mountNs)?.callers.set(key, itsMountNs);
      this.readBy(mountNs, (this.readAt.get(mountNs) ?? 0) + this.pause);
    }
  }

  /** A namespace was entered that was not known before. */
  entered(mountNs: NsInode): void {
    this.readBy(mountNs, this.owner.now() + NEW_DELAY_MS);
  }

  /** Does what is due. @returns when the next thing is; Infinity for nothing */
  tick(now: number): number {
    const began = performance.now();
    let read = false;
    for (const [mountNs, at] of [...this.due]) {
      if (at > now || this.held.has(mountNs)) continue;
      this.look(mountNs, now, false);
      read = true;
    }
    for (const [mountNs, held] of [...this.held]) {
      if (held.until <= now) this.release(mountNs, false);
    }
    if (read) this.pause = pauseAfter(performance.now() - began);
    const held = [...this.held.values()].map(({ until }) => until);
    const due = [...this.due].filter(([mountNs]) => !this.held.has(mountNs)).map(([, at]) => at);
    return Math.min(Number.POSITIVE_INFINITY, ...held, ...due);
  }

  /** Reads all of them now, without asking who did what is new. */
  readAll(): void {
    for (const mountNs of this.owner.mountNamespaces()) {
      this.release(mountNs, false);
      const pid = this.owner.memberOf(mountNs);
      const text = pid === null ? null : this.table.look(mountNs, pid);
      if (pid !== null && text !== null) this.apply(mountNs, pid, text);
    }
  }

  /** Reads all of them now; what is new is told once the trace has said who did it, if anybody. */
  checkAll(): void {
    for (const mountNs of this.owner.mountNamespaces()) {
      if (!this.held.has(mountNs)) this.look(mountNs, this.owner.now(), true);
    }
  }

  /** Reads now which namespaces the mounts hold; all else about them keeps its own time. */
  readHolders(): void {
    for (const mountNs of this.owner.mountNamespaces()) {
      const pid = this.owner.memberOf(mountNs);
      const text = pid === null ? null : this.table.look(mountNs, pid);
      if (text === null) continue;
      this.owner.onHolders(mountNs, parseMountinfo(text));
      this.readBy(mountNs, this.owner.now());
    }
  }

  /** The namespace is gone. */
  forget(mountNs: NsInode): void {
    for (const known of [this.due, this.held, this.callers, this.readAt]) known.delete(mountNs);
    this.table.forget(mountNs);
  }

  private readBy(mountNs: NsInode, at: number): void {
    this.due.set(mountNs, Math.min(at, this.due.get(mountNs) ?? at));
  }

  /** @param isCheck somebody may have called of whom the trace has yet to tell */
  private look(mountNs: NsInode, now: number, isCheck: boolean): void {
    this.due.delete(mountNs);
    const callers: Callers = this.callers.get(mountNs) ?? new Map();
    this.callers.delete(mountNs);
    this.readAt.set(mountNs, now);
    const pid = this.owner.memberOf(mountNs);
    const text = pid === null ? null : this.table.look(mountNs, pid);
    if (pid === null || text === null) return;
    if (callers.size === 0 && !isCheck) this.apply(mountNs, pid, text);
    else this.hold(mountNs, { text, pid, callers, until: now + HOLD_MS });
  }

  private hold(mountNs: NsInode, held: Held): void {
    this.held.set(mountNs, held);
    const told = (): void => {
      if (this.held.get(mountNs) !== held) return; // too late: it was released
      this.release(mountNs, true);
      this.owner.wake();
    };
    if (!this.owner.whenTold(told)) this.release(mountNs, false);
  }

  /** @param told the trace has told of all calls that the reading may show */
  private release(mountNs: NsInode, told: boolean): void {
    const held = this.held.get(mountNs);
    if (held === undefined) return;
    this.held.delete(mountNs);
    for (const { key, mountNs: theirs } of this.begun.values()) held.callers.set(key, theirs);
    const actor = told ? this.onlyOneOf(held.callers, mountNs) : undefined;
    this.apply(mountNs, held.pid, held.text, actor);
  }

  private apply(mountNs: NsInode, pid: number, text: string, actor?: ProcessKey): void {
    this.owner.onMounts(mountNs, this.table.apply(mountNs, pid, text, actor));
  }

  /** The caller that could have changed this namespace, if it is one alone. */
  private onlyOneOf(callers: Callers, mountNs: NsInode): ProcessKey | undefined {
    const able = [...callers].filter(([, theirs]) => this.reaches(theirs, mountNs));
    return able.length === 1 ? (able[0]?.[0] ?? undefined) : undefined;
  }

  /** Calls change the caller's own namespace, and by propagation those that share a peer group. */
  private reaches(from: NsInode | null, to: NsInode): boolean {
    if (from === null || from === to) return true;
    const groups = peerGroups(this.table.rowsOf(from));
    for (const group of peerGroups(this.table.rowsOf(to))) if (groups.has(group)) return true;
    return false;
  }
}

function pauseAfter(cost: number): number {
  return Math.min(MAX_PAUSE_MS, Math.max(MIN_PAUSE_MS, cost * PAUSE_FACTOR));
}

/** Numbers of the groups in which these mounts are peers or slaves: shared:N, master:N. */
function peerGroups(rows: readonly MountState[]): ReadonlySet<string> {
  const fields = rows.flatMap(({ optionalFields }) => optionalFields);
  return new Set(fields.map((field) => field.slice(field.indexOf(':') + 1)));
}
