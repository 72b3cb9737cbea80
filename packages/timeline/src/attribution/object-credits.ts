/**
 * Whom events of namespaces and mounts belong to: rules 6 and 7 of attribution.ts. Keeps what there
 * is of both, who made each namespace, and who last made a member or a holder of it leave.
 */
import type { TimelineEvent } from '../events.js';
import type {
  MountState,
  NamespaceState,
  NsInode,
  ProcessKey,
  ProcessState,
  State,
} from '../state.js';
import { type Credit, joinCredits, NOBODY, openCredit } from './credit.js';
import type { Effect } from './credited-event.js';

type Namespaces = ProcessState['namespaces'];
type NamespaceEvent = Extract<TimelineEvent, { type: `namespace.${string}` }>;
type MountEvent = Extract<TimelineEvent, { type: `mount.${string}` }>;
type ActedMountEvent = Exclude<MountEvent, { type: 'mount.forget' }>;

/** Ended namespaces whose networks may still be told of. */
const REMEMBERED_ENDS = 256;

export class ObjectCredits {
  private readonly namespaces = new Map<NsInode, NamespaceState>();
  private readonly mounts = new Map<NsInode, Map<number, MountState>>();
  /** mounts with which new mount namespaces began, as copies of others */
  private readonly copies = new Map<NsInode, Set<number>>();
  /** who made each namespace; open until its first member is known */
  private readonly makers = new Map<NsInode, Credit>();
  private readonly settled = new Set<NsInode>();
  /** who last made a member or a holder leave */
  private readonly leavers = new Map<NsInode, Credit>();
  /** the same of namespaces that are gone: their networks are told to be gone behind them */
  private readonly enders = new Map<NsInode, Credit>();
  /** who last mounted or unmounted at `mountNs path`: a namespace's holder is told separately */
  private readonly holderActs = new Map<string, Credit>();
  /** the time of the batch in which a mount namespace was first read */
  private readonly firstReads = new Map<NsInode, number>();
  private readonly creditOf: (actor: ProcessKey) => Credit;
  private readonly soleCredit: (t: number) => Credit;

  /**
   * @param creditOf what a process does belongs to
   * @param soleCredit whose an event without an actor at that time is
   */
  constructor(
    start: State,
    creditOf: (actor: ProcessKey) => Credit,
    soleCredit: (t: number) => Credit,
  ) {
    this.creditOf = creditOf;
    this.soleCredit = soleCredit;
    for (const namespace of Object.values(start.namespaces)) {
      this.namespaces.set(namespace.inode, namespace);
      this.settled.add(namespace.inode);
    }
    for (const [inode, rows] of Object.entries(start.mounts)) {
      const table = new Map(Object.values(rows).map((mount) => [mount.mountId, mount]));
      this.mounts.set(Number(inode), table);
    }
  }

  clear(): void {
    for (const known of [this.namespaces, this.mounts, this.makers, this.leavers]) known.clear();
    for (const known of [this.holderActs, this.firstReads, this.settled]) known.clear();
    for (const known of [this.enders, this.copies]) known.clear();
  }

  /** A process is in these now: whichever has had no member yet was made by it. */
  entered(namespaces: Namespaces, credit: Credit): void {
    for (const inode of Object.values(namespaces)) this.settle(inode, credit);
  }

  /** A process is no longer in these, but for those that it is in `now`. */
  left(namespaces: Namespaces, credit: Credit, now?: Namespaces): void {
    const kept = new Set(now === undefined ? [] : Object.values(now));
    for (const inode of Object.values(namespaces)) {
      if (!kept.has(inode)) this.leavers.set(inode, credit);
    }
  }

  namespaceEvent(event: NamespaceEvent): Effect {
    switch (event.type) {
      case 'namespace.appear':
        return this.appeared(event.namespace, event.actor);
      case 'namespace.change': {
        const before = this.namespaces.get(event.inode) ?? null;
        if (before === null) return { credit: NOBODY, before };
        const after = { ...before, ...event.change };
        this.namespaces.set(event.inode, after);
        const credit =
          event.actor === undefined ? this.holderCredit(before, after) : this.creditOf(event.actor);
        return { credit, before };
      }
      case 'namespace.vanish':
        return this.vanished(event.inode);
    }
  }

  mountEvent(event: MountEvent): Effect {
    const { mountNs } = event;
    switch (event.type) {
      case 'mount.attach':
      case 'mount.change':
        return this.mounted(event);
      case 'mount.detach': {
        const table = this.mounts.get(mountNs);
        const before = table?.get(event.mountId) ?? null;
        table?.delete(event.mountId);
        const credit = this.mountCredit(event);
        if (before !== null) this.holderActs.set(`${mountNs} ${before.mountPoint}`, credit);
        const copied = this.copies.get(mountNs)?.delete(event.mountId) === true;
        return { credit, before, ...(copied && { copied }) };
      }
      case 'mount.forget': {
        const copies = this.copies.get(mountNs) ?? new Set();
        this.copies.delete(mountNs);
        const mounts = [...(this.mounts.get(mountNs)?.values() ?? [])];
        this.mounts.delete(mountNs);
        this.firstReads.delete(mountNs);
        for (const { mountPoint } of mounts) this.holderActs.delete(`${mountNs} ${mountPoint}`);
        return { credit: this.leavers.get(mountNs) ?? NOBODY, before: null, mounts, copies };
      }
    }
  }

