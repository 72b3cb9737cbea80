/**
 * The event source: two private tracefs instances of this observer, read by two `cat trace_pipe`
 * children (a blocked read would pin a thread of libuv's pool for ever). Runs in the observer
 * process, host namespaces, root. Invisible to the learner and never in their way: a slow reader
 * loses events (the kernel says how many), it does not slow the traced.
 *
 * - the *tree* instance traces the pids in `set_event_pid` and, by `event-fork`, all that descend
 *   from them: other processes of the host cost nothing.
 * - the *join* instance hears of processes that come into a watched cgroup from outside (a shell
 *   that joins a sandbox is no descendant of its init): cgroup_attach_task, filtered by path, and
 *   task_newtask of those that are born in another cgroup than their parent's.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs';
import { appendFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { parseTraceLine, type TraceEvent } from './trace-line.js';

export interface TraceSourceOptions {
  /** instances are called terrarium-NAME and terrarium-NAME-join; one observer per name */
  readonly name: string;
  /** where tracefs is mounted for as long as this observer runs, when the host has it nowhere */
  readonly mountDir: string;
  /** lines of one read, in the kernel's order */
  readonly onEvents: (events: readonly TraceEvent[], instance: 'tree' | 'join') => void;
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

/** Success of these is told; which of them exist depends on kernel and architecture. */
const SUCCEEDED_CALLS = [
  ...['unshare', 'setns', 'setuid', 'setreuid', 'setresuid'],
  ...['mount', 'umount', 'move_mount', 'pivot_root', 'mount_setattr', 'open_tree_attr', 'chroot'],
];
const FORK_CALLS = ['clone', 'clone3', 'fork', 'vfork'];

/** The system calls after which mounts are read again. */
export const MOUNT_CALLS: ReadonlySet<string> = new Set(SUCCEEDED_CALLS.slice(5));

/** A running pair of instances. */
export class TraceSource {
  private readonly options: TraceSourceOptions;
  private readonly tracefs: Tracefs;
  private readonly readers: ChildProcess[] = [];
  private readonly instances: string[] = [];
  private pidWrites: Promise<void> = Promise.resolve();
  private readonly joinParents = new Set<string>();
  private closing = false;

  private constructor(options: TraceSourceOptions, tracefs: Tracefs) {
    this.options = options;
    this.tracefs = tracefs;
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

  /** Traces these threads and all their future descendants. Resolves when the kernel does. */
  addPids(pids: readonly number[]): Promise<void> {
    if (pids.length === 0) return Promise.resolve();
    const file = `${this.instance('tree')}/set_event_pid`;
    // In libuv's pool: the kernel waits for an RCU grace period (10 to 50 ms) in this write.
    this.pidWrites = this.pidWrites.then(async () => {
      if (!this.closing) await appendFile(file, `${pids.join(' ')}\n`).catch(() => {});
    });
    return this.pidWrites;
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

  /** Ends the readers and removes the instances, and tracefs when this observer mounted it. */
  async close(): Promise<void> {
    this.closing = true;
    const ended = this.readers.map(endReader);
    await Promise.all(ended);
    await this.pidWrites;
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
    for (const kind of ['tree', 'join'] as const) this.read(kind);
  }

  private instance(kind: 'tree' | 'join'): string {
    const suffix = kind === 'tree' ? '' : '-join';
    return `${this.tracefs.dir}/instances/terrarium-${this.options.name}${suffix}`;
  }

  private read(kind: 'tree' | 'join'): void {
    const pipe = openSync(`${this.instance(kind)}/trace_pipe`, 'r');
    let reader: ChildProcess;
    try {
      reader = spawnReader(pipe);
    } finally {
      closeSync(pipe);
    }
    this.readers.push(reader);
    let rest = '';
    reader.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      const events = lines.map(parseTraceLine).filter((event) => event !== null);
      if (events.length > 0) this.options.onEvents(events, kind);
    });
    const ended = (why: string): void => {
      if (!this.closing) this.options.onEnd(`reader of trace_pipe ${why}`);
    };
    reader.on('error', (error) => ended(error.message));
    reader.on('exit', (code, signal) => ended(`ended with ${signal ?? `status ${code}`}`));
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
  optional('cgroup/cgroup_attach_task', null);
  for (const call of SUCCEEDED_CALLS) optional(`syscalls/sys_exit_${call}`, 'ret == 0');
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

/** `cat` with the pipe as its stdin, so that it needs no path; killed when this process dies. */
function spawnReader(pipe: number): ChildProcess {
  const stdio: ['pipe' | number, 'pipe', 'ignore'] = [pipe, 'pipe', 'ignore'];
  const setpriv = ['/usr/bin/setpriv', '/bin/setpriv'].find((path) => existsSync(path));
  if (setpriv === undefined) return spawn('cat', [], { stdio });
  return spawn(setpriv, ['--pdeathsig', 'KILL', 'cat'], { stdio });
}

function endReader(reader: ChildProcess): Promise<void> {
  if (reader.exitCode !== null || reader.signalCode !== null || reader.pid === undefined) {
    return Promise.resolve();
  }
  return new Promise((resolve) => {
    reader.once('exit', () => resolve());
    reader.kill('SIGKILL');
  });
}

/** Attempts to remove an instance while its last reader is still on its way out. */
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
      // A reader of a dead observer sleeps in read(2); a line wakes it, and its pipe is broken.
      poke(instance);
      await delay(REMOVE_PAUSE_MS);
    }
  }
}

function poke(instance: string): void {
  try {
    writeFileSync(`${instance}/trace_marker`, 'leave\n');
  } catch {
    // No marker on this kernel: the attempts above run out and name the instance.
  }
}
