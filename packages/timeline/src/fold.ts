/**
 * The fold: events in, state out. Pure, so that the live page, a late joiner, a replay and a
 * check all see the same thing. Runs unchanged in the daemon and in the browser.
 *
 * States share structure: what a batch does not touch is the same object afterwards (React and
 * memoised selectors compare by identity), and each record is copied at most once per batch.
 */
import { endCommand, startCommand } from './commands.js';
import type { EventBody, TimelineEvent } from './events.js';
import type {
  CommandState,
  MountState,
  NamespaceState,
  NsInode,
  ProcessKey,
  ProcessState,
  SandboxState,
  State,
} from './state.js';

/**
 * Applies numbered events to a state and returns the new one; the old one is untouched.
 *
 * Heals instead of throwing: an event about something unknown changes nothing but `seq` and `t`,
 * an appearance of something known replaces it. `assertConsistent` finds such events in tests.
 */
export function fold(state: State, events: readonly TimelineEvent[]): State {
  if (events.length === 0) return state;
  const draft = new Draft(state);
  for (const event of events) draft.apply(event, event.seq, event.t);
  return draft.finish();
}

type Records<T> = Record<string, T>;

/** One batch in the making: each record is a shared one until the first write copies it. */
class Draft {
  private readonly base: State;
  private seq: number;
  private t: number;
  private sandbox: SandboxState | null;
  private processes: Readonly<Records<ProcessState>>;
  private namespaces: Readonly<Records<NamespaceState>>;
  private mounts: Readonly<Records<Readonly<Records<MountState>>>>;
  private commands: Readonly<Records<CommandState>> | undefined;
  /** the records that this batch has made itself, and so may write to */
  private readonly own = new WeakSet<object>();

  constructor(base: State) {
    this.base = base;
    this.seq = base.seq;
    this.t = base.t;
    this.sandbox = base.sandbox;
    this.processes = base.processes;
    this.namespaces = base.namespaces;
    this.mounts = base.mounts;
    this.commands = base.commands;
  }

  apply(event: EventBody, seq: number, t: number): void {
    this.seq = seq;
    this.t = t;
    switch (event.type) {
      case 'sandbox.start':
        this.forgetAll();
        this.sandbox = event.sandbox;
        return;
      case 'sandbox.end':
        this.forgetAll();
        return;
      case 'process.fork':
        this.ownProcesses()[event.process.key] = event.process;
        return;
      case 'process.exec': {
        const process = this.processes[event.key];
        if (process === undefined) return;
        this.ownProcesses()[event.key] = { ...process, comm: event.comm, args: event.args };
        return;
      }
      case 'process.change': {
        const process = this.processes[event.key];
        if (process === undefined) return;
        this.ownProcesses()[event.key] = { ...process, ...event.change };
        return;
      }
      case 'process.exit':
        if (event.key in this.processes) delete this.ownProcesses()[event.key];
        this.endCommandsOf(event.key, t);
        return;
      case 'namespace.appear':
        this.ownNamespaces()[event.namespace.inode] = event.namespace;
        return;
      case 'namespace.change': {
        const namespace = this.namespaces[event.inode];
        if (namespace === undefined) return;
        this.ownNamespaces()[event.inode] = { ...namespace, ...event.change };
        return;
      }
      case 'namespace.vanish':
        if (event.inode in this.namespaces) delete this.ownNamespaces()[event.inode];
        return;
      case 'mount.attach':
      case 'mount.change':
        this.ownMounts(event.mountNs)[event.mount.mountId] = event.mount;
        return;
      case 'mount.detach':
        if (this.mounts[event.mountNs]?.[event.mountId] !== undefined) {
          delete this.ownMounts(event.mountNs)[event.mountId];
        }
        return;
      case 'mount.forget':
        if (event.mountNs in this.mounts) delete this.ownMountTable()[event.mountNs];
        return;
      case 'command.start':
        startCommand(this.ownCommands(), event, seq, t);
        return;
      case 'command.end':
        if (this.commands?.[event.id] !== undefined) endCommand(this.ownCommands(), event, t);
        return;
      // Terminals and checks have their place on the timeline, but are no kernel state.
      case 'terminal.open':
      case 'terminal.close':
      case 'check':
        return;
      default:
        unknownEvent(event);
    }
  }

  finish(): State {
    return {
      ...this.base,
      seq: this.seq,
      t: this.t,
      sandbox: this.sandbox,
      processes: this.processes,
      namespaces: this.namespaces,
      mounts: this.mounts,
      ...(this.commands !== undefined && { commands: this.commands }),
    };
  }

  private forgetAll(): void {
    this.sandbox = null;
    this.processes = {};
    this.namespaces = {};
    this.mounts = {};
    if (this.commands !== undefined) this.commands = {};
  }

  private ownProcesses(): Records<ProcessState> {
    this.processes = this.owned(this.processes);
    return this.processes as Records<ProcessState>;
  }

  /** A shell that is gone (`exit`, a kill) says no more that its command ended. */
  private endCommandsOf(shell: ProcessKey, t: number): void {
    for (const id in this.commands) {
      const command = this.commands[id];
      if (command?.process !== shell || command.endedAt !== null) continue;
      endCommand(this.ownCommands(), { id, exitCode: null }, t);
    }
  }

  private ownCommands(): Records<CommandState> {
    this.commands = this.owned(this.commands ?? {});
    return this.commands as Records<CommandState>;
  }

  private ownNamespaces(): Records<NamespaceState> {
    this.namespaces = this.owned(this.namespaces);
    return this.namespaces as Records<NamespaceState>;
  }

  private ownMountTable(): Records<Readonly<Records<MountState>>> {
    this.mounts = this.owned(this.mounts);
    return this.mounts as Records<Readonly<Records<MountState>>>;
  }

  private ownMounts(mountNs: NsInode): Records<MountState> {
    const table = this.ownMountTable();
    const rows = this.owned(table[mountNs] ?? {});
    table[mountNs] = rows;
    return rows as Records<MountState>;
  }

  /** The record itself when this batch made it, else a copy that the batch may write to. */
  private owned<T extends object>(record: T): T {
    if (this.own.has(record)) return record;
    const copy = { ...record };
    this.own.add(copy);
    return copy;
  }
}

/** The compiler proves the switch exhaustive; at run time an event of a newer version is skipped. */
function unknownEvent(_event: never): void {}
