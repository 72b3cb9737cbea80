/**
 * Which command caused which kernel event: by ancestry, never by the time at which events came.
 *
 * The rules, first that applies:
 * 1. An event with an `actor` belongs to the actor's command.
 * 2. A process that a shell forked while it ran a command belongs to that command; so do all its
 *    descendants, for ever: a background job's later events are its command's. The innermost shell
 *    counts: what a `bash` in a `bash` runs belongs to the inner command.
 * 3. An orphan whose fork names no parent in a command belongs to its process group's command.
 * 4. What a process does to itself (exec, unshare, setns) belongs to its own command; of a shell,
 *    to the one that it runs.
 * 5. An end belongs to the process's own command, unless an `actor` killed it: then to the killer's.
 * 6. A new namespace belongs to the command of its first member. One that is gone, with its
 *    mounts, belongs to whoever made the last member leave or unmounted what held it.
 * 7. A mount event without an actor belongs to the command that made that mount namespace.
 * Everything else belongs to nobody: null is an answer, a guess is not.
 *
 * Shells without integration (no `command.start` from them): a child that a shell puts into a
 * process group of its own is a job, and a job is an inferred command.
 */
import type { TimelineEvent } from '../events.js';
import type { MountState, NamespaceState, NsInode, ProcessKey, ProcessState } from '../state.js';
import { EMPTY_STATE, type State } from '../state.js';
import { type Credit, commandOfCredit, joinCredits, openCredit } from './credit.js';
import { Jobs } from './jobs.js';
import { type CommandSpan, type OpenSpan, ShellSpans, startSpan } from './spans.js';

/** One event with its cause and with what it changed, as it was before. */
export interface CreditedEvent {
  readonly event: TimelineEvent;
  readonly credit: Credit;
  /** the process, namespace or mount that it is about, before it; null when it was not there */
  readonly before: ProcessState | NamespaceState | MountState | null;
  /** `mount.forget` only: all that went with the namespace */
  readonly mounts?: readonly MountState[];
  /** `mount.attach` only: came with a new mount namespace, which begins as a copy of another */
  readonly copied?: boolean;
}

const NOBODY: Credit = { command: null };

/** Attributes events as they come. Feed it a timeline from `start` on, in order. */
export class Attribution {
  private readonly entries: CreditedEvent[] = [];
  private readonly spansById = new Map<string, OpenSpan>();
  private readonly shells = new Map<ProcessKey, ShellSpans>();
  /** whose each process is; the dead stay, as actors are named late and children come late */
  private readonly owners = new Map<ProcessKey, Credit>();
  private readonly jobs: Jobs;

  private readonly processes = new Map<ProcessKey, ProcessState>();
  private readonly namespaces = new Map<NsInode, NamespaceState>();
  private readonly mounts = new Map<NsInode, Map<number, MountState>>();
  /** who made each namespace; open until its first member is known */
  private readonly makers = new Map<NsInode, Credit>();
  private readonly settled = new Set<NsInode>();
  /** who last made a member or a holder leave */
  private readonly leavers = new Map<NsInode, Credit>();
  /** who last mounted or unmounted at `mountNs path`: a namespace's holder is told separately */
  private readonly holderActs = new Map<string, Credit>();
  /** the time of the batch in which a mount namespace was first read */
  private readonly firstReads = new Map<NsInode, number>();
  private seq: number;

  constructor(start: State = EMPTY_STATE) {
    this.seq = start.seq;
    this.jobs = new Jobs((job, { seq, t }) => this.openSpan(job, seq, t, true).credit);
    for (const process of Object.values(start.processes)) this.processes.set(process.key, process);
    for (const namespace of Object.values(start.namespaces)) {
      this.namespaces.set(namespace.inode, namespace);
      this.settled.add(namespace.inode);
    }
    for (const [inode, rows] of Object.entries(start.mounts)) {
      const table = new Map(Object.values(rows).map((mount) => [mount.mountId, mount]));
      this.mounts.set(Number(inode), table);
    }
    for (const command of Object.values(start.commands ?? {})) {
      if (command.endedAt !== null) continue;
      const { id, terminal, line, process, processGroup } = command;
      this.openSpan(
        { type: 'command.start', id, terminal, line, process, processGroup },
        command.startSeq,
        command.startedAt,
      );
    }
  }

  /** Number of the last event that was attributed. */
  get upTo(): number {
    return this.seq;
  }

  /** All commands so far, in the order of their starts. */
  spans(): readonly CommandSpan[] {
    return [...this.spansById.values()]
      .map(({ span }) => span)
      .sort((a, b) => a.startSeq - b.startSeq);
  }

  span(id: string): CommandSpan | null {
    return this.spansById.get(id)?.span ?? null;
  }

