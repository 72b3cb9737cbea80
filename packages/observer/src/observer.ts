/**
 * The observer: watches any number of sandboxes and tells what happens in each. Runs in a process
 * of its own (host namespaces, root), so that a scan of 3,000 processes delays no keystroke.
 *
 * Three sources, each healing the one before: trace events (0.1 ms after the fact), a look at
 * what they touched a moment later, and a slow comparison of everything with the kernel.
 */
import { release } from 'node:os';
import type { EventBody } from '@terrarium/timeline';
import { BootTime } from './boot-time.js';
import { cgroupPlace } from './cgroup-walk.js';
import type { Machine } from './context.js';
import type { PairedEvent } from './fork-pairs.js';
import type { KernelCalls } from './kernel-calls.js';
import { type Namespaces, Proc } from './proc.js';
import { realKernelCalls } from './real-kernel-calls.js';
import { SandboxWatch, type WatchTarget } from './sandbox-watch.js';
import { TraceBarrier } from './trace-barrier.js';
import { CLONE_INTO_CGROUP, MOUNT_CALLS, TraceSource } from './trace-source.js';

export interface ObserverOptions {
  /** distinguishes observers of one machine; letters, digits and dashes */
  readonly name: string;
  /** private mount point for tracefs, where the host has none mounted */
  readonly mountDir: string;
  /** events of one sandbox, in order */
  readonly onEvents: (sandbox: string, bodies: readonly EventBody[]) => void;
  /** the event source was lost, or it is back; see `status` */
  readonly onStatus?: (status: ObserverStatus) => void;
  /** `scan` never traces; default `auto` */
  readonly source?: 'auto' | 'scan';
  readonly calls?: KernelCalls;
}

/**
 * How events are found. `scan` misses what lives shorter than 250 ms; `reason` says why, or what
 * the trace of this kernel lacks; null when all is well.
 */
export interface ObserverStatus {
  readonly source: 'trace' | 'scan';
  readonly reason: string | null;
}

/** Inode of the initial pid namespace, PROC_PID_INIT_INO of <linux/proc_ns.h>. */
const INITIAL_PID_NS = 0xefff_fffc;
/** How often everything is compared while somebody looks, and while nobody does. */
const SCAN_MS = 1000;
const IDLE_SCAN_MS = 5000;
/** Every how many-th scan is a full one: namespaces, uids, arguments, holders, mounts. */
const FULL_EVERY = 5;
/** Every how many-th looks for fds that hold a namespace: opening and closing one is no event. */
const HOLDERS_EVERY = 2;
/** Without a trace: stat at 4 Hz, everything at 2 Hz. */
const BLIND_SCAN_MS = 250;
const BLIND_FULL_EVERY = 2;
/** A process that joins a cgroup makes its child before the trace follows it: look again then. */
const JOIN_LOOKS_MS = [1, 5, 20, 80, 250];
/** Launchers that are traced at most; the daemon and the terminal host have one each. */
const MAX_LAUNCHERS = 16;
/** Between two comparisons of everything after lost events. */
const HEAL_MS = 500;
/** Beats between two looks for numbers of processes that nobody knows any more, or that nobody traces. */
const PRUNE_EVERY = 40;
/** Least time between two messages about one sandbox, for what the trace tells. */
const GATHER_MS = 3;
/** Beat of the scan timer. */
const BEAT_MS = 125;

interface Watched {
  readonly watch: SandboxWatch;
  nextScan: number;
  /** when its next look is due, ms since the epoch */
  due: number;
  publishedAt: number;
  scans: number;
  /** settled once it is traced */
  begun: Promise<void>;
}

export class Observer {
  private readonly options: ObserverOptions;
  private readonly machine: Machine;
  private readonly watched = new Map<string, Watched>();
  /** which sandbox a host pid was last known in */
  private readonly owners = new Map<number, Watched>();
  /** processes that put others into sandboxes: traced, so that the next are seen from birth */
  private readonly launchers = new Set<number>();
  private trace: TraceSource | null = null;
  private readonly barrier = new TraceBarrier((word) => this.trace?.mark(word) ?? false);
  private present: ObserverStatus = { source: 'scan', reason: 'not started' };
  private beat: NodeJS.Timeout | null = null;
  private wake: NodeJS.Timeout | null = null;
  private wakeAt = Number.POSITIVE_INFINITY;
  private healing: NodeJS.Timeout | null = null;
  private healedAt = 0;
  private beats = 0;
  private stopped = false;

  constructor(options: ObserverOptions) {
    this.options = options;
    this.machine = thisMachine(options.calls ?? realKernelCalls());
  }

