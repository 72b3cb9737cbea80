/**
 * The overlays of a sandbox: which there are, by the mounts of all its mount namespaces, and one
 * watch for each. Runs in the observer process; changes nothing in the kernel.
 */
import {
  type MountState,
  type NsInode,
  type OverlayLayers,
  overlayOf,
  type ProcessKey,
} from '@terrarium/timeline';
import type { WatchedSandbox, WatchPart } from '../part.js';
import { MOUNT_CALLS } from '../trace-source.js';
import type { OverlayMounts } from './find-layers.js';
import { OverlayWatch } from './overlay-watch.js';
import type { PlacedRow } from './places.js';

/** Overlays that are watched of one sandbox; a learner may mount thousands. */
const MAX_OVERLAYS = 32;
/** Mounts are read 20 ms after the call that changed them; an older call changed something else. */
const MOUNTER_MS = 200;

interface Watched {
  readonly watch: OverlayWatch;
  /** its options as text: another overlay may get the device number of one that went */
  readonly signature: string;
  readonly mountIds: ReadonlySet<string>;
}

export class OverlaysPart implements WatchPart {
  private readonly sandbox: WatchedSandbox;
  private readonly watched = new Map<string, Watched>();
  /** device of the sandbox's own root; null where that is no overlay, undefined before it is known */
  private ownRoot: string | null | undefined;
  /** who made mount calls since the mounts were read last */
  private readonly mounters = new Set<ProcessKey | null>();
  private mountedAt = 0;
  /** mount namespaces when the mounts were compared last: one that ends tells nobody */
  private namespaces = '';

  constructor(sandbox: WatchedSandbox) {
    this.sandbox = sandbox;
  }

  onCall(pid: number, name: string): void {
    if (!MOUNT_CALLS.has(name)) return;
    const now = this.sandbox.machine.now();
    if (now - this.mountedAt > MOUNTER_MS) this.mounters.clear();
    this.mountedAt = now;
    this.mounters.add(this.sandbox.process(pid)?.key ?? null);
  }

  onMounts(): void {
    this.compare();
    this.mounters.clear();
  }

  tick(now: number): number | null {
    if (this.namespaceList() !== this.namespaces) this.compare();
    let next = Infinity;
    for (const { watch } of this.watched.values()) next = Math.min(next, watch.tick() ?? Infinity);
    return next === Infinity ? null : now + next;
  }

  scan(depth: 'stat' | 'full'): void {
    for (const { watch } of this.watched.values()) watch.scan(depth);
  }

  close(): void {
    for (const { watch } of this.watched.values()) watch.close();
    this.watched.clear();
  }

  private compare(): void {
    this.namespaces = this.namespaceList();
    const present = this.present();
    for (const [device, known] of this.watched) {
      const mounts = present.get(device);
      if (mounts !== undefined && isSame(known, mounts)) {
        known.watch.setMounts(mounts);
        this.watched.set(device, { ...known, mountIds: mountIdsOf(mounts) });
      } else this.vanish(device, known);
    }
    for (const [device, mounts] of present) {
      if (!this.watched.has(device) && this.watched.size < MAX_OVERLAYS) this.appear(mounts);
    }
  }

  private appear(mounts: OverlayMounts): void {
    const watch = new OverlayWatch(this.sandbox, mounts);
    const signature = JSON.stringify(mounts.options);
    this.watched.set(mounts.device, { watch, signature, mountIds: mountIdsOf(mounts) });
    const overlay = watch.state(this.sandbox.machine.now());
    this.sandbox.emit({ type: 'overlay.appear', overlay, ...this.acted() });
  }

  private vanish(device: string, { watch }: Watched): void {
    watch.close();
    this.watched.delete(device);
    this.sandbox.emit({ type: 'overlay.vanish', key: device, ...this.acted() });
  }

  /** Who did it, when only one made mount calls: a wrong actor would be worse than none. */
  private acted(): { actor?: ProcessKey } {
    const [actor] = this.mounters;
    return this.mounters.size === 1 && actor != null ? { actor } : {};
  }

  /** All overlays that are mounted somewhere, by device. */
  private present(): ReadonlyMap<string, OverlayMounts> {
    const found = new Map<string, { options: OverlayLayers; rows: PlacedRow[] }>();
    for (const mountNs of this.sandbox.namespaces('mnt')) {
      for (const row of this.sandbox.mounts(mountNs)) {
        const options = overlayOf(row);
        if (options === null) continue;
        const known = found.get(row.device) ?? { options, rows: [] };
        known.rows.push({ mountNs, row });
        found.set(row.device, known);
      }
    }
    this.ownRoot ??= this.findOwnRoot();
    return new Map(
      [...found].map(([device, one]) => [
        device,
        { device, ...one, ofSandbox: device === this.ownRoot },
      ]),
    );
  }

  /** The oldest mount on / of init's namespace. */
  private findOwnRoot(): string | null | undefined {
    const { proc } = this.sandbox.machine;
    const mountNs: NsInode | null = proc.namespace(this.sandbox.initPid, 'mnt');
    const rows: readonly MountState[] = mountNs === null ? [] : this.sandbox.mounts(mountNs);
    if (rows.length === 0) return undefined;
    const roots = rows.filter((row) => row.mountPoint === '/');
    const [root] = roots.sort((a, b) => a.mountId - b.mountId);
    return root?.fsType === 'overlay' ? root.device : null;
  }

  private namespaceList(): string {
    return this.sandbox.namespaces('mnt').join();
  }
}

function mountIdsOf({ rows }: OverlayMounts): ReadonlySet<string> {
  return new Set(rows.map(({ mountNs, row }) => `${mountNs}:${row.mountId}`));
}

/** The same file system, not one that was mounted on the number of one that went. */
function isSame({ signature, mountIds }: Watched, mounts: OverlayMounts): boolean {
  if (signature !== JSON.stringify(mounts.options)) return false;
  return [...mountIdsOf(mounts)].some((id) => mountIds.has(id));
}
