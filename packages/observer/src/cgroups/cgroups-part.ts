/**
 * Cgroups of a watched sandbox: groups and their settings, members in every hierarchy, meters and
 * OOM kills. Runs in the observer process, host namespaces, root; reads only.
 *
 * Made, removed, moved: the trace tells at once and says who. Written: inotify on each directory
 * tells (no process, no thread). Counted: sampled while somebody looks. Where there is no trace,
 * inotify also tells of children and of writes to cgroup.procs; scans heal the rest.
 */
import type { ProcessKey, ProcessState } from '@terrarium/timeline';
import { type CgroupPlace, relativeCgroup } from '../cgroup-walk.js';
import type { WatchedSandbox, WatchPart } from '../part.js';
import { AfterTrace } from './after-trace.js';
import { kindOfFile } from './control-files.js';
import { type Group, GroupTable, keyOf } from './group-table.js';
import { elsewhere, movedIn, pathsOf, sameElsewhere } from './membership.js';
import { MeterReadings } from './meter-readings.js';
import { OomKills } from './oom-kills.js';

/** Meters are read this often while somebody looks. */
const SAMPLE_MS = 250;
/** A group that is written to without pause is read this often. */
const FILES_PAUSE_MS = 15;
/** FREEZING becomes FROZEN when the last process has stopped; then scans look, not we. */
const MAX_FREEZER_LOOKS = 40;
/** Processes whose groups are compared in one light scan (10 µs each); a full one takes them all. */
const COMPARED_AT_ONCE = 256;

interface Due {
  readonly files: Set<string>;
  filesAt: number;
  readonly children: AfterTrace;
  freezerLooks: number;
}

export class CgroupsPart implements WatchPart {
  private readonly sandbox: WatchedSandbox;
  private readonly table: GroupTable;
  private readonly meters = new MeterReadings();
  private readonly kills: OomKills;
  private readonly due = new Map<Group, Due>();
  private readonly readAt = new WeakMap<Group, number>();
  private readonly membersDue: AfterTrace;
  /** found elsewhere than was told, and the trace may still say who moved them */
  private readonly moved = new Set<number>();
  private nextSample = 0;
  private turn = 0;

  constructor(sandbox: WatchedSandbox) {
    this.sandbox = sandbox;
    const { machine, emit } = sandbox;
    this.membersDue = new AfterTrace(sandbox);
    this.kills = new OomKills(machine.proc);
    this.table = new GroupTable(machine, emit, (group, file) => this.onFile(group, file));
  }

  // ---- the trace ----------------------------------------------------------------------------

  onCgroup(what: 'mkdir' | 'rmdir', pid: number, hierarchy: number, path: string): void {
    const place = this.placeOf(hierarchy);
    const relative = place === undefined ? null : relativeCgroup(place, path);
    if (place === undefined || relative === null || relative === '/') return;
    const actor = this.sandbox.process(pid)?.key;
    if (what === 'mkdir') {
      const made = this.table.made(place, relative, actor);
      // What was made in it before it was watched, by somebody who is not traced.
      if (made !== undefined) this.compareChildrenSoon(made);
      return;
    }
    const group = this.table.at(place, relative);
    // Removed and made again since: that is for the line about the making.
    if (group !== undefined) this.table.forget(group, actor);
  }

  onAttach(pid: number, hierarchy: number, path: string, actor?: ProcessKey): void {
    const { sandbox } = this;
    const place = this.placeOf(hierarchy);
    const relative = place === undefined ? null : relativeCgroup(place, path);
    const process = sandbox.process(pid);
    if (place === undefined || relative === null || process === undefined) return;
    if (this.table.at(place, relative) === undefined) this.table.discover(place, relative);
    if (place.hierarchy === sandbox.place.hierarchy) return; // told by the watch itself
    const cgroups = movedIn(process, place.controllers, relative);
    if (!sameElsewhere(process.cgroups, cgroups)) sandbox.changeProcess(pid, { cgroups }, actor);
  }

  onOom(pid: number): void {
    const process = this.sandbox.process(pid);
    const place = this.memoryPlace();
    if (process === undefined || place === undefined) return;
    const path =
      place.hierarchy === this.sandbox.place.hierarchy
        ? process.cgroup
        : (process.cgroups?.[place.controllers] ?? process.cgroup);
    const group = this.table.at(place, path);
    if (group !== undefined) this.kills.told(group);
    const { key, comm } = process;
    this.sandbox.emit({ type: 'cgroup.oom', key: keyOf(place, path), victim: key, comm });
  }

  /** Where memory is counted: v1's hierarchy of it, or v2. */
  private memoryPlace(): CgroupPlace | undefined {
    const { places } = this.sandbox;
    const v1 = places.find(({ controllers }) => controllers.split(',').includes('memory'));
    return v1 ?? places.find(({ controllers }) => controllers === '');
  }

  private placeOf(hierarchy: number): CgroupPlace | undefined {
    return this.sandbox.places.find((place) => place.hierarchy === hierarchy);
  }

  // ---- inotify ------------------------------------------------------------------------------

  private onFile(group: Group, file: string | null): void {
    const now = this.sandbox.machine.now();
    const kind = file === null ? 'other' : kindOfFile(file);
    if (kind === 'members') this.membersDue.ask();
    else {
      const due = this.dueOf(group);
      const isFile = file?.includes('.') && file !== null;
      if (isFile) {
        due.files.add(file);
        const rested = (this.readAt.get(group) ?? 0) + FILES_PAUSE_MS;
        due.filesAt = Math.min(due.filesAt, Math.max(now, rested));
      }
      // A name with a dot may be a child as well: learners call groups what they like.
      if (kind === 'other') this.compareChildrenSoon(group);
    }
    this.sandbox.wake();
  }

