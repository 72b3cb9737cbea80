/**
 * Who changed a network. Three witnesses, of which none is asked for more than it knows:
 *
 * - nf_tables names the process (NFTA_GEN_PROC_PID): certain.
 * - Messages about addresses and routes carry the sender's port id, which is its pid in its own pid
 *   namespace unless it chose another: certain where exactly one process of the sandbox has it.
 * - Messages about links carry nothing. Then the one process is meant that was running as a tool
 *   which changes networks (`ip link add …`), in this namespace, at that time; where there were two,
 *   or none, nobody is named: a wrong name is worse than none.
 */
import type { NsInode, ProcessKey, ProcessState } from '@terrarium/timeline';
import type { WatchedSandbox } from '../part.js';

interface Doer {
  readonly key: ProcessKey;
  readonly hostPid: number;
  /** its pid in its own pid namespace */
  readonly pid: number;
  /** null once it has gone elsewhere and nobody knows where */
  netNs: NsInode | null;
  /** what it runs changes networks; null where its arguments could not be read in time */
  readonly changes: boolean | null;
  /** when it was first missing; null while it lives */
  endedAt: number | null;
}

/** What was heard in one batch of changes. */
export interface Testimony {
  readonly netNs: NsInode;
  /** of the first message, milliseconds since the epoch */
  readonly since: number;
  readonly portIds: ReadonlySet<number>;
}

/** Ended processes are remembered this long: a message may be read after its sender's end. */
const REMEMBER_MS = 1000;
const MAX_REMEMBERED = 256;

export class Actors {
  private readonly sandbox: WatchedSandbox;
  private readonly recent = new Map<number, Doer>();

  constructor(sandbox: WatchedSandbox) {
    this.sandbox = sandbox;
  }

  onExec({ key, hostPid, pids, namespaces, comm, args }: ProcessState): void {
    this.recent.delete(hostPid); // so that the newest is the last
    this.recent.set(hostPid, {
      ...{ key, hostPid, netNs: namespaces.net, endedAt: null },
      pid: pids.at(-1) ?? 0,
      changes: changesNetworks(comm, args),
    });
    const [oldest] = this.recent.keys();
    if (this.recent.size > MAX_REMEMBERED && oldest !== undefined) this.recent.delete(oldest);
  }

  /** A process has joined or made namespaces: `ip -n NAME …` does so itself. */
  onMoved(hostPid: number): void {
    const doer = this.recent.get(hostPid);
    const process = this.sandbox.process(hostPid);
    if (doer === undefined) return;
    const there = process?.key === doer.key && this.sandbox.machine.proc.exists(hostPid);
    doer.netNs = there ? process.namespaces.net : null;
  }

  /**
   * The trace tells of an end. What its process caused before can be read by now, but may be read
   * after this, in the same round of the event loop: so it counts as ended when the round is over.
   */
  onExiting(hostPid: number): void {
    const doer = this.recent.get(hostPid);
    if (doer === undefined) return;
    setImmediate(() => {
      doer.endedAt ??= this.sandbox.machine.now();
    });
  }

  /** Forgets those who have ended some time ago. */
  tick(now: number): void {
    for (const [pid, doer] of this.recent) {
      if (doer.endedAt === null) {
        if (this.sandbox.process(pid)?.key !== doer.key) this.onExiting(pid);
      } else if (doer.endedAt + REMEMBER_MS < now) this.recent.delete(pid);
    }
  }

  /** The process that the kernel itself names. */
  byHostPid(hostPid: number): ProcessKey | undefined {
    return this.sandbox.process(hostPid)?.key ?? this.recent.get(hostPid)?.key;
  }

  /** Those to whom the evidence points: one did it, of several nobody can tell. */
  suspects({ netNs, since, portIds }: Testimony): ReadonlySet<ProcessKey> {
    const senders = [...portIds].flatMap((portId) => this.byPortId(portId));
    return new Set([...senders, ...this.toolsIn(netNs, since)]);
  }

  private byPortId(portId: number): ProcessKey[] {
    const found = new Set<ProcessKey>();
    for (const { key, pids } of this.sandbox.processes()) {
      if (pids.at(-1) === portId) found.add(key);
    }
    for (const { key, pid } of this.recent.values()) if (pid === portId) found.add(key);
    return [...found];
  }

  private toolsIn(netNs: NsInode, since: number): ProcessKey[] {
    return [...this.recent.values()]
      .filter(
        (doer) =>
          doer.changes !== false &&
          (doer.netNs ?? netNs) === netNs &&
          (doer.endedAt === null || doer.endedAt >= since),
      )
      .map(({ key }) => key);
  }
}

const TOOLS: ReadonlySet<string> = new Set(['ip', 'bridge', 'ifconfig', 'route', 'brctl']);
/** Words of ip(8) and bridge(8); each may be shortened: `ip l a`. */
const VERBS = ['add', 'delete', 'set', 'change', 'replace', 'append', 'flush', 'up', 'down'];
/** Options of ip(8) that have a value of their own. */
const WITH_VALUE: ReadonlySet<string> = new Set(['-n', '-netns', '-f', '-family', '-l', '-loops']);

/**
 * True for a command line that changes a network: `ip link add v0 type veth`, not `ip addr show`.
 * Null where only the program is known: it had ended before its arguments were read.
 */
export function changesNetworks(comm: string, args: readonly string[]): boolean | null {
  if (TOOLS.has(comm) && args.length === 1) return null;
  if (comm === 'ifconfig') return args.length > 2;
  if (comm === 'brctl' || comm === 'route') return /^(add|del)/.test(args[1] ?? '');
  if (comm !== 'ip' && comm !== 'bridge') return false;
  let at = args[0] === 'busybox' ? 2 : 1;
  while (args[at]?.startsWith('-')) {
    if (/^-b(atch)?$/.test(args[at] ?? '')) return true;
    at += WITH_VALUE.has(args[at] ?? '') ? 2 : 1;
  }
  if (args[at] === 'netns') return false; // makes namespaces, changes nothing in one
  const verb = args[at + 1];
  return verb !== undefined && VERBS.some((word) => word.startsWith(verb));
}