  get status(): ObserverStatus {
    return this.present;
  }

  /** Opens the event source, or falls back to scanning and says why. */
  async start(): Promise<ObserverStatus> {
    await this.openTrace();
    this.beat = setInterval(() => this.scanDue(), BEAT_MS);
    return this.present;
  }

  /**
   * Begins to watch a sandbox: emits `sandbox.start` and all that it holds, then what happens.
   *
   * @throws Error when its init or its cgroup is not there
   */
  async watch(target: WatchTarget): Promise<void> {
    if (this.watched.has(target.id)) this.forget(target.id);
    const place = cgroupPlace(this.machine.proc, target.cgroupDirs);
    const wake = (): void => {
      entry.due = 0;
      this.wakeBy(0);
    };
    const watch = new SandboxWatch(this.machine, target, place, {
      wake,
      born: (pid) => void this.owners.set(pid, entry),
      whenTold: (then) => this.barrier.wait(then),
    });
    const nextScan = this.machine.now() + SCAN_MS;
    const begun = Promise.resolve();
    const entry: Watched = { watch, nextScan, due: 0, publishedAt: 0, scans: 0, begun };
    this.watched.set(target.id, entry);
    // First the picture, so that a page need not wait for the trace; then the trace, then again,
    // for what was born between the two.
    this.scan(entry, 'full');
    watch.scanMounts();
    this.publish(entry);
    this.listenForJoins(watch);
    entry.begun = this.begin(entry);
    await entry.begun;
  }

  /** Begins to trace a sandbox, and looks again for what was born before that. */
  private async begin(entry: Watched): Promise<void> {
    const { watch } = entry;
    await this.follow([...watch.pids(), ...this.newLauncherOf(watch.target.initPid)]);
    watch.traced = this.hearsEndings;
    while (this.isWatched(entry)) {
      const born = this.scan(entry, 'full');
      this.publish(entry);
      if (born.length === 0) return;
      await this.follow(born);
    }
  }

  /**
   * Resolves once everything that a sandbox has now is traced, the shells that came from outside
   * included: nothing that they do from here on is missed.
   */
  async settle(id: string): Promise<void> {
    const entry = this.watched.get(id);
    if (entry === undefined) return;
    await entry.begun;
    while (this.isWatched(entry)) {
      const born = this.scanJoined(entry);
      // Not only who is new: the trace may have told of a shell that is not in its list yet.
      await this.follow([...entry.watch.pids()]);
      if (born.length === 0) return;
    }
  }

  /** Ends the watch; emits `sandbox.end`. */
  unwatch(id: string): void {
    if (!this.watched.has(id)) return;
    this.forget(id);
    this.options.onEvents(id, [{ type: 'sandbox.end', id }]);
  }

  /** How many look at a sandbox: those that somebody looks at are compared with the kernel at 1 Hz. */
  setViewers(id: string, viewers: number): void {
    const entry = this.watched.get(id);
    if (entry === undefined) return;
    if (entry.watch.viewers === 0 && viewers > 0) entry.nextScan = 0;
    entry.watch.viewers = viewers;
  }

  /** Tapes the system calls of a sandbox's processes, or ends that. */
  setTracing(id: string, on: boolean): void {
    const entry = this.watched.get(id);
    if (entry === undefined) return;
    entry.watch.setTracing(on);
    this.publish(entry);
  }

  /** Compares one sandbox with the kernel now. */
  rescan(id: string): void {
    const entry = this.watched.get(id);
    if (entry === undefined) return;
    this.scan(entry, 'full');
    this.publish(entry);
  }

  /** Ends all watches without a word and takes the event source down. */
  async stop(): Promise<void> {
    this.stopped = true;
    if (this.beat !== null) clearInterval(this.beat);
    if (this.wake !== null) clearTimeout(this.wake);
    if (this.healing !== null) clearTimeout(this.healing);
    for (const { watch } of this.watched.values()) watch.close();
    this.watched.clear();
    this.owners.clear();
    await this.trace?.close();
    this.trace = null;
  }

  // ---- event source -------------------------------------------------------------------------

  private async openTrace(): Promise<void> {
    const blind = (reason: string): void => this.setStatus({ source: 'scan', reason });
    if (this.options.source === 'scan') return blind('asked not to trace');
    if (this.machine.host.pid !== INITIAL_PID_NS) {
      return blind('not in the initial pid namespace, whose pids a trace has');
    }
    try {
      this.trace = await TraceSource.open({
        name: this.options.name,
        mountDir: this.options.mountDir,
        onEvents: (events, instance) => this.onTrace(events, instance),
        onEnd: (message) => void this.loseTrace(message),
        living: () => [...this.watched.values()].flatMap(({ watch }) => watch.pids()),
      });
    } catch (error) {
      return blind((error as Error).message);
    }
    const deaf = 'no events of system calls: namespaces and mounts show up to a second late';
    this.setStatus({ source: 'trace', reason: this.trace.hearsCalls ? null : deaf });
  }

