/**
 * The namespaces of one sandbox: which exist, who owns them, and what keeps them alive.
 *
 * A namespace is listed from its first member or holder on, until it has no member, no holder and
 * no listed child. Its inode may then be given to another one, so a vanish is decided at once
 * before a reappearance, and by looking, never by counting alone.
 */
import type {
  MountState,
  NamespaceHolder,
  NamespaceKind,
  NamespaceState,
  NsInode,
  ProcessKey,
} from '@terrarium/timeline';
import { NAMESPACE_KINDS } from '@terrarium/timeline';
import type { Emit, Machine, NamespaceName } from './context.js';
import { type Namespaces, parseNamespaceLink } from './proc.js';

interface Listed {
  state: NamespaceState;
  members: number;
}

/** A namespace that something else than a member holds open. */
interface Held {
  readonly kind: NamespaceKind;
  readonly inode: NsInode;
  readonly holder: NamespaceHolder;
  /** a path that opens it, or null */
  readonly path: string | null;
}

/** An fd on a namespace, of whatever kind the link said. */
export interface HeldFd {
  readonly kind: string;
  readonly inode: NsInode;
  readonly holder: NamespaceHolder;
  readonly path: string;
}

export class NamespaceTable {
  private readonly machine: Machine;
  private readonly emit: Emit;
  private readonly own: Namespaces;
  private readonly onGone: (gone: NamespaceName) => void;
  private readonly listed = new Map<NsInode, Listed>();
  /** without members since the last `settle` */
  private readonly forsaken = new Set<NsInode>();
  private mountHolders: readonly Held[] = [];
  private fdHolders: readonly Held[] = [];
  /** who makes what appears during `join` */
  private actor: ProcessKey | undefined;

  /**
   * @param own the eight namespaces that the sandbox was made with
   * @param onGone what is remembered of this one is to be forgotten: its inode is used again
   */
  constructor(
    machine: Machine,
    emit: Emit,
    own: Namespaces,
    onGone: (gone: NamespaceName) => void,
  ) {
    this.onGone = onGone;
    this.machine = machine;
    this.emit = emit;
    this.own = own;
  }

  /**
   * Counts a new member of each of the eight.
   *
   * @param ns its directory, such as /proc/4711/ns
   * @param actor who made those that are new, where that is known
   * @returns whether its mount namespace is one of them
   */
  join(namespaces: Namespaces, ns: string, bornAt: number, actor?: ProcessKey): boolean {
    const before = this.listed.get(namespaces.mnt);
    const outer = this.actor; // what vanishes here may make a zombie join its parent's
    this.actor = actor;
    for (const kind of NAMESPACE_KINDS) {
      const inode = namespaces[kind];
      const listed = this.list(kind, inode, `${ns}/${kind}`, bornAt, namespaces);
      listed.members += 1;
      this.forsaken.delete(inode);
    }
    this.actor = outer;
    return this.listed.get(namespaces.mnt) !== before;
  }

  /**
   * Reads the host name of a uts namespace again.
   *
   * @param path of a member's link, such as /proc/4711/ns/uts
   * @param actor who called sethostname, where that is known
   */
  readLabel(inode: NsInode, path: string, actor?: ProcessKey): void {
    const listed = this.listed.get(inode);
    if (listed?.state.kind !== 'uts') return;
    const label = this.machine.calls.hostName(path);
    if (label === null || label === listed.state.label) return;
    listed.state = { ...listed.state, label };
    const by = actor === undefined ? {} : { actor };
    this.emit({ type: 'namespace.change', inode, change: { label }, ...by });
  }

  /** Takes the member out again. What it leaves empty vanishes in the next `settle`. */
  leave(namespaces: Namespaces): void {
    for (const kind of NAMESPACE_KINDS) {
      const listed = this.listed.get(namespaces[kind]);
      if (listed === undefined || listed.state.kind !== kind) continue;
      listed.members -= 1;
      if (listed.members <= 0) this.forsaken.add(namespaces[kind]);
    }
  }

  /**
   * What a process that has ended is shown in: the kernel took it out of all its namespaces but two,
   * and gives their numbers to others.
   *
   * @param heirs its parent's; the sandbox's own where it has none
   */
  afterEnd(had: Namespaces, heirs: Namespaces | undefined): Namespaces {
    const after = { ...had };
    for (const kind of NAMESPACE_KINDS) {
      if (kind === 'pid' || kind === 'user') continue;
      const heir = heirs?.[kind];
      const known = heir !== undefined && this.kindOf(heir) === kind;
      after[kind] = known ? heir : this.own[kind];
    }
    return after;
  }