  /** Who made a namespace, and who made its last member (or holder) leave. */
  makerOf(inode: NsInode): Credit {
    return this.makers.get(inode) ?? NOBODY;
  }

  leaverOf(inode: NsInode): Credit {
    return this.leavers.get(inode) ?? this.enders.get(inode) ?? NOBODY;
  }

  private appeared(namespace: NamespaceState, actor: ProcessKey | undefined): Effect {
    const { inode } = namespace;
    const maker = actor === undefined ? openCredit() : this.creditOf(actor);
    this.makers.set(inode, maker);
    // An inode is used again: the one before it has had its members.
    if (actor === undefined) this.settled.delete(inode);
    else this.settled.add(inode);
    const before = this.namespaces.get(inode) ?? null;
    this.namespaces.set(inode, namespace);
    return { credit: maker, before };
  }

  private vanished(inode: NsInode): Effect {
    const before = this.namespaces.get(inode) ?? null;
    const credit = this.leavers.get(inode) ?? NOBODY;
    this.namespaces.delete(inode);
    this.makers.delete(inode);
    this.leavers.delete(inode);
    this.enders.set(inode, credit);
    const [oldest] = this.enders.keys();
    if (this.enders.size > REMEMBERED_ENDS && oldest !== undefined) this.enders.delete(oldest);
    // It may have been the last that kept its parent and its owner.
    for (const kept of [before?.parent, before?.owner]) {
      if (kept != null) this.leavers.set(kept, credit);
    }
    return { credit, before };
  }

  /** The first member of a namespace made it; so its unknown parents and owners were made too. */
  private settle(inode: NsInode, credit: Credit): void {
    if (this.settled.has(inode)) return;
    this.settled.add(inode);
    const maker = this.makers.get(inode);
    if (maker !== undefined) joinCredits(maker, credit);
    const namespace = this.namespaces.get(inode);
    for (const other of [namespace?.parent, namespace?.owner]) {
      if (other != null) this.settle(other, credit);
    }
  }

  /** Whoever mounted (or unmounted) the namespace's file, or whose process holds it open. */
  private holderCredit(before: NamespaceState, after: NamespaceState): Credit {
    const gained = holdersOnlyIn(after, before);
    const holder = gained[0] ?? holdersOnlyIn(before, after)[0];
    if (holder === undefined) return NOBODY;
    const credit =
      holder.by === 'fd'
        ? this.creditOf(holder.process)
        : this.holderActs.get(`${holder.mountNs} ${holder.path}`);
    if (credit === undefined) return NOBODY;
    if (gained.length === 0) this.leavers.set(after.inode, credit);
    // Its members were gone before anyone saw them: `ip netns add` leaves a mount and no process.
    else this.settle(after.inode, credit);
    return credit;
  }

  private mounted(event: Extract<MountEvent, { type: 'mount.attach' | 'mount.change' }>): Effect {
    const { mount, mountNs } = event;
    const table = this.mounts.get(mountNs) ?? new Map<number, MountState>();
    this.mounts.set(mountNs, table);
    const before = table.get(mount.mountId) ?? null;
    table.set(mount.mountId, mount);
    if (!this.firstReads.has(mountNs)) this.firstReads.set(mountNs, event.t);
    const credit = this.mountCredit(event);
    this.holderActs.set(`${mountNs} ${mount.mountPoint}`, credit);
    const copied = before === null && this.isCopy(mount, mountNs, event.t);
    if (copied) {
      const copies = this.copies.get(mountNs) ?? new Set();
      this.copies.set(mountNs, copies.add(mount.mountId));
    }
    return { credit, before, ...(copied && { copied }) };
  }

  /** In the first batch (all of one time) of a new mount namespace, and the same elsewhere. */
  private isCopy(mount: MountState, mountNs: NsInode, t: number): boolean {
    if (!this.makers.has(mountNs) || this.firstReads.get(mountNs) !== t) return false;
    for (const [inode, table] of this.mounts) {
      if (inode === mountNs) continue;
      for (const other of table.values()) if (isSameMount(mount, other)) return true;
    }
    return false;
  }

  private mountCredit({ mountNs, actor, t }: ActedMountEvent): Credit {
    if (actor !== undefined) return this.creditOf(actor);
    // What a new namespace begins with was not mounted by anybody else than its maker.
    if (this.firstReads.get(mountNs) === t) return this.makers.get(mountNs) ?? NOBODY;
    return this.soleCredit(t);
  }
}

function holdersOnlyIn(one: NamespaceState, other: NamespaceState): NamespaceState['holders'] {
  const known = new Set(other.holders.map((holder) => JSON.stringify(holder)));
  return one.holders.filter((holder) => !known.has(JSON.stringify(holder)));
}

function isSameMount(a: MountState, b: MountState): boolean {
  return a.mountPoint === b.mountPoint && a.device === b.device && a.root === b.root;
}
