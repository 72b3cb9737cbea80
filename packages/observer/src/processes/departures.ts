/**
 * Who leaves a sandbox. An exit event comes before the process is gone: it stays a zombie until its
 * parent reaps it, at once or never, so it is looked at again and again, ever more rarely.
 */
import type { Emit, Machine } from '../context.js';
import type { NamespaceTable } from '../namespace-table.js';
import { awaitsSender, endingOf } from './endings.js';
import type { Members } from './members.js';
import { isSame, shownState, type Tracked } from './tracked.js';

/** When to look whether an exited process was reaped, ms after the event; then the last for ever. */
const REAP_LOOKS_MS = [2, 10, 25, 60, 150, 250];
/** A zombie is shown as such from this look on: most are reaped before. */
const SHOW_ZOMBIE_AT = 1;

/** How long (ms) the exit event of a process that is gone is waited for, where no mark says it. */
const EXIT_EVENT_MS = 20;
/** The same where one does; the mark itself may be lost in a flood. */
const MARK_LATE_MS = 500;

/** What leaving needs of the watch. */
export interface Exits {
  readonly machine: Machine;
  readonly emit: Emit;
  readonly namespaces: NamespaceTable;
  /** the trace tells of every way in which a process ends */
  readonly isTraced: () => boolean;
  /** calls back when the trace has told of all that has happened by now; false: nobody can know */
  readonly whenTold?: (then: () => void) => boolean;
  /** something was emitted between events and looks */
  readonly wake?: () => void;
}

export class Departures {
  private readonly exits: Exits;
  private readonly members: Members;
  /** found to be gone before their exit event came: until when it is waited for, ms */
  private readonly awaited = new WeakMap<Tracked, number>();

  constructor(exits: Exits, members: Members) {
    this.exits = exits;
    this.members = members;
  }

  onExit(tracked: Tracked): void {
    if (tracked.exitLooks !== null) return;
    tracked.clues.complete = this.exits.isTraced() && !tracked.missedLines;
    tracked.exitLooks = 0;
    // Now it is still on its way, or a zombie for a moment; a look that finds it gone is cheap.
    if (tracked.clues.complete) this.lookLater(tracked, 0);
    else this.look(tracked);
  }

  /** After an exit event: gone, a zombie, or still on its way. */
  look(tracked: Tracked): void {
    const { hostPid: pid } = tracked.state;
    const looks = tracked.exitLooks ?? 0;
    const stat = this.members.statIfThere(pid);
    if (stat === null || !isSame(tracked, stat)) {
      if (looks <= 1 && awaitsSender(tracked)) this.lookLater(tracked, looks);
      else this.remove(tracked);
      return;
    }
    if (shownState(stat) === 'Z') {
      tracked.waitStatus = stat.waitStatus;
      if (looks > SHOW_ZOMBIE_AT) {
        this.members.applyStat(tracked, stat);
        this.adoptChildren(tracked);
      }
    } else if (looks === REAP_LOOKS_MS.length) {
      tracked.exitLooks = null; // it lives: what ended was its first thread
      return;
    }
    this.lookLater(tracked, looks);
  }

  private lookLater(tracked: Tracked, looks: number): void {
    tracked.exitLooks = looks + 1;
    const pause = REAP_LOOKS_MS[Math.min(looks, REAP_LOOKS_MS.length - 1)] ?? 0;
    this.members.due.set(tracked.state.hostPid, this.exits.machine.now() + pause);
  }

  /** A look found it gone. Its exit event says how it ended, and may be a moment behind. */
  missing(tracked: Tracked): void {
    const isLate = !this.exits.isTraced() || tracked.exitLooks !== null;
    const now = this.exits.machine.now();
    const until = isLate ? now : (this.awaited.get(tracked) ?? now + this.awaitLines(tracked));
    if (now >= until) {
      this.remove(tracked);
      return;
    }
    this.awaited.set(tracked, until);
    this.members.due.set(tracked.state.hostPid, until);
  }

  /** On a busy machine the lines about a process are read long after it is gone. @returns ms */
  private awaitLines(tracked: Tracked): number {
    const isMarked = this.exits.whenTold?.(() => this.allTold(tracked)) ?? false;
    return isMarked ? MARK_LATE_MS : EXIT_EVENT_MS;
  }

  /** Every line about one that is gone was read, and none said that it ended. */
  private allTold(tracked: Tracked): void {
    if (this.members.byPid.get(tracked.state.hostPid) !== tracked) return;
    if (tracked.exitLooks === null) this.remove(tracked);
    this.exits.wake?.();
  }

  remove(tracked: Tracked): void {
    const { hostPid: pid, key, namespaces } = tracked.state;
    this.members.byPid.delete(pid);
    this.members.due.delete(pid);
    this.adoptChildren(tracked);
    const { waitStatus, actor } = endingOf(tracked);
    this.exits.emit({ type: 'process.exit', key, waitStatus, ...(actor !== null && { actor }) });
    this.exits.namespaces.leave(namespaces);
  }

  /** The kernel gave its children to a subreaper or to the init of their pid namespace. */
  private adoptChildren(tracked: Tracked): void {
    if (!tracked.hasChildren) return;
    tracked.hasChildren = false;
    for (const child of this.members.byPid.values()) {
      if (child.state.parent !== tracked.state.key) continue;
      const stat = this.exits.machine.proc.stat(child.state.hostPid);
      if (stat !== null && isSame(child, stat)) {
        const parent = this.members.byPid.get(stat.parentPid);
        if (parent === tracked) tracked.hasChildren = true;
        else if (parent !== undefined) parent.hasChildren = true;
        this.members.change(child, { parent: parent?.state.key ?? null });
      } else this.members.change(child, { parent: null });
    }
  }
}