  /** True while `settle` has something to decide. */
  get unsettled(): boolean {
    return this.forsaken.size > 0;
  }

  /** Kind of a listed namespace, null for what is none. */
  kindOf(inode: NsInode): NamespaceKind | null {
    return this.listed.get(inode)?.state.kind ?? null;
  }

  /** True for the sandbox's pid namespace and those below it, as far as they are listed. */
  isInside(pidNs: NsInode, path: string): boolean {
    if (pidNs === this.own.pid) return true;
    if (this.listed.get(pidNs)?.state.kind === 'pid') return true;
    return this.machine.calls.namespaceAncestors(path).includes(this.own.pid);
  }

  mountNamespaces(): NsInode[] {
    return this.ofKind('mnt');
  }

  /** All that are listed of one kind. */
  ofKind(kind: NamespaceKind): NsInode[] {
    return [...this.listed.values()]
      .filter(({ state }) => state.kind === kind)
      .map(({ state }) => state.inode);
  }

  holdersOf(inode: NsInode): readonly NamespaceHolder[] {
    return this.listed.get(inode)?.state.holders ?? [];
  }

  /** Bind mounts of nsfs in one mount namespace replace those known of it. */
  setMountHolders(mountNs: NsInode, rows: readonly MountState[]): void {
    const others = this.mountHolders.filter(({ holder }) => !isOfMountNs(holder, mountNs));
    const found: Held[] = [];
    for (const row of rows) {
      if (row.fsType !== 'nsfs') continue;
      const name = parseNamespaceLink(row.root);
      if (name === null || !isKind(name.kind)) continue;
      found.push({
        kind: name.kind,
        inode: name.inode,
        holder: { by: 'mount', mountNs, path: row.mountPoint },
        path: null, // below a learner's root: not worth the risk of opening it
      });
    }
    if (found.length === 0 && others.length === this.mountHolders.length) return;
    this.mountHolders = [...others, ...found];
    this.publishHolders();
  }

  /** Replaces what is known of fds; each with the path that opens it, below /proc/PID/fd. */
  setFdHolders(found: readonly HeldFd[]): void {
    const held = found.flatMap(({ kind, ...rest }) => (isKind(kind) ? [{ kind, ...rest }] : []));
    if (held.length === 0 && this.fdHolders.length === 0) return;
    this.fdHolders = held;
    this.publishHolders();
  }

  /**
   * Lets vanish what nothing keeps. Call after holders were looked at anew.
   */
  settle(): void {
    while (this.forsaken.size > 0) {
      const candidates = [...this.forsaken];
      this.forsaken.clear();
      for (const inode of candidates) {
        const listed = this.listed.get(inode);
        if (listed === undefined || this.isKept(inode, listed)) continue;
        this.vanish(listed.state);
        // What it kept alive may now be free to go as well.
        for (const kept of [listed.state.parent, listed.state.owner]) {
          if (kept !== null) this.forsaken.add(kept);
        }
      }
    }
  }

  private vanish({ inode, kind }: NamespaceState): void {
    this.listed.delete(inode);
    this.forsaken.delete(inode);
    if (kind === 'mnt') {
      this.setMountHolders(inode, []);
      this.emit({ type: 'mount.forget', mountNs: inode });
    }
    this.emit({ type: 'namespace.vanish', inode });
    this.onGone({ kind, inode });
  }

  /**
   * The kernel gives a free inode to the next namespace, of whatever kind, at once: before it was
   * decided that the last one is gone. Who has just made one has not joined one that was there.
   */
  private isAnother(listed: Listed, kind: NamespaceKind): boolean {
    if (listed.state.kind !== kind) return true;
    return this.actor !== undefined && listed.members <= 0 && listed.state.holders.length === 0;
  }

  private isKept(inode: NsInode, listed: Listed): boolean {
    if (listed.members > 0 || listed.state.holders.length > 0) return true;
    for (const { state } of this.listed.values()) {
      if (state.inode !== inode && (state.parent === inode || state.owner === inode)) return true;
    }
    return false;
  }

  private list(
    kind: NamespaceKind,
    inode: NsInode,
    path: string | null,
    bornAt: number,
    member: Namespaces | null,
  ): Listed {
    const known = this.listed.get(inode);
    if (known !== undefined && !this.isAnother(known, kind)) return known;
    if (known !== undefined) this.vanish(known.state);
    const again = this.listed.get(inode); // who was in the one that is gone may have joined this
    if (again !== undefined) return again;
    const state: NamespaceState = {
      inode,
      kind,
      parent: this.parentOf(kind, inode, path, bornAt),
      owner: this.ownerOf(kind, inode, path, bornAt, member),
      ofSandbox: this.own[kind] === inode,
      ofHost: this.machine.host[kind] === inode,
      holders: [],
      bornAt,
    };
    const label = kind === 'uts' && path !== null ? this.machine.calls.hostName(path) : null;
    const listed: Listed = { state: label === null ? state : { ...state, label }, members: 0 };
    this.listed.set(inode, listed);
    this.appear(listed.state);
    return listed;
  }