  private async loseTrace(message: string): Promise<void> {
    const lost = this.trace;
    this.trace = null;
    this.barrier.forget();
    this.setStatus({ source: 'scan', reason: message });
    await lost?.close();
    if (this.stopped) return;
    await this.openTrace();
    if (this.present.source !== 'trace') return;
    for (const { watch } of this.watched.values()) {
      this.listenForJoins(watch);
      await this.follow(watch.pids());
      watch.traced = this.hearsEndings;
    }
    await this.follow([...this.launchers]);
    this.scanAll();
  }

  private setStatus(status: ObserverStatus): void {
    this.present = status;
    for (const { watch } of this.watched.values()) watch.traced = false; // until it is followed
    this.options.onStatus?.(status);
  }

  private get hearsEndings(): boolean {
    return this.trace?.hearsEndings ?? false;
  }

  private listenForJoins(watch: SandboxWatch): void {
    this.trace?.addJoinPath(watch.place.path);
  }

  /** Traces processes with all their threads; what they make later follows by itself. */
  private async follow(pids: readonly number[]): Promise<void> {
    if (this.trace === null) return;
    await this.trace.addPids(pids.flatMap((pid) => this.machine.proc.threads(pid)));
  }

  // ---- trace events -------------------------------------------------------------------------

  private onTrace(events: readonly PairedEvent[], instance: 'tree' | 'join'): void {
    if (this.stopped) return;
    const touched = new Set<Watched>();
    let lost = false;
    for (const event of events) {
      if (event.kind === 'lost') {
        lost = true;
        continue;
      }
      if (event.kind === 'mark') {
        this.barrier.passed(event.word);
        continue;
      }
      const entry = instance === 'join' ? this.joined(event) : this.apply(event);
      if (entry !== null) touched.add(entry);
    }
    if (lost && instance === 'tree') {
      for (const { watch } of this.watched.values()) watch.onLoss();
      this.healLoss();
    }
    for (const entry of touched) this.publishSoon(entry);
  }

  /** @returns the sandbox that the event was about */
  private apply(event: Exclude<PairedEvent, { kind: 'lost' | 'mark' }>): Watched | null {
    if (event.kind === 'fork') return this.applyFork(event);
    if (event.kind === 'signal') return this.applySignal(event);
    const pid =
      event.kind === 'attach' || event.kind === 'oom'
        ? event.pid
        : this.processOf(event.tid, event.tgid);
    const entry = this.ownerOf(pid);
    if (entry === null) return event.kind === 'attach' ? this.joined(event) : null;
    const { watch } = entry;
    switch (event.kind) {
      case 'exec':
        watch.onExec(pid, event.file, event.seconds);
        break;
      case 'exit':
        // Old kernels do not say whether it was the last thread; then the first one stands for all.
        if (event.groupDead ?? pid === event.tid) watch.onExit(pid);
        break;
      case 'rename':
        if (pid === event.tid) watch.onRename(pid, event.comm); // else the name of a thread
        break;
      case 'attach':
        this.attach(watch, event);
        break;
      case 'cgroup':
        watch.onCgroup(event.what, pid, event.hierarchy, event.path);
        break;
      case 'oom':
        watch.onOom(pid);
        break;
      case 'call':
        if (MOUNT_CALLS.has(event.name)) watch.mountsChanged(pid, event.tid, event.name);
        else watch.onCall(pid, event.name);
        break;
      case 'entered':
        watch.mountCallBegins(pid, event.tid);
        return null;
      case 'refused':
        watch.mountCallEnds(event.tid);
        return null;
      case 'delivery':
        watch.onDelivery(pid, event.signal, event.handled);
        return null;
      case 'exiting':
        if (event.group || pid === event.tid) watch.onExiting(pid, event.code);
        return null;
      default:
        return never(event);
    }
    return entry;
  }

  private attach(watch: SandboxWatch, event: Extract<PairedEvent, { kind: 'attach' }>): void {
    const { pid, hierarchy, path } = event;
    const by = this.processOf(event.tid, event.tgid);
    watch.onAttach(pid, hierarchy, path, by);
    watch.attached(pid, hierarchy, path, by);
  }

