/**
 * Runs one plan call by call. Between two calls every process of the plan stands still in the
 * player, so the kernel's state can be read before and after, and the difference is what the call
 * did. Runs in the daemon; the calls themselves are made by the player's processes.
 */
import { setTimeout as delay } from 'node:timers/promises';
import {
  type CallReport,
  errnoMeaning,
  errnoName,
  isFailure,
  type Plan,
  type PlanRun,
  type PlanStep,
  type Player,
  type ProcessName,
  SyscallError,
} from '@terrarium/syscall';
import { startTimeOf } from '../process-facts.js';
import { type BlockedProbe, blockedIn } from './blocked.js';
import type { Capture } from './capture-state.js';
import { diffStates } from './diff-state.js';
import { HOST_VIEWER, type KernelChange, type Landmark, type Viewer } from './kernel-change.js';
import { type KernelState, NO_STATE } from './kernel-state.js';
import { namedFile, readNamedFile } from './named-file.js';
import { isZombie, readExe } from './read-process.js';
import { Registers, type RegisterValues, withReportedLoads } from './registers.js';
import {
  becomesProgram,
  type Outcome,
  type Position,
  type ProcessEnd,
  type StepEvent,
  type StepRecord,
} from './step-events.js';

/** What a session is made from. */
export interface StepSessionOptions {
  readonly player: Player;
  readonly plan: Plan;
  readonly capture: Capture;
  readonly onEvent?: (event: StepEvent) => void;
  /**
   * Takes back what the death of the plan's processes leaves: groups, files, mounts of the host.
   * Called once, after they are dead: by abort, by a failure, and by `end` after a success.
   */
  readonly undo?: () => Promise<void> | void;
  /** namespaces that were there before, so that the others can be called new */
  readonly landmarks?: readonly Landmark[];
  /** with whose numbers and paths it is told: the host's by default */
  readonly viewer?: Viewer;
  /** a call that sleeps for so long is told as blocked */
  readonly blockedAfterMs?: number;
  readonly probe?: BlockedProbe;
  /** for tests without a kernel */
  readonly startTime?: (pid: number) => number | null;
  readonly isZombie?: (pid: number) => boolean;
}

/** A person takes this for "at once"; calls that work for longer are not asleep, see blocked.ts. */
const BLOCKED_AFTER_MS = 120;
/** How often a call that is on its way is looked at. */
const LOOK_MS = 5;
/**
 * What is certain to come, unless the run ends: a first process, a born child, a woken process at its
 * next step. Long, for machines with far too much to do.
 */
const ARRIVE_MS = 20_000;
/** Nobody can step: a blocked call may still return by itself within this, or is left to later. */
const RETURN_MS = 2_000;
/** Dead processes are reaped within this, or are told as left behind. */
const GONE_MS = 10_000;

interface Standing {
  status: Position['status'];
  index: number;
  hostPid: number | null;
  startTime: number | null;
  waitsFor: Position['waitsFor'];
  end: ProcessEnd | null;
  /** registers before the step that is under way */
  registers: RegisterValues;
}

type Phase = 'stepping' | 'ending' | 'ended';

/** @see the file's header */
export class StepSession {
  readonly plan: Plan;
  readonly #options: StepSessionOptions;
  /** as the player has it: with more in the reports */
  readonly #played: Plan;
  readonly #run: PlanRun;
  readonly #registers: Registers;
  readonly #standing = new Map<ProcessName, Standing>();
  readonly #reports = new Map<string, CallReport>();
  readonly #wakers = new Set<() => void>();
  readonly #records: StepRecord[] = [];
  readonly #ready: Promise<void>;
  #turn: Promise<unknown> = Promise.resolve();
  #current: ProcessName;
  #state: KernelState = NO_STATE;
  /** how the player's run ended; null while it goes on */
  #runEnd: { readonly error: Error | null } | null = null;
  #phase: Phase = 'stepping';
  #outcome: Outcome | null = null;
  #aborting = false;
  #pausing = false;
  #undone = false;