  private parentOf(
    kind: NamespaceKind,
    inode: NsInode,
    path: string | null,
    bornAt: number,
  ): NsInode | null {
    if ((kind !== 'pid' && kind !== 'user') || this.isOutermost(kind, inode)) return null;
    const ancestors = path === null ? [] : this.machine.calls.namespaceAncestors(path);
    // Too late to ask: most namespaces are made directly below the sandbox's own.
    return this.listChain(kind, ancestors.length > 0 ? ancestors : [this.own[kind]], bornAt);
  }

  private ownerOf(
    kind: NamespaceKind,
    inode: NsInode,
    path: string | null,
    bornAt: number,
    member: Namespaces | null,
  ): NsInode | null {
    if (this.isOutermost('user', inode) || this.isOutside(kind, inode)) return null;
    const asked = path === null ? [] : this.machine.calls.namespaceOwners(path);
    const owners = asked.length > 0 ? asked : [member?.user ?? this.own.user];
    const owner = owners[0];
    if (member !== null && owner === member.user && path !== null && kind !== 'user') {
      // The eight of one process come in the order of NAMESPACE_KINDS; user is needed before.
      this.list('user', owner, path.replace(/[^/]+$/, 'user'), bornAt, member);
    }
    return this.listChain('user', owners, bornAt);
  }

  /**
   * Lists a namespace that is perhaps only known as another one's parent or owner.
   *
   * @param chain it and its ancestors, nearest first
   * @returns its inode, or null when it is outside the sandbox
   */
  private listChain(
    kind: 'pid' | 'user',
    chain: readonly NsInode[],
    bornAt: number,
  ): NsInode | null {
    const [inode, ...ancestors] = chain;
    if (inode === undefined || this.isOutside(kind, inode)) return null;
    if (this.listed.has(inode) || inode === this.own[kind]) return inode;
    const state: NamespaceState = {
      inode,
      kind,
      parent: this.listChain(kind, ancestors, bornAt),
      owner: this.own.user,
      ofSandbox: false,
      ofHost: false,
      holders: [],
      bornAt,
    };
    this.listed.set(inode, { state, members: 0 });
    this.appear(state);
    return inode;
  }

  private appear(namespace: NamespaceState): void {
    const { actor } = this;
    this.emit({ type: 'namespace.appear', namespace, ...(actor !== undefined && { actor }) });
  }

  private isOutermost(kind: NamespaceKind, inode: NsInode): boolean {
    return this.own[kind] === inode || this.machine.host[kind] === inode;
  }

  /** The host's own, where the sandbox does not share it. */
  private isOutside(kind: NamespaceKind, inode: NsInode): boolean {
    return this.machine.host[kind] === inode && this.own[kind] !== inode;
  }

  private publishHolders(): void {
    const byInode = new Map<NsInode, NamespaceHolder[]>();
    for (const held of [...this.mountHolders, ...this.fdHolders]) {
      if (!this.listed.has(held.inode)) {
        // Held, but without a member since before this observer began.
        this.list(held.kind, held.inode, held.path, this.machine.now(), null);
      }
      const holders = byInode.get(held.inode) ?? [];
      holders.push(held.holder);
      byInode.set(held.inode, holders);
    }
    for (const [inode, listed] of this.listed) {
      const holders = byInode.get(inode) ?? [];
      if (sameHolders(holders, listed.state.holders)) continue;
      listed.state = { ...listed.state, holders };
      this.emit({ type: 'namespace.change', inode, change: { holders } });
      if (holders.length === 0 && listed.members <= 0) this.forsaken.add(inode);
    }
  }
}

function isOfMountNs(holder: NamespaceHolder, mountNs: NsInode): boolean {
  return holder.by === 'mount' && holder.mountNs === mountNs;
}

function isKind(kind: string): kind is NamespaceKind {
  return (NAMESPACE_KINDS as readonly string[]).includes(kind);
}

function sameHolders(a: readonly NamespaceHolder[], b: readonly NamespaceHolder[]): boolean {
  return a.length === b.length && JSON.stringify(a) === JSON.stringify(b);
}