  /** Everything that a command caused, in order. */
  causedBy(id: string): readonly CreditedEvent[] {
    return this.entries.filter(({ credit }) => commandOfCredit(credit) === id);
  }

  /** The command that caused an event; null for nobody's and for those that were not fed. */
  causeOf(seq: number): string | null {
    const first = this.entries[0]?.event.seq ?? 0;
    const entry = this.entries[seq - first];
    return entry === undefined ? null : commandOfCredit(entry.credit);
  }

  /** The command that a process belongs to, living or dead. */
  ownerOf(key: ProcessKey): string | null {
    const owner = this.owners.get(key);
    return owner === undefined ? null : commandOfCredit(owner);
  }

  append(events: readonly TimelineEvent[]): void {
    for (const event of events) {
      this.entries.push({ event, ...this.apply(event) });
      this.seq = event.seq;
    }
  }

  /** Drops what is older than `seq`, when a history forgets it. */
  forget(seq: number): void {
    const first = this.entries[0];
    if (first === undefined || first.event.seq > seq) return;
    const kept = this.entries.findIndex(({ event }) => event.seq > seq);
    this.entries.splice(0, kept < 0 ? this.entries.length : kept);
    for (const [id, { span }] of this.spansById) {
      if (span.endSeq !== null && span.endSeq <= seq) this.spansById.delete(id);
    }
    const born = this.entries.flatMap(({ event }) =>
      event.type === 'process.fork' ? [event.process.key] : [],
    );
    const needed = new Set([...this.processes.keys(), ...born]);
    for (const known of [this.owners, this.shells]) {
      for (const key of known.keys()) if (!needed.has(key)) known.delete(key);
    }
  }

  private apply(event: TimelineEvent): Omit<CreditedEvent, 'event'> {
    switch (event.type) {
      case 'sandbox.start':
      case 'sandbox.end':
        this.endAll(event);
        return { credit: NOBODY, before: null };
      case 'command.start': {
        const open = this.openSpan(event, event.seq, event.t);
        return { credit: open.credit, before: null };
      }
      case 'command.end':
        return { credit: this.endSpan(event), before: null };
      case 'process.fork':
        return this.forked(event);
      case 'process.exec':
        return this.changed(event.key, { comm: event.comm, args: event.args }, event);
      case 'process.change':
        return this.changed(event.key, livingPart(event.change), event);
      case 'process.exit':
        return this.exited(event);
      case 'namespace.appear': {
        const { inode } = event.namespace;
        const maker = event.actor === undefined ? openCredit() : this.creditOf(event.actor);
        this.makers.set(inode, maker);
        this.settled.delete(inode);
        if (event.actor !== undefined) this.settled.add(inode);
        const before = this.namespaces.get(inode) ?? null;
        this.namespaces.set(inode, event.namespace);
        return { credit: maker, before };
      }
      case 'namespace.change': {
        const before = this.namespaces.get(event.inode) ?? null;
        if (before !== null) this.namespaces.set(event.inode, { ...before, ...event.change });
        return { credit: this.holderCredit(event.inode, before), before };
      }
      case 'namespace.vanish': {
        const before = this.namespaces.get(event.inode) ?? null;
        const credit = this.leavers.get(event.inode) ?? NOBODY;
        this.namespaces.delete(event.inode);
        this.makers.delete(event.inode);
        this.leavers.delete(event.inode);
        // It may have been the last that kept its parent and its owner.
        for (const kept of [before?.parent, before?.owner]) {
          if (kept != null) this.leavers.set(kept, credit);
        }
        return { credit, before };
      }
      case 'mount.attach':
      case 'mount.change':
        return this.mounted(event);
      case 'mount.detach': {
        const table = this.mounts.get(event.mountNs);
        const before = table?.get(event.mountId) ?? null;
        table?.delete(event.mountId);
        const credit = this.mountCredit(event.mountNs, event.actor);
        if (before !== null) this.holderActs.set(`${event.mountNs} ${before.mountPoint}`, credit);
        return { credit, before };
      }
      case 'mount.forget': {
        const mounts = [...(this.mounts.get(event.mountNs)?.values() ?? [])];
        this.mounts.delete(event.mountNs);
        this.firstReads.delete(event.mountNs);
        const credit = this.leavers.get(event.mountNs) ?? NOBODY;
        return { credit, before: null, mounts };
      }
      case 'terminal.open':
      case 'terminal.close':
      case 'check':
        return { credit: NOBODY, before: null };
      default:
        return unknownEvent(event);
    }
  }

  // ---- commands -----------------------------------------------------------------------------

  private openSpan(
    event: Parameters<typeof startSpan>[0],
    seq: number,
    t: number,
    inferred = false,
  ): OpenSpan {
    const open = startSpan(event, seq, t, this.ownerOf(event.process), inferred);
    this.spansById.set(event.id, open);
    if (inferred) return open;
    const shell = this.shell(event.process);
    if (shell.running !== null) this.closeSpan(shell.running, seq, t, null);
    shell.add(open);
    for (const id of this.jobs.integrated(event.process)) this.revoke(id);
    return open;
  }

