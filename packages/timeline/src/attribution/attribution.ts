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
import { EMPTY_STATE, type ProcessKey, type ProcessState, type State } from '../state.js';
import { type Credit, commandOfCredit, NOBODY, openCredit } from './credit.js';
import { type CreditedEvent, type Effect, livingPart } from './credited-event.js';
import { Jobs } from './jobs.js';
import { ObjectCredits } from './object-credits.js';
import { type CommandSpan, type OpenSpan, ShellSpans, startSpan } from './spans.js';

/** Attributes events as they come. Feed it a timeline from `start` on, in order. */
export class Attribution {
  private readonly entries: CreditedEvent[] = [];
  private readonly spansById = new Map<string, OpenSpan>();
  private readonly shells = new Map<ProcessKey, ShellSpans>();
  /** whose each process is; the dead stay, as actors are named late and children come late */
  private readonly owners = new Map<ProcessKey, Credit>();
  private readonly jobs: Jobs;

  private readonly processes = new Map<ProcessKey, ProcessState>();
  private readonly objects: ObjectCredits;
  private seq: number;

  constructor(start: State = EMPTY_STATE) {
    this.seq = start.seq;
    this.jobs = new Jobs((job, { seq, t }) => this.openSpan(job, seq, t, true).credit);
    for (const process of Object.values(start.processes)) this.processes.set(process.key, process);
    this.objects = new ObjectCredits(start, (key) => this.creditOf(key));
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

  private apply(event: TimelineEvent): Effect {
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
      case 'namespace.appear':
      case 'namespace.change':
      case 'namespace.vanish':
        return this.objects.namespaceEvent(event);
      case 'mount.attach':
      case 'mount.change':
      case 'mount.detach':
      case 'mount.forget':
        return this.objects.mountEvent(event);
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
    for (const known of [this.shells, this.owners, this.processes]) known.clear();
    this.objects.clear();
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

  private forked(event: Extract<TimelineEvent, { type: 'process.fork' }>): Effect {
    const { process } = event;
    const before = this.processes.get(process.key) ?? null;
    const parent = event.actor ?? process.parent;
    const credit = this.bornOf(parent, process);
    this.owners.set(process.key, credit);
    this.processes.set(process.key, process);
    this.objects.entered(process.namespaces, credit);
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
  ): Effect {
    const before = this.processes.get(key);
    if (before === undefined) return { credit: NOBODY, before: null };
    const after: ProcessState = { ...before, ...change };
    this.processes.set(key, after);
    const actor = event.type === 'process.change' ? event.actor : undefined;
    const credit = this.creditOf(actor ?? key);
    if (change.namespaces !== undefined) {
      this.objects.left(before.namespaces, credit, change.namespaces);
      this.objects.entered(change.namespaces, credit);
    }
    this.jobs.look(after, event, this.processes);
    if (event.type === 'process.exec') this.nameJob(key, after);
    return { credit, before };
  }

  private exited(event: Extract<TimelineEvent, { type: 'process.exit' }>): Effect {
    const { key } = event;
    const before = this.processes.get(key) ?? null;
    if (before === null) return { credit: NOBODY, before };
    const running = this.shells.get(key)?.running ?? null;
    // At its prompt a shell does not end by itself: its terminal was closed, or its command ended it.
    const own = running?.credit ?? this.owners.get(key) ?? NOBODY;
    const credit = event.actor === undefined ? own : this.creditOf(event.actor);
    this.objects.left(before.namespaces, credit);
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
}

/** wait(2)'s status as a shell says it: 128 + N for signal N. */
function exitCodeOf(waitStatus: number | null): number | null {
  if (waitStatus === null) return null;
  const signal = waitStatus & 0x7f;
  return signal === 0 ? (waitStatus >> 8) & 0xff : 128 + signal;
}

/** An event of a newer version: nobody's. */
function unknownEvent(_event: never): Effect {
  return { credit: NOBODY, before: null };
}
