/**
 * ResidentPlayer: the Player that really runs plans. Holds the native player (the zygote of
 * native/player.c) as a child process and talks to it over a socketpair on the child's fd 3.
 * Runs in the daemon or the terminal host, as root; decides nothing about plans.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { CallReport, Plan, ProcessName } from './plan.js';
import {
  addressRun,
  encodeAbort,
  encodeRun,
  encodeStep,
  type PlayerRecord,
  PROTOCOL_VERSION,
  RecordReader,
} from './plan-codec.js';
import { isFailure, PlanError, planErrorFor } from './plan-error.js';
import {
  checkStep,
  type PlanResult,
  type PlanRun,
  type Player,
  type RunOptions,
} from './player.js';

/** Where native/build.mjs puts the player. */
export const PLAYER_BINARY = fileURLToPath(new URL('../build/player', import.meta.url));

/** Exits that nobody had asked for yet; onExit may come after a short-lived child's end. */
const REMEMBERED_EXITS = 1024;

/** What `ResidentPlayer.start` may be told. */
export interface ResidentPlayerOptions {
  /** path of the player; PLAYER_BINARY by default */
  readonly binary?: string;
  /** for tests: `--dry-run` does everything but the system calls */
  readonly args?: readonly string[];
  /** for tests of the sanitized build; empty otherwise, as every init shows it in /proc/1/environ */
  readonly env?: Readonly<Record<string, string>>;
  /** called when the player ends without close(): all runs have failed, the instance is dead */
  readonly onEnd?: (error: Error) => void;
}

interface Run {
  readonly plan: Plan;
  readonly names: readonly ProcessName[];
  readonly onReport: ((report: CallReport) => void) | undefined;
  readonly onStarted: ((process: ProcessName, hostPid: number) => void) | undefined;
  readonly onWaiting: ((process: ProcessName, index: number) => void) | undefined;
  readonly reports: CallReport[];
  readonly hostPids: Record<ProcessName, number>;
  /** calls that may not return, by process: they succeeded unless a report follows */
  readonly entering: Map<number, number>;
  readonly resolve: (result: PlanResult) => void;
  readonly reject: (error: Error) => void;
  failed: CallReport | undefined;
  refusal: string | undefined;
  aborted: boolean;
}

/** @see Player */
export class ResidentPlayer implements Player {
  readonly #child: ChildProcess;
  readonly #socket: Socket;
  readonly #reader = new RecordReader();
  readonly #runs = new Map<number, Run>();
  readonly #listeners = new Map<number, (waitStatus: number) => void>();
  readonly #exits = new Map<number, number>();
  readonly #onEnd: ((error: Error) => void) | undefined;
  readonly #ready: Promise<void>;
  #setReady: (error?: Error) => void = () => {};
  #nextRun = 1;
  #ended: Error | undefined;
  #closing = false;

  /**
   * Starts the native player and waits until it is ready.
   *
   * @throws Error when the binary is missing, cannot start, or belongs to another version
   */
  static async start(options: ResidentPlayerOptions = {}): Promise<ResidentPlayer> {
    const player = new ResidentPlayer(options);
    await player.#ready;
    return player;
  }