  private compareChildrenSoon(group: Group): void {
    this.dueOf(group).children.ask();
  }

  private dueOf(group: Group): Due {
    let due = this.due.get(group);
    if (due === undefined) {
      const never = Number.POSITIVE_INFINITY;
      const children = new AfterTrace(this.sandbox);
      due = { files: new Set(), filesAt: never, children, freezerLooks: 0 };
      this.due.set(group, due);
    }
    return due;
  }

  // ---- time ---------------------------------------------------------------------------------

  tick(now: number): number | null {
    let next = Number.POSITIVE_INFINITY;
    for (const [group, due] of [...this.due]) next = Math.min(next, this.runDue(group, due, now));
    if (this.membersDue.at <= now) this.tellMoved();
    next = Math.min(next, this.membersDue.at, this.sampleDue(now));
    return next === Number.POSITIVE_INFINITY ? null : next;
  }

  private runDue(group: Group, due: Due, now: number): number {
    if (this.table.groups.get(group.key) !== group) {
      this.due.delete(group);
      return Number.POSITIVE_INFINITY;
    }
    if (due.children.at <= now) {
      due.children.done();
      this.table.compareChildren(group);
    }
    if (due.filesAt <= now) this.readWritten(group, due, now);
    const next = Math.min(due.filesAt, due.children.at);
    if (next === Number.POSITIVE_INFINITY) this.due.delete(group);
    return next;
  }

  private readWritten(group: Group, due: Due, now: number): void {
    const files = [...due.files];
    due.files.clear();
    due.filesAt = Number.POSITIVE_INFINITY;
    this.readAt.set(group, now);
    let moving = false;
    for (const file of files) moving = this.table.written(group, file) || moving;
    if (this.sandbox.viewers() > 0) this.tell(this.meters.sampleOne(group, files));
    due.freezerLooks = moving ? due.freezerLooks + 1 : 0;
    if (moving && due.freezerLooks <= MAX_FREEZER_LOOKS) {
      due.files.add('freezer.state');
      due.filesAt = now + FILES_PAUSE_MS;
    }
  }

  private sampleDue(now: number): number {
    if (this.sandbox.viewers() === 0) {
      this.meters.close();
      return Number.POSITIVE_INFINITY;
    }
    if (this.nextSample <= now) {
      this.nextSample = now + SAMPLE_MS;
      this.tell(this.meters.sample(this.table.groups));
    }
    return this.nextSample;
  }

  private tell(meters: ReturnType<MeterReadings['sample']>): void {
    if (meters === null) return;
    this.sandbox.emit({ type: 'cgroup.sample', at: this.sandbox.machine.now(), meters });
  }

  // ---- scans --------------------------------------------------------------------------------

  scan(depth: 'stat' | 'full'): void {
    for (const group of this.table.scan(depth, this.sandbox.places)) {
      this.compareChildrenSoon(group);
    }
    this.compareMembers(depth);
    for (const { group, kills } of this.kills.missed(this.table.groups)) {
      for (let i = 0; i < kills; i++) {
        this.sandbox.emit({ type: 'cgroup.oom', key: group.key, victim: null, comm: null });
      }
    }
  }

  /** Who is elsewhere than was told is only noted: the trace may be about to say who moved it. */
  private compareMembers(depth: 'stat' | 'full'): void {
    const all = this.sandbox.processes();
    const count = depth === 'full' ? all.length : Math.min(all.length, COMPARED_AT_ONCE);
    for (let i = 0; i < count; i++) {
      const process = all[(this.turn + i) % all.length];
      if (process === undefined || this.moveOf(process) === null) continue;
      this.moved.add(process.hostPid);
    }
    this.turn = all.length === 0 ? 0 : (this.turn + count) % all.length;
    if (this.moved.size > 0) this.membersDue.ask();
  }

  /** The trace has told of all before: moves that it did not tell are told now, by nobody. */
  private tellMoved(): void {
    this.compareMembers('stat'); // somebody wrote to a group's list: whom, inotify does not say
    for (const pid of this.moved) {
      const process = this.sandbox.process(pid);
      const move = process === undefined ? null : this.moveOf(process);
      if (move !== null) this.sandbox.changeProcess(pid, move);
    }
    this.moved.clear();
    this.membersDue.done();
  }

  /** What the kernel says of its groups that is not known here; null for nothing. */
  private moveOf(process: ProcessState): Partial<ProcessState> | null {
    if (process.state === 'Z') return null;
    const { machine, place, places } = this.sandbox;
    const text = machine.proc.text(`${process.hostPid}/cgroup`);
    if (text === null) return null;
    const paths = pathsOf(text, places);
    const cgroup = paths.get(place.controllers);
    if (cgroup === undefined) return null; // on its way out of the sandbox: the watch decides
    const cgroups = elsewhere(paths, cgroup);
    const same = sameElsewhere(process.cgroups, cgroups);
    if (same && cgroup === process.cgroup) return null;
    return same ? { cgroup } : { cgroup, cgroups };
  }

  close(): void {
    this.meters.close();
    this.table.close();
    this.due.clear();
  }
}
