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
 *    to the one that it runs; but for what it only does as it starts (its process group, its name
 *    and arguments), which may be told when it runs its first: that is of who started it.
 * 5. An end belongs to the process's own command, unless an `actor` killed it: then to the killer's.
 * 6. A new namespace belongs to the command of its first member. One that is gone, with its
 *    mounts, belongs to whoever made the last member leave or unmounted what held it.
 * 7. Mounts that a new mount namespace has when it is first seen are of the command that made it;
 *    so are links of a new network namespace.
 * 8. Any other event without an actor (of a mount, a cgroup, an overlay's entries, a network)
 *    belongs to the one command that can have done it: the only one of which anything ran from a
 *    moment before it until a moment after. What waits for a shell that it started does not count
 *    as running. A process of no command, or a shell that does not say what it runs, could have
 *    done it, too: then nobody did.
 * 9. What a shell itself did (rules 1 and 4 for a builtin) belongs to the command that it ran then;
 *    where two of its commands followed at once and the event comes behind both, to nobody.
 * Everything else belongs to nobody: null is an answer, a guess is not.
 *
 * Shells without integration (no `command.start` from them): a child that a shell puts into a
 * process group of its own is a job, and a job is an inferred command.
 */
import type { TimelineEvent } from '../events.js';
import { EMPTY_STATE, type ProcessKey, type ProcessState, type State } from '../state.js';
import { type Credit, commandOfCredit, joinCredits, NOBODY, openCredit } from './credit.js';
import { type CreditedEvent, type Effect, livingPart } from './credited-event.js';
import { Jobs } from './jobs.js';
import { ObjectCredits } from './object-credits.js';
import { ResourceCredits } from './resource-credits.js';
import { isFrontShell } from './shell-kinds.js';
import { SoleCommand } from './sole-command.js';
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
  private readonly resources: ResourceCredits;
  private readonly sole = new SoleCommand();
  /** living shells at a prompt or in a command of theirs, as far as that can be told */
  private readonly fronts = new Set<ProcessKey>();
  /** commands whose shell replaced itself by another program: that is theirs until it ends */
  private readonly replaced = new Map<ProcessKey, OpenSpan>();
  /** shells with acts that are not decided */
  private readonly acting = new Set<ShellSpans>();
  private init: ProcessKey | null;
  private seq: number;
  private t: number;

  constructor(start: State = EMPTY_STATE) {
    this.seq = start.seq;
    this.t = start.t;
    this.init = start.sandbox?.init ?? null;
    this.jobs = new Jobs((job, { seq, t }) => this.openSpan(job, seq, t, true).credit);
    const creditOf = (key: ProcessKey): Credit => this.creditOf(key);
    const soleCredit = (t: number): Credit => this.sole.creditAt(t);
    this.objects = new ObjectCredits(start, creditOf, soleCredit);
    this.resources = new ResourceCredits(start, {
      ...{ creditOf, soleCredit },
      makerOf: (inode) => this.objects.makerOf(inode),
      leaverOf: (inode) => this.objects.leaverOf(inode),
    });
    for (const process of Object.values(start.processes)) {
      this.processes.set(process.key, process);
      this.runs(process, start.t);
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
      this.t = event.t;
      this.sole.pass(event.t);
      this.entries.push({ event, ...this.apply(event) });
      this.seq = event.seq;
    }
    this.sole.settle();
    for (const shell of this.acting) if (shell.settle(this.t)) this.acting.delete(shell);
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
        this.init = event.type === 'sandbox.start' ? event.sandbox.init : null;
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
      case 'cgroup.appear':
      case 'cgroup.change':
      case 'cgroup.vanish':
      case 'cgroup.oom':
      case 'cgroup.sample':
      case 'overlay.appear':
      case 'overlay.change':
      case 'overlay.copying':
      case 'overlay.vanish':
      case 'network.appear':
      case 'network.change':
      case 'network.sample':
      case 'network.vanish':
        return this.resources.apply(event);
      case 'syscall':
        return { credit: this.creditOf(event.call.process), before: null };
      case 'process.sample':
      case 'syscall.tracing':
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
    const { process } = event;
    if (inferred) {
      // It does not say what it runs: whatever it does by builtins cannot be told from others'.
      this.fronts.delete(process);
      this.sole.begin(`process ${process}`, this.owners.get(process) ?? NOBODY, t);
      return open;
    }
    const shell = this.shell(process);
    if (shell.running !== null) {
      // Lines that were pasted at once: no prompt in between tells the end of the first.
      shell.running.to = event.at ?? null;
      this.closeSpan(shell.running, seq, t, null);
    }
    this.endReplaced(process, seq, t);
    shell.add(open);
    this.fronts.add(process);
    this.sole.forget(`process ${process}`);
    const from = event.at ?? t;
    this.sole.begin(`command ${event.id}`, open.credit, from, () => this.waitsForShell(process));
    this.integrate(process, shell);
    return open;
  }

  /** A shell that says what it runs after all: its first command may be told after its forks. */
  private integrate(process: ProcessKey, shell: ShellSpans): void {
    const { commands, forks } = this.jobs.integrated(process);
    for (const id of commands) this.revoke(id);
    // Without a clock nothing tells its first command's forks from those of its start-up files.
    if (shell.latest?.from == null) return;
    const owner = this.owners.get(process);
    for (const { credit, bornAt } of forks) joinCredits(credit, shell.claim(bornAt, owner));
  }

  /** A shell's own program was replaced, and so will never say that its command ended. */
  private endReplaced(process: ProcessKey, seq: number, t: number): void {
    const open = this.replaced.get(process);
    this.replaced.delete(process);
    if (open?.span.endSeq === null) this.closeSpan(open, seq, t, null);
  }

  /** It started a shell at which a person types now, so it does nothing itself. */
  private waitsForShell(key: ProcessKey): boolean {
    const terminal = this.processes.get(key)?.terminal;
    for (const front of this.fronts) {
      const shell = this.processes.get(front);
      if (front === key || shell?.terminal !== terminal || shell?.state === 'T') continue;
      let parent = shell?.parent ?? null;
      for (; parent !== null; parent = this.processes.get(parent)?.parent ?? null) {
        if (parent === key) return true;
      }
    }
    return false;
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
    this.shells.get(open.span.process)?.ended(open);
    return open.credit;
  }

  private closeSpan(open: OpenSpan, endSeq: number, endedAt: number, exitCode: number | null) {
    open.span = { ...open.span, endSeq, endedAt, exitCode };
    this.sole.end(`command ${open.span.id}`, endedAt);
  }

  private endAll({ seq, t }: TimelineEvent): void {
    for (const open of this.spansById.values()) {
      if (open.span.endSeq === null) this.closeSpan(open, seq, t, null);
    }
    for (const known of [this.shells, this.owners, this.processes]) known.clear();
    for (const known of [this.fronts, this.replaced, this.acting]) known.clear();
    this.objects.clear();
    this.resources.clear();
    this.sole.clear();
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
    this.runs(process, event.t);
    return { credit, before };
  }

  /** Somebody who can act, but for a shell that says when it does. */
  private runs(process: ProcessState, t: number): void {
    const { key } = process;
    if (key === this.init) return;
    // A shell's fork looks like a shell, until it becomes its program.
    if (this.fronts.has(process.parent ?? '') ? false : isFrontShell(process)) {
      this.fronts.add(key);
      this.sole.forget(`process ${key}`);
      return;
    }
    const owner = this.owners.get(key) ?? NOBODY;
    const from = Math.min(t, process.bornAt);
    this.sole.begin(`process ${key}`, owner, from, () => this.waitsForShell(key));
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
    const began = actor === undefined && this.isOfStart(key, event, change);
    const credit = began ? (this.owners.get(key) ?? NOBODY) : this.creditOf(actor ?? key);
    if (change.namespaces !== undefined) {
      this.objects.left(before.namespaces, credit, change.namespaces);
      this.objects.entered(change.namespaces, credit);
    }
    this.jobs.look(after, event, this.processes);
    if (event.type === 'process.exec') this.execed(after, event.t, began);
    if (after.state === 'Z') this.sole.end(`process ${key}`, event.t);
    return { credit, before };
  }

  /** What it did as it began, which may be told when it runs its first command. */
  private isOfStart(
    key: ProcessKey,
    event: Extract<TimelineEvent, { type: 'process.exec' | 'process.change' }>,
    change: Partial<ProcessState>,
  ): boolean {
    if (event.type === 'process.change') return isOfItsStart(change);
    const shell = this.shells.get(key);
    return shell !== undefined && event.at !== undefined && !shell.hadBegunBy(event.at);
  }

  /** @param began it became the shell that has run commands since */
  private execed(process: ProcessState, t: number, began: boolean): void {
    const { key } = process;
    this.jobs.execed(key);
    this.nameJob(key, process);
    const running = began ? null : (this.shells.get(key)?.running ?? null);
    if (running !== null) {
      // What runs in the shell's place belongs to the command that put it there.
      this.shells.delete(key);
      this.replaced.set(key, running);
      this.owners.set(key, running.credit);
      this.jobs.replaced(key);
    }
    this.fronts.delete(key);
    if (isFrontShell(process)) {
      this.fronts.add(key);
      this.sole.forget(`process ${key}`);
    } else if (running !== null) this.runs(process, t);
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
    this.fronts.delete(key);
    this.sole.end(`process ${key}`, event.t);
    if (running !== null) this.closeSpan(running, event.seq, event.t, null);
    this.endReplaced(key, event.seq, event.t);
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
    const shell = this.shells.get(key);
    if (shell === undefined || shell.latest === null) return this.owners.get(key) ?? NOBODY;
    const credit = shell.act(this.t);
    this.acting.add(shell);
    return credit;
  }
}

/** What a shell changes of itself before its first prompt and never after, but by exec. */
const OF_ITS_START: ReadonlySet<string> = new Set(['comm', 'args', 'processGroup', 'terminal']);

function isOfItsStart(change: Partial<ProcessState>): boolean {
  const fields = Object.keys(change).filter((field) => field !== 'state');
  return fields.length > 0 && fields.every((field) => OF_ITS_START.has(field));
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
