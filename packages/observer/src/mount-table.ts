/**
 * The mounts of one sandbox: mountinfo of each of its mount namespaces, compared by mount id.
 *
 * mountinfo of a process shows what can be reached from its root, so after pivot_root nothing of
 * the host is in it. No notification covers make-private, chroot and unshare (POLLPRI and fanotify
 * both miss them), so the watch marks namespaces dirty after the system calls, and reads now and
 * then in any case.
 */
import type { MountState, NsInode, ProcessKey } from '@terrarium/timeline';
import type { Emit, Machine } from './context.js';
import { parseMountinfo, sameMount } from './mountinfo.js';

/** A proc that cannot say its pid namespace is asked this often, then left alone. */
const MAX_REFUSALS = 4;

export class MountTable {
  private readonly machine: Machine;
  private readonly emit: Emit;
  private readonly tables = new Map<NsInode, ReadonlyMap<number, MountState>>();
  /** the text of the last read: most reads find nothing new */
  private readonly texts = new Map<NsInode, string>();
  /** a proc instance never changes its pid namespace; its device number names it while it is there */
  private readonly procInstances = new Map<string, NsInode>();
  /** how often a proc instance could not be asked: over-mounted, or its pid 1 is gone */
  private readonly refused = new Map<string, number>();

  constructor(machine: Machine, emit: Emit) {
    this.machine = machine;
    this.emit = emit;
  }

  /**
   * Reads the mounts of a namespace through one of its members.
   *
   * @returns mountinfo for `apply`; null when there is nothing new in it
   */
  look(mountNs: NsInode, pid: number): string | null {
    const text = this.machine.proc.mountinfo(pid);
    // A process on its way out has left its mount namespace: an empty file says nothing.
    if (text === null || text === '') return null;
    if (this.texts.get(mountNs) === text && !this.hasUnknownProc(mountNs)) return null;
    // The process may have moved on between the caller's decision and this read.
    return this.machine.proc.namespace(pid, 'mnt') === mountNs ? text : null;
  }

  /**
   * Emits the differences to the last reading.
   *
   * @param text what `look` gave
   * @param pid a member, whose root is asked what a proc instance shows
   * @param actor whose calls made them, where that is known
   */
  apply(mountNs: NsInode, pid: number, text: string, actor?: ProcessKey): readonly MountState[] {
    const rows = parseMountinfo(text).map((row) => this.withPidNamespace(row, pid));
    // What a new namespace holds at first is a copy, and its maker's.
    const by = this.tables.has(mountNs) ? actor : undefined;
    this.texts.set(mountNs, text);
    this.compare(mountNs, rows, by === undefined ? {} : { actor: by });
    return rows;
  }

  /** The rows of the last reading; none before it. */
  rowsOf(mountNs: NsInode): readonly MountState[] {
    return [...(this.tables.get(mountNs)?.values() ?? [])];
  }

  /** The namespace is gone; `mount.forget` was emitted. */
  forget(mountNs: NsInode): void {
    this.tables.delete(mountNs);
    this.texts.delete(mountNs);
  }

  /** A pid namespace is gone: a proc that showed it shows nothing, and its number is free again. */
  forgetPidNamespace(pidNs: NsInode): void {
    for (const [device, shown] of this.procInstances) {
      if (shown === pidNs) this.procInstances.delete(device);
    }
    for (const [mountNs, rows] of this.tables) {
      for (const row of rows.values()) if (row.procPidNs === pidNs) this.texts.delete(mountNs);
    }
  }

  private compare(
    mountNs: NsInode,
    rows: readonly MountState[],
    acted: { readonly actor?: ProcessKey },
  ): void {
    const before = this.tables.get(mountNs) ?? new Map<number, MountState>();
    const after = new Map(rows.map((row) => [row.mountId, row]));
    for (const mountId of before.keys()) {
      if (!after.has(mountId)) this.emit({ type: 'mount.detach', mountNs, mountId, ...acted });
    }
    for (const [mountId, mount] of after) {
      const known = before.get(mountId);
      if (known === undefined) this.emit({ type: 'mount.attach', mountNs, mount, ...acted });
      else if (!sameMount(known, mount))
        this.emit({ type: 'mount.change', mountNs, mount, ...acted });
    }
    this.tables.set(mountNs, after);
    this.forgetDevices();
  }

  /** The kernel gives the device number of an unmounted instance to the next one. */
  private forgetDevices(): void {
    if (this.procInstances.size === 0 && this.refused.size === 0) return;
    const present = new Set<string>();
    for (const rows of this.tables.values())
      for (const row of rows.values()) present.add(row.device);
    for (const known of [this.procInstances, this.refused]) {
      for (const device of known.keys()) if (!present.has(device)) known.delete(device);
    }
  }

  private withPidNamespace(row: MountState, pid: number): MountState {
    if (row.fsType !== 'proc' || row.root !== '/') return row;
    let procPidNs = this.procInstances.get(row.device) ?? null;
    if (procPidNs === null && this.mayAsk(row)) {
      const root = `${this.machine.proc.root}/${pid}/root`;
      procPidNs = this.machine.calls.procPidNamespace(root, row.mountPoint, row.device);
      if (procPidNs !== null) this.procInstances.set(row.device, procPidNs);
      else this.refused.set(row.device, (this.refused.get(row.device) ?? 0) + 1);
    }
    return procPidNs === null ? row : { ...row, procPidNs };
  }

  /** A proc that was mounted a moment before its pid 1 was there is asked again. */
  private hasUnknownProc(mountNs: NsInode): boolean {
    for (const row of this.tables.get(mountNs)?.values() ?? []) {
      if (row.fsType !== 'proc' || row.root !== '/') continue;
      if (row.procPidNs === undefined && this.mayAsk(row)) return true;
    }
    return false;
  }

  private mayAsk(row: MountState): boolean {
    return (this.refused.get(row.device) ?? 0) < MAX_REFUSALS;
  }
}
