/**
 * The event source: two private tracefs instances of this observer, whose trace_pipes libuv polls
 * beside its own fds (see trace-pipe.ts). Runs in the observer process, host namespaces, root.
 * Invisible to the learner and never in their way: a slow reader loses events (the kernel says how
 * many), it does not slow the traced.
 *
 * - the *tree* instance traces the pids in `set_event_pid` and, by `event-fork`, all that descend
 *   from them: other processes of the host cost nothing.
 * - the *join* instance hears of processes that come into a watched cgroup from outside (a shell
 *   that joins a sandbox is no descendant of its init): cgroup_attach_task, filtered by path, and
 *   task_newtask of those that are born in another cgroup than their parent's; and of signals that
 *   end a process, as Ctrl-C is sent by a thread of the kernel.
 */
import { spawnSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmdirSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { cpus } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { ForkPairs, type PairedEvent } from './fork-pairs.js';
import { parseTraceLine } from './trace-line.js';
import { TracePipe } from './trace-pipe.js';
import { TracedPids } from './traced-pids.js';

export interface TraceSourceOptions {
  /** instances are called terrarium-NAME and terrarium-NAME-join; one observer per name */
  readonly name: string;
  /** where tracefs is mounted for as long as this observer runs, when the host has it nowhere */
  readonly mountDir: string;
  /** lines of one read, in the kernel's order */
  readonly onEvents: (events: readonly PairedEvent[], instance: 'tree' | 'join') => void;
  /** threads that must be traced, as far as they are known: see traced-pids.ts */
  readonly living?: () => readonly number[];
  /** a reader ended though nobody closed it */
  readonly onEnd: (message: string) => void;
}

/** Ring buffer of the tree instance over all CPUs: about a second of a fork bomb. */
const BUFFER_TOTAL_KIB = 16 * 1024;
const BUFFER_MIN_KIB = 256;
const BUFFER_MAX_KIB = 2048;
const JOIN_BUFFER_KIB = 64;

/** CLONE_THREAD: threads are no processes, so the kernel need not tell. */
const CLONE_THREAD = 0x10000;
/** The child is born in a cgroup v2 that its parent holds open. */
export const CLONE_INTO_CGROUP = 0x2_0000_0000;

/** Events without which there is no point in tracing, with their filters. */
const REQUIRED_EVENTS: readonly [name: string, filter: string | null][] = [
  ['task/task_newtask', `!(clone_flags & 0x${CLONE_THREAD.toString(16)})`],
  // A file name with a newline could forge a line about somebody else's process: drop it here.
  ['sched/sched_process_exec', '!(filename ~ "*\n*")'],
  ['sched/sched_process_exit', null],
  ['task/task_rename', null],
];

const MOUNTING_CALLS = [
  ...['mount', 'umount', 'move_mount', 'pivot_root', 'mount_setattr', 'open_tree_attr', 'chroot'],
];
/** Success of these is told; which of them exist depends on kernel and architecture. */
const SUCCEEDED_CALLS = [
  'unshare',
  'setns',
  'setuid',
  'setreuid',
  'setresuid',
  'capset',
  'seccomp',
  'chdir',
  'fchdir',
  'sethostname',
  'bind',
  'listen',
];
/** prctl(2) is told of when it may change what is shown: PR_CAPBSET_DROP, SET_SECCOMP, NO_NEW_PRIVS, CAP_AMBIENT. */
const PRCTL_FILTER: string = [24, 22, 38, 47].map((option) => `option == ${option}`).join(' || ');
/** Signals whose default action ends a process: all but SIGCHLD … SIGURG and SIGWINCH, signal(7). */
const FATAL_SIGNALS = '(sig < 17 || sig > 23) && sig != 28';
const STOP_SIGNALS = '(sig > 18 && sig < 23)';
const SIGCONT = 'sig == 18';
/** Queued, not ignored. */
const SENT_FILTER = `((${FATAL_SIGNALS}) || ${SIGCONT}) && result == 0`;
/** How a process ends. Most end by exit_group(0): not told, and so a fifth fewer lines. */
const ENDINGS: readonly [name: string, filter: string][] = [
  ['syscalls/sys_enter_exit_group', 'error_code != 0'],
  ['syscalls/sys_enter_exit', 'error_code != 0'],
  ['signal/signal_generate', SENT_FILTER],
  ['signal/signal_deliver', `(${FATAL_SIGNALS}) || ${STOP_SIGNALS}`],
];
const FORK_CALLS = ['clone', 'clone3', 'fork', 'vfork'];

/** The system calls after which mounts are read again. */
export const MOUNT_CALLS: ReadonlySet<string> = new Set(MOUNTING_CALLS);

/**
 * Around a write to the list of traced threads, ms: who was born then is found by their parents, so
 * nobody's birth may wait to be read.
 */
const URGENT_MS = 500;

/** A running pair of instances. */
export class TraceSource {
  private readonly options: TraceSourceOptions;
  private readonly tracefs: Tracefs;
  private readonly pipes: TracePipe[] = [];
  private readonly instances: string[] = [];
  private readonly pids: TracedPids;
  private readonly joinParents = new Set<string>();
  private marker: number | null = null;
  private closing = false;
  private urgentUntil = 0;

  private constructor(options: TraceSourceOptions, tracefs: Tracefs) {
    this.options = options;
    this.tracefs = tracefs;
    const file = `${this.instance('tree')}/set_event_pid`;
    this.pids = new TracedPids(file, options.living ?? (() => []));
  }

  /**
   * Makes the instances and begins to read; removes what a dead observer of this name left.
   *
   * @throws Error saying what this kernel or this process lacks
   */
  static async open(options: TraceSourceOptions): Promise<TraceSource> {
    const tracefs = mountTracefs(options.mountDir);
    const source = new TraceSource(options, tracefs);
    try {
      await source.start();
    } catch (error) {
      await source.close();
      throw error;
    }
    return source;
  }

  /** False where the kernel lacks events of system calls: unshare, setns and mount go unheard. */
  get hearsCalls(): boolean {
    return existsSync(`${this.instance('tree')}/events/syscalls/sys_exit_unshare`);
  }

  /** True where the trace tells of every way in which a process ends, other than exit_group(0). */
  get hearsEndings(): boolean {
    return ENDINGS.every(([name]) => existsSync(`${this.instance('tree')}/events/${name}`));
  }

  /** Traces these threads and all their future descendants. Resolves when the kernel does. */
  addPids(pids: readonly number[]): Promise<void> {
    this.urgentUntil = Date.now() + URGENT_MS;
    return this.pids.add(pids);
  }

  /** Traces again who has fallen out of the list, if anybody has; see traced-pids.ts. */
  checkPids(): Promise<void> {
    return this.pids.check();
  }

  /**
   * Hears from now on of processes moved into the subtree of a cgroup.
   *
   * @param path below the root of its hierarchy
   */
  addJoinPath(path: string): void {
    // One glob per parent directory, for good: sandboxes come and go below it, and each change of
    // the filter stops this thread for an RCU grace period.
    const parent = path.slice(0, path.lastIndexOf('/'));
    if (this.joinParents.has(parent) || /["*?[\\\n]/.test(parent)) return;
    this.joinParents.add(parent);
    const event = `${this.instance('join')}/events/cgroup/cgroup_attach_task`;
    if (!existsSync(event)) return;
    const globs = [...this.joinParents].map((known) => `dst_path ~ "${known}/*"`);
    writeFileSync(`${event}/filter`, globs.join(' || '));
    writeFileSync(`${event}/enable`, '1');
  }

  /**
   * Writes a word into the tree instance's trace; it comes back as a `mark` among its lines.
   *
   * @returns false where this kernel has no trace_marker
   */
  mark(word: string): boolean {
    if (this.marker === null || this.closing) return false;
    try {
      writeSync(this.marker, `${word}\n`);
      return true;
    } catch {
      return false; // the ring buffer is full
    }
  }

  /** Closes the pipes and removes the instances, and tracefs when this observer mounted it. */
  async close(): Promise<void> {
    this.closing = true;
    for (const pipe of this.pipes) pipe.close();
    await this.pids.close();
    if (this.marker !== null) closeSync(this.marker);
    this.marker = null;
    for (const instance of this.instances) await removeInstance(instance);
    this.tracefs.release();
  }

  private async start(): Promise<void> {
    for (const kind of ['tree', 'join'] as const) {
      const instance = this.instance(kind);
      await removeInstance(instance);
      mkdirSync(instance);
      this.instances.push(instance);
    }
    configureTree(this.instance('tree'));
    writeFileSync(`${this.instance('join')}/buffer_size_kb`, String(JOIN_BUFFER_KIB));
    writeFileSync(`${this.instance('join')}/options/record-tgid`, '1');
    const newTask = `${this.instance('join')}/events/task/task_newtask`;
    writeFileSync(`${newTask}/filter`, `clone_flags & 0x${CLONE_INTO_CGROUP.toString(16)}`);
    writeFileSync(`${newTask}/enable`, '1');
    const signals = `${this.instance('join')}/events/signal/signal_generate`;
    if (existsSync(signals)) {
      writeFileSync(`${signals}/filter`, SENT_FILTER);
      writeFileSync(`${signals}/enable`, '1');
    }
    this.marker = openMarker(this.instance('tree'));
    for (const kind of ['tree', 'join'] as const) this.read(kind);
  }

  private instance(kind: 'tree' | 'join'): string {
    const suffix = kind === 'tree' ? '' : '-join';
    return `${this.tracefs.dir}/instances/terrarium-${this.options.name}${suffix}`;
  }

  private read(kind: 'tree' | 'join'): void {
    const handOn = (events: readonly PairedEvent[]): void => {
      if (!this.closing) this.options.onEvents(events, kind);
    };
    const pairs = new ForkPairs(handOn, kind === 'tree' && this.hearsCalls);
    const onLines = (lines: readonly string[]): void =>
      pairs.take(lines.map(parseTraceLine).filter((event) => event !== null));
    const onEnd = (why: string): void => {
      if (!this.closing) this.options.onEnd(`trace_pipe ${why}`);
    };
    const isUrgent = (): boolean => Date.now() < this.urgentUntil;
    const listener = { onLines, onEnd, isUrgent };
    this.pipes.push(new TracePipe(`${this.instance(kind)}/trace_pipe`, listener));
  }
}

function configureTree(instance: string): void {
  const set = (file: string, value: string): void => writeFileSync(`${instance}/${file}`, value);
  const size = Math.floor(BUFFER_TOTAL_KIB / cpus().length);
  set('buffer_size_kb', String(Math.min(BUFFER_MAX_KIB, Math.max(BUFFER_MIN_KIB, size))));
  set('trace_clock', 'boot'); // the clock of field 22 in /proc/PID/stat
  set('options/record-tgid', '1');
  set('options/event-fork', '1');
  // 0 is nobody: without a pid in the list the kernel would trace everyone.
  set('set_event_pid', '0');
  for (const [name, filter] of REQUIRED_EVENTS) {
    if (filter !== null) set(`events/${name}/filter`, filter);
    set(`events/${name}/enable`, '1');
  }
  const hasGroupDead = readFileSync(
    `${instance}/events/sched/sched_process_exit/format`,
    'utf8',
  ).includes('group_dead');
  if (hasGroupDead) set('events/sched/sched_process_exit/filter', 'group_dead == 1');
  const optional = (name: string, filter: string | null): void => {
    if (!existsSync(`${instance}/events/${name}`)) return;
    if (filter !== null) set(`events/${name}/filter`, filter);
    set(`events/${name}/enable`, '1');
  };
  for (const event of ['attach_task', 'mkdir', 'rmdir']) optional(`cgroup/cgroup_${event}`, null);
  optional('oom/mark_victim', null);
  optional('oom/oom_score_adj_update', null);
  optional('syscalls/sys_enter_prctl', PRCTL_FILTER);
  for (const [name, filter] of ENDINGS) optional(name, filter);
  for (const call of SUCCEEDED_CALLS) optional(`syscalls/sys_exit_${call}`, 'ret == 0');
  // Of these also that they began, and that they failed: who may have changed what is just read.
  for (const call of MOUNTING_CALLS) {
    for (const when of ['enter', 'exit']) optional(`syscalls/sys_${when}_${call}`, null);
  }
  for (const call of FORK_CALLS) optional(`syscalls/sys_exit_${call}`, 'ret > 0');
}

/** A mounted tracefs, and what to do when it is no longer needed. */
interface Tracefs {
  readonly dir: string;
  readonly release: () => void;
}

function mountTracefs(mountDir: string): Tracefs {
  for (const dir of ['/sys/kernel/tracing', '/sys/kernel/debug/tracing']) {
    if (existsSync(`${dir}/instances`)) return { dir, release: () => {} };
  }
  // It may still be there from an observer that was killed: then it is ours to unmount as well.
  if (!existsSync(`${mountDir}/instances`)) {
    mkdirSync(mountDir, { recursive: true, mode: 0o700 });
    const mounted = spawnSync('mount', ['-t', 'tracefs', 'tracefs', mountDir], {
      encoding: 'utf8',
    });
    if (mounted.status !== 0) {
      rmdirSync(mountDir);
      throw new Error(`no tracefs: ${(mounted.stderr ?? String(mounted.error)).trim()}`);
    }
  }
  return {
    dir: mountDir,
    release: () => {
      const unmounted = spawnSync('umount', [mountDir]);
      if (unmounted.status !== 0) spawnSync('umount', ['--lazy', mountDir]);
      try {
        rmdirSync(mountDir);
      } catch {
        // Not empty or busy: somebody else uses that directory; a leftover directory harms nobody.
      }
    },
  };
}

/** Attempts to remove an instance while a dead observer's pipe is still on its way out. */
const REMOVE_ATTEMPTS = 40;
const REMOVE_PAUSE_MS = 25;

async function removeInstance(instance: string): Promise<void> {
  if (!existsSync(instance)) return;
  for (let attempt = 1; ; attempt++) {
    try {
      rmdirSync(instance);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
      if (attempt === REMOVE_ATTEMPTS) {
        throw new Error(`tracefs instance ${instance} is still in use`, { cause: error });
      }
      await delay(REMOVE_PAUSE_MS);
    }
  }
}

function openMarker(instance: string): number | null {
  try {
    return openSync(`${instance}/trace_marker`, 'w');
  } catch {
    return null; // not on this kernel
  }
}