  /** A shell that says what it runs after all: what its start-up files did is no command. */
  private revoke(id: string): void {
    const open = this.spansById.get(id);
    if (open === undefined) return;
    this.spansById.delete(id);
    open.credit.command = null;
    const owner = this.owners.get(open.span.process);
    if (owner !== undefined) open.credit.unless = owner;
  }

  private endSpan(event: Extract<TimelineEvent, { type: 'command.end' }>): Credit {
    const open = this.spansById.get(event.id);
    if (open === undefined) return NOBODY;
    if (open.span.endSeq === null) this.closeSpan(open, event.seq, event.t, event.exitCode);
    open.to = event.at ?? null;
    return open.credit;
  }

  private closeSpan(open: OpenSpan, endSeq: number, endedAt: number, exitCode: number | null) {
    open.span = { ...open.span, endSeq, endedAt, exitCode };
  }

  private endAll({ seq, t }: TimelineEvent): void {
    for (const open of this.spansById.values()) {
      if (open.span.endSeq === null) this.closeSpan(open, seq, t, null);
    }
    for (const known of [this.shells, this.owners, this.processes, this.namespaces, this.mounts]) {
      known.clear();
    }
    for (const known of [this.makers, this.leavers, this.holderActs, this.firstReads])
      known.clear();
    this.settled.clear();
    this.jobs.clear();
  }

  private shell(key: ProcessKey): ShellSpans {
    let shell = this.shells.get(key);
    if (shell === undefined) {
      shell = new ShellSpans();
      this.shells.set(key, shell);
    }
    return shell;
  }

  // ---- processes ----------------------------------------------------------------------------

  private forked(
    event: Extract<TimelineEvent, { type: 'process.fork' }>,
  ): Omit<CreditedEvent, 'event'> {
    const { process } = event;
    const before = this.processes.get(process.key) ?? null;
    const parent = event.actor ?? process.parent;
    const credit = this.bornOf(parent, process);
    this.owners.set(process.key, credit);
    this.processes.set(process.key, process);
    this.settleMakers(process.namespaces, credit);
    this.jobs.forked(process, credit, parent === null ? undefined : this.processes.get(parent));
    this.jobs.look(process, event, this.processes);
    return { credit, before };
  }

  /** Whose a new process is: see rules 2 and 3. */
  private bornOf(parent: ProcessKey | null, process: ProcessState): Credit {
    if (parent === null) return this.jobs.ofGroupOf(process) ?? openCredit();
    const inherited = this.owners.get(parent);
    const spans = this.shells.get(parent);
    if (spans !== undefined) return spans.claim(process.bornAt, inherited);
    const shell = this.processes.get(parent);
    if (shell !== undefined && this.jobs.infers(shell)) return openCredit(inherited);
    if (inherited !== undefined && !this.isInit(shell)) return inherited;
    return this.jobs.ofGroupOf(process) ?? inherited ?? openCredit();
  }

  /** The first process of a pid namespace: the parent of orphans that are not its own. */
  private isInit(process: ProcessState | undefined): boolean {
    return process?.pids.at(-1) === 1;
  }

  private changed(
    key: ProcessKey,
    change: Partial<ProcessState>,
    event: Extract<TimelineEvent, { type: 'process.exec' | 'process.change' }>,
  ): Omit<CreditedEvent, 'event'> {
    const before = this.processes.get(key);
    if (before === undefined) return { credit: NOBODY, before: null };
    const after: ProcessState = { ...before, ...change };
    this.processes.set(key, after);
    const actor = event.type === 'process.change' ? event.actor : undefined;
    const credit = this.creditOf(actor ?? key);
    if (change.namespaces !== undefined) {
      for (const inode of Object.values(before.namespaces)) {
        if (!Object.values(change.namespaces).includes(inode)) this.leavers.set(inode, credit);
      }
      this.settleMakers(change.namespaces, credit);
    }
    this.jobs.look(after, event, this.processes);
    if (event.type === 'process.exec') this.nameJob(key, after);
    return { credit, before };
  }