  private constructor(options: ResidentPlayerOptions) {
    this.#onEnd = options.onEnd;
    this.#ready = new Promise((resolve, reject) => {
      this.#setReady = (error) => (error === undefined ? resolve() : reject(error));
    });
    // Detached: an own session, or Ctrl-C on the daemon's terminal would end the player first.
    this.#child = spawn(options.binary ?? PLAYER_BINARY, options.args ?? [], {
      argv0: 'terrarium-player', // init writes its own name over it, which must fit
      env: { ...options.env },
      stdio: ['ignore', 'ignore', 'inherit', 'pipe'],
      detached: true,
    });
    this.#socket = this.#child.stdio[3] as Socket;
    this.#socket.on('data', (chunk: Buffer) => this.#onData(chunk));
    this.#socket.on('error', (error) => this.#end(error));
    this.#socket.on('close', () => this.#end(new Error('the player has ended')));
    this.#child.on('error', (error) => this.#end(error));
    // Not the socket's close alone: runners hold it too and may outlive their zygote.
    this.#child.on('exit', (code, signal) => {
      this.#end(new Error(`the player has ended (${signal ?? `exit ${code}`})`));
    });
  }

  /** host pid of the native player, to see it in tests and in /proc */
  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** @throws PlanEncodeError at once for a plan that cannot be encoded */
  run(plan: Plan, options: RunOptions = {}): PlanRun {
    if (this.#ended !== undefined)
      throw new Error(`cannot run plan ${plan.name}`, { cause: this.#ended });
    const id = this.#nextRun++;
    const manner = { stepped: options.stepped ?? false, batched: options.batched ?? false };
    const message =
      options.encoded === undefined
        ? encodeRun(plan, id, manner)
        : addressRun(options.encoded, id, manner);
    const names = Object.keys(plan.processes);
    const done = new Promise<PlanResult>((resolve, reject) => {
      this.#runs.set(id, {
        plan,
        names,
        onReport: options.onReport,
        onStarted: options.onStarted,
        onWaiting: options.onWaiting,
        reports: [],
        hostPids: {},
        entering: new Map(),
        resolve,
        reject,
        failed: undefined,
        refusal: undefined,
        aborted: false,
      });
    });
    done.catch(() => {}); // a caller that only follows reports need not handle the end
    this.#socket.write(message);
    return {
      done,
      step: (process) => {
        checkStep(plan, options, process);
        if (this.#runs.has(id)) this.#socket.write(encodeStep(id, names.indexOf(process)));
      },
      abort: () => this.#abort(id),
    };
  }

  onExit(hostPid: number, listener: (waitStatus: number) => void): void {
    const waitStatus = this.#exits.get(hostPid);
    if (waitStatus === undefined) {
      this.#listeners.set(hostPid, listener);
      return;
    }
    this.#exits.delete(hostPid);
    queueMicrotask(() => listener(waitStatus));
  }

  async close(): Promise<void> {
    this.#closing = true;
    if (
      this.#child.exitCode !== null ||
      this.#child.signalCode !== null ||
      this.#child.pid === undefined
    )
      return;
    const exit = once(this.#child, 'exit');
    this.#socket.end();
    await exit;
  }

  #abort(id: number): void {
    const run = this.#runs.get(id);
    if (run === undefined) return;
    run.aborted = true;
    this.#socket.write(encodeAbort(id));
  }

  #onData(chunk: Uint8Array): void {
    try {
      for (const record of this.#reader.push(chunk)) this.#dispatch(record);
    } catch (error) {
      this.#end(error as Error);
    }
  }

  #dispatch(record: PlayerRecord): void {
    switch (record.kind) {
      case 'ready':
        this.#setReady(
          record.version === PROTOCOL_VERSION
            ? undefined
            : new Error(
                `the player speaks version ${record.version}, not ${PROTOCOL_VERSION}: rebuild it`,
              ),
        );
        return;
      case 'exit':
        this.#dispatchExit(record.hostPid, record.waitStatus);
        return;
      case 'call':
      case 'entering':
      case 'started':
      case 'waiting':
      case 'done':
      case 'refused': {
        const run = this.#runs.get(record.run);
        if (run !== undefined) this.#dispatchRun(run, record);
      }
    }
  }

  #dispatchRun(run: Run, record: Extract<PlayerRecord, { run: number }>): void {
    switch (record.kind) {
      case 'call':
        run.entering.delete(record.process);
        this.#report(run, record);
        return;
      case 'entering':
        run.entering.set(record.process, record.index);
        return;
      case 'started':
        run.hostPids[processName(run, record.process)] = record.hostPid;
        this.#exits.delete(record.hostPid); // of an earlier process with the same pid
        run.onStarted?.(processName(run, record.process), record.hostPid);
        return;
      case 'waiting':
        run.onWaiting?.(processName(run, record.process), record.index);
        return;
      case 'refused':
        run.refusal ??= record.reason;
        if (run.reports.length === 0 && Object.keys(run.hostPids).length === 0)
          this.#finish(record.run, run);
        return;
      case 'done':
        this.#finish(record.run, run);
    }
  }

  #report(run: Run, record: Extract<PlayerRecord, { kind: 'call' }>): void {
    const { process, index, result, errno, nanoseconds, bytes } = record;
    const name = processName(run, process);
    const report: CallReport = { process: name, index, result, errno, nanoseconds };
    this.#deliver(run, bytes.length === 0 ? report : { ...report, bytes });
  }

  #deliver(run: Run, report: CallReport): void {
    run.reports.push(report);
    if (run.failed === undefined && isFailure(run.plan, report)) run.failed = report;
    run.onReport?.(report);
  }

  #finish(id: number, run: Run): void {
    this.#runs.delete(id);
    const { plan, reports, failed } = run;
    if (failed !== undefined) {
      run.reject(planErrorFor(plan, failed, reports));
    } else if (run.refusal !== undefined) {
      const message = `the player refused it: ${run.refusal}`;
      run.reject(new PlanError({ plan: plan.name, message, reports }));
    } else if (run.aborted) {
      run.reject(new PlanError({ plan: plan.name, message: 'aborted', reports }));
    } else {
      // A successful execve returns to nobody: its report is ours to make, without a time.
      for (const [process, index] of run.entering) {
        this.#deliver(run, {
          process: processName(run, process),
          index,
          result: 0n,
          errno: 0,
          nanoseconds: 0,
        });
      }
      run.resolve({ reports, hostPids: run.hostPids });
    }
  }

  #dispatchExit(hostPid: number, waitStatus: number): void {
    const listener = this.#listeners.get(hostPid);
    if (listener !== undefined) {
      this.#listeners.delete(hostPid);
      listener(waitStatus);
      return;
    }
    this.#exits.set(hostPid, waitStatus);
    const oldest = this.#exits.keys().next();
    if (this.#exits.size > REMEMBERED_EXITS && oldest.done === false)
      this.#exits.delete(oldest.value);
  }

  /** The player is gone: what it started may live on, but nobody will report it any more. */
  #end(error: Error): void {
    if (this.#ended !== undefined) return;
    this.#ended = error;
    this.#socket.destroy(); // or a runner that goes on would block once nobody reads its reports
    this.#setReady(error);
    for (const { plan, reports, reject } of this.#runs.values()) {
      reject(
        new PlanError({ plan: plan.name, message: 'the player has ended', reports, cause: error }),
      );
    }
    this.#runs.clear();
    if (!this.#closing) this.#onEnd?.(error);
  }
}

function processName(run: Run, index: number): ProcessName {
  return run.names[index] ?? `process ${index}`;
}
