/**
 * SandboxEngine: makes, enters, finds again and removes sandboxes. Runs in the daemon (host root,
 * host namespaces); all that changes a process's own namespaces happens in plans, by the player.
 *
 * What exists of a sandbox on the host, and who removes it: its claim of an id range, its record,
 * its cgroups, its processes. Everything else (namespaces, mounts, its disk) hangs on the
 * processes and goes with the last of them.
 */
import { createHash } from 'node:crypto';
import { closeSync, existsSync, openSync, readFileSync, rmdirSync, unlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { CallReport, Plan, Player } from '@terrarium/syscall';
import {
  childGroupsOf,
  existingGroups,
  groupPath,
  killGroup,
  livingProcesses,
  prepareParents,
  removeGroup,
} from './cgroups/index.js';
import { EXEC_PROCESS, type ExecInput, type ExecTarget, execPlan } from './exec-plan.js';
import type { HostFacts } from './host-facts.js';
import { supportsIdmap } from './idmap-probe.js';
import { probeHostFacts } from './probe.js';
import { startTimeOf } from './process-facts.js';
import { DEFAULT_LIMITS, type SandboxLimits, sandboxConfig } from './sandbox-config.js';
import { sandboxPlan } from './sandbox-plan.js';
import { sandboxSeccomp } from './seccomp/index.js';
import { shiftedImage } from './shifted-image.js';
import { IdRanges } from './state/id-ranges.js';
import { type SandboxRecord, SandboxRecords, sandboxId } from './state/sandbox-record.js';
import { runUndo, SandboxError, type UndoStep } from './undo.js';

/** How an engine is set up. */
export interface SandboxEngineOptions {
  readonly player: Player;
  /** STATE: records live in STATE/sandboxes */
  readonly state: string;
  /** directory of the base image */
  readonly baseImage: string;
  /** names everything on the host; by default made from STATE, so that two daemons differ */
  readonly instance?: string;
  /** where id ranges are claimed; all instances of a host share it */
  readonly claims?: string;
  readonly limits?: Partial<SandboxLimits>;
}

/** What one create may ask for. */
export interface CreateInput {
  readonly id: string;
  readonly hostname?: string;
  readonly limits?: Partial<SandboxLimits>;
  /** follows each system call */
  readonly onReport?: (report: CallReport) => void;
}

/** A running sandbox. */
export interface Sandbox {
  readonly id: string;
  /** its PID 1, as the host numbers it */
  readonly initPid: number;
  /** field 22 of /proc/PID/stat */
  readonly initStartTime: number;
  /** absolute directories of its cgroups, one a hierarchy */
  readonly cgroups: readonly string[];
  readonly idBase: number;
  /** milliseconds since the epoch */
  readonly createdAt: number;
}

/** A program started in a sandbox. */
export interface ExecHandle {
  readonly hostPid: number;
  /** status as wait(2) has it; never rejects */
  readonly exited: Promise<number>;
  readonly reports: readonly CallReport[];
}

/** What `runInSandbox` gives back. */
export interface RunResult {
  /** exit code, or 128 + signal */
  readonly exitCode: number;
  /** standard output and error as they came */
  readonly output: string;
}

/** What `adopt` found. */
export interface Adoption {
  readonly adopted: readonly Sandbox[];
  /** ids of which something was left, and is removed now */
  readonly removed: readonly string[];
  /** what could not be removed: why, by id; tried again at the next start */
  readonly stuck: readonly { readonly id: string; readonly reason: string }[];
}

/** A set-up script that takes longer is stuck. */
const RUN_TIMEOUT_MS = 30_000;

/** Adopted inits are not the player's children, so nobody reports their end. */
const ADOPTED_CHECK_MS = 500;

/** The host's name of an instance: `terrarium` for the default STATE, else with a short hash. */
export function instanceOf(state: string): string {
  const path = resolve(state);
  if (path === '/var/lib/terrarium') return 'terrarium';
  return `terrarium-${createHash('sha256').update(path).digest('hex').slice(0, 8)}`;
}

/** @see the file's header */
export class SandboxEngine {
  readonly facts: HostFacts;
  readonly limits: SandboxLimits;
  readonly instance: string;
  readonly #player: Player;
  readonly #baseImage: string;
  readonly #state: string;
  readonly #records: SandboxRecords;
  readonly #ranges: IdRanges;
  readonly #idmapped: boolean;
  readonly #running = new Map<string, SandboxRecord>();
  /** the last thing begun for each id; the next one waits for it */
  readonly #busy = new Map<string, Promise<unknown>>();
  readonly #goneListeners = new Set<(id: string) => void>();
  #adoptedTimer: NodeJS.Timeout | undefined;
  readonly #adoptedIds = new Set<string>();

  /**
   * Probes the host and makes the groups that hold sandboxes. Call `adopt` next.
   *
   * @throws Error when the host has no cgroups; PlanError when the kernel refuses the probe
   */
  static async open(options: SandboxEngineOptions): Promise<SandboxEngine> {
    const facts = probeHostFacts();
    if (facts.cgroups.kind === 'none')
      throw new Error('no cgroup hierarchy is mounted on this host');
    if (!existsSync(options.baseImage)) {
      throw new Error(`there is no base image at ${options.baseImage}`);
    }
    const idmapped = await supportsIdmap(options.player, options.baseImage);
    return new SandboxEngine(options, facts, idmapped);
  }

  private constructor(options: SandboxEngineOptions, facts: HostFacts, idmapped: boolean) {
    this.facts = facts;
    this.limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.instance = options.instance ?? instanceOf(options.state);
    this.#player = options.player;
    this.#baseImage = options.baseImage;
    this.#state = options.state;
    this.#records = new SandboxRecords(options.state);
    this.#ranges = new IdRanges(
      `${this.instance} ${resolve(options.state)}`,
      options.claims === undefined ? {} : { directory: options.claims },
    );
    this.#idmapped = idmapped;
    prepareParents(facts.cgroups, this.#parentGroup());
  }

  /**
   * Makes a sandbox; when it resolves, PID 1 runs and programs may be started.
   *
   * @throws SandboxError when the kernel refuses; nothing is left behind then
   */
  async create(input: CreateInput): Promise<Sandbox> {
    const id = sandboxId.parse(input.id);
    return this.#exclusively(id, async () => {
      if (this.#running.has(id)) throw new Error(`sandbox ${id} exists already`);
      const undo: UndoStep[] = [];
      try {
        return await this.#make(id, input, undo);
      } catch (error) {
        throw await runUndo(`create sandbox ${id}`, error, undo);
      }
    });
  }

  async #make(id: string, input: CreateInput, undo: UndoStep[]): Promise<Sandbox> {
    const idBase = this.#ranges.claim(id);
    undo.push({ name: 'free the id range', run: () => this.#freeIfGone(id, idBase) });
    const record = await this.#newRecord(id, idBase, input);
    undo.push({ name: 'remove the record', run: () => this.#records.remove(id) });
    undo.push({ name: 'remove cgroups and processes', run: () => this.#removeKernelObjects(id) });
    const { plan } = sandboxPlan({
      id,
      config: record.config,
      facts: this.facts,
      idmappedImage: this.#idmapped,
    });
    this.#records.write(record);
    const { hostPids } = await this.#run(plan, input.onReport);
    const pid = hostPids['init'];
    const startTime = pid === undefined ? null : startTimeOf(pid);
    if (pid === undefined || startTime === null) throw new Error('init ended at once');
    const running: SandboxRecord = { ...record, status: 'running', init: { pid, startTime } };
    this.#records.write(running);
    this.#running.set(id, running);
    this.#player.onExit(pid, () => this.#initEnded(id, pid));
    return this.#describe(running);
  }

  async #newRecord(id: string, idBase: number, input: CreateInput): Promise<SandboxRecord> {
    const image = this.#idmapped
      ? this.#baseImage
      : await shiftedImage(this.#baseImage, idBase, join(this.#state, 'shifted-images'));
    const config = sandboxConfig({
      id,
      idBase,
      baseImage: image,
      limits: { ...this.limits, ...input.limits },
      hostname: input.hostname ?? 'terrarium',
      cgroupsPath: this.#group(id),
    });
    const { bootId } = this.facts;
    return {
      version: 1,
      id,
      instance: this.instance,
      status: 'creating',
      idBase,
      createdAt: Date.now(),
      bootId,
      init: null,
      config,
    };
  }

  /** What another process needs to start programs in the sandbox; JSON. */
  execTarget(id: string): ExecTarget {
    const { init, config } = this.#get(id);
    if (init === null) throw new Error(`sandbox ${id} has no init`);
    return {
      id,
      initPid: init.pid,
      initStartTime: init.startTime,
      cgroupsPath: config.linux?.cgroupsPath ?? this.#group(id),
      facts: this.facts,
      rlimits: config.process?.rlimits ?? [],
      oomScoreAdj: config.process?.oomScoreAdj ?? 0,
      boundingCapabilities: config.process?.capabilities?.bounding ?? [],
      seccomp: config.linux?.seccomp ?? sandboxSeccomp(),
    };
  }

  /** Starts a program; resolves once it has exec'ed. @throws PlanError when a call is refused */
  async exec(id: string, input: ExecInput): Promise<ExecHandle> {
    return execInSandbox(this.#player, this.execTarget(id), input);
  }

  /** Runs a program to its end, without input or terminal: set-up scripts, tests. */
  async runInSandbox(
    id: string,
    args: readonly string[],
    options: { cwd?: string; env?: Readonly<Record<string, string>>; timeoutMs?: number } = {},
  ): Promise<RunResult> {
    const output = openScratchFile();
    try {
      const out = { ownerPid: process.pid, fd: output.fd };
      const { timeoutMs = RUN_TIMEOUT_MS, ...rest } = options;
      const handle = await this.exec(id, {
        args,
        ...rest,
        stdio: { stdin: null, stdout: out, stderr: out },
      });
      const timer = setTimeout(() => killQuietly(handle.hostPid), timeoutMs);
      const status = await handle.exited;
      clearTimeout(timer);
      return { exitCode: exitCodeOf(status), output: output.read() };
    } finally {
      output.close();
    }
  }

  /** Sends a signal to PID 1; it forwards what asks a program to end. */
  kill(id: string, signal: NodeJS.Signals = 'SIGTERM'): void {
    const { init } = this.#get(id);
    if (init !== null && startTimeOf(init.pid) === init.startTime) process.kill(init.pid, signal);
  }

  /**
   * Ends all processes and removes every trace; quiet about an unknown id.
   *
   * @throws SandboxError when something does not go away; its id range stays claimed then
   */
  async delete(id: string): Promise<void> {
    await this.#exclusively(id, async () => {
      if (!this.#running.has(id)) return;
      try {
        await this.#removeAll(id);
      } catch (error) {
        throw new SandboxError(`delete sandbox ${id}`, error, []);
      }
    });
  }

  list(): Sandbox[] {
    return [...this.#running.values()].map((record) => this.#describe(record));
  }

  /** Calls `listener` when a sandbox has ended without `delete`; the engine then cleans up. */
  onGone(listener: (id: string) => void): void {
    this.#goneListeners.add(listener);
  }

  /**
   * Finds what an earlier engine of this instance left: keeps living sandboxes, removes the rest,
   * half-made ones too. Once, before the first create.
   */
  async adopt(): Promise<Adoption> {
    const { records, broken } = this.#records.readAll();
    const living = records.filter((record) => this.#isAlive(record));
    for (const record of living) {
      this.#ranges.reclaim(record.idBase, record.id);
      this.#running.set(record.id, record);
      this.#adoptedIds.add(record.id);
    }
    const doomed = new Set([
      ...records.map(({ id }) => id),
      ...broken,
      ...this.#groupsOnHost(),
      ...this.#ranges.own().map(({ sandbox }) => sandbox),
    ]);
    for (const { id } of living) doomed.delete(id);
    const stuck: { id: string; reason: string }[] = [];
    for (const id of doomed) {
      // One that does not go away must not keep the lab from starting.
      await this.#removeAll(id).catch((error: Error) => stuck.push({ id, reason: error.message }));
    }
    this.#watchAdopted();
    const left = new Set(stuck.map(({ id }) => id));
    const removed = [...doomed].filter((id) => !left.has(id));
    return { adopted: living.map((record) => this.#describe(record)), removed, stuck };
  }

  /** Lets go of everything; sandboxes live on. With none left, the groups on the host go too. */
  async close(): Promise<void> {
    clearInterval(this.#adoptedTimer);
    if (this.#running.size > 0) return;
    for (const directory of existingGroups(this.facts.cgroups, this.#parentGroup())) {
      try {
        rmdirSync(directory);
      } catch {
        // EBUSY: a group there is not ours to remove; the next start looks at it again
      }
    }
  }

  async #run(plan: Plan, onReport: CreateInput['onReport']) {
    return this.#player.run(plan, onReport === undefined ? { batched: true } : { onReport }).done;
  }

  #describe(record: SandboxRecord): Sandbox {
    return {
      id: record.id,
      initPid: record.init?.pid ?? 0,
      initStartTime: record.init?.startTime ?? 0,
      cgroups: this.facts.cgroups.hierarchies.map((one) => groupPath(one, this.#group(record.id))),
      idBase: record.idBase,
      createdAt: record.createdAt,
    };
  }

  #get(id: string): SandboxRecord {
    const record = this.#running.get(id);
    if (record === undefined) throw new Error(`there is no sandbox ${id}`);
    return record;
  }

  #parentGroup(): string {
    return `/${this.instance}`;
  }

  #group(id: string): string {
    return `/${this.instance}/${id}`;
  }

  #isAlive({ status, bootId, init }: SandboxRecord): boolean {
    if (status !== 'running' || init === null || bootId !== this.facts.bootId) return false;
    return startTimeOf(init.pid) === init.startTime;
  }

  /** Names of all groups below the instance's, in any hierarchy. */
  #groupsOnHost(): string[] {
    const parents = existingGroups(this.facts.cgroups, this.#parentGroup());
    return [...new Set(parents.flatMap((directory) => childGroupsOf(directory)))];
  }

  /** Kernel objects first, the record next, the id range last: only then is it free. */
  async #removeAll(id: string): Promise<void> {
    const idBase = this.#running.get(id)?.idBase;
    this.#killInit(id);
    await this.#removeKernelObjects(id);
    this.#running.delete(id);
    this.#adoptedIds.delete(id);
    this.#records.remove(id);
    const claims = this.#ranges.own().filter(({ sandbox }) => sandbox === id);
    for (const { start } of claims) this.#ranges.free(start);
    if (idBase !== undefined) this.#ranges.free(idBase);
  }

  /** Ids of a sandbox that is not wholly gone must not become another's. */
  #freeIfGone(id: string, idBase: number): void {
    if (existingGroups(this.facts.cgroups, this.#group(id)).length === 0) this.#ranges.free(idBase);
  }

  /** The kernel ends a pid namespace with its PID 1: nobody in it can fork any more. */
  #killInit(id: string): void {
    const init = this.#running.get(id)?.init;
    if (init && startTimeOf(init.pid) === init.startTime) killQuietly(init.pid);
  }

  async #removeKernelObjects(id: string): Promise<void> {
    const { cgroups } = this.facts;
    if (livingProcesses(cgroups, this.#group(id)).length > 0)
      await killGroup(cgroups, this.#group(id));
    await removeGroup(cgroups, this.#group(id));
  }

  /** One thing at a time for each id, in the order in which they were asked for. */
  async #exclusively<T>(id: string, action: () => Promise<T>): Promise<T> {
    const before = this.#busy.get(id) ?? Promise.resolve();
    const mine = before.then(action, action);
    this.#busy.set(id, mine);
    try {
      return await mine;
    } finally {
      if (this.#busy.get(id) === mine) this.#busy.delete(id);
    }
  }

  /** PID 1 ended. Unless somebody has asked for it: clean up, then tell. */
  #initEnded(id: string, pid: number): void {
    const cleaned = this.#exclusively(id, async () => {
      if (this.#running.get(id)?.init?.pid !== pid) return false;
      await this.#removeAll(id);
      return true;
    });
    cleaned.then(
      (wasOurs) => wasOurs && this.#tellGone(id),
      () => this.#tellGone(id), // what is left is found by the next adopt
    );
  }

  #tellGone(id: string): void {
    for (const listener of this.#goneListeners) listener(id);
  }

  #watchAdopted(): void {
    if (this.#adoptedIds.size === 0) return;
    this.#adoptedTimer = setInterval(() => {
      for (const id of this.#adoptedIds) {
        const record = this.#running.get(id);
        if (record?.init && !this.#isAlive(record)) this.#initEnded(id, record.init.pid);
      }
    }, ADOPTED_CHECK_MS);
    this.#adoptedTimer.unref();
  }
}

/**
 * Starts a program with any player: the daemon's, or the terminal host's.
 *
 * @throws Error when the sandbox's init is not the process that was meant
 * @throws PlanError when a call is refused
 */
export async function execInSandbox(
  player: Player,
  target: ExecTarget,
  input: ExecInput,
): Promise<ExecHandle> {
  if (startTimeOf(target.initPid) !== target.initStartTime) {
    throw new Error(`sandbox ${target.id} has ended`);
  }
  const { hostPids, reports } = await player.run(execPlan(target, input), { batched: true }).done;
  const hostPid = hostPids[EXEC_PROCESS];
  if (hostPid === undefined) throw new Error(`no process was started in sandbox ${target.id}`);
  const exited = new Promise<number>((resolve) => player.onExit(hostPid, resolve));
  return { hostPid, exited, reports };
}

/** Exit code of a wait(2) status: 128 + signal for a killed process. */
export function exitCodeOf(waitStatus: number): number {
  const signal = waitStatus & 0x7f;
  return signal === 0 ? (waitStatus >> 8) & 0xff : 128 + signal;
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // ESRCH: it has ended already
  }
}

/**
 * A nameless file for a program's output. On a tmpfs the sandbox's own memory limit pays for it,
 * so that a flood cannot fill the host's disk.
 */
function openScratchFile(): { readonly fd: number; read(): string; close(): void } {
  const directory = existsSync('/dev/shm') ? '/dev/shm' : '/tmp';
  const path = join(directory, `terrarium-output-${process.pid}-${++scratchFiles}`);
  const fd = openSync(path, 'ax+', 0o600); // append: output and error share it
  unlinkSync(path);
  return {
    fd,
    read: () => readFileSync(`/proc/self/fd/${fd}`, 'utf8').slice(0, OUTPUT_CHARACTERS),
    close: () => closeSync(fd),
  };
}

let scratchFiles = 0;
/** A megabyte of a script's output says enough. */
const OUTPUT_CHARACTERS = 1024 * 1024;