  private exited(
    event: Extract<TimelineEvent, { type: 'process.exit' }>,
  ): Omit<CreditedEvent, 'event'> {
    const { key } = event;
    const before = this.processes.get(key) ?? null;
    if (before === null) return { credit: NOBODY, before };
    const running = this.shells.get(key)?.running ?? null;
    // At its prompt a shell does not end by itself: its terminal was closed, or its command ended it.
    const own = running?.credit ?? this.owners.get(key) ?? NOBODY;
    const credit = event.actor === undefined ? own : this.creditOf(event.actor);
    for (const inode of Object.values(before.namespaces)) this.leavers.set(inode, credit);
    this.processes.delete(key);
    if (running !== null) this.closeSpan(running, event.seq, event.t, null);
    const ended = this.jobs.exited(before);
    const job = ended === null ? undefined : this.spansById.get(ended);
    if (job?.span.endSeq === null) {
      this.closeSpan(job, event.seq, event.t, exitCodeOf(event.waitStatus));
    }
    return { credit, before };
  }

  /** An inferred command is called what its first program is called. */
  private nameJob(key: ProcessKey, { args }: ProcessState): void {
    const id = this.jobs.jobOf(key);
    const open = id === null ? undefined : this.spansById.get(id);
    if (open?.span.line === null) open.span = { ...open.span, line: args.join(' ') };
  }

  /** What a process does now is its command's; a shell's is what it runs, or ran last. */
  private creditOf(key: ProcessKey): Credit {
    return this.shells.get(key)?.latest?.credit ?? this.owners.get(key) ?? NOBODY;
  }

  // ---- namespaces and mounts ----------------------------------------------------------------

  /** The first member of a namespace made it; so its unknown parents and owners were made too. */
  private settleMakers(namespaces: ProcessState['namespaces'], credit: Credit): void {
    for (const inode of Object.values(namespaces)) this.settleMaker(inode, credit);
  }

  private settleMaker(inode: NsInode, credit: Credit): void {
    if (this.settled.has(inode)) return;
    this.settled.add(inode);
    const maker = this.makers.get(inode);
    if (maker !== undefined) joinCredits(maker, credit);
    const namespace = this.namespaces.get(inode);
    for (const other of [namespace?.parent, namespace?.owner]) {
      if (other != null) this.settleMaker(other, credit);
    }
  }

  private mounted(
    event: Extract<TimelineEvent, { type: 'mount.attach' | 'mount.change' }>,
  ): Omit<CreditedEvent, 'event'> {
    const { mount, mountNs } = event;
    const table = this.mounts.get(mountNs) ?? new Map<number, MountState>();
    this.mounts.set(mountNs, table);
    const before = table.get(mount.mountId) ?? null;
    table.set(mount.mountId, mount);
    const credit = this.mountCredit(mountNs, event.actor);
    this.holderActs.set(`${mountNs} ${mount.mountPoint}`, credit);
    if (!this.firstReads.has(mountNs)) this.firstReads.set(mountNs, event.t);
    const copied = before === null && this.isCopy(mount, mountNs, event.t);
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

  private mountCredit(mountNs: NsInode, actor: ProcessKey | undefined): Credit {
    if (actor !== undefined) return this.creditOf(actor);
    return this.makers.get(mountNs) ?? NOBODY;
  }

  /** Whoever mounted (or unmounted) the namespace's file, or whose process holds it open. */
  private holderCredit(inode: NsInode, before: NamespaceState | null): Credit {
    const after = this.namespaces.get(inode);
    const text = (list: NamespaceState['holders'] = []) => list.map((one) => JSON.stringify(one));
    const [old, now] = [text(before?.holders), text(after?.holders)];
    const gained = (after?.holders ?? []).filter((_, i) => !old.includes(now[i]!));
    const lost = (before?.holders ?? []).filter((_, i) => !now.includes(old[i]!));
    const holder = gained[0] ?? lost[0];
    if (holder === undefined) return NOBODY;
    const credit =
      holder.by === 'fd'
        ? this.creditOf(holder.process)
        : this.holderActs.get(`${holder.mountNs} ${holder.path}`);
    if (credit === undefined) return NOBODY;
    if (gained.length === 0) this.leavers.set(inode, credit);
    // Its members were gone before anyone saw them: `ip netns add` leaves a mount and no process.
    else this.settleMaker(inode, credit);
    return credit;
  }
}

/** A zombie has no arguments any more; in a diff it keeps the name that it lived under. */
export function livingPart<T extends Partial<ProcessState>>(change: T): Omit<T, 'args'> {
  if (change.state !== 'Z') return change;
  const { args: _, ...rest } = change;
  return rest;
}

function isSameMount(a: MountState, b: MountState): boolean {
  return a.mountPoint === b.mountPoint && a.device === b.device && a.root === b.root;
}

/** wait(2)'s status as a shell says it: 128 + N for signal N. */
function exitCodeOf(waitStatus: number | null): number | null {
  if (waitStatus === null) return null;
  const signal = waitStatus & 0x7f;
  return signal === 0 ? (waitStatus >> 8) & 0xff : 128 + signal;
}

/** An event of a newer version: nobody's. */
function unknownEvent(_event: never): Omit<CreditedEvent, 'event'> {
  return { credit: NOBODY, before: null };
}