  /** Starts the plan; its first process comes to stand before its first step. */
  constructor(options: StepSessionOptions) {
    this.#options = options;
    this.plan = options.plan;
    this.#current = options.plan.first;
    this.#registers = new Registers(options.plan.first);
    this.#played = withReportedLoads(options.plan);
    this.#run = options.player.run(this.#played, {
      stepped: true,
      onStarted: (process, hostPid) => this.#onStarted(process, hostPid),
      onWaiting: (process, index) => this.#onWaiting(process, index),
      onReport: (report) => this.#onReport(report),
    });
    this.#run.done.then(
      () => this.#onRunEnd(null),
      (error: Error) => this.#onRunEnd(error),
    );
    this.#ready = this.#inTurn(() => this.#arriveFirst());
  }

  get positions(): readonly Position[] {
    return Object.keys(this.plan.processes).flatMap((process) => {
      const standing = this.#standing.get(process);
      if (standing === undefined) return [];
      const { hostPid, index, status, waitsFor, end } = standing;
      const registers = this.#registers.of(process);
      return [{ process, hostPid, index, status, waitsFor, end, registers }];
    });
  }

  /** Steps made so far, oldest first. */
  get records(): readonly StepRecord[] {
    return this.#records;
  }

  /** The last reading. */
  get state(): KernelState {
    return this.#state;
  }

  /** null while steps can be made. */
  get outcome(): Outcome | null {
    return this.#outcome;
  }

  /** Resolves when the first process waits, or the run has ended before. */
  get ready(): Promise<void> {
    return this.#ready;
  }

  /**
   * Who steps next when nobody is named: whoever stepped last goes on as long as it can; then the
   * first one in the plan that waits. null when nobody waits.
   */
  next(): ProcessName | null {
    if (this.#phase !== 'stepping') return null;
    const waits = (process: ProcessName) => this.#standing.get(process)?.status === 'waiting';
    if (waits(this.#current)) return this.#current;
    return Object.keys(this.plan.processes).find(waits) ?? null;
  }

  /**
   * Makes one step, of the named process or of the next one; resolves when the kernel's state after
   * it has been read, or the call turned out to be blocked.
   *
   * @throws Error when that process cannot step now
   */
  step(process?: ProcessName): Promise<void> {
    return this.#inTurn(async () => {
      const name = process ?? this.next();
      if (name === null) throw new Error('no process of the plan waits for a step');
      if (this.#phase !== 'stepping' || this.#standing.get(name)?.status !== 'waiting') {
        throw new Error(`process ${name} cannot step now`);
      }
      await this.#stepOnce(name, true);
    });
  }

  /** Steps until `process` stands before `index`, or nobody can step. */
  runTo(process: ProcessName, index: number): Promise<void> {
    const there = (): boolean => (this.#standing.get(process)?.index ?? -1) >= index;
    return this.#runUntil(there);
  }

  /** Steps until nobody can. */
  runAll(): Promise<void> {
    return this.#runUntil(() => false);
  }

  /** Stops runTo and runAll after the step under way. */
  pause(): void {
    this.#pausing = true;
  }

  /** Kills what the plan has made, takes everything back, and waits until nothing is left. */
  abort(): Promise<void> {
    this.#aborting = true;
    this.#run.abort();
    this.#wake();
    return this.#inTurn(async () => {
      if (this.#phase !== 'stepping') return;
      await this.#finish({ kind: 'aborted', leftovers: [] });
    });
  }

  /** After a success: ends what was made. Quiet when there is nothing to end. */
  end(): Promise<readonly string[]> {
    if (this.#outcome === null) return this.abort().then(() => []);
    return this.#inTurn(() => this.#takeBack());
  }

  // ---- what the player says ----

  #onStarted(process: ProcessName, hostPid: number): void {
    const standing = this.#stand(process);
    standing.hostPid = hostPid;
    standing.startTime = (this.#options.startTime ?? startTimeOf)(hostPid);
    this.#wake();
  }

  #onWaiting(process: ProcessName, index: number): void {
    const standing = this.#stand(process);
    // A report that was expected late came with it: see #collectLate.
    if (standing.status !== 'blocked') standing.status = 'waiting';
    standing.index = index;
    this.#wake();
    if (standing.status === 'blocked') this.#later();
  }

  #onReport(report: CallReport): void {
    this.#reports.set(keyOf(report.process, report.index), report);
    this.#wake();
    if (this.#standing.get(report.process)?.status === 'blocked') this.#later();
  }

  #onRunEnd(error: Error | null): void {
    this.#runEnd = { error };
    this.#wake();
    // Killed from outside while everybody stood still: nobody's turn notices.
    void this.#inTurn(() => this.#noticeEnd());
  }

  #stand(process: ProcessName): Standing {
    let standing = this.#standing.get(process);
    if (standing === undefined) {
      const fresh = { hostPid: null, startTime: null, waitsFor: null, end: null, registers: {} };
      standing = { status: 'running', index: 0, ...fresh };
      this.#standing.set(process, standing);
    }
    return standing;
  }

  // ---- turns ----

  /** One thing at a time. */
  #inTurn<T>(action: () => Promise<T>): Promise<T> {
    const mine = this.#turn.then(action, action);
    this.#turn = mine.catch(() => {});
    return mine;
  }

  async #arriveFirst(): Promise<void> {
    const first = this.#stand(this.plan.first);
    await this.#until(
      () => this.#runEnd !== null || (first.status === 'waiting' && first.hostPid !== null),
      ARRIVE_MS,
    );
    await this.#read(null);
    this.#tellPositions();
  }

  #runUntil(there: () => boolean): Promise<void> {
    this.#pausing = false;
    return this.#inTurn(async () => {
      let fresh = true;
      while (this.#phase === 'stepping' && !this.#aborting && !this.#pausing && !there()) {
        const process = this.next();
        if (process === null) {
          if (await this.#somebodyReturns()) continue;
          return;
        }
        await this.#stepOnce(process, fresh);
        fresh = false;
      }
    });
  }

  /** @param fresh a person may have changed something since the last reading */
  async #stepOnce(process: ProcessName, fresh: boolean): Promise<void> {
    const standing = this.#stand(process);
    const { index, hostPid } = standing;
    const step = this.plan.processes[process]?.[index];
    if (step === undefined) return;
    const file =
      step.kind === 'call' && hostPid !== null
        ? namedFile(step, process, hostPid, this.#registers)
        : null;
    const named = readNamedFile(file);
    const before = fresh ? await this.#read(named) : { ...this.#state, file: named, readMs: 0 };
    const exe = before.processes[process]?.exe ?? null;
    this.#current = process;
    standing.status = 'running';
    standing.registers = this.#registers.of(process);
    this.#tellPositions();
    this.#run.step(process);
    const returned = await this.#awaitReturn(process, index, step, exe);
    if (returned) await this.#arrive(process, index, step);
    await this.#awaitWoken();
    const after = await this.#read(readNamedFile(file), renames(step) ? 'all' : 'known');
    const changes = diffStates(before, after, { actor: process, ...this.#context() });
    if (returned) this.#record(process, index, step, changes, before.readMs + after.readMs);
    this.#recordWoken();
    await this.#noticeEnd();
    if (this.#phase === 'stepping') this.#tellPositions(); // else the end has told them
  }

  /** @returns false when the call is blocked, and will be told when it returns */
  async #awaitReturn(
    process: ProcessName,
    index: number,
    step: PlanStep,
    exe: string | null,
  ): Promise<boolean> {
    const began = performance.now();
    const standing = this.#stand(process);
    const back = (): boolean =>
      this.#reports.has(keyOf(process, index)) ||
      standing.index > index ||
      this.#runEnd !== null ||
      this.#aborting;
    const limit = this.#options.blockedAfterMs ?? BLOCKED_AFTER_MS;
    for (;;) {
      await this.#until(back, LOOK_MS);
      if (back()) return !this.#aborting;
      if (becomesProgram(step) && this.#isProgram(standing, exe)) return true;
      if (performance.now() - began < limit || standing.hostPid === null) continue;
      const fact =
        step.kind === 'call'
          ? (this.#options.probe ?? blockedIn)(standing.hostPid, step.syscall)
          : null;
      if (fact === null) continue;
      standing.status = 'blocked';
      standing.waitsFor = fact.words;
      return false;
    }
  }

  /** The kernel's word that execve succeeded: the report comes only when the whole run has ended. */
  #isProgram({ hostPid }: Standing, exe: string | null): boolean {
    if (hostPid === null) return false;
    const { startTime = startTimeOf } = this.#options;
    if (startTime(hostPid) === null) return true; // and that program has ended already
    const now = readExe(hostPid);
    return now !== null && exe !== null && now !== exe;
  }

  /** After a call has returned: its process gets to its next step or leaves, its child is born. */
  async #arrive(process: ProcessName, index: number, step: PlanStep): Promise<void> {
    const standing = this.#stand(process);
    const report = this.#reports.get(keyOf(process, index));
    if (report !== undefined) this.#learn(report);
    if (report !== undefined && isFailure(this.plan, report)) {
      await this.#until(() => this.#runEnd !== null, ARRIVE_MS);
      this.#leave(standing, index, 'failed');
      return;
    }
    const end = this.#endAfter(process, index, step, report);
    if (end !== null) this.#leave(standing, index, end);
    else await this.#until(() => standing.status === 'waiting' || this.#stopped, ARRIVE_MS);
    if (end === 'exited') await this.#untilGone([standing], ARRIVE_MS);
    if (step.kind === 'call' && step.child !== undefined && report?.errno === 0) {
      const child = this.#stand(step.child);
      await this.#until(
        () => (child.status === 'waiting' && child.hostPid !== null) || this.#stopped,
        ARRIVE_MS,
      );
    }
  }

  #learn(report: CallReport): void {
    const step = this.#played.processes[report.process]?.[report.index];
    if (step?.kind === 'call') this.#registers.report(step, report);
  }

  #endAfter(
    process: ProcessName,
    index: number,
    step: PlanStep,
    report: CallReport | undefined,
  ): ProcessEnd | null {
    if (step.kind === 'become-init') return 'init';
    if (step.kind === 'detach') return 'detached';
    if (becomesProgram(step) && (report === undefined || report.errno === 0)) return 'program';
    return index + 1 === this.plan.processes[process]?.length ? 'exited' : null;
  }

  #leave(standing: Standing, index: number, end: ProcessEnd): void {
    standing.status = 'ended';
    standing.index = index + 1;
    standing.end = end;
    standing.waitsFor = null;
  }

  get #stopped(): boolean {
    return this.#runEnd !== null || this.#aborting;
  }

  #context() {
    const { landmarks = [], viewer = HOST_VIEWER } = this.#options;
    return { landmarks, viewer };
  }

  // ---- blocked processes ----

  /** Those that the last call woke get the time to come back. */
  async #awaitWoken(): Promise<void> {
    for (const [process, standing] of this.#standing) {
      if (standing.status !== 'blocked' || standing.hostPid === null) continue;
      const step = this.plan.processes[process]?.[standing.index];
      const syscall = step?.kind === 'call' ? step.syscall : '';
      const { hostPid } = standing;
      const probe = this.#options.probe ?? blockedIn;
      const back = (): boolean => this.#hasReturned(process, standing) || this.#stopped;
      if (!back() && probe(hostPid, syscall) !== null) continue; // sleeps on
      await this.#until(back, ARRIVE_MS);
    }
  }

  /** The report of the call in which it was blocked is here, and so is whatever follows it. */
  #hasReturned(process: ProcessName, standing: Standing): boolean {
    const index = this.#blockedAt(process, standing);
    return this.#reports.has(keyOf(process, index));
  }

  /** WAITING for the next step may be here before the blocked one was told. */
  #blockedAt(process: ProcessName, { index }: Standing): number {
    const told = this.#records.some((one) => one.process === process && one.index === index - 1);
    return index > 0 && !told && this.#reports.has(keyOf(process, index - 1)) ? index - 1 : index;
  }

  #recordWoken(): void {
    for (const [process, standing] of this.#standing) {
      if (standing.status !== 'blocked') continue;
      const index = this.#blockedAt(process, standing);
      const report = this.#reports.get(keyOf(process, index));
      const step = this.plan.processes[process]?.[index];
      if (report === undefined || step === undefined) continue;
      this.#learn(report);
      standing.waitsFor = null;
      const end = this.#endAfter(process, index, step, report);
      if (isFailure(this.plan, report)) this.#leave(standing, index, 'failed');
      else if (end !== null) this.#leave(standing, index, end);
      else standing.status = standing.index > index ? 'waiting' : 'running';
      this.#record(process, index, step, [], 0);
    }
  }

  /** A blocked call returned while nobody stepped: its partner is not of the plan. */
  #later(): void {
    void this.#inTurn(() => this.#collectLate());
  }

  /** Nobody can step now; a call that only took its time, or was woken late, may still return. */
  async #somebodyReturns(): Promise<boolean> {
    const returned = (): boolean =>
      [...this.#standing].some(
        ([process, standing]) =>
          standing.status === 'blocked' && this.#hasReturned(process, standing),
      );
    const can = (): boolean => this.next() !== null || returned() || this.#stopped;
    await this.#until(can, RETURN_MS);
    if (this.#stopped) await this.#noticeEnd();
    else if (returned()) await this.#collectLate();
    return this.next() !== null;
  }

  async #collectLate(): Promise<void> {
    const blocked = [...this.#standing.values()].some(({ status }) => status === 'blocked');
    if (!blocked || this.#phase !== 'stepping') return;
    const before = this.#state;
    const count = this.#records.length;
    this.#recordWoken();
    if (this.#records.length === count) return;
    const after = await this.#read(null);
    const changes = diffStates({ ...before, file: null }, after, {
      actor: null,
      ...this.#context(),
    });
    this.#amend(changes, after.readMs);
    await this.#noticeEnd();
    if (this.#phase === 'stepping') this.#tellPositions();
  }

  // ---- records ----

  #record(
    process: ProcessName,
    index: number,
    step: PlanStep,
    changes: readonly KernelChange[],
    readMs: number,
  ): void {
    const report = this.#reports.get(keyOf(process, index));
    const errno = report?.errno ?? 0;
    const failed = report !== undefined && isFailure(this.plan, report);
    const error = errno === 0 ? null : errorOf(step, errno);
    const returned = report !== undefined && !(becomesProgram(step) && errno === 0);
    const record: StepRecord = {
      seq: this.#records.length,
      process,
      index,
      step,
      registers: this.#stand(process).registers,
      result: report?.result ?? 0n,
      errno,
      code: errno === 0 ? null : errnoName(errno),
      meaning: errno === 0 ? null : errnoMeaning(errno),
      hint: error?.hint ?? null,
      tolerated: errno !== 0 && !failed,
      failed,
      nanoseconds: returned ? report.nanoseconds : null,
      changes,
      readMs,
    };
    this.#records.push(record);
    this.#tell({ type: 'call', record });
  }

  /** What a late call changed is known only after it was told. */
  #amend(changes: readonly KernelChange[], readMs: number): void {
    const last = this.#records.at(-1);
    if (last === undefined || changes.length === 0) return;
    const record = { ...last, changes, readMs };
    this.#records[this.#records.length - 1] = record;
    this.#tell({ type: 'call', record });
  }

  async #read(file: KernelState['file'], hostnames: 'all' | 'known' = 'all'): Promise<KernelState> {
    const processes: Record<ProcessName, number> = {};
    for (const [name, { hostPid, startTime, end }] of this.#standing) {
      // A number without its start time may be another process's by now.
      if (hostPid === null || end === 'killed') continue;
      if ((this.#options.startTime ?? startTimeOf)(hostPid) === startTime)
        processes[name] = hostPid;
    }
    this.#state = await this.#options.capture({ processes, file, hostnames });
    return this.#state;
  }

  // ---- the end ----

  async #noticeEnd(): Promise<void> {
    if (this.#phase !== 'stepping' || this.#aborting) return;
    const everybodyLeft =
      this.#standing.size > 0 &&
      [...this.#standing.values()].every(({ status }) => status === 'ended');
    if (everybodyLeft) await this.#until(() => this.#runEnd !== null, ARRIVE_MS);
    if (this.#runEnd === null) return;
    const { error } = this.#runEnd;
    if (error !== null) {
      await this.#finish({
        kind: 'failed',
        message: error.message,
        record: this.#records.find(({ failed }) => failed) ?? null,
        leftovers: [],
      });
    } else if (everybodyLeft) {
      this.#phase = 'ended';
      this.#conclude({ kind: 'completed' });
    } else {
      const lost = [...this.#standing].filter(([, { status }]) => status !== 'ended');
      const names = lost.map(([name]) => name).join(', ');
      const message = `process ${names} was killed from outside of the plan`;
      await this.#finish({ kind: 'failed', message, record: null, leftovers: [] });
    }
  }

  async #finish(outcome: Exclude<Outcome, { kind: 'completed' }>): Promise<void> {
    this.#phase = 'ending';
    for (const standing of this.#standing.values()) {
      if (standing.status === 'ended') continue;
      standing.status = 'ended';
      standing.end = 'killed';
      standing.waitsFor = null;
    }
    this.#run.abort();
    const leftovers = await this.#takeBack();
    this.#phase = 'ended';
    await this.#read(null);
    this.#conclude({ ...outcome, leftovers });
  }

  #conclude(outcome: Outcome): void {
    this.#outcome = outcome;
    this.#tellPositions();
    this.#tell({ type: 'ended', outcome });
  }

  /** Dead first, then the undo: a group with a living process cannot be removed. */
  async #takeBack(): Promise<readonly string[]> {
    const leftovers: string[] = [];
    const standings = [...this.#standing.values()];
    for (const standing of standings) this.#kill(standing);
    if (!(await this.#untilGone(standings, GONE_MS))) {
      leftovers.push('a process of the plan does not end');
    }
    await this.#until(() => this.#runEnd !== null, GONE_MS); // the player holds nothing of it any more
    await this.#untilReaped(standings);
    if (!this.#undone) {
      this.#undone = true;
      try {
        await this.#options.undo?.();
      } catch (error) {
        leftovers.push(error instanceof Error ? error.message : String(error));
      }
    }
    return leftovers;
  }

  #kill({ hostPid, startTime }: Standing): void {
    if (hostPid === null || startTime === null) return;
    if ((this.#options.startTime ?? startTimeOf)(hostPid) !== startTime) return;
    try {
      process.kill(hostPid, 'SIGKILL');
    } catch {
      // ESRCH: it has ended already
    }
  }

  async #untilGone(standings: readonly Standing[], ms: number): Promise<boolean> {
    const { startTime: read = startTimeOf } = this.#options;
    const gone = (): boolean =>
      standings.every(
        ({ hostPid, startTime }) =>
          hostPid === null || startTime === null || read(hostPid) !== startTime,
      );
    const deadline = performance.now() + ms;
    while (!gone()) {
      if (performance.now() > deadline) return false;
      await delay(LOOK_MS);
    }
    return true;
  }

  /** A zombie holds nothing but its number; it is the player's to reap, and gone in a moment. */
  async #untilReaped(standings: readonly Standing[]): Promise<void> {
    const deadline = performance.now() + ARRIVE_MS;
    const isThere = ({ hostPid }: Standing): boolean =>
      hostPid !== null && (this.#options.isZombie ?? isZombie)(hostPid);
    while (standings.some(isThere) && performance.now() < deadline) await delay(LOOK_MS);
  }

  // ---- waiting and telling ----

  /** Resolves when the condition holds after some news, or the time is over. */
  async #until(condition: () => boolean, ms: number): Promise<void> {
    const deadline = performance.now() + ms;
    while (!condition()) {
      const left = deadline - performance.now();
      if (left <= 0) return;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#wakers.add(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  #wake(): void {
    const wakers = [...this.#wakers];
    this.#wakers.clear();
    for (const wake of wakers) wake();
  }

  #tellPositions(): void {
    const { positions } = this;
    this.#tell({ type: 'positions', positions, next: this.next(), state: this.#state });
  }

  #tell(event: StepEvent): void {
    this.#options.onEvent?.(event);
  }
}

/** Calls that may give a host another name: by itself, or by a write to /proc/sys/kernel/hostname. */
function renames(step: PlanStep): boolean {
  const names = ['sethostname', 'setdomainname', 'write'];
  return step.kind !== 'call' || names.includes(step.syscall);
}

function keyOf(process: ProcessName, index: number): string {
  return `${process} ${index}`;
}

/** The words of a failed call, with the hint where the errno misleads. */
function errorOf(step: PlanStep, errno: number): SyscallError | null {
  if (step.kind !== 'call') return null;
  const { syscall, display } = step;
  const args = display.startsWith(`${syscall}(`) ? display.slice(syscall.length) : display;
  return new SyscallError({ syscall, errno, args });
}