  /** The sandbox of whom it was sent to; its sender may be of another one, or its number's next owner. */
  private applySignal(event: Extract<PairedEvent, { kind: 'signal' }>): null {
    const target = this.processOf(event.target, null);
    const sender = this.processOf(event.tid, event.tgid);
    this.ownerOf(target)?.watch.onSignal(target, sender, event.signal, event.code);
    return null;
  }

  /** The tree instance tells of all that traced processes send. */
  private applySignalFromOutside(event: Extract<PairedEvent, { kind: 'signal' }>): null {
    const sender = this.processOf(event.tid, event.tgid);
    return this.ownerOf(sender) === null ? this.applySignal(event) : null;
  }

  private applyFork(event: Extract<PairedEvent, { kind: 'fork' }>): Watched | null {
    const caller = this.processOf(event.tid, event.tgid);
    const entry = this.ownerOf(caller);
    if (entry === null) return this.bornInto(event);
    const known = entry.watch.onFork({
      child: event.child,
      caller,
      byThread: caller !== event.tid,
      flags: event.flags,
      seconds: event.seconds,
      visiblePid: event.visiblePid,
    });
    if (known) this.owners.set(event.child, entry);
    return entry;
  }

  /** The process of a thread. Events are about threads; only the first has the process's number. */
  private processOf(tid: number, tgid: number | null): number {
    if (this.owners.has(tid)) return tid;
    return tgid ?? this.machine.proc.status(tid)?.threadGroup ?? tid;
  }

  /** The sandbox of a process; forgets the number when it is nobody's any more. */
  private ownerOf(pid: number): Watched | null {
    const entry = this.owners.get(pid);
    if (entry === undefined) return null;
    // The sandbox may be gone, or the number with somebody else.
    if (!this.isWatched(entry) || !entry.watch.knows(pid)) {
      this.owners.delete(pid);
      return null;
    }
    return entry;
  }

  /** Somebody moved a process into a cgroup below one of the join paths. */
  private joined(event: Exclude<PairedEvent, { kind: 'lost' | 'mark' }>): Watched | null {
    if (event.kind === 'fork') return this.bornInto(event);
    if (event.kind === 'signal') return this.applySignalFromOutside(event);
    if (event.kind !== 'attach' || this.ownerOf(event.pid) !== null) return null;
    for (const entry of this.watched.values()) {
      if (entry.watch.onAttach(event.pid, event.hierarchy, event.path, event.tid))
        return this.welcome(entry, event.pid);
    }
    return null;
  }

  /** On cgroup v2 a shell that joins is born in its cgroup (CLONE_INTO_CGROUP): nobody moves it. */
  private bornInto({ child, flags }: Extract<PairedEvent, { kind: 'fork' }>): Watched | null {
    if ((flags !== null && flags < CLONE_INTO_CGROUP) || this.ownerOf(child) !== null) return null;
    for (const entry of this.watched.values()) {
      if (entry.watch.onBorn(child)) return this.welcome(entry, child);
    }
    return null;
  }

  /** Follows a process that came from outside, and looks at it until it is what it will be. */
  private welcome(entry: Watched, pid: number): Watched {
    this.own(entry, [pid]);
    void this.follow([pid, ...this.newLauncherOf(pid)]);
    for (const pause of JOIN_LOOKS_MS) setTimeout(() => this.lookForJoined(entry), pause);
    return entry;
  }

  /** The parent of a process that came from outside, unless it is known or the host's init. */
  private newLauncherOf(pid: number): number[] {
    const launcher = this.machine.proc.stat(pid)?.parentPid ?? 0;
    for (const known of this.launchers) {
      if (this.machine.proc.stat(known) === null) this.launchers.delete(known);
    }
    if (launcher <= 1 || this.launchers.has(launcher) || this.launchers.size >= MAX_LAUNCHERS) {
      return [];
    }
    this.launchers.add(launcher);
    return [launcher];
  }

  private lookForJoined(entry: Watched): void {
    if (!this.isWatched(entry)) return;
    const born = this.scanJoined(entry);
    if (born.length > 0) void this.follow(born);
  }

  /** Looks for who came from outside. @returns the pids that were not known before */
  private scanJoined(entry: Watched): number[] {
    const born = entry.watch.scan('stat', true);
    this.own(entry, born);
    this.publish(entry);
    return born;
  }

  // ---- time ---------------------------------------------------------------------------------

  private scanDue(): void {
    const now = this.machine.now();
    this.beats += 1;
    if (this.beats % PRUNE_EVERY === 0) {
      for (const pid of this.owners.keys()) this.ownerOf(pid);
      void this.trace?.checkPids();
    }
    const blind = this.trace === null;
    for (const entry of this.watched.values()) {
      if (entry.nextScan > now) continue;
      const pause = blind ? BLIND_SCAN_MS : entry.watch.viewers > 0 ? SCAN_MS : IDLE_SCAN_MS;
      entry.nextScan = now + pause;
      entry.scans += 1;
      const full = entry.scans % this.fullEvery() === 0;
      const born = this.scan(entry, full ? 'full' : 'stat', !blind);
      if (entry.watch.hasStrangers) this.meetStrangers(entry);
      if (!full && entry.scans % HOLDERS_EVERY === 0) entry.watch.scanHolders();
      if (born.length > 0) void this.follow(born);
      this.publish(entry);
    }
  }

  /** Once the trace has told of all that a scan may have seen before it. */
  private meetStrangers(entry: Watched): void {
    const meet = (): void => {
      if (!this.isWatched(entry)) return;
      const born = entry.watch.meetStrangers();
      this.own(entry, born);
      if (born.length > 0) void this.follow(born);
      this.publish(entry);
    };
    if (!this.barrier.wait(meet)) meet();
  }

  private fullEvery(): number {
    if (this.trace === null) return BLIND_FULL_EVERY;
    return this.trace.hearsCalls ? FULL_EVERY : 1;
  }

  /** At once, unless it was just done: in a flood the kernel may report losses 100 times a second. */
  private healLoss(): void {
    if (this.healing !== null) return;
    const pause = Math.max(0, this.healedAt + HEAL_MS - this.machine.now());
    this.healing = setTimeout(() => {
      this.healing = null;
      this.healedAt = this.machine.now();
      this.scanAll();
    }, pause);
  }

  private scanAll(): void {
    for (const entry of this.watched.values()) {
      const born = this.scan(entry, 'full');
      if (born.length > 0) void this.follow(born);
      this.publish(entry);
    }
  }

  private scan(entry: Watched, depth: 'stat' | 'full', isPatient = false): number[] {
    const born = entry.watch.scan(depth, depth === 'full', isPatient);
    this.own(entry, born);
    return born;
  }

  /** False once the sandbox is gone, or watched anew. */
  private isWatched(entry: Watched): boolean {
    return this.watched.get(entry.watch.target.id) === entry;
  }

  private own(entry: Watched, pids: readonly number[]): void {
    for (const pid of pids) this.owners.set(pid, entry);
  }

  /** At once after a quiet moment; what follows a fork is gathered: exec and exit, most often. */
  private publishSoon(entry: Watched): void {
    const at = entry.publishedAt + GATHER_MS;
    if (at <= this.machine.now()) {
      this.publish(entry);
      return;
    }
    entry.due = Math.min(entry.due, at);
    this.wakeBy(at);
  }

  /** Hands on what a sandbox has emitted, and wakes up when its next look is due. */
  private publish(entry: Watched): void {
    entry.publishedAt = this.machine.now();
    entry.due = entry.watch.tick(this.machine.now()) ?? Number.POSITIVE_INFINITY;
    this.wakeBy(entry.due);
    const bodies = entry.watch.drain();
    if (bodies.length === 0) return;
    this.options.onEvents(entry.watch.target.id, bodies);
  }

  private wakeBy(at: number): void {
    if (at >= this.wakeAt) return;
    if (this.wake !== null) clearTimeout(this.wake);
    this.wakeAt = at;
    this.wake = setTimeout(
      () => {
        this.wakeAt = Number.POSITIVE_INFINITY;
        this.wake = null;
        this.publishDue();
      },
      Math.max(1, at - this.machine.now()),
    );
  }

  private publishDue(): void {
    const now = this.machine.now();
    for (const entry of this.watched.values()) {
      if (entry.due <= now) this.publish(entry);
      else this.wakeBy(entry.due);
    }
  }

  private forget(id: string): void {
    const entry = this.watched.get(id);
    entry?.watch.close();
    this.watched.delete(id);
    for (const [pid, owner] of this.owners) if (owner === entry) this.owners.delete(pid);
  }
}

function thisMachine(calls: KernelCalls): Machine {
  const proc = new Proc();
  const boot = new BootTime();
  const host = proc.namespaces(process.pid);
  return {
    proc,
    calls,
    host: host as Namespaces, // /proc/self/ns is always readable by its own process
    kernelRelease: release(),
    get bootedAt() {
      return boot.bootedAt;
    },
    now: Date.now,
  };
}

function never(event: never): never {
  throw new Error(`unhandled trace event ${JSON.stringify(event)}`);
}
